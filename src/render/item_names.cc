// SPDX-License-Identifier: Apache-2.0
#include "render/item_names.h"

#include <algorithm>

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
    } else if (character.code < 0x20 || character.code == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(character.code));
    } else {
      out += text.substr(0, character.length);
    }
    text.remove_prefix(std::max<size_t>(character.length, 1));
  }
  return out + '"';
}

std::string CsvField(std::string_view text) {
  const std::string escaped = Escaped(text);
  if (escaped.find_first_of(",\"") == std::string::npos) return escaped;
  std::string out = "\"";
  for (const char c : escaped) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

const ItemNames::Spelling& ItemNames::Of(NameId id) {
  const size_t i = ToInt(id);
  // A deque keeps what was handed out in place while it grows.
  if (i >= spellings_.size()) spellings_.resize(i + 1);
  Spelling& spelling = spellings_[i];
  if (!spelling.known) {
    const std::string_view name = names_.Get(id);
    const FunctionName parts = SplitFunction(name);
    spelling = {true, Encode(name), Encode(parts.name), Encode(parts.module)};
  }
  return spelling;
}

std::string_view ItemNames::PoolName(PoolId id) {
  const auto i = static_cast<size_t>(id);
  if (i >= pools_.size()) pools_.resize(i + 1);
  Spelling& spelling = pools_[i];
  if (!spelling.known) spelling = {true, Encode(model_.pool(id).name), "", ""};
  return spelling.whole;
}

}  // namespace wqprof
