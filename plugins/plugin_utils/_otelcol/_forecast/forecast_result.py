# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as a task result, without the secrets of both configs. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.forecast.pages import Forecast, describe_cost, render_markdown, render_text_lines
from ....module_utils._otelcol.forecast.record_kinds import RecordKind
from ....module_utils._otelcol.forecast.tallies import Sender
from ....module_utils._otelcol.rules.report_model import format_count

# Characters of the name of a kind. It is masked before it is cut: a cut secret is not recognised.
_LONGEST_NAME = 160
# Returns a text without secrets.
Mask = Callable[[str], str]


def build_forecast_result(forecast: Forecast, mask: Mask) -> dict[str, Any]:
    """Return a forecast as a task result. `failure` says that limits are passed; it is empty if none is."""
    passed_limits = format_count(len(forecast.breach_lines), "limit")
    return {
        "changed": False,
        "collector": forecast.collector,
        "changes": list(_mask_changes(forecast, mask)),
        "breaches": [mask(line) for line in forecast.breach_lines],
        "notes": [mask(line) for line in forecast.note_lines],
        "cost_per_month": _describe_monthly_cost(forecast),
        "report": "\n".join(mask_and_clean(line, mask=mask) for line in render_text_lines(forecast)),
        "markdown": mask(render_markdown(forecast, mask)),
        "failure": f"{forecast.collector} passes {passed_limits}" if forecast.breach_lines else "",
    }


def _mask_changes(forecast: Forecast, mask: Mask) -> Iterator[dict[str, Any]]:
    """Yield the changes as data. A secret of a config may be a name of a sender or an attribute, or a part of one."""
    for change in forecast.changes:
        data = change.as_dict()
        for key in ("lost_attributes", "gained_attributes"):
            data[key] = [mask(name) for name in data[key]]
        for attribute in data["partly_lost_attributes"]:
            attribute["name"] = mask(attribute["name"])
        for key in ("exporter", "old_exporter"):
            data[key] = mask(data[key])
        for sender_change in data["largest_changes"]:
            for key in Sender._fields:
                sender_change[key] = mask(sender_change[key])
        for kind in (*data["only_before"]["kinds"], *data["only_after"]["kinds"]):
            kind.update({key: mask(kind[key])[:_LONGEST_NAME] for key in RecordKind._fields})
            kind["attributes"] = [mask(name) for name in kind["attributes"]]
        yield data


def _describe_monthly_cost(forecast: Forecast) -> dict[str, Any]:
    """Return what a month costs, as numbers and in words; no words without prices."""
    cost_words = describe_cost(forecast) if forecast.prices else ""
    return {"before": forecast.price_before, "after": forecast.price_after, "text": cost_words}
