// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_WORK_IDENTITY_H_
#define WQPROF_PFTRACE_WORK_IDENTITY_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/event.h"

namespace wqprof {

// Perfetto's recorder writes no addresses of works.  It numbers them in the order in which it sees
// them, and forgets the numbers when it has emptied the kernel's buffers: the same number then
// stands for another work, and the same work has another number.
//
// A number and its generation together are an id.
struct NumberedWork {
  // Generations count from 4096 on, so that an id is larger than any 32-bit address and smaller
  // than any 64-bit one of a kernel.
  static constexpr uint64_t kFirstGeneration = 4096;
  static constexpr int kNumberBits = 20;
  static constexpr uint64_t kMostNumber = (uint64_t{1} << kNumberBits) - 1;
  static constexpr uint64_t kMostGeneration = uint64_t{1} << 42;

  static bool IsNumber(uint64_t value) { return value != 0 && value <= kMostNumber; }
  static WorkAddr IdOf(uint64_t generation, uint64_t number) {
    return WorkAddr{generation << kNumberBits | number};
  }
  static bool IsId(WorkAddr work) {
    const uint64_t generation = ToInt(work) >> kNumberBits;
    return generation >= kFirstGeneration && generation < kMostGeneration;
  }
  static uint64_t GenerationOf(WorkAddr work) { return ToInt(work) >> kNumberBits; }
};

// Puts the parts of items together again that lie in several generations, where it is certain what
// belongs together: an end belongs to the start of the same worker; a start, or an activation, that
// was not queued in its own generation belongs to the only work that waits with this function.
class WorkIdentity {
 public:
  // Gives the work of an event of a work the id that it had first.  Events come in order of time.
  // False: several works may be meant; which of those with this function is which is not known any
  // more.
  bool Resolve(Event& event);
  // Events are missing: nobody knows who waits.
  void Forget();

 private:
  // A work that was queued and has not started.
  struct Waiting {
    WorkAddr work{};
    bool activated = false;
  };
  struct Running {
    WorkAddr work{};
    NameId function = NameId::kUnknown;
  };
  static constexpr size_t kMostWaiting = 256;   // of a function
  static constexpr size_t kMostFunctions = 64;  // among which an event without one is looked for
  static constexpr size_t kMostEntries = 1 << 18;
  static constexpr uint64_t kKeptGenerations = 64;

  // What an event means that its own generation has not named before.
  enum class Found : uint8_t { kNone, kOne, kSeveral };
  Found FindWaiting(const Event& event, WorkAddr& work) const;
  void ForgetWaiting(NameId function);
  void Queue(const Event& event);
  void Start(const Event& event);
  void DropOld(uint64_t generation);

  absl::flat_hash_map<uint64_t, WorkAddr> known_;  // id -> the id that the work had first
  absl::flat_hash_map<uint32_t, std::vector<Waiting>> waiting_;  // by function
  absl::flat_hash_map<int32_t, Running> running_;                // by the worker's pid
  size_t drop_at_ = kMostEntries / 4;
};

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_WORK_IDENTITY_H_
