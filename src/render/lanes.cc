// SPDX-License-Identifier: Apache-2.0
#include "render/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "render/text.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr std::array<std::string_view, 9> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> kSteps = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
// Blue, green, yellow, magenta, cyan and the bright ones of the first two; grey for the others.
constexpr std::array<int, kNamedFunctions> kColours = {34, 32, 33, 35, 36, 94, 92};
constexpr int kGrey = 90, kRed = 31;

std::string_view Block(double height, const TextStyle& style) {
  const double root = std::sqrt(std::clamp(height, 0.0, 1.0));
  const auto level = static_cast<size_t>(std::ceil(root * 8));
  return (style.utf8 ? kBlocks : kSteps)[std::min<size_t>(level, 8)];
}

// Text in a colour that changes from cell to cell.
class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  void Add(std::string_view cell, int colour) {
    if (color_ && colour != now_) out_ += fmt::format("\x1b[{}m", colour);
    if (color_) now_ = colour;
    out_ += cell;
  }
  std::string Take() {
    if (now_ != 0) out_ += "\x1b[0m";
    now_ = 0;
    return std::move(out_);
  }

 private:
  const bool color_;
  int now_ = 0;
  std::string out_;
};

int ColourOf(uint32_t function) { return function < kNamedFunctions ? kColours[function] : kGrey; }

char LetterOf(uint32_t function, bool capital) {
  const char letter = function < kNamedFunctions ? static_cast<char>('a' + function) : 'x';
  return capital ? static_cast<char>(letter - 'a' + 'A') : letter;
}

}  // namespace

Nanos LaneColumns::width() const {
  return Nanos((timeline_.end - timeline_.begin).count() / static_cast<int64_t>(columns_));
}

template <typename F>
void LaneColumns::ForEach(size_t bins, F&& f) const {
  const double bin = static_cast<double>(timeline_.bin.count());
  const double whole = static_cast<double>((timeline_.end - timeline_.begin).count());
  const double column = whole / static_cast<double>(columns_);
  for (size_t b = 0; b < bins; ++b) {
    const double from = static_cast<double>(b) * bin, to = std::min(whole, from + bin);
    if (from >= to) break;
    for (size_t c = static_cast<size_t>(from / column); c < columns_; ++c) {
      const double begin = static_cast<double>(c) * column;
      const double part = std::min(to, begin + column) - std::max(from, begin);
      if (part > 0) f(c, b, part / (to - from));
      if (begin + column >= to) break;
    }
  }
}

std::vector<double> LaneColumns::Sums(std::span<const Nanos> bins) const {
  std::vector<double> out(columns_, 0);
  ForEach(bins.size(), [&](size_t column, size_t bin, double fraction) {
    out[column] += static_cast<double>(bins[bin].count()) * fraction;
  });
  return out;
}

std::vector<uint32_t> LaneColumns::Maxima(std::span<const uint32_t> bins) const {
  std::vector<uint32_t> out(columns_, 0);
  ForEach(bins.size(), [&](size_t column, size_t bin, double) {
    out[column] = std::max(out[column], bins[bin]);
  });
  return out;
}

std::vector<uint32_t> LaneColumns::Functions(const TimelineLane& lane) const {
  std::vector<std::vector<double>> time(columns_, std::vector<double>(kNamedFunctions + 1, 0));
  ForEach(lane.busy_in.size(), [&](size_t column, size_t bin, double fraction) {
    const size_t place = std::min<size_t>(lane.function[bin], kNamedFunctions);
    time[column][place] += static_cast<double>(lane.busy_in[bin].count()) * fraction;
  });
  std::vector<uint32_t> out;
  for (const auto& column : time) {
    const auto most = std::max_element(column.begin(), column.end());
    out.push_back(static_cast<uint32_t>(most - column.begin()));
  }
  return out;
}

std::string HeightRow(std::span<const double> heights, const TextStyle& style) {
  std::string out;
  for (const double height : heights) out += Block(height, style);
  return out;
}

std::string LaneLabel(std::string_view text, const TextStyle& style) {
  const std::string label = Shortened(Escaped(text, !style.utf8), kLaneLabel - 1, style.utf8);
  return std::string(kLaneLabel - 1 - DisplayWidth(label), ' ') + label + " ";
}

std::string AxisRow(const Timeline& timeline, Timestamp zero, size_t cells) {
  const double whole = static_cast<double>((timeline.end - timeline.begin).count());
  const double offset = static_cast<double>((timeline.begin - zero).count());
  double step = 1;
  for (int i = 0; step * static_cast<double>(cells) < whole * 14; ++i) {
    step = std::pow(10, i / 3) * (i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 5);
  }
  std::string row(cells, ' ');
  for (double at = std::ceil(offset / step) * step; at < offset + whole; at += step) {
    const auto cell = static_cast<size_t>((at - offset) / whole * static_cast<double>(cells));
    const std::string mark = "|" + DurationText(Nanos(static_cast<int64_t>(at)));
    if (cell + mark.size() <= cells) row.replace(cell, mark.size(), mark);
  }
  row.erase(row.find_last_not_of(' ') + 1);
  return std::string(kLaneLabel, ' ') + row + "\n";
}

std::string BacklogRow(const TimelinePool& pool, const LaneColumns& columns,
                       const TextStyle& style) {
  std::vector<double> heights;
  for (const uint32_t n : columns.Maxima(pool.backlog_most)) {
    heights.push_back(pool.backlog_max == 0 ? 0 : static_cast<double>(n) / pool.backlog_max);
  }
  return LaneLabel("backlog", style) + HeightRow(heights, style) +
         fmt::format(" max {}\n", pool.backlog_max);
}

std::string ExecutionRow(const TimelineLane& lane, const LaneColumns& columns,
                         const TextStyle& style) {
  std::vector<double> shares = columns.Sums(lane.busy_in);
  const double width = std::max(1.0, static_cast<double>(columns.width().count()));
  for (double& share : shares) share /= width;
  std::string_view name = lane.worker;
  if (name.starts_with("kworker/")) name.remove_prefix(std::string_view("kworker/").size());
  return LaneLabel(name.empty() ? fmt::format("{}", ToInt(lane.pid)) : std::string(name), style) +
         LaneRow(shares, columns.Functions(lane), style) + "\n";
}

std::string MarkRow(std::span<const double> values, const TextStyle& style) {
  Painter painter(style.color);
  for (const double value : values) {
    const bool there = value > 0;
    painter.Add(!there ? " " : style.utf8 ? "▬" : "=", kRed);
  }
  return painter.Take();
}

std::string LaneRow(std::span<const double> shares, std::span<const uint32_t> functions,
                    const TextStyle& style) {
  Painter painter(style.color);
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) {
      painter.Add(style.utf8 ? "·" : ".", kGrey);
    } else if (style.color) {
      painter.Add(Block(shares[i], style), ColourOf(functions[i]));
    } else {
      const char letter = LetterOf(functions[i], shares[i] >= 0.5);
      painter.Add({&letter, 1}, 0);
    }
  }
  return painter.Take();
}

std::string LaneLegend(const Timeline& timeline, size_t indent, size_t columns,
                       const TextStyle& style) {
  std::string out;
  size_t used = 0;
  const size_t named = std::min(kNamedFunctions, timeline.functions.size());
  for (size_t i = 0; i <= named; ++i) {
    const bool others = i == named;
    if (others && timeline.functions.size() <= named) break;
    const uint32_t function = others ? UINT32_MAX : static_cast<uint32_t>(i);
    const std::string name = others
                                 ? "others"
                                 : Shortened(Escaped(timeline.functions[i].name, !style.utf8),
                                             std::max<size_t>(8, columns - indent - 4), style.utf8);
    Painter painter(style.color);
    const char letter = LetterOf(function, true);
    painter.Add(!style.color ? std::string_view(&letter, 1)
                : style.utf8 ? "█"
                             : "#",
                ColourOf(function));
    const size_t width = 2 + DisplayWidth(name);
    if (used == 0 || used + 2 + width > columns) {
      out += used == 0 ? "" : "\n";
      out += std::string(indent, ' ');
      used = indent;
    } else {
      out += "  ";
      used += 2;
    }
    out += painter.Take() + " " + name;
    used += width;
  }
  return out.empty() ? out : out + "\n";
}

}  // namespace wqprof
