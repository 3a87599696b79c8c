// SPDX-License-Identifier: Apache-2.0
#include "live/kernel_threads.h"

#include <dirent.h>
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <vector>

#include "live/tracefs.h"
#include "wqprof/live.h"

namespace wqprof {
namespace {

constexpr int kKthreadd = 2;
constexpr size_t kMaxComm = 15;
constexpr std::string_view kWorker = "kworker/";

// Parent of a process, 0 when it is gone.
int ParentOf(int pid) {
  const std::string stat = ReadText(fmt::format("/proc/{}/stat", pid)).text;
  const size_t close = stat.rfind(')');
  if (close == std::string::npos || close + 4 >= stat.size()) return 0;
  int parent = 0;
  std::from_chars(stat.data() + close + 4, stat.data() + stat.size(), parent);
  return parent;
}

std::vector<int> ScanProc() {
  std::vector<int> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/proc"), closedir);
  while (const dirent* entry = dir != nullptr ? readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    int pid = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), pid).ptr;
    if (end == name.data() + name.size() && ParentOf(pid) == kKthreadd) out.push_back(pid);
  }
  return out;
}

// All children of kthreadd; its own list, where the kernel has one, spares a walk over all
// processes.
std::vector<int> KernelThreadPids() {
  // In a pid namespace of its own a process may be number 2 that is none of the kernel's.
  if (Trimmed(ReadText(fmt::format("/proc/{}/comm", kKthreadd)).text) != "kthreadd") return {};
  const FileText children = ReadText(fmt::format("/proc/{0}/task/{0}/children", kKthreadd));
  if (children.error != 0) return ScanProc();
  std::vector<int> out;
  const char* at = children.text.data();
  const char* const end = at + children.text.size();
  while (at < end) {
    int pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc()) out.push_back(pid);
    at = next + 1;
  }
  return out;
}

// Length of the "3:1H" or "u8:12" after "kworker/"; 0 for any other name.
size_t WorkerIdLength(std::string_view id) {
  size_t at = id.starts_with('u') ? 1 : 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < id.size() && id[at] >= '0' && id[at] <= '9') ++at;
    return at > begin;
  };
  if (!digits() || at >= id.size() || id[at++] != ':' || !digits()) return 0;
  if (at < id.size() && id[at] == 'H') ++at;
  return at;
}

}  // namespace

Comms KernelThreadTitles() {
  Comms out;
  for (const int pid : KernelThreadPids()) {
    const FileText comm = ReadText(fmt::format("/proc/{}/comm", pid));
    if (comm.error == 0) out[pid] = Trimmed(comm.text);
  }
  return out;
}

Comms KernelThreads() {
  Comms out = KernelThreadTitles();
  for (auto& [pid, comm] : out) comm = CommOfKernelThread(comm);
  return out;
}

std::string CommOfKernelThread(std::string_view proc_comm) {
  std::string_view comm = proc_comm;
  if (comm.starts_with(kWorker)) {
    const size_t length = WorkerIdLength(comm.substr(kWorker.size()));
    if (length != 0) comm = comm.substr(0, kWorker.size() + length);
  }
  return std::string(comm.substr(0, kMaxComm));
}

std::string TaskName(Pid pid) {
  const FileText comm = ReadText(fmt::format("/proc/{}/comm", ToInt(pid)));
  return comm.error == 0 ? CommOfKernelThread(Trimmed(comm.text)) : "";
}

bool RescuersHavePrefix(const Comms& threads) {
  for (const auto& [pid, comm] : threads) {
    if (comm.starts_with("kworker/R-")) return true;
  }
  return false;
}

std::string MergeCmdlines(std::string_view saved_cmdlines, const Comms& first, const Comms& last) {
  Comms merged;
  while (!saved_cmdlines.empty()) {
    const size_t end = saved_cmdlines.find('\n');
    const std::string_view line = saved_cmdlines.substr(0, end);
    saved_cmdlines.remove_prefix(end == std::string_view::npos ? saved_cmdlines.size() : end + 1);
    int pid = 0;
    const auto [next, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
    const auto used = static_cast<size_t>(next - line.data());
    if (error == std::errc() && used + 1 < line.size()) merged[pid] = line.substr(used + 1);
  }
  for (const Comms* comms : {&first, &last}) {
    for (const auto& [pid, comm] : *comms) merged[pid] = comm;
  }
  std::string out;
  for (const auto& [pid, comm] : merged) out += fmt::format("{} {}\n", pid, comm);
  return out;
}

}  // namespace wqprof
