# SPDX-License-Identifier: Apache-2.0
"""How the tests in this folder run the program: in the folder of the lab's traces, in an
environment that nothing outside can change."""

import os
import pathlib
import pty
import struct
import subprocess
import fcntl
import termios

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
DATA = SOURCE / "tests/data/lab"
TRACES = sorted(str(path.relative_to(DATA)) for path in DATA.glob("*/*/trace.dat"))
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm",
               "WQPROF_PAGER": ""}


def run(program, arguments, **options):
    """The finished program, its output captured."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL,
                "cwd": DATA, "env": ENVIRONMENT, "timeout": 60, "check": False}
    return subprocess.run([program, *arguments], **{**settings, **options})


def read_all(descriptor):
    data = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how Linux tells that the other side of a pty was closed
            return data
        if not piece:
            return data
        data += piece


def run_on_terminal(program, arguments, columns, environment=None):
    """What the program prints to a terminal of that width: exit code, text."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                               stderr=subprocess.PIPE, cwd=DATA, env=environment or ENVIRONMENT)
    os.close(theirs)
    text = read_all(ours)
    os.close(ours)
    _, errors = process.communicate(timeout=60)
    return process.returncode, text.replace(b"\r\n", b"\n"), errors
