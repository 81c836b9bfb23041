# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as a task result, without the secrets of both configs.

`forecasting.py` returns it for the modules `pipeline_forecast` and `collector_forecast`. Private.
"""

from __future__ import annotations

from collections.abc import Callable

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.forecast.forecast_rows import (
    CostRow,
    ForecastResult,
    KindRow,
    OneSideRow,
    PartlyLostRow,
    SenderChangeRow,
    SentChangeRow,
)
from ....module_utils._otelcol.forecast.pages import Forecast, describe_cost, render_markdown, render_text_lines
from ....module_utils._otelcol.rules.report_model import format_count

_LONGEST_NAME = 160
"""Characters of the name, severity and service of a kind of log records or data points."""
Mask = Callable[[str], str]
"""Returns a text without secrets."""


def build_forecast_result(forecast: Forecast, mask: Mask) -> ForecastResult:
    """Return a forecast as a task result. `failure` says that limits are passed; it is empty if none is."""
    passed_limits = format_count(len(forecast.breach_lines), "limit")
    return {
        "changed": False,
        "collector": forecast.collector,
        "changes": [_mask_change(change.as_dict(), mask) for change in forecast.changes],
        "breaches": [mask(line) for line in forecast.breach_lines],
        "notes": [mask(line) for line in forecast.note_lines],
        "cost_per_month": _describe_monthly_cost(forecast),
        "report": "\n".join(mask_and_clean(line, mask=mask) for line in render_text_lines(forecast)),
        "markdown": mask(render_markdown(forecast, mask)),
        "failure": f"{forecast.collector} passes {passed_limits}" if forecast.breach_lines else "",
    }


def _mask_change(change: SentChangeRow, mask: Mask) -> SentChangeRow:
    """Return a change without secrets: the name of a sender, exporter or attribute may be or contain a secret."""
    return {
        **change,
        "exporter": mask(change["exporter"]),
        "old_exporter": mask(change["old_exporter"]),
        "only_before": _mask_one_side(change["only_before"], mask),
        "only_after": _mask_one_side(change["only_after"], mask),
        "lost_attributes": [mask(name) for name in change["lost_attributes"]],
        "partly_lost_attributes": [
            _mask_partly_lost(attribute, mask) for attribute in change["partly_lost_attributes"]
        ],
        "gained_attributes": [mask(name) for name in change["gained_attributes"]],
        "largest_changes": [_mask_sender(sender_change, mask) for sender_change in change["largest_changes"]],
    }


def _mask_one_side(side: OneSideRow, mask: Mask) -> OneSideRow:
    return {**side, "kinds": [_mask_kind(kind, mask) for kind in side["kinds"]]}


def _mask_kind(kind: KindRow, mask: Mask) -> KindRow:
    """Return a kind without secrets. Texts are masked before they are cut: a cut secret is not recognised."""
    return {
        **kind,
        "name": mask(kind["name"])[:_LONGEST_NAME],
        "severity": mask(kind["severity"])[:_LONGEST_NAME],
        "service": mask(kind["service"])[:_LONGEST_NAME],
        "attributes": [mask(name) for name in kind["attributes"]],
    }


def _mask_partly_lost(attribute: PartlyLostRow, mask: Mask) -> PartlyLostRow:
    return {**attribute, "name": mask(attribute["name"])}


def _mask_sender(sender_change: SenderChangeRow, mask: Mask) -> SenderChangeRow:
    return {
        **sender_change,
        "service": mask(sender_change["service"]),
        "namespace": mask(sender_change["namespace"]),
        "tenant": mask(sender_change["tenant"]),
    }


def _describe_monthly_cost(forecast: Forecast) -> CostRow:
    """Return what a month costs, as numbers and in words; no words without prices."""
    cost_words = describe_cost(forecast) if forecast.prices else ""
    return {"before": forecast.price_before, "after": forecast.price_after, "text": cost_words}
