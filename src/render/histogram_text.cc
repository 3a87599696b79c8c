// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "render/pictures.h"
#include "render/text.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr size_t kBarWidth = 20;

// What stands in front of a row: its words and ids.
std::string RowName(const Table& table, const std::vector<Cell>& row) {
  std::string name;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!(table.columns[i].audience & kText)) continue;
    std::string part;
    if (const auto* word = std::get_if<std::string>(&row[i])) part = *word;
    if (const auto* id = std::get_if<Id>(&row[i])) {
      part = fmt::format("{} {}", table.columns[i].heading, id->value);
    }
    if (part.empty()) continue;
    if (!name.empty()) name += "  ";
    name += part;
  }
  return name;
}

// Counts by powers of two: [0] is exactly 0 ns, [k] is (2^(k-2), 2^(k-1)] ns.
using Octaves = std::array<uint64_t, 66>;

Nanos UpperBound(size_t octave) {
  if (octave == 0) return Nanos(0);
  return Nanos(octave > 63 ? INT64_MAX : int64_t{1} << (octave - 1));
}

Octaves OctavesOf(const Table& table, const std::vector<Cell>& row, std::string_view key) {
  Octaves counts{};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].histogram() || table.columns[i].key != key) continue;
    const auto* const* histogram = std::get_if<const Histogram*>(&row[i]);
    if (histogram == nullptr) continue;
    counts[0] = (*histogram)->zero_count();
    for (const Histogram::Bucket& bucket : (*histogram)->Buckets(0)) {
      counts[static_cast<size_t>(bucket.index + 2)] += bucket.count;
    }
  }
  return counts;
}

std::string CountAndBar(const Octaves& counts, size_t octave, bool utf8) {
  const uint64_t most = *std::max_element(counts.begin(), counts.end());
  const double part =
      most == 0 ? 0 : static_cast<double>(counts[octave]) / static_cast<double>(most);
  return fmt::format("{:>12} {}", CountText(counts[octave]), Bar(part, kBarWidth, utf8));
}

void AppendRow(std::string& out, const Table& table, const std::vector<Cell>& row,
               const TextStyle& style) {
  const Octaves latency = OctavesOf(table, row, "latency");
  const Octaves execution = OctavesOf(table, row, "execution");
  size_t first = latency.size(), last = 0;
  for (size_t i = 0; i < latency.size(); ++i) {
    if (latency[i] + execution[i] == 0) continue;
    first = std::min(first, i);
    last = i;
  }
  if (first > last) {
    out += "  nothing measured\n";
    return;
  }
  out +=
      fmt::format("  {:>8} {:>12} {:{}} {:>12}\n", "up to", "LATENCY", "", kBarWidth, "EXECUTION");
  for (size_t i = first; i <= last; ++i) {
    out += fmt::format("  {:>8} {} {}", DurationText(UpperBound(i)),
                       CountAndBar(latency, i, style.utf8), CountAndBar(execution, i, style.utf8));
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
}

}  // namespace

void AppendHistograms(std::string& out, const Table& table, const TextStyle& style) {
  for (const auto& row : table.rows) {
    out += fmt::format("\n{}\n", Emphasized(Escaped(RowName(table, row), !style.utf8), style));
    AppendRow(out, table, row, style);
  }
}

}  // namespace wqprof
