# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how log operators lead to each other, by key of a row of constraints.json.

Source: pkg/stanza of opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import near
from ..graphs import circle
from .constraints import CONFLICT, EXPANDED, REFERENCE, Check, Found, values_of
from .subject import Fault


def _graph(_wanted: bool, operators: Any, path: Path, _row: Row) -> Found:
    """Yield ids that two operators have, and outputs that no operator has."""
    if not isinstance(operators, list) or not all(isinstance(one, dict) for one in operators):
        return
    named = [
        (index, one.get("id")) for index, one in enumerate(operators) if one.get("id") not in (None, one.get("type"))
    ]
    ids: set[str] = set()
    for index, name in named:
        if str(name) in ids:
            yield CONFLICT, Fault((*path, index, "id"), f"'{name}' is the id of another operator too", "Rename it.")
        ids.add(str(name))
    unnamed = [str(one.get("type")) for one in operators if one.get("id") in (None, "", one.get("type"))]
    for kind, count in Counter(unnamed).items():  # the Collector numbers operators of the same type
        ids |= {kind, *(f"{kind}{number}" for number in range(count))}
    for place, output in _outputs(operators, path) if EXPANDED not in "".join(ids) else ():
        if output not in ids:
            yield REFERENCE, Fault(place, f"no operator has the id '{output}'{near(output, ids)}", _IDS.format(output))
    yield from _flow(operators, path)


_IDS = "Write `id: {}` in the operator that is meant."


def _flow(operators: list[Any], path: Path) -> Found:
    """Yield outputs that lead back to an operator before them, and operators that take no entries.

    An operator without an output leads to the next one.
    """
    names = {str(one.get("id") or one.get("type")): index for index, one in enumerate(operators)}
    if len(names) < len(operators) or EXPANDED in "".join(names):
        return
    after: dict[int, set[int]] = {
        index: {index + 1} if not one.get("output") and str(one.get("type")) not in _OUTPUTS else set()
        for index, one in enumerate(operators)
    }
    places = {}
    for place, output in _outputs(operators, path):
        if output in names:
            start, end = int(place[len(path)]), names[output]
            after[start].add(end)
            places[start, end] = place, output
    taking = {end for ends in after.values() for end in ends}
    for index in sorted(taking - {len(operators)}):
        yield from _input(operators[index], (*path, index))
    after[len(operators)] = set()
    back = next((edge for edge in circle(after) if edge in places and edge[1] <= edge[0]), None)
    if back:
        place, output = places[back]
        yield CONFLICT, Fault(place, f"operator '{output}' leads back to this one", "Name a later operator.")


def _first(_wanted: bool, operators: Any, path: Path, _row: Row) -> Found:
    """Yield a first operator that takes no entries; the receiver leads there unless it has an output."""
    if isinstance(operators, list) and operators and isinstance(operators[0], dict):
        yield from _input(operators[0], (*path, 0))


def _input(operator: dict[Any, Any], path: Path) -> Found:
    if (kind := operator.get("type")) in _INPUTS:
        why = f"'{kind}' reads by itself, and takes no entries of the receiver or of other operators"
        fix = "Configure it as a receiver of its own, such as file_log or tcp_log."
        yield CONFLICT, Fault((*path, "type"), why, fix)


# Those that the Collector has; of others the words of `type` say that they are unknown.
_INPUTS = (
    "file_input",
    "journald_input",
    "namedpipe",
    "syslog_input",
    "tcp_input",
    "udp_input",
    "windows_eventlog_input",
)


def _outputs(operators: list[Any], path: Path) -> Iterator[tuple[Path, str]]:
    for index, operator in enumerate(operators):
        for key in _OUTPUTS.get(str(operator.get("type")), ("output",)):
            for place, value in values_of(operator, key, (*path, index)):
                texts = value if isinstance(value, list) else [value]
                yield from ((place, text) for text in texts if isinstance(text, str) and text and EXPANDED not in text)


_OUTPUTS: dict[str, tuple[str, ...]] = {"router": ("default", "routes.*.output"), "stdout": (), "file_output": ()}


CHECKS: dict[str, Check] = {"graph": _graph, "first": _first}
