// SPDX-License-Identifier: Apache-2.0
#include "render/pictures.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace wqprof {

std::string Bar(double fraction, size_t width, bool utf8) {
  const double filled = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(width);
  if (!utf8) {
    const auto full = static_cast<size_t>(std::ceil(filled - 0.5));
    return std::string(full, '#') + std::string(width - full, ' ');
  }
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto eighths = static_cast<size_t>(std::lround(filled * 8));
  // What is there must be seen.
  if (eighths == 0 && fraction > 0) eighths = 1;
  std::string out;
  for (size_t i = 0; i < eighths / 8; ++i) out += "█";
  out += kEighths[eighths % 8];
  const size_t used = (eighths + 7) / 8;
  return out + std::string(width - used, ' ');
}

std::string SparkText(const Spark& spark, size_t width, bool utf8) {
  constexpr std::string_view kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::string_view kAscii = " .:-=+*#@";
  width = std::min(width, spark.bins.size());
  std::vector<uint64_t> bins(width);
  for (size_t i = 0; i < spark.bins.size(); ++i)
    bins[i * width / spark.bins.size()] += spark.bins[i];
  const uint64_t most = bins.empty() ? 0 : *std::max_element(bins.begin(), bins.end());
  std::string out;
  for (const uint64_t n : bins) {
    const size_t level = n == 0 ? 0
                                : 1 + static_cast<size_t>(std::lround(7.0 * static_cast<double>(n) /
                                                                      static_cast<double>(most)));
    out += utf8 ? kBlocks[level] : kAscii.substr(level, 1);
  }
  return out;
}

std::string StackText(const Stack& stack, size_t width) {
  // Letters of each segment, and what it lacks to a further one.
  std::vector<std::pair<size_t, double>> shares;
  size_t used = 0;
  double whole = 0;
  for (const Stack::Segment& segment : stack.segments) {
    const double exact = std::clamp(segment.fraction, 0.0, 1.0) * static_cast<double>(width);
    const auto letters = static_cast<size_t>(exact);
    shares.emplace_back(letters, exact - static_cast<double>(letters));
    used += letters;
    whole += segment.fraction;
  }
  if (whole <= 0) return {};
  while (used < width) {
    const auto most =
        std::max_element(shares.begin(), shares.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    ++most->first;
    most->second -= 1;
    ++used;
  }
  std::string out;
  for (size_t i = 0; i < shares.size(); ++i) out.append(shares[i].first, stack.segments[i].letter);
  return out;
}

std::string Emphasized(std::string_view text, const TextStyle& style) {
  return style.color ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

std::string Warned(std::string_view text, const TextStyle& style) {
  return style.color ? fmt::format("\x1b[33m{}\x1b[0m", text) : std::string(text);
}

std::string Alarmed(std::string_view text, const TextStyle& style) {
  return style.color ? fmt::format("\x1b[1;31m{}\x1b[0m", text) : std::string(text);
}

std::string Dimmed(std::string_view text, const TextStyle& style) {
  return style.color ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

}  // namespace wqprof
