# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the failures in a collector's log, and group them by their cause. Private.

Module diagnose and canaries call `group_log_failures` for logs of pods, with the kubelet's timestamps, and for the
journal of a host. The rollout calls the functions for a collector that has ended, at the end of the file. A failure is
what one or several entries of the log report; its cause is a row of log_causes.py. An entry is one message of
a program's logger, with a level and fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.errors import clean_text
from .log_causes import CAUSES, Cause, find_causes
from .times import seconds_between

# The longest text of a row, in characters.
LONGEST_TEXT = 400
# The longest line of a failure that is shown, in characters: the reason is near its end, after the Collector's fields.
LONGEST_FAILURE = 1500
# A failure that was logged in the last seconds still goes on: a collector that retries logs at least every 30 s.
# Source: max_interval of exporterhelper.
CURRENT_SECONDS = 60
# Ids and numbers. Two entries that differ only in them report the same failure.
VARIABLE_PART = re.compile(r"\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")
# An entry of zap's console encoder: time, level, place in the source, message and fields, between tabs.
_CONSOLE_ENTRY = re.compile(
    r"(?P<time>\S+)\t(?P<level>debug|info|warn|error|dpanic|panic|fatal)\t(?:(?P<caller>\S+:\d+)\t)?"
    r"(?P<message>[^\t]*)(?:\t(?P<fields>\{.*\}))?\Z",
    re.IGNORECASE,
)
# A line of the Kubernetes client: `E0131 12:00:00.000000       1 reflector.go:200] message`.
_KLOG_LINE = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] (?P<message>.*)")
# The last line of a collector that does not start, or that Go's runtime ends.
_FATAL_LINE = re.compile(r"(?:Error|panic|fatal error): (?P<message>.*)")
# A further line of an error about the config, behind a fatal line: `'exporters' unknown type…`, before 0.120 with an
# asterisk.
_CONFIG_ERROR_PART = re.compile(r"(?:\* )?(?:error decoding )?'[^']*' |\* ")
_SECTIONS_OF_KINDS = {
    "receiver": "receivers",
    "processor": "processors",
    "exporter": "exporters",
    "extension": "extensions",
}
# Entries with one of these fields repeat another entry: what gRPC logs, the exporter logs too.
_FIELDS_OF_NOISE = ("grpc_log",)
# The words with which exporterhelper says that it gives up data.
_DROP_WORDS = ("Dropping data", "Rejecting data")
# The address in `dial tcp 10.0.0.1:4317: connect: …`, and the name in `dial tcp: lookup gateway on …`.
# Source: net.OpError and net.DNSError of Go.
_DIALED_ADDRESS = re.compile(r"dial \w+:? (?:lookup (?P<name>[\w.-]+)|(?P<address>\[[\da-fA-F:]+\]:\d+|[\w.-]+:\d+))")

# Causes that do not end a collector at its start, or that another message about a crash describes better.
_NOT_CRASH_CAUSES = (
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


class LogFailure(TypedDict):
    """A failure in a log, as a fact of the checks of module diagnose. All but the count is of its latest entry."""

    level: str
    message: str
    error: str
    """The field `error` of the entry; empty without one."""
    about: str
    """The component, such as `exporters/otlp`; empty if the entry names none."""
    signal: str
    cause: str | None
    """The id of a row of `log_causes.CAUSES`; None if no row fits."""
    text: str
    """What is wrong, by the cause; empty without one."""
    fix: str
    """What to do, by the cause; empty without one."""
    drops: bool
    """Whether an entry said that data is dropped."""
    address: str
    """The address to which a connection failed, see `_find_dialed_address`."""
    count: int
    """How many entries report this failure."""
    time: str
    """The timestamp of the latest entry, as the log has it."""
    said: str
    """The message and the error of the entry."""
    seconds_ago: int
    """How long before the log was read the latest entry was written."""


class _LogLine(NamedTuple):
    """A line of a log, without the timestamp before it."""

    time: str
    text: str


@dataclass(frozen=True)
class _FailureEntry:
    """An entry of a log that reports a failure. The fields are those of `LogFailure`."""

    level: str
    message: str
    error: str = ""
    about: str = ""
    signal: str = ""

    @property
    def error_text(self) -> str:
        return " ".join(filter(None, (self.message, self.error)))


@dataclass(frozen=True)
class _FailureGroup:
    """The entries of one component and signal that have one cause: the latest entry, and what is known of all."""

    latest_entry: _FailureEntry
    latest_time: str
    cause: Cause | None
    count: int
    drops_data: bool


def group_log_failures(log_text: str, read_time: str, mask_secrets: Callable[[str], str]) -> list[LogFailure]:
    """Return the failures in a log, the latest first, without secrets.

    Each line of the log begins with its timestamp, and a blank behind it. `read_time` is when the log was read.
    """
    group_by_key: dict[tuple[str, str, str], _FailureGroup] = {}
    for log_line in _join_log_lines(log_text):
        entry = _read_failure_entry(log_line.text)
        if entry is None:
            continue
        cause = next(find_causes(entry.error_text, CAUSES), None)
        kind_of_failure = cause.id if cause else VARIABLE_PART.sub("#", entry.error_text)[:LONGEST_TEXT]
        group_key = (entry.about, entry.signal, kind_of_failure)
        earlier_group = group_by_key.get(group_key)
        drops_data = any(drop_words in entry.error_text for drop_words in _DROP_WORDS)
        group_by_key[group_key] = _FailureGroup(
            latest_entry=entry,
            latest_time=log_line.time,
            cause=cause,
            count=1 + (earlier_group.count if earlier_group else 0),
            drops_data=drops_data or (earlier_group is not None and earlier_group.drops_data),
        )
    rows = [_build_row(group, read_time, mask_secrets) for group in group_by_key.values()]
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _build_row(group: _FailureGroup, read_time: str, mask_secrets: Callable[[str], str]) -> LogFailure:
    """Return a group as a row. Texts are masked before they are cut, because a mask does not match a cut secret."""
    entry, cause = group.latest_entry, group.cause
    masked_time = mask_secrets(group.latest_time)
    return {
        "level": mask_secrets(entry.level),
        "message": mask_secrets(entry.message),
        "error": mask_secrets(entry.error),
        "about": mask_secrets(entry.about),
        "signal": mask_secrets(entry.signal),
        "cause": mask_secrets(cause.id) if cause else None,
        "text": clean_text(mask_secrets(cause.text if cause else ""), LONGEST_TEXT),
        "fix": mask_secrets(cause.fix if cause else ""),
        "drops": group.drops_data,
        "address": mask_secrets(_find_dialed_address(entry.error_text)),
        "count": group.count,
        "time": masked_time,
        "said": clean_text(mask_secrets(entry.error_text), LONGEST_TEXT),
        "seconds_ago": round(seconds_between(masked_time, read_time)),
    }


def _find_dialed_address(error_text: str) -> str:
    """Return the address to which a connection failed: `HOST:PORT`, or the name that DNS does not know; else empty."""
    match = _DIALED_ADDRESS.search(error_text)
    return str(match["address"] or match["name"]) if match else ""


def _join_log_lines(log_text: str) -> Iterator[_LogLine]:
    """Yield the lines of a log. An error about the config has several lines, and is yielded as one line."""
    unfinished_error: _LogLine | None = None
    for line in log_text.splitlines():
        time, _blank, text = line.partition(" ")
        is_further_part = not text.strip() or _CONFIG_ERROR_PART.match(text)
        if unfinished_error and is_further_part:
            joined_text = f"{unfinished_error.text} {text.strip()}".rstrip()
            unfinished_error = _LogLine(unfinished_error.time, joined_text)
            continue
        if unfinished_error:
            yield unfinished_error
            unfinished_error = None
        if _FATAL_LINE.match(text):
            unfinished_error = _LogLine(time, text)
        else:
            yield _LogLine(time, text)
    if unfinished_error:
        yield unfinished_error


def _read_failure_entry(line: str) -> _FailureEntry | None:
    """Return the entry in a line that reports a failure; None for another line.

    A line reports a failure if its level says so, or if it has an error: retries have the level `info`.
    """
    structured_entry = _parse_structured_line(line)
    if structured_entry is None:
        match = _KLOG_LINE.match(line) or _FATAL_LINE.match(line)
        return _FailureEntry("error", match["message"]) if match else None
    level, message, fields = structured_entry
    if level in ("info", "debug") and not fields.get("error"):
        return None
    if any(fields.get(name) for name in _FIELDS_OF_NOISE):
        return None
    return _build_entry(level, message, fields)


class _StructuredEntry(NamedTuple):
    """An entry of the Collector's log. `fields` has all other fields of the entry by their names."""

    level: str
    message: str
    fields: Mapping[str, Any]


def _parse_structured_line(line: str) -> _StructuredEntry | None:
    """Return the entry in a line, which the Collector logs as text or as JSON; None for a line of another form."""
    if line.startswith("{"):
        fields = _parse_json_object(line)
        if not fields:
            return None
        return _StructuredEntry(_find_first_text(fields, "level").lower(), _find_first_text(fields, "msg"), fields)
    match = _CONSOLE_ENTRY.match(line)
    if not match:
        return None
    return _StructuredEntry(match["level"].lower(), match["message"], _parse_json_object(match["fields"] or "{}"))


def _parse_json_object(text: str) -> dict[str, Any]:
    """Return the object in a text; empty for anything else."""
    try:
        parsed_object = parse_json(text)
    except ValueError:
        return {}
    return parsed_object if isinstance(parsed_object, dict) else {}


def _build_entry(level: str, message: str, fields: Mapping[str, Any]) -> _FailureEntry:
    """Return an entry. Each field has two names: before 0.122 the Collector wrote `kind`, `name` and `data_type`."""
    kind = _find_first_text(fields, "otelcol.component.kind", "kind").lower()
    name = _find_first_text(fields, "otelcol.component.id", "name")
    component = ""
    if kind in _SECTIONS_OF_KINDS and name:
        component = f"{_SECTIONS_OF_KINDS[kind]}/{name}"
    return _FailureEntry(
        level,
        message,
        error=_find_first_text(fields, "error", "err"),
        about=component,
        signal=_find_first_text(fields, "otelcol.signal", "data_type"),
    )


def _find_first_text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that has a value, as text; empty if none has one."""
    for name in names:
        if fields.get(name):
            return str(fields[name])
    return ""


# ── A collector that has ended ──


class ShownLine(NamedTuple):
    """A line of a log, and to how many characters it is shortened where it is shown."""

    text: str
    longest: int


def select_last_lines(lines: Sequence[str], most_lines: int, longest_line: int) -> list[ShownLine]:
    """Return the last lines of a log.

    If no failure is among them, as before a long stack trace, the last two failures before them take the place of the
    first lines. A line that reports a failure may be longer than other lines.
    """
    last_lines = list(lines[-most_lines:])
    if not any(_read_failure_entry(line) for line in last_lines):
        earlier_failures = [line for line in lines[:-most_lines] if _read_failure_entry(line)][-2:]
        last_lines = [*earlier_failures, *last_lines[len(earlier_failures) :]]
    shown_lines = []
    for line in last_lines:
        longest = LONGEST_FAILURE if _read_failure_entry(line) else longest_line
        shown_lines.append(ShownLine(line, longest))
    return shown_lines


def find_crash_cause(lines: Sequence[str]) -> Cause | None:
    """Return the cause for which a collector ended, by its last words; None if no cause of a crash fits."""
    crash_causes = [cause for cause in CAUSES if cause.id not in _NOT_CRASH_CAUSES]
    return next(find_causes(find_last_words(lines), crash_causes), None)


def find_last_words(lines: Sequence[str]) -> str:
    """Return the last fatal error in a log without timestamps; the last line if there is no fatal error.

    Each line gets `- ` for a timestamp, which `_join_log_lines` takes off again.
    """
    timestamped_lines = "\n".join(f"- {line}" for line in lines)
    last_error = None
    for log_line in _join_log_lines(timestamped_lines):
        match = _FATAL_LINE.match(log_line.text)
        if match:
            last_error = match["message"]
    if last_error is not None:
        return last_error
    return lines[-1] if lines else ""
