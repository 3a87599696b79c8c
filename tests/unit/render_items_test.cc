// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "render/item_names.h"
#include "support/trace_builder.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::TraceBuilder;
using Json = nlohmann::json;

// Items are written as they are: these were never reconstructed from anything.
class Items : public ::testing::Test {
 protected:
  std::string Write(Format format, const std::vector<WorkItem>& items,
                    const ItemSplit* split = nullptr, TextStyle style = {}) {
    const Reconstructor model(source_);
    const std::unique_ptr<ItemWriter> writer = MakeItemWriter(format, source_, model, style);
    fmt::memory_buffer out;
    writer->Begin(out);
    writer->Add(
        items, [split](const WorkItem&) { return split; }, out);
    writer->End(out);
    return {out.data(), out.size()};
  }
  NameId Name(std::string_view name) { return source_.Intern(name); }

  WorkItem Done() {
    WorkItem item;
    item.id = 7;
    item.work = WorkAddr{0xffff888100000010};
    item.state = ItemState::kDone;
    item.function = Name("flush_to_ldisc [tty]");
    item.workqueue = Name("events_unbound");
    item.queued = Timestamp(microseconds(100));
    item.activated = Timestamp(microseconds(101));
    item.started = Timestamp(microseconds(150));
    item.ended = Timestamp(microseconds(160));
    item.queue_cpu = static_cast<Cpu>(0);
    item.run_cpu = item.end_cpu = static_cast<Cpu>(1);
    item.worker = static_cast<Pid>(30);
    item.origin = {Origin::Kind::kTask, static_cast<Pid>(500), NameId::kUnknown};
    return item;
  }

  TraceBuilder source_;
};

std::string SecondLine(const std::string& text) {
  const size_t begin = text.find('\n') + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST_F(Items, NdjsonLeavesOutWhatWasNotSeen) {
  WorkItem item;
  item.id = 1;
  item.work = WorkAddr{0x1000};
  item.state = ItemState::kPending;
  item.queued = Timestamp(Nanos(5));
  EXPECT_EQ(Write(Format::kNdjson, {item}),
            "{\"schema\":\"wqprof.works/1\"}\n"
            "{\"id\":1,\"state\":\"pending\",\"work\":\"0x1000\",\"queued_ns\":5,"
            "\"requeued_by_self\":false,\"tainted\":false,\"ambiguous\":false}\n");
}

TEST_F(Items, NdjsonHasEveryFieldInItsOrder) {
  source_.Queue(microseconds(1), {500, "ptyload", 0, 0}, WorkAddr{1});
  source_.Queue(microseconds(2), {30, "kworker/u8:1", 0, 0}, WorkAddr{2});
  EXPECT_EQ(SecondLine(Write(Format::kNdjson, {Done()})),
            "{\"id\":7,\"state\":\"done\",\"work\":\"0xffff888100000010\","
            "\"workqueue\":\"events_unbound\",\"function\":\"flush_to_ldisc\",\"module\":\"tty\","
            "\"queued_ns\":100000,\"activated_ns\":101000,\"started_ns\":150000,"
            "\"ended_ns\":160000,\"latency_ns\":50000,\"activation_wait_ns\":1000,"
            "\"dispatch_wait_ns\":49000,\"execution_ns\":10000,\"total_ns\":60000,"
            "\"queue_cpu\":0,\"run_cpu\":1,\"end_cpu\":1,\"worker_pid\":30,"
            "\"worker\":\"kworker/u8:1\",\"context\":\"process\",\"pool\":\"unknown\","
            "\"origin\":{\"kind\":\"task\",\"comm\":\"ptyload\",\"pid\":500},"
            "\"requeued_by_self\":false,\"tainted\":false,\"ambiguous\":false}");
}

TEST_F(Items, TheTaskThatASoftirqInterruptedIsNoWorker) {
  source_.Queue(microseconds(1), {30, "innocent", 0, 0}, WorkAddr{1});
  WorkItem item = Done();
  item.softirq = true;
  const Json line = Json::parse(SecondLine(Write(Format::kNdjson, {item})));
  EXPECT_EQ(line["context"], "softirq");
  EXPECT_EQ(line["worker_pid"], 30);
  EXPECT_FALSE(line.contains("worker"));
}

TEST_F(Items, TheStackInWhichItWasQueuedIsWrittenWhereItIsKnown) {
  WorkItem item = Done();
  item.stack = Name("queue_work_on;aio_fsync;io_submit_one");
  const Json line = Json::parse(SecondLine(Write(Format::kNdjson, {item})));
  EXPECT_EQ(line["stack"], "queue_work_on;aio_fsync;io_submit_one");
  EXPECT_FALSE(Json::parse(SecondLine(Write(Format::kNdjson, {Done()}))).contains("stack"));
  const std::string table = Write(Format::kTable, {Done(), item});
  EXPECT_NE(table.find("  QUEUED BY < CALLED BY\n"), std::string::npos) << table;
  EXPECT_NE(table.find("  aio_fsync < io_submit_one\n"), std::string::npos) << table;
  EXPECT_EQ(Write(Format::kTable, {Done()}).find("CALLED BY"), std::string::npos);
}

TEST_F(Items, ASplitIsWrittenWhereThereIsOne) {
  WorkItem item = Done();
  item.split = static_cast<SplitId>(1);
  ItemSplit split;
  split.run = RunSplit{.on_cpu = Nanos(9), .blocked = Nanos(1)};
  const Json line = Json::parse(SecondLine(Write(Format::kNdjson, {item}, &split)));
  EXPECT_EQ(line["split"].dump(),
            "{\"blocked\":{\"D\":0,\"I\":0,\"S\":1},\"execution\":{\"blocked\":1,\"on_cpu\":9,"
            "\"preempted\":0,\"runnable\":0,"
            "\"unknown\":0}}");
  EXPECT_FALSE(Json::parse(SecondLine(Write(Format::kNdjson, {Done()}, &split))).contains("split"));
}

TEST_F(Items, NamesAreEscapedForEachFormat) {
  WorkItem item = Done();
  item.function = Name("a\"b\\c\x01\xff,d");
  const Json line = Json::parse(SecondLine(Write(Format::kNdjson, {item})));
  EXPECT_EQ(line["function"], "a\"b\\c\x01\xef\xbf\xbd,d");
  EXPECT_NE(Write(Format::kCsv, {item}).find(",\"a\"\"b\\c\\x01\\xff,d\","), std::string::npos);
  EXPECT_EQ(Write(Format::kTable, {item}).find('\x01'), std::string::npos);
}

TEST_F(Items, NamesNeitherMisleadNorCalculate) {
  WorkItem item = Done();
  item.function = Name("=1+1\x7f\u0085\u202e");
  const std::string line = SecondLine(Write(Format::kNdjson, {item}));
  EXPECT_NE(line.find("\"=1+1\\u007f\\u0085\\u202e\""), std::string::npos) << line;
  EXPECT_NE(Write(Format::kCsv, {item}).find(",'=1+1\\x7f"), std::string::npos);
}

TEST_F(Items, ADurationThatIsNotKnownIsLeftOut) {
  WorkItem item = Done();
  item.activated = kUnseen;
  item.ended = item.started - Nanos(1);  // by another CPU's clock
  const Json line = Json::parse(SecondLine(Write(Format::kNdjson, {item})));
  EXPECT_EQ(line["latency_ns"], 50000);
  for (const char* key : {"activation_wait_ns", "dispatch_wait_ns", "execution_ns"}) {
    EXPECT_FALSE(line.contains(key)) << key;
  }
}

TEST_F(Items, LongNamesGetTheRoomThatTheyNeed) {
  WorkItem item = Done();
  item.function = Name(std::string(100'000, 'f'));
  item.workqueue = Name(std::string(50'000, 'w'));
  const std::string text = Write(Format::kNdjson, std::vector<WorkItem>(50, item));
  EXPECT_EQ(std::count(text.begin(), text.end(), 'w'), 50 * (50'000 + 6) + 2);
}

TEST_F(Items, JsonIsOneDocument) {
  EXPECT_EQ(Json::parse(Write(Format::kJson, {}))["works"].size(), 0U);
  const Json document = Json::parse(Write(Format::kJson, {Done(), Done()}));
  EXPECT_EQ(document["schema"], "wqprof.works/1");
  EXPECT_EQ(document["works"].size(), 2U);
}

TEST_F(Items, CsvHasAsManyFieldsInEveryLine) {
  WorkItem bare;
  const std::string text = Write(Format::kCsv, {Done(), bare});
  const auto commas = [](std::string_view line) {
    return std::count(line.begin(), line.end(), ',');
  };
  const size_t first = text.find('\n'), second = text.find('\n', first + 1);
  EXPECT_EQ(commas(text.substr(0, first)), commas(text.substr(first, second - first)));
  EXPECT_EQ(commas(text.substr(0, first)), commas(text.substr(second)));
  EXPECT_TRUE(text.starts_with("id,state,work,workqueue,function,module,queued_ns,"));
  EXPECT_NE(text.find(",origin_kind,origin_comm,origin_pid,origin_function,"), std::string::npos);
}

TEST_F(Items, TheTableTellsLowerBoundsAndDoubts) {
  source_.Tick(milliseconds(3), 0);
  while (!source_.Next()->empty()) {
  }
  WorkItem pending = Done();
  pending.state = ItemState::kPending;
  pending.started = pending.ended = kUnseen;
  pending.wait_tainted = true;
  const std::string text = Write(Format::kTable, {Done(), pending});
  EXPECT_NE(text.find("0.000100   50.0us"), std::string::npos) << text;
  EXPECT_NE(text.find(">2.90ms"), std::string::npos) << text;
  EXPECT_NE(text.find("pending?"), std::string::npos) << text;
}

TEST(JsonString, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(JsonString("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(JsonString("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\n"), "\"\\u000a\"");
}

}  // namespace
}  // namespace wqprof
