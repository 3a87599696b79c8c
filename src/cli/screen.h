// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SCREEN_H_
#define WQPROF_CLI_SCREEN_H_

#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/keys.h"

namespace wqprof {

// The terminal as a screen of lines and a source of keys, for as long as it lives.  Then, and while
// the program is stopped (Ctrl-Z), and when it crashes, the terminal is as it was before.
//
// It is driven by the sequences that xterm, the Linux console, tmux, screen and all that follow
// them share, so that nothing of the box is needed, no terminfo either.
class Screen {
 public:
  // How large the terminal is.
  struct Size {
    size_t columns, lines;
  };

  // Standard output must be a terminal.  fd() will become readable as `also` does.  Fails when the
  // terminal cannot be set up.
  static absl::StatusOr<std::unique_ptr<Screen>> Open(int also);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Readable when Update() has something to do.
  int fd() const { return epoll_; }
  // Takes what came: keys, a resize, a stop.
  std::vector<Key> Update();
  Size size() const { return size_; }
  // Nothing is shown yet, or any more: Show() draws all.
  bool blank() const { return shown_.empty(); }
  // The terminal is closed.
  bool gone() const { return gone_; }
  // Shows just these lines; what is as it was is not written again.
  absl::Status Show(const std::vector<std::string>& lines);

 private:
  Screen() = default;
  absl::Status SetUp(int also);
  void Enter();
  void Leave();
  void Stop();
  void Measure();
  void TakeSignals();
  std::vector<Key> TakeKeys();

  int keys_ = -1;  // the terminal that is read; -1: none
  bool owns_keys_ = false;
  int signals_ = -1, epoll_ = -1;
  sigset_t before_{};
  bool blocked_ = false;  // signals
  bool entered_ = false, gone_ = false;
  Size size_{80, 24};
  KeyParser parser_;
  std::vector<std::string> shown_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_SCREEN_H_
