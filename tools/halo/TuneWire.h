// Messages between `halo tune` and its worker process, over a socket: a JSON object and some bytes.
//
//   | u32 bytes of JSON | u32 0 | u64 bytes of blob | JSON | blob |    host byte order: one machine
//
// Every read has a deadline: a peer that hangs is an answer too.
#pragma once

#include "runtime/Result.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

struct Message {
  nlohmann::json json;
  std::string blob;
};

/// Fails where the peer is gone; never raises SIGPIPE.
Result<void> sendMessage(int socket, const Message &message);
/// Waits up to `milliseconds`, forever where that is negative. "timed out" is an Unavailable error,
/// a closed or broken socket a Failed one.
Result<Message> receiveMessage(int socket, int64_t milliseconds);

} // namespace halo::tool
