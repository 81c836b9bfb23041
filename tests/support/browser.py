# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser without a window, over the pipe of its DevTools protocol: no driver, no port, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from select import select
from typing import Any

from tests.testbed.errors import ClusterError
from tests.testbed.home import Home
from tests.testbed.packages import install_packages

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
TIMEOUT_SECONDS = 60.0
FRAME_END = b"\0"


# What is installed where there is none, by its program.
PACKAGE = {"chromium": "chromium"}


def install_browser() -> None:
    """Install Chromium where there is no browser, once for all who ask. Raises ClusterError where it cannot be had."""
    if find_browser():
        return
    home = Home.from_environment(os.environ)
    home.prepare()
    install_packages(home, PACKAGE)


def find_browser() -> str:
    """Return the browser's program, empty where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), "")


class Browser:
    """One tab, and all that the page in it did: messages of the console, requests."""

    def __init__(self, path: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="browser-")
        browser_input, self.writes = os.pipe()
        self.reads, browser_output = os.pipe()
        # The browser reads from descriptor 3 and writes to 4. Source: --remote-debugging-pipe in Chromium.
        shell_command = f'exec "$@" 3<&{browser_input} 4>&{browser_output}'
        flags = [*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.folder}"]
        self.process = subprocess.Popen(
            ["bash", "-c", shell_command, "bash", path, *flags],
            pass_fds=(browser_input, browser_output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(browser_input)
        os.close(browser_output)
        self.numbers, self.rest, self.events = count(1), b"", list[dict[str, Any]]()
        self.session = ""
        target = self.send_command("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send_command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send_command(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)
        os.close(self.reads)
        os.close(self.writes)
        shutil.rmtree(self.folder, ignore_errors=True)

    def send_command(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.writes, json.dumps(message).encode() + FRAME_END)
        answer = self._read_until(lambda event: event.get("id") == number)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _read_until(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            frame, separator, remainder = self.rest.partition(FRAME_END)
            if separator:
                self.rest = remainder
                message = json.loads(frame)
                self.events.append(message)
                if is_wanted(message):
                    return dict(message)
                continue
            assert select([self.reads], [], [], max(0.0, deadline - time.monotonic()))[0], "the browser does not answer"
            data = os.read(self.reads, 1 << 16)
            assert data, "the browser has ended"
            self.rest += data

    def open(self, url: str, dark: bool = False, width: int = 1280, scripts: bool = True) -> None:
        """Load a page as somebody sees it who likes it light or dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send_command("Emulation.setEmulatedMedia", features=[scheme])
        self.send_command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.send_command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.send_command("Page.navigate", url=url)
        if not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self._read_until(lambda message: message.get("method") == "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression yields in the page."""
        return self.send_command("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    @property
    def requested_addresses(self) -> list[str]:
        """Every address that the page has asked for."""
        request_events = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in request_events]

    @property
    def complaints(self) -> list[str]:
        """What the browser has said is wrong, such as a breach of the content security policy."""
        messages = [
            event["params"]
            for event in self.events
            if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
        ]
        return [json.dumps(message) for message in messages]


if __name__ == "__main__":
    try:
        install_browser()
    except ClusterError as error:
        sys.exit(f"Chromium cannot be had here: {error}")
