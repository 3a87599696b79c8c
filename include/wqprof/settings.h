// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_SETTINGS_H_
#define WQPROF_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// What a recorder notes of itself in its recording: keys and their values, in the order in which
// they were added.  A key may stand there several times.  A value may be any text, as users and
// hostile machines write them; as a text it is escaped, so that it cannot pass for another key.
class Settings {
 public:
  struct Entry {
    std::string key, value;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // REQUIRES: `key` is a word of ours, without '=' or white space.
  void Add(std::string_view key, std::string_view value);
  void Add(std::string_view key, uint64_t number);
  // Adds all of `more` behind what is there.
  void Append(const Settings& more);

  // The first value of `key`.
  std::optional<std::string_view> Find(std::string_view key) const;
  // The same where it is a whole number and nothing else.
  std::optional<uint64_t> Number(std::string_view key) const;
  std::optional<int64_t> SignedNumber(std::string_view key) const;
  // All values of `key`.
  std::vector<std::string> All(std::string_view key) const;

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  // "key=value" lines; in a value \n, \0 and \\ stand for a line end, a zero and a backslash.
  std::string ToText() const;
  // Any text gives some settings: a line without '=' is a key with an empty value.
  static Settings Parse(std::string_view text);

  friend bool operator==(const Settings&, const Settings&) = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace wqprof

#endif  // WQPROF_SETTINGS_H_
