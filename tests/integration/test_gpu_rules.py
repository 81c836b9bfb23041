# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, cost and idle GPUs: promtool plays what Prometheus makes of the recipe gpu_metrics."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gpu_exporters import EXPORTERS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.gpu_rules import GPU_ALERTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .test_monitoring import programs  # noqa: F401 - a fixture
from .test_monitoring_rules import OTHER, WELL, Play, rules, verdict

IN_CLUSTER = 'k8s_cluster_name="c",k8s_node_name="a"'
SEARCH = f'{IN_CLUSTER},k8s_namespace_name="chat",k8s_pod_name="llama-0",team="search",UUID="A"'
# Two instances of one GPU, by two pods.
FIRST = f'{IN_CLUSTER},k8s_namespace_name="lab",k8s_pod_name="x",team="lab",UUID="B",GPU_I_ID="1"'
SECOND = FIRST.replace('"x"', '"y"').replace('"1"', '"2"')
POWER, BUSY, OLD_BUSY = "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_GPU_UTIL"
UP = 'up{job="gpu",instance="10.0.0.1:9400"}'
# GPUs that are well, every half minute. GPU A has no measure of its engines, as without profiling.
GPUS = {
    **WELL,
    UP: "1x240",
    f"{POWER}{{{SEARCH}}}": "300x240",
    f"{POWER}{{{FIRST}}}": "200x240",
    f"{POWER}{{{SECOND}}}": "200x240",
    f"{OLD_BUSY}{{{SEARCH}}}": "80x240",
    f"{BUSY}{{{FIRST}}}": "0.5x240",
    f"{BUSY}{{{SECOND}}}": "0.4x240",
}
GONE = dict.fromkeys((f"{POWER}{{{SEARCH}}}", f"{OLD_BUSY}{{{SEARCH}}}"), "")
NOBODY = SEARCH.replace('team="search"', 'team="unassigned"')
UNUSED = 'k8s_cluster_name="c",k8s_node_name="b",team="unallocated",UUID="C"'
PRICES = {"price_per_hour": 2, "price_per_kwh": 0.5}


class Change(NamedTuple):
    """Series that differ, options, a minute without the alert, one with it, and its name."""

    series: dict[str, str]
    options: dict[str, Any]
    before: int
    then: int
    alert: str


UNUSED_GPU = {f"{POWER}{{{UNUSED}}}": "60x240", f"{BUSY}{{{UNUSED}}}": "0x240"}
OF_NOBODY = {**GONE, f"{POWER}{{{NOBODY}}}": "300x240", f"{OLD_BUSY}{{{NOBODY}}}": "80x240"}
SILENT = {f"{OLD_BUSY}{{{SEARCH}}}": "80x40 stale"}
# On the node of an agent: from minute 20 on, its exporter and the series of its GPU are gone.
ON_LOST_NODE = 'k8s_cluster_name="c",k8s_node_name="b",k8s_namespace_name="lab",team="lab",UUID="D"'
LOST_EXPORTER = {f"{POWER}{{{ON_LOST_NODE}}}": "90x40 stale", f"{BUSY}{{{ON_LOST_NODE}}}": "0.5x40 stale"}
# Two GPUs cost 4.25 in an hour.
TEAM_BUDGETS = {"search": 2.15, "lab": 100}
CHANGES = (
    Change({UP: "1x40 0x200"}, {}, 29, 31, "OtelGpuUnmeasured"),
    Change(LOST_EXPORTER, {}, 29, 31, "OtelGpuNodeLost"),
    Change(SILENT, {"idle_minutes": 1}, 50, 53, "OtelGpuUseUnknown"),
    Change({f"{OLD_BUSY}{{{SEARCH}}}": "80x40 4x200"}, {}, 64, 66, "OtelGpuIdle"),
    Change(UNUSED_GPU, {}, 59, 61, "OtelGpuUnallocated"),
    Change(OF_NOBODY, {}, 14, 16, "OtelGpuWithoutTeam"),
    Change({}, {**PRICES, "budget_per_day": 4.25}, 55, 62, "OtelGpuBudget"),
    Change({}, {**PRICES, "team_budgets_per_day": TEAM_BUDGETS}, 55, 62, "OtelGpuTeamBudget"),
)


def of_gpus(folder: Path, gpus: dict[str, Any], **monitoring: Any) -> Path:
    """Return the rules of an agent that watches GPUs."""
    folder.mkdir(exist_ok=True)
    return rules(folder, gpus={"vendor": "nvidia", **gpus}, **monitoring)


def owner(namespace: str, team: str, name: str) -> str:
    return f'{name}{{k8s_cluster_name="c",k8s_namespace_name="{namespace}",team="{team}"}}'


def test_gpus_are_counted_and_paid_once_also_in_parts(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    samples = []
    for name, search, lab in (
        ("team_namespace:gpu_power_watts:sum", 300.0, 200.0),
        ("team_namespace:gpus:sum", 1.0, 1.0),
        ("team_namespace:gpus_idle:sum", 0.0, 0.5),
        ("team_namespace:gpu_cost_per_hour:sum", 2.15, 2.1),
    ):
        samples.append((40, name, {owner("chat", "search", name): search, owner("lab", "lab", name): lab}))
    half_idle = {f"{BUSY}{{{SECOND}}}": "0.01x240"}
    play = Play("recorded", {**GPUS, **half_idle}, {1: "", 44: "", 46: "OtelGpuIdle"}, tuple(samples))
    assert verdict(programs, of_gpus(tmp_path, PRICES), [play]) == ""


def test_the_cost_of_a_day_has_each_minute_once(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    """A workload that ran for half an hour costs half of an hour, also later."""
    name = "team_namespace:gpu_cost:sum1d"
    short = {f"{POWER}{{{SEARCH}}}": "0x60 stale", f"{OLD_BUSY}{{{SEARCH}}}": "80x60 stale"}
    lab = {f"{POWER}{{{FIRST}}}": "", f"{POWER}{{{SECOND}}}": "", f"{BUSY}{{{FIRST}}}": "", f"{BUSY}{{{SECOND}}}": ""}
    series = {key: values for key, values in {**GPUS, **lab, **short}.items() if values}
    rounded = f'round({name}{{team="search"}}, 0.1)'
    found = {'{k8s_cluster_name="c",k8s_namespace_name="chat",team="search"}': 1.0}
    play = Play("short", series, {10: ""}, ((35, rounded, found),))
    assert verdict(programs, of_gpus(tmp_path, {"price_per_hour": 2}), [play]) == ""


def test_a_pod_that_is_gone_holds_no_idle_gpu(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    """Its successor is idle once it has held the GPU for as long."""
    other = SEARCH.replace("llama-0", "llama-1")
    handed = {f"{OLD_BUSY}{{{SEARCH}}}": "4x100 stale", f"{POWER}{{{SEARCH}}}": "300x100 stale"}
    handed |= {f"{OLD_BUSY}{{{other}}}": "_x100 4x140", f"{POWER}{{{other}}}": "_x100 300x140"}
    name = "team_namespace:gpus_idle:sum"
    held, gone = {owner("chat", "search", name): 1.0}, {}
    of_search = f'{name}{{team="search"}}'
    play = Play("gone", {**GPUS, **handed}, {}, ((40, of_search, held), (60, of_search, gone), (85, of_search, held)))
    assert verdict(programs, of_gpus(tmp_path, PRICES), [play]) == ""


def test_a_budget_of_nothing_is_a_budget(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    play = Play("nothing", GPUS, {5: "OtelGpuBudget"})
    assert verdict(programs, of_gpus(tmp_path, {**PRICES, "budget_per_day": 0}), [play]) == ""


def test_gpus_that_are_well_raise_no_alert(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    play = Play("well", GPUS, dict.fromkeys((1, 20, 60, 110), ""))
    assert verdict(programs, of_gpus(tmp_path, {**PRICES, "budget_per_day": 1000}), [play]) == ""


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.alert)
def test_what_is_wrong_raises_its_alert_alone(programs: Path, tmp_path: Path, change: Change) -> None:  # noqa: F811
    series = {key: values for key, values in {**GPUS, **change.series}.items() if values}
    play = Play(change.alert, series, {change.before: "", change.then: change.alert})
    assert verdict(programs, of_gpus(tmp_path, change.options), [play]) == ""


def test_each_alert_is_raised_by_a_change() -> None:
    assert [change.alert for change in CHANGES] == [alert.name for alert in GPU_ALERTS]


def test_gpus_that_are_gone_with_their_node_are_not_lost(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    gone = {f"up{{{OTHER}}}": "1x40 stale"}
    play = Play("gone", {**GPUS, **LOST_EXPORTER, **gone}, {31: "NodeSilent"})
    assert verdict(programs, of_gpus(tmp_path, {}), [play]) == ""


def test_without_any_gpu_nothing_is_said_to_be_well(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    play = Play("none", WELL, {9: "", 11: "OtelGpuUnmeasured"})
    assert verdict(programs, of_gpus(tmp_path, PRICES), [play]) == ""


def test_teams_stay_apart_under_a_label_of_the_same_name(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    idle = {f"{OLD_BUSY}{{{SEARCH}}}": "4x240", f"{BUSY}{{{FIRST}}}": "0x240", f"{BUSY}{{{SECOND}}}": "0x240"}
    by_team = 'count by (team) (ALERTS{alertname="OtelGpuIdle",alertstate="firing"})'
    found = {'{team="search"}': 1.0, '{team="lab"}': 1.0}
    play = Play("both", {**GPUS, **idle}, {}, ((50, by_team, found),))
    file = of_gpus(tmp_path, {}, alert_labels={"team": "platform", "page": "no"})
    assert verdict(programs, file, [play]) == ""
    (group,) = json.loads(file.read_text())["groups"]
    labels = {rule["alert"]: rule["labels"] for rule in group["rules"] if "alert" in rule}
    assert labels["OtelCollectorDown"]["team"] == "platform"
    assert labels["OtelGpuIdle"]["page"] == "no"


@pytest.mark.parametrize("vendor", EXPORTERS)
def test_promtool_takes_the_rules_of_each_vendor(programs: Path, tmp_path: Path, vendor: str) -> None:  # noqa: F811
    file = of_gpus(tmp_path, {**PRICES, "vendor": vendor, "budget_per_day": 1e7, "team_budgets_per_day": {"a": 0}})
    argv = [programs / "promtool", "check", "rules", file]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "> 10000000" in file.read_text()


@pytest.mark.parametrize("given", [{"budget_per_day": 5}, {"team_budgets_per_day": {"a": 5}}])
def test_a_budget_without_a_price_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="a budget of GPUs needs a price"):
        of_gpus(tmp_path, given)


@pytest.mark.parametrize("given", [{"price_per_hour": -1}, {"price_per_hour": 1, "team_budgets_per_day": {"a": "x"}}])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="Use a number, 0 or more"):
        of_gpus(tmp_path, given)


def test_a_collector_without_the_option_has_none_of_these_rules(tmp_path: Path) -> None:
    (group,) = json.loads(rules(tmp_path).read_text())["groups"]
    assert [rule for rule in group["rules"] if "record" in rule or rule["alert"].startswith("OtelGpu")] == []
