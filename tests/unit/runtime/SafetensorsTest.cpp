#include "runtime/Safetensors.h"

#include "tests/unit/runtime/TestSupport.h"

#include <filesystem>
#include <fstream>

namespace halo {
namespace {

using test::errorOf;
using test::expectRefused;

/// A folder of its own, gone afterwards.
class SafetensorsTest : public ::testing::Test {
protected:
  SafetensorsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "halo-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    path = folder / "t.safetensors";
  }
  ~SafetensorsTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string &content) {
    std::ofstream(path, std::ios::binary).write(content.data(), std::streamsize(content.size()));
  }
  /// A file with this header, which may lie about its length, and so many bytes of data.
  Result<TensorMap> read(const std::string &header, size_t data, uint64_t length = UINT64_MAX) {
    uint64_t size = length == UINT64_MAX ? header.size() : length;
    std::string content(reinterpret_cast<const char *>(&size), 8);
    for (size_t i = 0; i < data; ++i)
      content += char(i);
    write(content.insert(8, header));
    Result<TensorMap> tensors = readSafetensors(path), parsed = parseSafetensors(path, content);
    EXPECT_EQ(bool(tensors), bool(parsed)); // The file and its bytes say the same.
    if (tensors)
      EXPECT_EQ(tensors->size(), parsed->size());
    else
      EXPECT_EQ(tensors.error().message, parsed.error().message);
    return tensors;
  }
  size_t filesInFolder() {
    return size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  std::filesystem::path folder;
  std::string path;
};

const char *const kX = R"({"x":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}})";

TEST_F(SafetensorsTest, ReadsAFile) {
  auto tensors = read(R"({"__metadata__":{"format":"pt"},)"
                      R"("n":{"dtype":"I64","shape":[],"data_offsets":[12,20]},)"
                      R"("e":{"dtype":"F32","shape":[0,5],"data_offsets":[12,12]},)"
                      R"("x":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}   )",
                      20);
  HALO_ASSERT_OK(tensors);
  ASSERT_EQ(tensors->size(), 3u);
  const HostTensor &x = tensors->at("x");
  EXPECT_EQ(x.dtype, DType::BF16);
  EXPECT_EQ(x.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(x.elements(), 6);
  EXPECT_EQ(x.bytes.size(), 12u);
  EXPECT_EQ(x.bytes[11], 11);
  EXPECT_EQ(tensors->at("n").bytes[0], 12);
  EXPECT_EQ(tensors->at("n").elements(), 1);
  EXPECT_EQ(tensors->at("e").elements(), 0);
}

TEST_F(SafetensorsTest, WritesWhatItReads) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  TensorMap tensors;
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::I32, DType::I64}) {
    HostTensor tensor{type, {random.below(4), 1 + random.below(5)}, {}};
    tensor.bytes.resize(size_t(tensor.elements()) * size(type));
    for (unsigned char &byte : tensor.bytes)
      byte = static_cast<unsigned char>(random.below(256));
    tensors["tensor \"" + std::string(name(type)) + "\""] = tensor;
  }
  HALO_ASSERT_OK(writeSafetensors(path, tensors));
  HALO_ASSERT_OK(writeSafetensors(path, tensors)); // Over an old one.
  EXPECT_EQ(filesInFolder(), 1u);
  auto back = readSafetensors(path);
  HALO_ASSERT_OK(back);
  ASSERT_EQ(back->size(), tensors.size());
  for (const auto &[name, tensor] : tensors) {
    const HostTensor &other = back->at(name);
    EXPECT_EQ(other.dtype, tensor.dtype);
    EXPECT_EQ(other.shape, tensor.shape);
    EXPECT_EQ(other.bytes, tensor.bytes);
  }
  HALO_ASSERT_OK(writeSafetensors(path, {}));
  EXPECT_TRUE(readSafetensors(path)->empty());
}

TEST_F(SafetensorsTest, AlignsTheData) {
  TensorMap tensors;
  tensors["a"] = {DType::BF16, {1}, {1, 2}};
  tensors["b"] = {DType::I64, {1}, {1, 2, 3, 4, 5, 6, 7, 8}};
  HALO_ASSERT_OK(writeSafetensors(path, tensors));
  std::ifstream file(path, std::ios::binary);
  uint64_t length = 0;
  file.read(reinterpret_cast<char *>(&length), 8);
  EXPECT_EQ(length % 8, 0u);
  std::string header(length, ' ');
  file.read(header.data(), std::streamsize(length));
  EXPECT_NE(header.find(R"("data_offsets":[0,8],"dtype":"I64")"), std::string::npos) << header;
}

TEST_F(SafetensorsTest, RefusesALyingHeader) {
  write("");
  expectRefused(readSafetensors(path), "0 bytes");
  write("1234567");
  expectRefused(readSafetensors(path), "7 bytes");
  expectRefused(read(kX, 12, 1000), "claims 1000", "78");
  expectRefused(read(kX, 12, UINT64_MAX - 1), "claims 18446744073709551614");
  expectRefused(read(kX, 12, 3), "no JSON");
  expectRefused(read("", 0), "no JSON");
  expectRefused(read("[1,2]", 0), "no JSON object");
  expectRefused(read(std::string(kX).substr(0, 30), 12), "no JSON");
  expectRefused(read(std::string(100000, '['), 0), "no JSON");
  expectRefused(read("{\"\xff\":{}}", 0), "no JSON");
}

TEST_F(SafetensorsTest, RefusesMalformedTensors) {
  auto refuse = [&](const std::string &body, const char *part) {
    expectRefused(read("{\"x\":" + body + "}", 12), "'x'", part);
  };
  refuse("3", "no JSON object");
  refuse(R"({"shape":[3],"data_offsets":[0,12]})", "dtype");
  refuse(R"({"dtype":"F32","data_offsets":[0,12]})", "shape");
  refuse(R"({"dtype":"F32","shape":[3]})", "data_offsets");
  refuse(R"({"dtype":"F8_E4M3","shape":[12],"data_offsets":[0,12]})", "F8_E4M3");
  refuse(R"({"dtype":"f32","shape":[3],"data_offsets":[0,12]})", "f32");
  refuse(R"({"dtype":"F32","shape":[-3],"data_offsets":[0,12]})", "-3");
  refuse(R"({"dtype":"F32","shape":[3.0],"data_offsets":[0,12]})", "3.0");
  refuse(R"({"dtype":"F32","shape":["3"],"data_offsets":[0,12]})", "\"3\"");
  refuse(R"({"dtype":"F32","shape":3,"data_offsets":[0,12]})", "shape");
  refuse(R"({"dtype":"F32","shape":[3],"data_offsets":[0]})", "[0]");
  refuse(R"({"dtype":"F32","shape":[3],"data_offsets":[0,-12]})", "[0,-12]");
  refuse(R"({"dtype":"F32","shape":[3],"data_offsets":[12,0]})", "after its end 0");
  refuse(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})", "16 of 12");
  refuse(R"({"dtype":"F32","shape":[2],"data_offsets":[0,12]})", "8 bytes in a range of 12");
  refuse(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", "overflow");
  refuse(R"({"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]})", "overflow");
  refuse(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,12]})",
         "18446744073709551615");
}

TEST_F(SafetensorsTest, RefusesRangesThatDoNotTile) {
  auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
           R"("b":{"dtype":"F16","shape":[2],"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}}";
  };
  HALO_ASSERT_OK(read(two(4, 8), 8));
  expectRefused(read(two(2, 6), 8), "'b'", "byte 2", "inside", "at 4");
  expectRefused(read(two(6, 10), 10), "'b'", "byte 6", "hole after byte 4");
  expectRefused(read(two(4, 8), 9), "byte 8 of 9");
  expectRefused(read("{}", 1), "byte 0 of 1");
}

TEST_F(SafetensorsTest, RefusesDuplicateNames) {
  expectRefused(read(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                     R"("x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                     4),
                "'x'", "twice");
  expectRefused(read(R"({"x":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}})", 4),
                "'dtype'", "twice");
}

TEST_F(SafetensorsTest, RefusesWhatIsNestedTooDeep) {
  // Printing such a value in a refusal would need as much stack.
  std::string deep(5 << 20, '[');
  expectRefused(read(R"({"x":{"dtype":"BF16","shape":)" + deep, 0), "no JSON");
  std::string closed = std::string(2 << 20, '[') + std::string(2 << 20, ']');
  expectRefused(read(R"({"x":{"dtype":"BF16","data_offsets":[0,12],"shape":)" + closed + "}}", 12),
                "no JSON");
  HALO_EXPECT_OK(read(R"({"[[{{\"[":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})", 2));
}

TEST_F(SafetensorsTest, RefusesWhatIsNoFile) {
  expectRefused(readSafetensors(folder), "no regular file");
  expectRefused(readSafetensors(folder / "absent"), "absent");
}

TEST_F(SafetensorsTest, AFailedWriteLeavesNothing) {
  TensorMap tensors;
  tensors["x"] = {DType::F32, {2}, {1, 2, 3, 4}};
  expectRefused(writeSafetensors(path, tensors), "'x'", "[2]", "4 bytes");
  tensors["x"] = {DType::F32, {-1}, {}};
  expectRefused(writeSafetensors(path, tensors), "'x'");
  tensors.clear();
  tensors["__metadata__"] = {DType::F32, {1}, {1, 2, 3, 4}};
  expectRefused(writeSafetensors(path, tensors), "__metadata__");
  EXPECT_EQ(filesInFolder(), 0u);
  expectRefused(writeSafetensors(folder, {}), "no regular file");
  auto nowhere = writeSafetensors(folder / "absent" / "t", {});
  EXPECT_NE(errorOf(nowhere).find("absent"), std::string::npos);
}

} // namespace
} // namespace halo
