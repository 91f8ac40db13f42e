#include "runtime/CacheKey.h"

#include "runtime/Sha256.h"

namespace halo {

static std::string escape(const std::string &value) {
  std::string text;
  for (char c : value) {
    if (c == '\n' || c == '\\')
      text += '\\';
    text += c == '\n' ? 'n' : c;
  }
  return text;
}

static std::string unescape(std::string_view text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escaped = text[i] == '\\' && i + 1 < text.size();
    char c = text[escaped ? ++i : i];
    value += escaped && c == 'n' ? '\n' : c;
  }
  return value;
}

std::string CacheKey::text() const {
  std::string text = "kind=" + kindName + "\n";
  for (const auto &[name, value] : fields)
    text += name + "=" + escape(value) + "\n";
  return text;
}

std::string CacheKey::hash() const { return sha256(text()); }

std::vector<std::pair<std::string, std::string>> CacheKey::fieldsOf(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (size_t equals = line.find('='); equals != std::string_view::npos)
      fields.emplace_back(line.substr(0, equals), unescape(line.substr(equals + 1)));
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  return fields;
}

} // namespace halo
