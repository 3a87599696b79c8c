// SPDX-License-Identifier: Apache-2.0
// A timeline's bins as cells of text.
#ifndef WQPROF_RENDER_LANES_H_
#define WQPROF_RENDER_LANES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"
#include "wqprof/timeline.h"

namespace wqprof {

inline constexpr size_t kLaneLabel = 13;  // columns before a row's cells
// What stands before them.
std::string LaneLabel(std::string_view text, const TextStyle& style);

// Places of the functions that have a colour, or without colours a letter, of their own.
inline constexpr size_t kNamedFunctions = 7;

// Cuts the time of a timeline into equal columns.
class LaneColumns {
 public:
  LaneColumns(const Timeline& timeline, size_t columns) : timeline_(timeline), columns_(columns) {}

  size_t size() const { return columns_; }
  Nanos width() const;
  // Sums over each column of what lies in the bins, a bin that two columns share by its parts.
  std::vector<double> Sums(std::span<const Nanos> bins) const;
  std::vector<uint32_t> Maxima(std::span<const uint32_t> bins) const;
  // For each column the function that leads most of its time.
  std::vector<uint32_t> Functions(const TimelineLane& lane) const;

 private:
  // Calls f(column, bin, fraction of the bin).
  template <typename F>
  void ForEach(size_t bins, F&& f) const;

  const Timeline& timeline_;
  const size_t columns_;
};

// Heights from 0 to 1, drawn by their square roots so that little is seen, too.
std::string HeightRow(std::span<const double> heights, const TextStyle& style);
// Marks at round times since `zero`, at least 14 columns apart.
std::string AxisRow(const Timeline& timeline, Timestamp zero, size_t cells);
// The most that waited at once, by column.
std::string BacklogRow(const TimelinePool& pool, const LaneColumns& columns,
                       const TextStyle& style);
// One worker with its name.
std::string ExecutionRow(const TimelineLane& lane, const LaneColumns& columns,
                         const TextStyle& style);
// Marks where something is.
std::string MarkRow(std::span<const double> values, const TextStyle& style);
// One worker: how much of each column it executed, and what.  Without colours the letter of the
// function stands there, a capital where it executed for half of the time or longer.
std::string LaneRow(std::span<const double> shares, std::span<const uint32_t> functions,
                    const TextStyle& style);
// Which colour or letter is which function.
std::string LaneLegend(const Timeline& timeline, size_t indent, size_t columns,
                       const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_LANES_H_
