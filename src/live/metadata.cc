// SPDX-License-Identifier: Apache-2.0
#include "live/metadata.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace wqprof {
namespace {

struct SymbolLine {
  uint64_t address = 0;
  char type = 0;
  std::string_view name;
};

// "ffffffff81000000 T _stext" or "ffffffffc0001000 t fn\t[module]"
SymbolLine ParseSymbol(std::string_view line) {
  SymbolLine out;
  const auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), out.address, 16);
  const auto used = static_cast<size_t>(end - line.data());
  if (error != std::errc() || used + 3 >= line.size()) return {};
  out.type = line[used + 1];
  out.name = line.substr(used + 3);
  return out;
}

template <class Visit>
void ForEachLine(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    visit(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// Number behind `key` in the line of header_page that describes `field`.
uint32_t FieldNumber(std::string_view header_page, std::string_view field, std::string_view key) {
  const size_t at = header_page.find(field);
  if (at == std::string_view::npos) return 0;
  const std::string_view line = header_page.substr(at, header_page.find('\n', at) - at);
  const size_t key_at = line.find(key);
  if (key_at == std::string_view::npos) return 0;
  uint32_t value = 0;
  std::from_chars(line.data() + key_at + key.size(), line.data() + line.size(), value);
  return value;
}

}  // namespace

KernelSymbols ReadKernelSymbols() {
  KernelSymbols out;
  const std::string all = ReadText("/proc/kallsyms").text;
  out.text.reserve(all.size());
  bool hidden = true;
  ForEachLine(all, [&](std::string_view line) {
    const SymbolLine symbol = ParseSymbol(line);
    if (std::strchr("tTwW", symbol.type) == nullptr || symbol.type == 0) return;
    hidden &= symbol.address == 0;
    out.text.append(line).push_back('\n');
  });
  if (hidden) out.text.clear();
  return out;
}

std::string HowToSeeSymbols() {
  const bool from_all = ReadText("/proc/sys/kernel/kptr_restrict").text.starts_with('2');
  return from_all ? "sysctl kernel.kptr_restrict=1" : "run it as root, or with CAP_SYSLOG";
}

uint64_t KernelSymbols::AddressOf(std::string_view function) const {
  uint64_t address = 0;
  ForEachLine(text, [&](std::string_view line) {
    if (!line.ends_with(function)) return;
    const SymbolLine symbol = ParseSymbol(line);
    if (symbol.name == function) address = symbol.address;
  });
  return address;
}

std::map<uint64_t, std::string> KernelSymbols::NamesOf(const std::set<uint64_t>& addresses) const {
  std::map<uint64_t, std::string> out;
  ForEachLine(text, [&](std::string_view line) {
    const SymbolLine symbol = ParseSymbol(line);
    if (!addresses.contains(symbol.address)) return;
    std::string name(symbol.name);
    std::replace(name.begin(), name.end(), '\t', ' ');
    out.emplace(symbol.address, std::move(name));
  });
  return out;
}

uint32_t PageSizeOf(std::string_view header_page) {
  const uint32_t offset = FieldNumber(header_page, "char data;", "offset:");
  const uint32_t size = FieldNumber(header_page, "char data;", "size:");
  return offset != 0 && size != 0 ? offset + size : 0;
}

int CpusOfList(std::string_view list) {
  list = Trimmed(list);
  const size_t last = list.find_last_of("-,");
  if (last != std::string_view::npos) list.remove_prefix(last + 1);
  int cpu = 0;
  std::from_chars(list.data(), list.data() + list.size(), cpu);
  return std::clamp(cpu, 0, kMaxCpus - 1) + 1;
}

absl::StatusOr<TraceMetadata> ReadMetadata(const TraceInstance& instance,
                                           const std::vector<PlannedEvent>& events,
                                           const KernelSymbols& symbols) {
  TraceMetadata out;
  int error = 0;
  const auto read = [&](std::string_view file) {
    FileText text = ReadText(instance.File(file));
    if (text.error != 0) error = text.error;
    return std::move(text.text);
  };
  out.header_page = read("events/header_page");
  out.header_event = read("events/header_event");
  out.trace_clock = std::string(Trimmed(read("trace_clock")));
  for (const PlannedEvent& event : events) {
    out.event_formats.emplace_back(
        event.system, read(fmt::format("events/{}/{}/format", event.system, event.name)));
  }
  out.stack_format = ReadText(instance.File("events/ftrace/kernel_stack/format")).text;
  if (error != 0)
    return TracingError("cannot read the formats of events", instance.File(""), error);
  out.page_size = PageSizeOf(out.header_page);
  if (out.page_size == 0) {
    return absl::FailedPreconditionError(
        fmt::format("cannot trace: {} is not understood\nplease report its text",
                    instance.File("events/header_page")));
  }
  out.kallsyms = symbols.text;
  utsname name{};
  uname(&name);
  out.uname = fmt::format("{} {} {} {} {}", name.sysname, name.nodename, name.release, name.version,
                          name.machine);
  out.cpus = CpusOfList(ReadText("/sys/devices/system/cpu/online").text);
  out.possible_cpus =
      std::max(out.cpus, CpusOfList(ReadText("/sys/devices/system/cpu/possible").text));
  return out;
}

}  // namespace wqprof
