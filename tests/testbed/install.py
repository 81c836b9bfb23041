# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`install`: what some tests need and `up` does not make. Built once and loaded into every node, unless it is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.testbed import command, mirror
from tests.testbed.build import Builds, go_environment, go_version
from tests.testbed.catalog import Entry, Store, named
from tests.testbed.cluster import Cluster
from tests.testbed.errors import Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.loading import Installed
from tests.testbed.progress import say
from tests.testbed.providers import PROVIDER, PROVIDERS, Provider
from tests.testbed.tasks import Task, run_all

BUILDS_AT_ONCE = 2
"""A build keeps two processors busy, and what is tested meanwhile needs some time too."""
GIB_TO_BUILD = 4


def install(cluster: Cluster, provider: Provider, names: Sequence[str], environment: Mapping[str, str]) -> None:
    """Install all that can be had; what cannot is said at the end, with the exit code of what a machine lacks."""
    entries = [named(name) for name in dict.fromkeys(names)]
    store = _store(cluster.home, mirror.root(cluster.home, environment))
    reasons = {entry.name: reason for entry in entries if (reason := _lacks(entry, store, provider))}
    possible = [entry for entry in entries if entry.name not in reasons]
    _check_space(possible, store)
    run_all(tasks(possible, store))
    with cluster.home.lock(f"install-{cluster.name}"):
        _deliver(cluster, provider, possible, store)
    if reasons:
        why = "".join(f"\n    {name}: {reason.why}" for name, reason in reasons.items())
        do = "".join(f"\n    {name}: {reason.do}" for name, reason in reasons.items())
        raise UnavailableError(f"not installed: {', '.join(reasons)}", why, do)


def _store(home: Home, folder: Path) -> Store:
    """The build cache and a release mirror."""
    return Store(Builds(home, go_version() if shutil.which("go") else ""), folder)


def prepare(home: Home, folder: Path, entries: Sequence[Entry]) -> None:
    """Build and make what needs no cluster. Raises UnavailableError if this machine cannot."""
    home.prepare()
    store = _store(home, folder)
    for entry in entries:
        if reason := entry.lacks(store) or _unbuildable(entry, store):
            raise UnavailableError(f"{entry.name} cannot be had here", reason.why, reason.do)
    _check_space(entries, store)
    run_all(tasks(entries, store))


def _lacks(entry: Entry, store: Store, provider: Provider) -> Reason | None:
    """Why it cannot be had here, whatever is the reason."""
    if reason := _unfit(entry, provider) or entry.lacks(store):
        return reason
    return _unbuildable(entry, store)


def _unbuildable(entry: Entry, store: Store) -> Reason | None:
    if entry.components(store) and not store.builds.go:
        return Reason("it is built with Go, and there is no Go on PATH", "install Go 1.26 or later")
    return None


def _unfit(entry: Entry, provider: Provider) -> Reason | None:
    """Why it cannot be had on a cluster of that provider."""
    if entry.cluster_wide and provider.name == "external":
        why = "its tests install and remove CustomResourceDefinitions that all users of your cluster share"
        return Reason(why, f"unset {PROVIDER} to get a cluster of the testbed's own")
    if entry.start and provider.name != "embedded":
        do = "use the embedded cluster"
        return Reason(f"it runs beside the nodes of an embedded cluster, and this one is of {provider.name}", do)
    if provider.load is None and entry.needs_cluster and not (entry.programs or entry.start):
        return Reason(
            f"its images cannot be loaded into a cluster of {provider.name}", "use a cluster of the testbed's"
        )
    return None


def unfit_scenario(folder: Path) -> Reason | None:
    """Why a scenario of Molecule must not run on a cluster of the user's."""
    listed = folder / "requires.txt"
    entries = [named(name) for name in listed.read_text(encoding="utf-8").split()] if listed.exists() else []
    return next((_unfit(entry, PROVIDERS["external"]) for entry in entries if entry.cluster_wide), None)


def fitting(names: Sequence[str], provider: Provider) -> list[str]:
    """Those that can be had on a cluster of that provider; the names may be of another provider's cluster."""
    return [name for name in names if provider.name != "external" or not _unfit(named(name), provider)]


def _components(entries: Iterable[Entry], store: Store) -> list[str]:
    """What is built for them, each once."""
    return list(dict.fromkeys(name for entry in entries for name in entry.components(store)))


def _check_space(entries: Iterable[Entry], store: Store) -> None:
    """Enough disk for the builds ahead."""
    if missing := store.builds.missing(_components(entries, store)):
        caches = command.run(["go", "env", "GOCACHE", "GOMODCACHE"], env=go_environment()).split()
        store.builds.home.need_space(GIB_TO_BUILD, f"build {', '.join(missing)}", *map(Path, caches))


def tasks(entries: Sequence[Entry], store: Store) -> Iterable[Task]:
    """All steps up to the images' archives."""
    components = _components(entries, store)
    waiting = [f"build {name}" for name in store.builds.missing(components)]
    before = dict(zip(waiting[BUILDS_AT_ONCE:], waiting, strict=False))
    for task in store.builds.tasks(components):
        turn = (before[task.name],) if task.name in before else ()
        yield Task(task.name, task.run, (*task.needs, *turn))
    for entry in entries:
        needs = tuple(f"build {name}" for name in entry.components(store))
        yield Task(f"prepare {entry.name}", partial(entry.prepare, store), needs)
        yield Task(f"pack {entry.name}", partial(_pack, entry, store), (f"prepare {entry.name}",))


def _pack(entry: Entry, store: Store) -> None:
    entry.archives(store)


def _deliver(cluster: Cluster, provider: Provider, entries: Sequence[Entry], store: Store) -> None:
    """Images into the nodes, programs into the folder for PATH, servers beside the nodes, and a note of all."""
    installed = Installed.read(cluster)
    archives = [archive for entry in entries for archive in entry.archives(store)]
    if archives and provider.load:
        provider.load(cluster, archives, installed)
    for entry in entries:
        for program, component in entry.programs.items():
            _link(cluster.dir / "bin" / program, store.builds.program(component, program))
        if entry.start:
            entry.start(cluster, store.mirror)
    installed.names = sorted({*installed.names, *(entry.name for entry in entries)})
    installed.write(cluster)
    if entries:
        say(f"cluster {cluster.name} has {', '.join(entry.name for entry in entries)}")


def _link(link: Path, program: Path) -> None:
    """Put a program into the folder for PATH."""
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{link.name}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(program)
    draft.rename(link)
