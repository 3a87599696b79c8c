// SPDX-License-Identifier: Apache-2.0
// Any bytes as lines of a fleet: both parsers agree on each line, and so does who reads lines that
// begin alike, what merges does not depend on
// how the bytes are cut, a file that is read twice counts once, and all can be shown.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "hist/line_reader.h"
#include "hist/record.h"
#include "wqprof/hist.h"
#include "wqprof/render_hist.h"

namespace {

using wqprof::HistMerger;
using wqprof::LineForm;

void CompareParsers(std::string_view text) {
#ifdef WQPROF_SIMDJSON
  static const auto simd = wqprof::MakeSimdParser();
  static const auto sax = wqprof::MakeSaxParser();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    const size_t size = line.size();
    line.resize(size + wqprof::LineParser::kPadding);
    wqprof::HistRecord a, b;
    const LineForm first = simd->Parse({line.data(), size}, a);
    const LineForm second = sax->Parse({line.data(), size}, b);
    if (first != second) std::abort();
    if (first == LineForm::kGood && (wqprof::IsCoherent(a) != wqprof::IsCoherent(b) ||
                                     a.segment != b.segment || a.n != b.n || a.idx != b.idx)) {
      std::abort();
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
#else
  (void)text;
#endif
}

void CompareReader(std::string_view text) {
  static const auto parser = wqprof::MakeLineParser();
  wqprof::HistLineReader reader;
  // Each line twice, so that its beginning is known.
  for (bool again = false; !text.empty(); again = !again) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    line += '\n';
    line.resize(end + wqprof::LineParser::kPadding);
    wqprof::HistRecord expected;
    const LineForm form = parser->Parse({line.data(), end}, expected);
    if (reader.Read({line.data(), end}) != form) std::abort();
    const wqprof::HistRecord& found = reader.record();
    if (form == LineForm::kGood &&
        (found.seen != expected.seen || found.segment != expected.segment ||
         found.function != expected.function || found.labels != expected.labels ||
         found.n != expected.n || found.idx != expected.idx || found.cnt != expected.cnt)) {
      std::abort();
    }
    if (again) text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string Shown(HistMerger merger) {
  const wqprof::MergedHists merged = std::move(merger).Take();
  for (const auto format : {wqprof::Format::kTable, wqprof::Format::kCsv}) {
    if (!wqprof::RenderMerged(merged, format, {}, {.columns = 80}).ok()) std::abort();
  }
  auto text = wqprof::RenderMerged(merged, wqprof::Format::kJson, {}, {});
  if (!text.ok()) std::abort();
  // All but the tally of lines.
  return text->substr(std::min(text->find("\"groups\""), text->size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CompareParsers(text);
  CompareReader(text);
  const wqprof::MergeKeys keys{true, true, true, true, {}};
  HistMerger whole(keys), cut(keys);
  for (int i = 0; i < 2; ++i) {
    whole.Add(text);
    whole.EndFile();
  }
  for (size_t i = 0; i < size; i += 7) cut.Add(text.substr(i, 7));
  cut.EndFile();
  const wqprof::MergeTally& tally = whole.tally();
  if (tally.lines !=
      tally.counted + tally.repeated + tally.damaged + tally.foreign + tally.odd + tally.refused) {
    std::abort();
  }
  if (Shown(std::move(whole)) != Shown(std::move(cut))) std::abort();
  return 0;
}
