# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import coverage

from .test_config_tests import program, report

CONFIG = """
receivers: {otlp: {protocols: {grpc: {}}}}
processors:
  filter:
    traces:
      span: [span.name == "hunter2-hunter2"]
    logs: {log_record: [log.body == "x"]}
exporters: {debug: {}, otlp_grpc/backend: {endpoint: "b:1", headers: {api-key: hunter2-hunter2}}}
service: {pipelines: {traces: {receivers: [otlp], processors: [filter], exporters: [debug]}}}
"""


def test_what_does_not_run_is_unknown_with_its_reason_and_no_secret_is_shown(tmp_path: Path) -> None:
    binary = program(tmp_path, "echo 'Error: no such thing hunter2-hunter2' >&2; exit 1")
    with pytest.raises(Problem) as problem:
        report(tmp_path, binary, config=CONFIG, coverage=True)
    rows = problem.value.facts["coverage"]
    place = {"file": str(tmp_path / "a.yaml"), "line": 6, "path": "processors.filter.traces.span[0]"}
    assert rows[0] == {
        **place,
        "what": 'span.name == "********"',
        "why": "with probes, the Collector does not start: no such thing ********",
        "taken": None,
    }
    assert "coverage: 0 taken, 0 never exercised by a test, 2 unknown" in problem.value.facts["report"]


def test_a_line_names_the_place_and_what_a_pipeline_lacks() -> None:
    row = {"path": "p", "what": "w", "why": "", "taken": False}
    rows = [
        {**row, "file": "a.yaml", "line": 3},
        {**row, "file": "collector 'a'", "line": 0, "why": "y", "taken": None},
        {**row, "file": "", "line": 1, "taken": True},
    ]
    assert list(coverage.format_coverage(rows)) == [
        "coverage: 1 taken, 1 never exercised by a test, 1 unknown",
        "never exercised by a test a.yaml:3: p: w",
        "unknown collector 'a': p: w (y)",
    ]
