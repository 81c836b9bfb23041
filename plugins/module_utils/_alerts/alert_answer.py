# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what is done about an alert: a diagnosis, a stop of waves, and an undo of the last change. Private.

`_alert_plan.py` of plugin_utils calls `decide_answer` when Alertmanager has sent an alert. An alert may stop waves,
which are groups of hosts that a run changes one after the other. It may also undo the last change of its collector, if
that ran well before; messages say that the collector goes back. The table of both is in reactions.py. For example, the
alert OtelCollectorExportFailed of a host whose inventory does not consent gets

    AlertAnswer(diagnoses=True, stops_waves=False, undoes_change=False,
                report_lines=("Nothing goes back, since otel_alert_goes_back is not true for web1.",))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .collector_alert import CollectorAlert
from .run_records import WaveRun

# The variable by which a host consents to the undo of changes.
CONSENT_VARIABLE = "otel_alert_goes_back"


@dataclass(frozen=True)
class AlertedHost:
    """The host of the inventory on which the collector of an alert runs."""

    host: str
    is_cluster: bool
    """Whether it stands for a cluster."""
    consents_to_undo: bool
    """Whether the last change of its collectors may be undone for an alert."""


@dataclass(frozen=True)
class AlertAnswer:
    """What is done about an alert. The diagnosis comes before the undo."""

    diagnoses: bool
    """Whether the collector is diagnosed."""
    stops_waves: bool
    """Whether runs that are under way begin no other wave."""
    undoes_change: bool
    """Whether the last change of the collector is to be undone."""
    report_lines: tuple[str, ...]
    """Lines that say what happens to waves, and why something is not done."""


def decide_answer(alert: CollectorAlert, alerted: AlertedHost, runs: Sequence[WaveRun]) -> AlertAnswer:
    """Return what is done about an alert while these runs change the fleet in waves.

    While a run changes the host itself, that run judges it: there is no diagnosis and no undo. While a run changes
    other hosts, its gate decides which changes are undone.
    """
    runs_on_host = [run for run in runs if alerted.host in run.hosts]
    stops_waves = alert.reaction.stops_waves and bool(runs)
    explanations = [*_explain_waves(alert, runs), *_explain_no_undo(alert, alerted, runs)]
    if runs_on_host:
        explanations.append(
            f"Wave {runs_on_host[0].wave} changes {alerted.host} since {runs_on_host[0].wave_begun_at}, so it is not"
            " diagnosed now."
        )
    undoes_change = alert.reaction.undoes_change and alerted.consents_to_undo and not alerted.is_cluster and not runs
    return AlertAnswer(
        diagnoses=not runs_on_host,
        stops_waves=stops_waves,
        undoes_change=undoes_change,
        report_lines=tuple(explanations),
    )


def _explain_waves(alert: CollectorAlert, runs: Sequence[WaveRun]) -> Iterator[str]:
    """Yield what becomes of each run of waves."""
    for run in runs:
        if alert.reaction.stops_waves:
            yield f"No wave begins after wave {run.wave} of the run that began at {run.begun_at}."
        else:
            yield f"{alert.name} does not stop the run of waves that began at {run.begun_at}."


def _explain_no_undo(alert: CollectorAlert, alerted: AlertedHost, runs: Sequence[WaveRun]) -> Iterator[str]:
    """Yield why the last change is not undone. Of an alert that never undoes one, nobody expects it."""
    if not alert.reaction.undoes_change:
        return
    if alerted.is_cluster:
        yield f"{alerted.host} is a cluster, which keeps no earlier objects: nothing goes back."
    elif not alerted.consents_to_undo:
        yield f"Nothing goes back, since {CONSENT_VARIABLE} is not true for {alerted.host}."
    elif runs:
        yield "Nothing goes back while a run changes the fleet in waves: its gate decides."
