# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shares of proposals for planted telemetry are those that real Collectors show with the proposed options."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)

from tests.support import plays

from .test_coverage import binary  # noqa: F401 - a fixture
from .test_forecast import DEBUG_LOGS, HEALTH_CHECKS, LOGS_OF_ROUND, SERVICES, SPANS_OF_ROUND, config, planted_requests

NEAR = 1.0
"""Percent points."""
REQUESTS, ROUNDS, USERS, BUILDS, SAMPLED = 45, 10, 200, 60, "plain_traces"

ALL_ROUNDS = REQUESTS // 3
ALL_LOGS = LOGS_OF_ROUND * ALL_ROUNDS + USERS


def more_points(turn: int) -> Iterator[dict[str, Any]]:
    """Yield a metric that never changes, and one that has a series for each user."""
    shared = {"resource": {"service.name": SERVICES[0], "region": "here"}}
    for number in range(BUILDS):
        labels = {"part": f"part {number}", "id": str(number)}
        yield {"name": "build.info", "type": "gauge", "value": 1, "attributes": labels, **shared}
    for number in range(USERS):
        labels = {"kind": "paid", "user.id": f"user {number}"}
        yield {"name": "orders", "type": "sum", "value": turn * number, "attributes": labels, **shared}


def more_logs() -> Iterator[dict[str, Any]]:
    """Yield log records without common words, so that a template has a part of all."""
    for number in range(USERS):
        yield {"body": f"order-{number} paid", "severity": "warn", "resource": {"service.name": SERVICES[0]}}


def as_collectors_write(part: Any) -> Any:
    """Return a request without empty fields: a Collector writes none, and their bytes are none of what it sends."""
    if isinstance(part, list):
        return [as_collectors_write(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    return {name: as_collectors_write(value) for name, value in part.items() if value not in ("", [], {})}


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("savings")
    more = [build_otlp_request("metrics", more_points(turn), "planted", turn) for turn in range(ROUNDS)]
    more.append(build_otlp_request("logs", more_logs(), "planted"))
    requests = [*(request for _signal, request in islice(planted_requests(), REQUESTS)), *more]
    lines = "".join(json.dumps(as_collectors_write(request)) + "\n" for request in requests)
    (folder / "all.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "config.yaml").write_text(yaml.safe_dump(config({})), encoding="utf-8")
    return folder


def savings(capture: Path, **options: Any) -> tuple[int, str]:
    given = {"savings_capture": str(capture / "all.jsonl.gz"), **options}
    done = plays.run_playbook("playbooks/savings.yml", "-e", json.dumps(given))
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def shares_of(told: dict[str, Any], which: str) -> dict[str, dict[str, dict[str, float]]]:
    return {proposal["kind"]: proposal[which] for proposal in reversed(told["proposals"]) if proposal[which]}


def test_the_shares_are_those_that_real_collectors_show(capture: Path, binary: str) -> None:  # noqa: F811
    reports = {"savings_output_path": str(capture / "told.txt"), "savings_markdown_path": str(capture / "told.md")}
    files = {"savings_config": str(capture / "config.yaml"), "savings_binary": binary}
    status, said = savings(capture, savings_measure=7, savings_tenant_attribute="tenant", **files, **reports)
    assert status == 0, said
    told = json.loads((capture / "told.txt").read_text(encoding="utf-8"))
    estimated, measured = shares_of(told, "estimated"), shares_of(told, "measured")
    planted = {
        "health_checks": ("traces", 100 * HEALTH_CHECKS / SPANS_OF_ROUND),
        "debug_logs": ("logs", 100 * DEBUG_LOGS * ALL_ROUNDS / ALL_LOGS),
        "log_templates": ("logs", 100 * LOGS_OF_ROUND * ALL_ROUNDS / ALL_LOGS),
    }
    for kind, (signal, percent) in planted.items():
        assert estimated[kind][signal]["items_percent"] == pytest.approx(percent, abs=NEAR), kind
        assert measured[kind][signal]["items_percent"] == pytest.approx(percent, abs=NEAR), kind
    assert {*planted, "attributes", "unchanged_metrics", "series", SAMPLED} == set(measured), sorted(measured)
    for kind in set(measured) - {SAMPLED}:
        for signal, shares in estimated[kind].items():
            for figure, percent in shares.items():
                assert measured[kind][signal][figure] == pytest.approx(percent, abs=NEAR), (kind, signal, figure)
    assert "drop_noise" in (capture / "told.md").read_text(encoding="utf-8")
    assert {score["service"] for score in told["scores"]} == set(SERVICES)


def test_an_empty_capture_is_an_error(capture: Path) -> None:
    (capture / "empty.json").write_text('{"resourceSpans": []}\n', encoding="utf-8")
    status, said = savings(capture, savings_capture=str(capture / "empty.json"))
    assert status == 2, said
    assert "empty.json is empty" in said
