# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a diagnosis, key by key.

Modules collector_diagnose and host_diagnose return a `CollectorResult` for each collector. `collector_result.py` builds
it, `diagnosis_report.py` writes it as text, and the page of the fleet shows it. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

Row = Mapping[str, Any]
"""A row that the report only passes on. docs/diagnose.md lists its keys."""


class ProblemRow(TypedDict):
    """One finding of a check. `about` is the component or end that it is about, such as `exporters/debug` or `in`."""

    id: str
    stage: str
    severity: str
    about: str
    message: str
    fix: str


class UnseenRow(TypedDict):
    """A part that could not be read, such as `own metrics`, and the reason."""

    what: str
    why: str


class PodRow(TypedDict):
    """A pod of a collector. The keys `last_` say how the last run of its container ended; empty or 0 if none ended."""

    name: str
    namespace: str
    container: str
    node: str
    phase: str
    ready: bool
    restarts: int
    last_reason: str
    last_exit_code: int
    last_seconds_ago: int


class CollectorResult(TypedDict):
    """The result for one collector. A list of rows is None if it could not be read, or if a host has no such rows.

    docs/diagnose.md lists the keys of the rows.
    """

    name: str
    namespace: str
    """The namespace, or the name of the host."""
    kind: str
    """The kind of its custom resource or workload; `service` on a host."""
    mode: str | None
    """As the inventory names it, such as `daemonset`; `service` on a host."""
    image: str | None
    """The image, or the path of the program on a host."""
    pods: Sequence[PodRow] | None
    ready_text: str | None
    """How much of it is ready, such as `1 of 3 ready`; the state of the service on a host."""
    seconds: float | None
    """How long the flow of data was measured."""
    receives: Sequence[Row] | None
    processes: Sequence[Row] | None
    exports: Sequence[Row] | None
    services: Sequence[Row] | None
    peers: Sequence[Row] | None
    listeners: Sequence[Row] | None
    certificates: Sequence[Row] | None
    rights: Sequence[Row] | None
    unseen: Sequence[UnseenRow] | None
    target_allocator: Row | None
    autoscalers: Sequence[Row] | None
    memory: Sequence[Row] | None
    events: Sequence[Row] | None
    seen: bool
    """False if this user may not see any object of the collector."""
    wave: Row
    """The record of the wave that its release has passed; empty without one."""
    status: str
    """The worst severity, or `healthy`, or `unknown`."""
    verdict: list[str]
    """The lines of verdict.py, the most urgent first."""
    problems: list[ProblemRow]
