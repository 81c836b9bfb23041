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

from collections.abc import Iterable, Iterator
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
    return _decide_kept_changes(cluster, options, goes_back=True)


def confirm_changes(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decide_kept_changes(cluster, options, goes_back=False)


def _decide_kept_changes(cluster: Cluster, options: BundleOptions, *, goes_back: bool) -> dict[str, Any]:
    """End the changes whose records were kept; check mode does nothing."""
    session = Session(cluster, options)
    if options.check:
        return session.report.build_result()
    live_bundle = read_live_bundle(session)
    run = ObjectWriter(session)
    manifests = _list_manifests_in_namespaces(options, live_bundle)
    changes = [change for change in group_by_collector(manifests, options={}) if change.name in options.kept_records]
    lines = _describe_lost_collectors(options, live_bundle)
    with report_done_on_failure(session):
        records = ChangeRecords(run, live_bundle.objects)
        if goes_back:
            lines += _bring_back(records, Undoing(run, records, live_bundle.objects), changes, options)
        else:
            lines += _close_records(records, changes, options)
    return {**session.report.build_result(), "msg": " ".join(lines) or "nothing went back"}


def _bring_back(
    records: ChangeRecords, undoing: Undoing, changes: Iterable[CollectorChange], options: BundleOptions
) -> list[str]:
    """Bring the collectors of these changes back to what their records have. Return what became of each."""
    undone_changes: list[UndoneChange] = []
    outcome_lines: list[str] = []
    for change in changes:
        with _note_stay_on_error(change, outcome_lines):
            record = _find_kept_record(records, change, options, outcome_lines)
            if record:
                earlier_change = add_kept_rights(add_recorded_state(record, change), options.kept_rights)
                # Take the record over first: a run undoes only the changes whose record has its name.
                records.write_record(earlier_change)
                undone_changes.append(undoing.restore_and_note(earlier_change))
    # All collectors are brought back before this waits for the first of them.
    return outcome_lines + undoing.await_and_end(undone_changes)


def _close_records(records: ChangeRecords, changes: Iterable[CollectorChange], options: BundleOptions) -> list[str]:
    """Close the records of these changes. Return a line for each collector of which this is not possible."""
    outcome_lines: list[str] = []
    for change in changes:
        with _note_stay_on_error(change, outcome_lines):
            record = _find_kept_record(records, change, options, outcome_lines)
            if record:
                records.close_record(replace(change, record=record))
    return outcome_lines


def _find_kept_record(
    records: ChangeRecords, change: CollectorChange, options: BundleOptions, outcome_lines: list[str]
) -> Manifest | None:
    """Return the record that the run of the option `kept_records` has kept; None, with a line, if it is gone."""
    record = records.find_kept_record(change, options.kept_records[change.name])
    if record is None:
        outcome_lines.append(f"{change.name} stays as it is: another run has changed it since.")
    return record


@contextmanager
def _note_stay_on_error(change: CollectorChange, outcome_lines: list[str]) -> Iterator[None]:
    """Add a line if the body fails for one collector. That must not keep the others from being decided."""
    try:
        yield
    except (Problem, LostError) as error:
        reason = error.wrong if isinstance(error, Problem) else error
        outcome_lines.append(f"{change.name} stays as it is: {reason}.")


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
