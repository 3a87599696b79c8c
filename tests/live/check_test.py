#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wqprof check -- CMD` on the running kernel."""

import json
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import live

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
SCHEMA = ROOT / "tests/ci/junit.rng"

# Nothing waits for an hour.
KEPT = """schema = 1
[[budget]]
name = "ptys"
function = "flush_to_ldisc"
latency.max = "3600s"
"""
BROKEN = KEPT.replace("3600s", "1ns")
REGRESSION = """schema = 1
[[regression]]
function = "flush_to_ldisc"
metric = "latency.p50"
max_ratio = 1000000
"""


class Check(live.Live):
    def setUp(self):
        super().setUp()
        self.budget = self.directory / "budget.toml"

    def check(self, budget, *arguments):
        self.budget.write_text(budget)
        return subprocess.run([live.WQPROF, "check", "--budget", self.budget, *arguments],
                              capture_output=True, text=True, check=False, cwd=self.directory)

    def failures(self, done):
        return [run["failure"] for run in json.loads(done.stdout)["runs"]]

    def test_the_lines_in_the_readme_work_when_pasted(self):
        lines = re.search(r"## A latency budget in CI\n\n```sh\n(.*?)```", README.read_text(),
                          re.DOTALL).group(1)
        self.assertLessEqual(len(lines.splitlines()), 12)
        (self.directory / "bin").mkdir()
        (self.directory / "bin/wqprof").symlink_to(live.WQPROF)
        # We are root; not every machine has sudo.
        sudo = self.directory / "bin/sudo"
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)
        done = subprocess.run(["sh", "-c", lines], cwd=self.directory, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ,
                                   "PATH": f"{self.directory}/bin:{os.environ['PATH']}"})
        suite = ElementTree.parse(self.directory / "junit.xml").getroot().find("testsuite")
        self.assertEqual(suite.get("tests"), "2")
        self.assertEqual(suite.get("errors"), "0", done.stdout)
        # Whether a machine keeps these limits is its own affair.
        self.assertEqual(done.returncode, min(1, int(suite.get("failures"))), done.stderr)
        # Failures are shown one by one, what is kept as a number.
        self.assertRegex(done.stdout, r"terminals stay quick +latency\.max .* runs=5|2 limits: 2 kept")

    def test_check_measures_the_command(self):
        junit = self.directory / "junit.xml"
        for budget, code in ((KEPT, 0), (BROKEN, 1), (KEPT.replace("flush_to", "flash_to"), 3)):
            done = self.check(budget, "--junit", junit, "--", live.PTY_LOAD, "500", "1")
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("did you mean 'flush_to_ldisc'?", junit.read_text())

    def test_check_tells_a_failing_command_from_a_broken_budget(self):
        load = ["sh", "-c", f"{live.PTY_LOAD} 500 1; exit 7"]
        junit = self.directory / "junit.xml"
        done = self.check(KEPT, "--format", "json", "--junit", junit, "--runs", "2", "--", *load)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(self.failures(done), ["sh exited with code 7"] * 2)
        self.assertIn("wqprof: run 1: sh exited with code 7", done.stderr)
        errors = [case.get("name") for case in ElementTree.parse(junit).iter("testcase")
                  if case.find("error") is not None]
        self.assertEqual(errors, ["run 1", "run 2"])
        fits = subprocess.run(["xmllint", "--noout", "--relaxng", SCHEMA, junit],
                              capture_output=True, text=True, check=False)
        self.assertEqual(fits.returncode, 0, fits.stderr)
        done = self.check(BROKEN, "--", *load)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("1 run failed", done.stdout)

    def test_check_that_is_interrupted_judges_what_it_has(self):
        self.budget.write_text(KEPT)
        keep = self.directory / "keep"
        child = subprocess.Popen(
            [live.WQPROF, "check", "--budget", self.budget, "--runs", "5", "--format", "json",
             "--keep", keep, "--", "sh", "-c", f"{live.PTY_LOAD} 500 1; exec sleep 1000"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        # Until the load sleeps.
        self.wait_until(lambda: b"sleep\0" in children_of(child.pid), "the load never slept")
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 3, said)
        self.assertEqual([run["failure"] for run in json.loads(out)["runs"]], ["interrupted"])
        self.assertIn("wqprof: interrupted in run 1 of 5", said)
        self.assertEqual([path.name for path in keep.iterdir()], ["run-01.dat"])

    def test_check_tells_of_too_few_runs_before_it_runs_any(self):
        ran = self.directory / "ran"
        for arguments in ((), ("--baseline", self.directory)):
            if arguments:
                (self.directory / "1.dat").write_bytes(self.recorded())
            done = self.check(REGRESSION, *arguments, "--runs", "3", "--", "touch", ran)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertRegex(done.stderr, r"budget\.toml:2:1: .* --baseline, .* --runs 5\n")
            self.assertFalse(ran.exists())
        warn = self.check(REGRESSION + 'level = "warn"\n', "--", "touch", ran)
        self.assertIn("budget.toml:2:1: warning: ", warn.stderr)
        self.assertTrue(ran.exists())

    def test_the_recipe_for_ci_records_and_judges_a_command(self):
        artefacts = self.directory / "artefacts"
        self.budget.write_text(KEPT)
        for script, code in (("", 0), ("; exit 7", 3)):
            done = subprocess.run(
                ["sh", ROOT / "packaging/ci/check.sh", self.budget, artefacts, "--", "sh", "-c",
                 f"{live.PTY_LOAD} 500 1{script}"],
                env={"PATH": os.environ["PATH"], "WQPROF": live.WQPROF, "RUNS": "2"},
                capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            left = {path.name for path in artefacts.iterdir()}
            self.assertLessEqual({"run-01.dat", "run-02.dat", "junit.xml", "check.txt"}, left)

    def recorded(self):
        self.record("--", live.PTY_LOAD, "100", "1")
        return self.file.read_bytes()


def children_of(pid):
    """The command lines of all that `pid` started."""
    out = b""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                out += path.with_name("cmdline").read_bytes() + children_of(int(path.parent.name))
        except OSError:
            continue
    return out


if __name__ == "__main__":
    live.main(Check)
