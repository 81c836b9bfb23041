# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where no pod can keep the earlier config, the new pods are judged by readings from before, and beside older ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live import canary
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.observe import (
    ObservationResult,
    WorkloadObservation,
    continue_observation,
)

from .helpers import RECORD
from .rollouts import watched
from .test_canary import change, cluster, fails, killed

ALONE = ("StatefulSet", {"replicas": 1})
LATE = 85


def test_one_pod_of_a_stateful_set_is_judged_by_the_readings_before() -> None:
    api = cluster("StatefulSet", replicas=1)
    failure = fails(api, "worse", "StatefulSet", {"replicas": 1})
    assert "the collector does worse than before" in str(failure)
    assert api.configs() == ["first"]


def test_where_nothing_is_held_the_first_pods_are_judged_while_others_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "hold_workload", lambda *_given: None)
    api = cluster()
    api.step_seconds = 4
    seen = watched(api)
    assert "the collector does worse than before" in str(fails(api, "worse"))
    assert 0 < max(configs.count("worse") for configs in seen) < 3
    assert set(api.configs()) == {"first"}
    change(api, "second")
    assert set(api.configs()) == {"second"}


def test_the_judgement_begins_when_no_older_pod_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    api = cluster(*ALONE[:1], **ALONE[1])
    report, begun = api.report, list[float]()

    def available_late(workload: Any) -> None:
        report(workload)
        workload["status"]["availableReplicas"] = int(api.clock.now > LATE)

    def observe(reader: Any, observation: WorkloadObservation, *given: Any) -> ObservationResult:
        begun.append(observation.alone_since)
        return continue_observation(reader, observation, *given)

    monkeypatch.setattr(api, "report", available_late)
    monkeypatch.setattr(canary, "continue_observation", observe)
    change(api, "second", *ALONE)
    assert begun[0] < LATE < api.clock.now < begun[0] + 35


def test_a_run_that_is_killed_when_all_pods_have_changed_is_judged_by_the_readings_before() -> None:
    api = cluster("StatefulSet", replicas=1)
    killed(api, "worse", *ALONE)
    assert "exports_fail" in str(fails(api, "worse", *ALONE))
    assert (api.configs(), RECORD in api.objects) == (["first"], False)
    killed(api, "second", *ALONE)
    start = api.clock.now
    change(api, "second", *ALONE)
    assert (api.configs(), RECORD in api.objects) == (["second"], False)
    assert api.clock.now - start < 40, "nothing is read again before the change"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"bases": 1}'])
def test_readings_of_a_record_that_are_damaged_are_taken_anew(damage: str) -> None:
    api = cluster("StatefulSet", replicas=1)
    killed(api, "second", *ALONE)
    api.objects[RECORD]["data"]["readings.json"] = damage
    change(api, "second", *ALONE)
    assert api.configs() == ["second"]
