// SPDX-License-Identifier: Apache-2.0
// Queues works as fast as it can: each byte written to a pseudo-terminal queues
// flush_to_ldisc, and the next is written when it came out at the other end.
//   pty_load COUNT [PAIRS]      COUNT bytes through each of PAIRS terminals at once
// Prints the number of bytes that came through.
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

// Passes `count` bytes through one new pseudo-terminal; returns how many came out.
long PingPong(long count) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return 0;
  char name[64];
  if (ptsname_r(master, name, sizeof name) != 0) return 0;
  const int slave = open(name, O_RDWR | O_NOCTTY);
  termios settings{};
  if (slave < 0 || tcgetattr(slave, &settings) != 0) return 0;
  cfmakeraw(&settings);
  tcsetattr(slave, TCSANOW, &settings);
  long passed = 0;
  char byte = 'x';
  while (passed < count && write(master, &byte, 1) == 1 && read(slave, &byte, 1) == 1) ++passed;
  close(slave);
  close(master);
  return passed;
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 0;
  const long pairs = argc > 2 ? std::atol(argv[2]) : 1;
  if (count <= 0 || pairs <= 0 || pairs > 64) {
    std::fprintf(stderr, "usage: pty_load COUNT [PAIRS]\n");
    return 2;
  }
  std::atomic<long> passed = 0;
  std::vector<std::thread> threads;
  for (long i = 0; i < pairs; ++i) {
    threads.emplace_back([count, &passed] { passed += PingPong(count); });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%ld\n", passed.load());
  return passed == count * pairs ? 0 : 1;
}
