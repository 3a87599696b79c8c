// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_HIST_SEGMENTS_H_
#define WQPROF_HIST_SEGMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace wqprof {

// Which lines of which segments counted: a bit a line, and 32 bytes a segment whose name is that of
// a boot.
class SegmentTable {
 public:
  static constexpr uint32_t kNoGroup = UINT32_MAX;
  struct Segment {
    uint32_t group = kNoGroup;  // of its first line
    uint32_t counted = 0;       // lines
    uint32_t expected = 0;      // lines that it has; 0: not known
  };

  // Absent: there are `most` others.
  std::optional<uint32_t> IndexOf(std::string_view id, size_t most);
  // False: that series counted before.
  bool Count(uint32_t segment, uint32_t series);
  // Whether this is the first line of the segment; it belongs to `group` then.
  bool BelongsTo(uint32_t segment, size_t group);
  void Expect(uint32_t segment, uint64_t lines);
  const std::vector<Segment>& all() const { return segments_; }

 private:
  // "6a0b...-...-1234", without loss.
  struct Key {
    uint64_t high = 0, low = 0;
    int64_t start = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.high, key.low, key.start);
    }
  };
  static std::optional<Key> KeyOf(std::string_view id);

  absl::flat_hash_map<Key, uint32_t> by_key_;
  absl::flat_hash_map<std::string, uint32_t> by_name_;  // of another form
  std::vector<Segment> segments_;
  absl::flat_hash_map<uint64_t, uint64_t> counted_;  // by segment and 64 series
  std::string last_id_;                              // lines of a segment come together
  uint32_t last_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_HIST_SEGMENTS_H_
