// SPDX-License-Identifier: Apache-2.0
// Any bytes as ring-buffer pages.  The first byte chooses the machine: byte order, word size,
// and the layout of its events.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "support/dat_encoder.h"
#include "trace/page_decoder.h"

namespace wqprof::testing {
namespace {

constexpr uint32_t kPageSize = 1024;

// One machine's context, made once.
struct Machine {
  explicit Machine(unsigned choice) {
    DatStyle style;
    style.big_endian = choice & 1;
    style.long_size = choice & 2 ? 4 : 8;
    style.workqueue_is_name = (choice & 4) == 0;
    style.odd_common_fields = (choice & 8) != 0;
    std::vector<EventFormat> formats;
    for (int kind = 0; kind < kEventKinds; ++kind) {
      const auto k = static_cast<EventKind>(kind);
      if (k == EventKind::kLossBegin || k == EventKind::kLossEnd) continue;
      formats.push_back(*ParseEventFormat("system", FormatText(k, style)));
    }
    context.layout = *MakeLayout(formats, style.long_size);
    context.page.commit_size = static_cast<uint32_t>(style.long_size);
    context.page.data_offset = 8 + context.page.commit_size;
    context.page_size = kPageSize;
    context.big_endian = style.big_endian;
    context.cpus = 8;
    context.symbols = &symbols;
  }
  Symbols symbols{"ffffffff81004000 t known_fn\n"};
  DecodeContext context;
};

const Machine& MachineOf(unsigned choice) {
  static const std::vector<std::unique_ptr<Machine>>* machines = [] {
    auto* made = new std::vector<std::unique_ptr<Machine>>;
    for (unsigned i = 0; i < 16; ++i) made->push_back(std::make_unique<Machine>(i));
    return made;
  }();
  return *(*machines)[choice % 16];
}

void Decode(const uint8_t* data, size_t size) {
  const Machine& machine = MachineOf(data[0]);
  NameTable names;
  StackTable stacks(machine.symbols, names);
  DecodeContext context = machine.context;
  context.stacks = &stacks;
  RecordDecoder records(context, names);
  PageDecoder decoder(context, Cpu{1});
  EventBatch events;
  for (size_t at = 1; at < size; at += kPageSize) {
    // A page of its own, so that reading beyond it is noticed.
    std::vector<std::byte> page(kPageSize);
    std::memcpy(page.data(), data + at, std::min<size_t>(kPageSize, size - at));
    decoder.Decode(page, records, events);
  }
  decoder.EndEarly(events);
  for (size_t i = 1; i < events.size(); ++i) {
    if (events[i].at < events[i - 1].at || events[i].cpu != Cpu{1}) std::abort();
  }
}

}  // namespace
}  // namespace wqprof::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) wqprof::testing::Decode(data, size);
  return 0;
}
