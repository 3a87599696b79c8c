// SPDX-License-Identifier: Apache-2.0
// For programs that are linked statically: Debian has no archive of simdjson.
#include <nlohmann/json.hpp>

#include "hist/record.h"

namespace wqprof {
namespace {

// What nlohmann's parser finds goes to where it belongs.  Depth 1: the fields of the line.
class Sax : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Sax(HistRecord& out) : out_(out) {}
  bool odd() const { return odd_; }
  // The line is one object.
  bool is_object() const { return began_; }

  bool key(string_t& text) override {
    if (depth_ == 2 && in_labels_) {
      label_ = text;
      return true;
    }
    if (depth_ != 1) return true;
    target_ = TargetOf(text, guess_);
    anomaly_ = target_ == nullptr ? AnomalyOf(text) : kAnomalies.size();
    if (anomaly_ < kAnomalies.size()) out_.anomalies[anomaly_] = {};
    return true;
  }
  bool null() override {
    if (depth_ == 2 && (in_list_ || in_labels_)) odd_ = true;
    return true;
  }
  bool boolean(bool flag) override {
    if (depth_ == 1 && anomaly_ < kAnomalies.size()) {
      out_.anomalies[anomaly_] = {flag, true};
      return true;
    }
    return Wrong();
  }
  bool number_integer(number_integer_t number) override {
    if (depth_ == 2 && in_list_ && target_->integers != nullptr) {
      return Push(out_.*target_->integers, number);
    }
    if (depth_ == 1 && target_ != nullptr && target_->number != nullptr) {
      return SetNumber(static_cast<double>(number));
    }
    return number >= 0 ? number_unsigned(static_cast<uint64_t>(number)) : WrongNumber();
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (depth_ == 2 && in_list_ && target_->counts != nullptr) {
      return Push(out_.*target_->counts, number);
    }
    if (depth_ == 2 && in_list_ && target_->integers != nullptr) {
      if (number > static_cast<uint64_t>(INT64_MAX)) return Wrong();
      return Push(out_.*target_->integers, static_cast<int64_t>(number));
    }
    if (depth_ != 1) return Wrong();
    if (target_ != nullptr && target_->count != nullptr) {
      out_.*target_->count = number;
      return Seen();
    }
    if (target_ != nullptr && target_->number != nullptr) {
      return SetNumber(static_cast<double>(number));
    }
    if (anomaly_ < kAnomalies.size()) {
      out_.anomalies[anomaly_] = {number, true};
      return true;
    }
    return Wrong();
  }
  bool number_float(number_float_t number, const string_t& text) override {
    // A whole number beyond 64 bits.
    if (text.find_first_of(".eE") == std::string::npos) return false;
    if (depth_ == 1 && target_ != nullptr && target_->number != nullptr) return SetNumber(number);
    return WrongNumber();
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && in_labels_) {
      out_.labels.emplace_back(label_, text);
      return true;
    }
    if (depth_ == 2 && in_list_ && target_->texts != nullptr) {
      return Push(out_.*target_->texts, text);
    }
    if (depth_ == 1 && target_ != nullptr && target_->text != nullptr) {
      out_.*target_->text = text;
      return Seen();
    }
    return Wrong();
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override {
    if (depth_ == 0) began_ = true;
    if (depth_ == 1 && target_ != nullptr && target_->labels) {
      in_labels_ = true;
      out_.labels.clear();
      Seen();
    } else {
      Wrong();
    }
    return ++depth_ < kMostDepth;
  }
  bool end_object() override {
    if (--depth_ == 1) in_labels_ = false;
    return true;
  }
  bool start_array(size_t) override {
    const bool list =
        depth_ == 1 && target_ != nullptr &&
        (target_->texts != nullptr || target_->counts != nullptr || target_->integers != nullptr);
    if (list) {
      in_list_ = true;
      if (target_->texts != nullptr) (out_.*target_->texts).clear();
      if (target_->counts != nullptr) (out_.*target_->counts).clear();
      if (target_->integers != nullptr) (out_.*target_->integers).clear();
      Seen();
    } else {
      Wrong();
    }
    return ++depth_ < kMostDepth;
  }
  bool end_array() override {
    if (--depth_ == 1) in_list_ = false;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  // A known field has a value of another kind; so has an element of one.
  bool Wrong() {
    const bool field = depth_ == 1 && (target_ != nullptr || anomaly_ < kAnomalies.size());
    const bool element = depth_ == 2 && (in_list_ || in_labels_);
    if (field) Seen();
    odd_ |= field || element;
    return true;
  }
  bool WrongNumber() { return Wrong(); }
  bool SetNumber(double number) {
    out_.*target_->number = number;
    return Seen();
  }
  bool Seen() {
    if (target_ != nullptr) out_.seen |= uint64_t{1} << (target_ - kHistTargets.data());
    return true;
  }
  template <class T>
  bool Push(std::vector<T>& list, T value) {
    if (list.size() == kMostElements) {
      odd_ = true;
    } else {
      list.push_back(std::move(value));
    }
    return true;
  }

  HistRecord& out_;
  const HistTarget* target_ = nullptr;
  size_t guess_ = 0, anomaly_ = kAnomalies.size();
  size_t depth_ = 0;
  bool began_ = false, in_labels_ = false, in_list_ = false, odd_ = false;
  std::string label_;
};

class SaxParser : public LineParser {
 public:
  LineForm Parse(std::string_view line, HistRecord& out) override {
    out.Clear();
    // It takes the one for the end, and does not see the other.
    const bool strange =
        line.find('\0') != std::string_view::npos || line.starts_with("\xef\xbb\xbf");
    Sax sax(out);
    if (strange || !nlohmann::json::sax_parse(line.begin(), line.end(), &sax) || !sax.is_object()) {
      return LineForm::kNoJson;
    }
    return sax.odd() ? LineForm::kOdd : LineForm::kGood;
  }
};

}  // namespace

std::unique_ptr<LineParser> MakeSaxParser() { return std::make_unique<SaxParser>(); }

}  // namespace wqprof
