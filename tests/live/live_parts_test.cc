// SPDX-License-Identifier: Apache-2.0
// What the recorder makes of the kernel's texts; no kernel is asked.
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "live/event_plan.h"
#include "live/kernel_threads.h"
#include "live/metadata.h"
#include "live/ring_buffer.h"
#include "live/task_stack.h"
#include "live/trace_instance.h"
#include "live/worker_proc.h"

namespace wqprof::testing {
namespace {

TEST(InstanceOwnerTest, ANameTellsItsOwner) {
  const InstanceOwner owner{1234, 567890};
  EXPECT_EQ(InstanceName(owner), "wqprof-1234-567890");
  EXPECT_EQ(OwnerOfInstance("wqprof-1234-567890"), owner);
}

TEST(InstanceOwnerTest, NamesOfOthersHaveNoOwner) {
  for (const char* name :
       {"", "wqprof", "wqprof-", "wqprof-12", "wqprof-12-", "wqprof--5", "wqprof-12-34x",
        "wqprof-0-34", "wqprof-12-34-56", "rtla-12-34", "wqprof-99999999999999999999-1"}) {
    EXPECT_EQ(OwnerOfInstance(name), std::nullopt) << name;
  }
}

TEST(InstanceOwnerTest, ThisProcessLives) {
  const auto self = LivingProcess(getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->pid, getpid());
  EXPECT_GT(self->start_time, 0u);
  EXPECT_EQ(LivingProcess(0), std::nullopt);
}

TEST(KernelThreadTest, WhatAWorkerExecutesIsNoPartOfItsName) {
  EXPECT_EQ(CommOfKernelThread("kworker/u8:1-events_unbound"), "kworker/u8:1");
  EXPECT_EQ(CommOfKernelThread("kworker/1:0H+kblockd"), "kworker/1:0H");
  EXPECT_EQ(CommOfKernelThread("kworker/0:2"), "kworker/0:2");
}

TEST(KernelThreadTest, NamesAreCutAsInEvents) {
  EXPECT_EQ(CommOfKernelThread("kworker/R-kvfree_rcu_reclaim"), "kworker/R-kvfre");
  EXPECT_EQ(CommOfKernelThread("kworker/u129:100-xfs-buf"), "kworker/u129:10");
  EXPECT_EQ(CommOfKernelThread("rcu_exp_gp_kthread_worker"), "rcu_exp_gp_kthr");
  EXPECT_EQ(CommOfKernelThread("kworker/odd+name"), "kworker/odd+nam");
}

TEST(KernelThreadTest, ARescuerTellsWhetherAllWorkersHaveThePrefix) {
  EXPECT_TRUE(RescuersHavePrefix({{5, "kworker/0:0"}, {6, "kworker/R-netns"}}));
  EXPECT_FALSE(RescuersHavePrefix({{5, "kworker/0:0"}, {6, "netns"}}));
}

TEST(KernelThreadTest, WorkersGoBeforeTheKernelsCache) {
  const Comms first = {{10, "kworker/0:1"}, {11, "kworker/0:2"}}, last = {{12, "kworker/1:7"}};
  EXPECT_EQ(MergeCmdlines("10 kworker/dying\n500 my task\nnonsense\n12 old\n", first, last),
            "10 kworker/0:1\n11 kworker/0:2\n12 kworker/1:7\n500 my task\n");
  EXPECT_EQ(MergeCmdlines("", {}, {}), "");
}

TEST(BufferCountsTest, AllThreeWaysOfLosingCount) {
  const BufferCounts counts = ParseBufferCounts(
      "entries: 12\noverrun: 3\ncommit overrun: 4\nbytes: 560\noldest event ts:  12.5\n"
      "now ts:  13.1\ndropped events: 5\nread events: 99\n");
  EXPECT_EQ(counts.entries, 12u);
  EXPECT_EQ(counts.bytes, 560u);
  EXPECT_EQ(counts.read, 99u);
  EXPECT_EQ(counts.lost, 12u);
  EXPECT_EQ(ParseBufferCounts("").lost, 0u);
}

TEST(PageHeadTest, TheMarkOfALossIsNoPartOfTheSize) {
  // As seen with both marks: the kernel extends their sign.
  std::vector<std::byte> page(4096);
  const uint64_t commit = 0xffffffffc0000fdc;
  std::memcpy(page.data() + 8, &commit, sizeof commit);
  const PageHead head = ReadPageHead(page);
  EXPECT_EQ(head.used, 0xfdcu);
  EXPECT_TRUE(head.missed);
  std::fill(page.begin(), page.end(), std::byte{0});
  EXPECT_EQ(ReadPageHead(page).used, 0u);
  EXPECT_FALSE(ReadPageHead(page).missed);
}

TEST(MetadataTest, TheSizeOfASubBufferIsInItsDescription) {
  EXPECT_EQ(PageSizeOf("\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
                       "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
                       "\tfield: char data;\toffset:16;\tsize:65520;\tsigned:0;\n"),
            65536u);
  EXPECT_EQ(PageSizeOf("\tfield: char data;\toffset:12;\tsize:4084;\tsigned:1;\n"), 4096u);
  EXPECT_EQ(PageSizeOf(""), 0u);
  EXPECT_EQ(PageSizeOf("nonsense"), 0u);
}

TEST(MetadataTest, CpusAreCountedToTheHighestOne) {
  EXPECT_EQ(CpusOfList("0-3,8\n"), 9);
  EXPECT_EQ(CpusOfList("0\n"), 1);
  EXPECT_EQ(CpusOfList("0-127"), 128);
  EXPECT_EQ(CpusOfList(""), 1);
}

TEST(MetadataTest, ASymbolIsFoundByItsWholeName) {
  const KernelSymbols symbols{
      "ffffffff81000010 t not_delayed_work_timer_fn\nffffffff81000020 T delayed_work_timer_fn\n"
      "ffffffffc0000030 t mod_fn\t[mod]\n"};
  EXPECT_EQ(symbols.AddressOf("delayed_work_timer_fn"), 0xffffffff81000020u);
  EXPECT_EQ(symbols.AddressOf("absent"), 0u);
}

const PlannedEvent* Find(const std::vector<PlannedEvent>& events, std::string_view name) {
  const auto found = std::find_if(events.begin(), events.end(),
                                  [&](const PlannedEvent& e) { return e.name == name; });
  return found == events.end() ? nullptr : &*found;
}

TEST(PlanEventsTest, WorkqueueEventsAreNeverFiltered) {
  for (const PlannedEvent& event :
       PlanEvents({.sched = true, .irqs = true, .timers = true}, {true, 1})) {
    if (event.system == "workqueue") {
      EXPECT_EQ(event.filter, "") << event.name;
    }
  }
  EXPECT_EQ(PlanEvents({.sched = false, .timers = false}, {}).size(), 4u);
}

TEST(PlanEventsTest, WakeUpsAreFilteredOnlyWhereANameTellsEveryWorker) {
  const auto with = PlanEvents({.sched = true}, {.workers_have_prefix = true});
  EXPECT_NE(Find(with, "sched_waking")->filter.find("kworker*"), std::string::npos);
  const auto without = PlanEvents({.sched = true}, {.workers_have_prefix = false});
  EXPECT_EQ(Find(without, "sched_waking")->filter, "");
  // Who ran while a worker waited for its CPU may be anybody.
  EXPECT_EQ(Find(with, "sched_switch")->filter, "");
}

TEST(PlanEventsTest, TimersAreThoseOfDelayedWorks) {
  const auto events = PlanEvents({.timers = true}, {.delayed_work_timer_fn = 0xffffffff81000020});
  EXPECT_EQ(Find(events, "timer_start")->filter, "function == 0xffffffff81000020");
  EXPECT_EQ(Find(events, "timer_expire_entry")->filter, "function == 0xffffffff81000020");
  EXPECT_EQ(Find(events, "timer_cancel"), nullptr);
  EXPECT_EQ(Find(PlanEvents({.timers = true}, {}), "timer_start")->filter, "");
}

TEST(WorkerNameTest, SaysThePoolAndWhatIsExecuted) {
  const auto bound = ParseWorkerName("kworker/3:1H+kblockd");
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->comm, "kworker/3:1H");
  EXPECT_EQ(bound->cpu, 3);
  EXPECT_TRUE(bound->highpri);
  EXPECT_TRUE(bound->executes);
  EXPECT_EQ(bound->description, "kblockd");
  const auto unbound = ParseWorkerName("kworker/u8:12-events_unbound");
  ASSERT_TRUE(unbound);
  EXPECT_EQ(unbound->comm, "kworker/u8:12");
  EXPECT_EQ(unbound->pool, 8);
  EXPECT_EQ(unbound->cpu, std::nullopt);
  EXPECT_FALSE(unbound->executes);
  EXPECT_FALSE(ParseWorkerName("kworker/0:2")->executes);
}

TEST(WorkerNameTest, ARescuersNameHasHyphens) {
  const auto idle = ParseWorkerName("kworker/R-ext4-rsv-conversion");
  ASSERT_TRUE(idle);
  EXPECT_TRUE(idle->rescuer);
  EXPECT_FALSE(idle->executes);
  EXPECT_EQ(idle->comm, "kworker/R-ext4-rsv-conversion");
  const auto busy = ParseWorkerName("kworker/R-ext4-rsv+ext4-rsv-conversion");
  ASSERT_TRUE(busy);
  EXPECT_TRUE(busy->executes);
  EXPECT_EQ(busy->description, "ext4-rsv-conversion");
}

TEST(WorkerNameTest, OthersAreNone) {
  for (const char* name :
       {"", "kthreadd", "kworker", "kworker/", "kworker/u", "kworker/x:1",
        "kworker/1:", "kworker/1:2?", "kworker/99999999999:1", "mykworker/0:1"}) {
    EXPECT_EQ(ParseWorkerName(name), std::nullopt) << name;
  }
}

TEST(StackTest, HasTheFunctionsAlone) {
  EXPECT_EQ(ParseStack("[<0>] io_schedule+0x46/0x80\n"
                       "[<0>] xfs_buf_wait+0x5/0x10 [xfs]\n"
                       "[<0>] ret_from_fork_asm+0x1a/0x30\n"),
            (std::vector<std::string>{"io_schedule", "xfs_buf_wait", "ret_from_fork_asm"}));
  EXPECT_TRUE(ParseStack("").empty());
  EXPECT_TRUE(ParseStack("[<0>]\n[<0>] \n[<\nno stack\n[<0>] +0x1\n").empty());
}

// A record of a perf event that samples call chains.
void AddRecord(std::vector<std::byte>& out, uint32_t type, uint16_t misc,
               const std::vector<uint64_t>& words) {
  perf_event_header header{};
  header.type = type;
  header.misc = misc;
  header.size = static_cast<uint16_t>(sizeof header + words.size() * sizeof(uint64_t));
  const auto* const bytes = reinterpret_cast<const std::byte*>(&header);
  out.insert(out.end(), bytes, bytes + sizeof header);
  const auto* const body = reinterpret_cast<const std::byte*>(words.data());
  out.insert(out.end(), body, body + words.size() * sizeof(uint64_t));
}

constexpr uint64_t kIds = uint64_t{12} << 32 | 11;  // a thread, its process
constexpr uint64_t kKernelPart = static_cast<uint64_t>(PERF_CONTEXT_KERNEL);

TEST(StackSampleTest, HasTheAddressesOfTheKernel) {
  std::vector<std::byte> records;
  AddRecord(records, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL,
            {kIds, 3, kKernelPart, 0x1010, 0x2020});
  AddRecord(records, PERF_RECORD_THROTTLE, 0, {1, 2, 3});
  AddRecord(records, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, {kIds, 0});
  const std::vector<StackSample> samples = ParseSamples(records);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_FALSE(samples[0].user);
  EXPECT_EQ(samples[0].task, Pid{12});
  EXPECT_EQ(samples[0].frames, (std::vector<uint64_t>{0x1010, 0x2020}));
  EXPECT_TRUE(samples[1].user);
}

TEST(StackSampleTest, WhatIsNotWholeEndsThem) {
  std::vector<std::byte> records;
  AddRecord(records, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL,
            {kIds, uint64_t{1} << 60, 0x1010});
  ASSERT_EQ(ParseSamples(records).size(), 1u);
  EXPECT_EQ(ParseSamples(records)[0].frames.size(), 1u) << "the number is more than there is";
  AddRecord(records, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL, {kIds, 1, 0x1010});
  for (size_t size = 0; size < records.size(); ++size) {
    EXPECT_LE(ParseSamples(std::span(records).first(size)).size(), 1u) << size;
  }
  std::memset(records.data(), 0, records.size());
  EXPECT_TRUE(ParseSamples(records).empty());
}

TEST(StackSampleTest, TheStackOfMostIsTaken) {
  const auto name_of = [](uint64_t address) { return "f" + std::to_string(address / 0x1000); };
  const std::vector<StackSample> samples = {{Pid{1}, false, {0x5000}},
                                            {Pid{1}, false, {0x1010, 0x2000}},
                                            {Pid{1}, true, {}},
                                            {Pid{1}, false, {0x1020, 0x1fff}}};
  const TaskStack stack = MostFrequent(samples, name_of);
  EXPECT_EQ(stack.does, TaskDoes::kOnCpu);
  EXPECT_FALSE(stack.in_user_space);
  EXPECT_EQ(stack.frames, (std::vector<std::string>{"f1", "f1"})) << "a call may end its function";
  EXPECT_EQ(stack.samples_alike, 2u);
  EXPECT_EQ(stack.samples, 4u);
  EXPECT_TRUE(MostFrequent(std::vector<StackSample>{{Pid{1}, true, {}}}, name_of).in_user_space);
}

TEST(KernelSymbolsTest, AnAddressHasTheNameThatBeginsThere) {
  KernelSymbols symbols;
  symbols.text =
      "ffffffff81000000 T first_fn\nffffffff81000000 t its_alias\n"
      "ffffffffc0001000 t module_fn\t[module]\n";
  const auto names = symbols.NamesOf({0xffffffff81000000, 0xffffffffc0001000, 0xffffffff81000001});
  EXPECT_EQ(names, (std::map<uint64_t, std::string>{{0xffffffff81000000, "first_fn"},
                                                    {0xffffffffc0001000, "module_fn [module]"}}));
}

}  // namespace
}  // namespace wqprof::testing
