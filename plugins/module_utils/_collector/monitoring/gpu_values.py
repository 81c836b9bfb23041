# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What option `monitoring.gpus` of a collector means for the tables of `gpu_rules.py`. Private.

`manifests/monitoring_features.py` asks which rules the collector has, and `manifests/monitoring_series.py` for the
values of the placeholders in them. Example: `{vendor: nvidia, idle_percent: 5}` gives the feature `gpus`, and the
values `DCGM_FI_DEV_POWER_USAGE` for `<gpu_power>` and `0.05` for `<gpu_idle_share>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.needs.quantities import is_amount
from ..gpu_exporters import EXPORTERS, GpuExporter
from .gpu_rules import TEAM_BUDGET_SERIES

_DEFAULT_VENDOR = "nvidia"
_DEFAULT_CURRENCY = "USD"
_DEFAULT_IDLE_PERCENT = 5
_DEFAULT_IDLE_MINUTES = 30
_AMOUNT_OPTIONS = ("price_per_hour", "price_per_kwh", "budget_per_day", "idle_percent", "idle_minutes")
_ALL_PERCENT = 100


def find_gpu_features(options: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return the features about GPUs that rules may need, and whether the option gives them.

    `options` is None for a collector without the option. Raises Problem for a budget without a price.
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
    # Ansible passes None for each suboption that the user has not set. Without these, the defaults below hold.
    gpu_options = {key: value for key, value in (options or {}).items() if value is not None}
    for name in _AMOUNT_OPTIONS:
        _check_amount(name, gpu_options.get(name, 0))
    exporter = EXPORTERS[gpu_options.get("vendor", _DEFAULT_VENDOR)]
    idle_minutes = gpu_options.get("idle_minutes", _DEFAULT_IDLE_MINUTES)
    # The most use within so many minutes, by pods that have had the GPU all that time: `and <measure>` asks for a
    # series now, and `offset` for one at the beginning. A pod that is gone costs nothing, and a pod that is new has not
    # had the time to use it.
    most_use = f"max_over_time(<measure>[{idle_minutes}m])"
    most_use_of_lasting_pods = f"({most_use} and <measure> and <measure> offset {idle_minutes}m)"
    return {
        "gpu_power": exporter.power_selector,
        "gpu_device": exporter.device_label,
        "gpu_busy": _build_use_expression(exporter, most_use_of_lasting_pods),
        # Whether the use of a GPU is measured at all, which is so for a new pod too.
        "gpu_measured": _build_use_expression(exporter, most_use),
        "gpu_busy_now": _build_use_expression(exporter, "<measure>"),
        "gpu_idle_share": f"{gpu_options.get('idle_percent', _DEFAULT_IDLE_PERCENT) / _ALL_PERCENT:g}",
        "gpu_idle_minutes": str(idle_minutes),
        "gpu_price": _format_number(gpu_options.get("price_per_hour", 0)),
        "gpu_price_of_energy": _format_number(gpu_options.get("price_per_kwh", 0)),
        "gpu_budget": _format_number(gpu_options.get("budget_per_day", 0)),
        "gpu_currency": str(gpu_options.get("currency", _DEFAULT_CURRENCY)),
    }


def list_team_budget_rules(options: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield a recording rule with the budget of each team, with which OtelGpuTeamBudget compares the cost.

    Example: `{"record": "team:gpu_budget_per_day:const", "expr": "vector(25)", "labels": {"team": "search"}}`.
    Raises Problem for amounts that are no numbers, or below zero.
    """
    budget_by_team = (options or {}).get("team_budgets_per_day") or {}
    for team, amount in budget_by_team.items():
        _check_amount(f"team_budgets_per_day.{team}", amount)
        yield {"record": TEAM_BUDGET_SERIES, "expr": f"vector({_format_number(amount)})", "labels": {"team": str(team)}}


def _build_use_expression(exporter: GpuExporter, series: str) -> str:
    """Return the expression for the use of GPUs, from 0 to 1: that of the first measure that a GPU has.

    An exporter may have several measures of use, each with another full value, such as 1 or 100. `series` is an
    expression in which `<measure>` stands for each of them. Example: `<measure>` itself becomes, for NVIDIA,

        DCGM_FI_PROF_GR_ENGINE_ACTIVE or on (k8s_cluster_name, k8s_node_name, UUID) DCGM_FI_DEV_GPU_UTIL / 100
    """
    shares = []
    for measure, full_value in exporter.full_value_by_measure.items():
        measured_use = series.replace("<measure>", measure)
        shares.append(measured_use if full_value == 1 else f"{measured_use} / {full_value}")
    return f" or on (k8s_cluster_name, k8s_node_name, {exporter.device_label}) ".join(shares)


def _format_number(amount: float) -> str:
    """Return a number as PromQL writes it, such as `0.25`, with at most twelve digits."""
    return f"{amount:.12g}"


def _check_amount(name: str, value: Any) -> None:
    """Raise Problem for the value of an option that is no number, or below zero."""
    if not is_amount(value):
        raise Problem(f"`{name}` is {value}", where="monitoring.gpus", fix="Use a number, 0 or more.")
