// SPDX-License-Identifier: Apache-2.0
#include "render/activation_table.h"

#include <algorithm>

#include "wqprof/columns.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// "1" or "3..4": how many were seen active when another one had to wait.
std::string ActiveWords(const ActivationRow& row) {
  if (!row.active_min || !row.active_max) return {};
  return row.active_min == row.active_max ? CountText(*row.active_max)
                                          : fmt::format("{}..{}", *row.active_min, *row.active_max);
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
  using Holder = ActivationRow::Holder;
  const Columns<Holder> columns = {
      {{.key = "function", .about = "null: all further ones."},
       [](const Holder& holder) { return Word{holder.function}; }},
      {{"held_ns"}, [](const Holder& holder) { return holder.held; }},
  };
  return MakeTable({.key = "held_by", .title = ""}, columns, row.holders);
}

Table ActivatorTable(const ActivationRow& row) {
  using Activator = ActivationRow::Activator;
  const Columns<Activator> columns = {
      {{.key = "comm", .about = "null: an interrupt, or not known."},
       [](const Activator& activator) { return Word{activator.comm}; }},
      {{"count"}, [](const Activator& activator) { return activator.count; }},
  };
  return MakeTable({.key = "released_by", .title = ""}, columns, row.activators);
}

}  // namespace

Table ActivationTable(const Report& report) {
  using Row = ActivationRow;
  const auto share = [duration = report.duration](const Row& row) {
    return Share{duration > Nanos(0) ? static_cast<double>(row.at_limit.count()) /
                                           static_cast<double>(duration.count())
                                     : 0.0};
  };
  const Columns<Row> columns = {
      {{"workqueue", "WORKQUEUE", kAll, 12}, [](const Row& row) { return Word{row.workqueue}; }},
      {{"cpu", "CPU", kAll, 0, 0, "null: unbound."}, [](const Row& row) { return row.cpu; }},
      {{"items", "ITEMS", kAll, 0, 0, "That waited, and were activated in the end."},
       [](const Row& row) { return row.items; }},
      {{"waited_ns", "WAITED"}, [](const Row& row) { return row.waited; }},
      {{"worst_ns", "WORST"}, [](const Row& row) { return row.worst; }},
      {{"at_limit_ns", "", kMachine, 0, 0, "Time in which at least one waited."},
       [](const Row& row) { return row.at_limit; }},
      {{"at_limit", "AT LIMIT", kText, 0, 2}, share},
      {{"inactive_mean", "INACTIVE", kAll, 0, 3}, [](const Row& row) { return row.inactive_mean; }},
      {{"inactive_max", "", kMachine}, [](const Row& row) { return row.inactive_max; }},
      {{"inactive_most", "MAX", kText, 0, 1}, [](const Row& row) { return row.inactive_max; }},
      {{"active_min", "", kMachine, 0, 0, "Fewest seen active when one that had to wait came."},
       [](const Row& row) { return row.active_min; }},
      {{"active_max", "", kMachine, 0, 0, "Most of them."},
       [](const Row& row) { return row.active_max; }},
      {{"active", "ACTIVE", kText}, [](const Row& row) { return Word{ActiveWords(row)}; }},
      {{"held", "HELD BY", kText, 16}, [](const Row& row) { return Word{HolderWords(row)}; }},
      {{"held_by", "", kJson, 0, 0, "Whose items were active meanwhile, the longest first."},
       HolderTable},
      {{"unheld_ns", "", kMachine, 0, 0, "Waits in which none was seen active."},
       [](const Row& row) { return row.unheld; }},
      {{"released_by_end", "", kMachine, 0, 0, "Activated as another item ended."},
       [](const Row& row) { return row.released_by_end; }},
      {{"released_by", "", kJson, 0, 0, "Tasks that activated the others."}, ActivatorTable},
      // What was not seen may still be so.
      {{"shared_by_pools", "", kMachine, 0, 0, "An end in one pool activated an item of another."},
       [](const Row& row) { return row.shared_by_pools ? std::optional(true) : std::nullopt; }},
  };
  return MakeTable({.key = "activation", .title = "Activation waits"}, columns, report.activation);
}

}  // namespace wqprof
