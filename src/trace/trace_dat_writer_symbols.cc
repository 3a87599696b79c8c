// SPDX-License-Identifier: Apache-2.0
// The symbols of a small trace: all of the kernel's would be nearly all of the file.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "trace/trace_dat.h"
#include "trace/trace_dat_writer.h"
#include "wqprof/event_source.h"
#include "wqprof/name_table.h"
#include "wqprof/stack_text.h"

namespace wqprof {
namespace {

// Beside more pages than that the symbols are small, and reading the pages takes its time.
constexpr uint64_t kMostPages = uint64_t{16} << 20;
constexpr uint64_t kPiece = uint64_t{1} << 20;

// The functions of these stacks; false: not all of them are known.
bool AddFrames(const absl::flat_hash_set<NameId>& stacks, const NameTable& all,
               absl::flat_hash_set<std::string>& names) {
  for (const NameId id : stacks) {
    if (all.Get(id) == kOtherStacks) return false;
    for (const std::string_view frame : FramesOf(all.Get(id))) {
      if (frame == kDeeperFrames) return false;
      names.emplace(frame);
    }
  }
  return true;
}

// The names of the functions in a trace, as Symbols gives them.
absl::StatusOr<absl::flat_hash_set<std::string>> FunctionsIn(const std::string& path) {
  OpenOptions options;
  options.threads = 1;
  options.whole_stacks = true;
  const auto source = OpenTrace(path, options);
  if (!source.ok()) return source.status();
  absl::flat_hash_set<NameId> ids, stacks;
  while (true) {
    const auto run = (*source)->Next();
    if (!run.ok()) return run.status();
    if (run->empty()) break;
    for (const Event& e : *run) {
      switch (e.kind) {
        case EventKind::kQueueWork:
        case EventKind::kExecuteStart:
        case EventKind::kExecuteEnd:
          ids.insert(e.work.function);
          break;
        case EventKind::kTimerStart:
        case EventKind::kTimerExpire:
          ids.insert(e.timer.function);
          break;
        case EventKind::kQueueStack:
          stacks.insert(e.queue_stack.stack);
          break;
        default:
          break;
      }
    }
  }
  absl::flat_hash_set<std::string> names;
  for (const NameId id : ids) names.emplace((*source)->names().Get(id));
  if (!AddFrames(stacks, (*source)->names(), names)) {
    return absl::ResourceExhaustedError("not all stacks are known");
  }
  return names;
}

// A line of a kallsyms text, its end included.
struct SymbolLine {
  uint64_t address = 0;
  std::string_view line;
  bool kept = false;
};

// "ffffffff81000000 T name" and, of modules, "\t[module]" behind; all others are left out.
std::vector<SymbolLine> SymbolLines(std::string_view kallsyms) {
  std::vector<SymbolLine> out;
  out.reserve(kallsyms.size() / 40);
  while (!kallsyms.empty()) {
    SymbolLine symbol;
    symbol.line = kallsyms.substr(0, kallsyms.find('\n') + 1);
    if (symbol.line.empty()) symbol.line = kallsyms;
    kallsyms.remove_prefix(symbol.line.size());
    const char* const end = symbol.line.data() + symbol.line.size();
    const auto [digits, error] = std::from_chars(symbol.line.data(), end, symbol.address, 16);
    if (error == std::errc() && end - digits > 4 && *digits == ' ') out.push_back(symbol);
  }
  return out;
}

// The name as Symbols gives it, in `name`.
void NameIn(std::string_view line, std::string& name) {
  name = line.substr(line.find(' ') + 3);
  if (name.ends_with('\n')) name.pop_back();
  std::replace(name.begin(), name.end(), '\t', ' ');
}

// The lines of a kallsyms text that name these functions.  The last symbol up to an address of one
// of them stays the last one.  The one behind each shows where it ends: what lies further on is not
// taken for it.
std::string LinesOf(std::string_view kallsyms, const absl::flat_hash_set<std::string>& functions) {
  std::vector<SymbolLine> lines = SymbolLines(kallsyms);
  std::stable_sort(lines.begin(), lines.end(),
                   [](const SymbolLine& a, const SymbolLine& b) { return a.address < b.address; });
  std::string name;
  bool end_open = false;
  uint64_t open = 0;  // the address whose end is sought
  for (SymbolLine& symbol : lines) {
    NameIn(symbol.line, name);
    const bool named = functions.contains(name);
    symbol.kept = named || (end_open && symbol.address > open);
    if (named) open = symbol.address;
    end_open = named || (end_open && !symbol.kept);
  }
  std::erase_if(lines, [](const SymbolLine& symbol) { return !symbol.kept; });
  std::string out;
  for (const SymbolLine& symbol : lines) out.append(symbol.line);
  return out;
}

}  // namespace

void TraceWriter::State::LeaveOutSymbols() {
  uint64_t size = 0;
  for (const CpuPages* pages : Recorded()) size += pages->size();
  if (size > kMostPages) return;
  const auto functions = FunctionsIn(path);
  if (!functions.ok()) return;
  auto file = InputFile::Open(path);
  if (!file.ok()) return;
  const auto dat = ParseTraceDat(*std::move(file));
  if (!dat.ok()) return;
  metadata.kallsyms = LinesOf(dat->metadata.kallsyms, *functions);
  if (options.version == 7) RenewHead();
}

// Whenever this stops, what is at `path` is a trace that can be read as far as it was written.
void TraceWriter::State::RenewHead() {
  const std::string renewed = path + ".less";
  unlink(renewed.c_str());  // that of a recorder that was killed
  auto created = OutputFile::Create(renewed);
  if (!created.ok()) return;
  State fresh;
  fresh.path = path;
  fresh.metadata = metadata;
  fresh.options = options;
  fresh.main = *std::move(created);
  absl::Status status = fresh.WriteHead();
  CpuPages& pages = *cpus[static_cast<size_t>(ToInt(kMainCpu))];
  std::vector<std::byte> piece;
  for (uint64_t at = pages.begin; status.ok() && at < main->size(); at += piece.size()) {
    piece.resize(std::min(kPiece, main->size() - at));
    status = main->Read(at, piece);
    if (status.ok()) status = fresh.main->Append(piece);
  }
  if (status.ok()) status = fresh.main->MoveTo(path);
  if (!status.ok()) {
    fresh.main->Remove();
    return;
  }
  main = std::move(fresh.main);
  pages.file = main.get();
  pages.begin = fresh.cpus[static_cast<size_t>(ToInt(kMainCpu))]->begin;
  sections = std::move(fresh.sections);
  first_options = fresh.first_options;
  buffer_section = fresh.buffer_section;
}

}  // namespace wqprof
