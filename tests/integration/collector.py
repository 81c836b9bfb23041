# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Collector, asked whether it takes a config."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "ECS_CONTAINER_METADATA_URI_V4": "http://localhost:1",
    "K8S_NODE_NAME": "node",
    "POD_NAME": "pod",
    "K8S_POD_NAME": "pod",
    "EXPORTER_ENDPOINT": "http://localhost:1",
    "OTEL_PORT": "4317",
    "METRICS_PORT": "8888",
    "PASSWORD": "p",
    "USERS": "a:b",
    "RECEIVERS": "[nop]",
}
SECONDS = 60
READY = "Everything is ready"  # the last line of a start
MOMENT = 1  # second in which a component may still end the process, such as by a panic of a routine
# A process keeps what these take: the port of a receiver from when it is made, and the root of all host_metrics.
HOLDS = ("awsxray", "root_path")


Validate = Callable[[Path], str]
"""Returns why the Collector refuses the config in a file, or nothing."""


@contextmanager
def validating(program: Path) -> Iterator[Validate]:
    """Ask the testbed's Collector in one process, because most of the time is its start, and another one in many."""
    each = [str(program), "validate-each"]
    known = subprocess.run(each, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS)
    if known.returncode != 0:
        yield partial(_alone, program)
        return
    with subprocess.Popen(
        each,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # warnings about what it accepts
        text=True,
        env={**ENVIRONMENT, "GOGC": "400"},
    ) as process:
        following, alone = partial(_next, process, threading.Lock()), partial(_alone, program)
        yield lambda file: (alone if _holds(file) else following)(file)


def _holds(file: Path) -> bool:
    text = file.read_text(encoding="utf-8")
    return any(word in text for word in HOLDS)


def _alone(program: Path, file: Path) -> str:
    argv = [str(program), "validate", "--config", str(file)]
    # Collecting the garbage of a process of a moment is a quarter of its work.
    environment = {**ENVIRONMENT, "GOGC": "off"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=SECONDS)
    return "" if done.returncode == 0 else (done.stderr or done.stdout or "refused without a word")


def _next(process: subprocess.Popen[str], lock: threading.Lock, file: Path) -> str:
    assert process.stdin and process.stdout
    with lock:
        print(file, file=process.stdin, flush=True)
        said = process.stdout.readline()
    assert said, f"the Collector ended while it validated {file}"
    return str(json.loads(said))


def said_at_start(program: Path, file: Path) -> str:
    """Return what the Collector says when it does not start, or ends within a moment; empty text if it runs.

    It runs in a network namespace of its own: loopback alone, and every port free.
    """
    argv = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up; exec "$0" "$@"']
    with subprocess.Popen(
        [*argv, str(program), "--config", str(file)],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        cwd=file.parent,
    ) as process:
        assert process.stderr
        lines, deadline = [], time.monotonic() + SECONDS
        for line in process.stderr:
            lines.append(line)
            if READY in line:
                return _ended(process)
            if time.monotonic() > deadline:
                process.kill()
                return f"not ready after {SECONDS} s"
        said = [line for line in lines if line.startswith(("panic:", "Error:"))] or lines[-3:]
        return "".join(said)


def _ended(process: subprocess.Popen[str]) -> str:
    """Return what a Collector says that ends by itself within a moment after it is ready; it is stopped after it."""
    try:
        _out, said = process.communicate(timeout=MOMENT)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.communicate()
        return ""
    return said or "ended without a word"
