// SPDX-License-Identifier: Apache-2.0
#include "cli/hist_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "cli/output.h"
#include "wqprof/input.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr size_t kPiece = size_t{1} << 18;

absl::StatusOr<std::vector<std::string>> FilesIn(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!it->is_regular_file(error)) continue;
    if (name.find(".ndjson") != std::string::npos) out.push_back(it->path().string());
  }
  if (error) {
    return absl::NotFoundError(fmt::format("cannot list {}: {}", directory, error.message()));
  }
  if (out.empty()) {
    return absl::NotFoundError(fmt::format(
        "there is no file of lines (*.ndjson*) in {}\nmake one: wqprof snapshot -o {}/1.ndjson",
        directory, directory));
  }
  std::sort(out.begin(), out.end());
  return out;
}

absl::Status ReadFile(const std::string& path, std::span<char> piece, HistMerger& merger) {
  const absl::StatusOr<std::unique_ptr<ByteStream>> stream = OpenBytes(path);
  if (!stream.ok()) return stream.status();
  while (true) {
    const absl::StatusOr<size_t> got = (*stream)->Read(piece);
    if (!got.ok()) {
      // What was read before counts: lines stand alone.
      Note(fmt::format("{}: {}", path, std::string(got.status().message())));
      break;
    }
    if (*got == 0) break;
    merger.Add({piece.data(), *got});
  }
  merger.EndFile();
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadHists(const std::vector<std::string>& paths, HistMerger& merger) {
  std::vector<char> piece(kPiece);
  for (const std::string& path : paths) {
    std::error_code error;
    std::vector<std::string> files = {path};
    if (std::filesystem::is_directory(path, error)) {
      auto found = FilesIn(path);
      if (!found.ok()) return found.status();
      files = *std::move(found);
    }
    for (const std::string& file : files) {
      if (const absl::Status status = ReadFile(file, piece, merger); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status NothingMerged(const MergeTally& tally) {
  if (tally.counted > 0) return absl::OkStatus();
  if (tally.lines == 0) return absl::DataLossError("there is no line in these files");
  std::string text = fmt::format("no line of these files ({}) is a whole one of wqprof.hist/1",
                                 CountText(tally.lines));
  if (!tally.first_damaged.empty()) text += fmt::format("; the first:\n{}", tally.first_damaged);
  return absl::DataLossError(text +
                             "\nmake some: wqprof export --to hist-ndjson FILE -o FILE.ndjson");
}

}  // namespace wqprof
