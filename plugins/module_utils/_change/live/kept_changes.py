# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide about changes of collectors that an earlier task has made and kept undecided. Private.

If a run changes several clusters in waves (docs/waves.md), the task that changes a cluster keeps the record of each
change: what the collector goes back to. When the wave is over, a later task calls one of two functions here:

| function | when | what it does |
|---|---|---|
| `bring_collectors_back` | the wave failed | applies what the records have, and closes them |
| `confirm_changes` | the wave passed | closes the records: the collectors stay as they are |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..._kube.live.cluster import Cluster
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from ..collector_change import CollectorChange, group_by_collector
from ..recorded_change import add_kept_rights, add_recorded_state
from .bundle_options import BundleOptions
from .change_records import ChangeRecords
from .live_bundle import LiveBundle, read_live_bundle
from .object_writer import ObjectWriter
from .session import Session, report_done_on_failure
from .undoing import Undoing, UndoneChange


def bring_collectors_back(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Bring the collectors back whose records were kept.

    What cannot go back is named in the message. It fails no task, because the wave has failed already.
    """
    return _decide_kept_changes(cluster, options, _KeptChanges.bring_back, usual_result="nothing went back")


def confirm_changes(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decide_kept_changes(cluster, options, _KeptChanges.close_records, usual_result="the changes stay")


def _decide_kept_changes(
    cluster: Cluster, options: BundleOptions, decide: Callable[[_KeptChanges], list[str]], *, usual_result: str
) -> dict[str, Any]:
    """End the changes whose records were kept; check mode does nothing.

    `decide` ends them, and returns what the message says of them. The message is `usual_result` if that is nothing.
    """
    session = Session(cluster, options)
    if options.check:
        return session.report.build_result()
    live_bundle = read_live_bundle(session)
    kept_changes = _KeptChanges(ObjectWriter(session), live_bundle, options)
    lines = _describe_lost_collectors(options, live_bundle)
    with report_done_on_failure(session):
        lines += decide(kept_changes)
    return {**session.report.build_result(), "msg": " ".join(lines) or usual_result}


class _KeptChanges:
    """The changes of a cluster whose records an earlier task has kept."""

    def __init__(self, writer: ObjectWriter, live_bundle: LiveBundle, options: BundleOptions) -> None:
        self._options = options
        self._records = ChangeRecords(writer, live_bundle.objects)
        self._undoing = Undoing(writer, self._records, live_bundle.objects)
        # An earlier task has made the changes. How it made them no longer matters, so their options have the defaults.
        changes = group_by_collector(_list_manifests_in_namespaces(options, live_bundle), options={})
        self._changes = [change for change in changes if change.name in options.kept_records]
        # A sentence for each collector that stays as it is, although it should not.
        self._stay_lines: list[str] = []

    def bring_back(self) -> list[str]:
        """Bring the collectors back to what their records have. Return what became of each."""
        undone_changes: list[UndoneChange] = []
        for change in self._changes:
            with self._note_stay_on_error(change):
                record = self._find_kept_record(change)
                if record:
                    earlier_change = add_kept_rights(add_recorded_state(record, change), self._options.kept_rights)
                    # Take the record over first: a run undoes only the changes whose record has its name.
                    self._records.write_record(earlier_change)
                    undone_changes.append(self._undoing.restore_and_note(earlier_change))
        # All collectors are brought back before this waits for the first of them.
        return self._stay_lines + self._undoing.await_and_end(undone_changes)

    def close_records(self) -> list[str]:
        """Close the records. Return a sentence for each collector of which this is not possible."""
        for change in self._changes:
            with self._note_stay_on_error(change):
                record = self._find_kept_record(change)
                if record:
                    self._records.close_record(replace(change, record=record))
        return self._stay_lines

    def _find_kept_record(self, change: CollectorChange) -> Manifest | None:
        """Return the record that the run of the option `kept_records` has kept.

        If it is gone, or another run has taken it over, return None and note that the collector stays.
        """
        record = self._records.find_kept_record(change, self._options.kept_records[change.name])
        if record is None:
            self._note_stay(change, "another run has changed it since")
        return record

    @contextmanager
    def _note_stay_on_error(self, change: CollectorChange) -> Iterator[None]:
        """Note that a collector stays if the body fails for it. The others must be decided nevertheless."""
        try:
            yield
        except (Problem, LostError) as error:
            self._note_stay(change, error.wrong if isinstance(error, Problem) else str(error))

    def _note_stay(self, change: CollectorChange, reason: str) -> None:
        self._stay_lines.append(f"{change.name} stays as it is: {reason}.")


def _list_manifests_in_namespaces(options: BundleOptions, live_bundle: LiveBundle) -> list[Manifest]:
    """Return the manifests whose namespace exists, and those of the whole cluster."""
    missing_namespaces = live_bundle.missing_namespaces
    return [
        manifest for manifest in options.manifests if manifest["metadata"].get("namespace") not in missing_namespaces
    ]


def _describe_lost_collectors(options: BundleOptions, live_bundle: LiveBundle) -> list[str]:
    """Return a sentence for each collector with a kept record whose namespace no longer exists."""
    lines = []
    for name in sorted(options.kept_records):
        namespace = name.partition("/")[0]
        if namespace in live_bundle.missing_namespaces:
            lines.append(f"{name} stays as it is: the namespace '{namespace}' no longer exists.")
    return lines
