// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_EVENT_FORMAT_H_
#define WQPROF_TRACE_EVENT_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// One line "field:TYPE NAME;\toffset:N;\tsize:N;\tsigned:N;" of a format file.
struct FormatField {
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
  bool is_signed = false;
  bool data_loc = false;  // __data_loc: offset and length of the data, from the payload's start
  bool rel_loc = false;   // __rel_loc: the same, from the end of the field itself
};

// What a format file says of one event, as far as reading raw data needs it.
struct EventFormat {
  std::string system;
  std::string name;
  uint16_t id = 0;
  std::vector<FormatField> fields;
  std::string print_fmt;

  const FormatField* Find(std::string_view field) const;
};

// Lines that are no fields are skipped; absent when the text names no event or has no id in
// range.  Bounded: at most kMaxFields fields, offsets and sizes below 16 MiB.
inline constexpr size_t kMaxFields = 256;
std::optional<EventFormat> ParseEventFormat(std::string_view system, std::string_view text);

// events/header_page: where a ring-buffer page keeps its stamp, its fill and its data.
struct PageLayout {
  uint32_t commit_offset = 8;
  uint32_t commit_size = 8;  // the traced kernel's long
  uint32_t data_offset = 16;
};
// Absent when a needed field is missing or makes no sense.
std::optional<PageLayout> ParseHeaderPage(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_TRACE_EVENT_FORMAT_H_
