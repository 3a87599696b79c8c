// SPDX-License-Identifier: Apache-2.0
#ifdef WQPROF_BPF

#include "live/bpf_iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "live/metadata.h"
#include "live/tracefs.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof::bpf {
namespace {

int Silent(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

void BeSilent() { libbpf_set_print(Silent); }

std::string WhyNot(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return LockdownMode() == "confidentiality" ? "the kernel is locked down (confidentiality)"
                                                 : "BPF needs root, or CAP_BPF and CAP_PERFMON";
    case ENOENT:
    case ESRCH:
      return "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
    default:
      return fmt::format("the kernel refused the BPF program: {}", strerror(error));
  }
}

absl::Status VisitTasks(const bpf_program& program) {
  const int link = bpf_link_create(bpf_program__fd(&program), 0, BPF_TRACE_ITER, nullptr);
  if (link < 0) return absl::UnavailableError(WhyNot(errno));
  const ScopedFd link_fd(link), tasks(bpf_iter_create(link));
  if (!tasks.ok()) return absl::UnavailableError(WhyNot(errno));
  char unused[64];
  ssize_t n = 0;
  while ((n = read(tasks.get(), unused, sizeof(unused))) > 0 || (n < 0 && errno == EAGAIN)) {
  }
  return n == 0 ? absl::OkStatus() : absl::UnavailableError(WhyNot(errno));
}

int PossibleCpus() {
  const int possible = CpusOfList(Trimmed(ReadText("/sys/devices/system/cpu/possible").text));
  return std::min<int>(possible, WALK_MASK_WORDS * 64);
}

uint32_t MaskBytes(int cpus) { return static_cast<uint32_t>((cpus + 63) / 64 * 8); }

uint32_t MostPools(int cpus) {
  return std::min<uint32_t>(WALK_POOLS, 4 * static_cast<uint32_t>(cpus) + 1024);
}

std::string CpusOfMask(const unsigned long long (&mask)[WALK_MASK_WORDS], int cpus) {
  std::vector<bool> out;
  for (int cpu = 0; cpu < cpus; ++cpu) out.push_back((mask[cpu / 64] >> (cpu % 64) & 1) != 0);
  return CpuList(out);
}

}  // namespace wqprof::bpf

#endif
