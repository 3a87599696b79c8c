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

ASK = r"""
source <("$0" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wqprof
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered(*words):
    """What bash offers for the last of the words."""
    done = subprocess.run(["bash", "-c", ASK, WQPROF, "wqprof", *words], capture_output=True,
                          text=True, check=True, env=program.ENVIRONMENT, timeout=60)
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
        self.assertEqual(offered("report", "--sort", ""), [])


class OtherShells(unittest.TestCase):
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
