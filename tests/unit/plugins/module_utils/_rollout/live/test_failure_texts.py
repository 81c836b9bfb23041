# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symptoms of workloads as data and as problems."""

from __future__ import annotations

from typing import Any, cast

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import MASK
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.failure_tables import POD_FAILURES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.failures import Symptom
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.failure_texts import describe_symptoms

PASSWORD = "correct-horse-battery"
WORKLOAD: dict[str, Any] = {"kind": "Deployment", "metadata": {"namespace": "obs", "name": "gateway"}}
NO_CLUSTER = cast("Cluster", None)  # a symptom without a log asks it nothing


def test_what_kubernetes_says_of_a_symptom_is_masked() -> None:
    start_row = next(row for row in POD_FAILURES if row.id == "container_start")
    said = f'exec: "--set=exporters.otlp.password={PASSWORD}": no such file'
    symptom = Symptom(start_row, None, "otelcol", "StartError", said)
    facts, problems = describe_symptoms(NO_CLUSTER, [(WORKLOAD, symptom)])
    masked = said.replace(PASSWORD, MASK)
    assert [fact["message"] for fact in facts] == [masked]
    assert [problem.wrong for problem in problems] == [f"StartError: {masked}"]
