#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes doc/page.png, the picture of a page that the README shows, from the sample recording.

usage: picture.py WQPROF [FILE]
"""

import base64
import pathlib
import subprocess
import sys
import tempfile

import browser

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
WIDTH, SCALE, MOST_BYTES = 1240, 0.66, 150_000


def main():
    if browser.MISSING:
        sys.exit(browser.MISSING)
    sample = SOURCE / "packaging/sample/hog.dat"
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else SOURCE / "doc/page.png"
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        subprocess.run([sys.argv[1], "report", sample.name, "--html", page], check=True,
                       cwd=sample.parent, env={"LC_ALL": "C.UTF-8"})
        window = browser.Browser()
        try:
            window.look(WIDTH, 2400)
            window.open(page)
            window.settle()
            # To the end of the pool that stalled.
            bottom = window.run("return document.querySelector('.pool').getBoundingClientRect().bottom;")
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom + 8, "scale": SCALE}
            data = window.command("Page.captureScreenshot", format="png", clip=clip)["data"]
        finally:
            window.close()
    picture = base64.b64decode(data)
    if len(picture) > MOST_BYTES:
        sys.exit(f"the picture has {len(picture)} bytes, more than {MOST_BYTES}")
    target.write_bytes(picture)


if __name__ == "__main__":
    main()
