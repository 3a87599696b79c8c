# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that looks at pages of the program."""

import base64
import os
import shutil
import sys

DRIVER = shutil.which("chromedriver", path="/usr/bin:/usr/local/bin:" + os.environ.get("PATH", ""))

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    MISSING = "" if DRIVER else "no chromedriver: Debian's package is chromium-driver"
except ImportError:
    # Debian's package is for Debian's interpreter, which need not be the first one.
    if sys.executable != "/usr/bin/python3" and os.access("/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    MISSING = "no selenium: Debian's package is python3-selenium"


class Browser:
    """One window.  Its width is emulated: a real one has at least 500 pixels."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                         "--disable-dev-shm-usage", "--force-color-profile=srgb"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_script_timeout(30)

    def close(self):
        self.driver.quit()

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def look(self, width, height=900, dark=False, scripts=True):
        """How the next page is shown."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[theme])
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.resize(width, height)

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=False)

    def open(self, path):
        self.driver.get(f"file://{path}")

    def run(self, script, *arguments):
        """What `script` returns; it may await."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);"
            f"(async (...args) => {{ {script} }})(...given).then(done, e => done('error: ' + e));",
            *arguments)

    def settle(self):
        """Until what was asked for is painted."""
        self.run("await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));")

    def said(self):
        """Messages of the console since it was asked last: errors, violations of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def shoot(self, path, width, most=3200):
        """A picture of the page, at most `most` pixels of it."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        # What is not in the window is not painted.
        self.resize(width, min(height, most))
        self.settle()
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most), "scale": 1}
        data = self.command("Page.captureScreenshot", format="png", optimizeForSpeed=True,
                            clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    def keys(self, *names):
        """Presses keys, one after the other, as a person does."""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36,
                 "Backspace": 8, "Escape": 27, "+": 187, "-": 189, " ": 32}
        for name in names:
            text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
            event = {"key": name, "code": name, "windowsVirtualKeyCode": codes.get(name, 0)}
            self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            self.command("Input.dispatchKeyEvent", type="keyUp", **event)

    def mouse(self, kind, x, y, count=1):
        button = {"button": "left", "buttons": 1, "clickCount": count}
        self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y,
                     **(button if kind != "mouseMoved" else {"buttons": 1}))

    def drag(self, x0, x1, y):
        self.mouse("mouseMoved", x0, y)
        self.mouse("mousePressed", x0, y)
        for step in range(1, 5):
            self.mouse("mouseMoved", x0 + (x1 - x0) * step / 4, y)
        self.mouse("mouseReleased", x1, y)

    def double_click(self, x, y):
        for count in (1, 2):
            self.mouse("mousePressed", x, y, count)
            self.mouse("mouseReleased", x, y, count)
