// SPDX-License-Identifier: Apache-2.0
// What the BPF programs that visit all tasks have in common.
#ifndef WQPROF_LIVE_BPF_ITERATOR_H_
#define WQPROF_LIVE_BPF_ITERATOR_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "live/bpf/walk_records.h"

struct bpf_program;

namespace wqprof::bpf {

// Nothing of libbpf's is printed.
void BeSilent();
// Why a program could not be loaded or run, in one clause.
std::string WhyNot(int error);
// Runs an iterator over tasks, which prints nothing.
absl::Status VisitTasks(const bpf_program& program);

// CPUs that the machine may have, as far as a mask of ours has room.
int PossibleCpus();
uint32_t MaskBytes(int cpus);
// Two pools a CPU, two for softirqs, and the unbound ones; there is no need to hold more.
uint32_t MostPools(int cpus);
// "0-3"
std::string CpusOfMask(const unsigned long long (&mask)[WALK_MASK_WORDS], int cpus);

// A name that need not end.
template <size_t size>
std::string_view NameOf(const char (&name)[size]) {
  return {name, strnlen(name, size)};
}

}  // namespace wqprof::bpf

#endif  // WQPROF_LIVE_BPF_ITERATOR_H_
