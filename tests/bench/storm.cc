// SPDX-License-Identifier: Apache-2.0
// The load of side_by_side and overhead: a fixed number of works, as fast as they go.  Works are
// asynchronous fsyncs of a file in memory (one aio_fsync_work each, on the per-CPU pools, queued
// DEPTH at a time by a thread that stays on its CPU) or bytes through a pseudo-terminal (one
// flush_to_ldisc each, on an unbound pool, one at a time).  All threads make equally many.  Prints
// the seconds that it took.
//   storm WORKS [FSYNC_THREADS PTY_PAIRS [DEPTH]]      by default 1 1 8
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

constexpr long kMaxWorks = 100'000'000;
constexpr long kMaxThreads = 1024, kMaxDepth = 4096;

bool Complain(const char* what) {
  std::perror(what);
  return false;
}

void StayOnCpu(long cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(cpu % sysconf(_SC_NPROCESSORS_ONLN)), &cpus);
  sched_setaffinity(0, sizeof cpus, &cpus);  // where it may not, it goes where it likes
}

bool SubmitAndWait(aio_context_t context, std::vector<iocb*>& requests,
                   std::vector<io_event>& events) {
  const long depth = static_cast<long>(requests.size());
  if (syscall(SYS_io_submit, context, depth, requests.data()) != depth) {
    return Complain("storm: io_submit");
  }
  for (long done = 0; done < depth;) {
    const long n = syscall(SYS_io_getevents, context, 1, depth - done, events.data(), nullptr);
    if (n < 0) return Complain("storm: io_getevents");
    done += n;
  }
  return true;
}

bool Fsync(long works, long depth) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, depth, &context) != 0) return Complain("storm: io_setup");
  const int file = memfd_create("storm", 0);
  if (file < 0) return Complain("storm: memfd_create");
  std::vector<iocb> controls(static_cast<size_t>(depth));
  std::vector<io_event> events(static_cast<size_t>(depth));
  std::vector<iocb*> requests;
  for (iocb& control : controls) {
    control.aio_fildes = static_cast<uint32_t>(file);
    control.aio_lio_opcode = IOCB_CMD_FSYNC;
    requests.push_back(&control);
  }
  bool ok = true;
  for (long i = 0; ok && i < works; i += depth) ok = SubmitAndWait(context, requests, events);
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
  const auto number = [&](int index, long otherwise) {
    return index < argc ? std::atol(argv[index]) : otherwise;
  };
  const long works = number(1, 0), fsyncs = number(2, 1), pairs = number(3, 1),
             depth = number(4, 8);
  const long threads = fsyncs + pairs;
  if (argc == 3 || argc > 5 || works < 1 || works > kMaxWorks || fsyncs < 0 || pairs < 0 ||
      threads < 1 || threads > kMaxThreads || depth < 1 || depth > kMaxDepth) {
    std::fprintf(stderr, "usage: storm WORKS [FSYNC_THREADS PTY_PAIRS [DEPTH]]\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<bool> ok = true;
  std::vector<std::thread> running;
  for (long i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      if (i < fsyncs) StayOnCpu(i);
      if (!(i < fsyncs ? Fsync(works / threads, depth) : PassBytes(works / threads))) ok = false;
    });
  }
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("storm: %.6f s\n", took.count());
  return ok ? 0 : 1;
}
