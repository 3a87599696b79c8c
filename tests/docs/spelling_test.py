#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What users read is spelt as codespell knows it: pages, README and the other documents, all help.

usage: spelling_test.py WQPROF
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("man", "doc", "packaging", "tests", "src", ".")


def misspelt(text):
    done = subprocess.run(["codespell", "-"], input=text, capture_output=True, text=True,
                          check=False)
    return done.stdout.splitlines()


class Spelling(unittest.TestCase):
    def test_knows_what_is_wrong(self):
        self.assertTrue(misspelt("a seperate word\n"))
        self.assertEqual(misspelt("a separate word\n"), [])

    def test_documents(self):
        pages = [path for folder in FOLDERS for suffix in ("*.md", "*.scd")
                 for path in ((ROOT / folder).glob(suffix) if folder == "."
                              else (ROOT / folder).rglob(suffix))]
        self.assertGreater(len(pages), 20)
        done = subprocess.run(["codespell", *pages], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout.splitlines()), (0, []))

    def test_help(self):
        def help_of(*command):
            return subprocess.run([WQPROF, *command, "--help"], capture_output=True, text=True,
                                  check=True).stdout

        commands = re.findall(r"^  ([a-z]+) ", help_of().split("Commands:\n")[1].split("\n\n")[0],
                              re.MULTILINE)
        self.assertEqual(misspelt("".join(help_of(*command) for command in
                                          [[], *([name] for name in commands)])), [])


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
