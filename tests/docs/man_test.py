#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages are well-formed and speak of the options that the program has.

usage: man_test.py WQPROF BUILT_MAN_DIRECTORY
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# What scdoc always makes, and line lengths, which nobody reads in roff.
USUAL = re.compile(r"skipping paragraph macro|: STYLE:")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
REFERENCE = re.compile(r"\*?(wqprof(?:-[a-z]+)?)\*?\(([1-8])\)")


def help_of(*command):
    return subprocess.run([WQPROF, *command, "--help"], capture_output=True, text=True,
                          check=True).stdout


def options_in(text):
    return set(OPTION.findall(text)) - {"--help", "--version"}


def page_options(page):
    """The options that a page explains: those that begin a definition."""
    heads = re.findall(r"^\*-.*$", (ROOT / "man" / page).read_text(), re.MULTILINE)
    return options_in("\n".join(heads))


class ManPages(unittest.TestCase):
    def setUp(self):
        self.pages = sorted(ROOT.glob("man/*.scd"))
        self.assertTrue(self.pages)

    def test_have_nothing_that_mandoc_warns_of(self):
        for page in self.pages:
            with self.subTest(page=page.name):
                built = MAN / page.stem
                lint = subprocess.run(["mandoc", "-Tlint", built], capture_output=True, text=True,
                                      check=False)
                said = (lint.stdout + lint.stderr).splitlines()
                self.assertEqual([line for line in said if not USUAL.search(line)], [])

    def test_quote_messages_that_the_program_has(self):
        """Of wqprof-faq(7), between what differs."""
        literals = [re.sub(r"\{[^{}]*\}", "\0", "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', run)))
                    for source in ROOT.glob("src/*/*.cc")
                    for run in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', source.read_text())]
        source = "\n".join(literals).replace('\\n', "\n").replace('\\"', '"')
        section = (ROOT / "man/wqprof-faq.7.scd").read_text().split("# ERROR MESSAGES\n")[1]
        section = section.split("# SEE ALSO")[0]
        quoted = [part.strip() for head in re.findall(r"^\*(.*)\*", section, re.MULTILINE)
                  for part in re.split(r"\.\.\.|\*, \*|wqprof\.dat", head)]
        quoted = [part.strip(" ,;()") for part in quoted if len(part) > 10]
        self.assertGreater(len(quoted), 30)
        self.assertEqual([part for part in quoted if part not in source], [])

    def test_refer_to_pages_that_exist(self):
        names = {page.stem for page in self.pages}
        for page in self.pages:
            for name, section in REFERENCE.findall(page.read_text()):
                self.assertIn(f"{name}.{section}", names, page.name)

    def test_exist_for_every_command(self):
        listed = re.search(r"^COMMANDS:?$(.*?)^\S", help_of(), re.MULTILINE | re.DOTALL | re.I)
        commands = re.findall(r"^  ([a-z]+) ", listed.group(1), re.MULTILINE)
        self.assertIn("report", commands)
        top = (ROOT / "man/wqprof.1.scd").read_text()
        for command in commands:
            self.assertRegex(top, rf"(?m)^\*{command}\*")

    def test_explain_the_options_that_the_command_has(self):
        for page in self.pages:
            command = re.fullmatch(r"wqprof-([a-z]+)\.1", page.stem)
            if command is None:
                continue
            with self.subTest(page=page.name):
                self.assertEqual(page_options(page.name), options_in(help_of(command.group(1))))


if __name__ == "__main__":
    WQPROF, MAN = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
