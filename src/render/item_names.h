// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_ITEM_NAMES_H_
#define WQPROF_RENDER_ITEM_NAMES_H_

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);
// `text` as a field of CSV: control bytes escaped, quoted where RFC 4180 asks for it.
std::string CsvField(std::string_view text);

// The names of a trace in the spelling of one format, each encoded once: a list of items
// writes the same few names millions of times.
class ItemNames {
 public:
  using Encoder = std::string (*)(std::string_view);
  ItemNames(const NameTable& names, const Reconstructor& model, Encoder encode)
      : names_(names), model_(model), encode_(encode) {}

  // "" where nothing is known.
  std::string_view Name(NameId id) { return Of(id).whole; }
  std::string_view Function(NameId id) { return Of(id).function; }
  std::string_view Module(NameId id) { return Of(id).module; }
  std::string_view PoolName(PoolId id) {
    const Spelling* const known = Find(pools_made_, id);
    return known != nullptr ? known->whole : MakePool(id).whole;
  }

 private:
  struct Spelling {
    std::string whole, function, module;
  };
  // Those made so far by their number, else nullptr; short enough to be part of its callers.
  template <class Id>
  static const Spelling* Find(const std::vector<const Spelling*>& spellings, Id id) {
    const auto i = static_cast<size_t>(id);
    return i < spellings.size() ? spellings[i] : nullptr;
  }
  const Spelling& Of(NameId id) {
    const Spelling* const known = Find(names_made_, id);
    return known != nullptr ? *known : MakeName(id);
  }
  const Spelling& MakeName(NameId id);
  const Spelling& MakePool(PoolId id);
  const Spelling& Keep(std::vector<const Spelling*>& spellings, size_t i, Spelling made);
  std::string Encode(std::string_view text) const { return text.empty() ? "" : encode_(text); }

  const NameTable& names_;
  const Reconstructor& model_;
  Encoder encode_;
  std::deque<Spelling> spellings_;  // stay where they are
  std::vector<const Spelling*> names_made_, pools_made_;
};

}  // namespace wqprof

#endif  // WQPROF_RENDER_ITEM_NAMES_H_
