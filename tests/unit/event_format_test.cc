// SPDX-License-Identifier: Apache-2.0
#include "trace/event_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/dat_encoder.h"
#include "trace/event_layout.h"

namespace wqprof::testing {
namespace {

std::string WithField(std::string_view field) {
  return fmt::format("name: e\nID: 7\nformat:\n\tfield:{}\n", field);
}

TEST(EventFormatTest, ARealTextGivesNameIdAndFields) {
  const auto f = ParseEventFormat("workqueue", FormatText(EventKind::kQueueWork, {}));
  ASSERT_TRUE(f.has_value());
  EXPECT_EQ(f->system, "workqueue");
  EXPECT_EQ(f->name, "workqueue_queue_work");
  EXPECT_EQ(f->id, 269);
  ASSERT_NE(f->Find("workqueue"), nullptr);
  EXPECT_TRUE(f->Find("workqueue")->data_loc);
  EXPECT_EQ(f->Find("workqueue")->offset, 24u);
  EXPECT_EQ(f->Find("workqueue")->size, 4u);
  EXPECT_TRUE(f->Find("req_cpu")->is_signed);
  EXPECT_FALSE(f->Find("work")->is_signed);
  EXPECT_EQ(f->Find("no_such_field"), nullptr);
}

TEST(EventFormatTest, TheNameOfAFieldStandsBehindItsTypeAndBeforeItsArray) {
  const auto name_of = [](std::string_view declaration) {
    const auto f = ParseEventFormat(
        "s", WithField(fmt::format("{};\toffset:8;\tsize:8;\tsigned:0;", declaration)));
    return f && f->fields.size() == 1 ? f->fields[0].name : "none";
  };
  EXPECT_EQ(name_of("int x"), "x");
  EXPECT_EQ(name_of("void * work"), "work");
  EXPECT_EQ(name_of("void *work"), "work");
  EXPECT_EQ(name_of("char comm[16]"), "comm");
  EXPECT_EQ(name_of("char comm[TASK_COMM_LEN]"), "comm");
  EXPECT_EQ(name_of("__data_loc char[] workqueue"), "workqueue");
  EXPECT_EQ(name_of("__rel_loc char[] name"), "name");
  EXPECT_EQ(name_of("unsigned long args[6]"), "args");
  EXPECT_EQ(name_of("const struct bpf_prog * prog"), "prog");
}

TEST(EventFormatTest, ARelativeLocationIsToldApart) {
  const auto f =
      ParseEventFormat("s", WithField("__rel_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;"));
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->fields.at(0).rel_loc);
  EXPECT_FALSE(f->fields.at(0).data_loc);
}

TEST(EventFormatTest, ATextWithoutNameOrIdIsNone) {
  EXPECT_FALSE(ParseEventFormat("s", ""));
  EXPECT_FALSE(ParseEventFormat("s", "name: e\n"));
  EXPECT_FALSE(ParseEventFormat("s", "ID: 7\n"));
  EXPECT_FALSE(ParseEventFormat("s", "name: e\nID: 65536\n")) << "ids have 16 bits";
  EXPECT_FALSE(ParseEventFormat("s", "name: e\nID: -1\n"));
  EXPECT_FALSE(ParseEventFormat("s", "name: e\nID: x\n"));
  EXPECT_FALSE(ParseEventFormat("s", std::string(1000, '\0')));
}

TEST(EventFormatTest, AFieldThatMakesNoSenseIsLeftOut) {
  for (const char* field :
       {"int x", "int x;", "int x;\toffset:8;", "int x;\tsize:8;", "int x;\toffset:-4;\tsize:4;",
        "int x;\toffset:4294967292;\tsize:8;", "int x;\toffset:99999999999;\tsize:4;"}) {
    const auto f = ParseEventFormat("s", WithField(field));
    ASSERT_TRUE(f) << field;
    EXPECT_EQ(f->fields.size(), 0u) << field;
  }
}

TEST(EventFormatTest, TheNumberOfFieldsIsBounded) {
  std::string text = "name: e\nID: 7\n";
  for (int i = 0; i < 10000; ++i) {
    text += fmt::format("\tfield:int f{};\toffset:8;\tsize:4;\tsigned:0;\n", i);
  }
  const auto f = ParseEventFormat("s", text);
  ASSERT_TRUE(f);
  EXPECT_LE(f->fields.size(), kMaxFields);
}

TEST(EventFormatTest, DeepNestingInThePrintFormatIsJustText) {
  const std::string field = WithField("int x;\toffset:8;\tsize:4;\tsigned:0;");
  EXPECT_TRUE(ParseEventFormat("s", fmt::format("{}print fmt: {:(>200000}", field, "x")));
}

TEST(HeaderPageTest, KernelsOf32And64BitDiffer) {
  DatStyle style;
  const auto wide = ParseHeaderPage(EncodeDat({}, style).header_page);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->commit_offset, 8u);
  EXPECT_EQ(wide->commit_size, 8u);
  EXPECT_EQ(wide->data_offset, 16u);
  style.long_size = 4;
  const auto narrow = ParseHeaderPage(EncodeDat({}, style).header_page);
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->commit_size, 4u);
  EXPECT_EQ(narrow->data_offset, 12u);
}

TEST(HeaderPageTest, NonsenseIsRefused) {
  const auto parse = [](int commit_at, int commit_size, int data_at) {
    return ParseHeaderPage(
        fmt::format("\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
                    "\tfield: local_t commit;\toffset:{};\tsize:{};\tsigned:1;\n"
                    "\tfield: char data;\toffset:{};\tsize:4080;\tsigned:1;\n",
                    commit_at, commit_size, data_at));
  };
  EXPECT_TRUE(parse(8, 8, 16));
  EXPECT_FALSE(parse(8, 8, 12)) << "the data overlap the commit";
  EXPECT_FALSE(parse(0, 8, 16)) << "the commit overlaps the stamp";
  EXPECT_FALSE(parse(8, 2, 16));
  EXPECT_FALSE(parse(8, 0, 16));
  EXPECT_FALSE(parse(8, 8, 65535));
  EXPECT_FALSE(ParseHeaderPage(""));
  EXPECT_FALSE(ParseHeaderPage("garbage"));
}

std::vector<EventFormat> Formats(const DatStyle& style, std::initializer_list<EventKind> kinds) {
  std::vector<EventFormat> formats;
  for (const EventKind kind : kinds) {
    formats.push_back(*ParseEventFormat("s", FormatText(kind, style)));
  }
  return formats;
}

TEST(EventLayoutTest, WithoutAnyWorkqueueEventThereIsNone) {
  EXPECT_FALSE(MakeLayout({}, 8));
  EXPECT_FALSE(MakeLayout(Formats({}, {EventKind::kSwitch, EventKind::kWaking}), 8));
  EXPECT_TRUE(MakeLayout(Formats({}, {EventKind::kExecuteStart}), 8));
}

TEST(EventLayoutTest, FieldsOfAnotherSizeThanTheKernelsLongAreNotTaken) {
  DatStyle narrow;
  narrow.long_size = 4;
  EXPECT_FALSE(MakeLayout(Formats(narrow, {EventKind::kExecuteStart}), 8));
}

TEST(EventLayoutTest, TaskStatesAreThoseOfThePrintFormat) {
  const auto layout = MakeLayout(Formats({}, {EventKind::kExecuteStart, EventKind::kSwitch}), 8);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->task_states.size(), 8u);
  EXPECT_EQ(layout->state_bits, 0xffu);
  EXPECT_EQ(layout->preempted_bit, 0x100u);
}

TEST(EventLayoutTest, AFieldThatReachesBeyond64KIsAbsent) {
  auto formats = Formats({}, {EventKind::kExecuteStart});
  for (FormatField& f : formats[0].fields) {
    if (f.name == "function") f.offset = 0xffff;
  }
  const auto layout = MakeLayout(formats, 8);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->fields[static_cast<size_t>(EventKind::kExecuteStart)].function,
            EventFields::kAbsent);
}

}  // namespace
}  // namespace wqprof::testing
