# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.host_ports import written
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.cluster.replacement_order import goes_first

from ..helpers import build, running

STATE = running(
    receivers={"file_log": {"include": ["/var/log/pods/*/*/*.log"], "storage": "file_storage"}},
    extensions={"file_storage": {"directory": "/var/lib/otelcol/read"}},
)


def workload(backend: str, config: Any = None, mode: str = "daemonset", **options: Any) -> Any:
    kinds = ("DaemonSet", "Deployment", "OpenTelemetryCollector")
    made = BACKENDS[backend].manifests(build(config, backend=backend, mode=mode, **options))
    return next(item for item in made if item["kind"] in kinds)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_agent_writes_to_its_state_and_only_reads_logs(backend: str) -> None:
    assert written(workload(backend, STATE)) == {"folder /var/lib/otelcol/telemetry-gateway"}
    assert written(workload(backend)) == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_claim_of_the_users_is_written_to_unless_it_is_read_only(backend: str) -> None:
    volume = {"name": "data", "mount_path": "/data", "source": {"persistentVolumeClaim": {"claimName": "data"}}}
    assert written(workload(backend, mode="deployment", volumes=[{**volume, "read_only": False}])) == {"claim data"}
    assert written(workload(backend, mode="deployment", volumes=[volume])) == set()


def test_what_is_no_workload_writes_nothing() -> None:
    assert written({"kind": "ConfigMap", "data": {}}) == set()


@pytest.mark.parametrize(("old", "new"), [("kubernetes", "operator"), ("operator", "kubernetes")])
def test_an_agent_with_state_makes_way_and_one_without_waits(old: str, new: str) -> None:
    assert goes_first(workload(old, STATE), [workload(new, STATE)])
    assert not goes_first(workload(old, host_ports=False), [workload(new, host_ports=False)])
