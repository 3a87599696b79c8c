// SPDX-License-Identifier: Apache-2.0
#include "live/task_stack.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "live/metadata.h"
#include "live/tracefs.h"
#include "live/worker_proc.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

constexpr size_t kMostFrames = 32;
// So long running tasks are sampled, about ten times; the kernel's tick may be coarser.
constexpr Nanos kSampling = std::chrono::milliseconds(12);
constexpr uint64_t kSamplePeriod = 1'000'000;  // ns
constexpr size_t kPages = 8;                   // of samples; a power of two

// Samples of a task that has a CPU.  What it opened it closes.
class Sampler {
 public:
  // Null where there can be none: errno says why.  The event is of the CPU: the first one of a task
  // makes the kernel wait for a grace period of RCU, which a worker that loops in the kernel holds
  // up.
  static std::unique_ptr<Sampler> Open(Pid task, Cpu cpu) {
    perf_event_attr attr{};
    attr.size = sizeof attr;
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CPU_CLOCK;  // a virtual machine may have no other
    attr.sample_period = kSamplePeriod;
    attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_CALLCHAIN;
    attr.exclude_callchain_user = 1;
    attr.sample_max_stack = kMostFrames;
    ScopedFd fd(static_cast<int>(syscall(SYS_perf_event_open, &attr, /*pid=*/-1, ToInt(cpu),
                                         /*group=*/-1, PERF_FLAG_FD_CLOEXEC)));
    if (!fd.ok()) return nullptr;
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* const map =
        mmap(nullptr, (kPages + 1) * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (map == MAP_FAILED) return nullptr;
    return std::unique_ptr<Sampler>(new Sampler(task, std::move(fd), map, page));
  }
  ~Sampler() { munmap(map_, (kPages + 1) * page_); }
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  std::vector<StackSample> Stop() {
    ioctl(fd_.get(), PERF_EVENT_IOC_DISABLE, 0);
    auto* const head = static_cast<perf_event_mmap_page*>(map_);
    const uint64_t size = kPages * page_;
    // Nothing was read, so that the buffer never wrapped.
    const uint64_t used =
        std::min<uint64_t>(size, std::atomic_ref(head->data_head).load(std::memory_order_acquire));
    std::vector<StackSample> out =
        ParseSamples({static_cast<const std::byte*>(map_) + page_, static_cast<size_t>(used)});
    std::erase_if(out, [this](const StackSample& sample) { return sample.task != task_; });
    return out;
  }

 private:
  Sampler(Pid task, ScopedFd fd, void* map, size_t page)
      : task_(task), fd_(std::move(fd)), map_(map), page_(page) {}
  const Pid task_;
  ScopedFd fd_;
  void* const map_;
  const size_t page_;
};

std::string WhyNoSamples(int error) {
  if (error == EPERM || error == EACCES) {
    return fmt::format(
        "the kernel lets nobody sample a CPU without CAP_PERFMON (perf_event_open: {})",
        std::strerror(error));
  }
  return fmt::format("a CPU cannot be sampled (perf_event_open: {})", std::strerror(error));
}

}  // namespace

std::string WhyNotSampled() {
  return Sampler::Open(Pid::kNone, static_cast<Cpu>(std::max(sched_getcpu(), 0))) != nullptr
             ? ""
             : WhyNoSamples(errno);
}

std::vector<StackSample> ParseSamples(std::span<const std::byte> records) {
  std::vector<StackSample> out;
  perf_event_header header;
  while (records.size() >= sizeof header) {
    std::memcpy(&header, records.data(), sizeof header);
    if (header.size < sizeof header || header.size > records.size()) break;
    std::span<const std::byte> body = records.subspan(sizeof header, header.size - sizeof header);
    records = records.subspan(header.size);
    int32_t ids[2];  // of the process, of the thread
    uint64_t count = 0;
    if (header.type != PERF_RECORD_SAMPLE || body.size() < sizeof ids + sizeof count) continue;
    std::memcpy(ids, body.data(), sizeof ids);
    std::memcpy(&count, body.data() + sizeof ids, sizeof count);
    body = body.subspan(sizeof ids + sizeof count);
    StackSample sample;
    sample.task = Pid{ids[1]};
    sample.user = (header.misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_USER;
    for (uint64_t i = 0; i < count && body.size() >= sizeof count; ++i) {
      uint64_t address;
      std::memcpy(&address, body.data(), sizeof address);
      body = body.subspan(sizeof address);
      // Not an address, but whose stack begins here.
      if (address >= static_cast<uint64_t>(PERF_CONTEXT_MAX)) continue;
      if (sample.frames.size() < kMostFrames) sample.frames.push_back(address);
    }
    out.push_back(std::move(sample));
  }
  return out;
}

TaskStack MostFrequent(std::span<const StackSample> samples,
                       const std::function<std::string(uint64_t)>& name_of) {
  std::vector<TaskStack> kinds;
  for (const StackSample& sample : samples) {
    std::vector<std::string> frames;
    for (size_t i = 0; i < sample.frames.size() && !sample.user; ++i) {
      // An outer function is known by where it goes on, which may be behind its end.
      frames.push_back(name_of(sample.frames[i] - (i > 0 ? 1 : 0)));
    }
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const TaskStack& k) {
      return k.in_user_space == sample.user && k.frames == frames;
    });
    if (kind == kinds.end()) {
      kind =
          kinds.insert(kind, TaskStack{TaskDoes::kOnCpu, sample.user, std::move(frames), 0, 0, ""});
    }
    ++kind->samples_alike;
  }
  TaskStack out = *std::max_element(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) {
    return a.samples_alike < b.samples_alike;
  });
  out.samples = static_cast<uint32_t>(samples.size());
  return out;
}

const Symbols& StackTaker::Names() {
  // What is loaded later lies at other addresses.
  std::string modules = ReadText("/proc/modules").text;
  if (symbols_.empty() || modules != modules_) {
    symbols_ = Symbols(ReadKernelSymbols().text);
    modules_ = std::move(modules);
  }
  return symbols_;
}

TaskStack StackTaker::FromProc(Pid task, TaskDoes does) const {
  TaskStack out;
  out.does = does;
  ProcStack stack = ReadProcStack(task);
  out.at = now_();
  out.frames = std::move(stack.frames);
  out.why_not = std::move(stack.why_not);
  return out;
}

// Of one that had no CPU while it was sampled.
TaskStack StackTaker::OffCpu(Pid task) const {
  const TaskDoes does = ReadProcTask(task).does;
  return FromProc(task, does == TaskDoes::kRunning ? TaskDoes::kRunnable : does);
}

TaskStack StackTaker::OnCpu(std::span<const StackSample> samples, Timestamp at) {
  const Symbols* names = nullptr;  // in user space none is asked for
  TaskStack out = MostFrequent(samples, [&](uint64_t address) {
    if (names == nullptr) names = &Names();
    return std::string(SplitFunction(names->NameOf(address)).name);
  });
  out.at = at;
  if (names != nullptr && names->empty() && !out.in_user_space) {
    out.frames.clear();
    out.why_not = "the kernel hides the addresses of its functions";
  }
  return out;
}

std::vector<TaskStack> StackTaker::Take(std::span<const Pid> tasks) {
  std::vector<TaskStack> out(tasks.size());
  std::vector<std::unique_ptr<Sampler>> samplers(tasks.size());
  bool any = false;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto [does, cpu] = ReadProcTask(tasks[i]);
    if (does == TaskDoes::kUnknown) continue;
    if (does != TaskDoes::kRunning) {
      out[i] = FromProc(tasks[i], does);
      // One without a stack runs by now.
      if (!out[i].frames.empty() || !out[i].why_not.empty()) continue;
    }
    samplers[i] = Sampler::Open(tasks[i], cpu);
    any |= samplers[i] != nullptr;
    if (samplers[i] != nullptr) continue;
    out[i].does = TaskDoes::kRunning;
    out[i].why_not = WhyNoSamples(errno);
    out[i].at = now_();
  }
  if (!any) return out;
  std::this_thread::sleep_for(kSampling);
  std::vector<std::vector<StackSample>> samples(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (samplers[i] != nullptr) samples[i] = samplers[i]->Stop();
    if (samplers[i] != nullptr && samples[i].empty()) out[i] = OffCpu(tasks[i]);
    samplers[i].reset();
  }
  const Timestamp at = now_();  // to read the names may take long
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!samples[i].empty()) out[i] = OnCpu(samples[i], at);
  }
  return out;
}

}  // namespace wqprof
