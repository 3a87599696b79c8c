// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "text/event_sorter.h"
#include "text/line_reader.h"
#include "text/text_parser.h"
#include "wqprof/text.h"

namespace wqprof {
namespace {

class LineSourceOfEvents : public TextSource {
 public:
  LineSourceOfEvents(std::unique_ptr<ByteStream> stream, const TextOptions& options)
      : lines_(std::move(stream)), parser_(names_, options) {}

  // Reads the first events: what they are decides what the trace is.
  absl::Status ReadHead() {
    while (!sorter_.full()) {
      absl::StatusOr<bool> read = ReadLine();
      if (!read.ok()) return read.status();
      if (!*read) break;
    }
    parser_.Describe(info_);
    stats_.begin = parser_.begin();
    stats_.seen_events = parser_.Stats().seen_events;
    stats_.covered_from = parser_.is_whole() ? parser_.begin() : parser_.latest_first();
    return absl::OkStatus();
  }

  absl::StatusOr<std::span<const Event>> Next() override {
    while (true) {
      auto run = sorter_.Take();
      if (!run.ok() || !run->empty() || ended_) return run;
      if (absl::Status s = ReadOn(); !s.ok()) return s;
    }
  }
  const TraceInfo& info() const override { return info_; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return names_; }
  NameId CommOf(Pid pid) const override { return parser_.CommOf(pid); }
  TextFindings findings() const override { return parser_.findings(); }

 private:
  absl::StatusOr<bool> ReadLine() {
    LineReader::Line line;
    absl::StatusOr<bool> more = lines_.Next(line);
    // What came before the damage is as good as ever.
    if (absl::IsDataLoss(more.status()) && parser_.begin() != kUnseen) {
      parser_.NoteDamage();
      more = false;
    }
    if (!more.ok() || !*more) {
      text_ended_ = more.ok();
      return more;
    }
    if (line.ended) [[likely]] {
      parser_.Add(line.text, lines_.Ahead(), sorter_);
    } else {
      parser_.AddUnended(line.text, sorter_);
    }
    return true;
  }

  // Reads until there are events to take, or none come any more.
  absl::Status ReadOn() {
    while (!text_ended_ && !sorter_.full()) {
      if (const absl::StatusOr<bool> read = ReadLine(); !read.ok()) return read.status();
    }
    if (!text_ended_) return sorter_.Flush(parser_.one_cpu());
    ended_ = true;
    parser_.Finish(sorter_);
    parser_.Describe(info_);
    const Timestamp covered = stats_.covered_from;
    stats_ = parser_.Stats();
    stats_.covered_from = covered;
    stats_.time_reversals += sorter_.late();
    return sorter_.Finish();
  }

  NameTable names_;
  LineReader lines_;
  TextParser parser_;
  EventSorter sorter_;
  TraceInfo info_;
  ReadStats stats_;
  bool text_ended_ = false;  // its last line was read
  bool ended_ = false;       // its last event is on the way
};

}  // namespace

absl::StatusOr<std::unique_ptr<TextSource>> TextSource::Open(std::unique_ptr<ByteStream> stream,
                                                             const TextOptions& options) {
  auto source = std::make_unique<LineSourceOfEvents>(std::move(stream), options);
  if (absl::Status s = source->ReadHead(); !s.ok()) return s;
  return std::unique_ptr<TextSource>(std::move(source));
}

}  // namespace wqprof
