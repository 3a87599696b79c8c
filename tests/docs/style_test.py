#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Help, man pages and README avoid words that make them read like a translation.

usage: style_test.py WQPROF
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A program shows, prints, reports or says; it has no option x, rather than "x is no option of" it.
AVOIDED = re.compile(r"\b(tells?|told|telling|seldom)\b|\bis no \w+ of\b", re.IGNORECASE)
OUTPUT = re.compile(r"```.*?```", re.DOTALL)


def avoided_in(text):
    return [line.strip() for line in text.splitlines() if AVOIDED.search(line)]


class Style(unittest.TestCase):
    def test_knows_what_to_avoid(self):
        self.assertEqual(avoided_in("Tells it.\nShows it.\nx is no option of y"),
                         ["Tells it.", "x is no option of y"])

    def test_man_pages(self):
        pages = sorted(ROOT.glob("man/*.scd"))
        self.assertTrue(pages)
        for page in pages:
            with self.subTest(page=page.name):
                self.assertEqual(avoided_in(page.read_text()), [])

    def test_readme(self):
        self.assertEqual(avoided_in(OUTPUT.sub("", (ROOT / "README.md").read_text())), [])

    def test_help(self):
        def help_of(*command):
            return subprocess.run([WQPROF, *command, "--help"], capture_output=True, text=True,
                                  check=True).stdout

        top = help_of()
        commands = re.findall(r"^  ([a-z]+) ", top.split("Commands:\n")[1].split("\n\n")[0],
                              re.MULTILINE)
        self.assertIn("report", commands)
        for command in [[], *([name] for name in commands)]:
            with self.subTest(command=command):
                self.assertEqual(avoided_in(help_of(*command)), [])


if __name__ == "__main__":
    WQPROF = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
