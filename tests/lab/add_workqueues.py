#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""add_workqueues.py IN CONFIG OUT: a trace.dat of version 7, and the configuration of its workqueues.

IN was recorded by somebody else's recorder.  OUT has a further section of options, with the one in
which wqprof keeps the JSON text CONFIG (doc/trace-dat.md).  Little-endian files.
"""
import json
import pathlib
import struct
import sys

OPTIONS, DONE, WORKQUEUES = 0, 0, 0x5752
MAGIC = b"\x17\x08\x44tracing7\0"
HEAD = struct.Struct("<HHIQ")  # of a section: id, flags, description, size


def cstring_end(data, at):
    return data.index(b"\0", at) + 1


def last_link(data):
    """Where the offset of the next section of options is 0, as there is none."""
    assert data.startswith(MAGIC)
    at = len(MAGIC) + 2 + 4
    at = cstring_end(data, cstring_end(data, at))
    (next_options,) = struct.unpack_from("<Q", data, at)
    while next_options:
        kind, flags, _, size = HEAD.unpack_from(data, next_options)
        assert kind == OPTIONS and not flags
        at, end = next_options + HEAD.size, next_options + HEAD.size + size
        while at < end:
            option, length = struct.unpack_from("<HI", data, at)
            if option == DONE:
                break
            at += 6 + length
        at += 6
        (next_options,) = struct.unpack_from("<Q", data, at)
    return at


def main(source, config, target):
    data = bytearray(pathlib.Path(source).read_bytes())
    text = json.dumps(json.loads(pathlib.Path(config).read_text()), separators=(",", ":")) + "\0"
    options = struct.pack("<HI", WORKQUEUES, len(text)) + text.encode()
    options += struct.pack("<HIQ", DONE, 8, 0)
    struct.pack_into("<Q", data, last_link(data), len(data))
    data += HEAD.pack(OPTIONS, 0, 0, len(options)) + options
    pathlib.Path(target).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
