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

  // Each is valid until the next call, and "" where nothing is known.
  std::string_view Name(NameId id) { return Of(id).whole; }
  std::string_view Function(NameId id) { return Of(id).function; }
  std::string_view Module(NameId id) { return Of(id).module; }
  std::string_view PoolName(PoolId id);

 private:
  struct Spelling {
    bool known = false;
    std::string whole, function, module;
  };
  const Spelling& Of(NameId id);
  std::string Encode(std::string_view text) const { return text.empty() ? "" : encode_(text); }

  const NameTable& names_;
  const Reconstructor& model_;
  Encoder encode_;
  std::deque<Spelling> spellings_;  // by NameId
  std::deque<Spelling> pools_;      // by PoolId
};

}  // namespace wqprof

#endif  // WQPROF_RENDER_ITEM_NAMES_H_
