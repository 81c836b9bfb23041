# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `install` knows by name: what has to be built, made and loaded for each."""

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
    """Where things are made: the build cache and the release mirror."""

    builds: Builds
    mirror: Path


def _nothing(_: Store) -> None:
    """Most need no more than their builds and images."""


def _no_archives(_: Store) -> Sequence[Path]:
    return ()


@dataclass(frozen=True)
class Entry:
    """Something that tests may ask for."""

    name: str
    components: Callable[[Store], tuple[str, ...]] = lambda _: ()
    """What is built of Go modules."""
    prepare: Callable[[Store], None] = _nothing
    """What is made after that, once."""
    archives: Callable[[Store], Sequence[Path]] = _no_archives
    """The images that every node gets."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """What `env` puts on PATH, and the component that it is built with."""
    lacks: Callable[[Store], Reason | None] = lambda _: None
    """Why it cannot be had on this machine."""
    cluster_wide: bool = False
    """Whether its tests install and remove kinds or APIs, which all users of a cluster share."""
    needs_cluster: bool = True
    """Whether something of it gets into a cluster, which must be one that takes images."""
    start: Callable[[Cluster, Path], None] | None = None
    """What is started beside the nodes, with the release mirror at hand; the embedded cluster alone has room for it."""


def _cert_manager(name: str, edition: Edition) -> Entry:
    """From the mirror where somebody has put the release there; else built."""

    def components(store: Store) -> tuple[str, ...]:
        return () if edition.release(store.mirror).foreign else (edition.component, "helm")

    return Entry(
        name,
        components,
        prepare=lambda store: edition.prepare(store.builds, store.mirror),
        archives=lambda store: edition.release(store.mirror).images,
        cluster_wide=True,
    )


def _operator(version: str) -> Entry:
    """Only ever from the mirror: its modules are not published."""

    def release(store: Store) -> Release:
        return Release(store.mirror, OPERATOR, version)

    def lacks(store: Store) -> Reason | None:
        found = release(store)
        if found.manifest.exists() and found.images:
            return None
        missing = "images/*.tar" if found.manifest.exists() else found.manifest.name
        do = f"fill that folder as tests/testbed/README.md says, or set {VARIABLE} to a mirror that has the release"
        return Reason(f"{found.folder} has no {missing}", do)

    name = f"{OPERATOR}@{version}"
    return Entry(name, archives=lambda store: release(store).images, lacks=lacks, cluster_wide=True)


def _collector(version: str) -> Entry:
    """The cluster's collector under the tag of another version, for an upgrade."""
    reference = f"{images.COLLECTOR}:{version}"
    return Entry(f"{COLLECTOR}@{version}", archives=lambda store: [images.collector_as(reference, store.builds)])


def _archive(version: str) -> Entry:
    """The collector for hosts; unless the mirror has a release of somebody else's."""
    wanted = CollectorRelease(version)

    def components(store: Store) -> tuple[str, ...]:
        return () if wanted.release(store.mirror).foreign else (COMPONENT,)

    return Entry(
        f"{ARCHIVE}@{version}",
        components,
        prepare=lambda store: wanted.prepare(store.builds, store.mirror),
        needs_cluster=False,
    )


def _python_lacks(_: Store) -> Reason | None:
    return python_images.lacks()


CATALOG = {
    entry.name: entry
    for entry in (
        Entry("aws", lacks=lambda _: launch.lacks(), start=launch.start),
        Entry("registry", lacks=lambda store: registry.lacks(store.builds.home), start=registry.start),
        _cert_manager("cert-manager", Edition("cert-manager", "1.21.2")),
        _cert_manager("cert-manager-1.20", Edition("cert-manager-1.20", "1.20.3")),
        Entry("helm", lambda _: ("helm",), programs={"helm": "helm"}),
        Entry("prometheus", lambda _: ("prometheus",), archives=lambda store: [backends.prometheus(store.builds)]),
        Entry("jaeger", lambda _: ("jaeger",), archives=lambda store: [backends.jaeger(store.builds)]),
        Entry("olm", lacks=lambda _: olm.lacks(), cluster_wide=True),
        Entry("openshift", lacks=lambda _: openshift.lacks(), cluster_wide=True),
        Entry("metrics-api", cluster_wide=True),
        Entry(
            "hosts",
            prepare=lambda store: host_root.prepare(store.builds),
            lacks=lambda store: host_root.lacks(store.builds.home),
            start=lambda cluster, _: host_lifecycle.join(cluster),
        ),
        Entry(
            "collector-0.93",
            lambda _: ("otelcol-0.93",),
            archives=lambda store: [images.old_collector(store.builds)],
        ),
        Entry("redhat-collector", archives=lambda store: [openshift.collector(store.builds)]),
        Entry("python", archives=lambda store: [python_images.image(store.builds)], lacks=_python_lacks),
        Entry(
            "autoinstrumentation-python",
            archives=lambda store: [python_images.instrumentation(store.builds)],
            lacks=_python_lacks,
        ),
    )
}
NAMES = (*CATALOG, OPERATOR, f"{OPERATOR}@VERSION", f"{COLLECTOR}@VERSION", ARCHIVE, f"{ARCHIVE}@VERSION")


def named(text: str) -> Entry:
    """The entry of that name; those of the operator and the archive may carry a version, and the collector's does."""
    product, _, version = text.partition("@")
    if product == OPERATOR:
        return _operator(version.removeprefix("v") or COLLECTOR_VERSION)
    if product == COLLECTOR and version:
        return _collector(version)
    if product == ARCHIVE:
        return _archive(version.removeprefix("v") or COLLECTOR_VERSION)
    if text not in CATALOG:
        raise ClusterError(f"{text} cannot be installed", "nothing of that name is known", f"one of: {' '.join(NAMES)}")
    return CATALOG[text]
