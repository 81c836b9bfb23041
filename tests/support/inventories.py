"""Plays random sequences of two inventories and a third party in one cluster, with runs that are killed.

A run may change objects of its own inventory alone. Who made an object is noted when the object appears, and not read
from its marks, so that wrong marks are found too. The cluster is in memory or real.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.apply import apply_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.remove import remove_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.session import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

from .sharing import ALL, HELM, KINDS, NAMES, SHARED, Api, Object, Place, body, bundle, obj, used

OTHERS, INVENTORIES = "others", ("A", "B")
"""The actors: a third party, and the inventories."""
MAY_STAY = ("Namespace", "Secret")
"""Kinds that may stay after all runs: a run killed between a Certificate and its Secret leaves a Secret that names no
release."""
NOT_RECREATED = ("Namespace", "Certificate", "OpenTelemetryCollector")
"""Kinds that the third party does not delete to create them again."""


class KilledError(Exception):
    """The run ends here, as if its process had been killed."""


class World:
    """One cluster, who made each object in it, and how many runs ended in which way.

    The seed determines everything: all random choices are drawn from `random`, so their order must not change.
    """

    def __init__(self, seed: int, api: Api, namespaces: tuple[str, ...], offered: tuple[str, ...] = ALL) -> None:
        self.random, self.api, self.offered = random.Random(seed), api, offered
        self.makers: dict[tuple[str, str], str] = {}
        """The actor that made an object, by its path and its uid."""
        self.actor, self.count = OTHERS, Counter[str]()
        self.react: Callable[[World], None] = _do_nothing
        """What controllers of the cluster do after each step."""
        self.consent: set[str] = set()
        """The paths of objects of others that the current run may take over."""
        self.refused: set[str] = set()
        """The inventories whose last run was refused."""
        self.places = list(itertools.product(namespaces, NAMES))
        """Namespace and name of every collector that there may be."""
        self.inventories = self._drawn_inventories(namespaces)
        self.backend: dict[Place, set[str]] = {}
        """`custom` for the collectors that are custom resources of the operator."""
        for place in self.places:
            self.backend[place] = {"custom"} if "custom" in offered and self._happens(0.3) else set()
        self.accounts: dict[Place, str] = {}
        for place in self.places:
            self.accounts[place] = SHARED if self._happens(0.4) else place[1]
        self.annotations: dict[Place, dict[str, str]] = {}
        for place in self.places:
            self.annotations[place] = {"role": place[1]} if self._happens(0.2) else {}

    def _happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def _drawn_inventories(self, namespaces: tuple[str, ...]) -> dict[str, list[Place]]:
        """Return the collectors of each inventory; no collector is in both, and no inventory is empty."""
        drawn: dict[str, list[Place]] = {actor: [] for actor in INVENTORIES}
        for namespace in namespaces:
            for actor, name in zip(INVENTORIES, self.random.sample(NAMES, 2), strict=True):
                if self._happens(0.7) or not drawn[actor]:
                    drawn[actor].append((namespace, name))
        return drawn

    def note(self) -> None:
        """Note that the current actor has made the objects that are new."""
        for path, item in self.api.objects.items():
            self.makers.setdefault((path, item["metadata"]["uid"]), self.actor)

    def step(self, actor: str, call: Callable[[], None]) -> None:
        """Let an actor do something. Raises AssertionError if it changed objects of another actor."""
        before = dict(self.api.objects)
        self.actor, self.consent = actor, set()
        call()
        self.react(self)
        after = self.api.objects
        for path, item in before.items():
            self._check_change(path, item, after)
        self.note()

    def _check_change(self, path: str, item: Object, after: dict[str, Object]) -> None:
        """Check what the current actor did with an object, which `item` was before."""
        maker = self.makers.get((path, item["metadata"]["uid"]), OTHERS)
        is_adopted = path in self.consent and maker == OTHERS
        is_shared = item["kind"] == "Namespace" and maker != OTHERS
        if maker != self.actor and not is_adopted and not is_shared:
            assert after.get(path) == item, f"{self.actor} touched {path}, which {maker} made"
        if path not in after and self.actor != OTHERS:
            assert not used(item, after), f"{self.actor} deleted {path}, which {used(item, after)} needs"

    def run(self, actor: str, state: str, kill: int = 0) -> None:
        """Run an inventory, with random parts of its collectors.

        `kill` is the number of the request at which the run is killed; 0 lets it end.
        """
        options = self._options(actor, state)
        self._bring(options, state, kill)
        self._agree(options)

    def _options(self, actor: str, state: str) -> BundleOptions:
        """Return what a run of an inventory wants of the cluster."""
        places = self.inventories[actor]
        manifests = self._manifests(places)
        releases = [names.release(*place) for place in places]
        selector = f"{names.RELEASE_LABEL} in ({','.join(releases)}),{names.OWNER_LABEL}={names.OWNER}"
        adopt: list[str] = []
        existing: list[str] = []
        if state == "present":
            # A user whose run was refused may let the next one take over what is in the way.
            chance = 0.7 if actor in self.refused else 0.1
            adopt = [release for release in releases if self._happens(chance)]
            existing = [f"{place[0]}/{SHARED}" for place in places if self.accounts[place] == SHARED]
        return BundleOptions(
            manifests,
            field_manager=names.OWNER,
            force_conflicts=True,
            prune_selector=f"{selector},{names.COLLECTOR_LABEL}",
            wait_seconds=30,
            check=False,
            diff=False,
            adopt=tuple(adopt),
            existing_accounts=tuple(existing),
        )

    def _manifests(self, places: list[Place]) -> list[Object]:
        """Return the objects of some collectors; an object that several of them have is there once."""
        merged: dict[str, Object] = {}
        for place in places:
            for item in bundle(place, self.parts(place), self.accounts[place], self.annotations[place]):
                merged[str(item)] = item
        return list(merged.values())

    def _bring(self, options: BundleOptions, state: str, kill: int) -> None:
        """Apply or remove a bundle, and count how that ended."""
        requests = itertools.count(1)

        def trouble(_method: str, _path: str) -> None:
            if kill and next(requests) >= kill:
                raise KilledError

        def no_trouble(_method: str, _path: str) -> None:
            return None

        self.api.trouble = trouble
        self.api.written()
        bring = apply_bundle if state == "present" else remove_bundle
        try:
            bring(self.api.cluster(), options)
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
            self.api.trouble = no_trouble

    def _agree(self, options: BundleOptions) -> None:
        """Note which objects of others the run took over with the user's consent."""
        written = set(self.api.written())
        assert not [path for path in written if path.endswith("-collector")], "the operator's objects were written"
        adoptable = _adoptable(options)
        for path, item in self.api.objects.items():
            if path in written and _identity(item) in adoptable:
                self.consent.add(path)
                key = (path, item["metadata"]["uid"])
                if self.makers.get(key) == OTHERS:
                    self.makers[key] = self.actor
                    self.count["adopted"] += 1

    def parts(self, place: Place) -> set[str]:
        """Draw the parts that a collector has in this run."""
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
        """Let the third party create, copy, recreate or annotate an object.

        It creates objects with names that a collector may have; the others are objects with labels of a release.
        """
        (namespace, name), kind = self.random.choice(self.places), self.random.choice(list(KINDS))
        choice, objects = self.random.random(), self.api.objects
        here = [path for path, item in objects.items() if names.RELEASE_LABEL in _labels(item)]
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
        """Create an object of a kind that a collector has too, under the name that the collector would give it."""
        is_wide = kind == "ClusterRole"
        full_name = names.cluster_wide(namespace, name) if is_wide else name
        account = self.random.choice([SHARED, "default"])
        made = obj(kind, full_name, "" if is_wide else namespace, KINDS[kind], **body(kind, full_name, account))
        made["metadata"]["annotations"] = self.random.choice([HELM, {}])
        self.make(obj("Namespace", namespace, ""), OTHERS)
        self.make(made, OTHERS)

    def _copy(self, item: Object, name: str) -> Object:
        """Return what kubectl shows of an object, with all its labels, under another name."""
        namespace = item["metadata"].get("namespace")
        place = {"namespace": namespace, "name": name} if namespace else {"name": f"{self.places[0][0]}.{name}"}
        fresh = body(item["kind"], name) if item["kind"] == "Service" else {}  # without the address that it has
        return {**item, **fresh, "metadata": {**place, "labels": _labels(item)}}

    def _replace(self, path: str) -> None:
        """Delete an object and make it again from what kubectl showed of it, with all its labels."""
        old = self.api.objects[path]
        if old["kind"] not in NOT_RECREATED:
            self.api.forget(path)
            made = self._copy(old, old["metadata"]["name"])
            self.make({**made, "metadata": {**made["metadata"], "name": old["metadata"]["name"]}}, OTHERS)


def _do_nothing(_: World) -> None:
    return None


def _labels(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _identity(item: Object) -> tuple[str, str | None, str]:
    """Return kind, namespace and name of an object."""
    return item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]


def _adoptable(options: BundleOptions) -> set[tuple[str, str | None, str]]:
    """Return the objects that a run may take over: those of releases to adopt.

    Namespaces and accounts that are said to exist already are not among them: others may use them.
    """
    existing = {account.partition("/")[2] for account in options.existing_accounts}
    adoptable = set()
    for item in options.manifests:
        is_existing = item["kind"] == "ServiceAccount" and item["metadata"]["name"] in existing
        if _labels(item)[names.RELEASE_LABEL] in options.adopt and item["kind"] != "Namespace" and not is_existing:
            adoptable.add(_identity(item))
    return adoptable


def play(world: World) -> Counter[str]:
    """Play one sequence, at the end of which both inventories remove everything. Return how many runs ended how.

    Raises AssertionError if a run touched what another actor made, or an object of an inventory is left for nothing.
    """
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
        world.step(actor, partial(world.run, actor, state, kill))
    # An account that the other inventory still uses stays, and goes when its owner removes it again.
    for actor in (*INVENTORIES, INVENTORIES[0]):
        world.step(actor, partial(world.run, actor, "absent"))
    assert _left_over(world) == []
    return world.count


def _left_over(world: World) -> list[str]:
    """Return the paths of objects that inventories made and nothing uses."""
    objects = world.api.objects
    paths = []
    for path, item in objects.items():
        if item["kind"] in MAY_STAY:
            continue
        maker = world.makers[path, item["metadata"]["uid"]]
        if maker in INVENTORIES and not used(item, objects):
            paths.append(path)
    return paths
