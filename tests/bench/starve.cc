// SPDX-License-Identifier: Apache-2.0
// A load on the per-CPU pool of CPU 0 (fsyncs of a file in memory by aio, each an
// aio_fsync_work), and a real-time task that keeps that CPU for BURST_MS once a second: works
// that are queued then wait.  With 0 nothing waits.
//   starve SECONDS BURST_MS
#include <linux/aio_abi.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kDepth = 8;
constexpr int kMaxSeconds = 60;
// The kernel lets real-time tasks have 950 ms of a second: beyond that it ends the stall.
constexpr int kMaxBurst = 900;

bool StayOnCpu0() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  return sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
}

bool QueueWorks(Clock::time_point end) {
  const int file = memfd_create("starve", 0);
  aio_context_t context = 0;
  if (!StayOnCpu0() || file < 0 || syscall(SYS_io_setup, kDepth, &context) != 0) return false;
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_FSYNC;
  request.aio_fildes = static_cast<uint32_t>(file);
  iocb* requests[kDepth];
  for (iocb*& pointer : requests) pointer = &request;
  io_event done[kDepth];
  while (Clock::now() < end) {
    if (syscall(SYS_io_submit, context, kDepth, requests) != kDepth) return false;
    if (syscall(SYS_io_getevents, context, kDepth, kDepth, done, nullptr) != kDepth) return false;
  }
  syscall(SYS_io_destroy, context);
  return close(file) == 0;
}

bool TakeTheCpu(Clock::time_point end, milliseconds burst) {
  const sched_param priority{.sched_priority = 50};
  if (burst.count() == 0) return true;
  if (!StayOnCpu0() || sched_setscheduler(0, SCHED_FIFO, &priority) != 0) return false;
  while (Clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1000) - burst);
    for (const auto until = Clock::now() + burst; Clock::now() < until;) {
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc == 3 ? std::atoi(argv[1]) : 0;
  const int burst = argc == 3 ? std::atoi(argv[2]) : -1;
  if (seconds < 1 || seconds > kMaxSeconds || burst < 0 || burst > kMaxBurst) {
    std::fprintf(stderr, "usage: starve SECONDS BURST_MS; at most %d and %d\n", kMaxSeconds,
                 kMaxBurst);
    return 2;
  }
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  bool taken = false;
  std::thread spinner([&] { taken = TakeTheCpu(end, milliseconds(burst)); });
  const bool queued = QueueWorks(end);
  spinner.join();
  if (!queued || !taken) std::perror("starve");
  return queued && taken ? 0 : 1;
}
