// SPDX-License-Identifier: Apache-2.0
#include "wqprof/flush_waits.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "trace/hostile_json.h"

namespace wqprof {
namespace {

using Json = WrittenJson;

constexpr std::string_view kSchema = "wqprof.flushes/1";
// So that a file of kMostFlushWaits is within what is read of one.
constexpr size_t kLongestFunction = 128;

bool Longer(const FlushWait& a, const FlushWait& b) { return a.Lasted() > b.Lasted(); }

bool Earlier(const FlushWait& a, const FlushWait& b) {
  return std::tie(a.end, a.begin, a.task, a.object) < std::tie(b.end, b.begin, b.task, b.object);
}

Json ToJson(const FlushHook& hook) {
  Json out = {{"kind", ToString(hook.kind)}, {"functions", hook.functions}};
  PutText(out, "absent_by", hook.absent_by);
  if (hook.calls) out["calls"] = *hook.calls;
  if (hook.waited) out["waited"] = *hook.waited;
  return out;
}

Json ToJson(const FlushWait& wait) {
  Json out = {{"kind", ToString(wait.kind)}};
  PutStamp(out, "begin_ns", wait.begin);
  PutStamp(out, "end_ns", wait.end);
  out["pid"] = ToInt(wait.task);
  PutText(out, "comm", wait.comm);
  out["address"] = fmt::format("{:#x}", wait.object);
  PutText(out, "function", wait.function.substr(0, kLongestFunction));
  PutText(out, "workqueue", wait.workqueue);
  return out;
}

// --- The way back.

std::optional<FlushKind> KindOf(const ParsedJson& from) {
  const std::string word = TextOf(from, "kind");
  for (size_t i = 0; i < kFlushKinds; ++i) {
    if (word == ToString(static_cast<FlushKind>(i))) return static_cast<FlushKind>(i);
  }
  return std::nullopt;
}

std::optional<FlushHook> HookOf(const ParsedJson& from) {
  const auto kind = from.is_object() ? KindOf(from) : std::nullopt;
  if (!kind) return std::nullopt;
  FlushHook out;
  out.kind = *kind;
  out.functions = TextsOf(from, "functions");
  out.absent_by = TextOf(from, "absent_by");
  out.calls = NumberOf(from, "calls");
  out.waited = NumberOf(from, "waited");
  return out;
}

std::optional<FlushWait> WaitOf(const ParsedJson& from) {
  const auto kind = from.is_object() ? KindOf(from) : std::nullopt;
  if (!kind) return std::nullopt;
  FlushWait out;
  out.kind = *kind;
  out.begin = StampOf(from, "begin_ns");
  out.end = StampOf(from, "end_ns");
  if (out.begin == kUnseen || out.end == kUnseen || out.end < out.begin) return std::nullopt;
  out.task = Pid{std::max(IntOf(from, "pid").value_or(-1), -1)};
  out.comm = TextOf(from, "comm");
  out.object = AddressOf(from, "address");
  out.function = TextOf(from, "function");
  out.workqueue = TextOf(from, "workqueue");
  return out;
}

}  // namespace

std::string_view ToString(FlushKind kind) {
  switch (kind) {
    case FlushKind::kFlushWork:
      return "flush_work";
    case FlushKind::kCancelWork:
      return "cancel_work_sync";
    case FlushKind::kFlushWorkqueue:
      return "flush_workqueue";
    case FlushKind::kDrainWorkqueue:
      return "drain_workqueue";
    case FlushKind::kFlushOrCancel:
      return "flush_or_cancel";
  }
  return "unknown";
}

FlushLog FlushesByEvents(Nanos floor, std::string why_no_bpf) {
  FlushLog log;
  log.source = kFlushesByEvents;
  log.limited_by = std::move(why_no_bpf);
  log.floor = floor;
  for (size_t i = 0; i < kFlushKinds; ++i) {
    const FlushKind kind = static_cast<FlushKind>(i);
    FlushHook& hook = log.hooks.emplace_back();
    hook.kind = kind;
    if (IsOfWorkqueue(kind)) {
      hook.absent_by = "no event of the kernel shows it";
    } else {
      hook.functions = {"wq_barrier_func"};
    }
  }
  return log;
}

void LongestFlushes::Add(FlushWait wait) {
  if (heap_.size() >= most_) {
    ++left_out_;
    if (heap_.empty() || wait.Lasted() <= heap_.front().Lasted()) return;
    std::pop_heap(heap_.begin(), heap_.end(), Longer);
    heap_.pop_back();
  }
  heap_.push_back(std::move(wait));
  std::push_heap(heap_.begin(), heap_.end(), Longer);
}

std::vector<FlushWait> LongestFlushes::Take() {
  std::vector<FlushWait> out = std::exchange(heap_, {});
  std::sort(out.begin(), out.end(), Earlier);
  return out;
}

std::string FlushesToJson(const FlushLog& log) {
  Json out = {{"schema", kSchema}};
  PutText(out, "source", log.source);
  PutText(out, "limited_by", log.limited_by);
  out["floor_ns"] = log.floor.count();
  PutStamp(out, "begin_ns", log.begin);
  PutStamp(out, "end_ns", log.end);
  out["lost"] = log.lost;
  out["unfollowed"] = log.unfollowed;
  out["left_out"] = log.left_out;
  out["kinds"] = Json::array();
  for (const FlushHook& hook : log.hooks) out["kinds"].push_back(ToJson(hook));
  out["waits"] = Json::array();
  for (const FlushWait& wait : log.waits) out["waits"].push_back(ToJson(wait));
  return ToText(out);
}

std::shared_ptr<const FlushLog> ParseFlushes(std::string_view json) {
  const auto from = ParseHostileJson(json, kSchema);
  if (!from) return nullptr;
  auto out = std::make_shared<FlushLog>();
  out->source = TextOf(*from, "source");
  out->limited_by = TextOf(*from, "limited_by");
  out->floor = Nanos(static_cast<int64_t>(NumberOf(*from, "floor_ns").value_or(0)));
  out->begin = StampOf(*from, "begin_ns");
  out->end = StampOf(*from, "end_ns");
  out->lost = NumberOf(*from, "lost").value_or(0);
  out->unfollowed = NumberOf(*from, "unfollowed").value_or(0);
  out->left_out = NumberOf(*from, "left_out").value_or(0);
  ForEach(*from, "kinds", [&out](const ParsedJson& each) {
    if (auto hook = HookOf(each); hook && out->hooks.size() < kFlushKinds) {
      out->hooks.push_back(*std::move(hook));
    }
  });
  ForEach(*from, "waits", [&out](const ParsedJson& each) {
    if (auto wait = WaitOf(each)) out->waits.push_back(*std::move(wait));
  });
  std::sort(out->waits.begin(), out->waits.end(), Earlier);
  return out;
}

}  // namespace wqprof
