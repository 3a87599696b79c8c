// SPDX-License-Identifier: Apache-2.0
#include "render/item_table.h"

#include <algorithm>

#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/columns.h"
#include "wqprof/stack_text.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

// The first items decide how wide the columns are; then each portion is written as it comes.
constexpr size_t kPortion = 4096;

// The first of an item's times that was seen.
Timestamp FirstSeen(const WorkItem& item) {
  for (const Timestamp at : {item.queued, item.activated, item.started, item.ended}) {
    if (at != kUnseen) return at;
  }
  return kUnseen;
}

// Who queued, as one word: "ptyload-4711", "softirq", "xfs_end_io".
Word OriginWord(const Origin& origin, const EventSource& source) {
  const NameTable& names = source.names();
  switch (origin.kind) {
    case Origin::Kind::kUnknown:
      return {};
    case Origin::Kind::kTask:
      return {fmt::format("{}-{}", names.Get(source.CommOf(origin.pid)), ToInt(origin.pid))};
    case Origin::Kind::kWork:
      return {fmt::format("work {}", SplitFunction(names.Get(origin.function)).name)};
    default:
      return {std::string(ToString(origin.kind))};
  }
}

Word WorkerWord(const WorkItem& item, const EventSource& source) {
  if (item.worker == Pid::kNone) return {};
  if (item.softirq) return {"softirq"};
  const std::string_view comm = source.names().Get(source.CommOf(item.worker));
  return {fmt::format("{}-{}", comm, ToInt(item.worker))};
}

// What a loss or the PENDING window puts in doubt is marked.
std::string StateWord(const WorkItem& item) {
  return std::string(ToString(item.state)) + (item.tainted() || item.ambiguous ? "?" : "");
}

// A span that the end of the trace cut is a lower bound.
auto Span(const EventSource& source, Timestamp WorkItem::*from, Timestamp WorkItem::*to,
          ItemState open) {
  return [&source, from, to, open](const WorkItem& item) -> Cell {
    if (!source.info().clock_is_ns) return {};
    if (const std::optional<Nanos> span = Between(item.*from, item.*to)) return *span;
    // Open items come after the last event; before, another thread may be reading the source.
    if (item.state != open) return {};
    const std::optional<Nanos> so_far = Between(item.*from, source.stats().end);
    if (!so_far) return {};
    return Estimate{*so_far, false, true};
  };
}

bool HaveStacks(std::span<const WorkItem> items) {
  return std::any_of(items.begin(), items.end(),
                     [](const WorkItem& item) { return item.stack != NameId::kUnknown; });
}

// Where works were queued has a column where that is known of any.
Columns<WorkItem> ItemColumns(const EventSource& source, const Reconstructor& model, bool stacks) {
  constexpr ItemState kPending = ItemState::kPending, kRunning = ItemState::kRunning;
  const NameTable& names = source.names();
  Columns<WorkItem> columns = {
      {{"id", "ID", kText, 0, 7},
       [](const WorkItem& item) { return Id{static_cast<int64_t>(item.id)}; }},
      {{"at", "FIRST SEEN"},
       [&source](const WorkItem& item) { return Timed(source.info(), FirstSeen(item)); }},
      {{"latency_ns", "LATENCY"}, Span(source, &WorkItem::queued, &WorkItem::started, kPending)},
      {{"activation_wait_ns", "INACT", kText, 0, 2},
       Span(source, &WorkItem::queued, &WorkItem::activated, kPending)},
      {{"execution_ns", "EXEC"}, Span(source, &WorkItem::started, &WorkItem::ended, kRunning)},
      {{"state", "STATE", kText, 0, 1}, StateWord},
      {{"run_cpu", "CPU", kText, 0, 3}, [](const WorkItem& item) { return item.run_cpu; }},
      {{"pool", "POOL", kText, 0, 4},
       [&model](const WorkItem& item) {
         const bool ran = item.started != kUnseen || item.ended != kUnseen;
         const bool known = ran || item.pool != PoolId::kUnknown;
         return Word{known ? model.pool(item.pool).name : ""};
       }},
      {{"worker", "WORKER", kText, 10, 5},
       [&source](const WorkItem& item) { return WorkerWord(item, source); }},
      {{"origin", "QUEUED BY", kText, 10, 6},
       [&source](const WorkItem& item) { return OriginWord(item.origin, source); }},
      {{"workqueue", "WORKQUEUE", kText, 10},
       [&names](const WorkItem& item) { return Word{std::string(names.Get(item.workqueue))}; }},
      {{"function", "FUNCTION", kText, 16},
       [&names](const WorkItem& item) { return Word{std::string(names.Get(item.function))}; }},
  };
  if (stacks) {
    columns.push_back(
        {{"stack", "QUEUED BY < CALLED BY", kText, 22, 4},
         [&names](const WorkItem& item) { return Word{CallPath(names.Get(item.stack))}; }});
  }
  return columns;
}

class ItemTable : public ItemWriter {
 public:
  ItemTable(const EventSource& source, const Reconstructor& model, const TextStyle& style)
      : source_(source), model_(model), writer_(style) {}
  void Begin(fmt::memory_buffer&) override {}
  void Add(std::span<const WorkItem> items, const SplitLookup&, fmt::memory_buffer& out) override {
    for (const WorkItem& item : items) {
      portion_.push_back(item);
      if (portion_.size() >= kPortion) Flush(out);
    }
  }
  void End(fmt::memory_buffer& out) override { Flush(out); }

 private:
  void Flush(fmt::memory_buffer& out) {
    if (columns_.empty()) columns_ = ItemColumns(source_, model_, HaveStacks(portion_));
    std::string text;
    writer_.Append(text, MakeTable({.key = "works", .title = ""}, columns_, portion_));
    out.append(text.data(), text.data() + text.size());
    portion_.clear();
  }

  const EventSource& source_;
  const Reconstructor& model_;
  Columns<WorkItem> columns_;  // once the first items are there
  TextTableWriter writer_;
  std::vector<WorkItem> portion_;
};

}  // namespace

Table ItemRows(std::span<const WorkItem> items, const EventSource& source,
               const Reconstructor& model) {
  return MakeTable({.key = "works", .title = ""}, ItemColumns(source, model, HaveStacks(items)),
                   items);
}

std::unique_ptr<ItemWriter> MakeItemTable(const EventSource& source, const Reconstructor& model,
                                          const TextStyle& style) {
  return std::make_unique<ItemTable>(source, model, style);
}

}  // namespace wqprof
