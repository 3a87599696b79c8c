// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SIGNALS_H_
#define WQPROF_CLI_SIGNALS_H_

#include <csignal>
#include <optional>

namespace wqprof {

// Turns the signals that end a recording (SIGINT, SIGTERM, SIGHUP), and SIGCHLD where children are
// waited for, into something to wait for, as long as it lives; they interrupt nothing.  SIGPIPE and
// SIGXFSZ become the errors of write() that they announce.
class SignalQueue {
 public:
  // Who executes this program in its own place may leave it children that it does not know.
  enum class Children { kWaitedFor, kOfNoConcern };
  explicit SignalQueue(Children children = Children::kWaitedFor);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  // Becomes readable when Next() has something; -1 if the kernel has no such thing.
  int fd() const { return fd_; }
  std::optional<int> Next();

 private:
  sigset_t before_;
  int fd_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_SIGNALS_H_
