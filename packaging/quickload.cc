// SPDX-License-Identifier: Apache-2.0
// A small load on the kernel's workqueues, bounded in time and count: characters through a
// pseudo-terminal (each write queues flush_to_ldisc) and a file that is written and fsynced
// (block and file-system works).
//   quickload SECONDS DIRECTORY
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kMaxSeconds = 60;
constexpr auto kPtyPause = microseconds(400);
constexpr auto kFsyncPause = milliseconds(20);

// A file descriptor, closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool Complain(const char* what) {
  std::perror(what);
  return false;
}

// The master end of a new pseudo-terminal is in `master`; a read returns what was written
// to the slave, unchanged.
bool MakeRaw(int slave) {
  termios settings;
  if (tcgetattr(slave, &settings) != 0) return false;
  cfmakeraw(&settings);
  return tcsetattr(slave, TCSANOW, &settings) == 0;
}

bool WriteThroughPty(Clock::time_point end) {
  const Descriptor master(posix_openpt(O_RDWR | O_NOCTTY));
  if (!master.ok() || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0) {
    return Complain("quickload: posix_openpt");
  }
  const char* name = ptsname(master.get());
  const Descriptor slave(name == nullptr ? -1 : open(name, O_RDWR | O_NOCTTY));
  if (!slave.ok() || !MakeRaw(slave.get())) return Complain("quickload: pseudo-terminal");
  while (Clock::now() < end) {
    char c = 'x';
    if (write(slave.get(), &c, 1) != 1 || read(master.get(), &c, 1) != 1) {
      return Complain("quickload: pseudo-terminal");
    }
    std::this_thread::sleep_for(kPtyPause);
  }
  return true;
}

bool WriteAndFsync(const std::string& directory, Clock::time_point end) {
  std::string path = directory + "/quickload.XXXXXX";
  const Descriptor file(mkstemp(path.data()));
  if (!file.ok()) return Complain("quickload: temporary file");
  unlink(path.c_str());
  const std::string block(4096, 'x');
  while (Clock::now() < end) {
    if (pwrite(file.get(), block.data(), block.size(), 0) < 0 || fsync(file.get()) != 0) {
      return Complain("quickload: temporary file");
    }
    std::this_thread::sleep_for(kFsyncPause);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc == 3 ? std::atoi(argv[1]) : 0;
  if (seconds < 1 || seconds > kMaxSeconds) {
    std::fprintf(stderr, "usage: quickload SECONDS DIRECTORY, SECONDS from 1 to %d\n", kMaxSeconds);
    return 2;
  }
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  bool pty_ok = false;
  std::thread pty([&] { pty_ok = WriteThroughPty(end); });
  const bool file_ok = WriteAndFsync(argv[2], end);
  pty.join();
  return pty_ok && file_ok ? 0 : 1;
}
