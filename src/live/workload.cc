// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "live/tracefs.h"
#include "wqprof/live.h"

namespace wqprof {
namespace {

absl::Status CannotRun(std::string_view name, int error) {
  return absl::InvalidArgumentError(fmt::format("cannot run {}: {}", name, std::strerror(error)));
}

// 0 when execvp() would find a program called `name`, else the errno.
int FindProgram(const std::string& name) {
  if (name.empty()) return ENOENT;
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? 0 : errno;
  const char* const variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/bin:/usr/bin";
  int error = ENOENT;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find(':', at), path.size());
    const std::string directory = end == at ? "." : path.substr(at, end - at);
    if (access(fmt::format("{}/{}", directory, name).c_str(), X_OK) == 0) return 0;
    if (errno == EACCES) error = EACCES;
    at = end + 1;
  }
  return error;
}

// Our environment with `more` in it.
std::vector<std::string> EnvironmentWith(const std::vector<std::string>& more) {
  std::vector<std::string> out = more;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(more.begin(), more.end(), [name](const std::string& one) {
      return !name.empty() && one.starts_with(name);
    });
    if (!replaced) out.emplace_back(text);
  }
  return out;
}

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// In the child: waits for the start, then becomes the command.  Only async-signal-safe calls.
[[noreturn]] void Become(char* const* argv, char* const* environment, std::optional<int> nice,
                         int start_fd, int error_fd) {
  char go = 0;
  if (read(start_fd, &go, 1) != 1) _exit(127);  // the recorder gave up, or died
  // What the recorder blocks or ignores is its own business.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int s : {SIGPIPE, SIGXFSZ}) signal(s, SIG_DFL);
  if (nice) setpriority(PRIO_PROCESS, 0, *nice);
  execvpe(argv[0], argv, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = write(error_fd, &error, sizeof error);
  _exit(127);
}

}  // namespace

absl::Status Workload::Check(const std::string& program) {
  const int error = FindProgram(program);
  return error == 0 ? absl::OkStatus() : CannotRun(program, error);
}

absl::StatusOr<std::unique_ptr<Workload>> Workload::Prepare(const std::vector<std::string>& argv,
                                                            const WorkloadOptions& options) {
  assert(!argv.empty());
  if (absl::Status status = Check(argv[0]); !status.ok()) return status;
  const std::vector<char*> pointers = PointersTo(argv);
  const std::vector<std::string> environment = EnvironmentWith(options.environment);
  const std::vector<char*> variables = PointersTo(environment);
  int start[2], failure[2];
  if (pipe2(start, O_CLOEXEC) != 0) return CannotRun(argv[0], errno);
  ScopedFd start_read(start[0]), start_write(start[1]);
  if (pipe2(failure, O_CLOEXEC) != 0) return CannotRun(argv[0], errno);
  ScopedFd failure_read(failure[0]), failure_write(failure[1]);
  const pid_t pid = fork();
  if (pid < 0) return CannotRun(argv[0], errno);
  if (pid == 0) {
    close(start[1]);
    Become(pointers.data(), variables.data(), options.nice, start[0], failure[1]);
  }
  return std::unique_ptr<Workload>(
      new Workload(argv[0], pid, start_write.Release(), failure_read.Release()));
}

Workload::Workload(std::string name, int pid, int start_fd, int error_fd)
    : name_(std::move(name)), pid_(pid), start_fd_(start_fd), error_fd_(error_fd) {}

Workload::~Workload() {
  if (start_fd_ >= 0) close(start_fd_);
  close(error_fd_);
  if (status_) return;
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

absl::Status Workload::Start() {
  assert(start_fd_ >= 0);
  const bool told = write(start_fd_, "g", 1) == 1;
  close(start_fd_);
  start_fd_ = -1;
  if (!told) return CannotRun(name_, errno);
  // The pipe closes with a successful exec.
  int error = 0;
  ssize_t n = 0;
  do {
    n = read(error_fd_, &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  return n == sizeof error ? CannotRun(name_, error) : absl::OkStatus();
}

bool Workload::Ended() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

void Workload::Signal(int signal) {
  if (!Ended()) kill(pid_, signal);
}

int Workload::wait_status() const {
  assert(status_);
  return *status_;
}

}  // namespace wqprof
