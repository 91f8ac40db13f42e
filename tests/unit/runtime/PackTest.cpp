// The file of a pack: every byte, every length, other versions and other files.
#include "runtime/Packs.h"
#include "runtime/Sha256.h"
#include "tests/unit/runtime/PackFixture.h"

namespace halo {
namespace {

using test::draftPack;
using test::expectRefused;
using test::parsePack;

/// Opens and verifies: what `halo pack verify` does.
Result<void> check(const std::string &bytes) {
  HALO_TRY(pack, Pack::parse("small.halopack", bytes));
  return pack->verify();
}

/// Writes the digests anew, as somebody would who changes a pack on purpose.
std::string resealed(std::string bytes) {
  size_t size = 0;
  for (int i = 3; i >= 0; --i)
    size = size << 8 | uint8_t(bytes[22 + size_t(i)]);
  std::string manifest = bytes.substr(kPackHeaderSize + kPackManifest.size(), size);
  size_t comment = bytes.size() - kPackCommentSize;
  bytes.replace(comment + kPackComment.size(), kPackDigest, sha256(manifest));
  bytes.resize(bytes.size() - kPackDigest);
  return bytes + sha256(bytes);
}

TEST(Pack, IsSoundAndTheSameEveryTime) {
  std::string bytes = draftPack().bytes();
  HALO_ASSERT_OK(check(bytes));
  EXPECT_EQ(bytes, draftPack().bytes());
  EXPECT_EQ(resealed(bytes), bytes);
  auto pack = parsePack(bytes);
  ASSERT_TRUE(pack);
  EXPECT_EQ(pack->layout().size, bytes.size());
  for (size_t i = 1; i < pack->layout().entries.size(); ++i) {
    const PackEntry &entry = pack->layout().entries[i];
    if (entry.page) {
      EXPECT_EQ(pack->layout().contents[i] % kPackPage, 0u) << entry.name;
    }
  }
}

TEST(Pack, AnyFlippedBitIsRefused) {
  const std::string good = draftPack().bytes();
  std::string bytes = good;
  size_t accepted = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = char(good[i] ^ 1 << bit);
      Result<void> checked = check(bytes);
      if (checked && !accepted++)
        ADD_FAILURE() << "bit " << bit << " of byte " << i << " of " << bytes.size() << " may change";
      if (!checked)
        ASSERT_EQ(checked.error().message.find("pack small.halopack: "), 0u);
      bytes[i] = good[i];
    }
  EXPECT_EQ(accepted, 0u);
}

TEST(Pack, AnyOtherLengthIsRefused) {
  const std::string good = draftPack().bytes();
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_FALSE(Pack::parse("p", good.substr(0, length))) << length;
  expectRefused(Pack::parse("p", good + '\0'), "pack p");
  // A tail that is moved to where the shorter file ends is no help.
  for (size_t cut : {1, 300, 1000})
    expectRefused(Pack::parse("p", good.substr(0, good.size() - kPackCommentSize - cut) +
                                       good.substr(good.size() - kPackCommentSize)),
                  "damaged");
}

TEST(Pack, WhatIsUsedIsCheckedWhenItIsUsed) {
  std::string bytes = draftPack().bytes();
  auto pack = parsePack(bytes);
  for (size_t i = 0; i < pack->manifest().blobs.size(); ++i) {
    std::string damaged = bytes;
    size_t place = pack->layout().contents[i + 1] + pack->manifest().blobs[i].bytes / 2;
    damaged[place] = char(damaged[place] ^ 4);
    auto opened = Pack::parse("small.halopack", damaged);
    HALO_ASSERT_OK(opened);
    expectRefused((*opened)->blob(i), pack->manifest().blobs[i].name, "SHA-256", "damaged");
  }
}

TEST(Pack, OtherFilesAreNone) {
  for (const std::string &foreign :
       {std::string(), std::string("PK\3\4"), std::string(100, '\0'), std::string("\x7f""ELF") + std::string(500, 'x'),
        std::string("PK\3\4") + std::string(26, '\0') + "mimetype" + std::string(300, ' ')})
    expectRefused(Pack::parse("other.zip", foreign), "pack other.zip: is no Halo pack");
  expectRefused(Pack::open("/nonexistent/x.halopack"), "/nonexistent/x.halopack", "No such file");
  expectRefused(Pack::open("/tmp"), "is no regular file");
  test::TempFolder folder;
  test::writeFile(folder / "empty.halopack", "");
  expectRefused(Pack::open(folder / "empty.halopack"), "is no Halo pack");
}

TEST(Pack, OtherVersionsAreNamed) {
  std::string bytes = draftPack().bytes();
  bytes[kPackHeaderSize + kPackNameStart.size()] = '2';
  expectRefused(Pack::parse("p", bytes), "version 2 where this runtime reads 1");

  std::string other = draftPack().bytes();
  size_t place = other.find("\"convention\":1");
  ASSERT_NE(place, std::string::npos);
  other.replace(place, 14, "\"convention\":7");
  expectRefused(Pack::parse("p", resealed(other)), "calling convention 7 where this runtime speaks 1");
}

TEST(Pack, AManifestThatLiesIsRefused) {
  const std::string good = draftPack().bytes();
  auto changed = [&](const std::string &from, const std::string &to) {
    std::string bytes = good;
    size_t place = bytes.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    return resealed(bytes.replace(place, from.size(), to));
  };
  expectRefused(check(changed("\"info\":2", "\"info\":9")), "info = 9 outside 0 to");
  expectRefused(check(changed("\"form\":\"sim\"", "\"form\":\"sum\"")), "the form 'sum'");
  expectRefused(check(changed("\"halopack\":1", "\"halopack\":3")), "version 3");
  test::PackDraft draft = draftPack();
  draft.manifest.problems[0].problem.kernel = "other";
  expectRefused(check(draft.bytes()), "other --dtype f32", "is not described");
  draft = draftPack();
  draft.manifest.problems[0].codes[0].schedule = "block_n=64";
  expectRefused(check(draft.bytes()), "where the manifest says 'block_n=64'");
}

TEST(Pack, ReadsFilesAndNoticesWhenTheyShrink) {
  test::TempFolder folder;
  std::string path = folder / "a.halopack", bytes = draftPack().bytes();
  test::writeFile(path, bytes);
  auto pack = Pack::open(path);
  HALO_ASSERT_OK(pack);
  HALO_ASSERT_OK((*pack)->verify());
  EXPECT_EQ((*pack)->digest(), sha256(bytes.substr(0, bytes.size() - kPackDigest)));
  std::filesystem::resize_file(path, 100);
  expectRefused((*pack)->blob(0), "100 bytes where there were");
}

TEST(Pack, LayoutsThatDoNotFitAreRefused) {
  expectRefused(layoutPack({{"a", uint64_t(5) << 30, false}}), "'a'", "does not fit");
  expectRefused(layoutPack({{"a", 0xf0000000, false}, {"b", 0xf0000000, true}}), "'b'");
  expectRefused(layoutPack({{"", 1, false}}), "a name of 0 bytes");
  expectRefused(layoutPack(std::vector<PackEntry>(70000, {"a", 0, false})), "70000", "65535");
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u); // The check value of CRC-32.
}

} // namespace
} // namespace halo
