// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_EXPORT_PERFETTO_WRITER_H_
#define WQPROF_EXPORT_PERFETTO_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "wqprof/types.h"

namespace wqprof {

// A value beside a slice.
struct SliceArgument {
  std::string_view name, text;     // text, unless
  std::optional<uint64_t> number;  // this is there
};

// Writes the packets of a Perfetto trace, all on one sequence: names are written once and referred
// to by number, a time is the distance from the one before, and packets are deflated.  Field
// numbers and their meaning: protos/perfetto/trace/*.proto of Perfetto, which keep their numbers.
class PerfettoWriter {
 public:
  using Track = uint64_t;

  // Times count from `begin`, which is a time of the monotonic clock.
  explicit PerfettoWriter(Timestamp begin);

  // Tracks are to be made before the first slice.
  Track AddProcess(uint32_t pid, std::string_view name);
  Track AddThread(uint32_t pid, uint32_t tid, std::string_view name);
  Track AddCounter(Track parent, std::string_view name);
  // Tracks of one parent and name are drawn as one.
  Track AddTrack(std::optional<Track> parent, std::string_view name);

  // REQUIRES of all: not before the event written last; slices of a track are nested.
  // `arguments` may be empty; 0: no flow.
  template <class Arguments>
  void Begin(Timestamp at, Track track, std::string_view name, uint64_t flow_out, uint64_t flow_in,
             const Arguments& arguments) {
    Event event = Open(at, track, kSliceBegin);
    SetName(event, name);
    for (const SliceArgument& argument : arguments) AddArgument(event, argument);
    AddFlows(event, flow_out, flow_in);
    Close(event);
  }
  void End(Timestamp at, Track track);
  void Count(Timestamp at, Track track, uint64_t value);

  // All of it.
  std::string Take() &&;

 private:
  static constexpr int kSliceBegin = 1, kSliceEnd = 2, kCounter = 4;
  // A packet while it is written.
  struct Event {
    std::string track_event, interned;
    uint64_t delta = 0;
  };
  // Numbers of strings of one kind.
  using Numbers = absl::flat_hash_map<std::string, uint64_t>;

  void WriteClocks(Timestamp begin);
  Event Open(Timestamp at, Track track, int type);
  void SetName(Event& event, std::string_view name);
  void AddArgument(Event& event, const SliceArgument& argument);
  void AddFlows(Event& event, uint64_t flow_out, uint64_t flow_in);
  void Close(const Event& event);
  // The number of `text`; writes it into `interned` (a field of InternedData) the first time.
  static uint64_t NumberOf(Numbers& numbers, std::string_view text, uint32_t field,
                           std::string& interned);
  void AddPacket(const std::string& packet);
  void Deflate();

  Timestamp last_;
  Track next_track_ = 1;
  Numbers names_, argument_names_, texts_;
  std::string packets_, out_;
};

}  // namespace wqprof

#endif  // WQPROF_EXPORT_PERFETTO_WRITER_H_
