# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knows what `install` has by name: which programs are built for each name, which images nodes get, what is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.testbed import backends, images, olm, openshift, python_images, registry
from tests.testbed.build import COLLECTOR_VERSION, Builds
from tests.testbed.cert_manager import Edition
from tests.testbed.cluster import Cluster
from tests.testbed.collector_release import COMPONENT, CollectorRelease
from tests.testbed.eks import launch
from tests.testbed.errors import ClusterError, Reason
from tests.testbed.hosts import lifecycle as host_lifecycle
from tests.testbed.hosts import root as host_root
from tests.testbed.mirror import MIRROR_VARIABLE, Release

OPERATOR = "opentelemetry-operator"
COLLECTOR = "collector"
ARCHIVE = "collector-archive"


@dataclass(frozen=True)
class Store:
    """Where the parts of an entry are made and kept."""

    builds: Builds
    """The cache of programs and images."""
    mirror: Path
    """The folder of the release mirror."""


def _no_components(_: Store) -> tuple[str, ...]:
    return ()


def _no_preparation(_: Store) -> None:
    """Most entries need no more than their builds and images."""


def _no_archives(_: Store) -> Sequence[Path]:
    return ()


def _no_obstacle(_: Store) -> Reason | None:
    return None


@dataclass(frozen=True)
class Entry:
    """Something that `install` can add to a cluster or to this machine."""

    name: str
    list_components: Callable[[Store], tuple[str, ...]] = _no_components
    """The components of build.py that are built for it."""
    prepare: Callable[[Store], None] = _no_preparation
    """What is made once, after the components."""
    list_archives: Callable[[Store], Sequence[Path]] = _no_archives
    """The archives of images that every node gets; they are made if they do not exist."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """The programs that `env` puts on PATH, each with the component that has it."""
    find_obstacle: Callable[[Store], Reason | None] = _no_obstacle
    """Why this machine cannot have it; None if it can."""
    is_cluster_wide: bool = False
    """Whether its tests install and remove kinds or APIs, which all users of a cluster share."""
    needs_cluster: bool = True
    """Whether a part of it goes into a cluster, which must be one that takes images."""
    start: Callable[[Cluster, Path], None] | None = None
    """Starts a server beside the nodes, given the release mirror. Only the embedded cluster has room for one."""


def find_entry(entry_name: str) -> Entry:
    """Return the entry of a name: one of `CATALOG`, or NAME@VERSION of the operator, the collector or its archive.

    The operator and the archive have the version of the testbed's collector unless the name says another. Raises
    ClusterError for an unknown name.
    """
    if entry_name in CATALOG:
        return CATALOG[entry_name]
    product, _, version = entry_name.partition("@")
    if product == OPERATOR:
        return _operator_entry(version.removeprefix("v") or COLLECTOR_VERSION)
    if product == COLLECTOR and version:
        return _collector_entry(version)
    if product == ARCHIVE:
        return _archive_entry(version.removeprefix("v") or COLLECTOR_VERSION)
    raise ClusterError(
        f"{entry_name} cannot be installed", "nothing of that name is known", f"one of: {' '.join(NAMES)}"
    )


def _cert_manager_entry(name: str, edition: Edition) -> Entry:
    """cert-manager: the release that a user has put into the mirror, else one that is built."""

    def list_components(store: Store) -> tuple[str, ...]:
        return () if edition.find_release(store.mirror).is_foreign else (edition.component, "helm")

    def prepare_release(store: Store) -> None:
        edition.prepare(store.builds, store.mirror)

    def list_archives(store: Store) -> Sequence[Path]:
        return edition.find_release(store.mirror).images

    return Entry(name, list_components, prepare_release, list_archives, is_cluster_wide=True)


def _operator_entry(version: str) -> Entry:
    """The operator: a release of the mirror. It cannot be built, because its modules are not published."""

    def list_archives(store: Store) -> Sequence[Path]:
        return Release(store.mirror, OPERATOR, version).images

    def find_obstacle(store: Store) -> Reason | None:
        return _find_missing_files(Release(store.mirror, OPERATOR, version))

    return Entry(
        f"{OPERATOR}@{version}", list_archives=list_archives, find_obstacle=find_obstacle, is_cluster_wide=True
    )


def _find_missing_files(release: Release) -> Reason | None:
    """Why a release of the mirror cannot be installed; None if it has its manifest and images."""
    if not release.manifest.exists():
        missing_files = release.manifest.name
    elif not release.images:
        missing_files = "images/*.tar"
    else:
        return None
    advice = (
        f"fill that folder as tests/testbed/README.md says, or set {MIRROR_VARIABLE} to a mirror that has the release"
    )
    return Reason(f"{release.folder} has no {missing_files}", advice)


def _collector_entry(version: str) -> Entry:
    """The testbed's collector under the tag of another version, for tests of upgrades."""

    def list_archives(store: Store) -> Sequence[Path]:
        return [images.pack_collector_as(f"{images.COLLECTOR_REPOSITORY}:{version}", store.builds)]

    return Entry(f"{COLLECTOR}@{version}", list_archives=list_archives)


def _archive_entry(version: str) -> Entry:
    """The collector's archive for hosts: the release that a user has put into the mirror, else one that is built."""
    collector = CollectorRelease(version)

    def list_components(store: Store) -> tuple[str, ...]:
        return () if collector.find_release(store.mirror).is_foreign else (COMPONENT,)

    def prepare_release(store: Store) -> None:
        collector.prepare(store.builds, store.mirror)

    return Entry(f"{ARCHIVE}@{version}", list_components, prepare_release, needs_cluster=False)


def _components_function(*components: str) -> Callable[[Store], tuple[str, ...]]:
    """Return the function `components` of an entry that is always built of the same ones."""

    def list_components(_: Store) -> tuple[str, ...]:
        return components

    return list_components


def _archives_function(pack: Callable[[Builds], Path]) -> Callable[[Store], Sequence[Path]]:
    """Return the function `list_archives` of an entry with one archive, which `pack` makes."""

    def list_archives(store: Store) -> Sequence[Path]:
        return [pack(store.builds)]

    return list_archives


def _obstacle_function(check: Callable[[], Reason | None]) -> Callable[[Store], Reason | None]:
    """Return the function `find_obstacle` of an entry that needs something of the machine and nothing of the store."""

    def find_obstacle(_: Store) -> Reason | None:
        return check()

    return find_obstacle


def _find_registry_obstacle(store: Store) -> Reason | None:
    return registry.find_obstacle(store.builds.home)


def _find_hosts_obstacle(store: Store) -> Reason | None:
    return host_root.find_obstacle(store.builds.home)


def _prepare_hosts(store: Store) -> None:
    host_root.prepare_root(store.builds)


def _join_hosts(cluster: Cluster, _: Path) -> None:
    host_lifecycle.join_cluster(cluster)


ENTRIES = (
    Entry("aws", find_obstacle=_obstacle_function(launch.find_obstacle), start=launch.start_aws),
    Entry("registry", find_obstacle=_find_registry_obstacle, start=registry.start_registries),
    _cert_manager_entry("cert-manager", Edition("cert-manager", "1.21.2")),
    _cert_manager_entry("cert-manager-1.20", Edition("cert-manager-1.20", "1.20.3")),
    Entry("helm", _components_function("helm"), programs={"helm": "helm"}),
    Entry("prometheus", _components_function("prometheus"), list_archives=_archives_function(backends.pack_prometheus)),
    Entry("jaeger", _components_function("jaeger"), list_archives=_archives_function(backends.pack_jaeger)),
    Entry("olm", find_obstacle=_obstacle_function(olm.find_obstacle), is_cluster_wide=True),
    Entry("openshift", find_obstacle=_obstacle_function(openshift.find_obstacle), is_cluster_wide=True),
    Entry("metrics-api", is_cluster_wide=True),
    Entry("hosts", prepare=_prepare_hosts, find_obstacle=_find_hosts_obstacle, start=_join_hosts),
    Entry(
        "collector-0.93",
        _components_function("otelcol-0.93"),
        list_archives=_archives_function(images.pack_old_collector),
    ),
    Entry("redhat-collector", list_archives=_archives_function(openshift.pack_collector)),
    Entry(
        "python",
        list_archives=_archives_function(python_images.pack_python),
        find_obstacle=_obstacle_function(python_images.find_obstacle),
    ),
    Entry(
        "autoinstrumentation-python",
        list_archives=_archives_function(python_images.pack_instrumentation),
        find_obstacle=_obstacle_function(python_images.find_obstacle),
    ),
)
CATALOG = {entry.name: entry for entry in ENTRIES}
NAMES = (*CATALOG, OPERATOR, f"{OPERATOR}@VERSION", f"{COLLECTOR}@VERSION", ARCHIVE, f"{ARCHIVE}@VERSION")
"""What the message for an unknown name lists."""
