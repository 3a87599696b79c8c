// SPDX-License-Identifier: Apache-2.0
#include "cli/reading_rights.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "wqprof/temporary_file.h"

namespace wqprof {
namespace {

// A filter looks at the low half of an argument, and for another machine's calls it is not made.
#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && defined(__AARCH64EL__)
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint32_t kMachine = AUDIT_ARCH_RISCV64;
#else
constexpr uint32_t kMachine = 0;
#endif

// Calls that reach nothing which is not open already, and those that only look.
constexpr int kAllowed[] = {
    // Files that are open.
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_lseek,
    SYS_close,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_splice,
    SYS_sendfile,
    SYS_fstat,
    SYS_fstatfs,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_fadvise64,
    SYS_flock,
    SYS_getdents64,
    SYS_recvmsg,
    SYS_ppoll,
    SYS_pselect6,
    SYS_signalfd4,
    SYS_eventfd2,
    // What is where.
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getcwd,
    // Memory.
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_mincore,
    SYS_membarrier,
    // Threads, signals and the end.
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_wait4,
    SYS_exit,
    SYS_exit_group,
    // Time, and who this is.
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrusage,
    SYS_times,
    SYS_getrandom,
    SYS_getcpu,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_uname,
    SYS_sysinfo,
#if defined(__x86_64__)
    // Older names of the same.
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_getdents,
    SYS_dup2,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_time,
    SYS_getrlimit,
    SYS_arch_prctl,
#endif
#ifdef WQPROF_SANITIZED
    // A leak sanitizer stops the process from a child of its own.
    SYS_clone,
    SYS_ptrace,
    SYS_prctl,
    SYS_kill,
    SYS_tgkill,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
#endif
};

// The program of a filter, rule by rule.  It holds the call's number at the begin of each rule: one
// for another call falls through to the next rule, all else ends in a return.
class Filter {
 public:
  Filter() {
    Load(offsetof(seccomp_data, arch));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMachine, 1, 0));
    // As a kernel without such a call, so that a library takes its other way.
    Return(Refuse(ENOSYS));
    Load(offsetof(seccomp_data, nr));
  }

  void Allow(int call) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, Number(call), 0, 1));
    Return(SECCOMP_RET_ALLOW);
  }
  // Allowed where none of `bits` is set in the argument, or all of `exception` are.
  void AllowWithout(int call, unsigned argument, uint32_t bits, uint32_t exception = ~0u) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, Number(call), 0, 7));
    LoadArgument(argument);
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0));
    Return(SECCOMP_RET_ALLOW);
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, exception));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, exception, 0, 1));
    Return(SECCOMP_RET_ALLOW);
    Return(Refuse(EPERM));
  }
  // Allowed where the argument is one of `values`.
  void AllowWith(int call, unsigned argument, std::initializer_list<uint32_t> values) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, Number(call), 0,
                             static_cast<uint8_t>(2 * values.size() + 2)));
    LoadArgument(argument);
    for (const uint32_t value : values) {
      code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
      Return(SECCOMP_RET_ALLOW);
    }
    Return(Refuse(EPERM));
  }
  // For this thread and those that it starts.
  bool Install() {
    Return(Refuse(ENOSYS));
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  static uint32_t Number(int call) { return static_cast<uint32_t>(call); }
  static uint32_t Refuse(uint32_t error) { return SECCOMP_RET_ERRNO | error; }
  void Load(size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  void LoadArgument(unsigned n) { Load(offsetof(seccomp_data, args) + n * sizeof(uint64_t)); }
  void Return(uint32_t what) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, what)); }

  std::vector<sock_filter> code_;
};

bool InstallFilter() {
  if (kMachine == 0) return false;
  Filter filter;
  for (const int call : kAllowed) filter.Allow(call);
  // To read only; or what has no name, and cannot get one as there is no linkat().
  constexpr uint32_t kToWrite = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  filter.AllowWithout(SYS_openat, 2, kToWrite, O_TMPFILE);
#if defined(__x86_64__)
  filter.AllowWithout(SYS_open, 1, kToWrite, O_TMPFILE);
#endif
  filter.AllowWithout(SYS_mmap, 2, PROT_EXEC);
  filter.AllowWithout(SYS_mprotect, 2, PROT_EXEC);
  const auto self = static_cast<uint32_t>(getpid());
#ifndef WQPROF_SANITIZED
  // Threads, no processes.
  filter.AllowWith(SYS_clone, 0,
                   {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND |
                    CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID});
  filter.AllowWith(SYS_tgkill, 0, {self});
  filter.AllowWith(SYS_prctl, 0, {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA});
#endif
  filter.AllowWith(SYS_prlimit64, 0, {0, self});
  filter.AllowWith(SYS_fcntl, 1, {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL});
  // Nothing that types on the terminal.
  filter.AllowWith(SYS_ioctl, 1, {TCGETS, TIOCGWINSZ, FIONREAD});
  return filter.Install();
}

constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }

// What the kernel says of itself by /proc/kallsyms is for CAP_SYSLOG.
constexpr uint64_t kToRead = Bit(CAP_DAC_READ_SEARCH) | Bit(CAP_SYSLOG);

// Both halves of the sets of this thread.
struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct half[2]{};

  bool Get() { return syscall(SYS_capget, &header, half) == 0; }
  bool Any() const { return (half[0].permitted | half[1].permitted) != 0; }
  void KeepOnly(uint64_t kept) {
    for (int i = 0; i < 2; ++i) {
      half[i].permitted &= static_cast<uint32_t>(kept >> (32 * i));
      half[i].effective = half[i].permitted;
      half[i].inheritable = 0;
    }
    syscall(SYS_capset, &header, half);
  }
};

}  // namespace

absl::Status KeepOnlyReading(std::initializer_list<ResultFile*> outputs) {
  for (const ResultFile* output : outputs) {
    if (absl::Status status = output->Check(); !status.ok()) return status;
  }
  Capabilities capabilities;
  const bool privileged = capabilities.Get() && capabilities.Any();
  if (!privileged && geteuid() != 0) return absl::OkStatus();
  for (ResultFile* output : outputs) {
    if (absl::Status status = output->Delegate(); !status.ok()) return status;
  }
  ReserveTemporaryFiles();
  // Without this a filter is for CAP_SYS_ADMIN only.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (privileged) capabilities.KeepOnly(kToRead);
  InstallFilter();
  return absl::OkStatus();
}

bool HasReadingFilter() {
  // A program at no address is looked at only by a kernel that has filters.
  return kMachine != 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) != 0 &&
         errno == EFAULT;
}

}  // namespace wqprof
