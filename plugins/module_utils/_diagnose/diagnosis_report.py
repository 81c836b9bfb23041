# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis as text: the verdict on every collector, then its details. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
"""What module collector_diagnose returns of a collector, or host_diagnose of one on a host, with the same keys."""
# The longest severity is `warning`, and two spaces stand after it.
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
    """Return the name, the node, the state and the restarts of each pod."""
    rows = []
    for pod in result["pods"] or ():
        pod_state = "ready" if pod["ready"] else pod["phase"]
        rows.append(["pod", pod["name"], pod["node"], pod_state, f"{pod['restarts']} restarts"])
    return rows


def _build_flow_rows(result: Result) -> list[list[str]]:
    """Return what came in at each receiver, and went out at each exporter."""
    rows = []
    for receiver in result["receives"] or ():
        refused_items = receiver["refused"] + receiver["failed"]
        count_cells = [
            f"{receiver['accepted']} accepted",
            f"{refused_items} refused",
            f"{receiver['accepted_total']} since start",
        ]
        rows.append([receiver["signal"], "in", receiver["id"], *count_cells])
    for exporter in result["exports"] or ():
        count_cells = [
            f"{exporter['sent']} sent",
            f"{exporter['failed']} failed",
            f"{exporter['queue_size']}/{exporter['queue_capacity']} queued",
        ]
        rows.append([exporter["signal"], "out", exporter["id"], *count_cells])
    return rows


def _align_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines whose columns stand below each other."""
    if not rows:
        return
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
