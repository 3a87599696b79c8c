// SPDX-License-Identifier: Apache-2.0
#include "trace/record_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace wqprof {

void RecordDecoder::Fill(FunctionEntry& entry, uint64_t address) {
  const NameId name =
      address == 0 ? NameId::kUnknown : names_.Intern(context_.symbols->NameOf(address));
  entry = {address, name, {}};
}

NameId RecordDecoder::NewWorkqueueOf(FunctionEntry& function, std::string_view text) {
  TextEntry& last = function.workqueue;
  const NameId name = ShortName(text);
  if (text.size() < last.text.size()) {
    last = {};
    std::memcpy(last.text.data(), text.data(), text.size());
    last.size = static_cast<uint8_t>(text.size());
    last.name = name;
  }
  return name;
}

NameId RecordDecoder::AddressOf(FunctionEntry& function, uint64_t workqueue) {
  std::array<char, 24> text;
  const auto end = fmt::format_to_n(text.data(), text.size(), "{:#x}", workqueue);
  *end.out = '\0';
  return WorkqueueOf(function, std::string_view(text.data(), end.size + 1));
}

NameId RecordDecoder::ShortName(std::string_view text) {
  std::array<char, 32> key{};
  if (text.size() > key.size()) return names_.Intern(text);
  std::memcpy(key.data(), text.data(), text.size());
  uint64_t head, tail;
  std::memcpy(&head, key.data(), 8);
  std::memcpy(&tail, key.data() + std::max<size_t>(text.size(), 8) - 8, 8);
  TextEntry& entry = texts_[PlaceOf(head, tail + text.size(), kTextBits)];
  if (entry.name == NameId::kUnknown || entry.size != text.size() || entry.text != key) {
    entry = {key, static_cast<uint8_t>(text.size()), names_.Intern(text)};
  }
  return entry.name;
}

}  // namespace wqprof
