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
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.bundle_options import BundleOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.remove import remove_bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import object_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.release_names import collector_release
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

from .sharing import (
    ALL_PARTS,
    HELM,
    KINDS,
    NAMES,
    SHARED_NAME,
    Api,
    Object,
    Place,
    build_collector_objects,
    build_object,
    find_dependents,
    required_fields,
)

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

    def __init__(self, seed: int, api: Api, namespaces: tuple[str, ...], offered: tuple[str, ...] = ALL_PARTS) -> None:
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
        self.inventories = self._draw_inventories(namespaces)
        self.backend: dict[Place, set[str]] = {}
        """`custom` for the collectors that are custom resources of the operator."""
        for place in self.places:
            self.backend[place] = {"custom"} if "custom" in offered and self._happens(0.3) else set()
        self.accounts: dict[Place, str] = {}
        for place in self.places:
            self.accounts[place] = SHARED_NAME if self._happens(0.4) else place[1]
        self.annotations: dict[Place, dict[str, str]] = {}
        for place in self.places:
            self.annotations[place] = {"role": place[1]} if self._happens(0.2) else {}

    def _happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def _draw_inventories(self, namespaces: tuple[str, ...]) -> dict[str, list[Place]]:
        """Return the collectors of each inventory; no collector is in both, and no inventory is empty."""
        collectors_by_actor: dict[str, list[Place]] = {actor: [] for actor in INVENTORIES}
        for namespace in namespaces:
            for actor, name in zip(INVENTORIES, self.random.sample(NAMES, 2), strict=True):
                if self._happens(0.7) or not collectors_by_actor[actor]:
                    collectors_by_actor[actor].append((namespace, name))
        return collectors_by_actor

    def note_makers(self) -> None:
        """Note that the current actor has made the objects that are new."""
        for path, cluster_object in self.api.objects.items():
            self.makers.setdefault((path, cluster_object["metadata"]["uid"]), self.actor)

    def let_act(self, actor: str, call: Callable[[], None]) -> None:
        """Let an actor do something. Raises AssertionError if it changed objects of another actor."""
        objects_before = dict(self.api.objects)
        self.actor, self.consent = actor, set()
        call()
        self.react(self)
        objects_after = self.api.objects
        for path, cluster_object in objects_before.items():
            self._check_change(path, cluster_object, objects_after)
        self.note_makers()

    def _check_change(self, path: str, old_object: Object, objects_after: dict[str, Object]) -> None:
        """Check what the current actor did with an object, which `old_object` was before."""
        maker = self.makers.get((path, old_object["metadata"]["uid"]), OTHERS)
        is_adopted = path in self.consent and maker == OTHERS
        is_shared = old_object["kind"] == "Namespace" and maker != OTHERS
        if maker != self.actor and not is_adopted and not is_shared:
            assert objects_after.get(path) == old_object, f"{self.actor} touched {path}, which {maker} made"
        if path not in objects_after and self.actor != OTHERS:
            assert not find_dependents(old_object, objects_after), (
                f"{self.actor} deleted {path}, which {find_dependents(old_object, objects_after)} needs"
            )

    def run(self, actor: str, state: str, kill: int = 0) -> None:
        """Run an inventory, with random parts of its collectors.

        `kill` is the number of the request at which the run is killed; 0 lets it end.
        """
        options = self._build_options(actor, state)
        self._apply_or_remove(options, state, kill)
        self._note_consent(options)

    def _build_options(self, actor: str, state: str) -> BundleOptions:
        """Return what a run of an inventory wants of the cluster."""
        places = self.inventories[actor]
        manifests = self._build_manifests(places)
        releases = [collector_release(*place) for place in places]
        selector = f"{names.RELEASE_LABEL} in ({','.join(releases)}),{names.OWNER_LABEL}={names.OWNER}"
        adopt: list[str] = []
        existing_accounts: list[str] = []
        if state == "present":
            # A user whose run was refused may let the next one take over what is in the way.
            chance = 0.7 if actor in self.refused else 0.1
            adopt = [release for release in releases if self._happens(chance)]
            existing_accounts = [f"{place[0]}/{SHARED_NAME}" for place in places if self.accounts[place] == SHARED_NAME]
        return BundleOptions(
            manifests,
            field_manager=names.OWNER,
            force_conflicts=True,
            prune_selector=f"{selector},{names.COLLECTOR_LABEL}",
            wait_seconds=30,
            check=False,
            diff=False,
            adopt=tuple(adopt),
            existing_accounts=tuple(existing_accounts),
        )

    def _build_manifests(self, places: list[Place]) -> list[Object]:
        """Return the objects of some collectors; an object that several of them have is there once."""
        manifest_by_text: dict[str, Object] = {}
        for place in places:
            for manifest in build_collector_objects(
                place, self.draw_parts(place), self.accounts[place], self.annotations[place]
            ):
                manifest_by_text[str(manifest)] = manifest
        return list(manifest_by_text.values())

    def _apply_or_remove(self, options: BundleOptions, state: str, kill: int) -> None:
        """Apply or remove a bundle, and count how that ended."""
        requests = itertools.count(1)

        def kill_at_request(_method: str, _path: str) -> None:
            if kill and next(requests) >= kill:
                raise KilledError

        def ignore_request(_method: str, _path: str) -> None:
            return None

        self.api.trouble = kill_at_request
        self.api.written()
        change_cluster = apply_bundle if state == "present" else remove_bundle
        try:
            change_cluster(self.api.cluster(), options)
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
            self.api.trouble = ignore_request

    def _note_consent(self, options: BundleOptions) -> None:
        """Note which objects of others the run took over with the user's consent."""
        written_paths = set(self.api.written())
        assert not [path for path in written_paths if path.endswith("-collector")], (
            "the operator's objects were written"
        )
        adoptable = _find_adoptable(options)
        for path, cluster_object in self.api.objects.items():
            if path in written_paths and _identify(cluster_object) in adoptable:
                self.consent.add(path)
                key = (path, cluster_object["metadata"]["uid"])
                if self.makers.get(key) == OTHERS:
                    self.makers[key] = self.actor
                    self.count["adopted"] += 1

    def draw_parts(self, place: Place) -> set[str]:
        """Draw the parts that a collector has in this run."""
        drawn_parts = {part for part in self.offered if part != "custom" and self.random.random() < 0.6}
        return drawn_parts | self.backend[place]

    def make_object(self, manifest: Object, maker: str) -> None:
        """Make an object unless there is one of this name."""
        paths_before = set(self.api.objects)
        self.api.create(manifest)
        for path, created in self.api.objects.items():
            if path not in paths_before:
                self.makers[path, created["metadata"]["uid"]] = maker

    def act_as_third_party(self) -> None:
        """Let the third party create, copy, recreate or annotate an object.

        It creates objects with names that a collector may have; the others are objects with labels of a release.
        """
        (namespace, name), kind = self.random.choice(self.places), self.random.choice(list(KINDS))
        choice = self.random.random()
        if choice < 0.4:
            self._make_foreign_object(kind, namespace, self.random.choice([name, name, SHARED_NAME]))
        else:
            self._change_labelled_object(choice)

    def _change_labelled_object(self, choice: float) -> None:
        """Copy, recreate or annotate an object with labels of a release, if there is one."""
        objects = self.api.objects
        labelled_paths = [path for path, one in objects.items() if names.RELEASE_LABEL in _read_labels(one)]
        copyable_paths = [path for path in labelled_paths if objects[path]["kind"] != "Namespace"]
        if choice < 0.7 and copyable_paths:
            original = objects[self.random.choice(copyable_paths)]
            self.make_object(self._copy_object(original, f"copy-{self.random.randrange(9)}"), OTHERS)
        elif choice < 0.8 and labelled_paths:
            self._recreate_object(self.random.choice(labelled_paths))
        elif labelled_paths:
            self.api.touch(self.random.choice(labelled_paths), str(self.random.random()))

    def _make_foreign_object(self, kind: str, namespace: str, name: str) -> None:
        """Create an object of a kind that a collector has too, under the name that the collector would give it."""
        is_cluster_wide = kind == "ClusterRole"
        full_name = object_names.cluster_wide_name(namespace, name) if is_cluster_wide else name
        account = self.random.choice([SHARED_NAME, "default"])
        manifest = build_object(
            kind,
            full_name,
            "" if is_cluster_wide else namespace,
            KINDS[kind],
            **required_fields(kind, full_name, account),
        )
        manifest["metadata"]["annotations"] = self.random.choice([HELM, {}])
        self.make_object(build_object("Namespace", namespace, ""), OTHERS)
        self.make_object(manifest, OTHERS)

    def _copy_object(self, original: Object, name: str) -> Object:
        """Return what kubectl shows of an object, with all its labels, under another name."""
        namespace = original["metadata"].get("namespace")
        identity = {"namespace": namespace, "name": name} if namespace else {"name": f"{self.places[0][0]}.{name}"}
        own_fields = (
            required_fields(original["kind"], name) if original["kind"] == "Service" else {}
        )  # without the address that it has
        return {**original, **own_fields, "metadata": {**identity, "labels": _read_labels(original)}}

    def _recreate_object(self, path: str) -> None:
        """Delete an object and make it again from what kubectl showed of it, with all its labels."""
        original = self.api.objects[path]
        if original["kind"] not in NOT_RECREATED:
            self.api.forget(path)
            copied = self._copy_object(original, original["metadata"]["name"])
            self.make_object(
                {**copied, "metadata": {**copied["metadata"], "name": original["metadata"]["name"]}}, OTHERS
            )


def _do_nothing(_: World) -> None:
    return None


def _read_labels(manifest: Object) -> dict[str, str]:
    return manifest["metadata"].get("labels") or {}


def _identify(manifest: Object) -> tuple[str, str | None, str]:
    """Return kind, namespace and name of an object."""
    return manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]


def _find_adoptable(options: BundleOptions) -> set[tuple[str, str | None, str]]:
    """Return the objects that a run may take over: those of releases to adopt.

    Namespaces and accounts that are said to exist already are not among them: others may use them.
    """
    existing_accounts = {account.partition("/")[2] for account in options.existing_accounts}
    adoptable = set()
    for manifest in options.manifests:
        is_existing = manifest["kind"] == "ServiceAccount" and manifest["metadata"]["name"] in existing_accounts
        if (
            _read_labels(manifest)[names.RELEASE_LABEL] in options.adopt
            and manifest["kind"] != "Namespace"
            and not is_existing
        ):
            adoptable.add(_identify(manifest))
    return adoptable


def play(world: World) -> Counter[str]:
    """Play one sequence, at the end of which both inventories remove everything. Return how many runs ended how.

    Raises AssertionError if a run touched what another actor made, or an object of an inventory is left for nothing.
    """
    for _step in range(world.random.randint(4, 8)):
        actor = world.random.choice([*INVENTORIES, OTHERS])
        if actor == OTHERS:
            world.actor = OTHERS
            world.act_as_third_party()
            world.react(world)
            world.note_makers()
            continue
        state = world.random.choice(["present", "present", "absent"])
        kill_at_request = world.random.choice([0, 0, world.random.randint(1, 90)])
        world.let_act(actor, partial(world.run, actor, state, kill_at_request))
    # An account that the other inventory still uses stays, and goes when its owner removes it again.
    for actor in (*INVENTORIES, INVENTORIES[0]):
        world.let_act(actor, partial(world.run, actor, "absent"))
    assert _find_leftovers(world) == []
    return world.count


def _find_leftovers(world: World) -> list[str]:
    """Return the paths of objects that inventories made and nothing uses."""
    objects = world.api.objects
    paths = []
    for path, cluster_object in objects.items():
        if cluster_object["kind"] in MAY_STAY:
            continue
        maker = world.makers[path, cluster_object["metadata"]["uid"]]
        if maker in INVENTORIES and not find_dependents(cluster_object, objects):
            paths.append(path)
    return paths
