// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "cli/output.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

// The alternate screen, no cursor, no wrapping at the end of a line; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
// A key that sends a sequence sends all of it within this time.
constexpr int kSequenceMs = 25;
constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// What a crash has to put back.  Signal handlers read it.
struct Saved {
  volatile sig_atomic_t valid = 0;
  int fd = -1;
  termios modes{};
};
Saved saved;

void PutBack() {
  if (saved.valid == 0) return;
  saved.valid = 0;
  [[maybe_unused]] const ssize_t n = write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  if (saved.fd >= 0) tcsetattr(saved.fd, TCSADRAIN, &saved.modes);
}

void OnCrash(int signal) {
  PutBack();
  std::signal(signal, SIG_DFL);
  raise(signal);
}

bool Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Screen>> Screen::Open(int also) {
  std::unique_ptr<Screen> screen(new Screen);
  if (absl::Status status = screen->SetUp(also); !status.ok()) return status;
  return screen;
}

absl::Status Screen::SetUp(int also) {
  const auto failed = [](std::string_view what) {
    return absl::UnknownError(
        fmt::format("cannot {} the terminal: {}\n--batch needs none", what, std::strerror(errno)));
  };
  keys_ = STDIN_FILENO;
  if (isatty(STDIN_FILENO) != 1) {
    // Without one there are no keys, and signals end it.
    keys_ = open("/dev/tty", O_RDONLY | O_CLOEXEC);
    owns_keys_ = keys_ >= 0;
  }
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGWINCH, SIGTSTP, SIGCONT}) sigaddset(&wanted, signal);
  pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  blocked_ = true;
  signals_ = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (signals_ < 0 || epoll_ < 0) return failed("watch");
  if (!Watch(epoll_, keys_) || !Watch(epoll_, signals_) || !Watch(epoll_, also)) {
    return failed("watch");
  }
  Enter();
  for (const int signal : kCrashes) std::signal(signal, OnCrash);
  return absl::OkStatus();
}

Screen::~Screen() {
  Leave();
  for (const int signal : kCrashes) std::signal(signal, SIG_DFL);
  if (owns_keys_) close(keys_);
  if (epoll_ >= 0) close(epoll_);
  if (signals_ >= 0) close(signals_);
  if (blocked_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Screen::Enter() {
  if (entered_) return;
  entered_ = true;
  saved.fd = keys_;
  termios modes{};
  if (keys_ >= 0 && tcgetattr(keys_, &modes) == 0) {
    saved.modes = modes;
    // Keys one by one, not shown; Ctrl-C and Ctrl-Z stay signals, Ctrl-S does not hold us up.
    modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    modes.c_iflag &= ~static_cast<tcflag_t>(IXON);
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    tcsetattr(keys_, TCSADRAIN, &modes);
  } else {
    saved.fd = -1;
  }
  saved.valid = 1;
  if (!WriteOutput(kEnter).ok()) gone_ = true;
  Measure();
}

void Screen::Leave() {
  if (!entered_) return;
  entered_ = false;
  PutBack();
}

void Screen::Measure() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  size_ = known ? Size{size.ws_col, std::max<size_t>(size.ws_row, 1)} : Size{80, 24};
  shown_.clear();
}

// As the kernel would have stopped us: a shell that ignores it, or none, is left alone.
void Screen::Stop() {
  struct sigaction action {};
  if (sigaction(SIGTSTP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  Leave();
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);  // here it stops
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  Enter();
}

void Screen::TakeSignals() {
  signalfd_siginfo info{};
  bool stop = false, again = false;
  while (read(signals_, &info, sizeof info) == sizeof info) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGTSTP) stop = true;
    // Whoever stopped us may have used the terminal.
    if (signal == SIGCONT) again = true;
    if (signal == SIGWINCH) {
      Measure();
      if (!WriteOutput("\x1b[2J").ok()) gone_ = true;
    }
  }
  if (stop) Stop();
  if (again && !stop) {
    Leave();
    Enter();
  }
}

std::vector<Key> Screen::TakeKeys() {
  std::vector<Key> keys;
  if (keys_ < 0) return keys;
  pollfd fd{keys_, POLLIN, 0};
  while (!gone_ && poll(&fd, 1, parser_.pending() ? kSequenceMs : 0) > 0) {
    std::array<char, 256> bytes;
    const ssize_t n = read(keys_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      gone_ = true;
      break;
    }
    const auto more = parser_.Take({bytes.data(), static_cast<size_t>(n)});
    keys.insert(keys.end(), more.begin(), more.end());
  }
  const auto rest = parser_.Settle();
  keys.insert(keys.end(), rest.begin(), rest.end());
  return keys;
}

std::vector<Key> Screen::Update() {
  TakeSignals();
  return TakeKeys();
}

absl::Status Screen::Show(const std::vector<std::string>& lines) {
  std::string out;
  const size_t count = std::min(lines.size(), size_.lines);
  for (size_t i = 0; i < count; ++i) {
    if (i < shown_.size() && shown_[i] == lines[i]) continue;
    out += fmt::format("\x1b[{};1H{}\x1b[K", i + 1, lines[i]);
  }
  if (shown_.size() > count) out += fmt::format("\x1b[{};1H\x1b[J", count + 1);
  shown_.assign(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count));
  return WriteOutput(out);
}

}  // namespace wqprof
