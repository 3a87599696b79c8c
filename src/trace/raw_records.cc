// SPDX-License-Identifier: Apache-2.0
#include "wqprof/raw_records.h"

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

#include "trace/decode_setup.h"
#include "trace/record_decoder.h"
#include "trace/trace_texts.h"
#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

// Stacks belong to the buffer of a CPU, which these records do not come from.
constexpr uint8_t kLastKind = static_cast<uint8_t>(EventKind::kSoftirqExit);
constexpr std::string_view kMagic("\x17\x08\x44tracing", 10);

struct Texts {
  TraceMetadata metadata;
  int long_size = 8;
};

absl::StatusOr<Texts> ParseTexts(std::string_view texts, const std::string& path) {
  const auto damaged = [&](std::string_view what) {
    return absl::DataLossError(fmt::format("cannot read {}: {}\nthe file is damaged", path, what));
  };
  Texts out;
  ByteCursor head(texts, false);
  const bool begins = head.Bytes(kMagic.size()) == kMagic;
  const std::string_view version = head.CString();
  const std::string_view machine = head.Bytes(2);
  if (!begins || !head.ok() || machine[0] != 0) {
    return damaged("what should describe its events is something else");
  }
  out.long_size = machine[1] == 4 ? 4 : 8;
  ByteCursor in(head.rest(), false);
  in.U32();  // the size of a page
  TraceMetadata& metadata = out.metadata;
  if (!TakeHeaderInfo(in, metadata) || !TakeFtraceFormats(in, metadata) ||
      !TakeEventFormats(in, metadata)) {
    return damaged("the formats of its events are cut short");
  }
  metadata.kallsyms = in.Bytes(in.U32());
  in.Bytes(in.U32());  // printk_formats
  // Since 0.6; without it names of tasks come from elsewhere.
  if (version != "0.5") metadata.saved_cmdlines = in.Bytes(in.U64());
  return out;
}

}  // namespace

struct RawRecords::State {
  State(DecodeContext made, NameTable& names) : context(std::move(made)), decoder(context, names) {
    context.symbols = &symbols;
    records.resize(context.layout.slots.size());
  }

  DecodeContext context;
  Symbols symbols;
  RecordDecoder decoder;
  CommTable comms;
  std::vector<uint64_t> records;  // by slot of the layout
};

RawRecords::RawRecords(std::unique_ptr<State> state) : state_(std::move(state)) {}
RawRecords::~RawRecords() = default;

absl::StatusOr<std::unique_ptr<RawRecords>> RawRecords::Create(std::string_view texts,
                                                               const std::string& path,
                                                               NameTable& names) {
  auto parsed = ParseTexts(texts, path);
  if (!parsed.ok()) return parsed.status();
  TraceMetadata& metadata = parsed->metadata;
  auto context = MakeDecodeContext(metadata, path);
  if (!context.ok()) return context.status();
  context->cpus = kMaxCpus;
  auto state = std::make_unique<State>(*std::move(context), names);
  state->symbols = Symbols(std::move(metadata.kallsyms));
  state->comms.Read(metadata.saved_cmdlines, names);
  return std::unique_ptr<RawRecords>(new RawRecords(std::move(state)));
}

void RawRecords::SetSymbols(std::string kallsyms) {
  state_->symbols = Symbols(std::move(kallsyms));
}
void RawRecords::SetCpus(int cpus) { state_->context.cpus = cpus; }
bool RawRecords::has_symbols() const { return !state_->symbols.empty(); }

void RawRecords::Describe(TraceInfo& info) const {
  info.long_size = static_cast<int>(state_->context.page.commit_size);
  NoteEvents(state_->context.layout, info);
}

std::optional<EventKind> RawRecords::KindOf(uint64_t id) const {
  const std::vector<EventLayout::Id>& ids = state_->context.layout.ids;
  if (id >= ids.size() || ids[id].kind > kLastKind) return std::nullopt;
  return static_cast<EventKind>(ids[id].kind);
}

NameId RawRecords::CommOf(Pid pid) const { return state_->comms.Of(pid); }

RawRecords::Taken RawRecords::Take(std::span<const std::byte> record, Event& event) {
  const EventLayout& layout = state_->context.layout;
  if (record.size() < layout.min_size) return Taken::kUnreadable;
  const std::byte* const payload = record.data();
  const EventLayout::Id id = layout.ids[LoadAs<false, uint16_t>(payload + layout.type_offset)];
  ++state_->records[id.slot];
  if (id.kind > kLastKind) return Taken::kOther;
  const EventFields& fields = layout.fields[id.kind];
  if (record.size() < fields.min_size) return Taken::kUnreadable;
  event.pid = static_cast<Pid>(LoadAs<false, uint32_t>(payload + layout.pid_offset));
  event.kind = static_cast<EventKind>(id.kind);
  event.flags = static_cast<uint8_t>(payload[layout.flags_offset]);
  if (layout.pointer_size == 8) {
    state_->decoder.Decode<false, uint64_t>(payload, record.size(), fields, event);
  } else {
    state_->decoder.Decode<false, uint32_t>(payload, record.size(), fields, event);
  }
  return Taken::kEvent;
}

void RawRecords::Count(ReadStats& stats) const {
  PageTotals totals;
  for (size_t slot = 0; slot < state_->records.size(); ++slot) {
    if (state_->records[slot] == 0) continue;
    totals.by_slot[static_cast<uint16_t>(slot)] = state_->records[slot];
    stats.events += state_->records[slot];
  }
  const std::optional<uint64_t> lost = stats.lost_events;
  FinishPageStats(state_->context.layout, totals, stats);
  stats.lost_events = lost;
}

}  // namespace wqprof
