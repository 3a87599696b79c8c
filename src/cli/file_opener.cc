// SPDX-License-Identifier: Apache-2.0
#include "cli/file_opener.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace wqprof {
namespace {

// A message of one errno (0: none) and, beside it, room for one descriptor.
struct Answer {
  int error = 0;
  iovec part{&error, sizeof error};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};

  Answer() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
};

void Send(int socket, int fd) {
  Answer answer;
  answer.error = fd < 0 ? errno : 0;
  if (fd < 0) {
    answer.message.msg_control = nullptr;
    answer.message.msg_controllen = 0;
  } else {
    cmsghdr* const head = CMSG_FIRSTHDR(&answer.message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  }
  sendmsg(socket, &answer.message, MSG_NOSIGNAL);
}

// Whoever reads this program's output shall see its end when it ends, which is not when this does.
int KeepOnly(int socket) {
  constexpr int kKept = 3, kMost = 1024;
  dup2(socket, kKept);
  for (int fd = 0; fd < kMost; ++fd) {
    if (fd != kKept) close(fd);
  }
  return kKept;
}

constexpr int kFromTerminal[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP};

[[noreturn]] void Serve(int socket, const std::string& path, int flags) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // What such a signal means is for the other process to say; but an open() may last.
  for (const int signal : kFromTerminal) std::signal(signal, SIG_IGN);
  socket = KeepOnly(socket);
  char asked = 0;
  if (read(socket, &asked, sizeof asked) != sizeof asked) _exit(0);
  for (const int signal : kFromTerminal) std::signal(signal, SIG_DFL);
  Send(socket, open(path.c_str(), flags, 0666));
  _exit(0);
}

}  // namespace

FileOpener::~FileOpener() {
  if (socket_ < 0) return;
  close(socket_);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool FileOpener::Start(const std::string& path, int flags) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  process_ = fork();
  if (process_ == 0) Serve(ends[1], path, flags);
  close(ends[1]);
  socket_ = ends[0];
  if (process_ > 0) return true;
  close(ends[0]);
  socket_ = -1;
  return false;
}

int FileOpener::Open() {
  constexpr char kAsked = 1;
  Answer answer;
  if (write(socket_, &kAsked, sizeof kAsked) != sizeof kAsked) return -1;
  ssize_t n;
  do {
    n = recvmsg(socket_, &answer.message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  const cmsghdr* const head = n > 0 ? CMSG_FIRSTHDR(&answer.message) : nullptr;
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS) {
    if (n >= 0) errno = n > 0 ? answer.error : EPIPE;
    return -1;
  }
  int fd;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

}  // namespace wqprof
