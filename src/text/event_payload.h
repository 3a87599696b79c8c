// SPDX-License-Identifier: Apache-2.0
// What stands behind an event's name, for the events that the analysis uses.
#ifndef WQPROF_TEXT_EVENT_PAYLOAD_H_
#define WQPROF_TEXT_EVENT_PAYLOAD_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "wqprof/event.h"
#include "wqprof/name_table.h"

namespace wqprof {

enum class PayloadResult : uint8_t {
  kBad,      // something else
  kPartial,  // the line ends before it does
  kOpen,     // whole, but for what a broken line may bring: a function's module, say
  kWhole,
};

// Gives names their ids; most names were seen before.
class NameCache {
 public:
  explicit NameCache(NameTable& names) : names_(names) {}
  NameId IdOf(std::string_view name);
  NameTable& table() { return names_; }

 private:
  struct Entry {
    std::string_view name;  // in the table
    NameId id = NameId::kUnknown;
  };
  NameTable& names_;
  std::array<Entry, 4096> entries_;
};

// How the input writes addresses; found out on the way.
struct PointerForm {
  bool hashed = false;  // 32 bits in sixteen digits
  bool blank = false;   // "(ptrval)": no identity
  uint8_t digits = 0;   // of the last one
};

// Reads payloads into events.  Of an event that fails nothing is used.
class PayloadReader {
 public:
  explicit PayloadReader(NameTable& names) : names_(names) {}

  // One of the four events of works; sets Event::work.
  PayloadResult ReadWork(EventKind kind, std::string_view payload, Event& event);
  // perf trace's way to write them.
  PayloadResult ReadWorkArguments(EventKind kind, std::string_view payload, Event& event);
  // Any other event of EventKind.  Returns whether it could be read.
  bool ReadOther(EventKind kind, std::string_view payload, Event& event);

  const PointerForm& pointers() const { return pointers_; }
  // CPUs of the traced machine, as far as is known: WORK_CPU_UNBOUND is NR_CPUS or more.
  void set_cpus(int cpus) { cpus_ = cpus; }
  NameCache& names() { return names_; }

 private:
  bool ReadPointer(std::string_view& rest, uint64_t& value);
  PayloadResult ReadQueueTail(std::string_view rest, Event::Work& work);
  // Sets `id`; false: it is no function's text.
  bool TakeFunction(std::string_view text, NameId& id);
  NameId FunctionOf(std::string_view text);
  NameId WorkqueueOf(std::string_view text);
  Cpu RequestedCpu(int64_t value) const;
  bool ReadSwitch(std::string_view payload, Event& event);
  bool ReadWake(std::string_view payload, Event& event);
  bool ReadTask(EventKind kind, std::string_view payload, Event& event);
  bool ReadTimer(EventKind kind, std::string_view payload, Event& event);

  // A text that was a function's before.
  struct SeenFunction {
    std::array<char, 56> text{};
    uint32_t size = 0;
    NameId id = NameId::kUnknown;
  };

  NameCache names_;
  std::array<SeenFunction, 1024> seen_functions_;
  PointerForm pointers_;
  int cpus_ = 0;
  std::string scratch_;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_PAYLOAD_H_
