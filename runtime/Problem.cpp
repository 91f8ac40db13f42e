#include "runtime/Problem.h"

#include "runtime/DType.h"
#include "runtime/Join.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

namespace halo {

namespace {

bool isPlain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_./:,=+@%^-", c);
}

/// One word as a POSIX shell reads it back.
std::string quote(const std::string &word) {
  if (!word.empty() &&
      std::all_of(word.begin(), word.end(), [](char c) { return c && isPlain(c); }))
    return word;
  std::string quoted = "'";
  for (char c : word)
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  return quoted + "'";
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/// A shell's words, with single quotes, double quotes and backslashes but nothing that expands.
Result<std::vector<std::string>> splitWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inWord = false;
  char open = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (open) {
      if (c == open)
        open = 0;
      else if (open == '"' && c == '\\' && i + 1 < text.size())
        word += text[++i];
      else
        word += c;
      continue;
    }
    if (isBlank(c)) {
      if (inWord)
        words.push_back(std::exchange(word, ""));
      inWord = false;
      continue;
    }
    inWord = true;
    if (c == '\'' || c == '"')
      open = c;
    else if (c == '\\' && i + 1 < text.size())
      word += text[++i];
    else
      word += c;
  }
  if (open)
    return invalid(fmt::format("problem: a {} is not closed", open));
  if (inWord)
    words.push_back(word);
  return words;
}

bool isName(std::string_view text) {
  auto inName = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), inName);
}

bool isOption(std::string_view word) { return word.substr(0, 2) == "--"; }

class Parser {
public:
  explicit Parser(std::vector<std::string> words) : words(std::move(words)) {}

  Result<Problem> run() {
    while (next < words.size()) {
      const std::string &word = words[next++];
      if (word == "--set")
        HALO_CHECK(parseSets());
      else if (word == "--dtype")
        HALO_CHECK(parseType(word, "T"));
      else if (word == "--wdtype")
        HALO_CHECK(parseType(word, "W"));
      else if (word == "--with")
        HALO_CHECK(parseWith());
      else if (isOption(word))
        return invalid(fmt::format("problem: unknown option {}", word));
      else if (!problem.kernel.empty())
        return invalid(
            fmt::format("problem: '{}' is a second kernel after '{}'", word, problem.kernel));
      else if (word.empty())
        return invalid("problem: the kernel's name is empty");
      else
        problem.kernel = word;
    }
    if (problem.kernel.empty())
      return invalid("problem: no kernel is named");
    return problem;
  }

private:
  Result<void> parseSets() {
    bool any = false;
    while (next < words.size() && !isOption(words[next])) {
      size_t equals = words[next].find('=');
      if (equals == std::string::npos)
        break;
      HALO_CHECK(set(words[next].substr(0, equals), words[next].substr(equals + 1)));
      ++next;
      any = true;
    }
    if (!any)
      return invalid("problem: --set takes name=value");
    return {};
  }

  Result<void> set(const std::string &name, const std::string &value) {
    if (!isName(name))
      return invalid(fmt::format("problem: '{}' is no name of a parameter", name));
    if (value.empty())
      return invalid(fmt::format("problem: {} is set to nothing", name));
    bool *given = name == "align" ? &alignGiven : name == "invariant" ? &invariantGiven : nullptr;
    bool first = given ? !std::exchange(*given, true) : problem.params.emplace(name, value).second;
    if (!first)
      return invalid(fmt::format("problem: {} is set twice", name));
    if ((name == "T" || name == "W") && !isFloatName(value))
      return invalid(
          fmt::format("problem: {} is {} where f32, f16 or bf16 is expected", name, value));
    if (name == "invariant") {
      if (value != "true" && value != "false")
        return invalid(
            fmt::format("problem: invariant is {} where true or false is expected", value));
      problem.invariant = value == "true";
    }
    if (name != "align")
      return {};
    if (value != "1" && value != "16")
      return invalid(fmt::format("problem: align is {} where 1 or 16 is expected", value));
    problem.align = value == "1" ? 1 : 16;
    return {};
  }

  static bool isFloatName(std::string_view text) {
    std::optional<DType> type = parseDType(text);
    return type && isFloat(*type);
  }

  Result<void> parseType(const std::string &option, const char *param) {
    if (next == words.size() || isOption(words[next]))
      return invalid(fmt::format("problem: {} takes f32, f16 or bf16", option));
    return set(param, words[next++]);
  }

  Result<void> parseWith() {
    if (next == words.size() || isOption(words[next]))
      return invalid("problem: --with takes names of operands");
    std::string_view list = words[next++];
    while (true) {
      size_t comma = list.find(',');
      std::string_view operand = list.substr(0, comma);
      if (!isName(operand))
        return invalid(fmt::format("problem: --with has '{}', which is no name", operand));
      problem.with.emplace(operand);
      if (comma == std::string_view::npos)
        return {};
      list.remove_prefix(comma + 1);
    }
  }

  std::vector<std::string> words;
  size_t next = 0;
  Problem problem;
  bool alignGiven = false, invariantGiven = false;
};

} // namespace

std::string Problem::print() const {
  std::string text = quote(kernel);
  auto type = [&](const char *option, const char *param) {
    if (auto found = params.find(param); found != params.end())
      text += fmt::format(" {} {}", option, quote(found->second));
  };
  type("--dtype", "T");
  type("--wdtype", "W");
  for (const auto &[name, value] : params)
    if (name != "T" && name != "W")
      text += " --set " + quote(name + "=" + value);
  if (align == 1)
    text += " --set align=1";
  if (invariant)
    text += " --set invariant=true";
  if (!with.empty())
    text += " --with " + join(with, ",");
  return text;
}

Result<std::vector<std::string>> Problem::words(std::string_view text) { return splitWords(text); }

Result<Problem> Problem::parse(std::string_view text) {
  HALO_TRY(split, words(text));
  return parse(std::move(split));
}

Result<Problem> Problem::parse(std::vector<std::string> words) {
  return Parser(std::move(words)).run();
}

bool Problem::operator==(const Problem &other) const {
  return kernel == other.kernel && params == other.params && with == other.with &&
         align == other.align && invariant == other.invariant;
}

} // namespace halo
