#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the program behaves among others: pipes, full disks, terminals, standard input.

usage: pipe_test.py WQPROF
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import program

TRACE = next(trace for trace in program.TRACES if "hog" in trace)
ESCAPE = re.compile(rb"\x1b\[")


class Pipe(unittest.TestCase):
    def test_a_reader_that_leaves_is_no_error(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = program.run(WQPROF, ["works", "--format", "ndjson", TRACE], stdout=writer)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_full_disk_is_told(self):
        for arguments in (["report", TRACE], ["works", TRACE], ["info", TRACE], ["--help"],
                          ["completion", "bash"]):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                done = program.run(WQPROF, arguments, stdout=full)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"No space left on device", done.stderr)

    def test_a_pipe_gets_whole_names_and_no_colours(self):
        done = program.run(WQPROF, ["report", TRACE])
        self.assertNotRegex(done.stdout, ESCAPE)
        self.assertNotIn("…".encode(), done.stdout)

    def test_standard_input_is_read_like_a_file(self):
        named = program.run(WQPROF, ["report", "--by", "function", TRACE])
        with open(program.DATA / TRACE, "rb") as trace:
            piped = program.run(WQPROF, ["report", "--by", "function", "-"], stdin=trace)
        done = subprocess.run(f"cat {program.DATA / TRACE} | {WQPROF} report --by function -",
                              shell=True, capture_output=True, env=program.ENVIRONMENT, check=True)
        self.assertEqual(piped.stdout, named.stdout)
        self.assertEqual(done.stdout, named.stdout)

    def test_the_end_of_a_child_that_it_does_not_know_is_none_of_its_input(self):
        # The shell becomes wqprof, which has the shell's children then.
        named = program.run(WQPROF, ["report", "--by", "function", TRACE])
        done = subprocess.run(["bash", "-c", f"sleep 0.2 & exec {WQPROF} report --by function "
                               f"<(sleep 0.6; cat {program.DATA / TRACE})"],
                              capture_output=True, env=program.ENVIRONMENT, check=False)
        self.assertEqual(done.stdout, named.stdout, done.stderr)

    def test_ctrl_c_ends_the_wait_for_somebody_who_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = pathlib.Path(folder) / "fifo"
            os.mkfifo(fifo)
            for command in ("report", "works", "info"):
                child = subprocess.Popen([WQPROF, command, fifo], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, env=program.ENVIRONMENT)
                status = pathlib.Path(f"/proc/{child.pid}/status")
                while int(re.search(r"SigBlk:\s*(\S+)", status.read_text()).group(1), 16) & 2 == 0:
                    self.assertIsNone(child.poll())
                    time.sleep(0.01)
                child.send_signal(signal.SIGINT)
                try:
                    _, stderr = child.communicate(timeout=60)
                finally:
                    child.kill()
                self.assertEqual(child.returncode, 5, stderr)
                self.assertIn(b"the file is empty", stderr)

    def test_a_fifo_is_read_whenever_somebody_comes_to_write(self):
        named = program.run(WQPROF, ["report", "--by", "function", TRACE])
        for late in ("", "sleep 0.5;"):
            with tempfile.TemporaryDirectory() as folder:
                fifo = f"{folder}/fifo"
                os.mkfifo(fifo)
                done = subprocess.run(["bash", "-c", f"({late} exec cat {program.DATA / TRACE} >{fifo}) & "
                                       f"{WQPROF} report --by function {fifo}"],
                                      capture_output=True, env=program.ENVIRONMENT, check=False)
                self.assertEqual(done.stdout, named.stdout, done.stderr)

    def test_the_default_recording_is_read_where_one_is(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = program.run(WQPROF, ["report"], cwd=folder)
            self.assertEqual(missing.returncode, 5)
            self.assertIn(b"sudo wqprof record", missing.stderr)
            shutil.copy(program.DATA / TRACE, pathlib.Path(folder) / "wqprof.dat")
            self.assertEqual(program.run(WQPROF, ["report"], cwd=folder).returncode, 0)

    def test_results_do_not_depend_on_the_number_of_threads(self):
        for trace in program.TRACES:
            with self.subTest(trace=trace):
                one, four = (program.run(WQPROF, ["works", "--format", "ndjson", "--threads", n,
                                                  trace]).stdout for n in ("1", "4"))
                self.assertEqual(one, four)

    def test_little_memory_changes_no_result_and_too_little_is_told(self):
        def under(megabytes):
            limit = f"ulimit -d {megabytes * 1024} && exec {WQPROF} report --threads 8 -"
            with open(program.DATA / TRACE, "rb") as trace:
                return subprocess.run(["sh", "-c", limit], stdin=trace, capture_output=True,
                                      env=program.ENVIRONMENT, check=False)
        with open(program.DATA / TRACE, "rb") as trace:
            plenty = program.run(WQPROF, ["report", "-"], stdin=trace)
        # Room for three threads of eight, and for the rest of what a report needs.
        little = under(38)
        self.assertEqual((little.returncode, little.stdout), (0, plenty.stdout), little.stderr)
        too_little = under(1)
        self.assertEqual(too_little.returncode, 70, too_little.stderr)
        self.assertIn(b"out of memory", too_little.stderr)


class Terminal(unittest.TestCase):
    def test_every_line_fits(self):
        for columns in (80, 90, 100, 132, 200):
            for arguments in (["report"], ["report", "--by", "worker,workqueue,origin,cpu"],
                              ["works"], ["stalls"]):
                with self.subTest(columns=columns, arguments=arguments):
                    code, text, _ = program.run_on_terminal(
                        WQPROF, [*arguments, "--color", "never", TRACE], columns)
                    self.assertEqual(code, 0)
                    # Commands to copy are never cut.
                    wide = [line for line in text.decode().splitlines()
                            if len(line) > columns and "→ wqprof" not in line]
                    self.assertEqual(wide, [])

    def test_colours_are_for_terminals_and_can_be_switched_off(self):
        def coloured(arguments, **environment):
            settings = {**program.ENVIRONMENT, **environment}
            _, text, _ = program.run_on_terminal(WQPROF, ["report", TRACE, *arguments], 100, settings)
            return ESCAPE.search(text) is not None

        self.assertTrue(coloured([]))
        self.assertFalse(coloured([], NO_COLOR="1"))
        self.assertFalse(coloured([], TERM="dumb"))
        self.assertFalse(coloured(["--color", "never"]))
        self.assertTrue(coloured(["--color", "always"], NO_COLOR="1"))
        piped = program.run(WQPROF, ["report", "--color", "always", TRACE])
        self.assertRegex(piped.stdout, ESCAPE)

    def test_ascii_is_ascii(self):
        for arguments in (["--ascii"], []):
            environment = {**program.ENVIRONMENT, "LC_ALL": "C"} if not arguments else None
            done = program.run(WQPROF, ["report", "--hist", TRACE, *arguments],
                               **({"env": environment} if environment else {}))
            self.assertTrue(done.stdout.isascii())
            self.assertEqual(done.returncode, 0)


class Pager(unittest.TestCase):
    def shown(self, arguments, **variables):
        settings = {key: value for key, value in program.ENVIRONMENT.items()
                    if key != "WQPROF_PAGER"}
        code, text, errors = program.run_on_terminal(WQPROF, arguments, 100,
                                                     {**settings, **variables})
        return code, text, errors

    def test_shows_results_on_a_terminal(self):
        mark = "sed 's/^/| /'"
        code, text, _ = self.shown(["report", TRACE], WQPROF_PAGER=mark)
        self.assertEqual(code, 0)
        self.assertTrue(text.startswith(b"| "), text[:80])
        # What is behind a pager is as wide and as coloured as the terminal.
        _, plain, _ = self.shown(["report", TRACE], WQPROF_PAGER="")
        self.assertEqual(re.sub(rb"(?m)^\| ", b"", text), plain)
        self.assertEqual(self.shown(["report", TRACE], PAGER=mark)[1], text)
        self.assertEqual(self.shown(["report", TRACE], PAGER="false", WQPROF_PAGER=mark)[1], text)

    def test_is_not_started_where_none_is_wanted(self):
        mark = "sed 's/^/| /'"
        for arguments, variables in ((["report", "--no-pager", TRACE], {"WQPROF_PAGER": mark}),
                                     (["--no-pager", "report", TRACE], {"WQPROF_PAGER": mark}),
                                     (["report", TRACE], {"WQPROF_PAGER": "cat"}),
                                     (["report", TRACE], {"WQPROF_PAGER": "no-such-pager -x"}),
                                     (["report", TRACE], {"TERM": "dumb"}),
                                     (["--help"], {"WQPROF_PAGER": mark})):
            with self.subTest(arguments=arguments, variables=variables):
                code, text, _ = self.shown(arguments, **variables)
                self.assertEqual(code, 0)
                self.assertFalse(text.startswith(b"| "))
        piped = program.run(WQPROF, ["report", TRACE], env={**program.ENVIRONMENT,
                                                            "WQPROF_PAGER": mark})
        self.assertFalse(piped.stdout.startswith(b"| "))

    def test_keeps_the_exit_code_and_may_be_left(self):
        code, _, errors = self.shown(["report", "no-such-file"], WQPROF_PAGER="sed q")
        self.assertEqual(code, 5)
        self.assertIn(b"No such file", errors)
        code, text, _ = self.shown(["works", TRACE], WQPROF_PAGER="head -n 3")
        self.assertEqual((code, text.count(b"\n")), (0, 3))


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
