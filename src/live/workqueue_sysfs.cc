// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "live/kernel_threads.h"
#include "live/tracefs.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {
namespace {

constexpr char kDevices[] = "/sys/devices/virtual/workqueue";
constexpr char kParameters[] = "/sys/module/workqueue/parameters";
constexpr size_t kNiceField = 19;  // of /proc/PID/stat

std::vector<std::string> EntriesOf(const std::string& directory) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  while (const dirent* entry = dir != nullptr ? readdir(dir.get()) : nullptr) {
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<int> NumberOf(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "0-63" of a mask as sysfs prints it: "ffffffff,ffffffff".
std::string CpuListOfMask(std::string_view mask) {
  std::vector<bool> cpus;
  for (size_t at = mask.size(); at-- > 0;) {
    if (mask[at] == ',') continue;
    int digit = 0;
    std::from_chars(&mask[at], &mask[at] + 1, digit, 16);
    for (int bit = 0; bit < 4; ++bit) cpus.push_back((digit >> bit & 1) != 0);
  }
  return CpuList(cpus);
}

WorkqueueSetup SetupOf(const std::string& name) {
  const auto value = [&name](std::string_view file) {
    return std::string(Trimmed(ReadText(fmt::format("{}/{}/{}", kDevices, name, file)).text));
  };
  WorkqueueSetup out;
  out.name = name;
  const auto per_cpu = NumberOf(value("per_cpu"));
  if (per_cpu) out.unbound = *per_cpu == 0;
  out.max_active = NumberOf(value("max_active"));
  out.nice = NumberOf(value("nice"));
  out.cpus = CpuListOfMask(value("cpumask"));
  // "default (cache)"
  out.affinity_scope = value("affinity_scope");
  out.affinity_scope.resize(std::min(out.affinity_scope.size(), out.affinity_scope.find(' ')));
  if (const auto strict = NumberOf(value("affinity_strict"))) out.affinity_strict = *strict != 0;
  return out;
}

std::optional<int> NiceOf(int pid) {
  const std::string stat = ReadText(fmt::format("/proc/{}/stat", pid)).text;
  // The name, field 2, may hold anything; field 3 follows the last parenthesis.
  size_t at = stat.rfind(')');
  for (size_t field = 2; field < kNiceField && at != std::string::npos; ++field) {
    at = stat.find(' ', at + 1);
  }
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(stat).substr(at + 1);
  return NumberOf(rest.substr(0, rest.find(' ')));
}

std::string AffinityOf(int pid) {
  constexpr std::string_view kKey = "\nCpus_allowed_list:\t";
  const std::string status = ReadText(fmt::format("/proc/{}/status", pid)).text;
  const size_t at = status.find(kKey);
  if (at == std::string::npos) return "";
  const size_t begin = at + kKey.size();
  return status.substr(begin, status.find('\n', begin) - begin);
}

// 8 of the worker "kworker/u8:3".
std::optional<int> UnboundPoolOf(std::string_view comm) {
  constexpr std::string_view kUnbound = "kworker/u";
  if (!comm.starts_with(kUnbound)) return std::nullopt;
  comm.remove_prefix(kUnbound.size());
  return NumberOf(comm.substr(0, comm.find(':')));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> WorkqueueParameters() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& name : EntriesOf(kParameters)) {
    const FileText value = ReadText(fmt::format("{}/{}", kParameters, name));
    if (value.error == 0) out.emplace_back(name, Trimmed(value.text));
  }
  return out;
}

std::string CpuList(const std::vector<bool>& cpus) {
  std::string out;
  for (size_t first = 0; first < cpus.size(); ++first) {
    if (!cpus[first]) continue;
    size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1]) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", first);
    if (last != first) out += fmt::format("-{}", last);
    first = last;
  }
  return out;
}

WorkqueueConfig ReadSysfsConfig() {
  WorkqueueConfig out;
  out.source = "sysfs";
  out.parameters = WorkqueueParameters();
  for (const std::string& name : EntriesOf(kDevices)) {
    if (Exists(fmt::format("{}/{}/max_active", kDevices, name))) {
      out.workqueues.push_back(SetupOf(name));
    }
  }
  std::map<int, PoolSetup> pools;
  for (const auto& [pid, comm] : KernelThreads()) {
    const auto id = UnboundPoolOf(comm);
    if (!id) continue;
    PoolSetup& pool = pools[*id];
    pool.id = *id;
    pool.workers = pool.workers.value_or(0) + 1;
    if (!pool.nice) pool.nice = NiceOf(pid);
    if (pool.cpus.empty()) pool.cpus = AffinityOf(pid);
  }
  for (auto& [id, pool] : pools) out.pools.push_back(std::move(pool));
  return out;
}

}  // namespace wqprof
