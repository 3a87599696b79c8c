// SPDX-License-Identifier: Apache-2.0
// Lets a worker burn its CPU: the kernel frees a large trie of BPF in a work, entry by entry.
//   hog_load ENTRIES MILLISECONDS
// It lives on for so long after that.
#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

// What the kernel calls bpf_lpm_trie_key.
struct Key {
  uint32_t bits = 64;
  uint32_t data[2] = {};
};

int Bpf(int command, bpf_attr& attr) {
  return static_cast<int>(syscall(SYS_bpf, command, &attr, sizeof attr));
}

bool Fill(int map, uint32_t entries) {
  uint64_t random = 88172645463325252;
  uint32_t value = 1;
  for (uint32_t i = 0; i < entries; ++i) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    Key key{64, {static_cast<uint32_t>(random), static_cast<uint32_t>(random >> 32)}};
    bpf_attr attr{};
    attr.map_fd = static_cast<uint32_t>(map);
    attr.key = reinterpret_cast<uintptr_t>(&key);
    attr.value = reinterpret_cast<uintptr_t>(&value);
    if (Bpf(BPF_MAP_UPDATE_ELEM, attr) != 0) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  // Before Linux 5.11 the memory of maps counts against it.
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &all);
  const auto entries = static_cast<uint32_t>(std::atoi(argv[1]));
  bpf_attr attr{};
  attr.map_type = BPF_MAP_TYPE_LPM_TRIE;
  attr.key_size = sizeof(Key);
  attr.value_size = sizeof(uint32_t);
  attr.max_entries = entries;
  attr.map_flags = BPF_F_NO_PREALLOC;
  const int map = Bpf(BPF_MAP_CREATE, attr);
  if (map < 0 || !Fill(map, entries)) {
    std::perror("hog_load");
    return 1;
  }
  close(map);
  usleep(static_cast<useconds_t>(std::atoi(argv[2])) * 1000);
  return 0;
}
