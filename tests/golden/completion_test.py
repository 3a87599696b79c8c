#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The completion scripts offer what the program takes.

usage: completion_test.py WQPROF
"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import program

HOG = "6.12-cloud/hog/trace.dat"

ASK = r"""
wqprof() { "$WQPROF" "$@"; }
source <("$0" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wqprof
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered(*words):
    """What bash offers for the last of the words."""
    done = subprocess.run(["bash", "-c", ASK, WQPROF, "wqprof", *words], capture_output=True,
                          text=True, check=True, cwd=program.DATA, timeout=60,
                          env={**program.ENVIRONMENT, "WQPROF": WQPROF})
    return done.stdout.split()


def long_options(*command):
    text = program.run(WQPROF, [*command, "--help"]).stdout.decode()
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


def commands():
    text = program.run(WQPROF, ["--help"]).stdout.decode()
    section = text.split("Commands:\n")[1].split("\n\n")[0]
    return set(re.findall(r"^  (\w+)", section, re.MULTILINE))


class Bash(unittest.TestCase):
    def test_commands(self):
        self.assertIn("report", commands())
        self.assertLessEqual(commands(), set(offered("")))
        self.assertEqual(offered("rep"), ["report"])

    def test_every_option_of_every_command(self):
        for command in commands():
            with self.subTest(command=command):
                self.assertEqual(set(word for word in offered(command, "--")), long_options(command))

    def test_values(self):
        self.assertEqual(offered("report", "--format", "nd"), ["ndjson"])
        self.assertEqual(set(offered("works", "--color", "")), {"auto", "always", "never"})
        self.assertIn("total_exec", offered("report", "--sort", ""))
        self.assertEqual(offered("report", "--by", "wor"), ["workqueue", "worker"])
        self.assertEqual(offered("report", "--by", "pool,ori"), ["pool,origin"])
        self.assertEqual(offered("report", "--by", "=", "act"), ["activation"])
        self.assertIn("before_trace", offered("works", "--state", ""))
        self.assertIn("mono", offered("record", "--clock", ""))
        self.assertIn("execution.p99", offered("diff", "--metric", "exe"))
        self.assertEqual(offered("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(offered("help", "chai"), ["chains"])
        # Else the shell offers files.
        self.assertEqual(offered("report", "--instance", ""), [])
        self.assertEqual(offered("report", ""), [])

    def test_names_in_the_recording(self):
        self.assertEqual(offered("report", HOG, "-w", "wqt_b"), ["wqt_bound"])
        self.assertEqual(offered("works", HOG, "-f", "wqt_fn_h"), ["wqt_fn_hog"])
        self.assertIn("wqt_bound", offered("works", HOG, "--workqueue", ""))
        self.assertEqual(offered("report", HOG, "-w", "events,wqt_b"), ["events,wqt_bound"])
        self.assertEqual(offered("report", "no-such-file", "-w", "w"), [])


class OtherShells(unittest.TestCase):
    def test_fish_offers_values(self):
        if shutil.which("fish") is None:
            self.skipTest("fish is not installed")

        def asked(text):
            script = f"function wqprof; {WQPROF} $argv; end; {WQPROF} completion fish | source; "
            done = subprocess.run(["fish", "--private", "-c", script + f"complete -C '{text}'"],
                                  capture_output=True, text=True, check=True, cwd=program.DATA,
                                  env={**program.ENVIRONMENT, "HOME": "/tmp"})
            return [line.split("\t")[0] for line in done.stdout.splitlines()]

        self.assertEqual(asked("wqprof report --by wor"), ["worker", "workqueue"])
        self.assertEqual(asked("wqprof report --format nd"), ["ndjson"])
        self.assertEqual(asked("wqprof completion z"), ["zsh"])

    def check_syntax(self, shell, *check):
        script = program.run(WQPROF, ["completion", shell])
        self.assertEqual(script.returncode, 0)
        for command in commands():
            self.assertIn(command.encode(), script.stdout)
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")
        done = subprocess.run([shell, *check], input=script.stdout, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_zsh(self):
        self.check_syntax("zsh", "-n")

    def test_fish(self):
        self.check_syntax("fish", "--no-execute")


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
