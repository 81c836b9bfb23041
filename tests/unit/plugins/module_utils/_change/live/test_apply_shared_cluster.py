# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two inventories and a third party in one cluster in memory, in any order, with runs that are killed.

1,000 random sequences, and those that `molecule/shared_cluster` plays on a real cluster.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster, RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

from tests.support.inventories import World, play
from tests.support.sharing import CERTIFICATES, COLLECTORS, NATIVE_PARTS, SEEDS, build_object

from ... import fake_api
from ...fake_api import KUBECTL, FakeApi, parsed

SEQUENCES, CHUNK = 1000, 100
NAMESPACES = ("x", "x-y")


class SharedApi(FakeApi):
    """The API server in memory, with others who work there."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[str] = []

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        answer = super().__call__(method, target, headers, body)
        if method in ("PATCH", "DELETE") and "dryRun" not in target:
            self._written.append(parsed(target)[0])
        return answer

    def written(self) -> list[str]:
        found, self._written = self._written, []
        return found

    def create(self, item: Any) -> None:
        made = FakeApi()
        made.add(item)
        if not {path for path in made.objects if not path.endswith("/namespaces/default")} & set(self.objects):
            self.add(item)

    def touch(self, path: str, value: str) -> None:
        old = self.objects[path]["metadata"]
        annotations = {**(old.get("annotations") or {}), "touched": value}
        writers = [*old["managedFields"], {"manager": KUBECTL, "operation": "Update"}]
        new = {"annotations": annotations, "resourceVersion": f"{old['resourceVersion']}0", "managedFields": writers}
        self.objects[path] = {**self.objects[path], "metadata": {**old, **new}}

    def forget(self, path: str) -> None:
        del self.objects[path]


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, CERTIFICATES, ("issuers", "certificates", "certificaterequests"))
    monkeypatch.setitem(fake_api.SERVED, COLLECTORS, ("opentelemetrycollectors",))
    monkeypatch.setattr(Cluster, "call_in_parallel", lambda _self, call, items: [call(item) for item in items])


def controllers(world: World) -> None:
    """Let cert-manager and the operator do what they do, for whoever made what they look after."""
    objects: Any = world.api.objects
    for path, item in list(objects.items()):
        metadata = item["metadata"]
        maker = world.makers.get((path, metadata["uid"]), world.actor)
        if item["kind"] == "Certificate" and "status" not in item:
            objects[path] = {**item, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            secret = build_object("Secret", metadata["name"], metadata["namespace"])
            secret["metadata"]["annotations"] = {"cert-manager.io/certificate-name": metadata["name"]}
            world.make_object(secret, maker)
        if item["kind"] == "OpenTelemetryCollector":
            owner = {"apiVersion": COLLECTORS, "kind": item["kind"], "name": metadata["name"], "controller": True}
            labels = {**metadata["labels"], names.OWNER_LABEL: "opentelemetry-operator"}
            made = build_object(
                "Deployment", f"{metadata['name']}-collector", metadata["namespace"], "apps/v1", labels, spec={}
            )
            made["metadata"]["ownerReferences"] = [owner]
            world.make_object(made, maker)
        for reference in metadata.get("ownerReferences") or []:
            place = f"/apis/{COLLECTORS}/namespaces/{metadata['namespace']}/opentelemetrycollectors"
            if f"{place}/{reference['name']}" not in objects:
                del objects[path]


def sequence(seed: int) -> Counter[str]:
    api = SharedApi()
    world = World(seed, api, NAMESPACES)
    world.react = controllers
    api.clock.on_sleep.append(lambda _now: controllers(world))
    return play(world)


@pytest.mark.parametrize("start", range(0, SEQUENCES, CHUNK))
def test_neither_inventory_touches_what_the_other_or_a_third_party_made(start: int) -> None:
    count: Counter[str] = Counter()
    for seed in range(start, start + CHUNK):
        try:
            count += sequence(seed)
        except AssertionError as error:
            raise AssertionError(f"sequence {seed}: {error}") from error
    assert min(count[key] for key in ("done", "killed", "refused", "adopting")) > CHUNK // 20
    assert count["lacking"] + count["adopted"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sequences_of_the_real_cluster_hold_in_memory(seed: int) -> None:
    count = play(World(seed, SharedApi(), (f"shared-{seed}", f"shared-{seed}-y"), NATIVE_PARTS))
    assert count["done"] > 2 and count["killed"] and count["refused"]
