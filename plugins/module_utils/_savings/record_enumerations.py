# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of spans, errors of spans, and levels of log records, which OTLP has as numbers or as names. Private.

| field | as a number | as a name | read as |
|---|---|---|---|
| `kind` of a span | `3` | `SPAN_KIND_CLIENT` | `CLIENT` |
| `status.code` of a span | `2` | `STATUS_CODE_ERROR` | an error |
| `severityNumber` of a log record | `6` | `SEVERITY_NUMBER_DEBUG2` | `DEBUG` |

Source: `trace.proto` and `logs.proto` of OTLP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Kinds of spans that other files ask for.
INTERNAL = "INTERNAL"
CLIENT = "CLIENT"
# The numbers of OTLP are positions in these two.
_SPAN_KINDS = ("UNSPECIFIED", INTERNAL, "SERVER", CLIENT, "PRODUCER", "CONSUMER")
_ERROR = "ERROR"
_STATUS_NAMES = ("UNSET", "OK", _ERROR)
_SEVERITY_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_NUMBERS_PER_LEVEL = 4
"""Each level of severity has four numbers, from 1: TRACE has 1 to 4, DEBUG 5 to 8."""


def read_span_kind(span: Mapping[str, Any]) -> str:
    """Return the kind of a span, such as `INTERNAL`."""
    return _read_enum_name(span.get("kind"), _SPAN_KINDS, prefix="SPAN_KIND_")


def has_error_status(span: Mapping[str, Any]) -> bool:
    """Return whether the status of a span is an error."""
    return _read_enum_name((span.get("status") or {}).get("code"), _STATUS_NAMES, prefix="STATUS_CODE_") == _ERROR


def read_severity_level(log: Mapping[str, Any]) -> str:
    """Return the level of a log record, such as `DEBUG`; empty if it has no severity number."""
    severity = log.get("severityNumber") or 0
    if isinstance(severity, int):
        if severity <= 0:
            return ""
        level = min((severity - 1) // _NUMBERS_PER_LEVEL, len(_SEVERITY_LEVELS) - 1)
        return _SEVERITY_LEVELS[level]
    # The names of the second to the fourth number of a level end in that digit, such as SEVERITY_NUMBER_INFO2.
    name = str(severity).removeprefix("SEVERITY_NUMBER_").rstrip("234")
    return name if name in _SEVERITY_LEVELS else ""


def _read_enum_name(value: Any, names: tuple[str, ...], prefix: str) -> str:
    """Return the name of a value of an enumeration of OTLP. A value that is not known counts as the first one."""
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else names[0]
    name = str(value or "").removeprefix(prefix)
    return name if name in names else names[0]
