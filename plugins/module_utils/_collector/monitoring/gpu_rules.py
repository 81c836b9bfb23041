# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, cost and use of GPUs by namespace and team, as tables: recording rules, alerts and panels. Private.

`alerts.py` and `manifests/monitoring.py` render them for collectors with the option `monitoring.gpus`. The expressions
ask for the metrics of recipe `gpu_metrics` with the names and labels that Prometheus makes of them. Two kinds of marks
stand in the texts:

- `<gpu_power>` and other `<name>` are filled in by `CollectorSeries.fill_in`; `gpu_values.py` has their values, by the
  vendor of the GPUs and the options;
- `{{ $labels.team }}` is filled in by Prometheus when an alert fires.

Example: for GPUs of NVIDIA, the first recording rule is

    sum by (k8s_cluster_name, k8s_namespace_name, team) ((DCGM_FI_DEV_POWER_USAGE) / on (k8s_cluster_name,
    k8s_node_name, UUID) group_left () count by (k8s_cluster_name, k8s_node_name, UUID) (DCGM_FI_DEV_POWER_USAGE))

An exporter has a series for each instance of a GPU, and for each pod that shares a GPU. Each of these series has the
power of the whole GPU. So each is divided by the number of series of its GPU before they are summed
(`_sum_by_owner`). For example, a GPU of 300 watts that pods of team a and of team b share has two series of 300 watts.
Each team gets 150 watts of it.

Sources: labels GPU_I_ID and `vgpu` of dcgm-exporter; "Recording rules" of Prometheus for names such as
`level:metric:operation`.
"""

from __future__ import annotations

from typing import NamedTuple

from .alert_row import Alert
from .panels import Panel

# The features of a collector that a rule, an alert or a panel needs, as `find_gpu_features` names them.
_NEEDS_GPUS = ("gpus",)
_NEEDS_PRICE = ("gpus", "gpu_price")
_NEEDS_BUDGET = ("gpus", "gpu_price", "gpu_budget")
_NEEDS_TEAM_BUDGETS = ("gpus", "gpu_team_budgets")
# The labels by which alerts of GPUs differ. If a user gave all alerts a label with such a name, they would be equal.
GPU_SERIES_LABELS = frozenset({"team", "k8s_cluster_name", "k8s_namespace_name", "k8s_node_name"})
# The series with the budget of each team, which `gpu_values.list_team_budget_rules` records.
TEAM_BUDGET_SERIES = "team:gpu_budget_per_day:const"


# ── Recording rules ──


class RecordingRule(NamedTuple):
    """A series that Prometheus records: its name, the features that the collector must have, and the expression."""

    name: str
    needed_features: tuple[str, ...]
    expr: str


def _sum_by_owner(measure: str) -> str:
    """Return the sum of a measure of GPUs by namespace and team, in which each GPU counts once.

    The labels of `on` and `count by` are those of one GPU: the quotient is the share that a series has of its GPU.
    """
    return (
        f"sum by (k8s_cluster_name, k8s_namespace_name, team) (({measure})"
        " / on (k8s_cluster_name, k8s_node_name, <gpu_device>) group_left ()"
        f" count by (k8s_cluster_name, k8s_node_name, <gpu_device>) ({measure}))"
    )


RECORDING_RULES = (
    RecordingRule(
        name="team_namespace:gpu_power_watts:sum",
        needed_features=_NEEDS_GPUS,
        expr=_sum_by_owner("<gpu_power>"),
    ),
    # Each GPU has a power, so `power * 0 + 1` counts GPUs.
    RecordingRule(
        name="team_namespace:gpus:sum",
        needed_features=_NEEDS_GPUS,
        expr=_sum_by_owner("<gpu_power> * 0 + 1"),
    ),
    # `< bool` is 1 for an idle GPU, and 0 for another.
    RecordingRule(
        name="team_namespace:gpus_idle:sum",
        needed_features=_NEEDS_GPUS,
        expr=_sum_by_owner("(<gpu_busy>) < bool <gpu_idle_share>"),
    ),
    # Power is in watts, and the price of energy is one of a kilowatt hour.
    RecordingRule(
        name="team_namespace:gpu_cost_per_hour:sum",
        needed_features=_NEEDS_PRICE,
        expr=(
            "team_namespace:gpus:sum * <gpu_price> + team_namespace:gpu_power_watts:sum / 1000 * <gpu_price_of_energy>"
        ),
    ),
    # The sum of each minute of the last day, also of owners that were there for only a part of it.
    RecordingRule(
        name="team_namespace:gpu_cost:sum1d",
        needed_features=_NEEDS_PRICE,
        expr="sum_over_time(team_namespace:gpu_cost_per_hour:sum[1d:1m]) / 60",
    ),
)


# ── Alerts ──

GPU_ALERTS = (
    # An exporter does not answer, or no GPU reports its power.
    Alert(
        name="OtelGpuUnmeasured",
        needed_features=_NEEDS_GPUS,
        expr='up{job="gpu"} == 0 or absent(<gpu_power>)',
        wait_duration="10m",
        severity="warning",
        summary="GPUs are not measured.",
        description="No GPU reports its power, or the exporter {{ $labels.instance }} does not answer. Power, cost and"
        " idle GPUs are unknown meanwhile, not zero. See that the exporter runs on nodes with GPUs, and that"
        " `gpu_metrics` has its labels and its port.",
    ),
    # The nodes that had a power of GPUs within an hour and have none now, although their agent runs. Where
    # OtelGpuUnmeasured says it of all nodes, this alert does not.
    Alert(
        name="OtelGpuNodeLost",
        needed_features=_NEEDS_GPUS,
        expr=(
            "(max by (k8s_cluster_name, k8s_node_name) (max_over_time(<gpu_power>[1h]))"
            " unless on (k8s_cluster_name, k8s_node_name) (<gpu_power>)"
            ' and on (k8s_node_name) label_replace(up{<matchers>} == 1, "k8s_node_name", "$1", "node", "(.+)"))'
            ' unless on () (up{job="gpu"} == 0 or absent(<gpu_power>))'
        ),
        wait_duration="10m",
        severity="warning",
        summary="GPUs of node {{ $labels.k8s_node_name }} are not measured any more.",
        description="They had a power within the last hour, and the agent of the node runs. Their use and their cost"
        " are unknown meanwhile, not zero. See that the exporter runs on the node.",
    ),
    Alert(
        name="OtelGpuUseUnknown",
        needed_features=_NEEDS_GPUS,
        expr="<gpu_power> unless on (k8s_cluster_name, k8s_node_name, <gpu_device>) (<gpu_measured>)",
        wait_duration="30m",
        severity="warning",
        summary="A GPU of node {{ $labels.k8s_node_name }} does not tell whether it is used.",
        description="The exporter has its power, and no measure of its use, so it is never told to be idle. Turn on the"
        " counters in the exporter that docs/ai_inference.md lists.",
    ),
    Alert(
        name="OtelGpuIdle",
        needed_features=_NEEDS_GPUS,
        expr='team_namespace:gpus_idle:sum{team!="unallocated"} > 0',
        wait_duration="15m",
        severity="warning",
        summary="Of team {{ $labels.team }} in namespace {{ $labels.k8s_namespace_name }}, {{ $value }} GPUs are idle.",
        description="Pods hold them, and have hardly used them for <gpu_idle_minutes> minutes. Scale the workload down,"
        " or let KEDA do it.",
    ),
    Alert(
        name="OtelGpuUnallocated",
        needed_features=_NEEDS_GPUS,
        expr='sum by (k8s_cluster_name) (team_namespace:gpus:sum{team="unallocated"}) > 0',
        wait_duration="1h",
        severity="info",
        summary="No pod uses {{ $value }} GPUs.",
        description="They cost as much as others. Remove nodes, or let an autoscaler remove them.",
    ),
    Alert(
        name="OtelGpuWithoutTeam",
        needed_features=_NEEDS_GPUS,
        expr='team_namespace:gpus:sum{team="unassigned"} > 0',
        wait_duration="15m",
        severity="warning",
        summary="Pods of namespace {{ $labels.k8s_namespace_name }} use {{ $value }} GPUs and have no team.",
        description="Their cost is nobody's. Label the pods, and let an admission policy require the label.",
    ),
    Alert(
        name="OtelGpuBudget",
        needed_features=_NEEDS_BUDGET,
        expr="sum by (k8s_cluster_name) (team_namespace:gpu_cost:sum1d) > <gpu_budget>",
        wait_duration="0m",
        severity="warning",
        summary='GPUs have cost {{ printf "%.2f" $value }} <gpu_currency> within a day.',
        description="The budget is <gpu_budget> <gpu_currency> a day. The series team_namespace:gpu_cost:sum1d has the"
        " cost of each namespace and team.",
    ),
    Alert(
        name="OtelGpuTeamBudget",
        needed_features=_NEEDS_TEAM_BUDGETS,
        expr=(
            "sum by (k8s_cluster_name, team) (team_namespace:gpu_cost:sum1d)"
            f" > on (team) group_left () {TEAM_BUDGET_SERIES}"
        ),
        wait_duration="0m",
        severity="warning",
        summary='GPUs of team {{ $labels.team }} have cost {{ printf "%.2f" $value }} <gpu_currency> within a day.',
        description="It is more than the budget of the team. The series team_namespace:gpu_cost:sum1d has the cost of"
        " each of its namespaces.",
    ),
)

# ── Panels ──

# Grafana fills in the labels of a series in the legend.
_OWNER_LEGEND = "{{k8s_namespace_name}} {{team}}"
GPU_PANELS = (
    Panel(
        row_title="GPUs",
        title="GPUs in use",
        expr="team_namespace:gpus:sum",
        unit="short",
        legend=_OWNER_LEGEND,
    ),
    Panel(
        row_title="GPUs",
        title="Idle GPUs",
        expr="team_namespace:gpus_idle:sum",
        unit="short",
        legend=_OWNER_LEGEND,
    ),
    Panel(
        row_title="GPUs",
        title="Power",
        expr="team_namespace:gpu_power_watts:sum",
        unit="watt",
        legend=_OWNER_LEGEND,
    ),
    Panel(
        row_title="GPUs",
        title="Use of GPUs",
        expr="<gpu_busy_now>",
        unit="percentunit",
        legend="{{k8s_node_name}} {{<gpu_device>}} {{k8s_pod_name}}",
    ),
    Panel(
        row_title="GPUs",
        title="Cost per hour (<gpu_currency>)",
        expr="team_namespace:gpu_cost_per_hour:sum",
        unit="short",
        legend=_OWNER_LEGEND,
        needed_features=("gpu_price",),
    ),
    Panel(
        row_title="GPUs",
        title="Cost of the last day (<gpu_currency>)",
        expr="team_namespace:gpu_cost:sum1d",
        unit="short",
        legend=_OWNER_LEGEND,
        needed_features=("gpu_price",),
    ),
)
