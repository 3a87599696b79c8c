// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_EVENT_NAMES_H_
#define WQPROF_TEXT_EVENT_NAMES_H_

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wqprof/event.h"

namespace wqprof {

// The kinds of events that a text holds, by name, and how many there are of each.
class EventNames {
 public:
  struct Entry {
    std::string name;               // "system:name" of those that are read, else the name
    std::optional<EventKind> kind;  // absent: not used by the analysis
    uint64_t count = 0;
  };

  EventNames();
  // The entry of `name`, which has no system; made if need be.  Valid as long as this object.
  Entry& Of(std::string_view name) {
    Entry*& last = recent_[Slot(name)];
    if (last == nullptr || !Bare(*last).ends_with(name) || Bare(*last).size() != name.size()) {
      last = &Find(name);
    }
    return *last;
  }
  // By name, those that occurred.
  std::vector<std::pair<std::string, uint64_t>> Counts() const;

 private:
  // A hostile text cannot grow the table without bound.
  static constexpr size_t kMostNames = 4096;

  static std::string_view Bare(const Entry& entry) {
    const std::string_view name = entry.name;
    return name.substr(name.find(':') + 1);
  }
  static size_t Slot(std::string_view name) {
    if (name.empty()) return 0;
    return (name.size() * 31 + static_cast<uint8_t>(name.back()) * 7 +
            static_cast<uint8_t>(name[name.size() / 2])) %
           64;
  }
  Entry& Find(std::string_view name);

  std::deque<Entry> entries_;
  std::unordered_map<std::string_view, Entry*> by_name_;
  std::array<Entry*, 64> recent_{};
  Entry other_{"(other events)", std::nullopt, 0};
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_NAMES_H_
