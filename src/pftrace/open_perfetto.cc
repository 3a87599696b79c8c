// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "pftrace/proto.h"
#include "pftrace/trace_reader.h"
#include "wqprof/pftrace.h"

namespace wqprof {

// Text that begins with an empty line begins with the same byte: packets are looked into, as far
// as they go.
bool LooksLikePerfetto(std::string_view head) {
  constexpr uint32_t kMostField = 2000;  // of a TracePacket
  bool any = false, good = true;
  const bool whole = ForEachField(head, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(1)) {
      good = false;
      return false;
    }
    good &= ForEachField(TakeBytes(in), [&](protozero::pbf_reader& field) {
      good &= field.tag() <= kMostField;
      return false;
    });
    any |= good;
    return true;
  });
  if (!good) return false;
  if (any) return true;
  // The first packet may be longer than what is known of it; no letter is such a length.
  return !whole && head.size() > 2 && head[0] == '\x0a' && (head[1] & 0x80) != 0;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenPerfetto(std::unique_ptr<ByteStream> stream,
                                                          const std::string& path,
                                                          const std::string& kallsyms) {
  Symbols symbols;
  if (!kallsyms.empty()) {
    auto text = ReadKallsyms(kallsyms);
    if (!text.ok()) return text.status();
    symbols = Symbols(*std::move(text));
  }
  auto reader = std::make_unique<TraceReader>(path, std::move(symbols), std::move(stream));
  if (absl::Status read = reader->Read(); !read.ok()) return read;
  return reader;
}

}  // namespace wqprof
