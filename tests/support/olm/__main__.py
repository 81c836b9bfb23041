# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the tests' OLM as a process of its own, and stop it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from urllib3.exceptions import HTTPError

from tests.support.cluster import PROJECT, until

from .api import Api, ApiError, Object
from .controller import ROOT, V1ALPHA1, Controller
from .definitions import kinds

# Seconds between two looks.
PAUSE = 0.2
# The server may be gone for a moment. After so many seconds the cluster is, such as at the end of a run that was ended.
GONE_SECONDS = 60.0
# Nobody needs it for longer, and one that is forgotten ends.
LONGEST_SECONDS = 3600.0
RUNNING, ENDED = "running", "ended"
VERSIONS = f"{ROOT}/clusterserviceversions"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KIND = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}


def start(folder: Path) -> None:
    """Make the kinds, and start the controller."""
    folder.mkdir(parents=True, exist_ok=True)
    api = Api.connect()
    for item in kinds():
        api.apply(item)
    until("OLM's kinds are served", lambda: all(_served(api, item) for item in kinds()), 30)
    with (folder / "log").open("w", encoding="utf-8") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.olm", "run", str(folder)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until("the controller runs", (folder / RUNNING).exists)


def run(folder: Path) -> None:
    """Run the controller until `stop`, a signal, or the end of its cluster. A file says that it has ended."""
    signal.signal(signal.SIGTERM, _exit)
    controller, running = Controller(Api.connect()), folder / RUNNING
    (folder / ENDED).unlink(missing_ok=True)
    running.touch()
    try:
        _look_again_and_again(controller, running)
    finally:
        if folder.exists():
            (folder / ENDED).touch()


def _exit(number: int, _frame: FrameType | None) -> None:
    """End this process in order."""
    sys.exit(128 + number)


def _look_again_and_again(controller: Controller, running: Path) -> None:
    """Look until the file is gone, the server does not answer any more, or the time is over."""
    begin = answered = time.monotonic()
    while running.exists():
        has_answered = _look(controller)
        now = time.monotonic()
        if has_answered:
            answered = now
        if now - answered >= GONE_SECONDS or now - begin >= LONGEST_SECONDS:
            return
        time.sleep(PAUSE)


def stop(folder: Path) -> None:
    """End the controller, finish what it would have finished, and take the kinds away."""
    running = folder / RUNNING
    if running.exists():
        running.unlink()
        until("the controller has ended", (folder / ENDED).exists)
    controller = Controller(Api.connect())
    for kind in ("Subscription", "ClusterServiceVersion"):
        for item in controller.api.items(f"{ROOT}/{kind.lower()}s"):
            controller.api.delete({"apiVersion": V1ALPHA1, "kind": kind, **item})

    def clean() -> bool:
        _look(controller)
        return not controller.api.items(VERSIONS)

    until("no version is left", clean, 60)
    # OLM leaves what versions defined; here nobody else would take it away.
    left = controller.api.items(DEFINITIONS, labelSelector="olm.managed=true")
    for item in [*kinds(), *({**KIND, **one} for one in left)]:
        controller.api.delete(item)


def _look(controller: Controller) -> bool:
    """Let the controller look once. Return whether the server has answered; a busy one may answer with an error."""
    try:
        controller.look()
    except (ApiError, HTTPError) as error:
        print(error, flush=True)
        return isinstance(error, ApiError)
    return True


def _served(api: Api, item: Object) -> bool:
    found = api.get(f"{DEFINITIONS}/{item['metadata']['name']}") or {}
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


if __name__ == "__main__":
    {"start": start, "run": run, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
