// SPDX-License-Identifier: Apache-2.0
#include "render/activation_table.h"

#include <algorithm>

#include "render/cells.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// "1" or "3..4": how many were seen active when another one had to wait.
std::string ActiveWords(const ActivationRow& row) {
  if (!row.active_min || !row.active_max) return {};
  return row.active_min == row.active_max ? CountText(*row.active_max)
                                          : fmt::format("{}..{}", *row.active_min, *row.active_max);
}

Cell OptionalCount(std::optional<uint32_t> count) {
  return count ? Cell(uint64_t{*count}) : Cell();
}

// "flush_fn 98.0%, other_fn 2.0%"; without any holder, who let the items go.
std::string HolderWords(const ActivationRow& row) {
  constexpr size_t kShown = 2;
  Nanos sum{0};
  for (const auto& holder : row.holders) sum = AddSaturated(sum, holder.held);
  std::string out;
  for (size_t i = 0; i < std::min(kShown, row.holders.size()); ++i) {
    const ActivationRow::Holder& holder = row.holders[i];
    const double share =
        static_cast<double>(holder.held.count()) / static_cast<double>(sum.count());
    out += fmt::format("{}{} {}", i > 0 ? ", " : "",
                       holder.function.empty() ? "others" : holder.function, PercentText(share));
  }
  if (row.holders.size() > kShown) {
    out += fmt::format(" and {} more", row.holders.size() - kShown);
  }
  if (out.empty() && !row.activators.empty()) {
    const std::string& comm = row.activators.front().comm;
    out = fmt::format("none; let go by {}", comm.empty() ? "an interrupt" : comm);
  }
  return out;
}

Table HolderTable(const ActivationRow& row) {
  Table table{.key = "held_by", .title = ""};
  table.columns = {{"function", ""}, {"held_ns", ""}};
  for (const auto& holder : row.holders) {
    table.rows.push_back({WordCell(holder.function), holder.held});
  }
  return table;
}

Table ActivatorTable(const ActivationRow& row) {
  Table table{.key = "released_by", .title = ""};
  table.columns = {{"comm", ""}, {"count", ""}};
  for (const auto& activator : row.activators) {
    table.rows.push_back({WordCell(activator.comm), activator.count});
  }
  return table;
}

}  // namespace

Table ActivationTable(const Report& report) {
  Table table{.key = "activation", .title = "Activation waits"};
  table.columns = {{"workqueue", "WORKQUEUE", kAll, 12},
                   {"cpu", "CPU"},
                   {"items", "ITEMS"},
                   {"waited_ns", "WAITED"},
                   {"worst_ns", "WORST"},
                   {"at_limit_ns", "", kMachine},
                   {"at_limit", "AT LIMIT", kText, 0, 2},
                   {"inactive_mean", "INACTIVE", kAll, 0, 3},
                   {"inactive_max", "", kMachine},
                   {"inactive_most", "MAX", kText, 0, 1},
                   {"active_min", "", kMachine},
                   {"active_max", "", kMachine},
                   {"active", "ACTIVE", kText},
                   {"held", "HELD BY", kText, 16},
                   {"held_by", "", kJson},
                   {"unheld_ns", "", kMachine},
                   {"released_by_end", "", kMachine},
                   {"released_by", "", kJson},
                   {"shared_by_pools", "", kMachine}};
  for (const ActivationRow& row : report.activation) {
    const double at_limit = report.duration > Nanos(0)
                                ? static_cast<double>(row.at_limit.count()) /
                                      static_cast<double>(report.duration.count())
                                : 0.0;
    table.rows.push_back({WordCell(row.workqueue), CpuCell(row.cpu), row.items, row.waited,
                          row.worst, row.at_limit, Share{at_limit}, row.inactive_mean,
                          row.inactive_max, row.inactive_max, OptionalCount(row.active_min),
                          OptionalCount(row.active_max), WordCell(ActiveWords(row)),
                          WordCell(HolderWords(row)), std::vector<Table>{HolderTable(row)},
                          row.unheld, row.released_by_end, std::vector<Table>{ActivatorTable(row)},
                          // What was not seen may still be so.
                          row.shared_by_pools ? Cell(true) : Cell()});
  }
  return table;
}

}  // namespace wqprof
