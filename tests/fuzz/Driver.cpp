// A small fuzzer: halo-fuzz-TARGET [--seconds S] [--seed X] [--replay FILE]
//
// Inputs are mutated seeds. One that makes the target say something new (numbers and names aside) is
// kept and mutated further, so that the readers' refusals stand in for coverage. The same seed gives
// the same inputs, as far as the time allows. It is built with the address and undefined behaviour
// sanitizers: what they find ends the process, and the input is in ./fuzz-TARGET-SEED.bin.
#include "tests/fuzz/Fuzz.h"

#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <unistd.h>

extern "C" void __sanitizer_set_death_callback(void (*callback)(void));

namespace {

constexpr size_t kMaxInput = 1 << 20, kMaxKept = 2000;

std::string input, crashPath;

void keepInput() {
  std::ofstream(crashPath, std::ios::binary) << input;
  std::fprintf(stderr, "fuzz: the input is in %s\n", crashPath.c_str());
}

/// A hang is a finding too.
void onAlarm(int) {
  keepInput();
  _exit(1);
}

class Mutator {
public:
  explicit Mutator(uint64_t seed) : engine(seed) {}

  size_t below(size_t bound) { return bound ? engine() % bound : 0; }

  std::string mutate(std::string text, const std::vector<std::string> &others) {
    for (size_t rounds = 1 + below(4); rounds-- > 0;)
      step(text, others);
    text.resize(std::min(text.size(), kMaxInput));
    return text;
  }

private:
  void step(std::string &text, const std::vector<std::string> &others) {
    static const std::vector<std::string> tokens = {
        "\"", "[", "]", "{", "}", ",", ":", "null", "true", "-1", "0", "1e999", "0.5",
        "18446744073709551615", "9223372036854775807", "9223372036854775808", "4294967296",
        "\\u0000", "\xff\xfe", "[[[[[[[[", "{\"a\":{\"a\":"};
    size_t at = below(text.size() + 1), length = below(std::min<size_t>(text.size() - at + 1, 64));
    switch (below(8)) {
    case 0:
      if (at < text.size())
        text[at] = char(text[at] ^ 1 << below(8));
      break;
    case 1:
      if (at < text.size())
        text[at] = std::string("\0\1\177\200\377" "09az", 9)[below(9)];
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(below(text.size() + 1), length));
      break;
    case 4:
      text.insert(at, tokens[below(tokens.size())]);
      break;
    case 5: // A number becomes another one.
      while (at < text.size() && !std::isdigit(static_cast<unsigned char>(text[at])))
        ++at;
      for (length = 0; at + length < text.size() &&
                       std::isdigit(static_cast<unsigned char>(text[at + length]));)
        ++length;
      if (length)
        text.replace(at, length, below(2) ? std::to_string(engine() >> below(64))
                                          : tokens[9 + below(8)]);
      break;
    case 6: {
      const std::string &other = others[below(others.size())];
      text = text.substr(0, at) + other.substr(below(other.size() + 1));
      break;
    }
    case 7:
      text.resize(at);
      break;
    }
  }

  std::mt19937_64 engine;
};

/// What a sentence says, without numbers and quoted names.
std::string gist(const std::string &sentence) {
  std::string text;
  bool quoted = false;
  for (char c : sentence) {
    quoted ^= c == '\'';
    if (!quoted && !std::isdigit(static_cast<unsigned char>(c)))
      text += c;
  }
  return text.substr(0, 120);
}

int replay(const char *path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::printf("%s\n", halo::fuzz::feed(text).c_str());
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  double seconds = 10;
  uint64_t seed = std::random_device()();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seconds") == 0)
      seconds = std::atof(argv[i + 1]);
    else if (std::strcmp(argv[i], "--seed") == 0)
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (std::strcmp(argv[i], "--replay") == 0)
      return replay(argv[i + 1]);
  }
  const char *slash = std::strrchr(argv[0], '/');
  crashPath = std::string(slash ? slash + 1 : argv[0]) + "-" + std::to_string(seed) + ".bin";
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  __sanitizer_set_death_callback(keepInput);
  std::signal(SIGALRM, onAlarm);

  Mutator mutator(seed);
  std::vector<std::string> kept = halo::fuzz::seeds();
  std::set<std::string> known;
  for (const std::string &sound : kept)
    known.insert(gist(halo::fuzz::feed(input = sound)));
  size_t runs = 0, seeds = kept.size();
  auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    // Sound ones again and again: most mutants of a mutant are refused at once.
    const std::string &from = kept[mutator.below(mutator.below(2) ? seeds : kept.size())];
    input = mutator.mutate(from, kept);
    alarm(30);
    if (known.insert(gist(halo::fuzz::feed(input))).second && kept.size() < kMaxKept)
      kept.push_back(input);
  }
  alarm(0);
  std::printf("%zu inputs, %zu different answers\n", runs, known.size());
  // A fuzzer that reaches nothing finds nothing.
  return runs > 100 && known.size() > 10 ? 0 : 1;
}
