#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What comments and pages cite exists: sections and rules of doc/, and the tests that hold rules."""

import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ("src", "include", "tests", "doc", "man", "packaging")
KINDS = {".h", ".cc", ".c", ".py", ".md", ".scd", ".sh"}

HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*)\.? ", re.MULTILINE)
RULE_ROW = re.compile(r"^\| (\d+[a-d]?) \|.*\| (`[^`]+`|-) \|$", re.MULTILINE)
PAGE = re.compile(r"\b([a-z-]+)\.md(?:,? §(\d+(?:\.\d+)*))?((?:, §\d+(?:\.\d+)*)*)")
RULE = re.compile(r"\brules? (\d+[a-d]?)((?:, \d+[a-d]?)*(?: and \d+[a-d]?)?)")
FOREIGN = re.compile(r"\bSPEC\b(?! ?=)|\bformats\.md\b")
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)|RC_GTEST_PROP\(\s*(\w+),\s*(\w+)")


def comments(path, text):
    """Of code its comments, of prose all of it; line ends become blanks, as citations may wrap."""
    if path.suffix in {".md", ".scd"}:
        return text
    mark = r"#" if path.suffix in {".py", ".sh"} else r"//"
    lines = [line.split(mark, 1)[1] for line in text.split("\n") if mark in line]
    return re.sub(r"\s+", " ", " ".join(lines))


def sections_of(page):
    return set(HEADING.findall(page))


def violations(path, text, pages, rules):
    """Citations in `text` that lead nowhere; `pages` is {name: its sections}."""
    found = []
    said = comments(path, text)
    for match in FOREIGN.finditer(said):
        found.append(f"{path}: cites {match.group()}, which is not in the tree: say doc/…")
    for name, first, more in PAGE.findall(said):
        if name not in pages:
            continue
        for section in [first] * bool(first) + re.findall(r"§(\d+(?:\.\d+)*)", more):
            if section not in pages[name]:
                found.append(f"{path}: {name}.md has no section {section}")
    if path.suffix != ".md":
        for first, more in RULE.findall(said):
            for rule in [first] + re.findall(r"\d+[a-d]?", more):
                if rule not in rules:
                    found.append(f"{path}: doc/kernel.md has no rule {rule}")
    return found


def files():
    for top in SOURCES:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in KINDS and path.is_file() and path != pathlib.Path(__file__).resolve():
                yield path


class CitationsTest(unittest.TestCase):
    def setUp(self):
        texts = {path.stem: path.read_text() for path in (ROOT / "doc").glob("*.md")}
        self.pages = {name: sections_of(text) for name, text in texts.items()}
        self.rules = dict(RULE_ROW.findall(texts["kernel"]))

    def test_what_is_cited_exists(self):
        found = []
        for path in files():
            text = path.read_text(errors="replace")
            found += violations(path.relative_to(ROOT), text, self.pages, self.rules)
        self.assertEqual(found, [])

    def test_every_rule_names_a_test_that_exists(self):
        tests = set()
        for path in (ROOT / "tests").rglob("*_test.cc"):
            for names in TEST.findall(path.read_text()):
                tests.add(".".join(name for name in names if name))
        missing = {rule: test for rule, test in self.rules.items() if test.strip("`") not in tests}
        self.assertEqual(missing, {})
        self.assertGreater(len(self.rules), 50)

    def test_a_citation_that_leads_nowhere_is_found(self):
        pages, rules = {"kernel": {"1", "3.1"}}, {"4": "", "20c": ""}
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "x.cc"
            for text, count in (("int a;  // kernel.md §3.1, §1 (rule 20c)", 0),
                                ("// kernel.md §9", 1), ("// rules 4, 5 and 20c", 1),
                                ("// SPEC §5", 1), ("// formats.md", 1), ("rule = 9;", 0)):
                self.assertEqual(len(violations(path, text, pages, rules)), count, text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
