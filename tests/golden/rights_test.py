#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As root, a command that only reads gives up what it does not need, and still does its work.

usage: rights_test.py WQPROF
"""

import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import program

TRACE = program.DATA / next(trace for trace in program.TRACES if "hog" in trace)
COMMANDS = [["report"], ["works"], ["chains"], ["stalls"], ["info"], ["timeline"],
            ["export", "--to", "folded"], ["check", "--init"], ["diff", "{}", "{}"], ["merge", "{}"]]


def shell(command, **environment):
    return subprocess.run(["bash", "-c", command], capture_output=True, check=False,
                          env={**program.ENVIRONMENT, **environment})


class Rights(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wqprof-rights-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def status(self, command):
        """What the kernel knows of the rights of a command that waits for its input."""
        fifo = self.folder / "fifo"
        if not fifo.exists():
            os.mkfifo(fifo)
        words = [word.format(fifo) for word in command]
        child = subprocess.Popen([WQPROF, *words, *([] if str(fifo) in words else [fifo])],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=program.ENVIRONMENT)
        try:
            end = time.monotonic() + 60
            while True:
                text = pathlib.Path(f"/proc/{child.pid}/status").read_text()
                rights = dict(line.split(":\t") for line in text.splitlines() if ":\t" in line)
                if rights["Seccomp"] == "2" or child.poll() is not None:
                    return rights
                self.assertLess(time.monotonic(), end, f"{command} keeps its rights")
                time.sleep(0.01)
        finally:
            child.kill()
            child.wait()

    def test_each_command_that_reads_drops_its_rights_before_it_opens_its_input(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                rights = self.status(command)
                self.assertEqual((rights["Seccomp"], rights["NoNewPrivs"]), ("2", "1"))
                self.assertEqual(rights["CapEff"], "0000000400000004")

    def test_a_page_and_other_outputs_are_written(self):
        page, perfetto, junit = (self.folder / name for name in ("x.html", "x.pftrace", "x.xml"))
        budget, summary = self.folder / "b.toml", self.folder / "summary"
        summary.write_text("before\n")
        drafted = program.run(WQPROF, ["check", "--init", TRACE])
        budget.write_bytes(drafted.stdout)
        for arguments in (["report", "--html", page, TRACE],
                          ["export", "--to", "perfetto", "-o", perfetto, TRACE]):
            done = program.run(WQPROF, [str(word) for word in arguments])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(page.read_bytes().startswith(b"<!DOCTYPE html>"))
        self.assertGreater(perfetto.stat().st_size, 0)
        before = page.stat().st_size
        page.write_bytes(page.read_bytes() + b" " * 4096)
        program.run(WQPROF, ["report", "--html", str(page), str(TRACE)])
        self.assertEqual(page.stat().st_size, before)
        done = shell(f"{WQPROF} check --budget {budget} --github --junit {junit} {TRACE}",
                     GITHUB_STEP_SUMMARY=str(summary))
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.assertIn(b"<testsuite", junit.read_bytes())
        self.assertTrue(summary.read_text().startswith("before\n"))
        self.assertGreater(len(summary.read_text()), len("before\n"))

    def test_pipes_and_substitutions_are_read_as_files_are(self):
        named = shell(f"{WQPROF} report --by function {TRACE}").stdout
        self.assertTrue(named)
        packed = self.folder / "packed"
        shell(f"gzip -c <{TRACE} >{packed}")
        for command in (f"cat {TRACE} | {WQPROF} report --by function -",
                        f"{WQPROF} report --by function - <{TRACE}",
                        f"{WQPROF} report --by function <(cat {TRACE})",
                        f"{WQPROF} report --by function {packed}",
                        f"{WQPROF} report --by function /dev/stdin <{TRACE}"):
            with self.subTest(command=command):
                done = shell(command)
                self.assertEqual(done.stdout, named, done.stderr)
        self.assertEqual(shell(f"{WQPROF} report --by function {TRACE} >{self.folder}/x && "
                               f"cat {self.folder}/x").stdout, named)

    def test_where_no_file_can_be_without_a_name_they_are_made_before(self):
        # As an overlayfs of Linux 6.1 answers.
        done = shell(f"cat {TRACE} | strace -f -o /dev/null -e trace=openat "
                     f"-e inject=openat:error=EOPNOTSUPP:when=1+ -P /tmp "
                     f"{WQPROF} report --by function -")
        self.assertEqual(done.stdout, shell(f"{WQPROF} report --by function {TRACE}").stdout,
                         done.stderr)

    def test_a_file_of_somebody_else_is_read(self):
        theirs = self.folder / "theirs.dat"
        shutil.copy(TRACE, theirs)
        theirs.chmod(0o600)
        os.chown(theirs, 65534, 65534)
        self.assertEqual(program.run(WQPROF, ["report", str(theirs)]).returncode, 0)

    def test_a_pager_shows_the_report(self):
        keeper, terminal = pty.openpty()
        child = subprocess.Popen([WQPROF, "report", "--color", "never", TRACE], stdin=terminal,
                                 stdout=terminal, stderr=terminal, close_fds=True,
                                 env={**program.ENVIRONMENT, "TERM": "xterm",
                                      "WQPROF_PAGER": "sed s/^/paged:/"})
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(keeper, 65536)
            except OSError:
                break
            shown += piece
        os.close(keeper)
        self.assertEqual(child.wait(timeout=60), 0)
        self.assertIn(b"paged:What stands out", shown)

    def commands_that_write(self, output):
        """Each command with each of its options that names a file to be written."""
        budget = self.folder / "b.toml"
        budget.write_bytes(program.run(WQPROF, ["check", "--init", TRACE]).stdout)
        targets = ["perfetto", "html", "folded", "csv", "ndjson", "hist-ndjson", "openmetrics",
                   "otlp-json"]
        return [["report", "--html", output, "{}"], ["diff", "--html", output, "{}", TRACE],
                *(["export", "--to", target, "-o", output, "{}"] for target in targets),
                *(["check", "--budget", budget, option, output, "{}"]
                  for option in ("--junit", "--html"))]

    def test_no_output_is_made_for_an_input_that_is_missing_or_no_trace(self):
        output, text, empty, cut = (self.folder / name for name in ("output", "text", "empty", "cut"))
        text.write_text("root:x:0:0:root:/root:/bin/bash\n" * 100000)
        empty.touch()
        cut.write_bytes(TRACE.read_bytes()[:500])
        for command in self.commands_that_write(output):
            for source in (self.folder / "no-such.dat", self.folder, text, empty, cut, "/etc/passwd"):
                with self.subTest(command=command, source=source):
                    words = [str(word).format(source) for word in command]
                    done = program.run(WQPROF, words)
                    self.assertIn(done.returncode, (3, 5), done.stderr)
                    self.assertEqual(list(self.folder.glob("output*")), [])
                    # What was there stays.
                    output.write_text("<!DOCTYPE html>before")
                    program.run(WQPROF, words)
                    self.assertEqual(output.read_text(), "<!DOCTYPE html>before")
                    output.unlink()

    def test_an_output_that_cannot_be_written_is_named_before_anything_is_read(self):
        (self.folder / "directory").mkdir()
        for output in (self.folder / "no-such/output", self.folder / "directory"):
            for command in self.commands_that_write(output):
                with self.subTest(command=command):
                    done = program.run(WQPROF, [str(word).format("no-such.dat") for word in command])
                    self.assertIn(done.returncode, (2, 74), done.stderr)
                    self.assertIn(str(output).encode(), done.stderr)

    def test_nobody_is_left_who_waits_to_open_an_output(self):
        reader, writer = os.pipe()
        child = subprocess.Popen([WQPROF, "export", "--to", "csv", "-o", self.folder / "output", "-"],
                                 stdin=subprocess.PIPE, stdout=writer, stderr=writer,
                                 env=program.ENVIRONMENT)
        os.close(writer)
        status = pathlib.Path(f"/proc/{child.pid}/status")
        while "\nSeccomp:\t2" not in status.read_text():
            self.assertIsNone(child.poll())
            time.sleep(0.01)
        child.kill()
        child.wait()
        # The other ends of these pipes are closed by then.
        self.assertEqual(os.read(reader, 1), b"")
        child.stdin.close()
        os.close(reader)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    if os.geteuid() != 0:
        print("only root has rights to give up")
        sys.exit(1 if os.environ.get("WQPROF_REQUIRE_LIVE") == "1" else 77)
    unittest.main(argv=sys.argv[:1])
