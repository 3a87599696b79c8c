// SPDX-License-Identifier: Apache-2.0
#include "render/item_names.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "render/text.h"

namespace wqprof {

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    if (character.length == 0) {
      out += "\xef\xbf\xbd";
    } else if (character.code == '"' || character.code == '\\') {
      out += '\\';
      out += text.front();
    } else if (IsMisleading(character.code)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(character.code));
    } else {
      out += text.substr(0, character.length);
    }
    text.remove_prefix(std::max<size_t>(character.length, 1));
  }
  return out + '"';
}

std::string CsvField(std::string_view text) {
  const std::string escaped = NoFormula(Escaped(text));
  if (escaped.find_first_of(",\"") == std::string::npos) return escaped;
  std::string out = "\"";
  for (const char c : escaped) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

const ItemNames::Spelling& ItemNames::Keep(std::vector<const Spelling*>& spellings, size_t i,
                                           Spelling made) {
  if (i >= spellings.size()) spellings.resize(i + 1);
  spellings_.push_back(std::move(made));
  spellings[i] = &spellings_.back();
  return spellings_.back();
}

const ItemNames::Spelling& ItemNames::MakeName(NameId id) {
  const std::string_view name = names_.Get(id);
  const FunctionName parts = SplitFunction(name);
  return Keep(names_made_, ToInt(id), {Encode(name), Encode(parts.name), Encode(parts.module)});
}

const ItemNames::Spelling& ItemNames::MakePool(PoolId id) {
  return Keep(pools_made_, static_cast<size_t>(id), {Encode(model_.pool(id).name), "", ""});
}

}  // namespace wqprof
