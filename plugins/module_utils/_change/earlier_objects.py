# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that a version of this collection before 1.0.0 applied, and that may belong to a collector of today. Private.

Those versions set no label of a release: their objects have the label of this collection, and that of their collector.
`_kube/ownership.py` says what a release owns. To convert an object is to take over one of an earlier version. Example:
the ClusterRole `obs-gateway` with the label of collector `gateway` belongs to

    EarlierPlace(namespace="obs", release="obs.gateway")
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._kube.ownership import find_taken_marks, is_applied_by, read_label, read_managed_fields, read_release_label
from .._kube.release_names import collector_release
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL
from .._otelcol.kube.objects import Manifest
from .._otelcol.kube.operator_names import target_allocator_name


class EarlierPlace(NamedTuple):
    """Where an object of an earlier version of this collection belongs."""

    namespace: str
    release: str
    """The release of its collector, such as `obs.gateway`; empty if that cannot be told."""


def is_of_earlier_version(live: Manifest, manager: str) -> bool:
    """Return whether an earlier version of this collection applied an object, and no other tool took it over since."""
    has_earlier_label = read_label(live, OWNER_LABEL) == OWNER and not read_release_label(live)
    return has_earlier_label and is_applied_by(live, manager) and not find_taken_marks(live, manager)


def may_convert(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether a manifest is that of an object of an earlier version, and of the same collector.

    That version labelled namespaces of others too: a namespace is its own only if nobody else has written it.
    """
    writers = _list_writers(live)
    is_written_alone = manifest["kind"] != "Namespace" or writers == {manager}
    is_same_collector = read_label(manifest, COLLECTOR_LABEL) == read_label(live, COLLECTOR_LABEL)
    return (
        bool(read_release_label(manifest))
        and is_same_collector
        and is_written_alone
        and is_of_earlier_version(live, manager)
    )


def _list_writers(live: Manifest) -> set[Any]:
    """Return the field managers that have written an object."""
    return {entry.get("manager") for entry in read_managed_fields(live)}


def find_earlier_place(live: Manifest) -> EarlierPlace:
    """Return where an object of an earlier version belongs.

    An object of the whole cluster has no namespace. Its name begins with that of the collector: for collector `gateway`
    in namespace `obs`, earlier versions named it `obs-gateway`.
    """
    collector = read_label(live, COLLECTOR_LABEL)
    namespace = live["metadata"].get("namespace") or ""
    if not collector:
        return EarlierPlace(namespace, release="")
    if not namespace:
        namespace = _namespace_in_name(live["metadata"]["name"], collector)
    return EarlierPlace(namespace, release=collector_release(namespace, collector) if namespace else "")


def _namespace_in_name(name: str, collector: str) -> str:
    """Return the namespace with which the name of a cluster-wide object begins, or an empty text for another name."""
    for name_ending in (f"-{target_allocator_name(collector)}", f"-{collector}"):
        if name.endswith(name_ending):
            return name.removesuffix(name_ending)
    return ""
