// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "cli/reading_rights.h"
#include "wqprof/temporary_file.h"

namespace wqprof {
namespace {

// What `body` returns in a process of its own, which then is gone.
std::string InProcess(const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = body();
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    out.append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return out;
}

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// As root, in a folder of its own with a file that root may write.
class ReadingRightsTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* const required = std::getenv("WQPROF_REQUIRE_LIVE");
    const bool must = required != nullptr && std::string(required) == "1";
    if (geteuid() != 0 && !must) GTEST_SKIP() << "only root has rights to give up";
    ASSERT_EQ(geteuid(), 0u);
    std::string name = testing::TempDir() + "wqprof-rights-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::ofstream(folder_ + "/old") << "as it was";
  }
  void TearDown() override {
    for (const char* name : {"/old", "/out", "/added", "/new"}) unlink((folder_ + name).c_str());
    if (!folder_.empty()) rmdir(folder_.c_str());
  }
  std::string File(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
};

// Adds a line for what worked.
class Attempts {
 public:
  void operator()(const char* what, long result) {
    if (result != -1) worked_ += std::string(what) + "\n";
  }
  std::string Take() { return worked_; }

 private:
  std::string worked_;
};

TEST_F(ReadingRightsTest, NoFileCanBeChanged) {
  const std::string old = File("old"), fresh = File("new");
  EXPECT_EQ(InProcess([&] {
              if (!KeepOnlyReading().ok()) return std::string("no drop");
              Attempts attempt;
              attempt("write shadow", open("/etc/shadow", O_WRONLY));
              attempt("write", open(old.c_str(), O_WRONLY));
              attempt("read and write", openat(AT_FDCWD, old.c_str(), O_RDWR));
              attempt("truncate by open", open(old.c_str(), O_RDONLY | O_TRUNC));
              attempt("create", open(fresh.c_str(), O_RDONLY | O_CREAT, 0600));
              attempt("truncate", truncate(old.c_str(), 0));
              attempt("unlink", unlink(old.c_str()));
              attempt("rename", rename(old.c_str(), fresh.c_str()));
              attempt("link", link(old.c_str(), fresh.c_str()));
              attempt("symlink", symlink(old.c_str(), fresh.c_str()));
              attempt("mkdir", mkdir(fresh.c_str(), 0700));
              attempt("chmod", chmod(old.c_str(), 0777));
              attempt("chown", chown(old.c_str(), 1, 1));
              const int nameless = OpenTemporary(folder_);
              attempt("a name", linkat(nameless, "", AT_FDCWD, fresh.c_str(), AT_EMPTY_PATH));
              const std::string again = "/proc/self/fd/" + std::to_string(open(old.c_str(), 0));
              attempt("opened again", open(again.c_str(), O_WRONLY));
              return attempt.Take();
            }),
            "");
  EXPECT_EQ(TextOf(old), "as it was");
  EXPECT_NE(access(fresh.c_str(), F_OK), 0);
}

TEST_F(ReadingRightsTest, NothingElseCanBeReached) {
  EXPECT_EQ(InProcess([&] {
              if (!KeepOnlyReading().ok()) return std::string("no drop");
              Attempts attempt;
              char program[] = "/bin/true";
              char* const arguments[] = {program, nullptr};
              attempt("execve", execv(program, arguments));
              for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
                attempt("socket", socket(family, SOCK_DGRAM, 0));
              }
              attempt("code", mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                                  ? -1
                                  : 0);
              attempt("keys", ioctl(STDIN_FILENO, TIOCSTI, "x"));
              attempt("namespace", unshare(CLONE_NEWNS));
              attempt("ring", syscall(SYS_io_uring_setup, 1, nullptr));
              attempt("bpf", syscall(SYS_bpf, 0, nullptr, 0));
              attempt("user", setuid(1));
#ifndef WQPROF_SANITIZED
              attempt("signal", kill(getppid(), 0));
              attempt("process", static_cast<long>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
#endif
              return attempt.Take();
            }),
            "");
}

TEST_F(ReadingRightsTest, OnlyTheCapabilitiesToReadAreLeft) {
  const std::string status = InProcess([] {
    if (!KeepOnlyReading().ok()) return std::string("no drop");
    return TextOf("/proc/self/status");
  });
  // CAP_DAC_READ_SEARCH is 2, CAP_SYSLOG 34.
  EXPECT_NE(status.find("CapPrm:\t0000000400000004\n"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000400000004\n"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos) << status;
  EXPECT_NE(status.find("Seccomp:\t2\n"), std::string::npos) << status;
}

TEST_F(ReadingRightsTest, WhatAReportNeedsStillWorks) {
  std::ofstream(File("out")) << "something longer than what is written";
  EXPECT_EQ(InProcess([&] {
              ResultFile out(File("out")), added(File("old"), ResultFile::Mode::kAppend);
              ResultFile unwritten(File("unwritten"));
              if (!KeepOnlyReading({&out, &added, &unwritten}).ok()) return std::string("no drop");
              std::string failed;
              if (TextOf(File("out")).empty()) failed += "emptied too early\n";
              if (!out.Write("res").ok() || !out.Write("ult").ok()) failed += "output\n";
              if (!added.Write(", and more").ok()) failed += "append\n";
              if (TextOf("/etc/shadow").empty()) failed += "read\n";
              const int temporary = OpenTemporary(TemporaryDirectory());
              if (write(temporary, "x", 1) != 1) failed += "temporary file\n";
              bool ran = false;
              std::thread([&ran] { ran = true; }).join();
              return ran ? failed : failed + "thread\n";
            }),
            "");
  EXPECT_EQ(TextOf(File("out")), "result");
  EXPECT_FALSE(std::filesystem::exists(File("unwritten")));
  EXPECT_EQ(TextOf(File("old")), "as it was, and more");
}

TEST_F(ReadingRightsTest, AnOutputThatCannotBeWrittenIsKnownAtOnce) {
  EXPECT_EQ(InProcess([&] {
              ResultFile out(File("no/such/folder"));
              return std::string(KeepOnlyReading({&out}).message());
            }),
            "cannot write " + File("no/such/folder") + ": No such file or directory");
}

TEST_F(ReadingRightsTest, WithoutRightsNothingIsGivenUp) {
  EXPECT_EQ(InProcess([&] {
              if (setgid(65534) != 0 || setuid(65534) != 0) return std::string("still root");
              if (!KeepOnlyReading().ok()) return std::string("no drop");
              return TextOf("/proc/self/status").find("Seccomp:\t0\n") == std::string::npos
                         ? std::string("filtered")
                         : std::string();
            }),
            "");
}

}  // namespace
}  // namespace wqprof
