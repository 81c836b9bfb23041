# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result for a collector has its verdict and its findings, and no config."""

from __future__ import annotations

import jmespath
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import diagnosis_report
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.collector_checks import COLLECTOR_CHECKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.collector_result import build_result_row
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.diagnose_checks import run_checks

from .test_diagnose_checks import HEALTHY
from .test_verdict import DOWN


def test_the_report_starts_with_the_verdict_and_has_no_config_and_no_whole_objects() -> None:
    facts = HEALTHY | DOWN | {"unseen": [{"what": "secrets", "why": "no right"}]}
    result = build_result_row(facts, run_checks(jmespath.search, COLLECTOR_CHECKS, facts))
    lines = diagnosis_report.build_diagnosis_report([result]).splitlines()
    assert lines[0].startswith("ns/a: spans come in")
    assert lines[1:4] == ["", "Deployment ns/a: error, 1 of 1 ready", "  pod  p  n  ready  0 restarts"]
    assert "  traces  in   otlp         3 accepted  0 refused  3 since start" in lines
    assert "  error    [peer_no_endpoints] otlp/jaeger: Service obs/jaeger has no ready endpoints" in lines
    assert lines[-1] == "  unknown  secrets could not be checked: no right"
    result = build_result_row(HEALTHY | {"config": {"x": "secret"}, "objects": [1]}, [])
    assert {"config", "objects", "workload", "workloads", "logs"}.isdisjoint(result)
