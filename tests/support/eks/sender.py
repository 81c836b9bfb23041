"""A client that sends spans over OTLP/HTTP without a pause and tries each again until it is taken. It runs in a pod.

Usage: sender.py URL NAME; each span is of a service NAME-NUMBER. It sends until its input ends, then prints its counts.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request

PAUSE_SECONDS, LONGEST_SECONDS = 0.05, 60.0  # seconds between spans, and for which one is tried
stop_event = threading.Event()
counts = {"taken": 0, "failed_tries": 0, "lost": 0}


def build_span_request(service: str) -> bytes:
    """Return one span of a service."""
    now_ns = time.time_ns()
    span = {
        "traceId": f"{now_ns // 10**9:08x}{os.urandom(12).hex()}",
        "spanId": os.urandom(8).hex(),
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": str(now_ns),
        "endTimeUnixNano": str(now_ns + 1000),
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()


def send(url: str, service: str) -> None:
    """Send one span until it is taken, or for a minute."""
    deadline = time.monotonic() + LONGEST_SECONDS
    headers = {"Content-Type": "application/json"}
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, build_span_request(service), headers), timeout=5):
                counts["taken"] += 1
                return
        except OSError:
            counts["failed_tries"] += 1
            time.sleep(PAUSE_SECONDS)
    counts["lost"] += 1


def send_until_stopped(url: str, name: str) -> None:
    """Send until it is over."""
    span_number = 0
    while not stop_event.wait(PAUSE_SECONDS):
        send(url, f"{name}-{span_number}")
        span_number += 1


if __name__ == "__main__":
    thread = threading.Thread(target=send_until_stopped, args=(f"{sys.argv[1]}/v1/traces", sys.argv[2]))
    thread.start()
    sys.stdin.read()
    stop_event.set()
    thread.join()
    print(json.dumps(counts))
