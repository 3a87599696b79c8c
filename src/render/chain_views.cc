// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "render/tables.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/render_chains.h"

namespace wqprof {
namespace {

// A step of a chain, with what its cells need of the others.
struct StepRow {
  ChainStep step;
  Timestamp chain_begin = kUnseen;
  bool last = false;
};

Word SinceBegin(const StepRow& row) {
  const std::optional<Nanos> since = Between(row.chain_begin, row.step.queued);
  return since ? Word{"+" + DurationText(std::max(Nanos(0), *since))} : Word();
}

Table StepTable(const Chain& chain) {
  const Columns<StepRow> columns = {
      {{"id", "ITEM"}, [](const StepRow& row) { return Id{static_cast<int64_t>(row.step.id)}; }},
      {{"since", "QUEUED", kText}, SinceBegin},
      {{"queued_ns", "", kMachine}, [](const StepRow& row) { return row.step.queued; }},
      {{"activation_wait_ns", "INACT", kAll, 0, 2},
       [](const StepRow& row) { return Signed(Between(row.step.queued, row.step.activated)); }},
      {{"latency_ns", "LATENCY"},
       [](const StepRow& row) { return Signed(Between(row.step.queued, row.step.started)); }},
      {{"until_next_ns", "QUEUED NEXT"},
       [](const StepRow& row) { return row.last ? std::nullopt : Signed(row.step.until_next); }},
      {{"execution_ns", "EXEC"},
       [](const StepRow& row) { return Signed(Between(row.step.started, row.step.ended)); }},
      {{"pool", "POOL", kAll, 0, 1}, [](const StepRow& row) { return Word{row.step.pool}; }},
      {{"workqueue", "WORKQUEUE", kAll, 10},
       [](const StepRow& row) { return Word{row.step.workqueue}; }},
      {{"function", "", kMachine}, [](const StepRow& row) { return Word{row.step.function}; }},
      {{"module", "", kMachine}, [](const StepRow& row) { return Word{row.step.module}; }},
      {{"name", "FUNCTION", kText, 16},
       [](const StepRow& row) {
         const ChainStep& step = row.step;
         return Word{step.module.empty() ? step.function
                                         : fmt::format("{} [{}]", step.function, step.module)};
       }},
  };
  std::vector<StepRow> rows;
  for (const ChainStep& step : chain.steps) {
    rows.push_back({step, chain.steps.front().queued, &step == &chain.steps.back()});
  }
  return MakeTable({.key = "steps", .title = ""}, columns, rows);
}

Table ChainTable(const ChainReport& chains) {
  const Columns<Chain> columns = {
      {{"item", "", kJson},
       [](const Chain& chain) { return Id{static_cast<int64_t>(chain.item)}; }},
      {{"whole", "", kJson}, [](const Chain& chain) { return chain.whole; }},
      {{"origin_kind", "", kJson}, [](const Chain& chain) { return Word{chain.origin_kind}; }},
      {{"origin_name", "", kJson}, [](const Chain& chain) { return Word{chain.origin_name}; }},
      {{"span_ns", "", kJson}, [](const Chain& chain) { return Signed(chain.Span()); }},
      {{"steps", "", kJson}, StepTable},
  };
  return MakeTable({.key = "chains", .title = "Chains"}, columns, chains.chains);
}

// The functions from the top down to each node.
std::vector<std::vector<std::string>> PathsOf(const ChainReport& chains) {
  std::vector<std::vector<std::string>> paths;
  std::vector<std::string> path;
  for (const ChainNode& node : chains.tree) {
    path.resize(std::min(path.size(), node.depth));
    path.push_back(node.function.empty() ? "?" : node.function);
    paths.push_back(path);
  }
  return paths;
}

// What stands before a node's function, so that the column is a tree: "│  └─ ".
std::vector<std::string> BranchesOf(const ChainReport& chains, bool utf8) {
  constexpr size_t kDeepest = 20;
  const std::string_view last = utf8 ? "└─ " : "`- ", middle = utf8 ? "├─ " : "|- ",
                         passes = utf8 ? "│  " : "|  ";
  std::vector<std::string> branches(chains.tree.size());
  std::vector<bool> goes_on;  // by depth, whether a sibling follows
  for (size_t i = chains.tree.size(); i > 0; --i) {
    const size_t depth = chains.tree[i - 1].depth;
    goes_on.resize(std::max(goes_on.size(), depth + 1));
    for (size_t d = 1; d < std::min(depth, kDeepest); ++d) {
      branches[i - 1] += goes_on[d] ? passes : "   ";
    }
    if (depth > 0) branches[i - 1] += goes_on[depth] ? middle : last;
    goes_on.resize(depth + 1);
    goes_on[depth] = true;
  }
  return branches;
}

// A node of the tree, with the functions above it.
struct NodeRow {
  ChainNode node;
  std::vector<std::string> path;
  std::string branch;
};

Table TreeTable(const ChainReport& chains, bool utf8 = false) {
  const Columns<NodeRow> columns = {
      {{"depth", "", kMachine}, [](const NodeRow& row) { return uint64_t{row.node.depth}; }},
      {{"items", "COUNT"}, [](const NodeRow& row) { return row.node.items; }},
      {{"waited_ns", "WAITED"}, [](const NodeRow& row) { return row.node.waited; }},
      {{"executed_ns", "EXECUTED"}, [](const NodeRow& row) { return row.node.executed; }},
      {{"workqueue", "WORKQUEUE", kAll, 10},
       [](const NodeRow& row) { return Word{row.node.workqueue}; }},
      {{"function", "", kMachine}, [](const NodeRow& row) { return Word{row.node.function}; }},
      {{"indented", "FUNCTION", kText, 20},
       [](const NodeRow& row) { return row.branch + row.path.back(); }},
      {{"path", "", kMachine}, [](const NodeRow& row) { return row.path; }},
  };
  std::vector<std::vector<std::string>> paths = PathsOf(chains);
  std::vector<std::string> branches = BranchesOf(chains, utf8);
  std::vector<NodeRow> rows;
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    rows.push_back({chains.tree[i], std::move(paths[i]), std::move(branches[i])});
  }
  return MakeTable({.key = "tree", .title = "Who queued whom"}, columns, rows);
}

Table CountTable(const ChainReport& chains) {
  const Columns<ChainReport> columns = {
      {{"known", "", kJson}, [](const ChainReport& c) { return c.edges; }},
      {{"lost", "", kJson}, [](const ChainReport& c) { return c.lost_parents; }},
  };
  return MakeRecord("parents", columns, chains);
}

// Only the trees in which a work queued another one; the others are what `report` shows.
void DropSingleNodes(Table& tree, const ChainReport& chains) {
  std::vector<std::vector<Cell>> kept;
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    const bool leads = i + 1 < chains.tree.size() && chains.tree[i + 1].depth > 0;
    if (chains.tree[i].depth > 0 || leads) kept.push_back(std::move(tree.rows[i]));
  }
  tree.rows = std::move(kept);
}

std::string ChainTitle(const Chain& chain) {
  const std::string origin = chain.origin_name.empty()
                                 ? chain.origin_kind
                                 : fmt::format("{} {}", chain.origin_kind, chain.origin_name);
  const auto span = chain.Span();
  return fmt::format("Item {}: {}{}, first queued by {}{}", chain.item,
                     CountOf(chain.steps.size(), "step"),
                     span ? fmt::format(" in {}", DurationText(*span)) : "", Escaped(origin),
                     chain.whole ? "" : ", of which no more is known");
}

std::string ChainText(const Report& report, const ChainReport& chains, Table tree, const View& view,
                      const TextStyle& style) {
  std::string out = Heading(report, style);
  for (const Chain& chain : chains.chains) {
    Table steps = StepTable(chain);
    steps.title = ChainTitle(chain);
    out += '\n';
    AppendTextTable(out, steps, style);
  }
  if (!view.tables.empty()) return out;
  DropSingleNodes(tree, chains);
  CutRows(tree, view.top);
  out += '\n';
  AppendTextTable(out, tree, style);
  if (chains.lost_parents > 0) {
    out += fmt::format(
        "{} by works that are not known: begun before the trace, lost, or too long ago\n",
        CountOf(chains.lost_parents, "item was queued", "items were queued"));
  }
  return out;
}

}  // namespace

std::vector<Table> ChainTables(const Report& report, const ChainReport& chains) {
  std::vector<Table> tables;
  for (Table& table : ReportTables(report)) {
    if (table.key == "source" || table.key == "quality") tables.push_back(std::move(table));
  }
  tables.push_back(CountTable(chains));
  tables.push_back(ChainTable(chains));
  tables.push_back(TreeTable(chains));
  return tables;
}

absl::StatusOr<std::string> RenderChains(const Report& report, const ChainReport& chains,
                                         Format format, const View& view, const TextStyle& style) {
  constexpr std::string_view kSchema = "wqprof.chains/1";
  if (format == Format::kTable) {
    return ChainText(report, chains, TreeTable(chains, style.utf8), view, style);
  }
  Table tree = TreeTable(chains);
  CutRows(tree, view.top);
  if (format == Format::kCsv) return ToCsv(tree);
  std::vector<Table> tables = ChainTables(report, chains);
  tables.back() = std::move(tree);
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

std::string FoldedChains(const ChainReport& chains) {
  std::string out;
  const std::vector<std::vector<std::string>> paths = PathsOf(chains);
  for (size_t i = 0; i < chains.tree.size(); ++i) {
    const Nanos time = AddSaturated(chains.tree[i].waited, chains.tree[i].executed);
    if (time == Nanos(0)) continue;
    std::string line = fmt::format("{}", fmt::join(paths[i], "\x1f"));
    // A name may hold any character, but these two have a meaning here.
    std::replace(line.begin(), line.end(), ';', ':');
    std::replace(line.begin(), line.end(), '\x1f', ';');
    out += fmt::format("{} {}\n", Escaped(line), time.count());
  }
  return out;
}

}  // namespace wqprof
