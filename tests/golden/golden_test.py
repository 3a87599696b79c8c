#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each folder below cases/ is one call of the program and what it must print.

  args     the arguments, as a shell would take them; traces are named from tests/data/lab
  columns  if it exists: print to a terminal of that width, not to a pipe
  stdout   what it prints; stderr and exit as well, where they are not empty and 0

usage: golden_test.py WQPROF [--update]
--update writes what the program prints now; read the difference before you commit it.
"""

import pathlib
import shlex
import sys
import unittest

import program

CASES = program.HERE / "cases"


def read(path):
    return path.read_bytes() if path.exists() else b""


def outcome(case):
    """(stdout, stderr, exit code) of a case, as it is now."""
    arguments = shlex.split((case / "args").read_text())
    columns = read(case / "columns")
    if columns:
        code, text, errors = program.run_on_terminal(WQPROF, arguments, int(columns))
        return text, errors, code
    done = program.run(WQPROF, arguments)
    return done.stdout, done.stderr, done.returncode


def update(case):
    text, errors, code = outcome(case)
    for name, content in (("stdout", text), ("stderr", errors),
                          ("exit", f"{code}\n".encode() if code else b"")):
        if content:
            (case / name).write_bytes(content)
        else:
            (case / name).unlink(missing_ok=True)


class Golden(unittest.TestCase):
    maxDiff = None

    def test_every_case(self):
        cases = sorted(CASES.iterdir())
        self.assertTrue(cases)
        for case in cases:
            with self.subTest(case=case.name):
                text, errors, code = outcome(case)
                self.assertEqual(text.decode(), read(case / "stdout").decode())
                self.assertEqual(errors.decode(), read(case / "stderr").decode())
                self.assertEqual(code, int(read(case / "exit") or 0))


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    if sys.argv[2:] == ["--update"]:
        for folder in sorted(CASES.iterdir()):
            update(folder)
    else:
        unittest.main(argv=sys.argv[:1])
