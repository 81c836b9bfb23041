# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector's log says is wrong: entries grouped by their cause. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.bounded.json_text import json_value
from .._otelcol.errors import cleaned
from .log_causes import CAUSES, Cause, causes_in
from .times import seconds_between

LONGEST = 400
# A line that reports a failure has the reason near its end, after fields of the Collector.
LONGEST_FAILURE = 1500
# A collector that retries says so at least that often. Source: max_interval of exporterhelper, 30 s.
CURRENT_SECONDS = 60
# What repeats with other numbers is the same entry.
VARIABLE = re.compile(r"\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")
_ENTRY = re.compile(
    r"(?P<time>\S+)\t(?P<level>debug|info|warn|error|dpanic|panic|fatal)\t(?:(?P<caller>\S+:\d+)\t)?"
    r"(?P<message>[^\t]*)(?:\t(?P<fields>\{.*\}))?\Z",
    re.IGNORECASE,
)
_KLOG = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] (?P<message>.*)")
_FATAL = re.compile(r"(?:Error|panic|fatal error): (?P<message>.*)")
# A line after it, of what is wrong with a config: `'exporters' unknown type…`, before 0.120 with an asterisk.
_PART = re.compile(r"(?:\* )?(?:error decoding )?'[^']*' |\* ")
_ROLES = {"receiver": "receivers", "processor": "processors", "exporter": "exporters", "extension": "extensions"}
_NOISE = ("grpc_log",)
# How the exporterhelper says that it gives data up.
_DROPS = ("Dropping data", "Rejecting data")
# Source: net.OpError and net.DNSError of Go.
_DIAL = re.compile(r"dial \w+:? (?:lookup (?P<name>[\w.-]+)|(?P<address>\[[\da-fA-F:]+\]:\d+|[\w.-]+:\d+))")

# What ends no collector at its start, or is told of a crash in more detail elsewhere.
_NO_CRASH = (
    "broken",
    "rejected",
    "queue_full",
    "memory",
    "too_many",
    "too_large",
    "out_of_order",
    "series_limit",
    "file",
)


def groups(text: str, now: str, mask: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return what a log with the kubelet's timestamps says is wrong, masked, the latest first."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for when, line in _lines(text):
        entry = _entry(line)
        if entry is None:
            continue
        said = " ".join(filter(None, (entry["message"], entry["error"])))
        cause = next(causes_in(said, CAUSES), None)
        kind = cause.id if cause else VARIABLE.sub("#", said)[:LONGEST]
        key = (entry["about"], entry["signal"], kind)
        earlier = found.get(key, {"count": 0, "drops": False})
        found[key] = {
            **entry,
            "cause": cause.id if cause else None,
            "text": cause.text if cause else "",
            "fix": cause.fix if cause else "",
            "drops": earlier["drops"] or any(words in said for words in _DROPS),
            "address": _dialled(said),
            "count": earlier["count"] + 1,
            "time": when,
            "said": said,
        }
    rows = [_shown(row, now, mask) for row in found.values()]
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _shown(row: Mapping[str, Any], now: str, mask: Callable[[str], str]) -> dict[str, Any]:
    """Return a row as it is shown: masked first, because masks do not recognise a secret that is cut."""
    masked = {key: mask(value) if isinstance(value, str) else value for key, value in row.items()}
    return {
        **masked,
        "said": cleaned(masked["said"], LONGEST),
        "text": cleaned(masked["text"], LONGEST),
        "seconds_ago": round(seconds_between(masked["time"], now)),
    }


def _dialled(said: str) -> str:
    """Return the address that a connection was tried to, as HOST:PORT or as the name that was looked up, or nothing."""
    match = _DIAL.search(said)
    return str(match["address"] or match["name"]) if match else ""


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield time and line; the parts of an error about the config, which is printed over several lines, are one."""
    waiting: tuple[str, str] | None = None
    for line in text.splitlines():
        when, _blank, rest = line.partition(" ")
        if waiting and (not rest.strip() or _PART.match(rest)):
            waiting = (waiting[0], f"{waiting[1]} {rest.strip()}".rstrip())
            continue
        if waiting:
            yield waiting
        waiting = (when, rest) if _FATAL.match(rest) else None
        if not waiting:
            yield when, rest
    if waiting:
        yield waiting


def _entry(line: str) -> dict[str, Any] | None:
    """Return an entry about a failure: by its level, or by an error in it, because retries are `info`."""
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
    """Return level, message and fields of an entry of the Collector, which logs as text or JSON; else nothing."""
    if line.startswith("{"):
        fields = _json(line)
        if not fields:
            return None
        return _first_text(fields, "level").lower(), _first_text(fields, "msg"), fields
    match = _ENTRY.match(line)
    if not match:
        return None
    return match["level"].lower(), match["message"], _json(match["fields"] or "{}")


def _json(text: str) -> dict[str, Any]:
    """Return the object in a text; empty for anything else."""
    try:
        parsed = json_value(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _row(level: str, message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry; before 0.122 the Collector called its fields `kind`, `name` and `data_type`."""
    kind = _first_text(fields, "otelcol.component.kind", "kind").lower()
    name = _first_text(fields, "otelcol.component.id", "name")
    about = ""
    if kind in _ROLES and name:
        about = f"{_ROLES[kind]}/{name}"
    return {
        "level": level,
        "message": message,
        "error": _first_text(fields, "error", "err"),
        "about": about,
        "signal": _first_text(fields, "otelcol.signal", "data_type"),
    }


def _first_text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that has a value, as text; empty if none has one."""
    for name in names:
        if fields.get(name):
            return str(fields[name])
    return ""


def tail(lines: Sequence[str], most: int, longest: int) -> list[tuple[str, int]]:
    """Return the last lines of a log, each with its longest length.

    A line that reports a failure may be longer, and the last ones come first if what follows, such as a stack trace,
    has no other.
    """
    last = list(lines[-most:])
    if not any(_entry(line) for line in last):
        failures = [line for line in lines[:-most] if _entry(line)][-2:]
        last = [*failures, *last[len(failures) :]]
    return [(line, LONGEST_FAILURE if _entry(line) else longest) for line in last]


def crash_cause(lines: Sequence[str]) -> Cause | None:
    """Return why a collector ended, by its last words; None if they name no cause that another page explains better."""
    crash_causes = [cause for cause in CAUSES if cause.id not in _NO_CRASH]
    return next(causes_in(last_words(lines), crash_causes), None)


def last_words(lines: Sequence[str]) -> str:
    """Return what a collector said before it ended: its last error, else its last line."""
    text = "\n".join(f"- {line}" for line in lines)
    last_error = None
    for _when, line in _lines(text):
        match = _FATAL.match(line)
        if match:
            last_error = match["message"]
    if last_error is not None:
        return last_error
    return lines[-1] if lines else ""
