#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof top` on the running kernel: as text, and on a terminal through every key."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import live

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A pseudo-terminal with a program in it, and what it shows."""

    def __init__(self, columns, lines, arguments):
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.raw = ""
        self.screen = {}
        environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8")
        environment.pop("NO_COLOR", None)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        # pylint: disable=subprocess-popen-preexec-fn
        self.child = subprocess.Popen([live.WQPROF, "top", *arguments], stdin=slave, stdout=slave,
                                      stderr=subprocess.PIPE, env=environment, text=True,
                                      preexec_fn=own_terminal)

    def resize(self, columns, lines):
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def modes(self):
        return termios.tcgetattr(self.slave)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, timeout=0.05):
        """Takes what came, and draws it."""
        while select.select([self.master], [], [], timeout)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            self.draw(data.decode("utf-8", "replace"))
            timeout = 0

    def draw(self, text):
        self.raw += text
        for line, content in re.findall(r"\x1b\[(\d+);1H(.*?)\x1b\[K", text, re.S):
            self.screen[int(line)] = re.sub(r"\x1b\[[0-9;]*m", "", content)
        if "\x1b[2J" in text:
            self.screen = {line: content for line, content in self.screen.items()
                           if text.rfind(f"\x1b[{line};1H") > text.rfind("\x1b[2J")}
        for line in re.findall(r"\x1b\[(\d+);1H\x1b\[J", text):
            for below in [n for n in self.screen if n >= int(line)]:
                del self.screen[below]

    def text(self):
        return "\n".join(self.screen.get(i, "") for i in range(1, self.lines + 1))


class Top(live.Live):
    def top(self, *arguments, expect=0):
        done = subprocess.run([live.WQPROF, "top", *arguments], capture_output=True, text=True,
                              check=False, timeout=120)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def open(self, columns=100, lines=30, arguments=("-I", "200ms")):
        terminal = Terminal(columns, lines, arguments)
        self.children.append(terminal.child)
        self.addCleanup(os.close, terminal.master)
        self.addCleanup(os.close, terminal.slave)
        return terminal

    def expect(self, terminal, words):
        def shown():
            terminal.read()
            self.assertIsNone(terminal.child.poll(), terminal.raw[-500:])
            return re.search(words, terminal.text())
        self.wait_until(shown, f"never shown: {words}; but\n{terminal.text()}")

    def ended(self, terminal, expect=0):
        """The program has ended, and all is as it was before."""
        self.wait_until(lambda: terminal.read() or terminal.child.poll() is not None,
                        "it never ended")
        said = terminal.child.stderr.read()
        self.assertEqual(terminal.child.returncode, expect, said)
        terminal.read()
        self.restored(terminal)
        self.assertEqual(live.instances_of(terminal.child.pid), [])

    def restored(self, terminal):
        self.assertGreater(terminal.raw.rfind(LEAVE), terminal.raw.rfind(ENTER))
        self.assertIn("\x1b[?25h", terminal.raw[terminal.raw.rfind(ENTER):], "the cursor")
        self.assertIn("\x1b[?7h", terminal.raw[terminal.raw.rfind(ENTER):], "wrapping")
        self.assertEqual(terminal.modes(), terminal.before)

    def test_top_prints_one_table(self):
        self.load(400000)
        done = self.top("--once")
        self.assertIn("FUNCTION", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertRegex(done.stdout, r"flush_to_ldisc +events_unbound")
        self.assertRegex(done.stdout, r"lost \d")

    def test_top_prints_tables_where_there_is_no_terminal(self):
        self.load(400000)
        done = self.top("-I", "200ms", "-n", "5", "-f", "flush_to_ldisc")
        self.assertEqual(done.stdout.count("wqprof top"), 5)
        rows = [line for line in done.stdout.splitlines() if "events_unbound" in line]
        self.assertTrue(rows)
        self.assertTrue(all("flush_to_ldisc" in row for row in rows), rows)

    def test_top_ends_after_a_duration(self):
        done = self.top("-I", "100ms", "-d", "500ms", "--batch")
        self.assertIn("wqprof top", done.stdout)

    def test_top_refuses_what_makes_no_sense(self):
        for arguments in (["-I", "1ms"], ["-d", "0"], ["-n", "0"]):
            self.top(*arguments, expect=2)

    def test_top_every_key_in_a_terminal(self):
        self.load(100_000_000)  # until the test ends: what it looks at must go on
        terminal = self.open()
        self.expect(terminal, "flush_to_ldisc")
        self.assertNotEqual(terminal.modes(), terminal.before)
        for key, words in (("p", r"POOL +KIND"), ("w", r"PID +COMM"), ("l", r"stalls by|nothing"),
                           ("f", r"FUNCTION +WORKQUEUE"), ("\t", r"POOL +KIND"),
                           ("\x1b[Z", r"FUNCTION +WORKQUEUE"), ("?", "Rows"), ("\x1b", "p99"),
                           ("s", "by worst"), ("ss", "by cpu"), ("SSS", "by p99"),
                           ("t", r"functions by"), ("t", r"functions by"),
                           (" ", "PAUSED"), (" ", r"works/s")):
            terminal.press(key)
            self.expect(terminal, words)
        self.wait_until(lambda: terminal.read() or "PAUSED" not in terminal.text(), "still held")
        terminal.press("/flush_to")
        self.expect(terminal, "filter: flush_to_")
        terminal.press("\r")
        self.expect(terminal, "only flush_to")
        self.expect(terminal, r">flush_to_ldisc")
        terminal.press("\r")
        self.expect(terminal, "the slowest of the last 60 s(.|\n)*task pty_load")
        terminal.press("\x1b")
        self.expect(terminal, "only flush_to")
        terminal.press("\x1b")
        self.expect(terminal, r"functions by p99")
        terminal.press("w")
        self.expect(terminal, r">.*kworker")
        terminal.press("\x1b[B\x1b[A\x1b[6~\x1b[5~\x1b[F\x1b[H\r")
        self.expect(terminal, r"of its time in the last 60 s")
        terminal.press("\rq")
        self.ended(terminal)

    def test_top_follows_the_size_of_the_terminal(self):
        self.load(200000)
        terminal = self.open(250, 70)
        self.expect(terminal, "WORST 60s")
        terminal.resize(80, 24)
        self.expect(terminal, "q quit")
        self.wait_until(lambda: terminal.read() or
                        max(map(len, terminal.text().splitlines())) <= 80, "never narrower")
        self.assertNotIn(25, terminal.screen)
        terminal.press("q")
        self.ended(terminal)

    def test_top_stops_and_goes_on(self):
        self.load(200000)
        terminal = self.open()
        self.expect(terminal, "works/s")
        # A shell without job control leaves an orphan, which Ctrl-Z does not stop: this one is
        # stopped as `kill -STOP` does, and finds the terminal as another program left it.
        os.kill(terminal.child.pid, signal.SIGSTOP)
        os.waitpid(terminal.child.pid, os.WUNTRACED)
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
        terminal.screen, terminal.raw = {}, ""
        os.kill(terminal.child.pid, signal.SIGCONT)
        self.expect(terminal, "works/s")
        self.assertIn(ENTER, terminal.raw)
        terminal.press("q")
        self.ended(terminal)

    def test_top_leaves_the_terminal_to_the_shell_at_ctrl_z(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        script = f"PS1='$ '; {live.WQPROF} top -I 200ms; echo stopped; fg; echo code $?\n"
        # pylint: disable=subprocess-popen-preexec-fn
        shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=slave,
                                 stdout=slave, stderr=slave, start_new_session=True,
                                 env=dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8"),
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.children.append(shell)
        seen = ""

        def see(words, what):
            nonlocal seen

            def came():
                nonlocal seen
                while select.select([master], [], [], 0.05)[0]:
                    seen += os.read(master, 65536).decode("utf-8", "replace")
                return re.search(words, seen)
            self.wait_until(came, f"{what}: {seen[-800:]!r}")
            seen = ""
        os.write(master, script.encode())
        see("works/s", "it never began")
        os.write(master, b"\x1a")
        see(r"(?s)\x1b\[\?1049l.*stopped.*\x1b\[\?1049h.*works/s", "Ctrl-Z, and fg")
        os.write(master, b"q")
        see(r"(?s)\x1b\[\?1049l.*code 0", "q")
        os.write(master, b"exit\n")
        self.assertEqual(shell.wait(60), 0)

    def test_top_every_signal_restores_the_terminal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal=number):
                terminal = self.open()
                self.expect(terminal, "works/s")
                terminal.child.send_signal(number)
                self.ended(terminal)

    def test_top_a_crash_restores_the_terminal(self):
        terminal = self.open()
        self.expect(terminal, "works/s")
        terminal.child.send_signal(signal.SIGSEGV)
        self.wait_until(lambda: terminal.read() or terminal.child.poll() is not None, "no end")
        self.assertEqual(terminal.child.returncode, -signal.SIGSEGV)
        self.restored(terminal)
        self.top("--once")  # takes the instance away
        self.assertEqual(live.instances_of(terminal.child.pid), [])

    def test_top_ends_with_its_terminal(self):
        terminal = Terminal(80, 24, ["-I", "200ms"])
        self.children.append(terminal.child)
        self.expect(terminal, "works/s")
        os.close(terminal.slave)
        os.close(terminal.master)
        self.wait_until(lambda: terminal.child.poll() is not None, "it goes on without")
        self.assertEqual(live.instances_of(terminal.child.pid), [])

    def counters(self, *arguments):
        """Skips where the kernel keeps none, or BPF is not there."""
        done = subprocess.run([live.WQPROF, "top", "--counters", *arguments], capture_output=True,
                              text=True, check=False, timeout=120)
        if done.returncode == 4 and re.search("without BPF|since Linux 6.5", done.stderr):
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_top_counters_count_what_was_done_without_tracing(self):
        self.load(4000000, 2)
        text = self.counters("-I", "500ms", "-n", "4", "-w", "events_unbound")
        self.assertEqual(text.count("STARTED/s"), 4, text)
        rates = [float(rate.replace(",", "").replace("k", "e3")) for rate in
                 re.findall(r"^events_unbound +unbound +(\S+)", text, re.MULTILINE)]
        self.assertGreater(max(rates), 1000, text)
        self.assertNotIn("kblockd", text)

    def test_top_counters_in_a_terminal(self):
        self.counters("--once")
        self.load(2000000, 2)
        terminal = self.open(80, 24, ("--counters", "-I", "200ms"))
        self.expect(terminal, r"events_unbound +unbound")
        for key, words in (("s", r"\[by cpu\]"), ("S", r"\[by started\]"), (" ", "PAUSED"),
                           (" ", "did nothing")):
            terminal.press(key)
            self.expect(terminal, words)
        self.assertLessEqual(max(map(len, terminal.text().splitlines())), 80)
        terminal.press("q")
        self.ended(terminal)

    def test_top_counters_refuse_what_they_do_not_know(self):
        self.top("--counters", "-f", "flush_to_ldisc", expect=2)
        drop = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-all"]
        done = subprocess.run([*drop, live.WQPROF, "top", "--counters", "--once"],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "CAP_BPF|without BPF")


if __name__ == "__main__":
    live.main(Top)
