#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README shows what the program prints.

Every ```console block of the README is run: a line `$ COMMAND` and the output that the lines
below it give, up to the next command.  Commands run in a folder of their own with the sample
trace as wqprof.dat; a block whose commands need root is marked ```sh and not run here: the one
about budgets is pasted by tests/live/check_test.py.

usage: readme_test.py WQPROF [--update]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```console\n)(.*?)(?=```)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def run(command, folder):
    """What a command prints to a terminal that is as wide as the README."""
    environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                   "NO_COLOR": "1"}
    return subprocess.run(["sh", "-c", command], cwd=folder, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=60).stdout


def prepare(folder):
    (folder / "bin").mkdir()
    (folder / "bin/wqprof").symlink_to(WQPROF)
    shutil.copy(ROOT / "packaging/sample/hog.dat", folder / "wqprof.dat")


def refreshed(readme, folder):
    def block(match):
        return COMMAND.sub(lambda c: f"$ {c.group(1)}\n{run(c.group(1), folder)}", match.group(0))

    return BLOCK.sub(block, readme)


class Readme(unittest.TestCase):
    maxDiff = None

    def test_shows_what_the_program_prints(self):
        blocks = BLOCK.findall(README.read_text())
        commands = [c for block in blocks for c in COMMAND.findall(block)]
        self.assertTrue(commands)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            prepare(folder)
            for command, shown in commands:
                with self.subTest(command=command):
                    self.assertEqual(run(command, folder), shown)

    def test_is_short(self):
        self.assertLessEqual(len(README.read_text().splitlines()), 150)

    def test_has_a_budget_that_is_well_written(self):
        budget = re.search(r"budget\.toml <<'END'\n(.*?)END\n", README.read_text(), re.DOTALL)
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "budget.toml"
            path.write_text(budget.group(1))
            done = subprocess.run([WQPROF, "check", "--lint", path], capture_output=True, text=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr),
                             (0, f"wqprof: {path} is well written\n"))


if __name__ == "__main__":
    WQPROF = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["--update"]:
        with tempfile.TemporaryDirectory() as scratch:
            prepare(pathlib.Path(scratch))
            README.write_text(refreshed(README.read_text(), pathlib.Path(scratch)))
    else:
        unittest.main(argv=sys.argv[:1])
