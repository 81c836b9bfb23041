# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of eks_addon without HTTP, in time that passes only by sleeping: milliseconds each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import (
    EKS_ADDON,
    EKS_ADDON_INFO,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.call_errors import AnsibleCallError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.service_calls import ServiceCalls
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon import AddonTask
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon_info import AddonInfo
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from moto.eks.models import eks_backends

from tests.testbed.aws.addons import describe_addon
from tests.testbed.aws.direct import REGION, DirectClient
from tests.testbed.aws.world import ACCOUNT, AwsError, Stage, World

CLUSTER = "prod"
CHANGING = {"CreateAddon", "UpdateAddon", "DeleteAddon", "TagResource", "UntagResource"}


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Runs:
    """A world with a cluster, and what runs against it. `keys` are the access keys that each new client finds."""

    def __init__(self, *keys: str) -> None:
        self.clock = Clock()
        self.world = World(self.clock, self.clock.sleep)
        self.keys = list(keys) or ["AKIDTESTBED"]
        self.clients = 0
        clusters = eks_backends[ACCOUNT][REGION].clusters
        if CLUSTER not in clusters:  # once: moto reads service models for it, which takes longer than all else
            role = f"arn:aws:iam::{ACCOUNT}:role/c"
            made = {"name": CLUSTER, "role_arn": role, "resources_vpc_config": {}, "version": "1.34"}
            eks_backends[ACCOUNT][REGION].create_cluster(**made)

    @classmethod
    def with_addon(cls, **options: Any) -> Runs:
        """Return a world in which a run has installed the add-on."""
        runs = cls()
        runs.run(**options)
        return runs

    def stages(self, *stages: Stage) -> None:
        """Let the add-on pass through these states from now on."""
        addon = next(iter(self.world.addons.values()))
        addon.stages, addon.began_at = stages, self.clock()

    def connect(self) -> Any:
        self.clients += 1
        return DirectClient(self.world, self.keys[min(self.clients, len(self.keys)) - 1])

    def run(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run eks_addon once; errors are raised."""
        return self._run(AddonTask, EKS_ADDON, options, check)

    def follow(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run eks_addon_info once, waiting; errors are raised."""
        return self._run(AddonInfo, EKS_ADDON_INFO, {"wait": True, **options}, check)

    def _run(self, task: Any, spec: dict[str, Any], options: dict[str, Any], check: bool) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in spec.items()}
        params = defaults | {"cluster_name": CLUSTER, "name": "adot"} | options
        calls = ServiceCalls("eks", self.connect, clock=self.clock, sleep=self.clock.sleep)
        warned: list[str] = []
        aws = SimpleNamespace(calls=lambda _service: calls, check=check, params=params)
        aws.warn = lambda *texts: warned.extend(filter(None, texts))
        found: dict[str, Any] = task(aws, params).run() | {"warned": warned}
        return found

    def fails(self, **options: Any) -> str:
        """Run once, and return what it fails with."""
        try:
            result = self.run(**options)
        except Problem as problem:
            return str(problem)
        except AnsibleCallError as error:
            return f"{error.message} {error.answer.code}"
        raise AssertionError(f"it succeeds: {result}")

    def changing(self) -> list[str]:
        """Return what was called since last time that changes something."""
        found = [name for name in self.world.calls if name in CHANGING]
        self.world.calls.clear()
        return found

    @property
    def live(self) -> dict[str, Any] | None:
        """The add-on as it is now, whatever troubles there are."""
        try:
            found: dict[str, Any] = describe_addon(self.world, REGION, clusterName=CLUSTER, addonName="adot")["addon"]
        except AwsError:
            return None
        return found
