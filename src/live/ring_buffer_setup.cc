// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "live/metadata.h"
#include "live/ring_buffer.h"
#include "live/tracefs_api.h"

namespace wqprof {
namespace {

constexpr uint64_t kDefaultBytes = uint64_t{16} << 20;
constexpr uint64_t kLeastBytes = uint64_t{256} << 10;
// Sub-buffers make fewer, longer reads than single pages, but a buffer needs a number of them.
constexpr uint64_t kMostSubbufKb = 64, kLeastSubbufs = 16;

uint64_t AvailableMemory() {
  const std::string text = ReadText("/proc/meminfo").text;
  constexpr std::string_view kKey = "MemAvailable:";
  const size_t at = text.find(kKey);
  if (at == std::string::npos) return 0;
  const size_t digits = text.find_first_of("0123456789", at);
  uint64_t kb = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), kb);
  return kb * 1024;
}

uint64_t OnlineCpus() {
  return static_cast<uint64_t>(CpusOfList(ReadText("/sys/devices/system/cpu/online").text));
}

// As -b takes it.
std::string SizeText(uint64_t bytes) {
  return bytes < (1 << 20) ? fmt::format("{}k", bytes >> 10) : fmt::format("{}M", bytes >> 20);
}

absl::Status SetClock(const TraceInstance& instance, const std::string& clock) {
  const std::string path = instance.File("trace_clock");
  const int error = WriteText(path, clock);
  if (error == 0) return absl::OkStatus();
  if (error != EINVAL) return TracingError("cannot set the clock", path, error);
  std::string known(Trimmed(ReadText(path).text));
  std::erase_if(known, [](char c) { return c == '[' || c == ']'; });
  return absl::InvalidArgumentError(
      fmt::format("this kernel has no trace clock '{}'\nit has: {}", clock, known));
}

// For a buffer of `bytes` per CPU.  Returns the size in bytes; 0 when sub-buffers are pages,
// whose size is fixed.
uint32_t SetSubbufSize(const TraceInstance& instance, uint64_t bytes) {
  const std::string path = instance.File("buffer_subbuf_size_kb");
  if (!Exists(path)) return 0;
  for (uint64_t kb = kMostSubbufKb; kb > 4; kb /= 2) {
    if (kb * kLeastSubbufs > bytes >> 10) continue;
    if (WriteText(path, fmt::format("{}", kb)) == 0) return static_cast<uint32_t>(kb) << 10;
  }
  return 4 << 10;
}

// Returns 0 or the errno.
int SetSize(const TraceInstance& instance, uint64_t bytes) {
  errno = 0;
  const uint64_t kb = std::max<uint64_t>(1, bytes >> 10);
  return tracefs_instance_set_buffer_size(instance.handle(), kb, -1) == 0 ? 0
         : errno != 0                                                     ? errno
                                                                          : EIO;
}

absl::Status BufferTooLarge(uint64_t wanted, uint64_t cpus, uint64_t available) {
  return absl::ResourceExhaustedError(
      fmt::format("a buffer of {} for each of {} CPUs does not fit into memory ({} available)\n"
                  "choose a smaller one with -b, e.g. -b {}",
                  SizeText(wanted), cpus, SizeText(available),
                  SizeText(std::max(kLeastBytes, available / 8 / cpus))));
}

}  // namespace

absl::StatusOr<BufferSetup> SetUpBuffer(const TraceInstance& instance, const std::string& clock,
                                        uint64_t wanted, std::vector<std::string>& notes) {
  if (absl::Status status = SetClock(instance, clock); !status.ok()) return status;
  BufferSetup out;
  const uint64_t cpus = OnlineCpus(), available = AvailableMemory();
  // The kernel would first take all the memory there is, and others would pay.
  if (wanted != 0 && available != 0 && wanted > available / 10 * 8 / cpus) {
    return BufferTooLarge(wanted, cpus, available);
  }
  out.bytes = wanted;
  if (wanted == 0) {
    out.bytes = kDefaultBytes;
    while (out.bytes > kLeastBytes && out.bytes > available / 8 / cpus) out.bytes /= 2;
  }
  out.subbuf_bytes = SetSubbufSize(instance, out.bytes);
  int error = SetSize(instance, out.bytes);
  while (error == ENOMEM && wanted == 0 && out.bytes > kLeastBytes) {
    out.bytes /= 2;
    error = SetSize(instance, out.bytes);
  }
  if (error == ENOMEM) return BufferTooLarge(out.bytes, cpus, available);
  if (error != 0) {
    return TracingError("cannot set the size of the buffer", instance.File("buffer_size_kb"),
                        error);
  }
  if (wanted == 0 && out.bytes < kDefaultBytes) {
    notes.push_back(
        fmt::format("memory is scarce: the buffer is only {} per CPU", SizeText(out.bytes)));
  }
  return out;
}

}  // namespace wqprof
