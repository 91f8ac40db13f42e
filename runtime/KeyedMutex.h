// A mutex for each name in use.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace halo {

class KeyedMutex {
public:
  /// Holds one name's mutex while it lives.
  class Guard {
  public:
    Guard(KeyedMutex &owner, const std::string &name) : owner(owner), name(name) {
      {
        std::lock_guard<std::mutex> guard(owner.mutex);
        auto &slot = owner.slots[name];
        if (!slot)
          slot = std::make_shared<std::mutex>();
        held = slot;
      }
      held->lock();
    }
    ~Guard() {
      held->unlock();
      std::lock_guard<std::mutex> guard(owner.mutex);
      held.reset();
      // New references are only taken under owner.mutex, so one means that nobody waits.
      if (auto slot = owner.slots.find(name);
          slot != owner.slots.end() && slot->second.use_count() == 1)
        owner.slots.erase(slot);
    }
    Guard(const Guard &) = delete;

  private:
    KeyedMutex &owner;
    const std::string name;
    std::shared_ptr<std::mutex> held;
  };

private:
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<std::mutex>> slots;
};

} // namespace halo
