# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two inventories and a third party in one cluster, in any order, with runs that are killed: 1,200 random sequences.

Who made an object is noted here when it appears, and not read from its marks.
"""

from __future__ import annotations

import copy
import itertools
import random
from collections import Counter
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector import names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.cluster import Cluster

from .. import fake_api
from ..fake_api import FakeApi
from .test_apply import absent, obj, present
from .test_ownership import HELM, RBAC

SEQUENCES, CHUNK = 1200, 100
NAMESPACES, NAMES = ("x", "x-y"), ("gw", "gw-headless")
PLACES = list(itertools.product(NAMESPACES, NAMES))
CERTIFICATES, COLLECTORS = "cert-manager.io/v1", "opentelemetry.io/v1beta1"
KINDS = {
    **{"ConfigMap": "v1", "Service": "v1", "ServiceAccount": "v1", "Secret": "v1", "Deployment": "apps/v1"},
    **{"CronJob": "batch/v1", "RoleBinding": RBAC, "ClusterRole": RBAC},
}


class KilledError(Exception):
    """The run ends here, as if its process had been killed."""


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, CERTIFICATES, ("issuers", "certificates", "certificaterequests"))
    monkeypatch.setitem(fake_api.SERVED, COLLECTORS, ("opentelemetrycollectors",))
    monkeypatch.setattr(Cluster, "parallel", lambda _self, call, items: [call(item) for item in items])


def bundle(namespace: str, name: str, parts: set[str]) -> list[Any]:
    """Return the objects of one collector, of some parts."""
    release, wide = names.release(namespace, name), names.cluster_wide(namespace, name)
    labels = {names.RELEASE_LABEL: release, names.OWNER_LABEL: names.OWNER}
    shared = {**labels, names.RELEASE_LABEL: names.shared_release(namespace)}
    reference = {"secretName": f"{name}-tls", "issuerRef": {"name": "corporate", "kind": "ClusterIssuer"}}
    made = {
        "role": [obj(kind, wide, "", RBAC, labels) for kind in ("ClusterRole", "ClusterRoleBinding")],
        "service": [
            obj("Service", service, namespace, labels=labels, spec={"ports": []})
            for service in (name, names.headless(name))
        ],
        "certificate": [obj("Certificate", f"{name}-tls", namespace, CERTIFICATES, labels, spec=reference)],
        "custom": [obj("OpenTelemetryCollector", name, namespace, COLLECTORS, labels, spec={"mode": "deployment"})],
    }
    plain = [
        obj("ConfigMap", name, namespace, labels=labels, data={"config": " ".join(sorted(parts))}),
        obj("Deployment", name, namespace, "apps/v1", labels, spec={"template": {"spec": {"containers": []}}}),
    ]
    common = [obj("Namespace", namespace, "", labels=shared), obj("ServiceAccount", name, namespace, labels=shared)]
    chosen = [item for part in sorted(parts) for item in made[part]]
    return common + chosen + ([] if "custom" in parts else plain)


class World:
    """One cluster, who made each object in it, and what became of the runs."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.api = FakeApi()
        self.api.clock.on_sleep.append(lambda _now: self.controllers())
        self.makers: dict[tuple[str, str], str] = {}
        self.actor, self.count = "others", Counter[str]()
        self.inventories: dict[str, list[tuple[str, str]]] = {"A": [], "B": []}
        for namespace in NAMESPACES:
            for actor, name in zip("AB", self.random.sample(NAMES, 2), strict=True):
                if self.random.random() < 0.7 or not self.inventories[actor]:
                    self.inventories[actor].append((namespace, name))
        self.backend = {place: {"custom"} if self.random.random() < 0.3 else set() for place in PLACES}

    def step(self, actor: str, call: Any) -> None:
        """Let somebody do something, and see that only his own objects have changed."""
        before = copy.deepcopy(self.api.objects)
        self.actor = actor
        call()
        self.controllers()
        for path, item in before.items():
            maker = self.makers.get((path, item["metadata"]["uid"]), "others")
            kept = self.api.objects.get(path) == item
            if maker != actor and not (item["kind"] == "Namespace" and maker != "others"):
                assert kept, f"{actor} touched {path}, which {maker} made"
            if item["kind"] == "Namespace" and path not in self.api.objects:
                inside = f"/namespaces/{item['metadata']['name']}/"
                assert not [one for one in self.api.objects if inside in one], (
                    f"{actor} deleted {path} with objects in it"
                )
        for path, item in self.api.objects.items():
            self.makers.setdefault((path, item["metadata"]["uid"]), actor)

    def run(self, actor: str, state: str, kill: int = 0) -> None:
        """Run an inventory, with random parts of its collectors, and maybe only for some requests."""
        chosen = {place: self.parts(place) for place in self.inventories[actor]}
        merged = {str(item): item for place, parts in chosen.items() for item in bundle(*place, parts)}
        releases = ",".join(names.release(*place) for place in chosen)
        selector = f"{names.RELEASE_LABEL} in ({releases}),{names.OWNER_LABEL}={names.OWNER}"
        more = {"prune_selector": selector, "field_manager": names.OWNER, "diff": False}
        left = itertools.count(1)

        def trouble(_method: str, _path: str) -> None:
            if kill and next(left) >= kill:
                raise KilledError

        self.api.trouble, self.api.requests = trouble, []
        try:
            (present if state == "present" else absent)(self.api, list(merged.values()), **more)
            self.count["done"] += 1
        except KilledError:
            self.count["killed"] += 1
        except Problem as problem:
            assert "belong to others" in problem.wrong, problem
            assert state == "present"
            assert not self.api.sent("PATCH", "DELETE")
            self.count["refused"] += 1
        finally:
            assert not [path for path in self.api.sent("PATCH", "DELETE") if path.endswith("-collector")]
            self.api.trouble = lambda _method, _path: None

    def parts(self, place: tuple[str, str]) -> set[str]:
        drawn = {part for part in ("role", "service", "certificate") if self.random.random() < 0.6}
        return drawn | self.backend[place]

    def controllers(self) -> None:
        """Let cert-manager and the operator do what they do, for whoever made what they look after."""
        for path, item in list(self.api.objects.items()):
            metadata = item["metadata"]
            if item["kind"] == "Certificate" and "status" not in item:
                item["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
                secret = obj("Secret", metadata["name"], metadata["namespace"])
                secret["metadata"]["annotations"] = {"cert-manager.io/certificate-name": metadata["name"]}
                self.make(secret, self.makers.get((path, metadata["uid"]), self.actor))
            if item["kind"] == "OpenTelemetryCollector":
                owner = {"apiVersion": COLLECTORS, "kind": item["kind"], "name": metadata["name"], "controller": True}
                labels = {**metadata["labels"], names.OWNER_LABEL: "opentelemetry-operator"}
                made = obj(
                    "Deployment", f"{metadata['name']}-collector", metadata["namespace"], "apps/v1", labels, spec={}
                )
                made["metadata"]["ownerReferences"] = [owner]
                self.make(made, self.makers.get((path, metadata["uid"]), self.actor))
            for reference in metadata.get("ownerReferences") or []:
                place = f"/apis/{COLLECTORS}/namespaces/{metadata['namespace']}/opentelemetrycollectors"
                if f"{place}/{reference['name']}" not in self.api.objects:
                    del self.api.objects[path]

    def make(self, item: Any, maker: str) -> None:
        """Make an object unless there is one of this name."""
        made = FakeApi()
        made.add(item)
        (path,) = (path for path in made.objects if not path.endswith("/namespaces/default"))
        if path not in self.api.objects:
            self.api.add(item)
            self.makers[path, self.api.objects[path]["metadata"]["uid"]] = maker

    def third_party(self) -> None:
        """Make something of a name that a collector may have, copy labels of ours, or touch what is there."""
        namespace, name = self.random.choice(PLACES)
        kind = self.random.choice(list(KINDS))
        choice = self.random.random()
        here = [
            item for item in self.api.objects.values() if names.RELEASE_LABEL in (item["metadata"].get("labels") or {})
        ]
        if choice < 0.4:
            wide = kind == "ClusterRole"
            found = obj(
                kind, names.cluster_wide(namespace, name) if wide else name, "" if wide else namespace, KINDS[kind]
            )
            found["metadata"]["annotations"] = self.random.choice([HELM, {}])
            self.make(obj("Namespace", namespace, ""), "others")
            self.make(found, "others")
        elif choice < 0.7 and here:
            copied = copy.deepcopy(self.random.choice([item for item in here if item["kind"] != "Namespace"] or here))
            metadata = {key: copied["metadata"][key] for key in ("labels", "namespace") if key in copied["metadata"]}
            self.make({**copied, "metadata": {**metadata, "name": f"copy-{self.random.randrange(9)}"}}, "others")
        elif choice < 0.8 and here:
            self.replace(self.random.choice([path for path, item in self.api.objects.items() if item in here]))
        elif here:
            touched = self.random.choice(here)["metadata"]
            touched["annotations"] = {**(touched.get("annotations") or {}), "touched": str(self.random.random())}
            touched["resourceVersion"] += "0"
            touched["managedFields"].append({"manager": "kubectl-edit", "operation": "Update"})

    def replace(self, path: str) -> None:
        """Delete an object and make it again from what kubectl showed of it, with all its labels."""
        old = self.api.objects[path]
        if old["kind"] not in ("Namespace", "Certificate", "OpenTelemetryCollector"):
            del self.api.objects[path]
            metadata = {key: old["metadata"][key] for key in ("name", "labels", "namespace") if key in old["metadata"]}
            self.make({**old, "metadata": metadata}, "others")


def play(seed: int) -> Counter[str]:
    world = World(seed)
    for _step in range(world.random.randint(4, 8)):
        actor = world.random.choice(["A", "B", "others"])
        if actor == "others":
            world.third_party()
            world.controllers()
            for path, item in world.api.objects.items():
                world.makers.setdefault((path, item["metadata"]["uid"]), "others")
            continue
        state = world.random.choice(["present", "present", "absent"])
        kill = world.random.choice([0, 0, world.random.randint(1, 90)])
        world.step(actor, lambda actor=actor, state=state, kill=kill: world.run(actor, state, kill))
    for actor in ("A", "B"):
        world.step(actor, lambda actor=actor: world.run(actor, "absent"))
    # A removal that is killed between a Certificate and its Secret leaves the Secret, which names no release.
    left = {path: item for path, item in world.api.objects.items() if item["kind"] not in ("Namespace", "Secret")}
    assert [path for path, item in left.items() if world.makers[path, item["metadata"]["uid"]] in ("A", "B")] == []
    return world.count


@pytest.mark.parametrize("start", range(0, SEQUENCES, CHUNK))
def test_neither_inventory_touches_what_the_other_or_a_third_party_made(start: int) -> None:
    count: Counter[str] = Counter()
    for seed in range(start, start + CHUNK):
        try:
            count += play(seed)
        except AssertionError as error:
            raise AssertionError(f"sequence {seed}: {error}") from error
    assert min(count[key] for key in ("done", "killed", "refused")) > CHUNK // 20
