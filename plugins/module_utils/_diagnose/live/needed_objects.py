# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read whether the Secrets and ConfigMaps that the pods of a collector need are there, with the keys that they need.

`diagnosed_collector.py` calls `check_references`. Private.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from ..._kube.reference_remedies import find_missing_keys
from ..._otelcol.kube.pod_sources import PodSource
from .reader import PLURALS_OF_SOURCES, ClusterReader, Notes, ReadResult


class ReferenceRow(TypedDict):
    """A Secret or ConfigMap that pods need, such as a Secret without a key that a variable reads:

        {"kind": "Secret", "namespace": "obs", "name": "backend", "key": "token", "state": "no_key"}

    `state` is `ok`, `missing`, `no_key`, or `unseen` if it cannot be read.
    """

    kind: str
    namespace: str
    name: str
    key: str
    """The keys that it lacks."""
    state: str


class _ReferenceState(NamedTuple):
    """The state of a Secret or ConfigMap, and the keys that it lacks."""

    state: str
    lacking_keys: str = ""


def check_references(
    reader: ClusterReader, namespaces: Sequence[str], sources: Sequence[PodSource], notes: Notes
) -> list[ReferenceRow]:
    """Return the Secrets and ConfigMaps that pods in these namespaces need, each once.

    `sources` are the references of the container, without those that it can do without.
    """
    needed_sources = [(namespace, source) for namespace in namespaces for source in sources if not source.optional]
    reader.read_ahead(
        [], [(PLURALS_OF_SOURCES[source.kind], namespace, source.name) for namespace, source in needed_sources]
    )
    rows: dict[tuple[object, ...], ReferenceRow] = {}
    for namespace, source in needed_sources:
        row = _check_reference(reader, namespace, source, notes)
        rows[tuple(row.values())] = row  # two variables may need the same key, and then have the same row
    return list(rows.values())


def _check_reference(reader: ClusterReader, namespace: str, source: PodSource, notes: Notes) -> ReferenceRow:
    """Return the row of a Secret or ConfigMap, for the keys that one reference needs of it."""
    answer = reader.read_object(PLURALS_OF_SOURCES[source.kind], namespace, source.name, notes)
    judged = _judge_reference(source, answer)
    return {
        "kind": source.kind,
        "namespace": namespace,
        "name": source.name,
        "key": judged.lacking_keys,
        "state": judged.state,
    }


def _judge_reference(source: PodSource, answer: ReadResult) -> _ReferenceState:
    if answer.unread_reason:
        return _ReferenceState("unseen")
    if answer.value is None:
        return _ReferenceState("missing")
    # A variable needs one key, a mount perhaps some keys as files. A source that is mounted as a whole needs none.
    needed_keys = [source.key, *(key for _path, key in source.files)]
    missing_keys = find_missing_keys([key for key in needed_keys if key], answer.value)
    return _ReferenceState("no_key", ", ".join(missing_keys)) if missing_keys else _ReferenceState("ok")
