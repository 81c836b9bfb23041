# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, cost and use of GPUs by namespace and team: recording rules, alerts and panels, as tables. Private.

The first part of the file has the tables. `alerts.py` and `manifests/monitoring.py` render them if a collector has the
option `monitoring.gpus`. The second part makes the values for the placeholders of the tables out of that option.

Expressions have placeholders such as `<gpu_power>`, see `build_gpu_values`, and ask for the metrics of the recipe
`gpu_metrics` with the names and labels that Prometheus makes of them. Three kinds of braces stand in the texts of this
file: `<…>` is filled by `build_gpu_values`, `{…}` by an f-string of Python (which writes a brace as `{{`), and
`{{ $labels… }}` by Prometheus when an alert fires.

An exporter has a series for each instance of a GPU, and for each pod that shares a GPU. Each of these series has the
power of the whole GPU, so each counts as an equal share of it. Sources: labels GPU_I_ID and `vgpu` of dcgm-exporter;
"Recording rules" of Prometheus for names such as `level:metric:operation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.needs.quantities import is_amount
from ..gpu_exporters import EXPORTERS, Exporter
from .alert_row import Alert
from .dashboard import Panel

# The facts of a collector that a rule, an alert or a panel needs, as `list_gpu_facts` names them.
_NEEDS_GPUS = ("gpus",)
_NEEDS_PRICE = ("gpus", "gpu_price")
_NEEDS_BUDGET = ("gpus", "gpu_price", "gpu_budget")
_NEEDS_TEAM_BUDGETS = ("gpus", "gpu_team_budgets")
# The labels that tell apart owners, nodes and GPUs.
_OWNER = "k8s_cluster_name, k8s_namespace_name, team"
_NODE = "k8s_cluster_name, k8s_node_name"
_DEVICE = "k8s_cluster_name, k8s_node_name, <gpu_device>"
# The series that the recording rules make.
_WATTS = "team_namespace:gpu_power_watts:sum"
_GPUS = "team_namespace:gpus:sum"
_IDLE = "team_namespace:gpus_idle:sum"
_HOURLY_COST = "team_namespace:gpu_cost_per_hour:sum"
_DAILY_COST = "team_namespace:gpu_cost:sum1d"
_TEAM_BUDGET = "team:gpu_budget_per_day:const"
# The labels by which alerts of GPUs differ. If a user gave all alerts a label with such a name, they would be equal.
GPU_SERIES_LABELS = frozenset({"team", "k8s_cluster_name", "k8s_namespace_name", "k8s_node_name"})
_MINUTES_PER_HOUR, _WATTS_PER_KILOWATT = 60, 1000


# ── Recording rules ──


class RecordingRule(NamedTuple):
    """A series that Prometheus records: its name, the facts that the collector must have, and the expression."""

    name: str
    needed_facts: tuple[str, ...]
    expr: str


def _sum_by_owner(series: str) -> str:
    """Return the expression that sums a series of GPUs by owner. A GPU with several series counts once."""
    series_per_gpu = f"count by ({_DEVICE}) ({series})"
    return f"sum by ({_OWNER}) (({series}) / on ({_DEVICE}) group_left () {series_per_gpu})"


RECORDING_RULES = (
    RecordingRule(_WATTS, _NEEDS_GPUS, _sum_by_owner("<gpu_power>")),
    # Each GPU has a power, so `power * 0 + 1` counts GPUs.
    RecordingRule(_GPUS, _NEEDS_GPUS, _sum_by_owner("<gpu_power> * 0 + 1")),
    RecordingRule(_IDLE, _NEEDS_GPUS, _sum_by_owner("(<gpu_busy>) < bool <gpu_idle_share>")),
    RecordingRule(
        _HOURLY_COST, _NEEDS_PRICE, f"{_GPUS} * <gpu_price> + {_WATTS} / {_WATTS_PER_KILOWATT} * <gpu_price_of_energy>"
    ),
    # The sum of each minute of the last day, also of owners that were there for only a part of it.
    RecordingRule(_DAILY_COST, _NEEDS_PRICE, f"sum_over_time({_HOURLY_COST}[1d:1m]) / {_MINUTES_PER_HOUR}"),
)


# ── Alerts ──

# The nodes with an agent, by the label that the series of GPUs have for a node.
_WITH_AGENT = 'label_replace(up{<matchers>} == 1, "k8s_node_name", "$1", "node", "(.+)")'
# The nodes that had a power of GPUs within an hour and have none now, although their agent runs.
_LOST_NODES = (
    f"max by ({_NODE}) (max_over_time(<gpu_power>[1h])) unless on ({_NODE}) (<gpu_power>)"
    f" and on (k8s_node_name) {_WITH_AGENT}"
)
# An exporter does not answer, or no GPU reports its power. OtelGpuUnmeasured says so, so no other alert does.
_UNMEASURED = 'up{job="gpu"} == 0 or absent(<gpu_power>)'
_OWNER_WORDS = "team {{ $labels.team }} in namespace {{ $labels.k8s_namespace_name }}"
_COST_WORDS = '{{ printf "%.2f" $value }} <gpu_currency>'
GPU_ALERTS = (
    Alert(
        name="OtelGpuUnmeasured",
        needed_facts=_NEEDS_GPUS,
        expr=_UNMEASURED,
        wait_duration="10m",
        severity="warning",
        summary="GPUs are not measured.",
        description="No GPU reports its power, or the exporter {{ $labels.instance }} does not answer. Power, cost and"
        " idle GPUs are unknown meanwhile, not zero. See that the exporter runs on nodes with GPUs, and that"
        " `gpu_metrics` has its labels and its port.",
    ),
    Alert(
        name="OtelGpuNodeLost",
        needed_facts=_NEEDS_GPUS,
        expr=f"({_LOST_NODES}) unless on () ({_UNMEASURED})",
        wait_duration="10m",
        severity="warning",
        summary="GPUs of node {{ $labels.k8s_node_name }} are not measured any more.",
        description="They had a power within the last hour, and the agent of the node runs. Their use and their cost"
        " are unknown meanwhile, not zero. See that the exporter runs on the node.",
    ),
    Alert(
        name="OtelGpuUseUnknown",
        needed_facts=_NEEDS_GPUS,
        expr=f"<gpu_power> unless on ({_DEVICE}) (<gpu_measured>)",
        wait_duration="30m",
        severity="warning",
        summary="A GPU of node {{ $labels.k8s_node_name }} does not tell whether it is used.",
        description="The exporter has its power, and no measure of its use, so it is never told to be idle. Turn on the"
        " counters in the exporter that docs/ai_inference.md lists.",
    ),
    Alert(
        name="OtelGpuIdle",
        needed_facts=_NEEDS_GPUS,
        expr=f'{_IDLE}{{team!="unallocated"}} > 0',
        wait_duration="15m",
        severity="warning",
        summary=f"Of {_OWNER_WORDS}, {{{{ $value }}}} GPUs are idle.",
        description="Pods hold them, and have hardly used them for <gpu_idle_minutes> minutes. Scale the workload down,"
        " or let KEDA do it.",
    ),
    Alert(
        name="OtelGpuUnallocated",
        needed_facts=_NEEDS_GPUS,
        expr=f'sum by (k8s_cluster_name) ({_GPUS}{{team="unallocated"}}) > 0',
        wait_duration="1h",
        severity="info",
        summary="No pod uses {{ $value }} GPUs.",
        description="They cost as much as others. Remove nodes, or let an autoscaler remove them.",
    ),
    Alert(
        name="OtelGpuWithoutTeam",
        needed_facts=_NEEDS_GPUS,
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

# ── Panels ──

_ROW, _LEGEND = "GPUs", "{{k8s_namespace_name}} {{team}}"
GPU_PANELS = (
    Panel(_ROW, "GPUs in use", _GPUS, "short", _LEGEND),
    Panel(_ROW, "Idle GPUs", _IDLE, "short", _LEGEND),
    Panel(_ROW, "Power", _WATTS, "watt", _LEGEND),
    Panel(_ROW, "Use of GPUs", "<gpu_busy_now>", "percentunit", "{{k8s_node_name}} {{<gpu_device>}} {{k8s_pod_name}}"),
    Panel(_ROW, "Cost per hour (<gpu_currency>)", _HOURLY_COST, "short", _LEGEND, ("gpu_price",)),
    Panel(_ROW, "Cost of the last day (<gpu_currency>)", _DAILY_COST, "short", _LEGEND, ("gpu_price",)),
)


# ── Facts and values of option `monitoring.gpus` ──

_NUMBER_FORMAT = ".12g"
_AMOUNT_OPTIONS = ("price_per_hour", "price_per_kwh", "budget_per_day", "idle_percent", "idle_minutes")
_ALL_PERCENT = 100


def list_gpu_facts(options: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return the facts about GPUs that rules may need, and whether the option gives them; None is no option.

    Raises Problem for a budget without a price.
    """
    gpu_options = options or {}
    has_price = bool(gpu_options.get("price_per_hour") or gpu_options.get("price_per_kwh"))
    # A budget of 0 is one: any cost is above it.
    has_budget = gpu_options.get("budget_per_day") is not None
    has_team_budgets = bool(gpu_options.get("team_budgets_per_day"))
    if (has_budget or has_team_budgets) and not has_price:
        fix = "Set `price_per_hour`, `price_per_kwh` or both; without a price, no cost is known."
        raise Problem("a budget of GPUs needs a price", where="monitoring.gpus", fix=fix)
    return {
        "gpus": options is not None,
        "gpu_price": has_price,
        "gpu_budget": has_budget,
        "gpu_team_budgets": has_team_budgets,
    }


def build_gpu_values(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the values of the placeholders in expressions about GPUs.

    Raises Problem for amounts that are no numbers, or below zero.
    """
    gpu_options = {key: value for key, value in (options or {}).items() if value is not None}
    for name in _AMOUNT_OPTIONS:
        _check_amount(name, gpu_options.get(name, 0))
    exporter = EXPORTERS[gpu_options.get("vendor", "nvidia")]
    idle_minutes = gpu_options.get("idle_minutes", 30)
    return {
        "gpu_power": exporter.power_selector,
        "gpu_device": exporter.device_label,
        "gpu_busy": _join_shares(exporter, lambda measure: _select_held_use(measure, idle_minutes)),
        "gpu_measured": _join_shares(exporter, lambda measure: f"max_over_time({measure}[{idle_minutes}m])"),
        "gpu_busy_now": _join_shares(exporter, lambda measure: measure),
        "gpu_idle_share": f"{gpu_options.get('idle_percent', 5) / _ALL_PERCENT:g}",
        "gpu_idle_minutes": str(idle_minutes),
        "gpu_price": _format_number(gpu_options.get("price_per_hour", 0)),
        "gpu_price_of_energy": _format_number(gpu_options.get("price_per_kwh", 0)),
        "gpu_budget": _format_number(gpu_options.get("budget_per_day", 0)),
        "gpu_currency": str(gpu_options.get("currency", "USD")),
    }


def list_team_budget_rules(options: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield a recording rule with the budget of each team, with which OtelGpuTeamBudget compares the cost.

    Raises Problem for amounts that are no numbers, or below zero.
    """
    budget_by_team = (options or {}).get("team_budgets_per_day") or {}
    for team, amount in budget_by_team.items():
        _check_amount(f"team_budgets_per_day.{team}", amount)
        yield {"record": _TEAM_BUDGET, "expr": f"vector({_format_number(amount)})", "labels": {"team": str(team)}}


def _join_shares(exporter: Exporter, select_series: Callable[[str], str]) -> str:
    """Return the expression for the use of GPUs, from 0 to 1: that of the first measure that a GPU has.

    An exporter may have several measures of use, each with another full value, such as 1 or 100. `select_series`
    returns the series that is taken of a measure.
    """
    shares = []
    for measure, full_value in exporter.full_value_by_measure.items():
        series = select_series(measure)
        shares.append(series if full_value == 1 else f"{series} / {full_value}")
    return f" or on (k8s_cluster_name, k8s_node_name, {exporter.device_label}) ".join(shares)


def _select_held_use(measure: str, minutes: float) -> str:
    """Return the expression for the most use within so many minutes, by pods that have held the GPU all that time.

    A pod that is gone costs nothing, and a pod that is new has not had the time to use it.
    """
    return f"(max_over_time({measure}[{minutes}m]) and {measure} and {measure} offset {minutes}m)"


def _format_number(amount: float) -> str:
    return f"{amount:{_NUMBER_FORMAT}}"


def _check_amount(name: str, value: Any) -> None:
    if not is_amount(value):
        raise Problem(f"`{name}` is {value}", where="monitoring.gpus", fix="Use a number, 0 or more.")
