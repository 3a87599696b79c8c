// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_TRACE_BUILDER_H_
#define WQPROF_TESTS_SUPPORT_TRACE_BUILDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "wqprof/event_source.h"

namespace wqprof::testing {

// Who emits an event, on which CPU, in which context.
struct Emitter {
  int pid = 0;
  std::string_view comm;
  int cpu = 0;
  uint8_t flags = 0;

  Emitter On(int other_cpu) const { return {pid, comm, other_cpu, flags}; }
  Emitter In(uint8_t context_flags) const { return {pid, comm, cpu, context_flags}; }
  Emitter Named(std::string_view other_comm) const { return {pid, other_comm, cpu, flags}; }
};

// What a work does, and where it was put.
struct Job {
  std::string_view function = "work_fn";
  std::string_view workqueue = "wq";
  int target_cpu = 0;  // -1: unbound
  int requested_cpu = -1;
};

inline constexpr WorkAddr kWorkA{0xffff888000001000};
inline constexpr WorkAddr kWorkB{0xffff888000002000};
inline constexpr WorkAddr kWorkC{0xffff888000003000};

inline constexpr Emitter kTask{500, "task", 0, 0};
inline constexpr Emitter kOtherTask{501, "other", 1, 0};
inline constexpr Emitter kWorker{10, "kworker/0:1", 0, 0};
inline constexpr Emitter kWorker2{11, "kworker/0:2", 0, 0};
inline constexpr Emitter kWorkerOn1{20, "kworker/1:1", 1, 0};
inline constexpr Emitter kUnboundWorker{30, "kworker/u8:1", 0, 0};
inline constexpr Emitter kUnboundWorker2{31, "kworker/u8:2", 1, 0};
inline constexpr Job kUnboundJob{"work_fn", "unbound_wq", -1, -1};
inline constexpr Job kBarrierJob{"wq_barrier_func", "", -1, -1};

// A trace written by hand: events are added in time order, as a merged trace holds them,
// and read back as from any other source, also more than once.
class TraceBuilder : public EventSource {
 public:
  TraceBuilder();

  TraceBuilder& Queue(Nanos at, const Emitter& by, WorkAddr work, const Job& job = {});
  TraceBuilder& Activate(Nanos at, const Emitter& by, WorkAddr work);
  TraceBuilder& Start(Nanos at, const Emitter& by, WorkAddr work, const Job& job = {});
  TraceBuilder& End(Nanos at, const Emitter& by, WorkAddr work, const Job& job = {});
  // Queue and activate at one instant, as __queue_work() does below max_active.
  TraceBuilder& Put(Nanos at, const Emitter& by, WorkAddr work, const Job& job = {});
  // Start and end by one worker.
  TraceBuilder& Run(Nanos from, Nanos to, const Emitter& by, WorkAddr work, const Job& job = {});
  // The function of an end event is unknown, as before 5.6.
  TraceBuilder& EndWithoutFunction(Nanos at, const Emitter& by, WorkAddr work);
  // `count` events of `cpu` are missing between two instants; negative: nobody knows how many.
  TraceBuilder& Loss(Nanos from, Nanos to, int cpu, int64_t count = 1);
  TraceBuilder& LossBegin(Nanos at, int cpu, int64_t count = 1);
  TraceBuilder& LossEnd(Nanos at, int cpu, int64_t count = 1);
  TraceBuilder& Switch(Nanos at, int cpu, const Emitter& from, const Emitter& to,
                       char prev_state = 'S', bool preempted = false);
  // sched_waking of `target`, emitted by `by`; sched_wakeup, when it is on the runqueue.
  TraceBuilder& Waking(Nanos at, const Emitter& by, const Emitter& target);
  TraceBuilder& Wakeup(Nanos at, const Emitter& by, const Emitter& target);
  // timer_start and timer_expire_entry of a delayed work's timer, which lies 32 bytes behind its
  // work; jiffies are counted from 0 at the time 0, `hz` a second.
  TraceBuilder& Arm(Nanos at, const Emitter& by, WorkAddr work, uint32_t timeout_jiffies,
                    int hz = 250);
  TraceBuilder& Expire(Nanos at, const Emitter& by, WorkAddr work);
  // The stack of a queue event, which comes before it: "queue_work_on;aio_fsync".
  TraceBuilder& Stack(Nanos at, const Emitter& by, std::string_view stack);
  TraceBuilder& Rename(Nanos at, const Emitter& by, int pid, std::string_view comm);
  TraceBuilder& Fork(Nanos at, const Emitter& by, int child, std::string_view comm);
  TraceBuilder& Exit(Nanos at, const Emitter& by);
  // irq_handler_entry, ..., softirq_exit.
  TraceBuilder& Interrupt(Nanos at, const Emitter& by, EventKind kind);
  // softirq_entry of that softirq, as Event::Softirq has it.
  TraceBuilder& Softirq(Nanos at, const Emitter& by, uint64_t vec);
  // An event that says nothing of works: something happened on a CPU at that time.
  TraceBuilder& Tick(Nanos at, int cpu);
  TraceBuilder& Add(const Event& event);
  // Other events instead of all so far; their names are those of this trace.
  TraceBuilder& Replace(std::vector<Event> events);

  // The name that saved_cmdlines has for a task; "" for none.  Emitters' are known.
  TraceBuilder& Comm(int pid, std::string_view comm);
  // From when on all CPUs are covered.  Unless set: the first event of the last CPU to have
  // one.
  TraceBuilder& CoveredFrom(Nanos at);
  TraceBuilder& WithoutActivate();
  // Which events the recorder noted as enabled; all of them unless told.  Nothing: no note.
  TraceBuilder& Noted(std::optional<WorkqueueEvents> events);
  // What uname tells: with it a trace is one of a machine.
  TraceBuilder& Uname(std::string_view text);
  // Drops the workqueue events of other kinds, as if they had not been recorded.
  TraceBuilder& Only(WorkqueueEvents kept);
  TraceBuilder& Clock(std::string_view name, bool is_ns);
  TraceBuilder& BatchSize(size_t events);

  TraceInfo& mutable_info() { return info_; }
  NameId Intern(std::string_view name) { return names_->Intern(name); }
  std::span<const Event> events() const { return events_; }
  // Makes Next() begin anew, and the facts of the trace fit its events.
  void Rewind();

  absl::StatusOr<std::span<const Event>> Next() override;
  const TraceInfo& info() const override { return info_; }
  const ReadStats& stats() const override { return stats_; }
  const NameTable& names() const override { return *names_; }
  NameId CommOf(Pid pid) const override;

 private:
  Event Blank(Nanos at, const Emitter& by, EventKind kind);
  TraceBuilder& AddWork(Nanos at, const Emitter& by, EventKind kind, WorkAddr work, const Job& job);
  TraceBuilder& Wake(EventKind kind, Nanos at, const Emitter& by, const Emitter& target);
  TraceBuilder& AddLoss(Nanos at, int cpu, EventKind kind, int64_t count);

  std::shared_ptr<NameTable> names_ = std::make_shared<NameTable>();  // copies share it
  std::vector<Event> events_;
  std::map<Pid, NameId> comms_;
  TraceInfo info_;
  ReadStats stats_;
  Timestamp covered_from_ = kUnseen;
  size_t batch_size_ = SIZE_MAX;
  size_t next_ = 0;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_TRACE_BUILDER_H_
