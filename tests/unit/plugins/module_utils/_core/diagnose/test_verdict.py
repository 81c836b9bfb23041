# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few lines that say why: symptoms with causes, what explains the rest first, and the report around them."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose import text, verdict
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.check import DiagnoseCheck, found

from .test_checks import EXPORT, FINDING, HEALTHY, IDLE, POD, SIDEWAYS

JAEGER = {"about": "exporters/otlp/jaeger", "service": "obs/jaeger", "endpoint": "jaeger.obs:4317", "port": 4317}
WAITS = EXPORT | {"id": "otlp/jaeger", "about": "exporters/otlp/jaeger", "state": "waits", "queue_size": 4}
DOWN: dict[str, Any] = {
    "exports": [WAITS | {"came": "spans come in (3 in 5 s) and"}],
    "logs": [SIDEWAYS | {"about": "exporters/otlp/jaeger"}],
    "peers": [JAEGER | {"state": "no_endpoints"}],
}


def told(change: dict[str, Any], *more: DiagnoseCheck) -> list[str]:
    facts = HEALTHY | change
    return verdict.verdict(facts, found(jmespath.search, [*verdict.CHECKS, *more], facts))


def status(change: dict[str, Any]) -> str:
    facts = HEALTHY | change
    return verdict.status(facts, found(jmespath.search, verdict.CHECKS, facts))


def test_a_symptom_is_told_with_its_causes_and_the_fix_of_the_deepest() -> None:
    assert told(DOWN) == [
        "spans come in (3 in 5 s) and wait at otlp/jaeger (4 of 10 queued, none sent): connection refused: "
        "Service obs/jaeger has no ready endpoints → Start the pods behind Service obs/jaeger, or correct its selector."
    ]


def test_a_cause_without_its_symptom_names_its_component() -> None:
    (line,) = told({"peers": [JAEGER | {"state": "no_service"}]})
    assert line.startswith("exporter otlp/jaeger: Service obs/jaeger does not exist → Deploy")


def test_what_keeps_a_pod_from_running_explains_the_rest() -> None:
    symptom = {"reason": "FailedMount", "message": "not found", "fix": "Look."}
    missing = {"state": "missing", "kind": "Secret", "namespace": "ns", "name": "tls"}
    change = {"running": False, "complete": False, "symptoms": [symptom], "references": [missing], **DOWN}
    assert told(change) == ["FailedMount: not found: Secret ns/tls does not exist → Create Secret ns/tls."]


def test_without_an_early_cause_the_later_ones_are_told() -> None:
    assert "Service obs/jaeger" in told({"running": False, **DOWN})[0]


def test_signals_that_suffer_alike_are_one_line() -> None:
    logs = IDLE | {"accepted_total": 0, "items": "log records"}
    (line,) = told({"receives": [IDLE | {"accepted_total": 0}, logs]})
    assert line.startswith("nothing comes in: no spans at otlp since its start 9 min ago; the same for log records →")


def test_pods_that_suffer_alike_are_counted() -> None:
    (line,) = told({"pods": [POD | {"ready": False}, POD | {"ready": False, "name": "q"}]})
    assert "(and 1 more like it)" in line


def test_errors_come_before_warnings_and_there_are_few_lines() -> None:
    rows = [
        DiagnoseCheck(f"own{n}", "own", "error" if n == 4 else "warning", "['x']", f"number {n}", "") for n in range(5)
    ]
    assert told({}, *rows) == ["number 4", "number 0", "number 1", "and 2 more, see the details"]


@pytest.mark.parametrize(
    ("change", "expected", "line"),
    [
        ({}, "healthy", "healthy: 3 spans in, 3 out in 5 s"),
        (
            {"findings": [FINDING | {"severity": "info"}]},
            "healthy",
            "healthy: 3 spans in, 3 out in 5 s; 1 note on its config",
        ),
        ({"receives": [IDLE | {"state": "rests"}], "exports": []}, "healthy", "healthy: no data was due in that time"),
        (
            {"receives": None, "exports": [], "processes": [], "unseen": [{"what": "own metrics", "why": "no port"}]},
            "unknown",
            "runs, but whether data flows cannot be seen: no port",
        ),
        ({"memory": [{"percent": 99, "pod": "p"}]}, "warning", "pod p uses 99 % of its memory limit → Raise the limit"),
        (DOWN, "error", "spans come in"),
    ],
)
def test_status(change: dict[str, Any], expected: str, line: str) -> None:
    assert status(change) == expected
    assert told(change)[0].startswith(line)


def test_the_report_starts_with_the_verdict() -> None:
    facts = HEALTHY | DOWN | {"unseen": [{"what": "secrets", "why": "no right"}]}
    result = verdict.result(facts, found(jmespath.search, verdict.CHECKS, facts))
    lines = text.report([result]).splitlines()
    assert lines[0].startswith("ns/a: spans come in")
    assert lines[1:4] == ["", "Deployment ns/a: error, 1 of 1 ready", "  pod  p  n  ready  0 restarts"]
    assert "  traces  in   otlp         3 accepted  0 refused  3 since start" in lines
    assert "  error    [peer_no_endpoints] otlp/jaeger: Service obs/jaeger has no ready endpoints" in lines
    assert lines[-1] == "  not seen secrets: no right"


def test_a_result_has_no_config_and_no_whole_objects() -> None:
    result = verdict.result(HEALTHY | {"config": {"x": "secret"}, "objects": [1]}, [])
    assert {"config", "objects", "workload", "logs"}.isdisjoint(result)
