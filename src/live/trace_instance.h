// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_TRACE_INSTANCE_H_
#define WQPROF_LIVE_TRACE_INSTANCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "live/tracefs.h"

struct tracefs_instance;

namespace wqprof {

// The process that an instance belongs to.  The start time distinguishes it from a later process
// with the same pid.
struct InstanceOwner {
  int pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot
  friend bool operator==(const InstanceOwner&, const InstanceOwner&) = default;
};

// "wqprof-<pid>-<start time>".
std::string InstanceName(const InstanceOwner& owner);
std::optional<InstanceOwner> OwnerOfInstance(std::string_view name);

// The process that has `pid` now; nothing when it is gone, or dead and not yet waited for.
std::optional<InstanceOwner> LivingProcess(int pid);

// Instances of recorders that live no more.
std::vector<std::string> LeftoverInstances(const Tracefs& tracefs);
// Returns those that are gone now; one that somebody keeps open stays.
std::vector<std::string> RemoveLeftoverInstances(const Tracefs& tracefs);

// A tracefs instance of this process, with tracing off.  It is removed at the end of the
// object's life; all files in it must have been closed by then.
class TraceInstance {
 public:
  static absl::StatusOr<std::unique_ptr<TraceInstance>> Create(const Tracefs& tracefs);
  // One of somebody else, which is neither changed nor removed; "": the top level. kInvalidArgument
  // when there is none of that name.
  static absl::StatusOr<std::unique_ptr<TraceInstance>> Attach(const Tracefs& tracefs,
                                                               const std::string& name);
  ~TraceInstance();
  TraceInstance(const TraceInstance&) = delete;
  TraceInstance& operator=(const TraceInstance&) = delete;

  const std::string& name() const { return name_; }
  std::string File(std::string_view file) const;
  tracefs_instance* handle() const { return handle_; }
  absl::Status Remove();

 private:
  TraceInstance(std::string name, std::string path, tracefs_instance* handle);
  absl::Status ArmAgainstSigkill();

  std::string name_;
  std::string path_;
  tracefs_instance* handle_;  // nullptr: removed, or not ours
  // While it is open and disable_on_free is set, the death of this process stops tracing and
  // frees the buffer.
  ScopedFd free_buffer_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_TRACE_INSTANCE_H_
