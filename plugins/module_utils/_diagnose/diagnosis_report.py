# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis as text, as a person reads it in a terminal: all verdicts first, then the details of each collector.

The actions of modules collector_diagnose and host_diagnose build it from their results. For example:

    obs/gateway: spans come in (7 in 3 s) and wait at otlp/jaeger (…) → Read what otlp/jaeger says in the log.

    Deployment obs/gateway: error, 1 of 1 ready
      pod  gateway-7c9  node1  ready  0 restarts
      traces  in   otlp         7 accepted  0 refused  900 since start
      traces  out  otlp/jaeger  0 sent      0 failed   7/1000 queued
      error    [waits] spans come in (7 in 3 s) and wait at otlp/jaeger (…)
               → Read what otlp/jaeger says in the log.
      unknown  events in obs could not be checked: events is forbidden

Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .result_rows import CollectorResult, PodRow, ProblemRow, Row

# The longest severity is `warning`, and two spaces stand after it.
_SEVERITY_WIDTH = 9

NOTHING_DIAGNOSED = (
    "No collector was diagnosed: there is none in `collectors`, which playbook diagnose takes from otel_collectors and"
    " diagnose_collectors."
)


def build_diagnosis_report(results: Sequence[CollectorResult]) -> str:
    """Return the whole text of a diagnosis."""
    lines = list_verdict_lines(results) if results else [NOTHING_DIAGNOSED]
    for result in results:
        lines += ["", *_list_details(result)]
    return "\n".join(lines)


def list_verdict_lines(results: Sequence[CollectorResult]) -> list[str]:
    """Return the lines of all verdicts. Each begins with its collector: `obs/gateway: healthy: 7 spans in, ...`."""
    verdict_lines = []
    for result in results:
        collector = f"{result['namespace']}/{result['name']}"
        verdict_lines += [f"{collector}: {line}" for line in result["verdict"]]
    return verdict_lines


def _list_details(result: CollectorResult) -> Iterator[str]:
    """Yield the lines about one collector: its state, its pods, its flow, its problems, and the unseen parts."""
    ready_text = result["ready_text"] or "not there"
    yield f"{result['kind']} {result['namespace']}/{result['name']}: {result['status']}, {ready_text}"
    yield from _align_columns([_list_pod_cells(pod) for pod in result["pods"] or ()])
    yield from _align_columns(list(_list_flow_cells(result)))
    for problem in result["problems"]:
        yield from _list_problem_lines(problem)
    for unseen in result["unseen"] or ():
        yield _format_detail("unknown", f"{unseen['what']} could not be checked: {unseen['why']}")


def _list_pod_cells(pod: PodRow) -> list[str]:
    """Return the cells of a line such as `pod  gateway-7c9  node1  ready  0 restarts`."""
    pod_state = "ready" if pod["ready"] else pod["phase"]
    return ["pod", pod["name"], pod["node"], pod_state, f"{pod['restarts']} restarts"]


def _list_flow_cells(result: CollectorResult) -> Iterator[list[str]]:
    """Yield the cells of a line for each receiver, then for each exporter."""
    for receiver in result["receives"] or ():
        yield _list_receiver_cells(receiver)
    for exporter in result["exports"] or ():
        yield _list_exporter_cells(exporter)


def _list_receiver_cells(receiver: Row) -> list[str]:
    """Return the cells of a line such as `traces  in  otlp  7 accepted  0 refused  900 since start`."""
    refused_items = receiver["refused"] + receiver["failed"]
    return [
        receiver["signal"],
        "in",
        receiver["id"],
        f"{receiver['accepted']} accepted",
        f"{refused_items} refused",
        f"{receiver['accepted_total']} since start",
    ]


def _list_exporter_cells(exporter: Row) -> list[str]:
    """Return the cells of a line such as `traces  out  otlp/jaeger  6 sent  0 failed  1/1000 queued`."""
    return [
        exporter["signal"],
        "out",
        exporter["id"],
        f"{exporter['sent']} sent",
        f"{exporter['failed']} failed",
        f"{exporter['queue_size']}/{exporter['queue_capacity']} queued",
    ]


def _align_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for each row of cells; each column is as wide as its widest cell."""
    if not rows:
        return
    widths = [_measure_widest(column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded_cells = [f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(padded_cells)}".rstrip()


def _measure_widest(cells: Iterable[str]) -> int:
    return max(len(str(cell)) for cell in cells)


def _list_problem_lines(problem: ProblemRow) -> Iterator[str]:
    """Yield the message of a problem, and below it the fix."""
    yield _format_detail(problem["severity"], f"[{problem['id']}] {_name_component(problem)}{problem['message']}")
    if problem["fix"]:
        yield _format_detail("", f"→ {problem['fix']}")


def _name_component(problem: ProblemRow) -> str:
    """Return the component that a problem is about, such as `otlp/jaeger: `; empty if the message has the name."""
    _role, slash, name = str(problem["about"]).partition("/")
    return f"{name}: " if slash and name not in problem["message"] else ""


def _format_detail(severity: str, text: str) -> str:
    """Return a line of details with its text behind the column of severities."""
    return f"  {severity:<{_SEVERITY_WIDTH}}{text}"
