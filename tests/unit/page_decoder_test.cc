// SPDX-License-Identifier: Apache-2.0
// Ring-buffer pages, valid, lossy and broken (doc/trace-dat.md §2, §4).
#include "trace/page_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/dat_encoder.h"
#include "support/page_writer.h"
#include "support/read_dat.h"
#include "wqprof/stack_text.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A decoder of one CPU's pages, with the layout of an x86-64 kernel.
class PageDecoderTest : public ::testing::Test {
 protected:
  PageDecoderTest() {
    std::vector<EventFormat> formats;
    for (const EventKind kind : {EventKind::kQueueWork, EventKind::kActivateWork,
                                 EventKind::kExecuteStart, EventKind::kExecuteEnd}) {
      formats.push_back(*ParseEventFormat("workqueue", FormatText(kind, style_)));
    }
    context_.layout = *MakeLayout(formats, 8);
    context_.page_size = style_.page_size;
    context_.cpus = 2;
    context_.symbols = &symbols_;
    decoder_ = std::make_unique<PageDecoder>(context_, Cpu{1});
  }

  std::string StartOf(uint64_t work) {
    TraceBuilder t;
    t.Start(0us, kWorker, WorkAddr{work});
    return Payload(t.events()[0], t.names(), style_);
  }

  // All pages of `bytes`; what follows the last whole one is left out.
  EventBatch Decode(const std::string& bytes) {
    EventBatch events;
    const std::span<const std::byte> all(reinterpret_cast<const std::byte*>(bytes.data()),
                                         bytes.size());
    for (size_t at = 0; at + 4096 <= all.size(); at += 4096) {
      // Each page in memory of its own, so that reading beyond it is found.
      const std::vector<std::byte> page(all.begin() + static_cast<ptrdiff_t>(at),
                                        all.begin() + static_cast<ptrdiff_t>(at + 4096));
      decoder_->Decode(page, records_, events);
    }
    return events;
  }

  std::vector<Nanos> TimesOf(const EventBatch& events) {
    std::vector<Nanos> times;
    for (const Event& e : events) times.push_back(e.at.time_since_epoch());
    return times;
  }

  // A page with one start event, whose header the test then breaks.
  std::string OneEventPage() {
    writer_.Record(1000, StartOf(1));
    return writer_.Take();
  }

  DatStyle style_;
  Symbols symbols_{""};
  NameTable names_;
  DecodeContext context_;
  RecordDecoder records_{context_, names_};
  std::unique_ptr<PageDecoder> decoder_;
  PageWriter writer_{PageStyle{}};
};

void SetCommit(std::string& page, uint64_t commit) {
  ByteWriter w(false);
  page.replace(8, 8, w.U64(commit).bytes());
}

TEST_F(PageDecoderTest, AnActivationOfTheSameSectionTravelsWithinItsQueueEvent) {
  TraceBuilder t;
  t.Queue(1us, kTask, kWorkA).Activate(1100ns, kTask, kWorkA);                   // joined
  t.Queue(2us, kTask, kWorkA).Activate(2100ns, kTask, kWorkB);                   // of another work
  t.Queue(3us, kTask, kWorkA).Activate(3100ns, kWorker, kWorkA);                 // of another task
  t.Queue(4us, kTask, kWorkA).Activate(4100ns, kTask.In(kFlagHardirq), kWorkA);  // interrupted
  t.Activate(5us, kTask, kWorkA);                                                // alone
  t.Queue(6us, kTask, kWorkA).Start(6100ns, kWorker, kWorkB).Activate(6200ns, kTask, kWorkA);
  for (Event e : t.events()) {
    // The builder's activations name none.
    if (e.kind == EventKind::kActivateWork) e.work.function = t.Intern(Job{}.function);
    writer_.Record(static_cast<uint64_t>(e.at.time_since_epoch().count()),
                   Payload(e, t.names(), style_));
  }
  std::vector<std::pair<EventKind, uint32_t>> found;
  for (const Event& e : Decode(writer_.Take())) {
    found.emplace_back(e.kind, e.kind == EventKind::kQueueWork ? e.work.activation : 0);
  }
  constexpr EventKind kQueue = EventKind::kQueueWork, kActivate = EventKind::kActivateWork;
  EXPECT_EQ(found, (std::vector<std::pair<EventKind, uint32_t>>{{kQueue, 101},
                                                                {kQueue, 0},
                                                                {kActivate, 0},
                                                                {kQueue, 0},
                                                                {kActivate, 0},
                                                                {kQueue, 0},
                                                                {kActivate, 0},
                                                                {kActivate, 0},
                                                                {kQueue, 0},
                                                                {EventKind::kExecuteStart, 0},
                                                                {kActivate, 0}}));
}

TEST_F(PageDecoderTest, TimesAreSumsOfDeltas) {
  writer_.Record(1000, StartOf(1));
  writer_.Record(1000, StartOf(2));
  writer_.Record(1007, StartOf(3));
  writer_.Record(1007 + (uint64_t{1} << 27), StartOf(4));  // needs a time extend
  writer_.Record(1007 + (uint64_t{1} << 27) + 1, StartOf(5));
  writer_.Record(uint64_t{1} << 58, StartOf(6));
  EXPECT_EQ(TimesOf(Decode(writer_.Take())),
            (std::vector<Nanos>{1000ns, 1000ns, 1007ns, 134218735ns, 134218736ns,
                                Nanos(int64_t{1} << 58)}));
}

TEST_F(PageDecoderTest, AbsoluteStampsKeepTheUpperBitsOfTheRunningTime) {
  PageWriter writer({.absolute_times = true});
  const uint64_t high = uint64_t{0x06} << 59;  // above the 59 bits of an absolute stamp
  writer.Record(high + 5, StartOf(1));
  writer.Record(high + 900, StartOf(2));
  EXPECT_EQ(TimesOf(Decode(writer.Take())),
            (std::vector<Nanos>{Nanos(static_cast<int64_t>(high + 5)),
                                Nanos(static_cast<int64_t>(high + 900))}));
}

TEST_F(PageDecoderTest, PaddingWithoutDeltaEndsThePage) {
  writer_.Record(1000, StartOf(1));
  writer_.Padding();
  writer_.Raw(std::string(64, '\x55'));
  EXPECT_EQ(Decode(writer_.Take()).size(), 1u);
  EXPECT_EQ(decoder_->stats().corrupt_pages, 0u);
}

TEST_F(PageDecoderTest, ADiscardedRecordIsSteppedOver) {
  writer_.Record(1000, StartOf(1));
  writer_.Discarded(24);
  writer_.Record(1010, StartOf(2));
  EXPECT_EQ(TimesOf(Decode(writer_.Take())), (std::vector<Nanos>{1000ns, 1010ns}));
}

TEST_F(PageDecoderTest, RecordsOfUnknownEventsAreCountedAndSteppedOver) {
  writer_.Record(1000, StartOf(1));
  writer_.Record(1001, ByteWriter(false).U16(999).U8(0).U8(0).U32(1).Array("x", 200).Take());
  writer_.Record(1002, StartOf(2));
  EXPECT_EQ(Decode(writer_.Take()).size(), 2u);
  EXPECT_EQ(decoder_->stats().records.at(0), 1u);
}

TEST_F(PageDecoderTest, ALossBeforeAPageStandsBetweenItsNeighbours) {
  writer_.Record(1000, StartOf(1));
  writer_.Lose(870);
  writer_.Record(5000, StartOf(2));
  const EventBatch events = Decode(writer_.Take());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].kind, EventKind::kLossBegin);
  EXPECT_EQ(events[1].at, Timestamp(1000ns));
  EXPECT_EQ(events[1].cpu, Cpu{1});
  EXPECT_TRUE(events[1].loss.known);
  EXPECT_EQ(events[1].loss.count, 870u);
  EXPECT_EQ(events[2].kind, EventKind::kLossEnd);
  EXPECT_EQ(events[2].at, Timestamp(5000ns));
  EXPECT_EQ(decoder_->stats().lost_events, 870u);
}

TEST_F(PageDecoderTest, ALossOfAnUnknownNumberIsALoss) {
  writer_.Record(1000, StartOf(1));
  writer_.Lose(std::nullopt);
  writer_.Record(5000, StartOf(2));
  const EventBatch events = Decode(writer_.Take());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_FALSE(events[1].loss.known);
  EXPECT_EQ(decoder_->stats().gaps_without_count, 1u);
}

TEST_F(PageDecoderTest, ALossBeforeTheFirstPageReachesBackToTheBeginning) {
  writer_.Lose(3);
  writer_.Record(5000, StartOf(1));
  const EventBatch events = Decode(writer_.Take());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, EventKind::kLossBegin);
  EXPECT_LE(events[0].at, Timestamp(0ns));
  EXPECT_EQ(events[1].kind, EventKind::kLossEnd);
  EXPECT_EQ(events[1].at, Timestamp(5000ns));
}

TEST_F(PageDecoderTest, ACommitLargerThanThePageYieldsNothing) {
  for (const uint64_t commit : {uint64_t{4081}, uint64_t{4096}, uint64_t{0x3fffffff}}) {
    std::string page = OneEventPage();
    SetCommit(page, commit);
    for (const Event& e : Decode(page)) EXPECT_EQ(e.kind, EventKind::kLossBegin);
  }
  EXPECT_GT(decoder_->stats().corrupt_pages, 0u);
}

TEST_F(PageDecoderTest, AZeroLengthRecordEndsThePageAndLoopsNever) {
  writer_.Record(1000, StartOf(1));
  writer_.Raw(ByteWriter(false).U32(0).U32(0).U32(0).U32(0).bytes());
  EXPECT_EQ(Decode(writer_.Take()).size(), 1u);
  EXPECT_EQ(decoder_->stats().corrupt_pages, 1u);
}

TEST_F(PageDecoderTest, LengthsBelowFourAndBeyondThePageAreFaults) {
  for (const uint32_t length : {1u, 2u, 3u, 5000u, 0x7fffffffu, 0xfffffffdu, 0xffffffffu}) {
    for (const uint32_t type : {0u, 29u | 1u << 5}) {
      PageWriter writer(PageStyle{});
      writer.Record(1000, StartOf(1));
      writer.Raw(ByteWriter(false).U32(type).U32(length).U64(0).bytes());
      const uint64_t before = decoder_->stats().corrupt_pages;
      EventBatch events = Decode(writer.Take());
      std::erase_if(events, [](const Event& e) { return e.kind != EventKind::kExecuteStart; });
      EXPECT_EQ(events.size(), 1u) << length;
      EXPECT_EQ(decoder_->stats().corrupt_pages, before + 1) << length;
    }
  }
}

TEST_F(PageDecoderTest, ARecordShorterThanItsEventIsAFaultNotAGuess) {
  writer_.Record(1000, StartOf(1));
  writer_.Record(1001, StartOf(2).substr(0, 12));
  writer_.Record(1002, StartOf(3));
  EXPECT_EQ(Decode(writer_.Take()).size(), 1u);
  EXPECT_EQ(decoder_->stats().corrupt_pages, 1u);
}

TEST_F(PageDecoderTest, EventsAfterADamagedPageFollowALossOfUnknownNumber) {
  std::string broken = OneEventPage();
  SetCommit(broken, 4096);
  PageWriter good(PageStyle{});
  good.Record(9000, StartOf(2));
  const EventBatch events = Decode(broken + good.Take());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, EventKind::kLossBegin);
  EXPECT_FALSE(events[0].loss.known);
  EXPECT_EQ(events[1].kind, EventKind::kLossEnd);
  EXPECT_EQ(events[2].at, Timestamp(9000ns));
}

TEST_F(PageDecoderTest, TimesThatGoBackwardsAreCountedAndHeldBack) {
  writer_.Record(5000, StartOf(1));
  writer_.EndPage();
  writer_.Record(1000, StartOf(2));
  const EventBatch events = Decode(writer_.Take());
  EXPECT_EQ(TimesOf(events), (std::vector<Nanos>{5000ns, 5000ns}));
  EXPECT_EQ(decoder_->stats().time_reversals, 1u);
}

TEST_F(PageDecoderTest, AWorkqueueNameOutsideOfItsRecordIsUnknown) {
  TraceBuilder t;
  t.Queue(0us, kTask, kWorkA, {"f", "name", 0});
  for (const uint32_t location : {0xffff0008u, 0x0008ffffu, 0xffffffffu, 0x00010fffu}) {
    std::string payload = Payload(t.events()[0], t.names(), style_);
    payload.replace(24, 4, ByteWriter(false).U32(location).bytes());
    PageWriter writer(PageStyle{});
    writer.Record(1000, payload);
    const EventBatch events = Decode(writer.Take());
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].work.workqueue, NameId::kUnknown);
  }
}

TEST_F(PageDecoderTest, AWorkqueueNameWithoutNulEndsWithItsLength) {
  TraceBuilder t;
  t.Queue(0us, kTask, kWorkA, {"f", "abcdefg", 0});
  std::string payload = Payload(t.events()[0], t.names(), style_);
  payload.replace(24, 4, ByteWriter(false).U32(4u << 16 | 40).bytes());
  writer_.Record(1000, payload);
  const EventBatch events = Decode(writer_.Take());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(names_.Get(events[0].work.workqueue), "abcd");
}

TEST_F(PageDecoderTest, CpusBeyondThoseOfTheMachineMeanNone) {
  TraceBuilder t;
  t.Queue(0us, kTask, kWorkA, {"f", "wq", -1, -1});  // written as -1 and 8192
  writer_.Record(1000, Payload(t.events()[0], t.names(), style_));
  const EventBatch events = Decode(writer_.Take());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].work.target_cpu, Cpu::kNone);
  EXPECT_EQ(events[0].work.requested_cpu, Cpu::kNone);
}

TEST_F(PageDecoderTest, AnyByteOfAPageMayBeWrong) {
  std::string page;
  for (uint64_t n = 0; n < 100; ++n) writer_.Record(1000 + n, StartOf(n));
  page = writer_.Take();
  for (size_t at = 0; at < page.size(); at += 3) {
    for (const char wrong : {'\0', '\x1d', '\x7f', '\xff'}) {
      std::string copy = page;
      copy[at] = wrong;
      EventBatch events = Decode(copy);
      ASSERT_LE(events.size(), 4096 / 4u);
      for (size_t i = 1; i < events.size(); ++i) ASSERT_LE(events[i - 1].at, events[i].at);
    }
  }
}

// Queue events and stacks, in the record that a test makes of them.
class StackDecoderTest : public ::testing::TestWithParam<int> {
 protected:
  StackDecoderTest() {
    style_.long_size = GetParam();
    std::vector<EventFormat> formats;
    for (const EventKind kind :
         {EventKind::kQueueWork, EventKind::kExecuteStart, EventKind::kQueueStack}) {
      formats.push_back(*ParseEventFormat("workqueue", FormatText(kind, style_)));
    }
    context_.page = *ParseHeaderPage(EncodeDat(TraceBuilder(), style_).header_page);
    context_.layout = *MakeLayout(formats, style_.long_size);
    context_.page_size = style_.page_size;
    context_.symbols = &symbols_;
    context_.stacks = &stacks_;
    decoder_ = std::make_unique<PageDecoder>(context_, Cpu{0});
  }

  std::string QueueBy(const Emitter& by = kTask) {
    TraceBuilder t;
    t.Queue(0us, by, WorkAddr{0x1000}, {"f", "wq", 0});
    return Payload(t.events()[0], t.names(), style_);
  }
  // `said`: what it says itself of how many addresses it has.
  std::string StackOf(int32_t said, const std::vector<uint64_t>& addresses,
                      const Emitter& by = kTask) {
    const size_t size = static_cast<size_t>(style_.long_size);
    ByteWriter w(false);
    w.U16(static_cast<uint64_t>(IdOf(EventKind::kQueueStack))).U8(by.flags).U8(0);
    w.U32(static_cast<uint32_t>(by.pid)).U32(static_cast<uint32_t>(said)).PadTo(size);
    for (const uint64_t address : addresses) w.Number(address, size);
    return w.Take();
  }
  // The stacks that belong to queue events, by name.
  std::vector<std::string> Decode(PageWriter& writer) {
    EventBatch events;
    const std::string bytes = writer.Take();
    for (size_t at = 0; at + style_.page_size <= bytes.size(); at += style_.page_size) {
      const auto* const begin = reinterpret_cast<const std::byte*>(bytes.data()) + at;
      decoder_->Decode(std::vector<std::byte>(begin, begin + style_.page_size), records_, events);
    }
    std::vector<std::string> out;
    for (const Event& e : events) {
      if (e.kind == EventKind::kQueueStack) out.emplace_back(names_.Get(e.queue_stack.stack));
    }
    return out;
  }
  std::vector<std::string> DecodeOne(const std::string& stack) {
    PageWriter writer(Style());
    writer.Record(1000, QueueBy());
    writer.Record(1001, stack);
    return Decode(writer);
  }
  PageStyle Style() const { return {.long_size = style_.long_size}; }

  DatStyle style_;
  Symbols symbols_{
      "0000000000001000 t on_top\n0000000000002000 T queue_work_on\n0000000000003000 t f\t[m]\n"
      "0000000000004000 t entry\n"};
  NameTable names_;
  StackTable stacks_{symbols_, names_};
  DecodeContext context_;
  RecordDecoder records_{context_, names_};
  std::unique_ptr<PageDecoder> decoder_;
};

INSTANTIATE_TEST_SUITE_P(LongSizes, StackDecoderTest, ::testing::Values(4, 8));

using Texts = std::vector<std::string>;

TEST_P(StackDecoderTest, AStackIsNamedByItsFunctions) {
  EXPECT_EQ(DecodeOne(StackOf(3, {0x2010, 0x3000, 0x4ff0})), Texts{"queue_work_on;f [m];entry"});
  EXPECT_EQ(decoder_->stats().queue_stacks, 1u);
  // Where in a function does not matter.
  const size_t names = names_.size();
  EXPECT_EQ(DecodeOne(StackOf(3, {0x2014, 0x3008, 0x4f00})), Texts{"queue_work_on;f [m];entry"});
  EXPECT_EQ(names_.size(), names);
}

TEST_P(StackDecoderTest, ARecordHoldsAsManyAddressesAsFitWhateverItSays) {
  EXPECT_EQ(DecodeOne(StackOf(0, {0x2010, 0x3000})), Texts{""});
  EXPECT_EQ(DecodeOne(StackOf(-1, {0x2010, 0x3000})), Texts{""});
  EXPECT_EQ(DecodeOne(StackOf(1, {0x2010, 0x3000})), Texts{"queue_work_on"});
  EXPECT_EQ(DecodeOne(StackOf(1000, {0x2010, 0x3000})), Texts{"queue_work_on;f [m]"});
  EXPECT_EQ(DecodeOne(StackOf(INT32_MAX, {})), Texts{""});
  EXPECT_EQ(DecodeOne(StackOf(INT32_MIN, {0x2010})), Texts{""});
  EXPECT_EQ(decoder_->stats().corrupt_pages, 0u);
}

TEST_P(StackDecoderTest, ZeroAndAllBitsEndAStackEarly) {
  EXPECT_EQ(DecodeOne(StackOf(4, {0x2010, 0x3000, ~uint64_t{0}, 0x4000})),
            Texts{"queue_work_on;f [m]"});
  EXPECT_EQ(DecodeOne(StackOf(3, {0x2010, 0, 0x4000})), Texts{"queue_work_on"});
}

TEST_P(StackDecoderTest, OfADeepStackTheInnerFramesAreKept) {
  const size_t most = StackTable::kMaxFrames;
  std::vector<uint64_t> addresses(most, 0x4000);
  addresses[0] = 0x2010;
  const auto depth = [&] { return static_cast<int32_t>(addresses.size()); };
  EXPECT_EQ(FramesOf(DecodeOne(StackOf(depth(), addresses))[0]).size(), most);
  addresses.push_back(0x3000);
  const std::string cut = DecodeOne(StackOf(depth(), addresses))[0];
  EXPECT_EQ(FramesOf(cut).size(), most + 1);
  EXPECT_TRUE(cut.ends_with(";entry;...")) << cut;
}

TEST_P(StackDecoderTest, AStackBelongsToTheQueueEventBeforeItAndToNoOther) {
  const std::string stack = StackOf(1, {0x2010});
  PageWriter writer(Style());
  writer.Record(1000, stack);  // of what came before the first page
  writer.Record(1001, QueueBy());
  writer.Record(1002, stack);
  writer.Record(1003, stack);  // of an event of no use
  writer.Record(1004, QueueBy(kOtherTask.On(0)));
  writer.Record(1005, stack);  // of another task
  writer.Record(1006, QueueBy());
  writer.Record(1007, StackOf(1, {0x2010}, kTask.In(kFlagHardirq)));  // of an interrupt
  EXPECT_EQ(Decode(writer), Texts{"queue_work_on"});
  EXPECT_EQ(decoder_->stats().queue_stacks, 1u);
}

TEST_P(StackDecoderTest, AStackOnTheNextPageIsFoundUnlessEventsWereLostBetween) {
  const std::string stack = StackOf(1, {0x2010});
  PageWriter writer(Style());
  writer.Record(1000, QueueBy());
  writer.EndPage();
  writer.Record(1001, stack);
  writer.Record(1002, QueueBy());
  writer.EndPage();
  writer.Lose(2);
  writer.Record(1003, stack);
  writer.Record(1004, QueueBy());
  EXPECT_EQ(Decode(writer).size(), 1u);
}

TEST_P(StackDecoderTest, BeyondAsManyAsAreKeptStacksAreOthers) {
  PageWriter writer(Style());
  for (uint64_t i = 0; i < StackTable::kMaxStacks + 100; ++i) {
    writer.Record(1000 + 2 * i, QueueBy());
    writer.Record(1001 + 2 * i, StackOf(2, {0x2010, 0x100000000 + i * 0x100000000}));
  }
  const Texts stacks = Decode(writer);
  ASSERT_EQ(stacks.size(), StackTable::kMaxStacks + 100);
  if (GetParam() == 4) return;  // they are all the same
  EXPECT_EQ(std::count(stacks.begin(), stacks.end(), kOtherStacks), 100);
  EXPECT_EQ(names_.size(), size_t{3} + StackTable::kMaxStacks + 3);
  // Those that are known stay known.
  EXPECT_EQ(DecodeOne(StackOf(2, {0x2010, 0x100000000})), Texts{stacks[0]});
}

TEST_P(StackDecoderTest, WithoutATableAStackHasNoName) {
  context_.stacks = nullptr;
  EXPECT_EQ(DecodeOne(StackOf(1, {0x2010})), Texts{""});
}

}  // namespace
}  // namespace wqprof::testing
