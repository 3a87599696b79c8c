// SPDX-License-Identifier: Apache-2.0
#include "live/trace_instance.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "live/tracefs_api.h"

namespace wqprof {
namespace {

constexpr std::string_view kPrefix = "wqprof-";

template <class T>
bool ParseWhole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string InstanceName(const InstanceOwner& owner) {
  return fmt::format("{}{}-{}", kPrefix, owner.pid, owner.start_time);
}

std::optional<InstanceOwner> OwnerOfInstance(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const size_t dash = name.find('-');
  InstanceOwner owner;
  if (dash == std::string_view::npos || !ParseWhole(name.substr(0, dash), owner.pid) ||
      !ParseWhole(name.substr(dash + 1), owner.start_time) || owner.pid <= 0) {
    return std::nullopt;
  }
  return owner;
}

std::optional<InstanceOwner> LivingProcess(int pid) {
  const std::string stat = ReadText(fmt::format("/proc/{}/stat", pid)).text;
  // "pid (comm) state ppid ...", where comm may hold anything; field 22 is the start time.
  std::string_view rest = stat;
  const size_t close = rest.rfind(')');
  if (close == std::string_view::npos || close + 2 >= rest.size()) return std::nullopt;
  rest.remove_prefix(close + 2);
  if (rest.front() == 'Z' || rest.front() == 'X') return std::nullopt;
  for (int field = 3; field < 22; ++field) {
    const size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  InstanceOwner owner{pid, 0};
  if (!ParseWhole(rest.substr(0, rest.find(' ')), owner.start_time)) return std::nullopt;
  return owner;
}

std::vector<std::string> LeftoverInstances(const Tracefs& tracefs) {
  std::vector<std::string> out;
  const std::string path = tracefs.File("instances");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (dir == nullptr) return out;
  while (const dirent* entry = readdir(dir.get())) {
    const auto owner = OwnerOfInstance(entry->d_name);
    if (owner && LivingProcess(owner->pid) != owner) out.emplace_back(entry->d_name);
  }
  return out;
}

std::vector<std::string> RemoveLeftoverInstances(const Tracefs& tracefs) {
  std::vector<std::string> out;
  for (const std::string& name : LeftoverInstances(tracefs)) {
    // Nothing but rmdir: seen from another pid namespace an owner may look dead and live,
    // and then its open files make rmdir fail without any harm.
    if (rmdir(tracefs.File("instances/" + name).c_str()) == 0) out.push_back(name);
  }
  return out;
}

absl::StatusOr<std::unique_ptr<TraceInstance>> TraceInstance::Create(const Tracefs& tracefs) {
  const auto self = LivingProcess(getpid());
  if (!self) return TracingError("cannot read about this process", "/proc/self/stat", errno);
  const std::string name = InstanceName(*self);
  const std::string path = tracefs.File("instances/" + name);
  if (Exists(path)) {
    return absl::FailedPreconditionError(
        fmt::format("cannot trace: this process already records in {}", path));
  }
  errno = 0;
  tracefs_instance* const handle = tracefs_instance_create(name.c_str());
  if (handle == nullptr) return TracingError("cannot create a trace instance", path, errno);
  std::unique_ptr<TraceInstance> instance(new TraceInstance(name, path, handle));
  if (absl::Status status = instance->ArmAgainstSigkill(); !status.ok()) return status;
  return instance;
}

absl::StatusOr<std::unique_ptr<TraceInstance>> TraceInstance::Attach(const Tracefs& tracefs,
                                                                     const std::string& name) {
  if (name.empty()) {
    return std::unique_ptr<TraceInstance>(new TraceInstance("", tracefs.path(), nullptr));
  }
  const std::string path = tracefs.File("instances/" + name);
  if (name.find('/') == std::string::npos && !name.starts_with('.') && Exists(path)) {
    return std::unique_ptr<TraceInstance>(new TraceInstance(name, path, nullptr));
  }
  std::string known;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(tracefs.File("instances").c_str()),
                                                closedir);
  while (const dirent* entry = dir != nullptr ? readdir(dir.get()) : nullptr) {
    if (entry->d_name[0] != '.')
      known += fmt::format("{}{}", known.empty() ? "" : ", ", entry->d_name);
  }
  return absl::InvalidArgumentError(
      fmt::format("there is no trace instance '{}'\n{}", name,
                  known.empty() ? "there is none; --attach without a name is the top level"
                                : "there are: " + known));
}

TraceInstance::TraceInstance(std::string name, std::string path, tracefs_instance* handle)
    : name_(std::move(name)), path_(std::move(path)), handle_(handle) {}

TraceInstance::~TraceInstance() { Remove().IgnoreError(); }

absl::Status TraceInstance::ArmAgainstSigkill() {
  const auto write = [this](std::string_view file, std::string_view text) {
    const int error = WriteText(File(file), text);
    return error == 0 ? absl::OkStatus()
                      : TracingError("cannot set up the trace instance", File(file), error);
  };
  if (absl::Status status = write("tracing_on", "0"); !status.ok()) return status;
  if (absl::Status status = write("options/disable_on_free", "1"); !status.ok()) return status;
  free_buffer_.Reset(open(File("free_buffer").c_str(), O_WRONLY | O_CLOEXEC));
  if (free_buffer_.ok()) return absl::OkStatus();
  return TracingError("cannot set up the trace instance", File("free_buffer"), errno);
}

std::string TraceInstance::File(std::string_view file) const {
  return fmt::format("{}/{}", path_, file);
}

absl::Status TraceInstance::Remove() {
  if (handle_ == nullptr) return absl::OkStatus();
  free_buffer_.Reset();
  // The files of a killed reader, say, may take the kernel a moment to close.
  constexpr int kTries = 20;
  int error = 0;
  for (int i = 0; i < kTries; ++i) {
    if (i != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    errno = 0;
    error = tracefs_instance_destroy(handle_) == 0 ? 0 : errno;
    if (error != EBUSY) break;
  }
  tracefs_instance_free(handle_);
  handle_ = nullptr;
  if (error == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("cannot remove the trace instance {}: {}\n"
                  "close what reads in it, then: sudo rmdir {}",
                  path_, std::strerror(error), path_));
}

}  // namespace wqprof
