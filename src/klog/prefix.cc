// SPDX-License-Identifier: Apache-2.0
#include "klog/prefix.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "klog/scan.h"

namespace wqprof::klog {
namespace {

// Stamps and names of loggers stand within so many characters.
constexpr size_t kLongestPrefix = 160;
constexpr int kMostBrackets = 4;

// Messages that nobody can mistake.
bool ShowsPrefix(std::string_view text) {
  constexpr std::array<std::string_view, 4> kMessages = {
      "BUG: workqueue lockup - pool", "Showing busy workqueues and worker pools",
      "Showing freezable workqueues that are", "INFO: task kworker/"};
  return std::any_of(kMessages.begin(), kMessages.end(), [text](std::string_view message) {
    const size_t at = text.find(message);
    return at != std::string_view::npos && at > 0;
  });
}

// "12: cpus=", behind "pwq " and "pool ".
bool IsPoolHead(std::string_view text) {
  Scan scan(text);
  unsigned id;
  return scan.TakeNumber(id) && scan.Take(":");
}

// Whether the message that begins with `word` goes on as it should.
bool GoesOn(std::string_view word, std::string_view rest) {
  if (word == "pwq " || word == "pool ") return IsPoolHead(rest);
  if (word == "workqueue ") return rest.find(": flags=0x") != std::string_view::npos;
  return true;
}

// Where a frame begins: at the name before "+0x".
size_t FrameAt(std::string_view text) {
  const size_t offset = text.find("+0x");
  if (offset == std::string_view::npos || offset == 0) return std::string_view::npos;
  size_t at = text.rfind(' ', offset);
  if (at == std::string_view::npos) return std::string_view::npos;
  if (at >= 1 && text[at - 1] == '?') --at;
  return at;
}

// Where the message begins; npos when there is none that is known.
size_t MessageAt(std::string_view text) {
  constexpr std::array<std::string_view, 16> kWords = {
      "BUG: ",      "INFO: ",    "Showing ",        "workqueue ", "pwq ",        "pool ",
      "in-flight:", "pending:",  "inactive:",       "delayed:",   "Workqueue: ", "task:",
      "RIP: ",      "Freezing ", "last function: ", "preempt="};
  size_t first = std::string_view::npos;
  for (const std::string_view word : kWords) {
    const size_t at = text.find(word);
    if (at == std::string_view::npos || at >= first || at > kLongestPrefix) continue;
    const bool apart = at == 0 || text[at - 1] == ' ' || text[at - 1] == ']' ||
                       text[at - 1] == ':' || text[at - 1] == ';' || text[at - 1] == '\t';
    if (apart && GoesOn(word, text.substr(at + word.size()))) first = at;
  }
  return first == std::string_view::npos ? FrameAt(text) : first;
}

}  // namespace

LogLine UnknownPrefix::Strip(const LogLine& line) {
  if (!seen_ && !ShowsPrefix(line.text)) return line;
  seen_ = true;
  LogLine out = line;
  // A stamp of printk behind the prefix.
  size_t bracket = out.stamp ? std::string_view::npos : line.text.find('[');
  for (int i = 0; i < kMostBrackets && bracket < kLongestPrefix; ++i) {
    const LogLine inner = reader_.Read(line.text.substr(bracket));
    if (inner.stamp) {
      out.stamp = inner.stamp;
      out.caller = inner.caller;
      out.text = inner.text;
      break;
    }
    bracket = line.text.find('[', bracket + 1);
  }
  constexpr std::string_view kTag = "kernel: ";
  const size_t tag = out.text.find(kTag);
  if (tag != std::string_view::npos && tag < kLongestPrefix) {
    out.text.remove_prefix(tag + kTag.size());
  }
  const size_t at = MessageAt(out.text);
  if (at != std::string_view::npos) out.text.remove_prefix(at);
  return out;
}

}  // namespace wqprof::klog
