# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs what some tests need beside the cluster: builds it once, and loads its images into every node.

The names are those of catalog.py. What this machine or the cluster cannot have is reported after the rest is installed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.testbed import command, mirror
from tests.testbed.build import Builds, go_environment, go_version
from tests.testbed.catalog import Entry, Store, find_entry
from tests.testbed.cluster import Cluster
from tests.testbed.errors import Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.loading import Installed
from tests.testbed.progress import say
from tests.testbed.providers import PROVIDER_VARIABLE, PROVIDERS, Provider
from tests.testbed.tasks import Task, run_all

PARALLEL_BUILDS = 2
"""A build keeps two processors busy, and tests that run meanwhile need some time too."""
GIB_TO_BUILD = 4


def install_entries(cluster: Cluster, provider: Provider, names: Sequence[str], environment: Mapping[str, str]) -> None:
    """Install the entries of these names.

    Raises ClusterError for an unknown name, and UnavailableError at the end if some of the entries could not be
    installed.
    """
    entries = [find_entry(name) for name in dict.fromkeys(names)]
    store = _open_store(cluster.home, mirror.find_mirror_folder(cluster.home, environment))
    reasons = _find_reasons(entries, store, provider)
    possible_entries = [entry for entry in entries if entry.name not in reasons]
    _check_space(possible_entries, store)
    run_all(list_tasks(possible_entries, store))
    with cluster.home.lock(f"install-{cluster.name}"):
        _deliver_entries(cluster, provider, possible_entries, store)
    if reasons:
        raise _not_installed_error(reasons)


def prepare_entries(home: Home, mirror_folder: Path, entries: Sequence[Entry]) -> None:
    """Build and make what entries need, without a cluster. Raises UnavailableError if this machine cannot."""
    home.prepare()
    store = _open_store(home, mirror_folder)
    for entry in entries:
        reason = entry.find_obstacle(store) or _find_build_obstacle(entry, store)
        if reason:
            raise UnavailableError(f"{entry.name} cannot be had here", reason.why, reason.do)
    _check_space(entries, store)
    run_all(list_tasks(entries, store))


def _open_store(home: Home, mirror_folder: Path) -> Store:
    """Return the build cache and the release mirror. Without Go on PATH, the cache can only be read."""
    return Store(Builds(home, go_version() if shutil.which("go") else ""), mirror_folder)


def _find_reasons(entries: Iterable[Entry], store: Store, provider: Provider) -> dict[str, Reason]:
    """Return by name why entries cannot be installed; the others are left out."""
    reasons = {}
    for entry in entries:
        reason = (
            _find_provider_obstacle(entry, provider) or entry.find_obstacle(store) or _find_build_obstacle(entry, store)
        )
        if reason:
            reasons[entry.name] = reason
    return reasons


def _not_installed_error(reasons: Mapping[str, Reason]) -> UnavailableError:
    """Return the error that tells all reasons, with what to do about each."""
    reasons_text = "".join(f"\n    {name}: {reason.why}" for name, reason in reasons.items())
    advice_text = "".join(f"\n    {name}: {reason.do}" for name, reason in reasons.items())
    return UnavailableError(f"not installed: {', '.join(reasons)}", reasons_text, advice_text)


def _find_build_obstacle(entry: Entry, store: Store) -> Reason | None:
    """Why the programs of an entry cannot be built; None if they can."""
    if entry.list_components(store) and not store.builds.go:
        return Reason("it is built with Go, and there is no Go on PATH", "install Go 1.26 or later")
    return None


def _find_provider_obstacle(entry: Entry, provider: Provider) -> Reason | None:
    """Why an entry cannot be installed into a cluster of a provider; None if it can."""
    if entry.is_cluster_wide and provider.name == "external":
        reason = "its tests install and remove CustomResourceDefinitions that all users of your cluster share"
        return Reason(reason, f"unset {PROVIDER_VARIABLE} to get a cluster of the testbed's own")
    if entry.start and provider.name != "embedded":
        advice = "use the embedded cluster"
        return Reason(f"it runs beside the nodes of an embedded cluster, and this one is of {provider.name}", advice)
    needs_images = entry.needs_cluster and not (entry.programs or entry.start)
    if needs_images and provider.load is None:
        reason = f"its images cannot be loaded into a cluster of {provider.name}"
        return Reason(reason, "use a cluster of the testbed's")
    return None


def unfit_scenario(folder: Path) -> Reason | None:
    """Why a scenario of Molecule must not run on a cluster of the user; None if it may.

    `folder` is that of the scenario; its requires.txt lists the names of the entries that it needs.
    """
    requirements = folder / "requires.txt"
    if not requirements.exists():
        return None
    for name in requirements.read_text(encoding="utf-8").split():
        entry = find_entry(name)
        if entry.is_cluster_wide:
            return _find_provider_obstacle(entry, PROVIDERS["external"])
    return None


def list_fitting(names: Sequence[str], provider: Provider) -> list[str]:
    """Return the names of entries that a cluster of a provider may have.

    The names are those that a cluster had before, which may have been of another provider.
    """
    if provider.name != "external":
        return list(names)
    return [name for name in names if not _find_provider_obstacle(find_entry(name), provider)]


def _list_components(entries: Iterable[Entry], store: Store) -> list[str]:
    """Return the components that are built for entries, each once."""
    names: dict[str, None] = {}
    for entry in entries:
        names.update(dict.fromkeys(entry.list_components(store)))
    return list(names)


def _check_space(entries: Iterable[Entry], store: Store) -> None:
    """Raise an error unless the disks have room for the builds ahead."""
    missing_components = store.builds.missing(_list_components(entries, store))
    if not missing_components:
        return
    cache_folders = command.run(["go", "env", "GOCACHE", "GOMODCACHE"], env=go_environment()).split()
    store.builds.home.require_space(GIB_TO_BUILD, f"build {', '.join(missing_components)}", *map(Path, cache_folders))


def list_tasks(entries: Sequence[Entry], store: Store) -> Iterable[Task]:
    """Yield all steps up to the archives of images.

    Each build waits for the one that is `PARALLEL_BUILDS` before it.
    """
    components = _list_components(entries, store)
    build_names = [f"build {name}" for name in store.builds.missing(components)]
    predecessors = dict(zip(build_names[PARALLEL_BUILDS:], build_names, strict=False))
    for task in store.builds.tasks(components):
        preceding_builds = (predecessors[task.name],) if task.name in predecessors else ()
        yield Task(task.name, task.run, (*task.needed_tasks, *preceding_builds))
    for entry in entries:
        required_builds = tuple(f"build {name}" for name in entry.list_components(store))
        yield Task(f"prepare {entry.name}", partial(entry.prepare, store), required_builds)
        yield Task(f"pack {entry.name}", partial(_pack_archives, entry, store), (f"prepare {entry.name}",))


def _pack_archives(entry: Entry, store: Store) -> None:
    """Make the archives of an entry's images."""
    entry.list_archives(store)


def _deliver_entries(cluster: Cluster, provider: Provider, entries: Sequence[Entry], store: Store) -> None:
    """Load images into the nodes, link programs, start servers beside the nodes, and write down what is installed."""
    installed = Installed.read(cluster)
    archives: list[Path] = []
    for entry in entries:
        archives += entry.list_archives(store)
    if archives and provider.load:
        provider.load(cluster, archives, installed)
    for entry in entries:
        for program, component in entry.programs.items():
            _link_program(cluster.dir / "bin" / program, store.builds.program_path(component, program))
        if entry.start:
            entry.start(cluster, store.mirror)
    installed.names = sorted({*installed.names, *(entry.name for entry in entries)})
    installed.write(cluster)
    if entries:
        say(f"cluster {cluster.name} has {', '.join(entry.name for entry in entries)}")


def _link_program(link_path: Path, program: Path) -> None:
    """Link a program into the folder for PATH. The rename replaces an older link in one step."""
    link_path.parent.mkdir(parents=True, exist_ok=True)
    draft = link_path.with_name(f".{link_path.name}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(program)
    draft.rename(link_path)
