# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts as EKS for its add-on `adot`: applies the operator's release in the cluster, watches it, and removes it.

The release is upstream's, since ADOT's own is no public manifest: names and namespace of its objects are upstream's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed import command, probe
from tests.testbed.aws.world import Addon, Stage, World
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.progress import say

ADDON_NAME = "adot"
DEPLOYMENTS_PATH = "/apis/apps/v1/namespaces/opentelemetry-operator-system/deployments"
READY_SECONDS = 60.0
"""How long the objects may take to be ready before the add-on is DEGRADED."""
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class AddonSite:
    """The cluster that the add-on is installed in."""

    cluster: Cluster
    manifest: Path
    """The release of the operator."""

    def apply(self) -> None:
        """Apply the objects. Raises ClusterError if the cluster refuses them."""
        self._run_kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=eks")

    def delete(self) -> None:
        """Delete the objects, and wait until they are gone. Raises ClusterError if they stay."""
        self._run_kubectl("delete", "--ignore-not-found", "--wait", "--timeout=120s")

    def ready(self) -> bool:
        """Whether the operator has Deployments, and all of them are ready."""
        try:
            deployments: list[dict[str, Any]] = probe.read_object(self.cluster, DEPLOYMENTS_PATH)["items"]
        except OSError:
            return False
        return bool(deployments) and all(_is_ready(deployment) for deployment in deployments)

    def _run_kubectl(self, *arguments: str) -> None:
        program = str(self.cluster.dir / "bin" / "kubectl")
        options = (f"--kubeconfig={self.cluster.kubeconfig}", f"--filename={self.manifest}")
        command.run([program, *arguments, *options], env=command.clean_environment())


def _is_ready(deployment: dict[str, Any]) -> bool:
    status = deployment["status"]
    is_observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
    has_replicas = status.get("readyReplicas", 0) == deployment["spec"]["replicas"]
    return bool(is_observed and has_replicas)


class AddonController(threading.Thread):
    """Does in the cluster what the status of the add-on asks for, and sets the status to how far that is."""

    def __init__(self, world: World, site: AddonSite) -> None:
        super().__init__(daemon=True, name="addon")
        self.world, self.site = world, site
        self.work = ""
        """The creation or the update whose objects are applied."""
        self.since = 0.0
        """When they were applied, by the monotonic clock."""

    def run(self) -> None:
        """Take step after step, for as long as the process lives."""
        while True:
            try:
                self.step()
            except OSError as error:
                say(f"add-on: {error}")
            time.sleep(POLL_SECONDS)

    def step(self) -> None:
        """Take the add-on one step further."""
        addon = self._find_addon()
        if addon is None:
            self.work = ""
            return
        status = addon.stages[-1].status
        if status == "DELETING":
            self._delete_objects(addon)
        elif status in ("CREATING", "UPDATING") or (status == "DEGRADED" and self.work):
            self._advance(addon, status)

    def _find_addon(self) -> Addon | None:
        """Return the add-on, None if it is not installed."""
        with self.world.lock:
            for (_region, _cluster, name), addon in self.world.addons.items():
                if name == ADDON_NAME:
                    return addon
        return None

    def _delete_objects(self, addon: Addon) -> None:
        """Delete the objects unless the add-on preserves them. It stays DELETING for as long as that fails."""
        if addon.is_preserved or self._try_action(addon, self.site.delete):
            self._set_stage(addon, "ABSENT")

    def _advance(self, addon: Addon, status: str) -> None:
        """Apply the objects once for each creation and update; then look until all are ready."""
        operation_id = f"{addon.facts['addonArn']} {addon.update_id}"
        if self.work != operation_id:
            self.since = time.monotonic()
            if not self._try_action(addon, self.site.apply):
                return
            self.work = operation_id
        if self.site.ready():
            self._set_stage(addon, "ACTIVE")
        elif status != "DEGRADED" and time.monotonic() - self.since > READY_SECONDS:
            self._set_stage(addon, "DEGRADED", "InsufficientNumberOfReplicas")

    def _try_action(self, addon: Addon, action: Callable[[], None]) -> bool:
        """Do something in the cluster. If the cluster refuses, the add-on keeps its status and gets a health issue."""
        try:
            action()
        except ClusterError as error:
            say(f"add-on: {error}")
            self._set_stage(addon, addon.stages[-1].status, "AdmissionRequestDenied")
            return False
        return True

    def _set_stage(self, addon: Addon, status: str, *issues: str) -> None:
        with self.world.lock:
            addon.stages = (Stage(status, issues=issues),)
