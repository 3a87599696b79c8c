# SPDX-License-Identifier: Apache-2.0
"""This machine's suite's kernel, for packaging/ci/guest.sh; a test without it is skipped."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CI = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging/ci"
FETCH_SECONDS = 100
SKIP = 77


def skip(why):
    print(f"no kernel was booted: {why}")
    sys.exit(SKIP)


class Guest(unittest.TestCase):
    """A guest that is booted once, and what its script left of each command that it ran."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wqprof-guest-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    @classmethod
    def boot(cls, script, kernel, files, **more):
        cls.results = cls.folder / "results"
        done = subprocess.run([CI / "guest.sh", cls.results, "--", script],
                              env={"TIMEOUT": "180", **os.environ, **kernel, **more,
                                   "FILES": " ".join(map(str, files))},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def left(self, command, what):
        return (self.results / command / what).read_text()


def chosen(cache):
    """The kernel that KERNEL and MODULES in the environment name, or else this suite's."""
    named = {key: os.environ[key] for key in ("KERNEL", "MODULES") if key in os.environ}
    return named if len(named) == 2 else fetched(cache)


def fetched(cache):
    """What guest.sh takes for a kernel, as environment; fetched where it is not in `cache`."""
    tools = [t for t in ("qemu-system-x86_64", "busybox", "cpio") if not shutil.which(t)]
    if tools:
        skip(f"{', '.join(tools)} missing")
    command = [CI / "guest.sh", "--fetch"]
    try:
        done = subprocess.run(command, env={**os.environ, "CACHE": str(cache)}, text=True,
                              capture_output=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        skip(f"its package was not fetched in {FETCH_SECONDS} s")
    if done.returncode == 4:
        skip(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        sys.exit(done.stderr)
    kernel, modules = done.stdout.splitlines()
    return {"KERNEL": kernel, "MODULES": modules}
