#include "tools/halo/Arguments.h"

#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

using namespace halo;
using namespace halo::tool;

std::string Syntax::help() const {
  std::string text = fmt::format("usage: halo {}", command);
  for (const std::string &positional : positionals)
    text += " " + positional;
  text += fmt::format(" [options]\n\n{}\n\noptions:\n", summary);
  std::vector<std::pair<std::string, std::string>> rows;
  size_t width = 0;
  for (const Option &option : options) {
    std::string left = option.name;
    if (!option.valueName.empty())
      left += " " + option.valueName;
    width = std::max(width, left.size());
    rows.emplace_back(left, option.help + (option.repeatable ? " (repeatable)" : ""));
  }
  rows.emplace_back("--help", "show this text");
  for (const auto &row : rows)
    text += fmt::format("  {:<{}}  {}\n", row.first, width, row.second);
  if (!notes.empty())
    text += "\n" + notes + "\n";
  return text;
}

static const Option *findOption(const Syntax &syntax, const std::string &name) {
  for (const Option &option : syntax.options)
    if (option.name == name)
      return &option;
  return nullptr;
}

Result<Arguments> Arguments::parse(const Syntax &syntax, const std::vector<std::string> &words) {
  Arguments result;
  std::vector<std::string> names;
  for (const Option &option : syntax.options)
    names.push_back(option.name);
  names.push_back("--help");

  bool onlyPositionals = false;
  std::vector<std::string> *list = nullptr; // --set K=4 layout=bld: further values of one option.
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (list && !onlyPositionals && word[0] != '-' && word.find('=') != std::string::npos) {
      list->push_back(word);
      continue;
    }
    list = nullptr;
    if (onlyPositionals || word.size() < 2 || word[0] != '-') {
      if (result.positionals.size() == syntax.positionals.size())
        return invalid(fmt::format("unexpected argument '{}' of halo {}", word, syntax.command));
      result.positionals.push_back(word);
      continue;
    }
    if (word == "--") {
      onlyPositionals = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      result.help = true;
      return result;
    }
    // "--name=value" is cut at the first '='; a short option never carries one.
    size_t equals = word[1] == '-' ? word.find('=') : std::string::npos;
    std::string name = word.substr(0, equals);
    const Option *option = findOption(syntax, name);
    if (!option)
      return invalid(unknown("option", name, names));
    std::vector<std::string> values;
    if (equals != std::string::npos)
      values.push_back(word.substr(equals + 1));
    if (option->valueName.empty() && !values.empty())
      return invalid(fmt::format("option {} takes no value", name));
    size_t wanted = option->valueName.empty() ? 0 : option->numValues;
    // One value is whatever comes next; of several, none may be the next option.
    while (values.size() < wanted && i + 1 < words.size() &&
           (wanted == 1 || words[i + 1].compare(0, 2, "--") != 0))
      values.push_back(words[++i]);
    if (values.size() < wanted)
      return invalid(fmt::format("option {} needs {}: {} {}", name,
                                 wanted == 1 ? "a value" : fmt::format("{} values", wanted), name,
                                 option->valueName));
    std::vector<std::string> &given = result.options[name];
    if (!given.empty() && !option->repeatable)
      return invalid(fmt::format("option {} is given twice", name));
    if (values.empty()) // A flag is there or not; its value says nothing.
      values.emplace_back();
    given.insert(given.end(), values.begin(), values.end());
    if (option->repeatable && option->valueName.find('=') != std::string::npos)
      list = &given;
  }

  for (size_t i = result.positionals.size(); i < syntax.positionals.size(); ++i)
    if (syntax.positionals[i][0] != '[')
      return invalid(fmt::format("halo {} needs {}: see halo {} --help", syntax.command,
                                 syntax.positionals[i], syntax.command));
  return result;
}

std::string Arguments::value(const std::string &option, const std::string &fallback) const {
  auto found = options.find(option);
  return found == options.end() ? fallback : found->second.front();
}

std::vector<std::string> Arguments::values(const std::string &option) const {
  auto found = options.find(option);
  return found == options.end() ? std::vector<std::string>() : found->second;
}

Result<int64_t> Arguments::number(const std::string &option, int64_t fallback,
                                  int64_t least) const {
  if (!has(option))
    return fallback;
  std::optional<int64_t> parsed = parseNumber(value(option));
  if (!parsed)
    return invalid(
        fmt::format("option {} is '{}', expected a whole number", option, value(option)));
  if (*parsed < least)
    return invalid(fmt::format("option {} is {}, expected at least {}", option, *parsed, least));
  return *parsed;
}

std::string Arguments::positional(size_t index) const {
  return index < positionals.size() ? positionals[index] : "";
}

std::optional<int64_t> halo::tool::parseNumber(const std::string &text) {
  int64_t number = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end)
    return std::nullopt;
  return number;
}

std::vector<std::string> halo::tool::splitList(const std::string &text, char separator) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(separator, begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

Result<NamedValue> halo::tool::parseNamedValue(const std::string &option, const std::string &text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return invalid(fmt::format("{} '{}' is not of the form NAME=VALUE", option, text));
  return NamedValue{text.substr(0, equals), text.substr(equals + 1)};
}
