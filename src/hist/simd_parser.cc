// SPDX-License-Identifier: Apache-2.0
#ifdef WQPROF_SIMDJSON
#include <simdjson.h>

#include "hist/record.h"

namespace wqprof {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// Whole lines are parsed, by the best that the CPU has, then read: unlike the parser that reads on
// demand, which is compiled in for the oldest CPU.
class SimdParser : public LineParser {
 public:
  LineForm Parse(std::string_view line, HistRecord& out) override {
    out.Clear();
    odd_ = false;
    if (line.size() > capacity_) {
      capacity_ = std::max(line.size(), 2 * capacity_);
      if (parser_.allocate(capacity_, kMostDepth) != simdjson::SUCCESS) return LineForm::kNoJson;
    }
    simdjson::dom::object object;
    constexpr bool kCopied = false;
    if (parser_.parse(line.data(), line.size(), kCopied).get(object) != simdjson::SUCCESS) {
      return LineForm::kNoJson;
    }
    size_t guess = 0;
    for (const auto field : object) Take(field.key, field.value, guess, out);
    return odd_ ? LineForm::kOdd : LineForm::kGood;
  }

 private:
  void Take(std::string_view key, element from, size_t& guess, HistRecord& out) {
    const HistTarget* const target = TargetOf(key, guess);
    if (target == nullptr) return TakeAnomaly(key, from, out);
    if (from.is_null()) return;
    out.seen |= uint64_t{1} << (target - kHistTargets.data());
    bool good = true;
    if (target->text != nullptr) {
      good = Get(from, out.*target->text);
    } else if (target->count != nullptr) {
      good = Get(from, out.*target->count);
    } else if (target->number != nullptr) {
      good = from.get_double().get(out.*target->number) == simdjson::SUCCESS;
    } else if (target->labels) {
      good = GetLabels(from, out.labels);
    } else if (target->texts != nullptr) {
      good = GetList(from, out.*target->texts);
    } else if (target->counts != nullptr) {
      good = GetList(from, out.*target->counts);
    } else {
      good = GetList(from, out.*target->integers);
    }
    odd_ |= !good;
  }

  void TakeAnomaly(std::string_view key, element from, HistRecord& out) {
    const size_t anomaly = AnomalyOf(key);
    if (anomaly == kAnomalies.size()) return;
    HistRecord::Count& count = out.anomalies[anomaly];
    count = {};
    if (from.is_null()) return;
    bool flag = false;
    if (from.get_bool().get(flag) == simdjson::SUCCESS) {
      count = {flag, true};
    } else {
      count.known = true;
      odd_ |= !Get(from, count.value);
    }
  }

  static bool Get(element from, uint64_t& out) {
    return from.get_uint64().get(out) == simdjson::SUCCESS;
  }
  static bool Get(element from, int64_t& out) {
    return from.get_int64().get(out) == simdjson::SUCCESS;
  }
  static bool Get(element from, std::string& out) {
    std::string_view text;
    if (from.get_string().get(text) != simdjson::SUCCESS) return false;
    out = text;
    return true;
  }
  template <class T>
  static bool GetList(element from, std::vector<T>& out) {
    simdjson::dom::array array;
    out.clear();
    if (from.get_array().get(array) != simdjson::SUCCESS) return false;
    for (const element one : array) {
      T value{};
      if (out.size() == kMostElements || !Get(one, value)) return false;
      out.push_back(std::move(value));
    }
    return true;
  }
  static bool GetLabels(element from, std::vector<std::pair<std::string, std::string>>& out) {
    simdjson::dom::object object;
    out.clear();
    if (from.get_object().get(object) != simdjson::SUCCESS) return false;
    for (const auto field : object) {
      std::string text;
      if (!Get(field.value, text)) return false;
      out.emplace_back(field.key, std::move(text));
    }
    return true;
  }

  simdjson::dom::parser parser_{HistMerger::kMostLineBytes + kPadding};
  size_t capacity_ = 0;
  bool odd_ = false;
};

}  // namespace

std::unique_ptr<LineParser> MakeSimdParser() { return std::make_unique<SimdParser>(); }

}  // namespace wqprof
#endif
