#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recording gives the same bytes each time, with any number of threads: hash tables have another
order in each process, and ties must not follow it.

usage: same_test.py WQPROF
"""

import sys
import unittest

import program

COMMANDS = (("report",), ("report", "--by", "worker"), ("stalls",), ("chains",), ("works",))


class Output(unittest.TestCase):
    def test_is_the_same_each_time(self):
        for path in program.TRACES:
            for command in COMMANDS:
                with self.subTest(trace=path, command=command):
                    first, *others = (self.output(command, path, threads)
                                      for threads in ("1", "1", "2", "3"))
                    self.assertTrue(first)
                    for other in others:
                        self.assertEqual(other, first)

    def output(self, command, path, threads):
        done = program.run(WQPROF, [*command, "--format", "json", "--threads", threads, path])
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return done.stdout


if __name__ == "__main__":
    WQPROF = sys.argv.pop(1)
    unittest.main()
