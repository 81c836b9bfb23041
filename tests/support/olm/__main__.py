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

from tests.support.cluster import PROJECT, wait_until

from .api import Api, ApiError, Object
from .controller import ROOT, V1ALPHA1, Controller
from .definitions import load_olm_definitions

# Seconds between two looks.
PAUSE_SECONDS = 0.2
# The server may be gone for a moment. After so many seconds the cluster is, such as at the end of a run that was ended.
GONE_SECONDS = 60.0
# Nobody needs it for longer, and one that is forgotten ends.
LONGEST_SECONDS = 3600.0
RUNNING_FILE, ENDED_FILE = "running", "ended"
VERSIONS_PATH = f"{ROOT}/clusterserviceversions"
DEFINITIONS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION_KIND = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}


def start(folder: Path) -> None:
    """Make the kinds, and start the controller."""
    folder.mkdir(parents=True, exist_ok=True)
    api = Api.connect()
    for definition in load_olm_definitions():
        api.apply(definition)
    wait_until(
        "OLM's kinds are served", lambda: all(_is_served(api, definition) for definition in load_olm_definitions()), 30
    )
    with (folder / "log").open("w", encoding="utf-8") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.olm", "run", str(folder)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_until("the controller runs", (folder / RUNNING_FILE).exists)


def run(folder: Path) -> None:
    """Run the controller until `stop`, a signal, or the end of its cluster. A file says that it has ended."""
    signal.signal(signal.SIGTERM, _exit_in_order)
    controller, running_file = Controller(Api.connect()), folder / RUNNING_FILE
    (folder / ENDED_FILE).unlink(missing_ok=True)
    running_file.touch()
    try:
        _look_until_gone(controller, running_file)
    finally:
        if folder.exists():
            (folder / ENDED_FILE).touch()


def _exit_in_order(signal_number: int, _frame: FrameType | None) -> None:
    """End this process in order."""
    sys.exit(128 + signal_number)


def _look_until_gone(controller: Controller, running_file: Path) -> None:
    """Look until the file is gone, the server does not answer any more, or the time is over."""
    start_time = last_answer = time.monotonic()
    while running_file.exists():
        has_answered = _look_once(controller)
        current_time = time.monotonic()
        if has_answered:
            last_answer = current_time
        if current_time - last_answer >= GONE_SECONDS or current_time - start_time >= LONGEST_SECONDS:
            return
        time.sleep(PAUSE_SECONDS)


def stop(folder: Path) -> None:
    """End the controller, finish what it would have finished, and take the kinds away."""
    running_file = folder / RUNNING_FILE
    if running_file.exists():
        running_file.unlink()
        wait_until("the controller has ended", (folder / ENDED_FILE).exists)
    controller = Controller(Api.connect())
    for kind in ("Subscription", "ClusterServiceVersion"):
        for manifest in controller.api.items(f"{ROOT}/{kind.lower()}s"):
            controller.api.delete({"apiVersion": V1ALPHA1, "kind": kind, **manifest})

    def has_no_version_left() -> bool:
        _look_once(controller)
        return not controller.api.items(VERSIONS_PATH)

    wait_until("no version is left", has_no_version_left, 60)
    # OLM leaves what versions defined; here nobody else would take it away.
    leftovers = controller.api.items(DEFINITIONS_PATH, labelSelector="olm.managed=true")
    for manifest in [*load_olm_definitions(), *({**DEFINITION_KIND, **leftover} for leftover in leftovers)]:
        controller.api.delete(manifest)


def _look_once(controller: Controller) -> bool:
    """Let the controller look once. Return whether the server has answered; a busy one may answer with an error."""
    try:
        controller.look()
    except (ApiError, HTTPError) as error:
        print(error, flush=True)
        return isinstance(error, ApiError)
    return True


def _is_served(api: Api, definition: Object) -> bool:
    served_definition = api.get(f"{DEFINITIONS_PATH}/{definition['metadata']['name']}") or {}
    conditions = (served_definition.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


if __name__ == "__main__":
    {"start": start, "run": run, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
