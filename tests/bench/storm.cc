// SPDX-License-Identifier: Apache-2.0
// The load of side_by_side: a fixed number of works, as fast as they go.  Half of them are
// asynchronous fsyncs of a file in memory (one aio_fsync_work each, on the per-CPU pools), half
// are bytes through a pseudo-terminal (one flush_to_ldisc each, on an unbound pool).
//   storm WORKS
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <thread>

namespace {

constexpr long kMaxWorks = 100'000'000;
constexpr size_t kDepth = 8;  // fsyncs in flight

bool Complain(const char* what) {
  std::perror(what);
  return false;
}

bool SubmitAndWait(aio_context_t context, std::array<iocb*, kDepth>& requests) {
  if (syscall(SYS_io_submit, context, kDepth, requests.data()) != long{kDepth}) {
    return Complain("storm: io_submit");
  }
  std::array<io_event, kDepth> events;
  size_t done = 0;
  while (done < kDepth) {
    const long n = syscall(SYS_io_getevents, context, 1, kDepth - done, events.data(), nullptr);
    if (n < 0) return Complain("storm: io_getevents");
    done += static_cast<size_t>(n);
  }
  return true;
}

bool Fsync(long works) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, kDepth, &context) != 0) return Complain("storm: io_setup");
  const int file = memfd_create("storm", 0);
  if (file < 0) return Complain("storm: memfd_create");
  std::array<iocb, kDepth> controls{};
  std::array<iocb*, kDepth> requests;
  for (size_t i = 0; i < kDepth; ++i) {
    controls[i].aio_fildes = static_cast<uint32_t>(file);
    controls[i].aio_lio_opcode = IOCB_CMD_FSYNC;
    requests[i] = &controls[i];
  }
  bool ok = true;
  for (long i = 0; ok && i < works; i += kDepth) ok = SubmitAndWait(context, requests);
  syscall(SYS_io_destroy, context);
  close(file);
  return ok;
}

// Opens both ends of a pseudo-terminal that passes bytes unchanged.
bool OpenPty(int& master, int& slave) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return false;
  const char* name = ptsname(master);
  slave = name == nullptr ? -1 : open(name, O_RDWR | O_NOCTTY);
  termios settings;
  if (slave < 0 || tcgetattr(slave, &settings) != 0) return false;
  cfmakeraw(&settings);
  return tcsetattr(slave, TCSANOW, &settings) == 0;
}

bool PassBytes(long works) {
  int master = -1, slave = -1;
  bool ok = OpenPty(master, slave);
  char c = 'x';
  for (long i = 0; ok && i < works; ++i) {
    ok = write(slave, &c, 1) == 1 && read(master, &c, 1) == 1;
  }
  if (!ok) Complain("storm: pseudo-terminal");
  if (slave >= 0) close(slave);
  if (master >= 0) close(master);
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  const long works = argc == 2 ? std::atol(argv[1]) : 0;
  if (works < 1 || works > kMaxWorks) {
    std::fprintf(stderr, "usage: storm WORKS, from 1 to %ld\n", kMaxWorks);
    return 2;
  }
  bool pty_ok = false;
  std::thread pty([&] { pty_ok = PassBytes(works / 2); });
  const bool fsync_ok = Fsync(works - works / 2);
  pty.join();
  return pty_ok && fsync_ok ? 0 : 1;
}
