# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes what a release of the Collector changed, for the maintainer who reviews the tables.

`python -m tools.follow --update` prints this report. It lists the settings that came and went, the modules that were
refused or replaced, and the signals and names of which components.json has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.catalogue.fields import OPEN_KEY, FieldRow, RowsByComponent, find_differences, group_by_component

from .collector import Collector

ComponentRows = Sequence[Mapping[str, Any]]
"""The rows of components.json."""


def describe_release(
    release_collector: Collector,
    rows_before: Iterable[FieldRow],
    rows_after: Iterable[FieldRow],
    signal_lines: Iterable[str],
) -> str:
    """Return the report on a release, as Markdown. `signal_lines` are its last lines, see the functions below."""
    refused_names = sorted(path.rpartition("/")[2] for path in release_collector.refusal_by_module)
    refused_in_words = f"{len(refused_names)} are refused, and keep their rows: {', '.join(refused_names)}."
    lines = [
        f"# {release_collector.version}",
        "",
        f"{len(release_collector.section_by_module)} components were asked. {refused_in_words}",
    ]
    lines += [f"{module} is replaced by {release}." for module, release in release_collector.release_by_module.items()]
    lines.append("")
    changed_lines = list(_list_changed(group_by_component(rows_before), group_by_component(rows_after)))
    lines += changed_lines or ["No setting changed."]
    lines += signal_lines
    return "\n".join(lines)


def _list_changed(rows_before: RowsByComponent, rows_after: RowsByComponent) -> Iterator[str]:
    """Yield a line for each component that got a row: the first one, or another one because its settings changed."""
    for name, rows in rows_after.items():
        if name not in rows_before:
            yield f"- {name}: its settings are known now"
        elif len(rows) > len(rows_before[name]):
            yield f"- {name}: {_describe_difference(rows_before[name][-1]['fields'], rows[-1]['fields'])}"


def _describe_difference(fields_before: Any, fields_after: Any) -> str:
    """Return in words how the settings of a component differ from those before."""
    removed_paths = {".".join(path) for path in find_differences(fields_before, fields_after)}
    added_paths = {".".join(path) for path in find_differences(fields_after, fields_before)}
    newly_lax = {path for path in added_paths if path.endswith(OPEN_KEY)}
    newly_strict = {path for path in removed_paths if path.endswith(OPEN_KEY)}
    paths_by_change = {
        "new": added_paths - removed_paths - newly_lax,
        "gone": removed_paths - added_paths - newly_strict,
        "another shape": added_paths & removed_paths,
        "takes unknown keys now": newly_lax,
        "refuses unknown keys now": newly_strict,
    }
    descriptions = []
    for change, paths in paths_by_change.items():
        if paths:
            descriptions.append(f"{change}: {', '.join(_describe_place(path) for path in sorted(paths))}")
    return "; ".join(descriptions)


def _describe_place(path: str) -> str:
    """Return a place without the mark of unknown keys."""
    return path.removesuffix(OPEN_KEY).removesuffix(".") or "all of it"


def list_other_signals(components: ComponentRows, stability: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield each component whose signals, or their levels, are not those of components.json."""
    rows = {f"{row['section']}/{row['type']}": row for row in components}
    for name, signals in sorted(stability.items()):
        levels = {signal or "extension": level for signal, level in signals.items()}
        known_levels: Mapping[str, str] = {}
        if name in rows:
            [*_older, known_levels] = rows[name]["stability"].values()
        if levels != known_levels:
            yield f"- {name}: signals are {levels}, not {known_levels}: add a row to tools/catalogue/overrides.json"


def list_other_names(components: ComponentRows, aliases: Mapping[str, str]) -> Iterator[str]:
    """Yield each component with an older name, by section and that name, of which components.json does not know it."""
    known_names = {(f"{row['section']}/{row['was']}", row["type"]) for row in components if "was" in row}
    for old_name, new_name in sorted(aliases.items()):
        if (old_name, new_name) not in known_names:
            yield f"- {old_name} is called {new_name}: add a row to tools/catalogue/overrides.json"
