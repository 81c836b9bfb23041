# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the tests' OLM as a process of its own, and stop it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from urllib3.exceptions import HTTPError

from tests.support.cluster import PROJECT, until

from .api import Api, ApiError, Object
from .controller import ROOT, V1ALPHA1, Controller
from .definitions import kinds

PAUSE = 0.2
# Nobody needs it for longer, and one that is forgotten ends.
LONGEST = 3600.0
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
    """Look again and again, until the file that says so is gone; the server may be busy, or be gone for a moment."""
    controller, end, running = Controller(Api.connect()), time.monotonic() + LONGEST, folder / RUNNING
    (folder / ENDED).unlink(missing_ok=True)
    running.touch()
    try:
        while running.exists() and time.monotonic() < end:
            _look(controller)
            time.sleep(PAUSE)
    finally:
        (folder / ENDED).touch()


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


def _look(controller: Controller) -> None:
    try:
        controller.look()
    except (ApiError, HTTPError) as error:
        print(error, flush=True)


def _served(api: Api, item: Object) -> bool:
    found = api.get(f"{DEFINITIONS}/{item['metadata']['name']}") or {}
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


if __name__ == "__main__":
    {"start": start, "run": run, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
