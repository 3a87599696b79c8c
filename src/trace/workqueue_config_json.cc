// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "trace/hostile_json.h"
#include "wqprof/workqueue_config.h"

namespace wqprof {
namespace {

using Json = WrittenJson;
using Parsed = ParsedJson;

constexpr std::string_view kSchema = "wqprof.workqueues/1";

template <typename T>
void Put(Json& out, const char* key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

void PutCounters(Json& out, const char* key, const WorkqueueCounters& counters) {
  Json values = Json::object();
  for (size_t i = 0; i < kWorkqueueCounters; ++i) {
    if (!counters[i]) continue;
    values[std::string(CounterKey(static_cast<WorkqueueCounter>(i)))] = *counters[i];
  }
  if (!values.empty()) out[key] = std::move(values);
}

Json ToJson(const WorkqueueSetup& workqueue) {
  Json out = {{"workqueue", workqueue.name}};
  if (workqueue.address != 0) out["address"] = fmt::format("{:#x}", workqueue.address);
  Put(out, "flags", workqueue.flags);
  Put(out, "unbound", workqueue.unbound);
  Put(out, "ordered", workqueue.ordered);
  Put(out, "max_active", workqueue.max_active);
  Put(out, "min_active", workqueue.min_active);
  Put(out, "rescuer_pid", workqueue.rescuer);
  Put(out, "nice", workqueue.nice);
  PutText(out, "cpus", workqueue.cpus);
  PutText(out, "affinity_scope", workqueue.affinity_scope);
  Put(out, "affinity_strict", workqueue.affinity_strict);
  if (!workqueue.pools.empty()) out["pool_ids"] = workqueue.pools;
  PutCounters(out, "begin", workqueue.begin);
  PutCounters(out, "end", workqueue.end);
  return out;
}

Json ToJson(const PoolSetup& pool) {
  Json out = {{"pool_id", pool.id}};
  Put(out, "cpu", pool.cpu);
  Put(out, "node", pool.node);
  Put(out, "nice", pool.nice);
  PutText(out, "cpus", pool.cpus);
  Put(out, "workers", pool.workers);
  Put(out, "idle", pool.idle);
  if (pool.bh) out["bh"] = true;
  return out;
}

// --- The way back.

WorkqueueCounters CountersOf(const Parsed& from, const char* key) {
  WorkqueueCounters out;
  const auto counters = from.find(key);
  if (counters == from.end() || !counters->is_object()) return out;
  for (size_t i = 0; i < kWorkqueueCounters; ++i) {
    const auto at = counters->find(std::string(CounterKey(static_cast<WorkqueueCounter>(i))));
    if (at != counters->end() && at->is_number_unsigned()) out[i] = at->get<uint64_t>();
  }
  return out;
}

WorkqueueSetup WorkqueueOf(const Parsed& from) {
  WorkqueueSetup out;
  out.name = TextOf(from, "workqueue");
  out.address = AddressOf(from, "address");
  if (from.contains("flags")) out.flags = TextsOf(from, "flags");
  out.unbound = BoolOf(from, "unbound");
  out.ordered = BoolOf(from, "ordered");
  out.max_active = IntOf(from, "max_active");
  out.min_active = IntOf(from, "min_active");
  out.rescuer = IntOf(from, "rescuer_pid");
  out.nice = IntOf(from, "nice");
  out.cpus = TextOf(from, "cpus");
  out.affinity_scope = TextOf(from, "affinity_scope");
  out.affinity_strict = BoolOf(from, "affinity_strict");
  ForEach(from, "pool_ids", [&out](const Parsed& id) {
    if (const auto number = IntOf(id)) out.pools.push_back(*number);
  });
  out.begin = CountersOf(from, "begin");
  out.end = CountersOf(from, "end");
  return out;
}

std::optional<PoolSetup> PoolOf(const Parsed& from) {
  const auto id = from.is_object() ? IntOf(from, "pool_id") : std::nullopt;
  if (!id || *id < 0) return std::nullopt;
  PoolSetup out;
  out.id = *id;
  out.cpu = IntOf(from, "cpu");
  out.node = IntOf(from, "node");
  out.nice = IntOf(from, "nice");
  out.cpus = TextOf(from, "cpus");
  out.workers = IntOf(from, "workers");
  out.idle = IntOf(from, "idle");
  out.bh = BoolOf(from, "bh").value_or(false);
  return out;
}

}  // namespace

std::string ConfigToJson(const WorkqueueConfig& config) {
  Json out = {{"schema", kSchema}, {"source", config.source}};
  PutText(out, "limited_by", config.limited_by);
  if (config.cut) out["cut"] = true;
  if (!config.parameters.empty()) out["parameters"] = Json::object();
  for (const auto& [key, value] : config.parameters) out["parameters"][key] = value;
  out["workqueues"] = Json::array();
  for (const WorkqueueSetup& each : config.workqueues) out["workqueues"].push_back(ToJson(each));
  out["pools"] = Json::array();
  for (const PoolSetup& each : config.pools) out["pools"].push_back(ToJson(each));
  return ToText(out);
}

std::optional<WorkqueueConfig> ParseConfig(std::string_view json) {
  const auto parsed = ParseHostileJson(json, kSchema);
  if (!parsed) return std::nullopt;
  const Parsed& from = *parsed;
  WorkqueueConfig out;
  out.source = TextOf(from, "source");
  out.limited_by = TextOf(from, "limited_by");
  out.cut = BoolOf(from, "cut").value_or(false);
  if (const auto at = from.find("parameters"); at != from.end() && at->is_object()) {
    for (const auto& [key, value] : at->items()) {
      if (value.is_string() && out.parameters.size() < kMostJsonEntries) {
        out.parameters.emplace_back(
            key, value.get_ref<const std::string&>().substr(0, kLongestJsonText));
      }
    }
  }
  ForEach(from, "workqueues", [&out](const Parsed& each) {
    if (each.is_object()) out.workqueues.push_back(WorkqueueOf(each));
  });
  ForEach(from, "pools", [&out](const Parsed& each) {
    if (auto pool = PoolOf(each)) out.pools.push_back(*std::move(pool));
  });
  return out;
}

}  // namespace wqprof
