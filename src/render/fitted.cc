// SPDX-License-Identifier: Apache-2.0
#include "render/fitted.h"

#include <algorithm>

#include "render/text.h"

namespace wqprof {

std::string Fitted(std::vector<LinePart> parts, size_t columns) {
  std::erase_if(parts, [](const LinePart& part) { return part.text.empty(); });
  const auto width = [&] {
    size_t sum = 0;
    for (const LinePart& part : parts) sum += DisplayWidth(part.text) + 2;
    return sum == 0 ? 0 : sum - 2;
  };
  while (columns > 0 && width() > columns) {
    const auto least =
        std::max_element(parts.begin(), parts.end(),
                         [](const LinePart& a, const LinePart& b) { return a.drop < b.drop; });
    if (least == parts.end() || least->drop == 0) break;
    parts.erase(least);
  }
  std::string out;
  for (const LinePart& part : parts) out += (out.empty() ? "" : "  ") + part.text;
  return out;
}

}  // namespace wqprof
