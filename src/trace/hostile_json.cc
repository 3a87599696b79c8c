// SPDX-License-Identifier: Apache-2.0
#include "trace/hostile_json.h"

#include <charconv>
#include <limits>

namespace wqprof {
namespace {

constexpr size_t kMostText = size_t{4} << 20;
constexpr size_t kMostValues = 400'000;
constexpr int kDeepest = 6;

// Reads a text only to see whether it can be held: a DOM's memory is many times the text's.
class Limits : public nlohmann::json_sax<ParsedJson> {
 public:
  bool null() override { return Value(); }
  bool boolean(bool) override { return Value(); }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool number_float(number_float_t, const string_t&) override { return Value(); }
  bool string(string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool start_object(size_t) override { return ++depth_ <= kDeepest && Value(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(size_t) override { return ++depth_ <= kDeepest && Value(); }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool Value() { return ++values_ <= kMostValues; }
  size_t values_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<ParsedJson> ParseHostileJson(std::string_view json, std::string_view schema) {
  if (json.size() > kMostText) return std::nullopt;
  Limits limits;
  if (!ParsedJson::sax_parse(json.begin(), json.end(), &limits)) return std::nullopt;
  ParsedJson from = ParsedJson::parse(json.begin(), json.end(), nullptr,
                                      /*allow_exceptions=*/false);
  if (!from.is_object() || TextOf(from, "schema") != schema) return std::nullopt;
  return from;
}

void PutText(WrittenJson& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

void PutStamp(WrittenJson& out, const char* key, Timestamp at) {
  if (at != kUnseen) out[key] = at.time_since_epoch().count();
}

std::string ToText(const WrittenJson& json) {
  return json.dump(-1, ' ', false, WrittenJson::error_handler_t::replace);
}

std::string TextOf(const ParsedJson& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end() || !at->is_string()) return "";
  const auto& text = at->get_ref<const std::string&>();
  return text.size() <= kLongestJsonText ? text : "";
}

std::optional<int> IntOf(const ParsedJson& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const bool large = value.is_number_unsigned() && value.get<uint64_t>() > INT32_MAX;
  const auto number = large ? int64_t{-1} : value.get<int64_t>();
  if (large || number < INT32_MIN || number > INT32_MAX) return std::nullopt;
  return static_cast<int>(number);
}

std::optional<int> IntOf(const ParsedJson& from, const char* key) {
  const auto at = from.find(key);
  return at == from.end() ? std::nullopt : IntOf(*at);
}

std::optional<uint64_t> NumberOf(const ParsedJson& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end() || !at->is_number_unsigned()) return std::nullopt;
  const auto number = at->get<uint64_t>();
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return number <= kMost ? std::optional(number) : std::nullopt;
}

std::optional<bool> BoolOf(const ParsedJson& from, const char* key) {
  const auto at = from.find(key);
  if (at == from.end() || !at->is_boolean()) return std::nullopt;
  return at->get<bool>();
}

Timestamp StampOf(const ParsedJson& from, const char* key) {
  const auto ns = NumberOf(from, key);
  return ns ? Timestamp(Nanos(static_cast<int64_t>(*ns))) : kUnseen;
}

std::vector<std::string> TextsOf(const ParsedJson& from, const char* key, size_t most) {
  std::vector<std::string> out;
  ForEach(from, key, [&out, most](const ParsedJson& each) {
    if (!each.is_string() || out.size() == most) return;
    out.push_back(each.get_ref<const std::string&>().substr(0, kLongestJsonText));
  });
  return out;
}

uint64_t AddressOf(const ParsedJson& from, const char* key) {
  const std::string text = TextOf(from, key);
  uint64_t out = 0;
  if (text.starts_with("0x")) {
    std::from_chars(text.data() + 2, text.data() + text.size(), out, 16);
  }
  return out;
}

}  // namespace wqprof
