# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, cost and use of GPUs by namespace and team: recording rules, alerts and panels, as tables. Private.

They ask for the metrics of the recipe `gpu_metrics` with the names and labels that Prometheus makes of them. An
exporter has a series for each instance of a GPU, and for each pod that shares one, and each has the power of the whole
GPU: so each counts as an equal share. Sources: labels GPU_I_ID and `vgpu` of dcgm-exporter; "Recording rules" of
Prometheus for names such as `level:metric:operation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.needs.quantities import is_amount
from ..gpu_exporters import EXPORTERS
from .alert_row import Alert
from .dashboard import Panel

_NEEDS_PRICE, _NEEDS_BUDGET, _NEEDS_TEAM_BUDGETS = (
    ("gpus", "gpu_price"),
    ("gpus", "gpu_price", "gpu_budget"),
    ("gpus", "gpu_team_budgets"),
)
_OWNER = "k8s_cluster_name, k8s_namespace_name, team"
_DEVICE = "k8s_cluster_name, k8s_node_name, <gpu_device>"
_WATTS, _GPUS, _IDLE = "team_namespace:gpu_power_watts:sum", "team_namespace:gpus:sum", "team_namespace:gpus_idle:sum"
_HOURLY_COST, _DAILY_COST = "team_namespace:gpu_cost_per_hour:sum", "team_namespace:gpu_cost:sum1d"
_TEAM_BUDGET = "team:gpu_budget_per_day:const"
_NODE = "k8s_cluster_name, k8s_node_name"
# Nodes with an agent, by the name that the series of GPUs have for a node.
_WITH_AGENT = 'label_replace(up{<matchers>} == 1, "k8s_node_name", "$1", "node", "(.+)")'
_LOST_NODES = (
    f"max by ({_NODE}) (max_over_time(<gpu_power>[1h])) unless on ({_NODE}) (<gpu_power>)"
    f" and on (k8s_node_name) {_WITH_AGENT}"
)
# Where these hold, OtelGpuUnmeasured says so.
_UNMEASURED = 'up{job="gpu"} == 0 or absent(<gpu_power>)'
_MINUTES_PER_HOUR, _WATTS_PER_KILOWATT = 60, 1000
_NUMBER_FORMAT = ".12g"
# The labels by which alerts of GPUs differ. One of the user's with such a name would make them equal.
GPU_SERIES_LABELS = frozenset({"team", "k8s_cluster_name", "k8s_namespace_name", "k8s_node_name"})


def _sum_by_owner(series: str) -> str:
    """Return the sums by owner of what GPUs have; a GPU with several series counts once."""
    return f"sum by ({_OWNER}) (({series}) / on ({_DEVICE}) group_left () count by ({_DEVICE}) ({series}))"


class RecordingRule(NamedTuple):
    """A series that Prometheus records: its name, what the collector must have, and the expression."""

    name: str
    needed_facts: tuple[str, ...]
    expr: str


RECORDING_RULES = (
    RecordingRule(_WATTS, ("gpus",), _sum_by_owner("<gpu_power>")),
    RecordingRule(_GPUS, ("gpus",), _sum_by_owner("<gpu_power> * 0 + 1")),
    RecordingRule(_IDLE, ("gpus",), _sum_by_owner("(<gpu_busy>) < bool <gpu_idle_share>")),
    RecordingRule(
        _HOURLY_COST, _NEEDS_PRICE, f"{_GPUS} * <gpu_price> + {_WATTS} / {_WATTS_PER_KILOWATT} * <gpu_price_of_energy>"
    ),
    # The sum of each minute of the last day, also of those that were there for a part of it.
    RecordingRule(_DAILY_COST, _NEEDS_PRICE, f"sum_over_time({_HOURLY_COST}[1d:1m]) / {_MINUTES_PER_HOUR}"),
)

_OWNER_WORDS = "team {{ $labels.team }} in namespace {{ $labels.k8s_namespace_name }}"
_COST_WORDS = '{{ printf "%.2f" $value }} <gpu_currency>'
GPU_ALERTS = (
    Alert(
        name="OtelGpuUnmeasured",
        needed_facts=("gpus",),
        expr=_UNMEASURED,
        wait_duration="10m",
        severity="warning",
        summary="GPUs are not measured.",
        description="No GPU reports its power, or the exporter {{ $labels.instance }} does not answer. Power, cost and"
        " idle GPUs are unknown as long, not zero. See that the exporter runs on nodes with GPUs, and that"
        " `gpu_metrics` has its labels and its port.",
    ),
    Alert(
        name="OtelGpuNodeLost",
        needed_facts=("gpus",),
        expr=f"({_LOST_NODES}) unless on () ({_UNMEASURED})",
        wait_duration="10m",
        severity="warning",
        summary="GPUs of node {{ $labels.k8s_node_name }} are not measured any more.",
        description="They had a power within the last hour, and the agent of the node runs. Their use and their cost"
        " are unknown as long, not zero. See that the exporter runs on the node.",
    ),
    Alert(
        name="OtelGpuUseUnknown",
        needed_facts=("gpus",),
        expr=f"<gpu_power> unless on ({_DEVICE}) (<gpu_measured>)",
        wait_duration="30m",
        severity="warning",
        summary="A GPU of node {{ $labels.k8s_node_name }} does not tell whether it is used.",
        description="The exporter has its power, and no measure of its use, so it is never told to be idle. Turn on the"
        " counters in the exporter that docs/ai_inference.md lists.",
    ),
    Alert(
        name="OtelGpuIdle",
        needed_facts=("gpus",),
        expr=f'{_IDLE}{{team!="unallocated"}} > 0',
        wait_duration="15m",
        severity="warning",
        summary=f"Of {_OWNER_WORDS}, {{{{ $value }}}} GPUs are idle.",
        description="Pods hold them, and have hardly used them for <gpu_idle_minutes> minutes. Scale the workload down,"
        " or let KEDA do it.",
    ),
    Alert(
        name="OtelGpuUnallocated",
        needed_facts=("gpus",),
        expr=f'sum by (k8s_cluster_name) ({_GPUS}{{team="unallocated"}}) > 0',
        wait_duration="1h",
        severity="info",
        summary="No pod uses {{ $value }} GPUs.",
        description="They cost as much as others. Remove nodes, or let an autoscaler remove them.",
    ),
    Alert(
        name="OtelGpuWithoutTeam",
        needed_facts=("gpus",),
        expr=f'{_GPUS}{{team="unassigned"}} > 0',
        wait_duration="15m",
        severity="warning",
        summary="Pods of namespace {{ $labels.k8s_namespace_name }} use {{ $value }} GPUs and have no team.",
        description="Their cost is nobody's. Label the pods, and let an admission policy require the label.",
    ),
    Alert(
        name="OtelGpuBudget",
        needed_facts=_NEEDS_BUDGET,
        expr=f"sum by (k8s_cluster_name) ({_DAILY_COST}) > <gpu_budget>",
        wait_duration="0m",
        severity="warning",
        summary=f"GPUs have cost {_COST_WORDS} within a day.",
        description="The budget is <gpu_budget> <gpu_currency> a day. The series team_namespace:gpu_cost:sum1d has the"
        " cost of each namespace and team.",
    ),
    Alert(
        name="OtelGpuTeamBudget",
        needed_facts=_NEEDS_TEAM_BUDGETS,
        expr=f"sum by (k8s_cluster_name, team) ({_DAILY_COST}) > on (team) group_left () {_TEAM_BUDGET}",
        wait_duration="0m",
        severity="warning",
        summary=f"GPUs of team {{{{ $labels.team }}}} have cost {_COST_WORDS} within a day.",
        description="It is more than the budget of the team. The series team_namespace:gpu_cost:sum1d has the cost of"
        " each of its namespaces.",
    ),
)

_ROW, _LEGEND = "GPUs", "{{k8s_namespace_name}} {{team}}"
GPU_PANELS = (
    Panel(_ROW, "GPUs in use", _GPUS, "short", _LEGEND),
    Panel(_ROW, "Idle GPUs", _IDLE, "short", _LEGEND),
    Panel(_ROW, "Power", _WATTS, "watt", _LEGEND),
    Panel(_ROW, "Use of GPUs", "<gpu_busy_now>", "percentunit", "{{k8s_node_name}} {{<gpu_device>}} {{k8s_pod_name}}"),
    Panel(_ROW, "Cost per hour (<gpu_currency>)", _HOURLY_COST, "short", _LEGEND, ("gpu_price",)),
    Panel(_ROW, "Cost of the last day (<gpu_currency>)", _DAILY_COST, "short", _LEGEND, ("gpu_price",)),
)


def list_gpu_facts(options: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return what rules of GPUs need, and whether the options have it. Raises Problem for a budget without a price."""
    gpu_options = options or {}
    has_price = bool(gpu_options.get("price_per_hour") or gpu_options.get("price_per_kwh"))
    # A budget of 0 is one: any cost is above it.
    has_budget = gpu_options.get("budget_per_day") is not None
    budgets = {"gpu_budget": has_budget, "gpu_team_budgets": bool(gpu_options.get("team_budgets_per_day"))}
    if any(budgets.values()) and not has_price:
        fix = "Set `price_per_hour`, `price_per_kwh` or both; without a price, no cost is known."
        raise Problem("a budget of GPUs needs a price", where="monitoring.gpus", fix=fix)
    return {"gpus": options is not None, "gpu_price": has_price, **budgets}


def build_gpu_values(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the values of expressions about GPUs. Raises Problem for amounts that are no numbers, or below zero."""
    gpu_options = {key: value for key, value in (options or {}).items() if value is not None}
    for key in ("price_per_hour", "price_per_kwh", "budget_per_day", "idle_percent", "idle_minutes"):
        _check_amount(key, gpu_options.get(key, 0))
    exporter = EXPORTERS[gpu_options.get("vendor", "nvidia")]
    idle_minutes = gpu_options.get("idle_minutes", 30)
    or_measure = f" or on (k8s_cluster_name, k8s_node_name, {exporter.device_label}) "
    current_shares = (
        _share_of_full_value(name, full_value) for name, full_value in exporter.full_value_by_measure.items()
    )
    recent_shares = (
        _share_of_full_value(f"max_over_time({name}[{idle_minutes}m])", full_value)
        for name, full_value in exporter.full_value_by_measure.items()
    )
    held_shares = (
        _share_of_full_value(_held_use(name, idle_minutes), full_value)
        for name, full_value in exporter.full_value_by_measure.items()
    )
    return {
        "gpu_power": exporter.power_selector,
        "gpu_device": exporter.device_label,
        "gpu_busy": or_measure.join(held_shares),
        "gpu_measured": or_measure.join(recent_shares),
        "gpu_busy_now": or_measure.join(current_shares),
        "gpu_idle_share": f"{gpu_options.get('idle_percent', 5) / 100:g}",
        "gpu_idle_minutes": str(idle_minutes),
        "gpu_price": f"{gpu_options.get('price_per_hour', 0):{_NUMBER_FORMAT}}",
        "gpu_price_of_energy": f"{gpu_options.get('price_per_kwh', 0):{_NUMBER_FORMAT}}",
        "gpu_budget": f"{gpu_options.get('budget_per_day', 0):{_NUMBER_FORMAT}}",
        "gpu_currency": str(gpu_options.get("currency", "USD")),
    }


def _held_use(name: str, minutes: float) -> str:
    """Return the most use by a pod that holds the GPU now and held it that long ago: one that is gone costs nothing."""
    return f"(max_over_time({name}[{minutes}m]) and {name} and {name} offset {minutes}m)"


def _share_of_full_value(measure: str, full_value: int) -> str:
    return measure if full_value == 1 else f"{measure} / {full_value}"


def _check_amount(name: str, value: Any) -> None:
    if not is_amount(value):
        raise Problem(f"`{name}` is {value}", where="monitoring.gpus", fix="Use a number, 0 or more.")


def list_team_budget_rules(options: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield a rule for the budget of each team, which the alert compares with its cost."""
    for team, amount in ((options or {}).get("team_budgets_per_day") or {}).items():
        _check_amount(f"team_budgets_per_day.{team}", amount)
        yield {"record": _TEAM_BUDGET, "expr": f"vector({amount:{_NUMBER_FORMAT}})", "labels": {"team": str(team)}}
