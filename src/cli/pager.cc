// SPDX-License-Identifier: Apache-2.0
#include "cli/pager.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace wqprof {
namespace {

// The pager that was started.  Signal handlers read it.
volatile pid_t pager = 0;

// Whether the shell would find the program that begins `command`.
bool CanRun(std::string_view command) {
  const std::string name(command.substr(0, command.find_first_of(" \t")));
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0;
  const char* const path = std::getenv("PATH");
  for (std::string_view rest = path != nullptr ? path : "/usr/bin:/bin"; !rest.empty();) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(folder.size() == rest.size() ? rest.size() : folder.size() + 1);
    if (access(fmt::format("{}/{}", folder, name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// The command to run; "" for none.
std::string PagerCommand() {
  const char* const term = std::getenv("TERM");
  // less asks whether it shall go on where the terminal can do nothing.
  std::string command =
      term == nullptr || *term == '\0' || std::string_view(term) == "dumb" ? "" : "less";
  for (const char* variable : {"PAGER", "WQPROF_PAGER"}) {
    if (const char* const value = std::getenv(variable); value != nullptr) command = value;
  }
  return command.empty() || command == "cat" || !CanRun(command) ? "" : command;
}

// Without an end of its input the pager would wait for more; without being waited for, it and
// the shell would both read the keyboard.
void WaitForPager() {
  if (pager == 0) return;
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  while (waitpid(pager, nullptr, 0) < 0 && errno == EINTR) {
  }
  pager = 0;
}

void OnSignal(int signal) {
  WaitForPager();
  std::signal(signal, SIG_DFL);
  raise(signal);
}

[[noreturn]] void BecomePager(const std::string& command, int input) {
  dup2(input, STDIN_FILENO);
  // Quit when it fits one screen, keep colours, leave the text on the screen.
  setenv("LESS", "FRX", 0);
  setenv("LV", "-c", 0);
  execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  _exit(127);
}

}  // namespace

void StartPager() {
  const Terminal terminal = DetectTerminal();
  if (!terminal.is_terminal || pager != 0) return;
  const std::string command = PagerCommand();
  int ends[2];
  if (command.empty() || pipe2(ends, O_CLOEXEC) != 0) return;
  const pid_t child = fork();
  if (child == 0) BecomePager(command, ends[0]);
  close(ends[0]);
  if (child < 0) {
    close(ends[1]);
    return;
  }
  OutputIsPaged(terminal);
  const bool notes_too = isatty(STDERR_FILENO) == 1;
  dup2(ends[1], STDOUT_FILENO);
  if (notes_too) dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  pager = child;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) std::signal(signal, OnSignal);
  std::atexit(WaitForPager);
}

}  // namespace wqprof
