# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS does in the cluster for its add-on `adot`: the operator's release is applied, looked after and taken away.

The release is upstream's, since ADOT's own is no public manifest: names and namespace of its objects are upstream's.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed import command, probe
from tests.testbed.aws.world import Addon, Stage, World
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.progress import say

ADDON = "adot"
WORKLOADS = "/apis/apps/v1/namespaces/opentelemetry-operator-system/deployments"
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Site:
    """The cluster in which the add-on's objects are."""

    cluster: Cluster
    manifest: Path

    def apply(self) -> None:
        """Bring the objects about; raise where the cluster refuses."""
        self._kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=eks")

    def delete(self) -> None:
        """Take them away, and wait until they are gone."""
        self._kubectl("delete", "--ignore-not-found", "--wait", "--timeout=120s")

    def ready(self) -> bool:
        """Whether the operator's Deployments are ready."""
        try:
            found: list[dict[str, Any]] = probe.get(self.cluster, WORKLOADS)["items"]
        except OSError:
            return False
        return bool(found) and all(
            item["status"].get("observedGeneration") == item["metadata"]["generation"]
            and item["status"].get("readyReplicas", 0) == item["spec"]["replicas"]
            for item in found
        )

    def _kubectl(self, *words: str) -> None:
        program = str(self.cluster.dir / "bin" / "kubectl")
        where = (f"--kubeconfig={self.cluster.kubeconfig}", f"--filename={self.manifest}")
        command.run([program, *words, *where], env=command.clean_environment())


class Player(threading.Thread):
    """Does what the state of the add-on asks for, and says in its status how far that is."""

    def __init__(self, world: World, site: Site) -> None:
        super().__init__(daemon=True, name="addon")
        self.world, self.site = world, site
        self.work = ""
        self.since = 0.0

    def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                self.step()
            except OSError as error:
                say(f"add-on: {error}")
            time.sleep(LOOK_SECONDS)

    def step(self) -> None:
        """Take the add-on one step further."""
        with self.world.lock:
            addon = next((item for key, item in self.world.addons.items() if key[2] == ADDON), None)
        if addon is None:
            self.work = ""
            return
        status = addon.stages[-1].status
        if status == "DELETING":
            if not addon.preserve:
                self._tried(addon, self.site.delete)
            self._set(addon, "ABSENT")
        elif status in ("CREATING", "UPDATING") or (status == "DEGRADED" and self.work):
            self._advance(addon, status)

    def _advance(self, addon: Addon, status: str) -> None:
        """Apply once for every creation and update; then look until all is ready."""
        work = f"{addon.facts['addonArn']} {addon.update_id}"
        if self.work != work:
            self.since = time.monotonic()
            if not self._tried(addon, self.site.apply):
                return
            self.work = work
        if self.site.ready():
            self._set(addon, "ACTIVE")
        elif status != "DEGRADED" and time.monotonic() - self.since > PATIENCE_SECONDS:
            self._set(addon, "DEGRADED", "InsufficientNumberOfReplicas")

    def _tried(self, addon: Addon, do: Any) -> bool:
        """Do it; where the cluster refuses, the add-on is in a bad state until it can be done."""
        try:
            do()
        except ClusterError as error:
            say(f"add-on: {error}")
            self._set(addon, addon.stages[-1].status, "AdmissionRequestDenied")
            return False
        return True

    def _set(self, addon: Addon, status: str, *issues: str) -> None:
        with self.world.lock:
            addon.stages = (Stage(status, issues=issues),)
