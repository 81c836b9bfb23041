"""A client that sends log records over OTLP/HTTP without a pause and tries each again until it is taken."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PAUSE, LONGEST = 0.05, 60.0  # seconds between records, and for which one record is tried


@dataclass
class Load:
    """What has been sent, and how often a try failed."""

    url: str
    name: str
    taken: list[str] = field(default_factory=list)
    failed_tries: int = 0
    lost: list[str] = field(default_factory=list)

    def send(self, text: str) -> None:
        """Send one record until the server answers 200, or for a minute."""
        record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
        body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            request = urllib.request.Request(
                f"{self.url}/v1/logs", body, {"Content-Type": "application/json"}, method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=5):
                    self.taken.append(text)
                    return
            except (OSError, urllib.error.HTTPError):
                self.failed_tries += 1
                time.sleep(PAUSE)
        self.lost.append(text)


@contextmanager
def load(url: str, name: str) -> Iterator[Load]:
    """Send records named NAME-0, NAME-1 … to a receiver until the block ends."""
    sent, over = Load(url, name), threading.Event()

    def work() -> None:
        number = 0
        while not over.wait(PAUSE):
            sent.send(f"{name}-{number}.")
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()
