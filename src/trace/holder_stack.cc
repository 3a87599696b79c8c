// SPDX-License-Identifier: Apache-2.0
#include "wqprof/holder_stack.h"

#include <algorithm>
#include <utility>

#include "trace/hostile_json.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.holder_stacks/1";
constexpr size_t kMostFrames = 128;  // of one stack; the recorder takes fewer

// The same task was found doing the same.
bool IsAlike(const HolderStack& a, const HolderStack& b) {
  return a.pid == b.pid && a.pool == b.pool && a.begin == b.begin && a.stall == b.stall &&
         a.state == b.state && a.in_user_space == b.in_user_space && a.stack == b.stack &&
         a.why_not == b.why_not;
}

WrittenJson ToJson(const HolderStack& stack) {
  WrittenJson out = {{"pool", stack.pool}};
  PutText(out, "comm", stack.comm);
  if (stack.pid != Pid::kNone) out["pid"] = ToInt(stack.pid);
  PutText(out, "workqueue", stack.workqueue);
  PutText(out, "function", stack.function);
  PutStamp(out, "begin_ns", stack.begin);
  PutStamp(out, "stall_begin_ns", stack.stall);
  PutStamp(out, "at_ns", stack.at);
  PutStamp(out, "last_ns", stack.last);
  out["looks"] = stack.looks;
  out["state"] = ToString(stack.state);
  if (stack.in_user_space) out["in_user_space"] = true;
  if (stack.samples > 0) {
    out["samples"] = stack.samples;
    out["samples_alike"] = stack.samples_alike;
  }
  if (!stack.stack.empty()) out["stack"] = stack.stack;
  PutText(out, "why_not", stack.why_not);
  return out;
}

uint32_t SmallOf(const ParsedJson& from, const char* key) {
  return static_cast<uint32_t>(std::max(0, IntOf(from, key).value_or(0)));
}

TaskDoes StateOf(const ParsedJson& from) {
  const std::string word = TextOf(from, "state");
  for (int i = 0; i <= static_cast<int>(kLastTaskDoes); ++i) {
    if (ToString(static_cast<TaskDoes>(i)) == word) return static_cast<TaskDoes>(i);
  }
  return TaskDoes::kUnknown;
}

HolderStack StackOf(const ParsedJson& from) {
  HolderStack out;
  out.pool = TextOf(from, "pool");
  out.comm = TextOf(from, "comm");
  const auto pid = IntOf(from, "pid");
  if (pid && *pid > 0) out.pid = Pid{*pid};
  out.workqueue = TextOf(from, "workqueue");
  out.function = TextOf(from, "function");
  out.begin = StampOf(from, "begin_ns");
  out.stall = StampOf(from, "stall_begin_ns");
  out.at = StampOf(from, "at_ns");
  out.last = std::max(out.at, StampOf(from, "last_ns"));
  out.looks = std::max<uint64_t>(1, NumberOf(from, "looks").value_or(1));
  out.state = StateOf(from);
  out.in_user_space = BoolOf(from, "in_user_space").value_or(false);
  out.samples = SmallOf(from, "samples");
  out.samples_alike = std::min(out.samples, SmallOf(from, "samples_alike"));
  out.stack = TextsOf(from, "stack", kMostFrames);
  out.why_not = TextOf(from, "why_not");
  return out;
}

}  // namespace

void HolderStacks::Add(HolderStack stack) {
  const auto before = std::find_if(all_.rbegin(), all_.rend(),
                                   [&](const HolderStack& s) { return s.pid == stack.pid; });
  if (before != all_.rend() && IsAlike(*before, stack)) {
    before->looks += stack.looks;
    before->last = std::max(before->last, stack.last);
    return;
  }
  if (all_.size() == kMost) all_.erase(all_.begin());
  all_.push_back(std::move(stack));
}

std::string HolderStacksToJson(const HolderStacks& stacks) {
  if (stacks.empty()) return "";
  WrittenJson out = {{"schema", kSchema}};
  out["holder_stacks"] = WrittenJson::array();
  for (const HolderStack& stack : stacks.all()) out["holder_stacks"].push_back(ToJson(stack));
  return ToText(out);
}

HolderStacks ParseHolderStacks(std::string_view json) {
  HolderStacks out;
  const std::optional<ParsedJson> from = ParseHostileJson(json, kSchema);
  if (!from) return out;
  ForEach(*from, "holder_stacks", [&out](const ParsedJson& each) {
    if (each.is_object()) out.Add(StackOf(each));
  });
  return out;
}

}  // namespace wqprof
