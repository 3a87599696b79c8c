#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_all.py WQPROF LAB_DATA: check_lab.py on every recording below LAB_DATA.

Exits 77, which CTest knows as skipped, when there are none.  The environment variable
WQPROF_LAB_DATA goes before the argument.
"""
import glob
import os
import subprocess
import sys


def main():
    wqprof, root = sys.argv[1:3]
    root = os.environ.get("WQPROF_LAB_DATA", root)
    found = sorted(os.path.dirname(p) for p in glob.glob(os.path.join(root, "*", "*", "trace.dat")))
    if not found:
        print("skipped: no recordings in %s (set WQPROF_LAB_DATA)" % root)
        sys.exit(77)
    check = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_lab.py")
    sys.exit(subprocess.run([sys.executable, check, wqprof] + found, check=False).returncode)


if __name__ == "__main__":
    main()
