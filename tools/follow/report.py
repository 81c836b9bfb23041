# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release changed, for the maintainer who reviews the tables: settings that came and went, modules refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.catalogue.fields import OPEN, by_component, differing

from .collector import Collector

Rows = Sequence[Mapping[str, Any]]


def text(asked: Collector, before: Rows, after: Rows, signals: Iterable[str]) -> str:
    """Return the report on a release, as Markdown."""
    refused = sorted(path.rpartition("/")[2] for path in asked.refused)
    refused_in_words = f"{len(refused)} are refused, and keep their rows: {', '.join(refused)}."
    lines = [f"# {asked.version}", "", f"{len(asked.modules)} components were asked. {refused_in_words}"]
    lines += [f"{module} is replaced by {release}." for module, release in asked.replaced.items()]
    lines.append("")
    lines += list(_changed(by_component(before), by_component(after))) or ["No setting changed."]
    lines += signals
    return "\n".join(lines)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each component with a row that it did not have before."""
    for name, rows in after.items():
        if name not in before:
            yield f"- {name}: its settings are known now"
        elif len(rows) > len(before[name]):
            yield f"- {name}: {_difference(before[name][-1]['fields'], rows[-1]['fields'])}"


def _difference(before: Any, after: Any) -> str:
    """Return in words how the settings of a component differ from those before."""
    gone = {".".join(path) for path in differing(before, after)}
    came = {".".join(path) for path in differing(after, before)}
    lax = {path for path in came if path.endswith(OPEN)}
    strict = {path for path in gone if path.endswith(OPEN)}
    parts = {
        "new": came - gone - lax,
        "gone": gone - came - strict,
        "another shape": came & gone,
        "takes unknown keys now": lax,
        "refuses unknown keys now": strict,
    }
    told = []
    for what, paths in parts.items():
        if paths:
            told.append(f"{what}: {', '.join(_place(path) for path in sorted(paths))}")
    return "; ".join(told)


def _place(path: str) -> str:
    """Return a place without the mark of unknown keys."""
    return path.removesuffix(OPEN).removesuffix(".") or "all of it"


def other_signals(components: Rows, stability: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield each component whose signals, or their levels, are not those of components.json."""
    rows = {f"{row['section']}/{row['type']}": row for row in components}
    for name, told in sorted(stability.items()):
        levels = {signal or "extension": level for signal, level in told.items()}
        known: Mapping[str, str] = {}
        if name in rows:
            [*_older, known] = rows[name]["stability"].values()
        if levels != known:
            yield f"- {name}: signals are {levels}, not {known}: add a row to tools/catalogue/overrides.json"


def other_names(components: Rows, aliases: Mapping[str, str]) -> Iterator[str]:
    """Yield each component with an older name, by section and that name, of which components.json does not know it."""
    known = {(f"{row['section']}/{row['was']}", row["type"]) for row in components if "was" in row}
    for old, new in sorted(aliases.items()):
        if (old, new) not in known:
            yield f"- {old} is called {new}: add a row to tools/catalogue/overrides.json"
