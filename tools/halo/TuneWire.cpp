#include "tools/halo/TuneWire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

using namespace halo;
using namespace halo::tool;
using Clock = std::chrono::steady_clock;

namespace {
struct Header {
  uint32_t json = 0, reserved = 0;
  uint64_t blob = 0;
};
} // namespace

/// What no message reaches: a stream that lost its step is found before memory is asked for.
static constexpr uint64_t MostBytes = uint64_t(1) << 30;

static Result<void> sendAll(int socket, const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t sent = ::send(socket, next, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return failed(fmt::format("the peer is gone: {}", std::strerror(errno)));
    next += sent;
    bytes -= size_t(sent);
  }
  return {};
}

static Result<void> receiveAll(int socket, void *data, size_t bytes, int64_t milliseconds,
                               Clock::time_point start) {
  char *next = static_cast<char *>(data);
  while (bytes > 0) {
    int wait = -1;
    if (milliseconds >= 0) {
      auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
      wait = int(std::clamp<int64_t>(milliseconds - passed.count(), 0, 1 << 30));
    }
    pollfd ready{socket, POLLIN, 0};
    int count = ::poll(&ready, 1, wait);
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      return unavailable(fmt::format("timed out after {} ms", milliseconds));
    ssize_t got = ::recv(socket, next, bytes, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return failed("the peer has closed the connection");
    next += got;
    bytes -= size_t(got);
  }
  return {};
}

Result<void> halo::tool::sendMessage(int socket, const Message &message) {
  std::string text = message.json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  Header header;
  header.json = uint32_t(text.size());
  header.blob = message.blob.size();
  HALO_CHECK(sendAll(socket, &header, sizeof header));
  HALO_CHECK(sendAll(socket, text.data(), text.size()));
  return sendAll(socket, message.blob.data(), message.blob.size());
}

Result<Message> halo::tool::receiveMessage(int socket, int64_t milliseconds) {
  Clock::time_point start = Clock::now();
  Header header;
  HALO_CHECK(receiveAll(socket, &header, sizeof header, milliseconds, start));
  if (header.json > MostBytes || header.blob > MostBytes)
    return failed(fmt::format("a message of {} and {} bytes is more than {}", header.json,
                              header.blob, MostBytes));
  std::string text(header.json, '\0');
  Message message;
  message.blob.resize(header.blob);
  HALO_CHECK(receiveAll(socket, text.data(), text.size(), milliseconds, start));
  HALO_CHECK(receiveAll(socket, message.blob.data(), message.blob.size(), milliseconds, start));
  message.json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!message.json.is_object())
    return failed("a message is no JSON object");
  return message;
}
