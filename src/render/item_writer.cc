// SPDX-License-Identifier: Apache-2.0
// Items as NDJSON, JSON and CSV.
#include <array>
#include <charconv>
#include <cstring>
#include <type_traits>

#include "render/item_fields.h"
#include "render/item_table.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

// Keys are known where the fields are visited: only there does the length of a key become a number
// in the code, and copying it a few stores.  Compilers think the functions too long for that.
#define WQPROF_INLINE [[gnu::always_inline]]

constexpr std::array<char, 200> MakeDigitPairs() {
  std::array<char, 200> out{};
  for (size_t i = 0; i < 100; ++i) {
    out[2 * i] = static_cast<char>('0' + i / 10);
    out[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return out;
}
constexpr std::array<char, 200> kDigitPairs = MakeDigitPairs();
constexpr uint64_t kEightDigits = 100'000'000;

// Exactly eight digits.
inline char* PutEightDigits(char* at, uint32_t value) {
  const uint32_t high = value / 10'000, low = value % 10'000;
  for (const uint32_t pair : {high / 100, high % 100, low / 100, low % 100}) {
    std::memcpy(at, &kDigitPairs[size_t{pair} * 2], 2);
    at += 2;
  }
  return at;
}

// std::to_chars for what stands in each item four times, stamps in nanoseconds: it takes their
// digits in pairs from the end, one division after the other.
inline char* PutDecimal(char* at, uint64_t value) {
  if (value < kEightDigits) return std::to_chars(at, at + 20, value).ptr;
  return PutEightDigits(PutDecimal(at, value / kEightDigits),
                        static_cast<uint32_t>(value % kEightDigits));
}

// Writes into the unused end of a buffer.  Room for the fixed parts of an item is made once,
// so that numbers need no check; names make their own room.
class Cursor {
 public:
  explicit Cursor(fmt::memory_buffer& out) : out_(out) {
    out_.reserve(out_.size() + kFixedParts);
    at_ = out_.data() + out_.size();
  }
  ~Cursor() { out_.resize(used()); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  WQPROF_INLINE void Put(char c) { *at_++ = c; }
  // REQUIRES: together with all else of an item that is no name, at most kFixedParts bytes.
  WQPROF_INLINE void Put(std::string_view fixed) {
    std::memcpy(at_, fixed.data(), fixed.size());
    at_ += fixed.size();
  }
  template <class Integer>
  WQPROF_INLINE void PutNumber(Integer value) {
    auto magnitude = static_cast<uint64_t>(value);
    if (std::is_signed_v<Integer> && value < 0) {
      Put('-');
      magnitude = 0 - magnitude;
    }
    if (magnitude < 10) {  // most CPUs
      Put(static_cast<char>('0' + magnitude));
    } else {
      at_ = PutDecimal(at_, magnitude);
    }
  }
  void PutHex(uint64_t value) { at_ = std::to_chars(at_, at_ + 16, value, 16).ptr; }
  void PutName(std::string_view name) {
    const size_t size = used();
    if (out_.capacity() < size + name.size() + kFixedParts) {
      out_.resize(size);
      out_.reserve(size + name.size() + kFixedParts);
      at_ = out_.data() + size;
    }
    Put(name);
  }
  void Overwrite(char c) { at_[-1] = c; }

 private:
  // Keys, punctuation and numbers of an item: some 700 bytes in NDJSON.
  static constexpr size_t kFixedParts = 2048;
  size_t used() const { return static_cast<size_t>(at_ - out_.data()); }

  fmt::memory_buffer& out_;
  char* at_;
};

// A JSON object; what is absent is left out.  Each field ends with a comma, the last one's
// becomes the brace.
class JsonSink {
 public:
  explicit JsonSink(Cursor& out) : out_(out) { out_.Put('{'); }
  ~JsonSink() { out_.Overwrite('}'); }
  JsonSink(const JsonSink&) = delete;
  JsonSink& operator=(const JsonSink&) = delete;

  WQPROF_INLINE void Plain(std::string_view key, std::string_view word) {
    if (word.empty()) return;
    Key(key);
    out_.Put('"');
    out_.Put(word);
    out_.Put("\",");
  }
  WQPROF_INLINE void Encoded(std::string_view key, std::string_view name) {
    if (name.empty()) return;
    Key(key);
    out_.PutName(name);
    out_.Put(',');
  }
  WQPROF_INLINE void Address(std::string_view key, WorkAddr work) {
    Key(key);
    out_.Put("\"0x");
    out_.PutHex(ToInt(work));
    out_.Put("\",");
  }
  WQPROF_INLINE void Count(std::string_view key, uint64_t value) { Number(key, value); }
  WQPROF_INLINE void Ordinal(std::string_view key, uint64_t value) {
    if (value > 0) Number(key, value);
  }
  WQPROF_INLINE void Tally(std::string_view key, int32_t value) {
    if (value >= 0) Number(key, value);
  }
  WQPROF_INLINE void Time(std::string_view key, Timestamp at) {
    if (at != kUnseen) Number(key, at.time_since_epoch().count());
  }
  WQPROF_INLINE void Span(std::string_view key, std::optional<Nanos> span) {
    if (span) Number(key, span->count());
  }
  WQPROF_INLINE void Duration(std::string_view key, std::optional<Nanos> span) { Span(key, span); }
  WQPROF_INLINE void CpuNumber(std::string_view key, Cpu cpu) {
    if (cpu != Cpu::kNone) Number(key, ToInt(cpu));
  }
  WQPROF_INLINE void Task(std::string_view key, Pid pid) {
    if (pid != Pid::kNone) Number(key, ToInt(pid));
  }
  WQPROF_INLINE void Flag(std::string_view key, bool value) {
    Key(key);
    out_.Put(value ? std::string_view("true,") : std::string_view("false,"));
  }
  WQPROF_INLINE bool Open(std::string_view key, bool present) {
    if (!present) return false;
    Key(key);
    out_.Put('{');
    return true;
  }
  WQPROF_INLINE void Close() {
    out_.Overwrite('}');
    out_.Put(',');
  }

 private:
  WQPROF_INLINE void Key(std::string_view key) {
    out_.Put('"');
    out_.Put(key);
    out_.Put("\":");
  }
  template <class Integer>
  WQPROF_INLINE void Number(std::string_view key, Integer value) {
    Key(key);
    out_.PutNumber(value);
    out_.Put(',');
  }
  Cursor& out_;
};

// A line of CSV; what is absent is an empty field.
class CsvSink {
 public:
  explicit CsvSink(Cursor& out) : out_(out) {}
  ~CsvSink() { out_.Overwrite('\n'); }
  CsvSink(const CsvSink&) = delete;
  CsvSink& operator=(const CsvSink&) = delete;

  WQPROF_INLINE void Plain(std::string_view, std::string_view word) {
    out_.Put(word);
    out_.Put(',');
  }
  WQPROF_INLINE void Encoded(std::string_view, std::string_view name) {
    out_.PutName(name);
    out_.Put(',');
  }
  WQPROF_INLINE void Address(std::string_view, WorkAddr work) {
    out_.Put("0x");
    out_.PutHex(ToInt(work));
    out_.Put(',');
  }
  WQPROF_INLINE void Count(std::string_view, uint64_t value) { Number(true, value); }
  WQPROF_INLINE void Ordinal(std::string_view, uint64_t value) { Number(value > 0, value); }
  WQPROF_INLINE void Tally(std::string_view, int32_t value) { Number(value >= 0, value); }
  WQPROF_INLINE void Time(std::string_view, Timestamp at) {
    Number(at != kUnseen, at.time_since_epoch().count());
  }
  WQPROF_INLINE void Span(std::string_view, std::optional<Nanos> span) {
    Number(span.has_value(), span.value_or(Nanos(0)).count());
  }
  WQPROF_INLINE void Duration(std::string_view key, std::optional<Nanos> span) { Span(key, span); }
  WQPROF_INLINE void CpuNumber(std::string_view, Cpu cpu) { Number(cpu != Cpu::kNone, ToInt(cpu)); }
  WQPROF_INLINE void Task(std::string_view, Pid pid) { Number(pid != Pid::kNone, ToInt(pid)); }
  WQPROF_INLINE void Flag(std::string_view, bool value) {
    out_.Put(value ? std::string_view("true,") : std::string_view("false,"));
  }
  WQPROF_INLINE bool Open(std::string_view, bool) { return true; }
  WQPROF_INLINE void Close() {}

 private:
  template <class Integer>
  WQPROF_INLINE void Number(bool present, Integer value) {
    if (present) out_.PutNumber(value);
    out_.Put(',');
  }
  Cursor& out_;
};

// The keys alone, as the first line of CSV: nested ones with their object's name in front.
class HeadingSink {
 public:
  explicit HeadingSink(std::string& out) : out_(out) {}
  void Plain(std::string_view key, std::string_view) { Key(key); }
  void Encoded(std::string_view key, std::string_view) { Key(key); }
  void Address(std::string_view key, WorkAddr) { Key(key); }
  void Count(std::string_view key, uint64_t) { Key(key); }
  void Ordinal(std::string_view key, uint64_t) { Key(key); }
  void Tally(std::string_view key, int32_t) { Key(key); }
  void Time(std::string_view key, Timestamp) { Key(key); }
  void Span(std::string_view key, std::optional<Nanos>) { Key(fmt::format("{}_ns", key)); }
  void Duration(std::string_view key, std::optional<Nanos>) { Key(key); }
  void CpuNumber(std::string_view key, Cpu) { Key(key); }
  void Task(std::string_view key, Pid) { Key(key); }
  void Flag(std::string_view key, bool) { Key(key); }
  bool Open(std::string_view key, bool) {
    prefixes_.emplace_back(key);
    return true;
  }
  void Close() { prefixes_.pop_back(); }

 private:
  void Key(std::string_view key) {
    if (!out_.empty()) out_ += ',';
    for (const std::string& prefix : prefixes_) out_ += prefix + "_";
    out_ += key;
  }
  std::string& out_;
  std::vector<std::string> prefixes_;
};

void Put(fmt::memory_buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

const ItemSplit* SplitOf(const WorkItem& item, const ItemWriter::SplitLookup& split_of) {
  return item.split == SplitId::kNone ? nullptr : split_of(item);
}

// NDJSON: a line with the schema, then one an item.
class NdjsonWriter : public ItemWriter {
 public:
  NdjsonWriter(const EventSource& source, const Reconstructor& model)
      : source_(source), names_(source.names(), model, JsonString) {}
  void Begin(fmt::memory_buffer& out) override { Put(out, "{\"schema\":\"wqprof.works/1\"}\n"); }
  void Add(std::span<const WorkItem> items, const SplitLookup& split_of,
           fmt::memory_buffer& out) override {
    for (const WorkItem& item : items) {
      AddOne(item, SplitOf(item, split_of), out);
      out.push_back('\n');
    }
  }
  void End(fmt::memory_buffer&) override {}

 protected:
  void AddOne(const WorkItem& item, const ItemSplit* split, fmt::memory_buffer& out) {
    Cursor cursor(out);
    JsonSink sink(cursor);
    VisitFields(item, split, source_, names_, sink);
  }

 private:
  const EventSource& source_;
  ItemNames names_;
};

// JSON: the same objects in one document.
class JsonWriter : public NdjsonWriter {
 public:
  using NdjsonWriter::NdjsonWriter;
  void Begin(fmt::memory_buffer& out) override {
    Put(out, "{\n  \"schema\": \"wqprof.works/1\",\n  \"works\": [");
  }
  void Add(std::span<const WorkItem> items, const SplitLookup& split_of,
           fmt::memory_buffer& out) override {
    for (const WorkItem& item : items) {
      Put(out, first_ ? "\n    " : ",\n    ");
      first_ = false;
      AddOne(item, SplitOf(item, split_of), out);
    }
  }
  void End(fmt::memory_buffer& out) override { Put(out, first_ ? "]\n}\n" : "\n  ]\n}\n"); }

 private:
  bool first_ = true;
};

// CSV: a line of keys, then one an item.
class CsvWriter : public ItemWriter {
 public:
  CsvWriter(const EventSource& source, const Reconstructor& model)
      : source_(source), names_(source.names(), model, CsvField) {}
  void Begin(fmt::memory_buffer& out) override {
    std::string heading;
    HeadingSink sink(heading);
    VisitFields(WorkItem(), nullptr, source_, names_, sink);
    Put(out, heading + "\n");
  }
  void Add(std::span<const WorkItem> items, const SplitLookup& split_of,
           fmt::memory_buffer& out) override {
    for (const WorkItem& item : items) {
      Cursor cursor(out);
      CsvSink sink(cursor);
      VisitFields(item, SplitOf(item, split_of), source_, names_, sink);
    }
  }
  void End(fmt::memory_buffer&) override {}

 private:
  const EventSource& source_;
  ItemNames names_;
};

}  // namespace

std::unique_ptr<ItemWriter> MakeItemWriter(Format format, const EventSource& source,
                                           const Reconstructor& model, const TextStyle& style) {
  switch (format) {
    case Format::kJson:
      return std::make_unique<JsonWriter>(source, model);
    case Format::kNdjson:
      return std::make_unique<NdjsonWriter>(source, model);
    case Format::kCsv:
      return std::make_unique<CsvWriter>(source, model);
    case Format::kTable:
      break;
  }
  return MakeItemTable(source, model, style);
}

}  // namespace wqprof
