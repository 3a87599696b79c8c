// SPDX-License-Identifier: Apache-2.0
#include "live/flush_watch.h"

#ifdef WQPROF_BPF

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flush_waits.skel.h"
#include "live/bpf/flush_records.h"
#include "live/bpf_iterator.h"
#include "live/metadata.h"
#include "live/tracefs.h"

namespace wqprof {
namespace {

constexpr char kWithoutFentry[] = "WQPROF_WITHOUT_FENTRY";

Timestamp Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Timestamp(std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec));
}

FlushKind KindOf(unsigned kind) {
  switch (kind) {
    case FLUSH_CANCEL:
      return FlushKind::kCancelWork;
    case FLUSH_WORKQUEUE:
      return FlushKind::kFlushWorkqueue;
    case FLUSH_DRAIN:
      return FlushKind::kDrainWorkqueue;
    default:
      return FlushKind::kFlushWork;
  }
}

// Which functions the running kernel has, and how many arguments they take.
class KernelFunctions {
 public:
  KernelFunctions() : btf_(btf__load_vmlinux_btf()), symbols_(ReadKernelSymbols()) {}
  ~KernelFunctions() { btf__free(btf_); }
  KernelFunctions(const KernelFunctions&) = delete;
  KernelFunctions& operator=(const KernelFunctions&) = delete;

  bool ok() const { return btf_ != nullptr; }
  // -1: there is none of that name to which a program can be attached.
  int Arguments(const char* name) const {
    // BTF also has functions of which the compiler made others.
    if (!symbols_.text.empty() && symbols_.AddressOf(name) == 0) return -1;
    const int id = btf__find_by_name_kind(btf_, name, BTF_KIND_FUNC);
    if (id < 0) return -1;
    const btf_type* const function = btf__type_by_id(btf_, static_cast<uint32_t>(id));
    const btf_type* const type = btf__type_by_id(btf_, function->type);
    return type == nullptr ? -1 : static_cast<int>(btf_vlen(type));
  }
  bool Has(const char* name) const { return Arguments(name) > 0; }
  // The first of them that is there; nullptr: none.
  const char* First(std::initializer_list<const char*> names) const {
    const auto* const found =
        std::find_if(names.begin(), names.end(), [this](const char* name) { return Has(name); });
    return found == names.end() ? nullptr : *found;
  }

 private:
  btf* const btf_;
  const KernelSymbols symbols_;
};

// What refuses programs at functions need not refuse those that only walk.
std::string WhyNotLoaded(int error) {
  const bool allowed = geteuid() == 0 && LockdownMode() != "confidentiality";
  if (error == EPERM && allowed) return "the kernel refuses BPF programs at its functions (fentry)";
  if (error == EACCES && allowed) return "the kernel's verifier refused the BPF program";
  return bpf::WhyNot(error);
}

std::string WhyNotAttached(const char* function, int error) {
  constexpr int kNotSupported = 524;  // the kernel's own ENOTSUPP
  return error == kNotSupported
             ? "the kernel cannot attach BPF programs to functions on this architecture"
             : fmt::format("the kernel refused a program at {}: {}", function, strerror(error));
}

// The program as it is loaded and attached.
class LoadedWatch : public FlushWatch {
 public:
  explicit LoadedWatch(flush_waits* skeleton, Nanos floor) : skeleton_(skeleton) {
    log_.source = "bpf";
    log_.floor = floor;
    for (size_t i = 0; i < kFlushKinds; ++i) {
      log_.hooks.push_back({static_cast<FlushKind>(i), {}, "", std::nullopt, std::nullopt});
    }
  }
  ~LoadedWatch() override {
    for (const Pair& pair : pairs_) Detach(pair);
    ring_buffer__free(ring_);
    flush_waits::destroy(skeleton_);
  }

  // Decides what is attached to what, loads and attaches.
  absl::Status Begin(const KernelFunctions& kernel) {
    Choose(kernel);
    skeleton_->rodata->floor_ns = static_cast<uint64_t>(log_.floor.count());
    if (const int error = flush_waits::load(skeleton_); error != 0) {
      return absl::UnavailableError(WhyNotLoaded(-error));
    }
    ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.waits), OnRecord, this, nullptr);
    if (ring_ == nullptr) return absl::UnavailableError(bpf::WhyNot(errno));
    for (Pair& pair : pairs_) Attach(pair);
    for (FlushHook& hook : log_.hooks) {
      if (hook.functions.empty() && hook.absent_by.empty()) {
        hook.absent_by = "the kernel has no such function at which a program can be";
      }
    }
    log_.begin = Now();
    skeleton_->bss->watching = 1;
    const bool any = std::any_of(log_.hooks.begin(), log_.hooks.end(),
                                 [](const FlushHook& hook) { return !hook.functions.empty(); });
    return any ? absl::OkStatus() : absl::UnavailableError(log_.hooks[0].absent_by);
  }

  void Take(const Taker& take) override {
    take_ = &take;
    ring_buffer__consume(ring_);
    take_ = nullptr;
  }

  FlushLog Look() const override {
    FlushLog log = log_;
    AddCounts(log);
    for (FlushHook& hook : log.hooks) hook.calls = hook.waited = std::nullopt;
    log.end = Now();
    return log;
  }

  FlushLog End(const Taker& take) override {
    log_.end = Now();
    skeleton_->bss->watching = 0;
    for (Pair& pair : pairs_) {
      AddMisses(*pair.enter);
      AddMisses(*pair.leave);
      Detach(pair);
      pair.enter_link = pair.leave_link = nullptr;
    }
    Take(take);
    AddCounts(log_);
    return std::move(log_);
  }

 private:
  // The programs at both ends of one of the kernel's functions.
  struct Pair {
    std::vector<FlushKind> kinds;  // that it shows
    const char* function;          // nullptr: absent
    bpf_program *enter, *leave;
    bpf_link *enter_link = nullptr, *leave_link = nullptr;
  };

  void Choose(const KernelFunctions& kernel) {
    const auto& programs = skeleton_->progs;
    using Kinds = std::vector<FlushKind>;
    // Below both flush_work() and cancel_work_sync(), with an argument that says for which; but the
    // compiler may have inlined it in either.
    const bool both = kernel.Arguments("__flush_work") >= 2;
    skeleton_->rodata->has_from_cancel = both ? 1 : 0;
    pairs_.push_back({{FlushKind::kFlushWork},
                      kernel.First({"flush_work"}),
                      programs.enter_flush,
                      programs.leave_flush});
    const char* const cancel = kernel.First({"__cancel_work_timer", "cancel_work_sync"});
    pairs_.push_back(
        {{FlushKind::kCancelWork}, cancel, programs.enter_cancel, programs.leave_cancel});
    const bool of_all = cancel != nullptr && std::string_view(cancel) == "__cancel_work_timer";
    pairs_.push_back({{FlushKind::kCancelWork},
                      of_all ? nullptr : kernel.First({"cancel_delayed_work_sync"}),
                      programs.enter_cancel_delayed,
                      programs.leave_cancel_delayed});
    pairs_.push_back(
        {both ? Kinds{FlushKind::kFlushWork, FlushKind::kCancelWork} : Kinds{FlushKind::kFlushWork},
         kernel.First({"__flush_work"}), programs.enter_flush_work, programs.leave_flush_work});
    pairs_.push_back({{FlushKind::kFlushWorkqueue},
                      kernel.First({"__flush_workqueue", "flush_workqueue"}),
                      programs.enter_flush_workqueue,
                      programs.leave_flush_workqueue});
    pairs_.push_back({{FlushKind::kDrainWorkqueue},
                      kernel.First({"drain_workqueue"}),
                      programs.enter_drain,
                      programs.leave_drain});
    for (Pair& pair : pairs_) Aim(pair);
  }

  // Says to which function both are attached, so that they can be loaded.
  void Aim(Pair& pair) {
    for (bpf_program* const program : {pair.enter, pair.leave}) {
      const int error = pair.function == nullptr
                            ? -ENOENT
                            : bpf_program__set_attach_target(program, 0, pair.function);
      if (error != 0) pair.function = nullptr;
    }
    for (bpf_program* const program : {pair.enter, pair.leave}) {
      bpf_program__set_autoload(program, pair.function != nullptr);
    }
  }

  // The end first: a beginning without an end would stay open.
  void Attach(Pair& pair) {
    if (pair.function == nullptr) return;
    pair.leave_link = bpf_program__attach(pair.leave);
    if (pair.leave_link != nullptr) pair.enter_link = bpf_program__attach(pair.enter);
    const int error = errno;
    const bool attached = pair.enter_link != nullptr;
    if (!attached) {
      Detach(pair);
      pair.leave_link = nullptr;
    }
    for (const FlushKind kind : pair.kinds) {
      FlushHook& hook = log_.hooks[static_cast<size_t>(kind)];
      if (attached) {
        hook.functions.emplace_back(pair.function);
      } else {
        hook.absent_by = WhyNotAttached(pair.function, error);
      }
    }
  }

  static void Detach(const Pair& pair) {
    bpf_link__destroy(pair.enter_link);
    bpf_link__destroy(pair.leave_link);
  }

  // A program that is interrupted by itself on its CPU is left out there.
  void AddMisses(const bpf_program& program) {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    const int fd = bpf_program__fd(&program);
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
      log_.unfollowed += info.recursion_misses;
    }
  }

  void AddCounts(FlushLog& log) const {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) return;
    std::vector<flush_count> each(static_cast<size_t>(cpus));
    for (uint32_t kind = 0; kind < FLUSH_KINDS; ++kind) {
      if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counts), &kind, each.data()) != 0) return;
      FlushHook& hook = log.hooks[static_cast<size_t>(KindOf(kind))];
      if (hook.functions.empty()) continue;
      hook.calls = hook.waited = 0;
      for (const flush_count& count : each) {
        *hook.calls += count.calls;
        *hook.waited += count.waited;
        log.lost += count.lost;
        log.unfollowed += count.unfollowed;
      }
    }
  }

  static int OnRecord(void* self, void* data, size_t size) {
    if (size < sizeof(flush_record)) return 0;
    const auto& record = *static_cast<const flush_record*>(data);
    FlushWait wait;
    wait.kind = KindOf(record.kind);
    wait.begin = Timestamp(Nanos(static_cast<int64_t>(record.begin_ns)));
    wait.end = Timestamp(Nanos(static_cast<int64_t>(record.end_ns)));
    wait.task = Pid{record.task};
    wait.comm = bpf::NameOf(record.comm);
    wait.object = record.object;
    wait.workqueue = bpf::NameOf(record.workqueue);
    (*static_cast<LoadedWatch*>(self)->take_)(std::move(wait), record.function);
    return 0;
  }

  flush_waits* const skeleton_;
  ring_buffer* ring_ = nullptr;
  FlushLog log_;
  std::vector<Pair> pairs_;
  const Taker* take_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FlushWatch>> FlushWatch::Load(Nanos floor) {
  // So that tests see what there is without, on kernels that have it.
  if (std::getenv(kWithoutFentry) != nullptr) {
    return absl::UnavailableError(fmt::format("{} is set", kWithoutFentry));
  }
  bpf::BeSilent();
  const KernelFunctions kernel;
  if (!kernel.ok()) return absl::UnavailableError(bpf::WhyNot(ENOENT));
  flush_waits* const skeleton = flush_waits::open();
  if (skeleton == nullptr) return absl::UnavailableError(bpf::WhyNot(errno));
  auto watch = std::make_unique<LoadedWatch>(skeleton, floor);
  if (absl::Status status = watch->Begin(kernel); !status.ok()) return status;
  return watch;
}

}  // namespace wqprof

#else

namespace wqprof {

absl::StatusOr<std::unique_ptr<FlushWatch>> FlushWatch::Load(Nanos) {
  return absl::UnimplementedError("this wqprof was built without BPF");
}

}  // namespace wqprof

#endif
