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
from tests.testbed.mirror import VARIABLE, Release

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


def _lacks_nothing(_: Store) -> Reason | None:
    return None


@dataclass(frozen=True)
class Entry:
    """Something that `install` can add to a cluster or to this machine."""

    name: str
    components: Callable[[Store], tuple[str, ...]] = _no_components
    """The components of build.py that are built for it."""
    prepare: Callable[[Store], None] = _no_preparation
    """What is made once, after the components."""
    archives: Callable[[Store], Sequence[Path]] = _no_archives
    """The archives of images that every node gets; they are made if they do not exist."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """The programs that `env` puts on PATH, each with the component that has it."""
    lacks: Callable[[Store], Reason | None] = _lacks_nothing
    """Why this machine cannot have it; None if it can."""
    cluster_wide: bool = False
    """Whether its tests install and remove kinds or APIs, which all users of a cluster share."""
    needs_cluster: bool = True
    """Whether a part of it goes into a cluster, which must be one that takes images."""
    start: Callable[[Cluster, Path], None] | None = None
    """Starts a server beside the nodes, given the release mirror. Only the embedded cluster has room for one."""


def named(text: str) -> Entry:
    """Return the entry of a name: one of `CATALOG`, or NAME@VERSION of the operator, the collector or its archive.

    The operator and the archive have the version of the testbed's collector unless the name says another. Raises
    ClusterError for an unknown name.
    """
    if text in CATALOG:
        return CATALOG[text]
    product, _, version = text.partition("@")
    if product == OPERATOR:
        return _operator(version.removeprefix("v") or COLLECTOR_VERSION)
    if product == COLLECTOR and version:
        return _collector(version)
    if product == ARCHIVE:
        return _archive(version.removeprefix("v") or COLLECTOR_VERSION)
    raise ClusterError(f"{text} cannot be installed", "nothing of that name is known", f"one of: {' '.join(NAMES)}")


def _cert_manager(name: str, edition: Edition) -> Entry:
    """cert-manager: the release that a user has put into the mirror, else one that is built."""

    def components(store: Store) -> tuple[str, ...]:
        return () if edition.release(store.mirror).foreign else (edition.component, "helm")

    def prepare(store: Store) -> None:
        edition.prepare(store.builds, store.mirror)

    def archives(store: Store) -> Sequence[Path]:
        return edition.release(store.mirror).images

    return Entry(name, components, prepare, archives, cluster_wide=True)


def _operator(version: str) -> Entry:
    """The operator: a release of the mirror. It cannot be built, because its modules are not published."""

    def archives(store: Store) -> Sequence[Path]:
        return Release(store.mirror, OPERATOR, version).images

    def lacks(store: Store) -> Reason | None:
        return _missing_files(Release(store.mirror, OPERATOR, version))

    return Entry(f"{OPERATOR}@{version}", archives=archives, lacks=lacks, cluster_wide=True)


def _missing_files(release: Release) -> Reason | None:
    """Why a release of the mirror cannot be installed; None if it has its manifest and images."""
    if not release.manifest.exists():
        missing = release.manifest.name
    elif not release.images:
        missing = "images/*.tar"
    else:
        return None
    do = f"fill that folder as tests/testbed/README.md says, or set {VARIABLE} to a mirror that has the release"
    return Reason(f"{release.folder} has no {missing}", do)


def _collector(version: str) -> Entry:
    """The testbed's collector under the tag of another version, for tests of upgrades."""

    def archives(store: Store) -> Sequence[Path]:
        return [images.collector_as(f"{images.COLLECTOR}:{version}", store.builds)]

    return Entry(f"{COLLECTOR}@{version}", archives=archives)


def _archive(version: str) -> Entry:
    """The collector's archive for hosts: the release that a user has put into the mirror, else one that is built."""
    collector = CollectorRelease(version)

    def components(store: Store) -> tuple[str, ...]:
        return () if collector.release(store.mirror).foreign else (COMPONENT,)

    def prepare(store: Store) -> None:
        collector.prepare(store.builds, store.mirror)

    return Entry(f"{ARCHIVE}@{version}", components, prepare, needs_cluster=False)


def _built(*components: str) -> Callable[[Store], tuple[str, ...]]:
    """Return the function `components` of an entry that is always built of the same ones."""

    def answer(_: Store) -> tuple[str, ...]:
        return components

    return answer


def _packed(pack: Callable[[Builds], Path]) -> Callable[[Store], Sequence[Path]]:
    """Return the function `archives` of an entry with one archive, which `pack` makes."""

    def archives(store: Store) -> Sequence[Path]:
        return [pack(store.builds)]

    return archives


def _checked(check: Callable[[], Reason | None]) -> Callable[[Store], Reason | None]:
    """Return the function `lacks` of an entry that needs something of the machine and nothing of the store."""

    def lacks(_: Store) -> Reason | None:
        return check()

    return lacks


def _registry_lacks(store: Store) -> Reason | None:
    return registry.lacks(store.builds.home)


def _hosts_lack(store: Store) -> Reason | None:
    return host_root.lacks(store.builds.home)


def _prepare_hosts(store: Store) -> None:
    host_root.prepare(store.builds)


def _join_hosts(cluster: Cluster, _: Path) -> None:
    host_lifecycle.join(cluster)


ENTRIES = (
    Entry("aws", lacks=_checked(launch.lacks), start=launch.start),
    Entry("registry", lacks=_registry_lacks, start=registry.start),
    _cert_manager("cert-manager", Edition("cert-manager", "1.21.2")),
    _cert_manager("cert-manager-1.20", Edition("cert-manager-1.20", "1.20.3")),
    Entry("helm", _built("helm"), programs={"helm": "helm"}),
    Entry("prometheus", _built("prometheus"), archives=_packed(backends.prometheus)),
    Entry("jaeger", _built("jaeger"), archives=_packed(backends.jaeger)),
    Entry("olm", lacks=_checked(olm.lacks), cluster_wide=True),
    Entry("openshift", lacks=_checked(openshift.lacks), cluster_wide=True),
    Entry("metrics-api", cluster_wide=True),
    Entry("hosts", prepare=_prepare_hosts, lacks=_hosts_lack, start=_join_hosts),
    Entry("collector-0.93", _built("otelcol-0.93"), archives=_packed(images.old_collector)),
    Entry("redhat-collector", archives=_packed(openshift.collector)),
    Entry("python", archives=_packed(python_images.image), lacks=_checked(python_images.lacks)),
    Entry(
        "autoinstrumentation-python",
        archives=_packed(python_images.instrumentation),
        lacks=_checked(python_images.lacks),
    ),
)
CATALOG = {entry.name: entry for entry in ENTRIES}
NAMES = (*CATALOG, OPERATOR, f"{OPERATOR}@VERSION", f"{COLLECTOR}@VERSION", ARCHIVE, f"{ARCHIVE}@VERSION")
"""What the message for an unknown name lists."""
