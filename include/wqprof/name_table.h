// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_NAME_TABLE_H_
#define WQPROF_NAME_TABLE_H_

#include <memory>
#include <string>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// The strings of a trace (functions, workqueues, comms), each stored once.  A function
// of a module is stored as the kernel prints it: "name [module]".
// Thread-safe.  Ids depend on the order of arrival, so no output may be ordered by them.
class NameTable {
 public:
  // At most this many names are kept; later ones all become "(other names)", so that a
  // hostile file cannot grow the table without bound.
  static constexpr size_t kMaxNames = 1 << 20;

  NameTable();
  ~NameTable();
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;

  // The id of `name`, which is copied.  The empty string is NameId::kUnknown.
  NameId Intern(std::string_view name);
  // Valid as long as the table.  "" for kUnknown.
  std::string_view Get(NameId id) const;
  size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "name [module]" taken apart; `module` is empty for a function of vmlinux.
struct FunctionName {
  std::string_view name;
  std::string_view module;
};
FunctionName SplitFunction(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_NAME_TABLE_H_
