// SPDX-License-Identifier: Apache-2.0
#include "wqprof/stack_text.h"

#include <algorithm>

namespace wqprof {
namespace {

// So deep lies what the tracing puts on top.
constexpr size_t kMostOnTop = 16;
constexpr size_t kMostBytes = 4096;

// Without what a compiler adds: "__queue_work.part.0".
std::string_view BaseName(std::string_view function) {
  return function.substr(0, function.find_first_of(". "));
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What emits the event, below the function that is traced.
bool IsTracing(std::string_view function) {
  for (const std::string_view prefix :
       {"trace_", "__trace_", "__traceiter_", "ftrace_", "__ftrace_", "event_trigger",
        "stack_trace", "stacktrace_", "perf_trace_", "__bpf_trace_", "bpf_trace_", "bpf_prog_"}) {
    if (function.starts_with(prefix)) return true;
  }
  return false;
}

// The workqueue's own code between the event and the function that somebody called.
bool IsInside(std::string_view function) {
  return IsOneOf(BaseName(function), {"__queue_work", "__queue_delayed_work"});
}

// Through these everybody queues.
bool IsEntry(std::string_view function) {
  return IsOneOf(BaseName(function),
                 {"queue_work_on", "queue_work_node", "queue_delayed_work_on",
                  "mod_delayed_work_on", "delayed_work_timer_fn", "rcu_work_rcufn"});
}

// Through these everybody enters the kernel, or begins in it.
bool IsOutermost(std::string_view function) {
  return IsOneOf(BaseName(function),
                 {"do_syscall_64", "x64_sys_call", "entry_SYSCALL_64_after_hwframe",
                  "do_fast_syscall_32", "__do_fast_syscall_32", "el0_svc_common", "el0_svc",
                  "do_el0_svc", "invoke_syscall", "el0t_64_sync_handler", "el0t_64_sync",
                  "el0_sync_handler", "el0_sync", "kthread", "ret_from_fork", "ret_from_fork_asm"});
}

// Where an interrupt enters the kernel: what is outside of it was interrupted, and queued nothing.
bool IsInterruptEntry(std::string_view function) {
  return function.starts_with("asm_sysvec_") ||
         IsOneOf(BaseName(function),
                 {"asm_common_interrupt", "asm_call_irq_on_stack", "apic_timer_interrupt",
                  "ret_from_intr", "el1_irq", "el1h_64_irq", "el1h_64_fiq", "el1t_64_irq",
                  "handle_riscv_irq", "do_irq", "hardware_interrupt_common_virt",
                  "decrementer_common_virt", "ext_int_handler", "io_int_handler"});
}

// How many of the innermost frames are left out.
size_t OnTop(std::span<const std::string> frames) {
  const size_t most = std::min(frames.size(), kMostOnTop);
  size_t on_top = 0;
  for (size_t i = 0; i < most; ++i) {
    if (IsInside(frames[i])) on_top = i + 1;
  }
  while (on_top < most && IsTracing(frames[on_top])) ++on_top;
  return on_top;
}

}  // namespace

std::string StackText(std::span<const std::string> frames) {
  std::string out;
  for (const std::string& frame : frames.subspan(OnTop(frames))) {
    if (out.size() + frame.size() > kMostBytes) {
      out.append(out.empty() ? "" : ";").append(kDeeperFrames);
      break;
    }
    if (!out.empty()) out += kBetweenFrames;
    out += frame;
    if (IsInterruptEntry(frame)) break;
  }
  return out;
}

std::vector<std::string_view> FramesOf(std::string_view stack) {
  std::vector<std::string_view> out;
  while (!stack.empty()) {
    const size_t end = std::min(stack.find(kBetweenFrames), stack.size());
    out.push_back(stack.substr(0, end));
    stack.remove_prefix(std::min(end + 1, stack.size()));
  }
  return out;
}

std::string CallPath(std::string_view stack) {
  std::vector<std::string_view> frames = FramesOf(stack);
  while (frames.size() > 1 && IsOutermost(frames.back())) frames.pop_back();
  auto first = frames.begin();
  while (first != frames.end() && IsEntry(*first)) ++first;
  if (first == frames.end()) first = frames.begin();
  std::string out;
  for (; first != frames.end(); ++first) {
    if (!out.empty()) out += " < ";
    out += *first;
  }
  return out;
}

}  // namespace wqprof
