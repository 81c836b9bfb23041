# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations of options, in the forms of Go and of Prometheus. Controller only. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..module_utils._otelcol.errors import Problem

# The words by which the description of an option calls it a duration.
_DURATION = re.compile(r"\b(Go|Prometheus) durations?\b")
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,9})?", re.ASCII)
# Sources: time.ParseDuration of Go; model.ParseDuration of github.com/prometheus/common.
_DURATIONS = {
    "Go": re.compile(r"(?:\d{1,18}(?:\.\d{0,9})?(?:ns|us|µs|ms|s|m|h))+", re.ASCII),
    "Prometheus": re.compile(
        r"(?=\d)(?:\d{1,9}y)?(?:\d{1,9}w)?(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?", re.ASCII
    ),
}


def duration_form(option: Mapping[str, Any]) -> str:
    """Return the form of the durations of an option, as its description calls it; empty for other options."""
    called = _DURATION.search(str(option.get("description") or ""))
    return called[1] if called else ""


def check_duration(value: Any, form: str, path: str, what: str) -> None:
    """Reject a number without a unit, which Go takes for nanoseconds, and text that is no duration."""
    said = str(value)
    if value in (None, "", 0, "0") or "$" in said or _DURATIONS[form].fullmatch(said):
        return
    if _NUMBER.fullmatch(said):
        wrong = f"option '{path}' of {what} is {said}, a duration without a unit"
        raise Problem(wrong, fix=f"Write '{_seconds(said, form)}'.")
    raise Problem(
        f"option '{path}' of {what} is '{said}', which is no duration", fix="Write one such as '30s' or '5m'."
    )


def _seconds(number: str, form: str) -> str:
    """Return a number of seconds as a duration; in milliseconds for Prometheus, which knows no fractions."""
    if _DURATIONS[form].fullmatch(f"{number}s"):
        return f"{number}s"
    return f"{round(float(number) * 1000)}ms"
