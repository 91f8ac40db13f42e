#include "tools/halo/inspect/Listing.h"

#include <cctype>
#include <cstdlib>

using namespace halo;
using namespace halo::tool;

static std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(uint8_t(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(uint8_t(text.back())))
    text.remove_suffix(1);
  return text;
}

static bool startsWith(std::string_view text, std::string_view what) {
  return text.substr(0, what.size()) == what;
}

/// Takes one line off the front.
static std::string_view nextLine(std::string_view &text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

static int numberIn(std::string_view text) {
  size_t at = text.find_first_of("0123456789");
  return at == std::string_view::npos ? 0 : std::atoi(std::string(text.substr(at, 9)).c_str());
}

/// "@%p2 bra $L;" in its parts.
static Instruction parseInstruction(std::string_view statement, int line) {
  Instruction instruction;
  instruction.text = std::string(statement);
  instruction.line = line;
  if (startsWith(statement, "@")) {
    size_t end = statement.find_first_of(" \t");
    instruction.guard = std::string(statement.substr(1, end - 1));
    statement = end == std::string_view::npos ? "" : trimmed(statement.substr(end));
  }
  size_t end = statement.find_first_of(" \t");
  instruction.opcode = std::string(statement.substr(0, end));
  if (end != std::string_view::npos)
    instruction.operands = std::string(trimmed(statement.substr(end)));
  return instruction;
}

Result<Listing> halo::tool::parsePtx(std::string_view text) {
  Listing listing;
  int line = 0;
  bool inside = false;
  while (!text.empty()) {
    std::string_view row = trimmed(nextLine(text));
    if (startsWith(row, ".target")) {
      std::string_view name = trimmed(row.substr(7));
      listing.arch = std::string(name.substr(0, name.find_first_of(" ,\t")));
    } else if (row.find(".entry") != std::string_view::npos) {
      std::string_view name = trimmed(row.substr(row.find(".entry") + 6));
      listing.entry = std::string(name.substr(0, name.find_first_of("( \t")));
    } else if (startsWith(row, ".maxntid")) {
      listing.threads = numberIn(row);
    } else if (row == "{" && !listing.entry.empty()) {
      inside = true;
    } else if (row == "}" && inside) {
      break;
    } else if (startsWith(row, ".loc")) {
      // .loc file line column
      std::string_view rest = trimmed(row.substr(4));
      size_t space = rest.find(' ');
      line = space == std::string_view::npos ? 0 : numberIn(rest.substr(space));
    } else if (!inside || row.empty() || row[0] == '.' || startsWith(row, "//")) {
      continue;
    } else if (row.back() == ':') {
      listing.labels[std::string(row.substr(0, row.size() - 1))] = listing.instructions.size();
    } else {
      if (row.back() == ';')
        row.remove_suffix(1);
      Instruction instruction = parseInstruction(row, line);
      if (startsWith(instruction.opcode, "bra"))
        instruction.target = instruction.operands;
      listing.instructions.push_back(std::move(instruction));
    }
  }
  if (listing.entry.empty() || listing.instructions.empty())
    return invalid("the PTX has no .entry with instructions");
  return listing;
}

Result<Listing> halo::tool::parseSass(std::string_view text) {
  Listing listing;
  listing.form = Listing::Form::Sass;
  int line = 0;
  bool inside = false;
  while (!text.empty()) {
    std::string_view row = trimmed(nextLine(text));
    if (startsWith(row, ".target") || startsWith(row, "code for ")) {
      size_t at = row.find("sm_");
      if (at != std::string_view::npos)
        listing.arch = std::string(row.substr(at, row.find_first_of(" ,\t", at) - at));
    } else if (startsWith(row, ".text.") && row.back() == ':') {
      if (inside)
        break; // Of several functions the first.
      listing.entry = std::string(row.substr(6, row.size() - 7));
      inside = true;
    } else if (startsWith(row, "Function : ")) {
      listing.entry = std::string(trimmed(row.substr(11)));
      inside = true;
    } else if (inside && startsWith(row, ".section")) {
      break;
    } else if (startsWith(row, "//## File")) {
      // //## File "conv.mlir", line 14
      size_t at = row.rfind("line ");
      line = at == std::string_view::npos ? 0 : numberIn(row.substr(at));
    } else if (inside && startsWith(row, ".L") && row.back() == ':') {
      listing.labels[std::string(row.substr(0, row.size() - 1))] = listing.instructions.size();
    } else if (inside && startsWith(row, "/*")) {
      // /*0010*/  @P0 BRA `(.L_x_0) ;
      size_t end = row.find("*/"), semicolon = row.find(';');
      if (end == std::string_view::npos || semicolon == std::string_view::npos || semicolon < end)
        continue;
      Instruction instruction =
          parseInstruction(trimmed(row.substr(end + 2, semicolon - end - 2)), line);
      if (startsWith(instruction.opcode, "BRA")) {
        size_t open = instruction.operands.find("`("), close = instruction.operands.find(')');
        if (open != std::string::npos && close != std::string::npos)
          instruction.target = instruction.operands.substr(open + 2, close - open - 2);
      }
      listing.instructions.push_back(std::move(instruction));
    }
  }
  if (listing.instructions.empty())
    return invalid("the disassembly has no function with instructions");
  return listing;
}
