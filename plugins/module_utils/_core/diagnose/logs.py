# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector's log says is wrong: entries grouped by their cause. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .log_causes import CAUSES, LogCause
from .text import seconds_between

LONGEST = 240
# What repeats with other numbers is the same entry.
_VARIABLE = re.compile(r"\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")
_ENTRY = re.compile(
    r"(?P<time>\S+)\t(?P<level>debug|info|warn|error|dpanic|panic|fatal)\t(?:(?P<caller>\S+:\d+)\t)?"
    r"(?P<message>[^\t]*)(?:\t(?P<fields>\{.*\}))?\Z",
    re.IGNORECASE,
)
_KLOG = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] (?P<message>.*)")
_FATAL = re.compile(r"(?:Error|panic|fatal error): (?P<message>.*)")
_ROLES = {"receiver": "receivers", "processor": "processors", "exporter": "exporters", "extension": "extensions"}
_NOISE = ("grpc_log",)


def groups(text: str, now: str) -> list[dict[str, Any]]:
    """Return what a log with the kubelet's timestamps says is wrong, the latest first."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for when, line in _lines(text):
        entry = _entry(line)
        if entry is None:
            continue
        said = " ".join(part for part in (entry["message"], entry["error"]) if part)
        cause = next(((one, match) for one in CAUSES if (match := one.pattern.search(said))), None)
        key = (entry["about"], entry["signal"], cause[0].id if cause else _VARIABLE.sub("#", said)[:LONGEST])
        old = found.get(key, {"count": 0})
        found[key] = {**entry, **_told(cause), "count": old["count"] + 1, "time": when, "said": said[:LONGEST]}
    rows = [{**row, "seconds_ago": round(seconds_between(row["time"], now))} for row in found.values()]
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _told(cause: tuple[LogCause, re.Match[str]] | None) -> dict[str, Any]:
    if cause is None:
        return {"cause": None, "text": "", "fix": ""}
    row, match = cause
    return {"cause": row.id, "text": row.text.format(**match.groupdict()), "fix": row.fix}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        when, _blank, rest = line.partition(" ")
        yield when, rest


def _entry(line: str) -> dict[str, Any] | None:
    """Return an entry that tells of trouble: by its level, or by an error in it, since retries are `info`."""
    parsed = _structured(line)
    if parsed is None:
        plain = _KLOG.match(line) or _FATAL.match(line)
        return _row("error", plain["message"], {}) if plain else None
    level, message, fields = parsed
    if level in ("info", "debug") and not fields.get("error"):
        return None
    if any(fields.get(name) for name in _NOISE):  # gRPC's own log repeats what the exporter says of it
        return None
    return _row(level, message, fields)


def _structured(line: str) -> tuple[str, str, Mapping[str, Any]] | None:
    if line.startswith("{"):
        fields = _json(line)
        return (str(fields.get("level") or "").lower(), str(fields.get("msg") or ""), fields) if fields else None
    match = _ENTRY.match(line)
    return (match["level"].lower(), match["message"], _json(match["fields"] or "{}")) if match else None


def _json(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _row(level: str, message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry; before 0.122 the Collector called its fields `kind`, `name` and `data_type`."""
    kind = str(fields.get("otelcol.component.kind") or fields.get("kind") or "").lower()
    name = str(fields.get("otelcol.component.id") or fields.get("name") or "")
    signal = str(fields.get("otelcol.signal") or fields.get("data_type") or "")
    about = f"{_ROLES[kind]}/{name}" if kind in _ROLES and name else ""
    error = str(fields.get("error") or fields.get("err") or "")
    return {"level": level, "message": message, "error": error, "about": about, "signal": signal}


def last_words(lines: Sequence[str]) -> str:
    """Return what a collector said before it ended: its last error, else its last line."""
    told = [_FATAL.match(line) for line in lines]
    fatal = [match["message"] for match in told if match]
    return next(iter([*fatal[-1:], *lines[-1:]]), "")


def masked_rows(rows: Iterable[Mapping[str, Any]], mask: Any) -> list[dict[str, Any]]:
    """Return rows whose texts show no secret."""
    return [{key: mask(value) if isinstance(value, str) else value for key, value in row.items()} for row in rows]
