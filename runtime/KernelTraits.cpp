// KernelTraits as JSON: names are the names of the fields. A new field gets its line in visit().
#include "runtime/Json.h"
#include "runtime/Schedule.h"

#include <fmt/format.h>

namespace halo {

using nlohmann::json;

namespace {

/// Every number and flag; apart are the layout, the one name, and `keeps`, which packs that were
/// built before it do not have.
template <typename Traits, typename Number, typename Flag>
void visit(Traits &traits, Number number, Flag flag) {
  number("align", traits.align, 1, 16);
  number("maxElementBytes", traits.maxElementBytes, 1, 16);
  number("minElementBytes", traits.minElementBytes, 1, 16);
  number("maxTaps", traits.maxTaps, 0, INT32_MAX);
  number("sumTaps", traits.sumTaps, 0, INT32_MAX);
  number("halo", traits.halo, 0, INT32_MAX);
  number("channels", traits.channels, 0, INT32_MAX);
  number("modes", traits.modes, 0, INT32_MAX);
  number("views", traits.views, 0, INT32_MAX);
  number("streams", traits.streams, 1, INT32_MAX);
  number("head", traits.head, 0, INT32_MAX);
  number("partUnit", traits.partUnit, 0, INT32_MAX);
  number("toeplitzGroup", traits.toeplitzGroup, 0, INT32_MAX);
  flag("crossLayout", traits.crossLayout);
  flag("fast", traits.fast);
  flag("storesStates", traits.storesStates);
  flag("loadsStates", traits.loadsStates);
  flag("packed", traits.packed);
}

} // namespace

std::string KernelTraits::toJson() const {
  json object = {{"layout", name(layout)}, {"keeps", keeps}};
  visit(
      *this, [&](const char *field, int64_t value, int64_t, int64_t) { object[field] = value; },
      [&](const char *field, bool value) { object[field] = value; });
  return printJson(object);
}

Result<KernelTraits> KernelTraits::fromJson(std::string_view text) {
  json document = parseJson(text);
  JsonFields fields(document, "kernel traits");
  KernelTraits traits;
  std::string layout = fields.text("layout");
  bool known = false;
  for (Layout one : {Layout::BDL, Layout::BLD, Layout::BD, Layout::DL})
    if (name(one) == layout) {
      traits.layout = one;
      known = true;
    }
  if (!known)
    fields.complain(fmt::format("has layout '{}' where bdl, bld, bd or dl is expected", layout));
  visit(
      traits,
      [&](const char *field, auto &value, int64_t min, int64_t max) {
        value = std::decay_t<decltype(value)>(fields.integer(field, min, max));
      },
      [&](const char *field, bool &value) { value = fields.flag(field); });
  traits.keeps = document.is_object() && document.contains("keeps") && fields.flag("keeps");
  HALO_CHECK(fields.done());
  return traits;
}

} // namespace halo
