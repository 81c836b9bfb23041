# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another run has written an object. Others of its questions are in the tests of those who ask them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.ownership import reapplied


@pytest.mark.parametrize(
    ("replicas", "owned", "expected"),
    [(2, {}, False), (1, {}, True), (2, {"f:spec": {"f:replicas": {}}}, True)],
    ids=["scaled without a trace", "not scaled", "replicas of the run"],
)
def test_an_autoscaler_that_leaves_no_trace_is_no_other_run(
    replicas: int, owned: dict[str, Any], expected: bool
) -> None:
    entry = {"manager": "us", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": owned}
    status = {**entry, "manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}
    live = {"metadata": {"generation": 2, "managedFields": [entry, status]}, "spec": {"replicas": replicas}}
    assert reapplied(live, 1, "us") is expected
