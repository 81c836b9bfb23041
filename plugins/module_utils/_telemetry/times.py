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
_SEVERITY_WIDTH = 9


def build_diagnosis_report(results: Sequence[Result]) -> str:
    """Return the page of a diagnosis: the verdicts, then the details of each collector."""
    lines = list_verdict_lines(results)
    for result in results:
        lines += ["", *_list_details(result)]
    return "\n".join(lines)


def list_verdict_lines(results: Sequence[Result]) -> list[str]:
    """Return the lines that say why, each with its collector."""
    verdict_lines = []
    for result in results:
        verdict_lines += [f"{result['namespace']}/{result['name']}: {line}" for line in result["verdict"]]
    return verdict_lines


def _list_details(result: Result) -> Iterator[str]:
    """Yield how a collector is, its pods, its flow, what the checks found, and what could not be checked."""
    ready_text = result["ready_text"] or "not there"
    yield f"{result['kind']} {result['namespace']}/{result['name']}: {result['status']}, {ready_text}"
    yield from _align_columns(_build_pod_rows(result))
    yield from _align_columns(_build_flow_rows(result))
    for problem in result["problems"]:
        yield (
            f"  {problem['severity']:<{_SEVERITY_WIDTH}}[{problem['id']}]"
            f" {_prefix_with_component(problem)}{problem['message']}"
        )
        if problem["fix"]:
            yield f"  {'':<{_SEVERITY_WIDTH}}→ {problem['fix']}"
    for unseen in result["unseen"] or ():
        yield f"  {'unknown':<{_SEVERITY_WIDTH}}{unseen['what']} could not be checked: {unseen['why']}"


def _prefix_with_component(problem: Result) -> str:
    """Return the component that a problem is about, unless its message has the name."""
    _role, slash, name = str(problem["about"]).partition("/")
    return f"{name}: " if slash and name not in problem["message"] else ""


def _build_pod_rows(result: Result) -> list[list[str]]:
    rows = []
    for pod in result["pods"] or ():
        pod_state = "ready" if pod["ready"] else pod["phase"]
        rows.append(["pod", pod["name"], pod["node"], pod_state, f"{pod['restarts']} restarts"])
    return rows


def _build_flow_rows(result: Result) -> list[list[str]]:
    """Return what came in at each receiver, and went out at each exporter."""
    rows = []
    for component_row in result["receives"] or ():
        refused_items = component_row["refused"] + component_row["failed"]
        count_cells = (
            f"{component_row['accepted']} accepted",
            f"{refused_items} refused",
            f"{component_row['accepted_total']} since start",
        )
        rows.append([component_row["signal"], "in", component_row["id"], *count_cells])
    for component_row in result["exports"] or ():
        queue_text = f"{component_row['queue_size']}/{component_row['queue_capacity']} queued"
        rows.append(
            [
                component_row["signal"],
                "out",
                component_row["id"],
                f"{component_row['sent']} sent",
                f"{component_row['failed']} failed",
                queue_text,
            ]
        )
    return rows


def _align_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines whose columns stand below each other."""
    if not rows:
        return
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()


_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def parse_time(time_text: str) -> datetime | None:
    """Return a time; nothing for text that is none. Go writes nine digits, which Python 3.11 refuses."""
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", time_text)).astimezone(UTC)
    except ValueError:
        return None


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one time to another, none where one of them is no time."""
    start_time, end_time = parse_time(start), parse_time(end)
    if start_time is None or end_time is None:
        return 0.0
    return (end_time - start_time).total_seconds()


_DURATION_UNITS = ((172800, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"))


def describe_duration(seconds: float) -> str:
    """Return a duration as people say it."""
    for least_seconds, unit_seconds, unit in _DURATION_UNITS:
        if seconds >= least_seconds:
            return f"{int(seconds // unit_seconds)} {unit}"
    return f"{int(seconds)} s"
