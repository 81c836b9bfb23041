# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about an alert, in words too. Private.

An alert may stop waves, which are groups of hosts that a run changes one after the other (see _waves/wave_plan.py). It
may also undo the last change of its collector, its way back. The table of both is in reactions.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .collector_alert import CollectorAlert
from .run_records import WaveRun

CONSENT_VARIABLE = "otel_alert_goes_back"


@dataclass(frozen=True)
class AlertPlace:
    """Where the collector of an alert runs: a host of the inventory, and whether it consents to go back."""

    host: str
    is_cluster: bool
    consents_to_go_back: bool


@dataclass(frozen=True)
class AlertAnswer:
    """What is done about an alert, and why something is not done. The diagnosis comes before the way back.

    `goes_back` says that the last change of the collector is to be undone.
    """

    diagnoses: bool
    stops_waves: bool
    goes_back: bool
    report_lines: tuple[str, ...]


def decide_answer(alert: CollectorAlert, place: AlertPlace, runs: Sequence[WaveRun]) -> AlertAnswer:
    """Return what is done about an alert while these runs change the fleet.

    While a run changes the host, the run judges it: nobody else looks or goes back. While a run changes other hosts,
    its gate decides who goes back.
    """
    runs_on_host = [run for run in runs if place.host in run.hosts]
    stops_waves = alert.reaction.stops_waves and bool(runs)
    explanations = [*_explain_waves(alert, runs), *_explain_no_way_back(alert, place, runs)]
    if runs_on_host:
        explanations.append(
            f"Wave {runs_on_host[0].wave} changes {place.host} since {runs_on_host[0].wave_begun_at}, so it is not"
            " diagnosed now."
        )
    goes_back = alert.reaction.goes_back and place.consents_to_go_back and not place.is_cluster and not runs
    return AlertAnswer(not runs_on_host, stops_waves, goes_back, tuple(explanations))


def _explain_waves(alert: CollectorAlert, runs: Sequence[WaveRun]) -> Iterator[str]:
    for run in runs:
        if alert.reaction.stops_waves:
            yield f"No wave begins after wave {run.wave} of the run that began at {run.begun_at}."
        else:
            yield f"{alert.name} does not stop the run of waves that began at {run.begun_at}."


def _explain_no_way_back(alert: CollectorAlert, place: AlertPlace, runs: Sequence[WaveRun]) -> Iterator[str]:
    """Yield why nothing goes back. Of an alert that never leads to a way back, nobody expects one."""
    if not alert.reaction.goes_back:
        return
    if place.is_cluster:
        yield f"{place.host} is a cluster, which keeps no earlier objects: nothing goes back."
    elif not place.consents_to_go_back:
        yield f"Nothing goes back, since {CONSENT_VARIABLE} is not true for {place.host}."
    elif runs:
        yield "Nothing goes back while a run changes the fleet in waves: its gate decides."
