// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_KEYS_H_
#define WQPROF_CLI_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// A key that was pressed.
struct Key {
  enum class Kind : uint8_t {
    kText,  // the bytes of one character
    kEnter,
    kEscape,
    kTab,
    kBackTab,
    kBackspace,
    kUp,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kOther  // of no meaning here
  };
  Kind kind = Kind::kOther;
  std::string text = {};

  bool operator==(const Key&) const = default;
};

// Makes keys of the bytes that a terminal sends, which may come in any portions.
class KeyParser {
 public:
  std::vector<Key> Take(std::string_view bytes);
  // Nothing more came for a while: what looked like the begin of a sequence is a key of its own.
  std::vector<Key> Settle();
  // Whether bytes wait for more.
  bool pending() const { return !bytes_.empty(); }

 private:
  // The length of the first key, and what it is; 0: more bytes may make it another one.
  size_t First(Key& key) const;

  std::string bytes_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_KEYS_H_
