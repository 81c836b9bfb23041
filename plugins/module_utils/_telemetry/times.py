# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis as text: the verdict on every collector, then its details; and times as people read them. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Result = Mapping[str, Any]
_WIDTH = 9


def report(results: Sequence[Result]) -> str:
    details = [line for item in results for line in ("", *_details(item))]
    return "\n".join([*verdicts(results), *details])


def verdicts(results: Sequence[Result]) -> list[str]:
    """Return the lines that say why, each with its collector."""
    return [f"{item['namespace']}/{item['name']}: {line}" for item in results for line in item["verdict"]]


def _details(item: Result) -> Iterator[str]:
    yield f"{item['kind']} {item['namespace']}/{item['name']}: {item['status']}, {item['ready_text'] or 'not there'}"
    yield from _table(_pods(item))
    yield from _table(_flow(item))
    for problem in item["problems"]:
        yield f"  {problem['severity']:<{_WIDTH}}[{problem['id']}] {_about(problem)}{problem['message']}"
        if problem["fix"]:
            yield f"  {'':<{_WIDTH}}→ {problem['fix']}"
    for unseen in item["unseen"] or ():
        yield f"  {'unknown':<{_WIDTH}}{unseen['what']} could not be checked: {unseen['why']}"


def _about(problem: Result) -> str:
    _role, slash, name = str(problem["about"]).partition("/")
    return f"{name}: " if slash and name not in problem["message"] else ""


def _pods(item: Result) -> list[list[str]]:
    return [
        ["pod", pod["name"], pod["node"], "ready" if pod["ready"] else pod["phase"], f"{pod['restarts']} restarts"]
        for pod in item["pods"] or ()
    ]


def _flow(item: Result) -> list[list[str]]:
    rows = []
    for row in item["receives"] or ():
        refused = row["refused"] + row["failed"]
        cells = (f"{row['accepted']} accepted", f"{refused} refused", f"{row['accepted_total']} since start")
        rows.append([row["signal"], "in", row["id"], *cells])
    for row in item["exports"] or ():
        queue = f"{row['queue_size']}/{row['queue_capacity']} queued"
        rows.append([row["signal"], "out", row["id"], f"{row['sent']} sent", f"{row['failed']} failed", queue])
    return rows


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        yield ("  " + "  ".join(f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()


_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def parsed(time: str) -> datetime | None:
    """Return a time; nothing for text that is none. Go writes nine digits, which Python 3.11 refuses."""
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", time)).astimezone(UTC)
    except ValueError:
        return None


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one time to another, none where one of them is no time."""
    first, last = parsed(start), parsed(end)
    return (last - first).total_seconds() if first and last else 0.0


_WORDS = ((172800, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"))


def age(seconds: float) -> str:
    """Return a duration as people say it."""
    _size, unit, word = next((row for row in _WORDS if seconds >= row[0]), (0, 1, "s"))
    return f"{int(seconds // unit)} {word}"
