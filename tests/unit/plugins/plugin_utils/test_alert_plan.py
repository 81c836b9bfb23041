# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector of the inventory an alert is about, for each way in which inventories name collectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.run_records import WaveRun
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _alert_plan
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._alert_folder import AlertFolder

NOW = 1_800_000_000.0
TWO = [{"name": "gateway"}, {"name": "agent", "namespace": "nodes"}]


def plan(
    folder: Path,
    variables: dict[str, Any],
    collector: str,
    namespace: str = "",
    linux: tuple[str, ...] = (),
    *,
    check: bool = False,
) -> dict[str, Any]:
    """Return what is done about an alert, for an inventory of one host."""
    labels = {"alertname": "OtelCollectorDown", "collector": collector, "namespace": namespace}
    event = {"status": "firing", "labels": labels, "startsAt": "2026-01-31T12:00:00Z"}
    given = {
        "ansible_eda": {"event": {"alert": event}},
        "groups": {"all": ["eu"], "otel_linux": list(linux)},
        "hostvars": {"eu": variables},
        "ansible_play_hosts_all": ["eu"],
    }
    return _alert_plan.plan_alert({"path": str(folder)}, given, NOW, check=check)


@pytest.mark.parametrize(
    ("variables", "collector", "namespace"),
    [
        ({"otel_collectors": TWO}, "gateway", "opentelemetry"),
        ({"otel_collectors": TWO}, "agent", "nodes"),
        ({"otel_collectors": TWO}, "agent", ""),
        ({"otel_collectors": TWO, "otel_collector_namespace": "obs"}, "gateway", "obs"),
        ({"otel_collector_instances": TWO}, "gateway", "opentelemetry"),
        ({"otel_collector_recipes": ["otlp_ingest"]}, "otel-collector", "opentelemetry"),
        ({"otel_collector_recipes": ["otlp_ingest"], "otel_collector_name": "it"}, "it", ""),
        ({"otel_collector_name": None, "otel_collector_namespace": None}, "otel-collector", "opentelemetry"),
        (
            {"otel_collectors": [{"name": None}], "otel_collector_name": "edge", "otel_collector_namespace": "obs"},
            "otel-collector",
            "obs",
        ),
    ],
)
def test_a_collector_of_a_cluster_is_found(
    tmp_path: Path, variables: dict[str, Any], collector: str, namespace: str
) -> None:
    found = plan(tmp_path, variables, collector, namespace)
    assert (found["clusters"], found["linux"]) == (["eu"], [])
    assert found["only"] == [f"{namespace}/{collector}" if namespace else collector]


@pytest.mark.parametrize(("collector", "namespace"), [("agent", "opentelemetry"), ("gateway", "nodes"), ("agen", "")])
def test_another_collector_is_refused(tmp_path: Path, collector: str, namespace: str) -> None:
    with pytest.raises(Problem, match=r"It has opentelemetry/gateway, nodes/agent\. Nothing was run\."):
        plan(tmp_path, {"otel_collectors": TWO}, collector, namespace)


def test_a_collector_of_a_linux_host_has_no_namespace(tmp_path: Path) -> None:
    variables = {"otel_host_collectors": [{"name": "agent"}], "otel_alert_goes_back": "true"}
    found = plan(tmp_path, variables, "agent", "of-a-rule", linux=("eu",))
    assert (found["clusters"], found["linux"], found["only"], found["goes_back"]) == ([], ["eu"], ["agent"], True)
    with pytest.raises(Problem, match="eu has no collector 'gateway' in the inventory"):
        plan(tmp_path, variables, "gateway", linux=("eu",))


@pytest.mark.parametrize("listed", [None, "agent", {"name": "agent"}, [["agent"]]])
def test_a_list_that_is_none_has_no_collector(tmp_path: Path, listed: Any) -> None:
    with pytest.raises(Problem, match="It has none"):
        plan(tmp_path, {"otel_host_collectors": listed}, "agent", linux=("eu",))


@pytest.mark.parametrize(
    ("variables", "collector"),
    [
        ({"otel_host_recipes": ["otlp_ingest"]}, "agent"),
        ({"otel_host_recipes": ["otlp_ingest"], "otel_host_name": "edge"}, "edge"),
        ({"otel_host_collectors": [{"recipes": ["otlp_ingest"]}], "otel_host_name": "edge"}, "edge"),
        ({"otel_host_collectors": [{"name": None}], "otel_host_name": "edge"}, "agent"),
        ({"otel_host_collectors": [{}], "otel_host_name": None}, "agent"),
    ],
)
def test_a_collector_of_a_linux_host_may_have_its_name_by_default(
    tmp_path: Path, variables: dict[str, Any], collector: str
) -> None:
    """As role otel_host installs it."""
    assert plan(tmp_path, variables, collector, linux=("eu",))["only"] == [collector]


def test_a_time_before_the_alert_is_a_number(tmp_path: Path) -> None:
    variables = {"otel_collectors": TWO}
    assert plan(tmp_path, variables, "agent")["change_seconds"] == 3600
    assert plan(tmp_path, {**variables, "otel_alert_change_seconds": "60"}, "agent")["change_seconds"] == 60
    for given in ("an hour", None, True, -5, float("nan"), float("inf"), 10**400):
        with pytest.raises(Problem, match="Write a number of seconds"):
            plan(tmp_path, {**variables, "otel_alert_change_seconds": given}, "agent")


@pytest.mark.parametrize(("check", "kept_notes"), [(True, 1), (False, 0)])
def test_check_mode_removes_no_note_of_an_ended_run(tmp_path: Path, check: bool, kept_notes: int) -> None:
    ended_run = WaveRun("elsewhere", 7, "start", NOW - 90_000, NOW - 90_000, "first", ["web1"])
    AlertFolder(str(tmp_path)).note_run(ended_run)
    plan(tmp_path, {"otel_collectors": TWO}, "gateway", check=check)
    assert len(list((tmp_path / "runs").iterdir())) == kept_notes
