// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, the same in every sentence and table.
#ifndef WQPROF_NUMBER_TEXT_H_
#define WQPROF_NUMBER_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// Three significant digits: "0", "312ns", "12.3us", "4.10ms", "1.23s", "4521s"; "-12.3us".
std::string DurationText(Nanos duration);
// "48,211".
std::string CountText(uint64_t count);
// "3 items", "1 item".
std::string CountOf(uint64_t count, std::string_view singular, std::string_view plural = "");
// "12.3%", "0.01%", "0%", "<0.01%".
std::string PercentText(double fraction);
// A mean: "0", "0.12", "3.4", "120".
std::string MeanText(double value);

}  // namespace wqprof

#endif  // WQPROF_NUMBER_TEXT_H_
