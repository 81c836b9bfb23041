# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors that a run changes, with their forecasts, as text and as Markdown. Private.

The module `collector_forecast` makes a `ChangedCollector` for each, and shows all of them. One without a forecast has a
line with the reason: `obs/gateway changes without a forecast: it is new, so there is nothing to compare it with`. Pages
about the changes of several hosts (wave and GitOps) show the same Markdown by `render_host_sections`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..rules.report_model import format_markdown_code
from .forecast_rows import ForecastResult

_WHY_NEW_IS_UNKNOWN = "it is new, so there is nothing to compare it with"


@dataclass(frozen=True)
class ChangedCollector:
    """A collector whose config or image changes, with its forecast or one reason why it has none."""

    name: str
    forecast: ForecastResult | None = None
    missing_reason: str = ""
    """Why there is no capture."""
    failure_reason: str = ""
    """Why the forecast could not be made from the capture."""
    is_new: bool = False
    """Whether it does not run yet: then there is nothing to compare, and it passes no limit."""

    @property
    def unknown_reason(self) -> str:
        """Why there is no forecast; empty if there is one."""
        if self.is_new:
            return _WHY_NEW_IS_UNKNOWN
        return self.missing_reason or self.failure_reason


def list_report_lines(collectors: Sequence[ChangedCollector]) -> Iterator[str]:
    """Yield each forecast as a person reads it in a terminal, and a line for each collector without one.

    A collector without a capture has no line: a warning, or the failure of the run, tells of it.
    """
    for collector in collectors:
        if collector.forecast:
            yield from collector.forecast["report"].split("\n")
        elif not collector.missing_reason:
            yield f"{collector.name} changes without a forecast: {collector.unknown_reason}"


def list_failures(collectors: Sequence[ChangedCollector], *, must_be_known: bool) -> Iterator[str]:
    """Yield a line for each reason against the change: passed limits, and forecasts that could not be made.

    With `must_be_known`, a missing capture is such a reason too.
    """
    for collector in collectors:
        if collector.forecast and collector.forecast["failure"]:
            yield collector.forecast["failure"]
        if collector.failure_reason or (must_be_known and collector.missing_reason):
            yield f"{collector.name} has no forecast: {collector.unknown_reason}"


def render_markdown_section(collectors: Sequence[ChangedCollector]) -> str:
    """Return the forecasts for a page about a change; empty if no collector changes."""
    if not collectors:
        return ""
    forecasts: list[str] = []
    bullets: list[str] = []
    for collector in collectors:
        if collector.forecast:
            forecasts.append(collector.forecast["markdown"])
        else:
            name, reason = format_markdown_code(collector.name), format_markdown_code(collector.unknown_reason)
            bullets.append(f"- {name} changes without a forecast: {reason}")
    if bullets:
        bullets.append("")  # a line end behind the last one
    return "\n".join([*forecasts, *bullets])


@dataclass(frozen=True)
class HostForecasts:
    """The forecasts of a host of the inventory as Markdown, with headings of the third level."""

    host: str
    markdown: str


def render_host_sections(forecasts_of_hosts: Sequence[HostForecasts]) -> Iterator[str]:
    """Yield a section for each host. Hosts with the same text share the section of the first of them."""
    hosts_by_text: dict[str, list[str]] = {}
    for forecasts in forecasts_of_hosts:
        hosts_by_text.setdefault(forecasts.markdown, []).append(forecasts.host)
    for text, hosts in hosts_by_text.items():
        yield f"## Forecast for {', '.join(hosts)}\n\n{text}"
