// Pictures of an inspection as SVG elements: the tile a block works on, its pipeline, the roofline.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// Positions to the right, channels downwards: the halo, the block's own positions, its steps.
std::string tilePicture(const nlohmann::ordered_json &report);
/// Which step is loaded while which is computed.
std::string pipelinePicture(const nlohmann::ordered_json &report);
/// Operations per byte against operations per second, both by powers of ten.
std::string rooflinePicture(const nlohmann::ordered_json &roofline);
/// The walls as bars.
std::string wallsPicture(const nlohmann::ordered_json &roofline);

/// Text for HTML and SVG: & < > " are spelled out.
std::string escaped(const std::string &text);

} // namespace halo::tool
