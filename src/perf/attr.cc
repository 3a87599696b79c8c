// SPDX-License-Identifier: Apache-2.0
#include "perf/attr.h"

#include <algorithm>
#include <bit>
#include <string>

#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

// Bits of sample_type, of read_format and of the flags (include/uapi/linux/perf_event.h).
constexpr uint64_t kIp = 1, kTid = 1 << 1, kTime = 1 << 2, kAddr = 1 << 3, kRead = 1 << 4,
                   kCallchain = 1 << 5, kId = 1 << 6, kCpu = 1 << 7, kPeriod = 1 << 8,
                   kStreamId = 1 << 9, kRaw = 1 << 10, kIdentifier = 1 << 16;
constexpr uint64_t kTimeEnabled = 1, kTimeRunning = 1 << 1, kReadId = 1 << 2, kGroup = 1 << 3,
                   kLost = 1 << 4;
constexpr uint64_t kFrequency = 1 << 10, kSampleIdAll = 1 << 18, kUseClockId = 1 << 25,
                   kWriteBackward = 1 << 27;

// Up to what its first version had.
constexpr size_t kLeastSize = 64;

bool Has(const PerfAttr& attr, uint64_t bit) { return (attr.sample_type & bit) != 0; }

// How many u64 of `bits` a sample has.
size_t CountOf(const PerfAttr& attr, uint64_t bits) {
  return static_cast<size_t>(std::popcount(attr.sample_type & bits));
}

// Whether the id stands at one place in the records of all.
template <typename F>
std::optional<size_t> SamePlace(std::span<const PerfAttr> attrs, F&& place) {
  std::optional<size_t> found;
  for (const PerfAttr& attr : attrs) {
    const std::optional<size_t> at = place(attr);
    if (!at || (found && *found != *at)) return std::nullopt;
    found = at;
  }
  return found;
}

std::optional<size_t> IdInSample(const PerfAttr& attr) {
  if (Has(attr, kIdentifier)) return 0;
  if (!Has(attr, kId)) return std::nullopt;
  return 8 * CountOf(attr, kIp | kTid | kTime | kAddr);
}

std::optional<size_t> IdBeforeEnd(const PerfAttr& attr) {
  if (!attr.sample_id_all) return std::nullopt;
  if (Has(attr, kIdentifier)) return 8;
  if (!Has(attr, kId)) return std::nullopt;
  return 8 * (1 + CountOf(attr, kStreamId | kCpu));
}

bool SkipRead(ByteCursor& in, uint64_t format) {
  const uint64_t values = 1 + (format & kReadId ? 1 : 0) + (format & kLost ? 1 : 0);
  const uint64_t times = (format & kTimeEnabled ? 1 : 0) + (format & kTimeRunning ? 1 : 0);
  if ((format & kGroup) == 0) {
    in.Bytes(8 * (values + times));
    return in.ok();
  }
  const uint64_t members = in.U64();
  in.Bytes(8 * times);
  if (members > in.rest().size() / 8) return false;
  in.Bytes(8 * values * members);
  return in.ok();
}

Cpu CpuOf(uint32_t number) {
  return number <= static_cast<uint32_t>(kMaxCpus) ? static_cast<Cpu>(number) : Cpu::kNone;
}

}  // namespace

bool PerfAttr::has_time() const { return Has(*this, kTime); }
bool PerfAttr::has_raw() const { return Has(*this, kRaw); }

std::optional<PerfAttr> ParsePerfAttr(std::string_view bytes) {
  if (bytes.size() < kLeastSize) return std::nullopt;
  std::string whole(bytes.substr(0, 128));
  whole.resize(128, '\0');
  ByteCursor in(whole, false);
  PerfAttr attr;
  attr.type = in.U32();
  in.U32();  // its size
  attr.config = in.U64();
  attr.sample_period = in.U64();
  attr.sample_type = in.U64();
  attr.read_format = in.U64();
  const uint64_t flags = in.U64();
  attr.frequency = (flags & kFrequency) != 0;
  attr.sample_id_all = (flags & kSampleIdAll) != 0;
  attr.use_clock_id = (flags & kUseClockId) != 0;
  attr.overwrites = (flags & kWriteBackward) != 0;
  in.Bytes(92 - 48);
  attr.clock_id = static_cast<int32_t>(in.U32());
  return attr;
}

void PerfAttrs::Add(const PerfAttr& attr, std::span<const uint64_t> ids) {
  if (attrs_.size() >= kMostAttrs) return;
  for (const uint64_t id : ids) {
    if (ids_.size() >= kMostIds) break;
    ids_.try_emplace(id, Id{static_cast<uint32_t>(attrs_.size()), Cpu::kNone});
  }
  attrs_.push_back(attr);
}

void PerfAttrs::NoteCpu(uint64_t id, Cpu cpu) {
  if (const auto it = ids_.find(id); it != ids_.end()) it->second.cpu = cpu;
}

bool PerfAttrs::Finish() {
  if (attrs_.empty()) return false;
  const PerfAttr& first = attrs_.front();
  alike_ = std::all_of(attrs_.begin(), attrs_.end(), [&](const PerfAttr& attr) {
    return attr.type == first.type && attr.sample_type == first.sample_type &&
           attr.read_format == first.read_format && attr.sample_id_all == first.sample_id_all;
  });
  const auto at = SamePlace(attrs_, IdInSample);
  id_at_ = at.value_or(0);
  id_before_end_ = SamePlace(attrs_, IdBeforeEnd).value_or(0);
  return alike_ || at.has_value();
}

const PerfAttr* PerfAttrs::OfSample(std::string_view body) const {
  if (alike_) return &attrs_.front();
  if (body.size() < 8 || id_at_ > body.size() - 8) return nullptr;
  const auto it = ids_.find(LoadAs<false, uint64_t>(body.data() + id_at_));
  return it != ids_.end() ? &attrs_[it->second.attr] : nullptr;
}

bool PerfAttrs::ReadSample(const PerfAttr& attr, std::string_view body, PerfSample& out) {
  ByteCursor in(body, false);
  in.Bytes(8 * CountOf(attr, kIdentifier | kIp | kTid));
  if (Has(attr, kTime)) out.time = in.U64();
  in.Bytes(8 * CountOf(attr, kAddr | kId | kStreamId));
  if (Has(attr, kCpu)) {
    out.cpu = CpuOf(in.U32());
    in.U32();
  }
  in.Bytes(8 * CountOf(attr, kPeriod));
  if (Has(attr, kRead) && !SkipRead(in, attr.read_format)) return false;
  if (Has(attr, kCallchain)) {
    const uint64_t frames = in.U64();
    if (frames > in.rest().size() / 8) return false;
    in.Bytes(8 * frames);
  }
  out.has_raw = Has(attr, kRaw);
  if (out.has_raw) out.raw = in.Bytes(in.U32());
  return in.ok();
}

PerfSample PerfAttrs::ReadTrailer(std::string_view body) const {
  PerfSample out;
  if (attrs_.empty()) return out;
  const PerfAttr* attr = &attrs_.front();
  const Id* id = nullptr;
  if (id_before_end_ > 0 && id_before_end_ <= body.size()) {
    const auto at = body.data() + body.size() - id_before_end_;
    out.id = LoadAs<false, uint64_t>(at);
    if (const auto it = ids_.find(*out.id); it != ids_.end()) {
      id = &it->second;
      attr = &attrs_[id->attr];
    }
  }
  if (!attr->sample_id_all) return out;
  const size_t size = 8 * CountOf(*attr, kTid | kTime | kId | kStreamId | kCpu | kIdentifier);
  if (size > body.size()) return out;
  ByteCursor in(body.substr(body.size() - size), false);
  in.Bytes(8 * CountOf(*attr, kTid));
  if (Has(*attr, kTime)) out.time = in.U64();
  in.Bytes(8 * CountOf(*attr, kId | kStreamId));
  if (Has(*attr, kCpu)) out.cpu = CpuOf(in.U32());
  // What perf adds itself has no CPU of its own; that of its id is known.
  if (id != nullptr && id->cpu != Cpu::kNone && out.time.value_or(0) == 0) out.cpu = id->cpu;
  return out;
}

}  // namespace wqprof
