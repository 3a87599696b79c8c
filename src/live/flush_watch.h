// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_FLUSH_WATCH_H_
#define WQPROF_LIVE_FLUSH_WATCH_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "wqprof/flush_waits.h"

namespace wqprof {

// Watches all tasks of this machine for waits in flushes, by a BPF program of ours, which the
// kernel removes with this process.
class FlushWatch {
 public:
  // Takes some 100 ms: the kernel's BTF is read, and each function is switched on by itself.  The
  // error says in one clause what is missing: the build, rights, BTF, all functions.
  static absl::StatusOr<std::unique_ptr<FlushWatch>> Load(Nanos floor);
  virtual ~FlushWatch() = default;
  // Hands over the waits that ended since the last call; their functions are addresses.
  using Taker = std::function<void(FlushWait wait, uint64_t function)>;
  virtual void Take(const Taker& take) = 0;
  // All but the waits and the calls, as it stands.
  virtual FlushLog Look() const = 0;
  // Watches no more, hands over the rest, and says all but the waits.
  virtual FlushLog End(const Taker& take) = 0;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_FLUSH_WATCH_H_
