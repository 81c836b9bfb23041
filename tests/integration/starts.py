# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many components in one start of the real Collector, since a start takes a second and few of them fail.

A start that fails names the component, or ends in a panic: then each half is started, down to the one at fault.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .real_collector_cases import BASE, changed
from .test_values import started

NAMED = re.compile(r'"([a-z0-9_]+)" (receiver|processor|exporter|connector|extension)\b')
Start = Callable[[Any], str]
"""Starts the Collector with a config, and returns why it does not start, or nothing."""


@dataclass(frozen=True)
class Started:
    """A component with settings that `otelcol validate` takes, and what was done to them."""

    section: str
    kind: str
    settings: Any
    signal: str
    what: str

    @property
    def component(self) -> tuple[str, str]:
        """The section and the type, of which a start has one at a time."""
        return self.section, self.kind


def refused(cases: list[Started], start: Start, seconds: float) -> Iterator[tuple[Started, str]]:
    """Yield the cases with which the Collector does not start, and what it says, for at most these seconds."""
    deadline = time.monotonic() + seconds
    for group in _groups(cases):
        if time.monotonic() > deadline:
            print(f"no time for {group[0].what} and what follows")
            return
        yield from _found(group, start)


def _groups(cases: list[Started]) -> Iterator[list[Started]]:
    """Yield cases of unlike components together, whose ids and ports do not meet."""
    waiting: dict[tuple[str, str], list[Started]] = {}
    for case in cases:
        waiting.setdefault(case.component, []).append(case)
    while waiting:
        yield [group.pop() for group in waiting.values()]
        waiting = {component: group for component, group in waiting.items() if group}


def _found(group: list[Started], start: Start) -> Iterator[tuple[Started, str]]:
    said = start(together(group)) if group else ""
    if not said:
        return
    if len(group) == 1:
        yield group[0], said
        return
    named = _named(said, group)
    if named:
        yield named, said
        yield from _found([case for case in group if case is not named], start)
        return
    middle = len(group) // 2
    yield from _found(group[:middle], start)
    yield from _found(group[middle:], start)


def _named(said: str, group: list[Started]) -> Started | None:
    """Return the case of the only component that a message names."""
    names = {(f"{section}s", kind) for kind, section in NAMED.findall(said)}
    named = [case for case in group if case.component in names]
    return named[0] if len(named) == 1 else None


def together(group: list[Started]) -> Any:
    """Return one config with all components of a group, each in pipelines of its own."""
    config = changed({"service/telemetry": {"metrics": {"level": "none"}}})
    for number, case in enumerate(group):
        own = started(case.section, case.kind, case.settings, case.signal)
        config.setdefault(case.section, {})[case.kind] = own[case.section][case.kind]
        if case.section == "extensions":
            config["service"].setdefault("extensions", []).append(case.kind)
            continue
        pipelines = own["service"]["pipelines"]
        config["service"]["pipelines"] |= {
            f"{key}{number}": value for key, value in pipelines.items() if key not in BASE["service"]["pipelines"]
        }
    return config
