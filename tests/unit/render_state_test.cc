// SPDX-License-Identifier: Apache-2.0
// A look at pools as text and as JSON.
#include "wqprof/render_state.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "render/text.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

PoolState Pool(int id, std::optional<int> cpu) {
  PoolState pool;
  pool.setup.id = id;
  pool.setup.cpu = cpu;
  pool.setup.nice = 0;
  pool.setup.workers = 3;
  pool.setup.idle = 2;
  pool.running = 0;
  pool.active = 0;
  pool.pending = pool.inactive = 0;
  return pool;
}

WorkerState Worker(std::string comm, int pid) {
  WorkerState worker;
  worker.comm = std::move(comm);
  worker.pid = static_cast<Pid>(pid);
  worker.cpu = static_cast<Cpu>(1);
  worker.state = TaskDoes::kOnCpu;
  worker.rescuer = false;
  return worker;
}

WorkerState Executing(std::string comm, int pid, std::string function, std::string workqueue) {
  WorkerState worker = Worker(std::move(comm), pid);
  worker.executes = true;
  worker.function = std::move(function);
  worker.workqueue = worker.description = std::move(workqueue);
  worker.function_address = 0xffffffff81000000;
  worker.work = 0xffff888100000000;
  return worker;
}

WaitingWorks Waiting(WaitingWorks::Place place, uint64_t count, std::string function) {
  WaitingWorks works;
  works.place = place;
  works.count = count;
  works.function = std::move(function);
  works.workqueue = "a_wq";
  works.work = 0xffff888100000040;
  works.max_active = 4;
  return works;
}

// cpu1 is kept from its work by a task; u8 has an execution, and works behind max_active.
WorkqueueState Busy() {
  WorkqueueState state;
  state.source = "bpf";
  state.machine = "box";
  state.kernel = "6.18.1";
  state.cpus = 2;
  state.wall_time = "2026-11-29T12:00:00Z";
  state.took = 400us;
  PoolState starved = Pool(2, 1);
  starved.pending = 3;
  starved.active = 3;
  starved.stuck = 612ms;
  starved.on_cpu = CpuTask{"python3", Pid{4242}, 49};
  WorkerState woken = Worker("kworker/1:2", 88);
  woken.state = TaskDoes::kRunnable;
  starved.workers = {woken};
  starved.waiting = {Waiting(WaitingWorks::Place::kPending, 2, "aio_fsync_work"),
                     Waiting(WaitingWorks::Place::kPending, 1, "vmstat_update")};
  PoolState unbound = Pool(8, std::nullopt);
  unbound.inactive = 57;
  WorkerState blocked = Executing("kworker/u8:3", 120, "wb_workfn", "writeback");
  blocked.state = TaskDoes::kBlocked;
  blocked.description = "flush-8:0";
  blocked.stack = {"io_schedule", "folio_wait_bit"};
  unbound.workers = {blocked};
  unbound.waiting = {Waiting(WaitingWorks::Place::kInactive, 57, "held_fn")};
  state.pools = {Pool(0, 0), unbound, starved};
  return state;
}

std::string Text(const WorkqueueState& state, size_t columns = 0) {
  return RenderState(state, Format::kTable, StateView(), TextStyle{.columns = columns});
}

Json Document(const WorkqueueState& state) {
  return Json::parse(RenderState(state, Format::kJson, StateView(), TextStyle()));
}

TEST(StateTest, AnswersWhichPoolDoesNotGetOnAndWhyFirst) {
  EXPECT_EQ(Text(Busy()),
            "wqprof state  host box  Linux 6.18.1  2 CPUs  2026-11-29T12:00:00Z  read in 400us\n"
            "\n"
            "cpu1 has 3 works waiting, and took none for 612ms: python3[4242] (rt 50) has CPU 1\n"
            "  worker    kworker/1:2[88] is woken: waits for CPU 1\n"
            "  waiting   2 x aio_fsync_work of a_wq\n"
            "            1 x vmstat_update of a_wq\n"
            "\n"
            "u8 has 57 works that wait for max_active; 1 is executing\n"
            "  worker    kworker/u8:3[120] executes wb_workfn of writeback (flush-8:0): blocked\n"
            "              at io_schedule < folio_wait_bit\n"
            "  inactive  57 x held_fn of a_wq, max_active 4\n"
            "\n"
            "1 pool is idle: cpu0\n");
}

TEST(StateTest, AWorkThatKeepsTheCpuIsTheReason) {
  WorkqueueState state = Busy();
  PoolState& pool = state.pools[2];
  WorkerState hog = Executing("kworker/1:0", 77, "hog_fn", "events");
  hog.cpu_time = 590ms;
  pool.workers = {hog};
  const std::string text = Text(state);
  EXPECT_NE(text.find("took none for 612ms: kworker/1:0[77] executes hog_fn of events\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("executes hog_fn of events: on CPU 1, 590ms of CPU time\n"),
            std::string::npos)
      << text;
}

TEST(StateTest, FitsTheTerminal) {
  const std::string text = Text(Busy(), 60);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    EXPECT_LE(DisplayWidth(text.substr(at, end - at)), 60u) << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(StateTest, SaysWhatItLeavesOut) {
  WorkqueueState state = Busy();
  PoolState& pool = state.pools[2];
  pool.more_pending = true;
  pool.waiting.assign(25, Waiting(WaitingWorks::Place::kPending, 1, "some_fn"));
  const std::string text = Text(state);
  EXPECT_NE(text.find("cpu1 has at least 3 works waiting"), std::string::npos) << text;
  EXPECT_NE(text.find("and 15 further kinds (--top 0 shows all)"), std::string::npos) << text;
  EXPECT_EQ(Document(state)["pools"][0]["pending_at_least"], true);
  EXPECT_EQ(Document(state)["waiting"].size(), 26u);
}

TEST(StateTest, NothingToDoIsAnAnswer) {
  WorkqueueState state = Busy();
  state.pools = {Pool(0, 0), Pool(2, 1)};
  const std::string text = Text(state);
  EXPECT_NE(text.find("No worker executes anything, and nothing waits."), std::string::npos)
      << text;
  EXPECT_NE(text.find("2 pools are idle: cpu0 cpu1"), std::string::npos) << text;
}

TEST(StateTest, JsonHasThePoolsThatDoNotGetOnFirst) {
  const Json json = Document(Busy());
  EXPECT_EQ(json["schema"], "wqprof.state/1");
  EXPECT_EQ(json["source"]["from"], "bpf");
  const Json& pool = json["pools"][0];
  EXPECT_EQ(pool["pool"], "cpu1");
  EXPECT_EQ(pool["kind"], "per-cpu");
  EXPECT_EQ(pool["pending"], 3);
  EXPECT_EQ(pool["stuck_ns"], 612000000);
  EXPECT_EQ(pool["on_cpu"]["comm"], "python3");
  EXPECT_EQ(pool["on_cpu"]["policy"], "rt");
  EXPECT_TRUE(json["pools"][2]["on_cpu"].is_null());
  EXPECT_EQ(json["workers"][1]["function"], "wb_workfn");
  EXPECT_EQ(json["workers"][1]["state"], "blocked");
  EXPECT_EQ(json["workers"][1]["work"], "0xffff888100000000");
  EXPECT_EQ(json["workers"][1]["stack"], (Json{"io_schedule", "folio_wait_bit"}));
  EXPECT_EQ(json["workers"][0]["executes"], false);
  EXPECT_TRUE(json["workers"][0]["function"].is_null());
  EXPECT_EQ(json["waiting"][0]["count"], 2);
  EXPECT_EQ(json["waiting"][2]["state"], "inactive");
  EXPECT_EQ(json["waiting"][2]["max_active"], 4);
}

TEST(StateTest, WhatProcDoesNotShowIsAbsentAndSaid) {
  WorkqueueState state;
  state.source = "proc";
  state.limited_by = "BPF needs root, or CAP_BPF and CAP_PERFMON";
  PoolState pool;
  pool.setup.id = -1;
  pool.setup.cpu = 1;
  pool.setup.workers = 2;
  WorkerState worker = Worker("kworker/1:0", 77);
  worker.executes = true;
  worker.state = TaskDoes::kRunning;
  worker.description = "events";
  pool.workers = {worker};
  state.pools = {pool};
  EXPECT_NE(Text(state).find("cpu1 executes 1 work\n"
                             "  worker    kworker/1:0[77] executes events: on CPU 1, or waits for "
                             "it\n"),
            std::string::npos)
      << Text(state);
  const Json json = Document(state);
  EXPECT_TRUE(json["pools"][0]["pending"].is_null());
  EXPECT_TRUE(json["pools"][0]["pool_id"].is_null());
  EXPECT_TRUE(json["workers"][0]["function"].is_null());
  ASSERT_EQ(StateNotes(state).size(), 1u);
  EXPECT_NE(StateNotes(state)[0].find("CAP_BPF"), std::string::npos);
  // Whether something waits for it is not known.
  PoolState quiet;
  quiet.setup.id = -1;
  quiet.setup.cpu = 0;
  state.pools.push_back(quiet);
  EXPECT_NE(Text(state).find("\n1 pool executes nothing: cpu0\n"), std::string::npos)
      << Text(state);
}

TEST(StateTest, NamesOfTheKernelCannotSteerTheTerminal) {
  WorkqueueState state = Busy();
  state.pools[2].waiting[0].workqueue = "a\x1b[2J\nb";
  const std::string text = Text(state);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("a\\x1b[2J\\x0ab"), std::string::npos) << text;
}

}  // namespace
}  // namespace wqprof
