// SPDX-License-Identifier: Apache-2.0
// Starves the per-CPU pool of a CPU: a real-time task queues a work there and keeps the CPU.
//   stall_load CPU MILLISECONDS
// The kernel's throttling of real-time tasks, which is not touched, ends it after a second at most.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

// Fsync of a file by aio queues a work on the pool of this CPU.
bool QueueWork(aio_context_t context, int fd, iocb& request) {
  request = {};
  request.aio_lio_opcode = IOCB_CMD_FSYNC;
  request.aio_fildes = static_cast<uint32_t>(fd);
  iocb* requests[] = {&request};
  return syscall(SYS_io_submit, context, 1L, requests) == 1;
}

// The next switch to it shows its priority.
bool BecomeUrgentOn(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  sched_param priority{};
  priority.sched_priority = 50;
  return sched_setaffinity(0, sizeof cpus, &cpus) == 0 &&
         sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  char path[] = "/tmp/wqprof-stall-XXXXXX";
  const int fd = mkstemp(path);
  unlink(path);
  aio_context_t context = 0;
  iocb request{};
  if (fd < 0 || syscall(SYS_io_setup, 1L, &context) != 0 || !BecomeUrgentOn(std::atoi(argv[1])) ||
      usleep(20000) != 0 || !QueueWork(context, fd, request)) {
    std::perror("stall_load");
    return 1;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::atoi(argv[2]));
  while (std::chrono::steady_clock::now() < end) {
  }
  return 0;
}
