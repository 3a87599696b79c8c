// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_READ_DAT_H_
#define WQPROF_TESTS_SUPPORT_READ_DAT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/dat_file.h"
#include "wqprof/event_source.h"

namespace wqprof::testing {

// What OpenTrace() made of a file.
struct ReadBack {
  absl::Status status;                  // of opening, or of the first Next() that failed
  std::unique_ptr<EventSource> source;  // null: could not be opened
  std::vector<Event> events;

  bool ok() const { return status.ok(); }
  std::vector<std::string> Lines() const;
  // Events that were recorded, not those that tell of losses.
  size_t records() const;
};

// Activations that travel within their queue events as events of their own.
std::vector<Event> OneByOne(const std::vector<Event>& events);

ReadBack ReadPath(const std::string& path, const OpenOptions& options = {});
// Of bytes, by way of a temporary file.
ReadBack ReadBytes(std::string_view bytes, const OpenOptions& options = {});

// An event in words, for comparisons across name tables.
std::string Describe(const Event& event, const NameTable& names);
std::vector<std::string> Describe(const std::vector<Event>& events, const NameTable& names);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_READ_DAT_H_
