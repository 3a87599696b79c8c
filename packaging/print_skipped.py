#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the tests that CTest skipped, each with the reason that it gave itself.

usage: print_skipped.py RESULTS.xml    (from ctest --output-junit)
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


def reason(output):
    """What a skipped test said: gtest's text after 'Skipped', or its last words."""
    gtest = re.search(r": Skipped\n(.*?)\n*\[  SKIPPED \]", output, re.DOTALL)
    if gtest:
        return " ".join(gtest.group(1).split())
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main():
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            print(f"Skipped: {case.get('name')}: {reason(case.findtext('system-out') or '')}")


if __name__ == "__main__":
    main()
