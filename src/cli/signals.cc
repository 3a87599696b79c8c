// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace wqprof {

SignalQueue::SignalQueue(Children children) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&wanted, signal);
  if (children == Children::kWaitedFor) sigaddset(&wanted, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  // A shell ignores SIGINT for what it runs in the background, and an ignored signal is never
  // queued; nohup ignores SIGHUP, and means it.
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGCHLD}) std::signal(signal, SIG_DFL);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  fd_ = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

SignalQueue::~SignalQueue() {
  // A Ctrl-C that came too late to matter shall not kill what is done.
  while (Next()) {
  }
  if (fd_ >= 0) close(fd_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalQueue::Next() {
  signalfd_siginfo info{};
  if (read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace wqprof
