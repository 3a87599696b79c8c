#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The alert rules are well written, and a planted stall raises one.

usage: alerts_test.py WQPROF
"""

import pathlib
import shutil
import subprocess
import sys
import unittest

FLEET = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging/fleet"


class Alerts(unittest.TestCase):
    def test_fire_for_a_planted_stall(self):
        for arguments in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
            done = subprocess.run(["promtool", *arguments], cwd=FLEET, capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("no promtool: install prometheus")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
