// SPDX-License-Identifier: Apache-2.0
#include "export/perfetto_writer.h"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <protozero/pbf_writer.hpp>
#include <utility>

namespace wqprof {
namespace {

using protozero::pbf_writer;

// Fields, by message.
namespace trace {
constexpr uint32_t kPacket = 1;
}
namespace packet {
constexpr uint32_t kClockSnapshot = 6, kTimestamp = 8, kSequenceId = 10, kTrackEvent = 11,
                   kInternedData = 12, kSequenceFlags = 13, kCompressedPackets = 50,
                   kTimestampClockId = 58, kDefaults = 59, kTrackDescriptor = 60,
                   kFirstOnSequence = 87;
}
namespace clock_snapshot {
constexpr uint32_t kClocks = 1, kPrimary = 2;
constexpr uint32_t kId = 1, kTime = 2, kIsIncremental = 3;
}  // namespace clock_snapshot
namespace descriptor {
constexpr uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4, kParent = 5, kCounter = 8;
}
namespace event {
constexpr uint32_t kArguments = 4, kType = 9, kNameId = 10, kTrack = 11, kCounterValue = 30,
                   kFlows = 47, kFlowsEnd = 48;
}
namespace argument {
constexpr uint32_t kNameId = 1, kNumber = 3, kTextId = 17;
}
namespace interned {
constexpr uint32_t kEventNames = 2, kArgumentNames = 3, kTexts = 29;
constexpr uint32_t kId = 1, kText = 2;
}  // namespace interned

constexpr uint32_t kMonotonic = 3, kBoottime = 6;  // builtin clocks
constexpr uint32_t kDeltaClock = 64;               // the first that a sequence may define
constexpr uint32_t kSequence = 1;
constexpr uint64_t kStateCleared = 1;
constexpr size_t kDeflateAt = 256 << 10;

}  // namespace

PerfettoWriter::PerfettoWriter(Timestamp begin) : last_(begin) { WriteClocks(begin); }

// Without a relation to the boot time Perfetto drops every event, and says nothing.
void PerfettoWriter::WriteClocks(Timestamp begin) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint32(packet::kSequenceId, kSequence);
    out.add_uint64(packet::kSequenceFlags, kStateCleared);
    out.add_bool(packet::kFirstOnSequence, true);
    {
      pbf_writer defaults(out, packet::kDefaults);
      defaults.add_uint32(packet::kTimestampClockId, kDeltaClock);
    }
    pbf_writer snapshot(out, packet::kClockSnapshot);
    const auto now = static_cast<uint64_t>(std::max<int64_t>(0, begin.time_since_epoch().count()));
    for (const uint32_t id : {kMonotonic, kBoottime, kDeltaClock}) {
      pbf_writer clock(snapshot, clock_snapshot::kClocks);
      clock.add_uint32(clock_snapshot::kId, id);
      clock.add_uint64(clock_snapshot::kTime, id == kDeltaClock ? 0 : now);
      if (id == kDeltaClock) clock.add_bool(clock_snapshot::kIsIncremental, true);
    }
    snapshot.add_uint32(clock_snapshot::kPrimary, kBoottime);
  }
  AddPacket(data);
}

PerfettoWriter::Track PerfettoWriter::AddProcess(uint32_t pid, std::string_view name) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint32(packet::kSequenceId, kSequence);
    pbf_writer track(out, packet::kTrackDescriptor);
    track.add_uint64(descriptor::kUuid, next_track_);
    pbf_writer process(track, descriptor::kProcess);
    process.add_uint32(1, pid);
    process.add_string(6, name.data(), name.size());
  }
  AddPacket(data);
  return next_track_++;
}

PerfettoWriter::Track PerfettoWriter::AddThread(uint32_t pid, uint32_t tid, std::string_view name) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint32(packet::kSequenceId, kSequence);
    pbf_writer track(out, packet::kTrackDescriptor);
    track.add_uint64(descriptor::kUuid, next_track_);
    pbf_writer thread(track, descriptor::kThread);
    thread.add_uint32(1, pid);
    thread.add_uint32(2, tid);
    thread.add_string(5, name.data(), name.size());
  }
  AddPacket(data);
  return next_track_++;
}

PerfettoWriter::Track PerfettoWriter::AddCounter(Track parent, std::string_view name) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint32(packet::kSequenceId, kSequence);
    pbf_writer track(out, packet::kTrackDescriptor);
    track.add_uint64(descriptor::kUuid, next_track_);
    track.add_string(descriptor::kName, name.data(), name.size());
    track.add_uint64(descriptor::kParent, parent);
    pbf_writer counter(track, descriptor::kCounter);
  }
  AddPacket(data);
  return next_track_++;
}

PerfettoWriter::Track PerfettoWriter::AddTrack(std::optional<Track> parent, std::string_view name) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint32(packet::kSequenceId, kSequence);
    pbf_writer track(out, packet::kTrackDescriptor);
    track.add_uint64(descriptor::kUuid, next_track_);
    track.add_string(descriptor::kName, name.data(), name.size());
    if (parent) track.add_uint64(descriptor::kParent, *parent);
  }
  AddPacket(data);
  return next_track_++;
}

PerfettoWriter::Event PerfettoWriter::Open(Timestamp at, Track track, int type) {
  assert(at >= last_);
  Event out;
  out.delta = static_cast<uint64_t>((at - last_).count());
  last_ = at;
  pbf_writer writer(out.track_event);
  writer.add_enum(event::kType, type);
  writer.add_uint64(event::kTrack, track);
  return out;
}

uint64_t PerfettoWriter::NumberOf(Numbers& numbers, std::string_view text, uint32_t field,
                                  std::string& interned) {
  const auto [it, added] = numbers.try_emplace(std::string(text), numbers.size() + 1);
  if (added) {
    pbf_writer data(interned);
    pbf_writer entry(data, field);
    entry.add_uint64(interned::kId, it->second);
    entry.add_string(interned::kText, text.data(), text.size());
  }
  return it->second;
}

void PerfettoWriter::SetName(Event& event, std::string_view name) {
  const uint64_t number = NumberOf(names_, name, interned::kEventNames, event.interned);
  pbf_writer(event.track_event).add_uint64(event::kNameId, number);
}

void PerfettoWriter::AddArgument(Event& event, const SliceArgument& argument) {
  const uint64_t name =
      NumberOf(argument_names_, argument.name, interned::kArgumentNames, event.interned);
  const uint64_t value = argument.number
                             ? *argument.number
                             : NumberOf(texts_, argument.text, interned::kTexts, event.interned);
  pbf_writer writer(event.track_event);
  pbf_writer out(writer, event::kArguments);
  out.add_uint64(argument::kNameId, name);
  out.add_uint64(argument.number ? argument::kNumber : argument::kTextId, value);
}

void PerfettoWriter::AddFlows(Event& event, uint64_t flow_out, uint64_t flow_in) {
  pbf_writer writer(event.track_event);
  if (flow_out != 0) writer.add_fixed64(event::kFlows, flow_out);
  if (flow_in != 0) writer.add_fixed64(event::kFlowsEnd, flow_in);
}

void PerfettoWriter::Close(const Event& event) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_uint64(packet::kTimestamp, event.delta);
    out.add_uint32(packet::kSequenceId, kSequence);
    if (!event.interned.empty()) out.add_message(packet::kInternedData, event.interned);
    out.add_message(packet::kTrackEvent, event.track_event);
  }
  AddPacket(data);
}

void PerfettoWriter::End(Timestamp at, Track track) { Close(Open(at, track, kSliceEnd)); }

void PerfettoWriter::Count(Timestamp at, Track track, uint64_t value) {
  Event event = Open(at, track, kCounter);
  pbf_writer(event.track_event).add_int64(event::kCounterValue, static_cast<int64_t>(value));
  Close(event);
}

void PerfettoWriter::AddPacket(const std::string& data) {
  pbf_writer(packets_).add_message(trace::kPacket, data);
  if (packets_.size() >= kDeflateAt) Deflate();
}

void PerfettoWriter::Deflate() {
  if (packets_.empty()) return;
  std::string deflated(compressBound(packets_.size()), '\0');
  uLongf size = deflated.size();
  [[maybe_unused]] const int result =
      compress2(reinterpret_cast<Bytef*>(deflated.data()), &size,
                reinterpret_cast<const Bytef*>(packets_.data()), packets_.size(), 6);
  assert(result == Z_OK);  // the buffer is large enough
  deflated.resize(size);
  std::string data;
  pbf_writer(data).add_bytes(packet::kCompressedPackets, deflated);
  pbf_writer(out_).add_message(trace::kPacket, data);
  packets_.clear();
}

std::string PerfettoWriter::Take() && {
  Deflate();
  return std::move(out_);
}

}  // namespace wqprof
