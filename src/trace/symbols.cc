// SPDX-License-Identifier: Apache-2.0
#include "wqprof/symbols.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace wqprof {
namespace {

// A function of the kernel lies closer than this before the next one; an address further
// behind the last symbol below it belongs to nothing that kallsyms knows.
constexpr uint64_t kLongestFunction = 1 << 20;

constexpr size_t kHalf = 8;  // digits of a 32-bit number, bytes of a 64-bit one

constexpr uint64_t EachByte(uint64_t byte) { return byte * 0x0101010101010101; }

// Whether all eight bytes are hexadecimal digits.
bool AreHexDigits(uint64_t bytes) {
  // Each sum has the top bit of a byte set where that byte is at least, or above, a bound; no sum
  // reaches the next byte as long as no byte has that bit itself.
  const auto at_least = [](uint64_t x, uint64_t bound) { return x + EachByte(0x80 - bound); };
  const uint64_t letters = bytes | EachByte(0x20);
  const uint64_t good = (at_least(bytes, '0') & ~at_least(bytes, '9' + 1)) |
                        (at_least(letters, 'a') & ~at_least(letters, 'f' + 1));
  return (good & ~bytes & EachByte(0x80)) == EachByte(0x80);
}

// REQUIRES: AreHexDigits(bytes), the first digit in the lowest byte.
uint64_t ValueOfHexDigits(uint64_t bytes) {
  uint64_t x = (bytes & EachByte(0x0f)) + (bytes >> 6 & EachByte(1)) * 9;
  x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
  x = (x << 8 | x >> 16) & 0x0000ffff0000ffff;
  return (x << 16 | x >> 32) & 0xffffffff;
}

uint64_t LoadEight(const char* at) {
  uint64_t out = 0;
  for (size_t i = 0; i < kHalf; ++i) out |= uint64_t{static_cast<uint8_t>(at[i])} << 8 * i;
  return out;
}

// Reads the addresses of lines that mostly share their upper half.
class AddressReader {
 public:
  // Takes up to sixteen digits from the front of `line`; how many there were is the difference.
  uint64_t Take(std::string_view& line) {
    if (line.size() > 2 * kHalf && line[2 * kHalf] == ' ') {
      const uint64_t low = LoadEight(line.data() + kHalf);
      if (SetUpper(LoadEight(line.data())) && AreHexDigits(low)) {
        line.remove_prefix(2 * kHalf);
        return upper_value_ << 32 | ValueOfHexDigits(low);
      }
    }
    uint64_t address = 0;
    const size_t most = std::min(line.size(), 2 * kHalf);
    const char* const end = std::from_chars(line.data(), line.data() + most, address, 16).ptr;
    line.remove_prefix(static_cast<size_t>(end - line.data()));
    return address;
  }

 private:
  bool SetUpper(uint64_t digits) {
    if (digits == upper_) return true;
    if (!AreHexDigits(digits)) return false;
    upper_ = digits;
    upper_value_ = ValueOfHexDigits(digits);
    return true;
  }

  uint64_t upper_ = 0, upper_value_ = 0;  // digits, and what they mean; 0: none yet
};

// " t name": of local, global and weak symbols only text can be a work's function.
bool IsFunction(std::string_view behind_address) {
  return behind_address.size() > 3 && behind_address[0] == ' ' && behind_address[2] == ' ' &&
         (behind_address[1] == 't' || behind_address[1] == 'T' || behind_address[1] == 'w' ||
          behind_address[1] == 'W');
}

}  // namespace

Symbols::Symbols(std::string kallsyms) : text_(std::move(kallsyms)) {
  // "ffffffff81000000 T _stext" and, for modules, "\t[module]" behind.
  if (text_.size() > UINT32_MAX) text_.resize(UINT32_MAX);
  entries_.reserve(text_.size() / 40);
  AddressReader addresses;
  bool sorted = true;
  for (std::string_view rest = text_; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t size = line.size();
    const uint64_t address = addresses.Take(line);
    if (line.size() == size || address == 0 || !IsFunction(line)) continue;
    sorted = sorted && (entries_.empty() || entries_.back().address <= address);
    entries_.push_back({address, static_cast<uint32_t>(line.data() + 3 - text_.data())});
  }
  if (sorted) return;
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.address < b.address; });
}

std::string Symbols::NameOf(uint64_t address) const {
  auto it = std::upper_bound(entries_.begin(), entries_.end(), address,
                             [](uint64_t a, const Entry& e) { return a < e.address; });
  if (it == entries_.begin() || address - std::prev(it)->address >= kLongestFunction) {
    return fmt::format("{:#x}", address);
  }
  --it;
  while (it != entries_.begin() && std::prev(it)->address == it->address) --it;
  std::string_view line(text_);
  line.remove_prefix(it->line);
  line = line.substr(0, line.find('\n'));
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) return std::string(line);
  return fmt::format("{} {}", line.substr(0, tab), line.substr(tab + 1));
}

absl::StatusOr<std::string> ReadKernelFile(const std::string& path) {
  constexpr size_t kMost = size_t{256} << 20, kPiece = 1 << 20;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto failed = [&](int error) {
    const std::string text = fmt::format("cannot read {}: {}", path, std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(text) : absl::DataLossError(text);
  };
  if (fd < 0) return failed(errno);
  std::string out;
  size_t size = 0;
  ssize_t n = 1;
  while (n > 0 && size < kMost) {
    out.resize(size + kPiece);
    n = read(fd, out.data() + size, kPiece);
    if (n < 0 && errno == EINTR)
      n = 1;
    else
      size += n > 0 ? static_cast<size_t>(n) : 0;
  }
  const int error = errno;
  close(fd);
  if (n < 0) return failed(error);
  out.resize(size);
  return out;
}

absl::StatusOr<std::string> ReadKallsyms(const std::string& path) {
  absl::StatusOr<std::string> text = ReadKernelFile(path);
  if (!text.ok() || !Symbols(*text).empty()) return text;
  return absl::InvalidArgumentError(
      fmt::format("{} holds no address of a function\nsave it as root, on the machine that was "
                  "traced: sudo cat /proc/kallsyms > FILE",
                  path));
}

}  // namespace wqprof
