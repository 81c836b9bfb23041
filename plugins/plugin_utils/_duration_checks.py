# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations of options, in the forms of Go and of Prometheus. Controller only. Private.

`_shape_checks.py` calls this file. The description of an option says that it is a duration, such as "a Go duration".
Then `30s` passes, and `30` is refused: `option 'timeout' of recipe 'otlp_forward' is 30, a duration without a unit`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.quantities import UNITS_OF_GO
from ._value_shapes import OptionPlace

# The words by which the description of an option calls it a duration.
_DURATION_WORDS = re.compile(r"\b(Go|Prometheus) durations?\b")
# A number without a unit, such as `30` or `0.5`.
_PLAIN_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,9})?", re.ASCII)
# Such as `1.5h30s` for Go, and `1h30m` for Prometheus, whose units stand in order from years to milliseconds.
# Sources: time.ParseDuration of Go; model.ParseDuration of github.com/prometheus/common.
_DURATION_FORMS = {
    "Go": re.compile(r"(?:\d{1,18}(?:\.\d{0,9})?(?:" + UNITS_OF_GO + r"))+", re.ASCII),
    "Prometheus": re.compile(
        r"(?=\d)(?:\d{1,9}y)?(?:\d{1,9}w)?(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?", re.ASCII
    ),
}


def find_duration_form(option: Mapping[str, Any]) -> str:
    """Return the form of the durations of an option, as its description calls it; empty for other options."""
    duration_match = _DURATION_WORDS.search(str(option.get("description") or ""))
    return duration_match[1] if duration_match else ""


def check_duration(value: Any, form: str, place: OptionPlace) -> None:
    """Raise Problem for a number without a unit, which Go takes for nanoseconds, and for text that is no duration.

    Nothing, 0 and a text with a variable pass. `form` is `Go` or `Prometheus`.
    """
    value_text = str(value)
    if value in (None, "", 0, "0") or "$" in value_text or _DURATION_FORMS[form].fullmatch(value_text):
        return
    if _PLAIN_NUMBER.fullmatch(value_text):
        wrong = f"{place} is {value_text}, a duration without a unit"
        raise Problem(wrong, fix=f"Write '{_seconds_as_duration(value_text, form)}'.")
    raise Problem(f"{place} is '{value_text}', which is no duration", fix="Write one such as '30s' or '5m'.")


def _seconds_as_duration(number: str, form: str) -> str:
    """Return a number of seconds as a duration, such as `30s` of `30`.

    Prometheus knows no fractions, so `0.5` is `500ms` there.
    """
    if _DURATION_FORMS[form].fullmatch(f"{number}s"):
        return f"{number}s"
    return f"{round(float(number) * 1000)}ms"
