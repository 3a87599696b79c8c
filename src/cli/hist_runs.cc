// SPDX-License-Identifier: Apache-2.0
#include "cli/hist_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/hist_files.h"
#include "cli/output.h"
#include "wqprof/hist.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

absl::StatusOr<MergedHists> MergeHosts(const std::vector<std::string>& paths) {
  MergeKeys keys;
  keys.host = keys.kernel = true;
  HistMerger merger(keys);
  if (const absl::Status status = ReadHists(paths, merger); !status.ok()) return status;
  if (const absl::Status status = NothingMerged(merger.tally()); !status.ok()) return status;
  const MergeTally& tally = merger.tally();
  if (const uint64_t left_out = tally.damaged + tally.odd + tally.refused; left_out > 0) {
    Note(fmt::format("{} left out: cut, damaged or contradictory (wqprof merge shows which)",
                     CountOf(left_out, "line")));
  }
  MergedHists merged = std::move(merger).Take();
  if (merged.tally.too_large > 0) {
    Note(fmt::format("sums of {} do not fit in 64 bits, and are at their largest",
                     CountOf(merged.tally.too_large, "series", "series")));
  }
  return merged;
}

// What verdicts ask of a run's quality.
void AddQuality(const MergedGroup& group, Quality& to) {
  const auto count = [&](std::string_view name) {
    for (size_t i = 0; i < kAnomalies.size(); ++i) {
      if (kAnomalies[i].name == name) return group.anomalies[i];
    }
    return uint64_t{0};
  };
  if (group.unknown_loss > 0 || !to.lost_events) {
    to.lost_events.reset();
  } else {
    *to.lost_events += count("lost_events");
  }
  to.match.unmatched_starts += count("unmatched_starts");
  to.match.executed += group.executed;
  to.corrupt_pages += count("corrupt_pages");
  // Of a function whose line is missing nothing is known, as of one that was not recorded.
  to.truncated |= count("truncated") > 0 || group.incomplete > 0;
  const uint64_t expected = to.match.executed + to.match.unmatched_starts;
  if (expected > 0) {
    to.paired_fraction = static_cast<double>(to.match.executed) / static_cast<double>(expected);
  }
}

void AddRuns(const MergedHists& merged, const std::vector<size_t>& groups, RunSet& runs) {
  const size_t count = std::min(groups.size(), kHostGroups);
  std::vector<SummedRun> summed(count);
  std::vector<size_t> place(merged.groups.size(), SIZE_MAX);
  for (size_t i = 0; i < groups.size(); ++i) {
    const MergedGroup& group = merged.groups[groups[i]];
    SummedRun& run = summed[i % count];
    place[groups[i]] = i % count;
    run.name = run.name.empty() ? group.host : fmt::format("{} and others", group.host);
    run.kernel = group.kernel;
    run.duration = AddSaturated(run.duration, group.measured);
    AddQuality(group, run.quality);
  }
  for (const MergedFunction& row : merged.functions) {
    if (place[row.group] == SIZE_MAX) continue;
    const std::string name = fmt::format("{}/{}", row.workqueue, row.function);
    summed[place[row.group]].instances[name].Merge(row.measures);
  }
  for (const SummedRun& run : summed) runs.Add(run);
  if (groups.size() > count) {
    Note(fmt::format("{} hosts are compared as {} groups of hosts", CountText(groups.size()),
                     count));
  }
}

absl::Status NoHosts(const std::string& kernel, const MergedHists& merged) {
  std::vector<std::string> known;
  for (const MergedGroup& group : merged.groups) known.push_back(group.kernel);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return absl::OutOfRangeError(fmt::format("no host in these files has the kernel {}\nthey have {}",
                                           kernel, fmt::join(known, ", ")));
}

}  // namespace

absl::StatusOr<KernelPair> ParseKernelPair(std::string_view text) {
  const size_t comma = text.find(',');
  const bool two = comma != std::string_view::npos && comma > 0 && comma + 1 < text.size() &&
                   text.find(',', comma + 1) == std::string_view::npos;
  if (!two) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' does not name two kernels: write A,B, e.g. 6.1.0,6.12.0", text));
  }
  return KernelPair{std::string(text.substr(0, comma)), std::string(text.substr(comma + 1))};
}

absl::Status ReadHosts(const std::vector<std::string>& paths, RunSet& runs) {
  const absl::StatusOr<MergedHists> merged = MergeHosts(paths);
  if (!merged.ok()) return merged.status();
  std::vector<size_t> groups(merged->groups.size());
  for (size_t i = 0; i < groups.size(); ++i) groups[i] = i;
  AddRuns(*merged, groups, runs);
  return absl::OkStatus();
}

absl::Status ReadHosts(const std::vector<std::string>& paths, const KernelPair& kernels,
                       RunSet& base, RunSet& now) {
  const absl::StatusOr<MergedHists> merged = MergeHosts(paths);
  if (!merged.ok()) return merged.status();
  for (const auto& [kernel, runs] :
       {std::pair(&kernels.base, &base), std::pair(&kernels.now, &now)}) {
    std::vector<size_t> groups;
    for (size_t i = 0; i < merged->groups.size(); ++i) {
      if (merged->groups[i].kernel == *kernel) groups.push_back(i);
    }
    if (groups.empty()) return NoHosts(*kernel, *merged);
    AddRuns(*merged, groups, *runs);
  }
  return absl::OkStatus();
}

}  // namespace wqprof
