// SPDX-License-Identifier: Apache-2.0
#include "klog/records.h"

#include <utility>

#include "fmt/format.h"

namespace wqprof::klog {
namespace {

constexpr uint32_t kDisassociated = 0x4;  // every unbound pool; a per-CPU one of an offline CPU
constexpr int32_t kHighNice = -20;

bool IsFunctionChar(char c) { return IsWordChar(c) || c == '.' || c == '$'; }
bool IsModuleChar(char c) { return IsWordChar(c) || c == '-'; }

// " [module]" behind a function.
void TakeModule(Scan& scan, std::string& function) {
  Scan ahead = scan;
  if (!ahead.Take(" [")) return;
  const std::string_view module = ahead.TakeWhile(IsModuleChar);
  if (module.empty() || !ahead.Take("]")) return;
  function.append(" [").append(module).append("]");
  scan = ahead;
}

// "=", a value, as in " nice=-20".
template <typename T>
bool TakeField(Scan& scan, std::string_view name, T& value) {
  Scan ahead = scan;
  ahead.TakeBlanks();
  if (!ahead.Take(name) || !ahead.Take("=") || !ahead.TakeNumber(value)) return false;
  scan = ahead;
  return true;
}

// The text behind `words`, wherever they stand.
std::optional<std::string_view> Behind(std::string_view text, std::string_view words) {
  const size_t at = text.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  return text.substr(at + words.size());
}

// The one CPU that a list names.
std::optional<uint32_t> OneCpu(std::string_view cpus) {
  Scan scan(cpus);
  uint32_t cpu;
  if (!scan.TakeNumber(cpu) || !scan.empty()) return std::nullopt;
  return cpu;
}

// Ids of per-CPU pools are given out CPU by CPU: two each, and two of BH before them since 6.9.
bool IsIdOfCpu(uint32_t id, uint32_t cpu, bool high) {
  const uint64_t wide = cpu;
  return id == 2 * wide + (high ? 1 : 0) || id == 4 * wide + 2 + (high ? 1 : 0);
}

// "NAME:FUNCTION": the function has no colon, the name may have some.
bool SplitAtFunction(std::string_view text, std::string& name, std::string& function) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  name = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  function.clear();
  // No function, but all works of the workqueue.
  if (rest == "0x0" || rest == "(null)") return true;
  Scan scan(rest);
  return TakeFunction(scan, function) && scan.empty();
}

}  // namespace

bool TakeFunction(Scan& scan, std::string& out) {
  Scan ahead = scan;
  const std::string_view name = ahead.TakeWhile(IsFunctionChar);
  if (name.empty() || (IsDigit(name.front()) && !name.starts_with("0x"))) return false;
  out = name;
  Scan offset = ahead;
  if (offset.Take("+0x")) {
    offset.TakeWhile(IsHexDigit);
    if (offset.Take("/0x")) {
      offset.TakeWhile(IsHexDigit);
      ahead = offset;
    }
  }
  TakeModule(ahead, out);
  scan = ahead;
  return true;
}

bool TakePool(Scan& scan, LoggedPool& pool) {
  Scan ahead = scan;
  ahead.TakeBlanks();
  if (!ahead.Take("cpus=")) return false;
  pool.cpus = ahead.TakeWhile([](char c) { return IsDigit(c) || c == ',' || c == '-'; });
  int32_t node;
  if (TakeField(ahead, "node", node)) pool.node = node;
  ahead.TakeBlanks();
  if (!ahead.Take("flags=") || !ahead.TakeHex(pool.flags)) return false;
  ahead.TakeBlanks();
  int32_t nice;
  if (ahead.Take("bh-hi")) {
    pool.bh = pool.high = true;
  } else if (ahead.Take("bh")) {
    pool.bh = true;
  } else if (TakeField(ahead, "nice", nice)) {
    pool.nice = nice;
    pool.high = nice == kHighNice;
  } else {
    return false;
  }
  scan = ahead;
  return true;
}

void NamePool(LoggedPool& pool) {
  const std::optional<uint32_t> one = OneCpu(pool.cpus);
  pool.cpu.reset();
  if (one && pool.bh) {
    pool.cpu = one;
    pool.name = fmt::format("bh{}{}", *one, pool.high ? "-hi" : "");
    return;
  }
  const bool own_nice = pool.nice == 0 || pool.nice == kHighNice;
  bool per_cpu = one.has_value() && own_nice;
  if (per_cpu && (pool.flags & kDisassociated) != 0) {
    per_cpu = pool.id && IsIdOfCpu(*pool.id, *one, pool.high);
  }
  if (per_cpu) {
    pool.cpu = one;
    pool.name = fmt::format("cpu{}{}", *one, pool.high ? "-hi" : "");
  } else {
    pool.name = pool.id ? fmt::format("u{}", *pool.id) : "unknown";
  }
}

bool MaySame(const LoggedPool& a, const LoggedPool& b) {
  if (a.id && b.id && a.id != b.id) return false;
  // Of the flags, those change while a worker manages the pool.
  return a.cpus == b.cpus && a.node == b.node && a.nice == b.nice && a.bh == b.bh &&
         a.high == b.high && ((a.flags ^ b.flags) & kDisassociated) == 0;
}

Reading ReadLockup(std::string_view text, LockupRecord& out) {
  const auto rest = Behind(text, "workqueue lockup - pool");
  if (!rest) return Reading::kOther;
  out = {};
  Scan scan(*rest);
  if (!TakePool(scan, out.pool) || !scan.Take(" stuck for ") || !scan.TakeNumber(out.stuck_s) ||
      !scan.Take("s")) {
    return Reading::kCut;
  }
  NamePool(out.pool);
  return Reading::kRead;
}

Reading ReadHog(std::string_view text, LoggedHog& out) {
  const size_t at = text.find(" hogged CPU for >");
  if (at == std::string_view::npos) return Reading::kOther;
  const size_t mark = text.rfind("workqueue: ", at);
  if (mark == std::string_view::npos) return Reading::kOther;
  Scan function(text.substr(mark + 11, at - mark - 11));
  Scan scan(text.substr(at + 17));
  if (!TakeFunction(function, out.function) || !function.empty() ||
      !scan.TakeNumber(out.threshold_us) || !scan.Take("us ") || !scan.TakeNumber(out.times) ||
      !scan.Take(" times")) {
    return Reading::kCut;
  }
  return Reading::kRead;
}

Reading ReadFlush(std::string_view text, LoggedFlush& out) {
  constexpr std::string_view kVerb = " is flushing !WQ_MEM_RECLAIM ";
  const size_t verb = text.find(kVerb);
  if (verb == std::string_view::npos) return Reading::kOther;
  const std::string_view from = text.substr(0, verb);
  if (!SplitAtFunction(Trimmed(text.substr(verb + kVerb.size())), out.to_workqueue,
                       out.to_function)) {
    return Reading::kCut;
  }
  if (const auto worker = Behind(from, "WQ_MEM_RECLAIM ")) {
    return SplitAtFunction(*worker, out.from_workqueue, out.from_function) ? Reading::kRead
                                                                           : Reading::kCut;
  }
  const auto task = Behind(from, "PF_MEMALLOC task ");
  if (!task || !task->ends_with(')')) return Reading::kCut;
  Scan scan(*task);
  if (!scan.TakeNumber(out.from_pid) || !scan.Take("(")) return Reading::kCut;
  out.from_comm = scan.rest().substr(0, scan.rest().size() - 1);
  return Reading::kRead;
}

Reading ReadWorkqueue(std::string_view text, std::string& name, uint32_t& flags) {
  constexpr std::string_view kFlags = ": flags=";
  Scan scan(Trimmed(text));
  if (!scan.Take("workqueue ")) return Reading::kOther;
  const size_t at = scan.rest().rfind(kFlags);
  if (at == std::string_view::npos || at == 0) return Reading::kOther;
  name = scan.rest().substr(0, at);
  Scan rest(scan.rest().substr(at + kFlags.size()));
  return rest.TakeHex(flags) && rest.empty() ? Reading::kRead : Reading::kCut;
}

Reading ReadPwq(std::string_view text, LoggedPwq& out) {
  Scan scan(Trimmed(text));
  if (!scan.Take("pwq ")) return Reading::kOther;
  out = {};
  if (!scan.TakeNumber(out.pool.id) || !scan.Take(":")) return Reading::kOther;
  if (!TakePool(scan, out.pool) || !TakeField(scan, "active", out.active)) return Reading::kCut;
  NamePool(out.pool);
  if (scan.Take("/") && !scan.TakeNumber(out.max_active)) return Reading::kCut;
  int64_t references;
  TakeField(scan, "refcnt", references);
  out.mayday = scan.Take(" MAYDAY");
  return scan.empty() ? Reading::kRead : Reading::kCut;
}

namespace {

// "idle: 223 94", "idle: bh", "idle: 33(RESCUER)": how many.
bool TakeIdle(Scan& scan, uint64_t& count) {
  count = 0;
  for (scan.TakeBlanks(); !scan.empty(); scan.TakeBlanks()) {
    int32_t pid;
    if (!scan.TakeNumber(pid) && !scan.Take("bh-hi") && !scan.Take("bh")) return false;
    scan.Take("(RESCUER)");
    ++count;
  }
  return true;
}

}  // namespace

Reading ReadPool(std::string_view text, LoggedPoolState& out) {
  Scan scan(Trimmed(text));
  if (!scan.Take("pool ")) return Reading::kOther;
  out = {};
  if (!scan.TakeNumber(out.pool.id) || !scan.Take(":") || scan.empty()) return Reading::kOther;
  if (!TakePool(scan, out.pool)) return Reading::kCut;
  NamePool(out.pool);
  uint64_t hung, workers;
  if (TakeField(scan, "hung", hung)) {
    out.hung_s = hung;
    scan.Take("s");
  }
  if (!TakeField(scan, "workers", workers)) return Reading::kCut;
  out.workers = workers;
  scan.TakeBlanks();
  if (scan.Take("manager: ") && !scan.TakeNumber(out.manager_pid)) return Reading::kCut;
  scan.TakeBlanks();
  // The kernel leaves the word out when none is idle.
  uint64_t idle = 0;
  if (scan.Take("idle:") && !TakeIdle(scan, idle)) return Reading::kCut;
  if (!scan.empty()) return Reading::kCut;
  out.idle = idle;
  return Reading::kRead;
}

std::optional<uint32_t> ReadPoolHeading(std::string_view text) {
  Scan scan(Trimmed(text));
  uint32_t id;
  if (!scan.Take("pool ") || !scan.TakeNumber(id) || scan.rest() != ":") return std::nullopt;
  return id;
}

Reading ReadDrain(std::string_view text, LoggedDrain& out) {
  constexpr std::string_view kMark = "() isn't complete after ";
  const size_t mark = text.find(kMark);
  if (mark == std::string_view::npos) return Reading::kOther;
  const auto named = Behind(text.substr(0, mark), "workqueue ");
  if (!named) return Reading::kOther;
  const size_t colon = named->rfind(": ");
  Scan scan(text.substr(mark + kMark.size()));
  if (colon == std::string_view::npos || !scan.TakeNumber(out.tries)) return Reading::kCut;
  out.workqueue = named->substr(0, colon);
  out.by = named->substr(colon + 2);
  return Reading::kRead;
}

Reading ReadLeak(std::string_view text, LoggedLeak& out) {
  if (const auto rest = Behind(text, "BUG: workqueue leaked lock or atomic: ")) {
    // "kworker/0:1/0x00000001/123"
    const size_t last = rest->rfind('/');
    const size_t middle = last == std::string_view::npos || last == 0 ? std::string_view::npos
                                                                      : rest->rfind('/', last - 1);
    if (middle == std::string_view::npos) return Reading::kCut;
    Scan pid(rest->substr(last + 1));
    Scan preempt(rest->substr(middle + 1, last - middle - 1));
    uint32_t count;
    if (!pid.TakeNumber(out.pid) || !preempt.TakeHex(count)) return Reading::kCut;
    out.worker = rest->substr(0, middle);
    out.what = count != 0 ? "atomic" : "lock";
    return Reading::kRead;
  }
  const auto rest = Behind(text, "BUG: workqueue leaked atomic, lock or RCU: ");
  if (!rest) {
    return text.find("BUG: workqueue leaked ") == std::string_view::npos ? Reading::kOther
                                                                         : Reading::kCut;
  }
  const size_t bracket = rest->rfind('[');
  if (bracket == std::string_view::npos) return Reading::kCut;
  Scan pid(rest->substr(bracket + 1));
  if (!pid.TakeNumber(out.pid) || !pid.Take("]")) return Reading::kCut;
  out.worker = rest->substr(0, bracket);
  return Reading::kRead;
}

bool ReadLeakDetails(std::string_view text, LoggedLeak& leak) {
  Scan scan(Trimmed(text));
  if (scan.Take("last function: ")) return TakeFunction(scan, leak.function);
  uint32_t preempt;
  if (!scan.Take("preempt=") || !scan.TakeHex(preempt)) return false;
  std::string what;
  const auto add = [&what](std::string_view word) {
    what.append(what.empty() ? "" : ", ").append(word);
  };
  if (preempt != 0) add("atomic");
  for (const std::string_view name : {"lock", "RCU"}) {
    int64_t before, after;
    if (!TakeField(scan, name, before) || !scan.Take("->") || !scan.TakeNumber(after)) return false;
    if (before != after) add(name);
  }
  leak.what = what;
  return scan.Take(" workfn=") && TakeFunction(scan, leak.function);
}

Reading ReadFreeze(std::string_view text, LoggedFreeze& out) {
  const auto freezing = Behind(text, "Freezing ");
  if (!freezing) return Reading::kOther;
  const auto failed = Behind(*freezing, " failed after ");
  if (!failed) return Reading::kOther;
  Scan scan(*failed);
  if (!scan.TakeDecimal(out.seconds) || !scan.Take(" seconds (") || !scan.TakeNumber(out.tasks)) {
    return Reading::kCut;
  }
  const auto busy = Behind(scan.rest(), "wq_busy=");
  if (!busy) return Reading::kCut;
  Scan count(*busy);
  return count.TakeNumber(out.wq_busy) ? Reading::kRead : Reading::kCut;
}

}  // namespace wqprof::klog
