// SPDX-License-Identifier: Apache-2.0
// The symbols of a small trace: all of the kernel's would be nearly all of the file.
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "trace/trace_dat.h"
#include "trace/trace_dat_writer.h"
#include "wqprof/event_source.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

// Beside more pages than that the symbols are small, and reading the pages takes its time.
constexpr uint64_t kMostPages = uint64_t{16} << 20;
constexpr uint64_t kPiece = uint64_t{1} << 20;

// The names of the functions in a trace, as Symbols gives them.
absl::StatusOr<absl::flat_hash_set<std::string>> FunctionsIn(const std::string& path) {
  OpenOptions options;
  options.threads = 1;
  const auto source = OpenTrace(path, options);
  if (!source.ok()) return source.status();
  absl::flat_hash_set<NameId> ids;
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
        default:
          break;
      }
    }
  }
  absl::flat_hash_set<std::string> names;
  for (const NameId id : ids) names.emplace((*source)->names().Get(id));
  return names;
}

// The lines of a kallsyms text that name these functions.  The last symbol up to an address of one
// of them stays the last one.
std::string LinesOf(std::string_view kallsyms, const absl::flat_hash_set<std::string>& functions) {
  std::string out, name;
  for (std::string_view rest = kallsyms; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.size() < space + 3) continue;
    name = line.substr(space + 3);  // "ffffffff81000000 T name", of modules "\t[module]" behind
    std::replace(name.begin(), name.end(), '\t', ' ');
    if (functions.contains(name)) out.append(line).push_back('\n');
  }
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
