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
    """Return the page of a diagnosis: the verdicts, then the details of each collector."""
    lines = verdicts(results)
    for result in results:
        lines += ["", *_details(result)]
    return "\n".join(lines)


def verdicts(results: Sequence[Result]) -> list[str]:
    """Return the lines that say why, each with its collector."""
    lines = []
    for result in results:
        lines += [f"{result['namespace']}/{result['name']}: {line}" for line in result["verdict"]]
    return lines


def _details(result: Result) -> Iterator[str]:
    """Yield how a collector is, its pods, its flow, what the checks found, and what could not be checked."""
    ready_text = result["ready_text"] or "not there"
    yield f"{result['kind']} {result['namespace']}/{result['name']}: {result['status']}, {ready_text}"
    yield from _table(_pods(result))
    yield from _table(_flow(result))
    for problem in result["problems"]:
        yield f"  {problem['severity']:<{_WIDTH}}[{problem['id']}] {_about(problem)}{problem['message']}"
        if problem["fix"]:
            yield f"  {'':<{_WIDTH}}→ {problem['fix']}"
    for unseen in result["unseen"] or ():
        yield f"  {'unknown':<{_WIDTH}}{unseen['what']} could not be checked: {unseen['why']}"


def _about(problem: Result) -> str:
    """Return the component that a problem is about, unless its message has the name."""
    _role, slash, name = str(problem["about"]).partition("/")
    return f"{name}: " if slash and name not in problem["message"] else ""


def _pods(result: Result) -> list[list[str]]:
    rows = []
    for pod in result["pods"] or ():
        state = "ready" if pod["ready"] else pod["phase"]
        rows.append(["pod", pod["name"], pod["node"], state, f"{pod['restarts']} restarts"])
    return rows


def _flow(result: Result) -> list[list[str]]:
    """Return what came in at each receiver, and went out at each exporter."""
    rows = []
    for row in result["receives"] or ():
        refused = row["refused"] + row["failed"]
        cells = (f"{row['accepted']} accepted", f"{refused} refused", f"{row['accepted_total']} since start")
        rows.append([row["signal"], "in", row["id"], *cells])
    for row in result["exports"] or ():
        queue = f"{row['queue_size']}/{row['queue_capacity']} queued"
        rows.append([row["signal"], "out", row["id"], f"{row['sent']} sent", f"{row['failed']} failed", queue])
    return rows


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines whose columns stand below each other."""
    if not rows:
        return
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()


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
    if first is None or last is None:
        return 0.0
    return (last - first).total_seconds()


_WORDS = ((172800, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"))


def age(seconds: float) -> str:
    """Return a duration as people say it."""
    for least_seconds, unit_seconds, word in _WORDS:
        if seconds >= least_seconds:
            return f"{int(seconds // unit_seconds)} {word}"
    return f"{int(seconds)} s"
