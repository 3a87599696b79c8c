#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles those sources of a build tree that have no object yet, for their warnings only.

  check_warnings.py BUILD_DIRECTORY     a tree configured by CMake, with warnings as errors
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def sources(build):
    """(directory, command, file) of what the tree has not compiled and what is in src/."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        made = pathlib.Path(entry["directory"], words[words.index("-o") + 1])
        file = pathlib.Path(entry["file"])
        if "src" in file.parts and file.exists() and not made.exists():
            yield entry["directory"], words, file


def check(source):
    directory, words, file = source
    at = words.index("-o")
    done = subprocess.run([*words[:at], *words[at + 2 :], "-fsyntax-only"], cwd=directory,
                          capture_output=True, text=True)
    return file, done.returncode, done.stderr


def main():
    found = list(sources(pathlib.Path(sys.argv[1])))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [(file, said) for file, code, said in pool.map(check, found) if code != 0]
    for file, said in wrong:
        print(f"{file}:\n{said}", file=sys.stderr)
    print(f"{len(found)} sources compiled for their warnings, {len(wrong)} with any")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
