// SPDX-License-Identifier: Apache-2.0
#include "trace/event_format.h"

#include <charconv>

namespace wqprof {
namespace {

std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

// The number after "key:" in `line`; absent when there is none or it is 16 MiB or more.
std::optional<uint32_t> NumberAfter(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  line.remove_prefix(at + key.size());
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || value > 0xffffff) return std::nullopt;
  return value;
}

// "unsigned long prev_state[4]" -> "prev_state"
std::string_view NameOf(std::string_view declaration) {
  if (const size_t bracket = declaration.find('['); bracket != std::string_view::npos) {
    // "char[] workqueue": the brackets belong to the type when a name follows them.
    const size_t close = declaration.find(']', bracket);
    const bool named_after =
        close != std::string_view::npos &&
        declaration.find_first_not_of(" ", close + 1) != std::string_view::npos;
    declaration = named_after ? declaration.substr(close + 1) : declaration.substr(0, bracket);
  }
  while (!declaration.empty() && declaration.back() == ' ') declaration.remove_suffix(1);
  const size_t start = declaration.find_last_of(" *\t");
  return start == std::string_view::npos ? declaration : declaration.substr(start + 1);
}

std::optional<FormatField> ParseField(std::string_view line) {
  const size_t start = line.find("field:");
  const size_t end = line.find(';', start == std::string_view::npos ? 0 : start);
  if (start == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
  const std::string_view declaration = line.substr(start + 6, end - start - 6);
  const std::string_view numbers = line.substr(end);
  const auto offset = NumberAfter(numbers, "offset:");
  const auto size = NumberAfter(numbers, "size:");
  if (!offset || !size) return std::nullopt;
  FormatField field;
  field.name = NameOf(declaration);
  field.offset = *offset;
  field.size = *size;
  field.is_signed = NumberAfter(numbers, "signed:").value_or(0) != 0;
  field.data_loc = declaration.find("__data_loc") != std::string_view::npos;
  field.rel_loc = declaration.find("__rel_loc") != std::string_view::npos;
  return field;
}

}  // namespace

const FormatField* EventFormat::Find(std::string_view field) const {
  for (const FormatField& f : fields) {
    if (f.name == field) return &f;
  }
  return nullptr;
}

std::optional<EventFormat> ParseEventFormat(std::string_view system, std::string_view text) {
  EventFormat format;
  format.system = system;
  bool has_id = false;
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    if (line.starts_with("name:")) {
      const std::string_view name = line.substr(5);
      const size_t first = name.find_first_not_of(" \t");
      if (first != std::string_view::npos) format.name = name.substr(first);
    } else if (line.starts_with("ID:")) {
      if (const auto id = NumberAfter(line, "ID:"); id && *id <= 0xffff) {
        format.id = static_cast<uint16_t>(*id);
        has_id = true;
      }
    } else if (line.starts_with("print fmt:")) {
      format.print_fmt = line.substr(10);
    } else if (format.fields.size() < kMaxFields) {
      if (auto field = ParseField(line)) format.fields.push_back(std::move(*field));
    }
  }
  if (!has_id || format.name.empty()) return std::nullopt;
  return format;
}

std::optional<PageLayout> ParseHeaderPage(std::string_view text) {
  PageLayout layout;
  bool has_commit = false, has_data = false;
  while (!text.empty()) {
    const auto field = ParseField(NextLine(text));
    if (!field) continue;
    if (field->name == "commit") {
      layout.commit_offset = field->offset;
      layout.commit_size = field->size;
      has_commit = true;
    } else if (field->name == "data") {
      layout.data_offset = field->offset;
      has_data = true;
    }
  }
  const bool sane =
      has_commit && has_data && (layout.commit_size == 4 || layout.commit_size == 8) &&
      layout.commit_offset >= 8 &&
      layout.commit_offset + layout.commit_size <= layout.data_offset && layout.data_offset <= 256;
  return sane ? std::optional(layout) : std::nullopt;
}

}  // namespace wqprof
