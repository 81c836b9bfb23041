# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about an alert, by the alert, the place, the consent and the runs of waves."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.alert_answer import (
    AlertAnswer,
    AlertedHost,
    decide_answer,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.collector_alert import CollectorAlert
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.run_records import WaveRun

LOST, FULL, LOOK = "OtelCollectorExportFailed", "OtelCollectorMemoryHigh", "OtelCollectorCertificateExpires"
HOST, CLUSTER = (
    AlertedHost("web1", is_cluster=False, consents_to_undo=True),
    AlertedHost("eu", is_cluster=True, consents_to_undo=True),
)
UNASKED = AlertedHost("web1", is_cluster=False, consents_to_undo=False)
UNASKED_CLUSTER = AlertedHost("eu", is_cluster=True, consents_to_undo=False)


def run(*hosts: str) -> WaveRun:
    return WaveRun("controller", 7, "1", 1769860800.0, 1769860860.0, "first", hosts)


def about(name: str, place: AlertedHost, *runs: WaveRun) -> AlertAnswer:
    return decide_answer(CollectorAlert(name, "agent", "", place.host, 0.0), place, runs)


def test_an_alert_of_data_that_is_lost_goes_back_with_consent() -> None:
    assert about(LOST, HOST) == AlertAnswer(diagnoses=True, stops_waves=False, undoes_change=True, report_lines=())


@pytest.mark.parametrize(
    ("name", "place", "told"),
    [
        (LOST, UNASKED, ("Nothing goes back, since otel_alert_goes_back is not true for web1.",)),
        (LOST, CLUSTER, ("eu is a cluster, which keeps no earlier objects: nothing goes back.",)),
        (LOST, UNASKED_CLUSTER, ("eu is a cluster, which keeps no earlier objects: nothing goes back.",)),
        (FULL, HOST, ()),
        (LOOK, HOST, ()),
    ],
)
def test_others_are_diagnosed_alone(name: str, place: AlertedHost, told: tuple[str, ...]) -> None:
    assert about(name, place) == AlertAnswer(diagnoses=True, stops_waves=False, undoes_change=False, report_lines=told)


def test_a_run_that_changes_other_hosts_is_stopped_and_decides_who_goes_back() -> None:
    found = about(LOST, HOST, run("web2"))
    assert (found.diagnoses, found.stops_waves, found.undoes_change) == (True, True, False)
    assert found.report_lines == (
        "No wave begins after wave first of the run that began at 2026-01-31 12:00:00 UTC.",
        "Nothing goes back while a run changes the fleet in waves: its gate decides.",
    )


def test_a_run_that_changes_the_host_keeps_it_to_itself() -> None:
    found = about(LOST, HOST, run("web2"), run("web1"))
    assert (found.diagnoses, found.stops_waves, found.undoes_change) == (False, True, False)
    assert (
        found.report_lines[-1] == "Wave first changes web1 since 2026-01-31 12:01:00 UTC, so it is not diagnosed now."
    )


def test_an_alert_that_no_change_causes_stops_no_run() -> None:
    found = about(LOOK, HOST, run("web2"))
    assert (found.diagnoses, found.stops_waves, found.undoes_change) == (True, False, False)
    assert "does not stop the run of waves" in found.report_lines[0]
