"""Two inventories and a third party in one cluster, in any order, with runs that are killed.

Who made an object is noted here when it appears, and not read from its marks. The cluster is in memory or real.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.remove import remove_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.session import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

from .sharing import ALL, HELM, KINDS, NAMES, SHARED, Api, Object, Place, body, bundle, obj, used

OTHERS, INVENTORIES = "others", ("A", "B")


class KilledError(Exception):
    """The run ends here, as if its process had been killed."""


class World:
    """One cluster, who made each object in it, and what became of the runs."""

    def __init__(self, seed: int, api: Api, namespaces: tuple[str, ...], offered: tuple[str, ...] = ALL) -> None:
        self.random, self.api, self.offered = random.Random(seed), api, offered
        self.makers: dict[tuple[str, str], str] = {}
        self.actor, self.count = OTHERS, Counter[str]()
        self.react: Callable[[World], None] = lambda _world: None
        self.consent: set[str] = set()
        self.refused: set[str] = set()
        self.places = list(itertools.product(namespaces, NAMES))
        self.inventories: dict[str, list[Place]] = {name: [] for name in INVENTORIES}
        for namespace in namespaces:
            for actor, name in zip(INVENTORIES, self.random.sample(NAMES, 2), strict=True):
                if self.random.random() < 0.7 or not self.inventories[actor]:
                    self.inventories[actor].append((namespace, name))
        chance = self.random.random
        self.backend = {one: {"custom"} if "custom" in offered and chance() < 0.3 else set() for one in self.places}
        self.accounts = {one: SHARED if chance() < 0.4 else one[1] for one in self.places}
        self.annotations = {one: {"role": one[1]} if chance() < 0.2 else {} for one in self.places}

    def note(self) -> None:
        """Note who made what is new."""
        for path, item in self.api.objects.items():
            self.makers.setdefault((path, item["metadata"]["uid"]), self.actor)

    def step(self, actor: str, call: Callable[[], None]) -> None:
        """Let an actor do something, and see that only its own objects have changed."""
        before = dict(self.api.objects)
        self.actor, self.consent = actor, set()
        call()
        self.react(self)
        after = self.api.objects
        for path, item in before.items():
            maker = self.makers.get((path, item["metadata"]["uid"]), OTHERS)
            allowed = maker == actor or (path in self.consent and maker == OTHERS)
            if not allowed and not (item["kind"] == "Namespace" and maker != OTHERS):
                assert after.get(path) == item, f"{actor} touched {path}, which {maker} made"
            if path not in after and actor != OTHERS:
                assert not used(item, after), f"{actor} deleted {path}, which {used(item, after)} needs"
        self.note()

    def run(self, actor: str, state: str, kill: int = 0) -> None:
        """Run an inventory, with random parts of its collectors, and maybe only for some requests."""
        places = self.inventories[actor]
        merged = {
            str(item): item
            for one in places
            for item in bundle(one, self.parts(one), self.accounts[one], self.annotations[one])
        }
        releases = [names.release(*one) for one in places]
        selector = f"{names.RELEASE_LABEL} in ({','.join(releases)}),{names.OWNER_LABEL}={names.OWNER}"
        # Who was refused may take over what is in the way in the next run.
        chance = 0.7 if actor in self.refused else 0.1
        adopt = [one for one in releases if state == "present" and self.random.random() < chance]
        existing = [f"{one[0]}/{SHARED}" for one in places if state == "present" and self.accounts[one] == SHARED]
        options = BundleOptions(
            list(merged.values()),
            field_manager=names.OWNER,
            force_conflicts=True,
            prune_selector=f"{selector},{names.COLLECTOR_LABEL}",
            wait_seconds=30,
            check=False,
            diff=False,
            adopt=tuple(adopt),
            existing_accounts=tuple(existing),
        )
        self._bring(options, state, kill)
        self._agree(options)

    def _bring(self, options: BundleOptions, state: str, kill: int) -> None:
        left = itertools.count(1)

        def trouble(_method: str, _path: str) -> None:
            if kill and next(left) >= kill:
                raise KilledError

        self.api.trouble = trouble
        self.api.written()
        try:
            (apply_bundle if state == "present" else remove_bundle)(self.api.cluster(), options)
            self.count["adopting" if options.adopt else "done"] += 1
            self.refused.discard(self.actor)
        except KilledError:
            self.count["killed"] += 1
        except Problem as problem:
            assert re.search("are managed by others|belong", problem.wrong), problem
            assert state == "present"
            assert not self.api.written()
            self.refused.add(self.actor)
            self.count["refused" if "are managed by others" in problem.wrong else "lacking"] += 1
        finally:
            self.api.trouble = lambda _method, _path: None

    def _agree(self, options: BundleOptions) -> None:
        """Note what the run took over with the user's consent: no Namespace and no account that others may have."""
        written = set(self.api.written())
        assert not [path for path in written if path.endswith("-collector")], "the operator's objects were written"
        wanted = [one for one in options.manifests if one["metadata"]["labels"][names.RELEASE_LABEL] in options.adopt]
        kept = ("Namespace", *(place.partition("/")[2] for place in options.existing_accounts))
        found = {
            (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
            for one in wanted
            if one["kind"] not in kept and not (one["kind"] == "ServiceAccount" and one["metadata"]["name"] in kept)
        }
        for path, item in self.api.objects.items():
            metadata = item["metadata"]
            if (item["kind"], metadata.get("namespace"), metadata["name"]) in found and path in written:
                self.consent.add(path)
                if self.makers.get((path, metadata["uid"])) == OTHERS:
                    self.makers[path, metadata["uid"]] = self.actor
                    self.count["adopted"] += 1

    def parts(self, place: Place) -> set[str]:
        drawn = {part for part in self.offered if part != "custom" and self.random.random() < 0.6}
        return drawn | self.backend[place]

    def make(self, item: Object, maker: str) -> None:
        """Make an object unless there is one of this name."""
        before = set(self.api.objects)
        self.api.create(item)
        for path, made in self.api.objects.items():
            if path not in before:
                self.makers[path, made["metadata"]["uid"]] = maker

    def third_party(self) -> None:
        """Make something of a name that a collector may have, copy labels of ours, or touch what is there."""
        (namespace, name), kind = self.random.choice(self.places), self.random.choice(list(KINDS))
        choice, objects = self.random.random(), self.api.objects
        here = [path for path, one in objects.items() if names.RELEASE_LABEL in (one["metadata"].get("labels") or {})]
        plain = [path for path in here if objects[path]["kind"] != "Namespace"]
        if choice < 0.4:
            self._make_of_others(kind, namespace, self.random.choice([name, name, SHARED]))
        elif choice < 0.7 and plain:
            copied = objects[self.random.choice(plain)]
            self.make(self._copy(copied, f"copy-{self.random.randrange(9)}"), OTHERS)
        elif choice < 0.8 and here:
            self._replace(self.random.choice(here))
        elif here:
            self.api.touch(self.random.choice(here), str(self.random.random()))

    def _make_of_others(self, kind: str, namespace: str, name: str) -> None:
        wide = kind == "ClusterRole"
        shown = names.cluster_wide(namespace, name) if wide else name
        account = self.random.choice([SHARED, "default"])
        found = obj(kind, shown, "" if wide else namespace, KINDS[kind], **body(kind, shown, account))
        found["metadata"]["annotations"] = self.random.choice([HELM, {}])
        self.make(obj("Namespace", namespace, ""), OTHERS)
        self.make(found, OTHERS)

    def _copy(self, item: Object, name: str) -> Object:
        """Return what kubectl shows of an object, with all its labels, under another name."""
        namespace = item["metadata"].get("namespace")
        place = {"namespace": namespace, "name": name} if namespace else {"name": f"{self.places[0][0]}.{name}"}
        labels = item["metadata"].get("labels") or {}
        fresh = body(item["kind"], name) if item["kind"] == "Service" else {}  # without the address that it has
        return {**item, **fresh, "metadata": {**place, "labels": labels}}

    def _replace(self, path: str) -> None:
        """Delete an object and make it again from what kubectl showed of it, with all its labels."""
        old = self.api.objects[path]
        if old["kind"] not in ("Namespace", "Certificate", "OpenTelemetryCollector"):
            self.api.forget(path)
            made = self._copy(old, old["metadata"]["name"])
            self.make({**made, "metadata": {**made["metadata"], "name": old["metadata"]["name"]}}, OTHERS)


def play(world: World) -> Counter[str]:
    """Play one sequence, in which both inventories remove all in the end."""
    for _step in range(world.random.randint(4, 8)):
        actor = world.random.choice([*INVENTORIES, OTHERS])
        if actor == OTHERS:
            world.actor = OTHERS
            world.third_party()
            world.react(world)
            world.note()
            continue
        state = world.random.choice(["present", "present", "absent"])
        kill = world.random.choice([0, 0, world.random.randint(1, 90)])
        world.step(actor, lambda actor=actor, state=state, kill=kill: world.run(actor, state, kill))  # type: ignore[misc]
    # An account that the other inventory still uses stays, and goes when its owner removes it again.
    for actor in (*INVENTORIES, INVENTORIES[0]):
        world.step(actor, lambda actor=actor: world.run(actor, "absent"))  # type: ignore[misc]
    # A removal that is killed between a Certificate and its Secret leaves the Secret, which names no release.
    objects = world.api.objects
    left = {path: one for path, one in objects.items() if one["kind"] not in ("Namespace", "Secret")}
    made = [path for path, one in left.items() if world.makers[path, one["metadata"]["uid"]] in INVENTORIES]
    assert [path for path in made if not used(left[path], objects)] == []
    return world.count
