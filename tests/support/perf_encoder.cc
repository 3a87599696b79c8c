// SPDX-License-Identifier: Apache-2.0
#include "support/perf_encoder.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace wqprof::testing {
namespace {

enum Type : uint32_t {
  kMmap = 1,
  kLost = 2,
  kComm = 3,
  kThrottle = 5,
  kSample = 9,
  kAttr = 64,
  kTracingData = 66,
  kBuildId = 67,
  kFinishedRound = 68,
  kIdIndex = 69,
  kFeature = 80,
  kCompressed = 81,
};
constexpr uint64_t kIp = 1, kTid = 2, kTime = 4, kRead = 16, kCallchain = 32, kId = 64, kCpu = 128,
                   kPeriod = 256, kRaw = 1024, kIdentifier = 1 << 16;
constexpr uint64_t kReadIdAndGroup = 4 | 8;
constexpr uint16_t kOfKernel = 1;
constexpr uint64_t kOtherId = 9999;
constexpr int kCpus = 4;

ByteWriter Bytes() { return ByteWriter(false); }

class Encoder {
 public:
  Encoder(const TraceBuilder& trace, const PerfStyle& style) : trace_(trace), style_(style) {
    kinds_ = style.kinds;
    std::set<EventKind> seen(kinds_.begin(), kinds_.end());
    for (const Event& e : trace.events()) {
      const bool loss = e.kind == EventKind::kLossBegin || e.kind == EventKind::kLossEnd;
      if (!loss && style.kinds.empty() && seen.insert(e.kind).second) kinds_.push_back(e.kind);
    }
  }

  std::string Encode() {
    WriteHead();
    WriteEvents();
    return style_.pipe ? Pipe() : File();
  }

 private:
  uint64_t SampleType(bool tracepoint) const {
    uint64_t type = kIp | kTid | kCpu | kPeriod | (style_.identifier ? kIdentifier : kId);
    if (style_.has_time) type |= kTime;
    if (tracepoint) type |= kRaw;
    if (style_.callchain && tracepoint) type |= kCallchain;
    if (style_.read_group && tracepoint) type |= kRead;
    return type;
  }
  // Of one event a CPU.
  static uint64_t IdOn(EventKind kind, Cpu cpu) {
    return 100 + static_cast<uint64_t>(kind) * 16 + static_cast<uint64_t>(ToInt(cpu));
  }

  std::string AttrOf(bool tracepoint, uint64_t config) const {
    ByteWriter w = Bytes();
    w.U32(tracepoint ? 2 : 1).U32(128).U64(config).U64(tracepoint ? style_.period : 1);
    w.U64(SampleType(tracepoint)).U64(style_.read_group ? kReadIdAndGroup : 4);
    uint64_t flags = 0;
    if (style_.sample_id_all) flags |= 1 << 18;
    if (style_.frequency && tracepoint) flags |= 1 << 10;
    if (style_.clock_id >= 0) flags |= 1 << 25;
    w.U64(flags).Bytes(std::string(92 - 48, '\0'));
    w.U32(static_cast<uint32_t>(std::max(style_.clock_id, 0)));
    w.Bytes(std::string(128 - w.size(), '\0'));
    return w.Take();
  }

  struct AttrWithIds {
    std::string attr;
    std::vector<uint64_t> ids;
  };
  std::vector<AttrWithIds> Attrs() const {
    std::vector<AttrWithIds> out;
    for (const EventKind kind : kinds_) {
      AttrWithIds& added = out.emplace_back();
      added.attr = AttrOf(true, static_cast<uint64_t>(IdOf(kind)));
      for (int cpu = 0; cpu < kCpus; ++cpu) added.ids.push_back(IdOn(kind, static_cast<Cpu>(cpu)));
    }
    if (style_.others) out.push_back({AttrOf(false, 9), {kOtherId}});
    return out;
  }

  std::string TracingData() const {
    const DatFile dat = EncodeDat(trace_, FieldsOf(style_));
    ByteWriter w = Bytes();
    w.Bytes(std::string_view("\x17\x08\x44tracing", 10)).CString("0.6").U8(0);
    w.U8(static_cast<uint64_t>(style_.long_size)).U32(4096);
    w.CString("header_page").U64(dat.header_page.size()).Bytes(dat.header_page);
    w.CString("header_event").U64(dat.header_event.size()).Bytes(dat.header_event);
    w.U32(0).U32(dat.formats.size());
    for (const auto& [system, texts] : dat.formats) {
      w.CString(system).U32(texts.size());
      for (const std::string& text : texts) w.U64(text.size()).Bytes(text);
    }
    w.U32(0).U32(0).U64(dat.cmdlines.size()).Bytes(dat.cmdlines);
    return w.Take();
  }

  static std::string TextFeature(std::string_view text) {
    return Bytes().U32(64).Array(text, 64).Take();
  }
  std::string BuildIdBody() const {
    ByteWriter w = Bytes();
    w.U32(UINT32_MAX).Array(style_.build_id, 24).CString("[kernel.kallsyms]");
    return w.PadTo(8).Take();
  }
  std::map<uint32_t, std::string> Features() const {
    std::map<uint32_t, std::string> out = {{3, TextFeature("host")},
                                           {4, TextFeature("6.1.0-perf")},
                                           {6, TextFeature("x86_64")},
                                           {7, Bytes().U32(kCpus).U32(kCpus).Take()}};
    if (!style_.pipe) out[1] = TracingData();
    if (!style_.build_id.empty()) out[2] = PerfRecordOf(kBuildId, kOfKernel, BuildIdBody());
    if (style_.clock_id >= 0) {
      out[29] =
          Bytes().U32(1).U32(static_cast<uint32_t>(style_.clock_id)).U64(2000).U64(1000).Take();
    }
    return out;
  }

  std::string Trailer(Nanos at, Cpu cpu, EventKind kind) const {
    if (!style_.sample_id_all) return "";
    ByteWriter w = Bytes();
    w.U32(0).U32(0);
    if (style_.has_time) w.U64(static_cast<uint64_t>(at.count()));
    if (!style_.identifier) w.U64(IdOn(kind, cpu));
    w.U32(static_cast<uint32_t>(ToInt(cpu))).U32(0);
    if (style_.identifier) w.U64(IdOn(kind, cpu));
    return w.Take();
  }

  void WriteHead() {
    ByteWriter map = Bytes();
    map.U32(UINT32_MAX).U32(0).U64(style_.text_at).U64(0x1000000).U64(style_.text_at);
    map.CString("[kernel.kallsyms]_text").PadTo(8);
    data_ += PerfRecordOf(kMmap, kOfKernel, map.bytes());
    std::set<Pid> named;
    for (const Event& e : trace_.events()) {
      const std::string_view comm = trace_.names().Get(trace_.CommOf(e.pid));
      if (comm.empty() || ToInt(e.pid) <= 0 || !named.insert(e.pid).second) continue;
      // As /proc has it.
      const bool worker = comm.starts_with("kworker/");
      const std::string shown = fmt::format("{}{}", comm, worker ? "-eve" : "").substr(0, 15);
      ByteWriter w = Bytes();
      w.U32(static_cast<uint32_t>(ToInt(e.pid))).U32(static_cast<uint32_t>(ToInt(e.pid)));
      w.CString(shown).PadTo(8).Bytes(Trailer(Nanos(0), Cpu{0}, kinds_.front()));
      data_ += PerfRecordOf(kComm, 0, w.bytes());
    }
  }

  std::string Sample(const Event& e) const {
    const auto address = uint64_t{0xffffffff81000100};
    ByteWriter w = Bytes();
    if (style_.identifier) w.U64(IdOn(e.kind, e.cpu));
    w.U64(address)
        .U32(static_cast<uint32_t>(ToInt(e.pid)))
        .U32(static_cast<uint32_t>(ToInt(e.pid)));
    if (style_.has_time) w.U64(static_cast<uint64_t>(e.at.time_since_epoch().count()));
    if (!style_.identifier) w.U64(IdOn(e.kind, e.cpu));
    w.U32(static_cast<uint32_t>(ToInt(e.cpu))).U32(0).U64(1);
    if (style_.read_group) w.U64(2).U64(5).U64(1).U64(6).U64(2);
    if (style_.callchain) w.U64(2).U64(uint64_t(-128)).U64(address);
    const std::string payload = Payload(e, trace_.names(), FieldsOf(style_));
    // With its size it ends on a multiple of eight.
    const size_t padded = (payload.size() + 4 + 7) / 8 * 8 - 4;
    w.U32(padded).Array(payload, padded);
    return PerfRecordOf(kSample, kOfKernel, w.bytes());
  }

  std::string OtherSample(Cpu cpu, Nanos at) const {
    ByteWriter w = Bytes();
    if (style_.identifier) w.U64(kOtherId);
    w.U64(0).U64(0);
    if (style_.has_time) w.U64(static_cast<uint64_t>(at.count()));
    if (!style_.identifier) w.U64(kOtherId);
    w.U32(static_cast<uint32_t>(ToInt(cpu))).U32(0).U64(1);
    return PerfRecordOf(kSample, 0, w.bytes());
  }

  std::string Loss(const Event& e) const {
    const Nanos at = e.at.time_since_epoch();
    ByteWriter w = Bytes();
    if (e.loss.known) {
      w.U64(IdOn(kinds_.front(), e.cpu)).U64(e.loss.count);
      return PerfRecordOf(kLost, 0, w.Bytes(Trailer(at, e.cpu, kinds_.front())).bytes());
    }
    w.U64(static_cast<uint64_t>(at.count())).U64(IdOn(kinds_.front(), e.cpu)).U64(0);
    return PerfRecordOf(kThrottle, 0, w.Bytes(Trailer(at, e.cpu, kinds_.front())).bytes());
  }

  // CPU by CPU, round by round.
  void WriteEvents() {
    std::map<Cpu, std::string> buffers;
    size_t in_round = 0;
    const auto end_round = [&] {
      for (auto& [cpu, bytes] : buffers) Store(bytes);
      buffers.clear();
      if (style_.round > 0) data_ += PerfRecordOf(kFinishedRound, 0, "");
      in_round = 0;
    };
    for (const Event& e : trace_.events()) {
      if (e.kind == EventKind::kLossBegin) continue;
      std::string& buffer = buffers[e.cpu];
      if (e.kind == EventKind::kLossEnd) {
        buffer += Loss(e);
        continue;
      }
      if (std::find(kinds_.begin(), kinds_.end(), e.kind) == kinds_.end()) continue;
      buffer += Sample(e);
      if (style_.others) buffer += OtherSample(e.cpu, e.at.time_since_epoch());
      if (++in_round == style_.round) end_round();
    }
    end_round();
  }

  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  // One stream for all, flushed now and then, as perf compresses.
  void Store(const std::string& bytes) {
    if (!style_.zstd) {
      data_ += bytes;
      return;
    }
    if (!zstd_) {
      zstd_.reset(ZSTD_createCCtx());
      ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel,
                             static_cast<int>(style_.zstd_level));
    }
    constexpr size_t kPiece = 1000;  // so that records are cut
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
      const size_t size = std::min(kPiece, bytes.size() - at);
      std::string packed(ZSTD_compressBound(size) + 64, '\0');
      ZSTD_inBuffer in = {bytes.data() + at, size, 0};
      ZSTD_outBuffer out = {packed.data(), packed.size(), 0};
      ZSTD_compressStream2(zstd_.get(), &out, &in, ZSTD_e_flush);
      data_ += PerfRecordOf(kCompressed, 0, packed.substr(0, out.pos));
    }
  }

  std::string Pipe() const {
    std::string out = Bytes().Bytes("PERFILE2").U64(16).Take();
    for (const auto& [attr, ids] : Attrs()) {
      ByteWriter w = Bytes();
      w.Bytes(attr);
      for (const uint64_t id : ids) w.U64(id);
      out += PerfRecordOf(kAttr, 0, w.bytes());
    }
    for (const auto& [bit, data] : Features()) {
      out += PerfRecordOf(kFeature, 0, Bytes().U64(bit).Bytes(data).bytes());
    }
    const std::string texts = TracingData();
    out += PerfRecordOf(kTracingData, 0, Bytes().U32(texts.size()).U32(0).bytes());
    out += Bytes().Bytes(texts).PadTo(8).bytes();
    return out + data_;
  }

  std::string File() const {
    constexpr size_t kHeader = 104, kAttrSize = 128 + 16;
    const std::vector<AttrWithIds> attrs = Attrs();
    const std::map<uint32_t, std::string> features = Features();
    ByteWriter ids = Bytes(), table = Bytes();
    for (const AttrWithIds& a : attrs) {
      table.Bytes(a.attr).U64(kHeader + ids.size()).U64(8 * a.ids.size());
      for (const uint64_t id : a.ids) ids.U64(id);
    }
    const size_t attrs_at = kHeader + ids.size(), data_at = attrs_at + table.size();
    uint64_t bits = 0;
    for (const auto& [bit, data] : features) bits |= uint64_t{1} << bit;
    ByteWriter w = Bytes();
    w.Bytes("PERFILE2").U64(kHeader).U64(kAttrSize).U64(attrs_at).U64(table.size());
    w.U64(data_at).U64(data_.size()).U64(0).U64(0).U64(bits).U64(0).U64(0).U64(0);
    w.Bytes(ids.bytes()).Bytes(table.bytes()).Bytes(data_);
    size_t at = w.size() + 16 * features.size();
    for (const auto& [bit, data] : features) {
      w.U64(at).U64(data.size());
      at += data.size();
    }
    for (const auto& [bit, data] : features) w.Bytes(data);
    return w.Take();
  }

  const TraceBuilder& trace_;
  const PerfStyle& style_;
  std::vector<EventKind> kinds_;
  std::string data_;
  std::unique_ptr<ZSTD_CCtx, FreeContext> zstd_;
};

}  // namespace

std::string PerfRecordOf(uint32_t type, uint16_t misc, std::string_view body) {
  return Bytes().U32(type).U16(misc).U16(8 + body.size()).Bytes(body).Take();
}

DatStyle FieldsOf(const PerfStyle& style) {
  DatStyle out;
  out.long_size = style.long_size;
  return out;
}

std::string EncodePerf(const TraceBuilder& trace, const PerfStyle& style) {
  return Encoder(trace, style).Encode();
}

std::string KallsymsOf(const TraceBuilder& trace, const PerfStyle& style) {
  return EncodeDat(trace, FieldsOf(style)).kallsyms +
         fmt::format("{:016x} T _text\n", style.text_at);
}

}  // namespace wqprof::testing
