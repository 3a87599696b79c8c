// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "input/archive_stream.h"
#include "input/fd_stream.h"
#include "input/open_fd.h"
#include "input/recognise.h"
#include "wqprof/input.h"
#include "wqprof/perf_data.h"
#include "wqprof/pftrace.h"
#include "wqprof/temporary_file.h"
#include "wqprof/trace_file.h"

namespace wqprof {
namespace {

constexpr std::string_view kReads =
    "wqprof reads trace.dat, perf.data, Perfetto traces, ftrace text (trace, trace_pipe, trace-cmd "
    "report, atrace), "
    "perf script and kernel logs";

std::string Lines(uint64_t n) { return n == 1 ? "1 line" : fmt::format("{} lines", n); }

// An archive of several files is unreadable, whatever was read of the first one.
absl::Status Unreadable(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? absl::DataLossError(status.message()) : status;
}

// A text that fails at its end if it held nothing of a workqueue.
class CheckedText : public EventSource {
 public:
  CheckedText(std::unique_ptr<TextSource> text, std::string path, OtherText other,
              const LogSink* log)
      : text_(std::move(text)), path_(std::move(path)), other_(other), log_(log) {}

  // Reads on until there is an event to give, so that a text without any fails at once.
  absl::Status Peek() {
    auto run = Next();
    if (!run.ok()) return run.status();
    peeked_ = true;
    run_ = *run;
    return absl::OkStatus();
  }

  absl::StatusOr<std::span<const Event>> Next() override {
    if (std::exchange(peeked_, false)) return run_;
    auto run = text_->Next();
    if (!run.ok()) return Unreadable(run.status());
    if (!run->empty() || !text_->stats().seen_events.empty()) return run;
    if (log_ != nullptr && log_->found()) return run;
    return Refuse();
  }
  const TraceInfo& info() const override { return text_->info(); }
  const ReadStats& stats() const override { return text_->stats(); }
  const NameTable& names() const override { return text_->names(); }
  NameId CommOf(Pid pid) const override { return text_->CommOf(pid); }

 private:
  absl::Status Refuse() const {
    const TextFindings found = text_->findings();
    if (found.lines == 0 && other_.what.empty()) {
      return absl::DataLossError(fmt::format("cannot read {}: the file is empty", path_));
    }
    if (!other_.what.empty()) {
      return absl::DataLossError(fmt::format("cannot read {}: this is {}\n{}\n{}", path_,
                                             other_.what, kReads, other_.advice));
    }
    if (found.empty_trace) {
      return absl::DataLossError(fmt::format(
          "cannot read {}: the trace is empty: no events were recorded\nenable them: echo 1 > "
          "/sys/kernel/tracing/events/workqueue/enable; or run: sudo wqprof record -d 10s",
          path_));
    }
    if (found.unread_lines > 0) {
      return absl::DataLossError(fmt::format(
          "cannot read {}: what names events of workqueues is cut, wrapped or rewritten ({}), such "
          "as:\n{}\n{}",
          path_, Lines(found.unread_lines), text_->stats().first_unread_line.substr(0, 120),
          kReads));
    }
    if (found.buffer_empty) {
      return absl::OutOfRangeError(fmt::format(
          "{} holds a dump of an empty ftrace buffer: no events were enabled before the crash\n"
          "next time: echo 1 > /sys/kernel/tracing/events/workqueue/enable",
          path_));
    }
    return absl::OutOfRangeError(fmt::format(
        "no workqueue message in {} of {} (looked for workqueue_queue_work, _activate_work, "
        "_execute_start, _execute_end, \"workqueue lockup\", \"hogged CPU\")\nfor an answer, "
        "measure: sudo wqprof stat -d 10s",
        Lines(found.lines), path_));
  }

  std::unique_ptr<TextSource> text_;
  std::string path_;
  OtherText other_;
  const LogSink* log_;
  bool peeked_ = false;
  std::span<const Event> run_;
};

absl::Status ErrnoStatus(int error, const std::string& path) {
  const std::string text = fmt::format("cannot read {}: {}", path, std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) {
    return absl::DataLossError(text + "\nrun as a user who may read it");
  }
  return absl::DataLossError(text);
}

// Keeps the rest of `stream` in a file of its own; gives its descriptor.
absl::StatusOr<int> Keep(PeekedStream& stream, const std::string& path) {
  auto file = TemporaryFile::Create(path == "-" ? "standard input" : path);
  if (!file.ok()) return file.status();
  std::vector<char> buffer(1 << 20);
  while (true) {
    const absl::StatusOr<size_t> got = stream.Read(buffer);
    // A recording that is cut is read as far as it goes.
    if (absl::IsDataLoss(got.status()) && (*file)->size() > kHeadBytes) break;
    if (!got.ok()) return Unreadable(got.status());
    if (*got == 0) break;
    const auto bytes = std::as_bytes(std::span(buffer).first(*got));
    if (absl::Status s = (*file)->Append(bytes); !s.ok()) return s;
  }
  return (*file)->Release();
}

// Whether what it holds is found by its header, so that it must be a file.
bool IsReadAnywhere(InputForm form, std::string_view head) {
  return form == InputForm::kTraceDat ||
         (form == InputForm::kPerfData && PerfFormOf(head) == PerfForm::kFile);
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenFile(int fd, InputForm form,
                                                      const std::string& path,
                                                      const InputOptions& options) {
  if (form == InputForm::kPerfData) return OpenPerfFile(fd, path, {.kallsyms = options.kallsyms});
  return OpenTraceFile(fd, path, options.trace);
}

absl::Status Foreign(InputForm form, const std::string& path) {
  switch (form) {
    case InputForm::kPerfData:
      return absl::DataLossError(fmt::format(
          "cannot read {}: this perf.data was made by a machine of the other byte order\nprint it "
          "with perf: perf script -i {} | wqprof report -",
          path, path));
    default:
      return absl::DataLossError(fmt::format(
          "cannot read {}: not a trace: its bytes are no text, and of no recording that wqprof "
          "knows\n{}",
          path, kReads));
  }
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenTextStream(std::unique_ptr<PeekedStream> stream,
                                                            std::string_view head,
                                                            const std::string& path,
                                                            const InputOptions& options) {
  const TextCoding coding = CodingOf(head);
  const OtherText page = coding == TextCoding::kSystrace ? NameOf(head) : OtherText();
  if (head.starts_with(kUtf8Mark)) {
    char mark[kUtf8Mark.size()];
    if (auto got = stream->Read(mark); !got.ok()) return got.status();
  }
  auto decoded = std::make_unique<PeekedStream>(DecodeText(std::move(stream), coding));
  const absl::StatusOr<std::string_view> text = decoded->Peek(kHeadBytes);
  if (!text.ok()) return text.status();
  const OtherText other = text->empty() ? page : NameOf(*text);
  auto source = TextSource::Open(
      std::move(decoded), {.path = path, .stamp_unit = options.stamp_unit, .log = options.log});
  if (!source.ok()) return Unreadable(source.status());
  auto checked = std::make_unique<CheckedText>(*std::move(source), path, other, options.log);
  if (absl::Status s = checked->Peek(); !s.ok()) return s;
  return std::unique_ptr<EventSource>(std::move(checked));
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenStream(std::unique_ptr<ByteStream> bytes,
                                                        const std::string& path,
                                                        const InputOptions& options) {
  auto stream = std::make_unique<PeekedStream>(std::move(bytes));
  for (int i = 0;; ++i) {
    const absl::StatusOr<std::string_view> head = stream->Peek(kHeadBytes);
    if (!head.ok()) return head.status();
    if (head->empty()) {
      return absl::DataLossError(fmt::format("cannot read {}: {}", path,
                                             i == 0 ? "the file is empty" : "nothing is in it"));
    }
    if (i < kMostWrappers && LooksWrapped(*head)) {
      auto inner = OpenArchive(std::move(stream), path);
      if (!inner.ok()) return inner.status();
      stream = std::make_unique<PeekedStream>(*std::move(inner));
      continue;
    }
    const InputForm form = FormOf(*head);
    if (form == InputForm::kPerfData && PerfFormOf(*head) == PerfForm::kPipe) {
      return OpenPerfPipe(std::move(stream), path, {.kallsyms = options.kallsyms});
    }
    if (form == InputForm::kPerfetto) {
      return OpenPerfetto(std::move(stream), path, options.kallsyms);
    }
    if (IsReadAnywhere(form, *head)) {
      const absl::StatusOr<int> fd = Keep(*stream, path);
      return fd.ok() ? OpenFile(*fd, form, path, options) : fd.status();
    }
    if (form != InputForm::kText) return Foreign(form, path);
    return OpenTextStream(std::move(stream), *head, path, options);
  }
}

// What a plain file of such a form is.  The files of tracefs say that they are regular, and that
// they are empty.
std::optional<InputForm> PlainForm(int fd, const struct stat& st) {
  if (!S_ISREG(st.st_mode) || st.st_size == 0) return std::nullopt;
  char bytes[16];
  const ssize_t n = pread(fd, bytes, sizeof bytes, 0);
  const std::string_view head(bytes, n > 0 ? static_cast<size_t>(n) : 0);
  const InputForm form = FormOf(head);
  return IsReadAnywhere(form, head) ? std::optional(form) : std::nullopt;
}

}  // namespace

absl::StatusOr<int> OpenFd(const std::string& path, int stop_fd) {
  const bool standard = path == "-";
  struct stat st;
  const bool waits = stop_fd >= 0 && stat(path.c_str(), &st) == 0 && S_ISFIFO(st.st_mode);
  const int flags = O_RDONLY | O_CLOEXEC | (waits ? O_NONBLOCK : 0);
  const int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path.c_str(), flags);
  if (fd < 0) return ErrnoStatus(errno, standard ? "standard input" : path);
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    close(fd);
    return absl::DataLossError(
        fmt::format("cannot read {}: it is a directory\nname a file in it", path));
  }
  return fd;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const std::string& path,
                                                       const InputOptions& options) {
  const absl::StatusOr<int> fd = OpenFd(path, options.stop_fd);
  if (!fd.ok()) return fd.status();
  struct stat st;
  if (fstat(*fd, &st) != 0) st = {};
  if (const auto form = PlainForm(*fd, st)) return OpenFile(*fd, *form, path, options);
  const int stop_fd = S_ISREG(st.st_mode) && st.st_size > 0 ? -1 : options.stop_fd;
  return OpenStream(std::make_unique<FdStream>(*fd, path, stop_fd), path, options);
}

}  // namespace wqprof
