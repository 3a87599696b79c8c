// SPDX-License-Identifier: Apache-2.0
#include "text/event_payload.h"

#include <fmt/format.h>

#include <cstring>
#include <functional>

#include "text/scan.h"

namespace wqprof {
namespace {

constexpr uint64_t kUnboundCpu = 4294967295;  // -1 as %u

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// What people write behind a line: " // ...", " <- ...", " # ...".
std::string_view WithoutRemark(std::string_view text) {
  for (const std::string_view mark : {" //", " <-", " #"}) {
    if (const size_t at = text.find(mark); at != std::string_view::npos) text = text.substr(0, at);
  }
  return TrimRight(text);
}

bool IsHex(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

// "name", "name [module]", "0xffffffffc0a31000", "name+0x0/0xd0 [module]".
bool IsFunctionText(std::string_view text) {
  if (text.empty() || text.size() > 512) return false;
  size_t i = 0;
  while (i < text.size() && (IsWordChar(text[i]) || text[i] == '.' || text[i] == '$')) ++i;
  if (i == 0) return false;
  if (i < text.size() && text[i] == '+') {
    ++i;
    while (i < text.size() && (IsWordChar(text[i]) || text[i] == '/')) ++i;
  }
  if (i == text.size()) return true;
  if (text.substr(i, 2) != " [" || text.back() != ']') return false;
  for (i += 2; i + 1 < text.size(); ++i) {
    if (!IsWordChar(text[i]) && text[i] != '-' && text[i] != '.' && text[i] != ' ') return false;
  }
  return true;
}

// A number with a sign, as "%d" and "%u" print it.
bool TakeInteger(Scanner& scan, int64_t& out) {
  const bool negative = scan.Take('-');
  uint64_t value = 0;
  if (!scan.TakeNumber(value) || value > kUnboundCpu) return false;
  out = negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
  return true;
}

// "0xff (-1)": of options/fields the number in parentheses counts.
bool TakeField(Scanner& scan, int64_t& out) {
  if (scan.Peek() != '0' || (scan.Peek(1) | 0x20) != 'x') return TakeInteger(scan, out);
  uint64_t raw = 0;
  scan.Skip(2);
  if (!scan.TakeNumber(raw, 16)) return false;
  scan.TakeBlanks();
  if (!scan.Take('(')) {
    out = static_cast<int64_t>(raw & kUnboundCpu);
    return true;
  }
  return TakeInteger(scan, out) && scan.Take(')');
}

Cpu CpuOf(int64_t value) {
  return value >= 0 && value <= kMaxCpus ? static_cast<Cpu>(value) : Cpu::kNone;
}

// The upper bits are well mixed.  REQUIRES: `text` is not empty.
uint64_t MixText(std::string_view text) {
  uint64_t head = 0, tail = 0;
  const size_t n = std::min<size_t>(text.size(), 8);
  std::memcpy(&head, text.data(), n);
  std::memcpy(&tail, text.data() + text.size() - n, n);
  return (head ^ (tail * 0x9e3779b97f4a7c15) ^ text.size()) * 0xff51afd7ed558ccd;
}

}  // namespace

NameId NameCache::IdOf(std::string_view name) {
  if (name.empty()) return NameId::kUnknown;
  Entry& entry = entries_[MixText(name) >> 52];
  if (entry.name != name) {
    entry.id = names_.Intern(name);
    entry.name = names_.Get(entry.id);
  }
  return entry.id;
}

// "0xff1d6eb0c46e2600", "00000000be24a7c1", "(ptrval)".
bool PayloadReader::ReadPointer(std::string_view& rest, uint64_t& value) {
  value = 0;
  Scanner scan(rest);
  if (scan.Peek() == '(') {
    const size_t close = rest.find(')');
    if (close == std::string_view::npos || rest.substr(0, close).find("ptrval") == rest.npos) {
      return false;
    }
    pointers_.blank = true;
    rest.remove_prefix(close + 1);
    return true;
  }
  const bool prefixed = scan.Peek() == '0' && scan.Peek(1) == 'x';
  if (prefixed) scan.Skip(2);
  const char* const from = scan.at();
  if (!scan.TakeNumber(value, 16)) return false;
  const auto digits = static_cast<size_t>(scan.at() - from);
  if (digits > 16 || (digits < 6 && !prefixed)) return false;
  if (!prefixed && digits == 16 && value >> 32 == 0) pointers_.hashed = true;
  pointers_.digits = static_cast<uint8_t>(digits);
  rest = scan.rest();
  return true;
}

NameId PayloadReader::FunctionOf(std::string_view text) {
  if (const size_t plus = text.find('+'); plus != std::string_view::npos) {
    const size_t module = text.find(" [", plus);
    if (module == std::string_view::npos) return names_.IdOf(text.substr(0, plus));
    scratch_.assign(text.substr(0, plus)).append(text.substr(module));
    return names_.IdOf(scratch_);
  }
  std::string_view digits = text;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  size_t hex = 0;
  while (hex < digits.size() && IsHex(digits[hex])) ++hex;
  if (hex < digits.size()) return names_.IdOf(text);
  // Old converters of Perfetto took %pf for %llx and an f.
  if (hex == 17 && digits.back() == 'f') digits.remove_suffix(1);
  if (digits.size() != text.size() || digits.size() == 8 || digits.size() == 16) {
    Scanner scan(digits);
    uint64_t address = 0;
    if (scan.TakeNumber(address, 16) && scan.empty()) {
      std::array<char, 24> out;
      const auto end = fmt::format_to_n(out.data(), out.size(), "{:#x}", address);
      return names_.IdOf({out.data(), end.size});
    }
  }
  return names_.IdOf(text);
}

bool PayloadReader::TakeFunction(std::string_view text, NameId& id) {
  if (text.empty()) return false;
  SeenFunction& seen = seen_functions_[MixText(text) >> 54];
  if (seen.size == text.size() && std::equal(text.begin(), text.end(), seen.text.begin())) {
    id = seen.id;
    return true;
  }
  if (!IsFunctionText(text)) return false;
  id = FunctionOf(text);
  if (text.size() <= seen.text.size()) {
    std::copy(text.begin(), text.end(), seen.text.begin());
    seen.size = static_cast<uint32_t>(text.size());
    seen.id = id;
  }
  return true;
}

// A name; before 5.12 an address.
NameId PayloadReader::WorkqueueOf(std::string_view text) {
  constexpr std::string_view kUnsafe = ")[UNSAFE-MEMORY]";
  if (text.starts_with("(0x") && text.ends_with(kUnsafe)) {
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      return names_.IdOf(text.substr(colon + 1, text.size() - kUnsafe.size() - colon - 1));
    }
  }
  if (text.starts_with("(") && text.find("ptrval_") != text.npos) return NameId::kUnknown;
  if (text == "(ptrval)" || text == "(null)") return NameId::kUnknown;
  const bool prefixed = text.starts_with("0x");
  if (prefixed || text.size() == 8 || text.size() == 16) {
    Scanner scan(prefixed ? text.substr(2) : text);
    uint64_t address = 0;
    if (scan.TakeNumber(address, 16) && scan.empty()) {
      std::array<char, 24> out;
      const auto end = fmt::format_to_n(out.data(), out.size(), "{:#x}", address);
      return names_.IdOf({out.data(), end.size});
    }
  }
  return names_.IdOf(text);
}

Cpu PayloadReader::RequestedCpu(int64_t value) const {
  return value < cpus_ ? CpuOf(value) : Cpu::kNone;
}

// "workqueue=NAME req_cpu=N cpu=N"; the name may hold anything.
PayloadResult PayloadReader::ReadQueueTail(std::string_view rest, Event::Work& work) {
  constexpr std::string_view kRequested = " req_cpu=", kCpu = " cpu=";
  const size_t at = rest.rfind(kRequested);
  if (at == std::string_view::npos) return PayloadResult::kPartial;
  Scanner scan(rest);
  scan.Skip(at + kRequested.size());
  int64_t requested = 0, cpu = 0;
  if (!TakeField(scan, requested)) {
    return scan.empty() ? PayloadResult::kPartial : PayloadResult::kBad;
  }
  if (!scan.Take(kCpu))
    return scan.rest().size() < 6 ? PayloadResult::kPartial : PayloadResult::kBad;
  if (!TakeField(scan, cpu)) return scan.empty() ? PayloadResult::kPartial : PayloadResult::kBad;
  if (!scan.empty() && !IsBlank(scan.Peek())) return PayloadResult::kBad;
  work.workqueue = WorkqueueOf(rest.substr(0, at));
  work.target_cpu = CpuOf(cpu);
  work.requested_cpu = RequestedCpu(requested);
  return PayloadResult::kWhole;
}

PayloadResult PayloadReader::ReadWork(EventKind kind, std::string_view payload, Event& event) {
  Scanner scan(payload);
  if (!scan.Take("work")) {
    return std::string_view("work").starts_with(payload) ? PayloadResult::kPartial
                                                         : PayloadResult::kBad;
  }
  scan.Take(" struct");
  if (scan.empty()) return PayloadResult::kPartial;
  if (!scan.Take('=') && !scan.Take(' ')) {
    return std::string_view(" struct").starts_with(scan.rest()) ? PayloadResult::kPartial
                                                                : PayloadResult::kBad;
  }
  uint64_t address = 0;
  std::string_view rest = scan.rest();
  if (!ReadPointer(rest, address)) {
    return rest.size() < 16 ? PayloadResult::kPartial : PayloadResult::kBad;
  }
  event.work = {WorkAddr{address}, NameId::kUnknown, NameId::kUnknown, Cpu::kNone, Cpu::kNone, 0};
  Scanner tail(rest);
  const bool colon = tail.Take(':');
  tail.TakeBlanks();
  int64_t unused = 0;
  if (tail.Peek() == '(') {  // options/fields
    tail.Skip(1);
    tail.Take('-');
    uint64_t decimal = 0;
    if (!tail.TakeNumber(decimal) || !tail.Take(')')) return PayloadResult::kBad;
    tail.TakeBlanks();
  }
  if (tail.empty()) return colon ? PayloadResult::kPartial : PayloadResult::kOpen;
  constexpr std::string_view kFunction = "function";
  if (!tail.Take(kFunction)) {
    if (kFunction.starts_with(tail.rest())) return PayloadResult::kPartial;
    return WithoutRemark(rest).empty() ? PayloadResult::kWhole : PayloadResult::kBad;
  }
  if (tail.empty()) return PayloadResult::kPartial;
  if (!tail.Take('=') && !tail.Take(' ')) return PayloadResult::kBad;
  std::string_view function = tail.rest();
  if (kind == EventKind::kQueueWork) {
    constexpr std::string_view kWorkqueue = " workqueue=";
    const size_t at = function.find(kWorkqueue);
    if (at == std::string_view::npos) return PayloadResult::kPartial;
    const PayloadResult result = ReadQueueTail(function.substr(at + kWorkqueue.size()), event.work);
    if (result != PayloadResult::kWhole) return result;
    function = function.substr(0, at);
  } else {
    function = WithoutRemark(function);
    if (function.empty()) return PayloadResult::kPartial;
  }
  function = TrimRight(function);
  if (function.ends_with(')')) {  // options/fields: the address behind the name
    const size_t open = function.rfind(" (");
    if (open == std::string_view::npos) return PayloadResult::kBad;
    Scanner number(function.substr(open + 2));
    if (!TakeField(number, unused) && !IsDigit(number.Peek())) return PayloadResult::kBad;
    function = TrimRight(function.substr(0, open));
  }
  if (!TakeFunction(function, event.work.function)) return PayloadResult::kBad;
  if (kind == EventKind::kQueueWork || function.ends_with(']')) return PayloadResult::kWhole;
  return PayloadResult::kOpen;
}

// "work: 0x..., function: 0x..., workqueue: "kblockd", req_cpu: 256, cpu: 1)".
PayloadResult PayloadReader::ReadWorkArguments(EventKind kind, std::string_view payload,
                                               Event& event) {
  const auto value_of = [&](std::string_view name) {
    const size_t at = payload.find(name);
    return at == std::string_view::npos ? std::string_view() : payload.substr(at + name.size());
  };
  std::string_view work = value_of("work: ");
  uint64_t address = 0;
  if (!payload.ends_with(')') || work.empty() || !ReadPointer(work, address)) {
    return payload.ends_with(')') ? PayloadResult::kBad : PayloadResult::kPartial;
  }
  event.work = {WorkAddr{address}, NameId::kUnknown, NameId::kUnknown, Cpu::kNone, Cpu::kNone, 0};
  if (std::string_view function = value_of("function: "); !function.empty()) {
    function = function.substr(0, function.find_first_of(",)"));
    if (!TakeFunction(function, event.work.function)) return PayloadResult::kBad;
  }
  if (kind != EventKind::kQueueWork) return PayloadResult::kWhole;
  if (std::string_view name = value_of("workqueue: \""); !name.empty()) {
    event.work.workqueue = WorkqueueOf(name.substr(0, name.find('"')));
  }
  Scanner cpu(value_of(", cpu: "));
  int64_t number = 0;
  if (TakeInteger(cpu, number)) event.work.target_cpu = CpuOf(number);
  return PayloadResult::kWhole;
}

}  // namespace wqprof
