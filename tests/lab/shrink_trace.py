#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shrink_trace.py IN OUT: writes a trace.dat with only those symbols that its events name.

Most of a small trace.dat is /proc/kallsyms.  A symbol is kept when an address that it covers
occurs in the ring-buffer pages; everything else stays as it is, but for the offsets that move.
Little-endian files of trace-cmd, version 6, and version 7 with or without zstd.
"""
import bisect
import struct
import subprocess
import sys

KALLSYMS, BUFFER, OPTIONS, DONE = 19, 3, 0, 0
SECTION_OPTIONS = range(16, 22)


def zstd(data, *arguments):
    return subprocess.run(["zstd", "-q", "-c", *arguments], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def addresses_in(pages):
    """Every 8 bytes of the pages that may be a kernel address; records are 4-byte aligned."""
    found = set()
    for shift in (0, 4):
        words = memoryview(pages[shift:len(pages) - (len(pages) - shift) % 8]).cast("Q")
        found.update(w for w in words if w >> 47 == 0x1FFFF)
    return found


def cut_symbols(text, addresses):
    lines = [line for line in text.splitlines(keepends=True) if line[:16].strip(b"0")]
    lines.sort(key=lambda line: line[:16])
    begins = [int(line[:16], 16) for line in lines]
    kept = {bisect.bisect_right(begins, a) - 1 for a in addresses if begins[0] <= a <= begins[-1]}
    return b"".join(lines[i] for i in sorted(kept))


def cstring(data, at):
    end = data.index(b"\0", at)
    return data[at:end], end + 1


class V7:
    """Sections of a version 7 file, written anew one after the other."""

    def __init__(self, data):
        self.data = data
        at = data.index(b"7\0") + 2 + 2
        (self.page_size,) = struct.unpack_from("<I", data, at)
        compression, at = cstring(data, at + 4)
        _, at = cstring(data, at)
        self.packed = compression == b"zstd"
        self.header = data[:at]
        (self.first_options,) = struct.unpack_from("<Q", data, at)
        self.out = bytearray(data[:at + 8])
        self.moved = {}      # old offset of a section -> new one
        self.patches = []    # (where in out, old offset)

    def section(self, at):
        ident, flags, description, size = struct.unpack_from("<HHiQ", self.data, at)
        return ident, flags, description, self.data[at + 16:at + 16 + size]

    def unpacked(self, flags, body):
        if not flags & 1:
            return body
        csize, _ = struct.unpack_from("<II", body)
        return zstd(body[8:8 + csize], "-d")

    def pages(self):
        for cpu, offset, size in self.regions():
            if not self.packed:
                yield self.data[offset:offset + size]
                continue
            (chunks,) = struct.unpack_from("<I", self.data, offset)
            offset += 4
            for _ in range(chunks):
                csize, _ = struct.unpack_from("<II", self.data, offset)
                yield zstd(self.data[offset + 8:offset + 8 + csize], "-d")
                offset += 8 + csize

    def options(self):
        """(where in the file, id, data) of each option in the chain."""
        at = self.first_options
        while at:
            _, _, _, body = self.section(at)
            p, base, at = 0, at + 16, 0
            while p < len(body):
                ident, size = struct.unpack_from("<HI", body, p)
                data = body[p + 6:p + 6 + size]
                yield base + p, ident, data
                if ident == DONE:
                    (at,) = struct.unpack_from("<Q", data)
                    break
                p += 6 + size

    def regions(self):
        for _, ident, data in self.options():
            if ident != BUFFER:
                continue
            _, p = cstring(data, 8)
            _, p = cstring(data, p)
            _, count = struct.unpack_from("<II", data, p)
            for i in range(count):
                yield struct.unpack_from("<IQQ", data, p + 8 + 20 * i)

    def shrunk(self):
        addresses = set()
        for page in self.pages():
            addresses |= addresses_in(page)
        at = len(self.out)
        while at + 16 <= len(self.data):
            ident, flags, description, body = self.section(at)
            end = at + 16 + len(body)
            if ident == BUFFER:
                self.copy_buffer(at, end)
            elif ident == OPTIONS:
                self.copy_options(at, end, body)
            else:
                if ident == KALLSYMS:
                    text = self.unpacked(flags, body)
                    text = cut_symbols(text[4:], addresses)
                    body = struct.pack("<I", len(text)) + text
                    if flags & 1:
                        frame = zstd(body, "-19")
                        body = struct.pack("<II", len(frame), len(body)) + frame
                self.moved[at] = len(self.out)
                self.out += struct.pack("<HHiQ", ident, flags, description, len(body)) + body
            at = end
        struct.pack_into("<Q", self.out, len(self.header), self.moved[self.first_options])
        for where, old in self.patches:
            struct.pack_into("<Q", self.out, where, self.moved[old] if old else 0)
        return bytes(self.out)

    def copy_buffer(self, at, end):
        """The data of the CPUs begin at multiples of the page size, in both files."""
        new = len(self.out)
        self.moved[at] = new
        self.out += self.data[at:at + 16]
        position = at + 16
        for _, offset, _ in sorted(self.regions(), key=lambda r: r[1]):
            if not at < offset < end:
                continue
            pad = -len(self.out) % self.page_size
            self.out += bytes(pad)
            self.moved[offset] = len(self.out)
            position = min([o for _, o, _ in self.regions() if o > offset and o < end] + [end])
            self.out += self.data[offset:position].rstrip(b"\0") if position != end \
                else self.data[offset:position]
        struct.pack_into("<Q", self.out, new + 8, len(self.out) - new - 16)

    def copy_options(self, at, end, body):
        self.moved[at] = len(self.out)
        new = len(self.out)
        self.out += self.data[at:end]
        for where, ident, data in self.options():
            if not at <= where < end:
                continue
            base = new + where - at + 6
            if ident in SECTION_OPTIONS or ident == DONE:
                self.patches.append((base, struct.unpack_from("<Q", data)[0]))
            elif ident == BUFFER:
                self.patches.append((base, struct.unpack_from("<Q", data)[0]))
                _, p = cstring(data, 8)
                _, p = cstring(data, p)
                _, count = struct.unpack_from("<II", data, p)
                for i in range(count):
                    place = p + 8 + 20 * i + 4
                    self.patches.append((base + place, struct.unpack_from("<Q", data, place)[0]))


def shrink_v6(data):
    at = data.index(b"6\0") + 2 + 2
    (page_size,) = struct.unpack_from("<I", data, at)
    at += 4

    def skip(width, count=1):
        nonlocal at
        for _ in range(count):
            at += width + int.from_bytes(data[at:at + width], "little")

    for _ in range(2):                      # header_page, header_event
        at = data.index(b"\0", at) + 1
        skip(8)
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    skip(8, count)                          # ftrace formats
    (systems,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(systems):
        at = data.index(b"\0", at) + 1
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        skip(8, count)
    kallsyms = at
    skip(4)
    behind = at
    skip(4)                                 # printk formats
    skip(8)                                 # cmdlines
    (cpus,) = struct.unpack_from("<I", data, at)
    at += 4
    if data[at:at + 7] == b"options":
        at += 10
        while struct.unpack_from("<H", data, at)[0]:
            at += 6 + struct.unpack_from("<I", data, at + 2)[0]
        at += 2
    assert data[at:at + 9] == b"flyrecord", "no version 6 file of trace-cmd"
    table = at + 10
    regions = [struct.unpack_from("<QQ", data, table + 16 * cpu) for cpu in range(cpus)]
    addresses = set().union(*(addresses_in(data[o:o + s]) for o, s in regions))
    symbols = cut_symbols(data[kallsyms + 4:behind], addresses)
    head = data[:kallsyms] + struct.pack("<I", len(symbols)) + symbols + data[behind:]
    cut = len(data) - len(head)
    first = min(o for o, s in regions if s)
    move = cut // page_size * page_size     # data stay aligned
    out = bytearray(head[:first - cut])
    out += bytes(first - move - len(out)) + data[first:]
    for cpu, (offset, size) in enumerate(regions):
        struct.pack_into("<QQ", out, table - cut + 16 * cpu, offset - move if size else 0, size)
    return bytes(out)


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    if data[:10] != b"\x17\x08\x44tracing" or data[12] != 0:
        sys.exit("no little-endian trace.dat: " + sys.argv[1])
    shrunk = V7(data).shrunk() if data[10:12] == b"7\0" else shrink_v6(data)
    with open(sys.argv[2], "wb") as f:
        f.write(shrunk)


if __name__ == "__main__":
    main()
