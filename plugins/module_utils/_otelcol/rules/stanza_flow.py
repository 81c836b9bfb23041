# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how log operators lead to each other, by key of a row of constraints.json.

Source: pkg/stanza of opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import near
from ..graphs import circle
from .constraints import CONFLICT, EXPANDED, REFERENCE, Check, Found, values_of
from .subject import Fault


@dataclass(frozen=True)
class _Output:
    """Where an operator sends its entries: its index, the place of the setting, and the id that is written there."""

    sender: int
    place: Path
    receiver_id: str


def _graph(_operand: bool, operators: Any, path: Path, _row: Row) -> Found:
    """Yield ids that two operators have, outputs that no operator has, and ways that entries cannot take."""
    if not isinstance(operators, list) or not all(isinstance(operator, dict) for operator in operators):
        return
    yield from _repeated_ids(operators, path)
    yield from _unknown_outputs(operators, path)
    yield from _wrong_flow(operators, path)


def _has_own_id(operator: dict[Any, Any]) -> bool:
    """Whether an operator has an id that is not just its type, as an empty one is."""
    return operator.get("id") not in (None, "", operator.get("type"))


def _repeated_ids(operators: list[Any], path: Path) -> Found:
    """Yield each id that an operator before has too."""
    seen: set[str] = set()
    for index, operator in enumerate(operators):
        if not _has_own_id(operator):
            continue
        operator_id = str(operator["id"])
        if operator_id in seen:
            why = f"'{operator_id}' is the id of another operator too"
            yield CONFLICT, Fault((*path, index, "id"), why, "Rename it.")
        seen.add(operator_id)


def _unknown_outputs(operators: list[Any], path: Path) -> Found:
    """Yield outputs that no operator has; an id with a variable may be any of them."""
    ids = _ids_of(operators)
    if EXPANDED in "".join(ids):
        return
    for output in _outputs(operators, path):
        name = output.receiver_id
        if name not in ids:
            fix = f"Write `id: {name}` in the operator that is meant."
            yield REFERENCE, Fault(output.place, f"no operator has the id '{name}'{near(name, ids)}", fix)


def _ids_of(operators: list[Any]) -> set[str]:
    """Return all ids of operators. Those without one have their type, which the Collector numbers if it repeats."""
    ids: set[str] = set()
    unnamed: Counter[str] = Counter()
    for operator in operators:
        if _has_own_id(operator):
            ids.add(str(operator["id"]))
        else:
            unnamed[str(operator.get("type"))] += 1
    for kind, count in unnamed.items():
        ids.add(kind)
        ids.update(f"{kind}{number}" for number in range(count))
    return ids


def _wrong_flow(operators: list[Any], path: Path) -> Found:
    """Yield outputs that lead back to an operator before them, and operators that take no entries."""
    indices = {str(operator.get("id") or operator.get("type")): index for index, operator in enumerate(operators)}
    if len(indices) < len(operators) or EXPANDED in "".join(indices):
        return
    outputs: dict[tuple[int, int], _Output] = {}
    for output in _outputs(operators, path):
        if output.receiver_id in indices:
            outputs[output.sender, indices[output.receiver_id]] = output
    receivers = _receivers_by_sender(operators, outputs)
    reached: set[int] = set().union(*receivers.values())
    for index in sorted(reached - {len(operators)}):
        yield from _reading_by_itself(operators[index], (*path, index))
    for sender, receiver in circle(receivers):
        if (sender, receiver) in outputs and receiver <= sender:
            back = outputs[sender, receiver]
            why = f"operator '{back.receiver_id}' leads back to this one"
            yield CONFLICT, Fault(back.place, why, "Name a later operator.")
            return


def _receivers_by_sender(operators: list[Any], outputs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Return the operators to which each one sends, by index. One without an output sends to the next, or to the end.

    The end has an index too: the one behind the last operator.
    """
    receivers: dict[int, set[int]] = {index: set() for index in range(len(operators) + 1)}
    for index, operator in enumerate(operators):
        if not operator.get("output") and str(operator.get("type")) not in _OUTPUTS:
            receivers[index].add(index + 1)
    for sender, receiver in outputs:
        receivers[sender].add(receiver)
    return receivers


def _first(_operand: bool, operators: Any, path: Path, _row: Row) -> Found:
    """Yield a first operator that takes no entries; the receiver leads there unless it has an output."""
    if isinstance(operators, list) and operators and isinstance(operators[0], dict):
        yield from _reading_by_itself(operators[0], (*path, 0))


def _reading_by_itself(operator: dict[Any, Any], path: Path) -> Found:
    """Yield an operator that takes no entries, if it is one of those that read by themselves."""
    kind = operator.get("type")
    if kind in _INPUTS:
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


def _outputs(operators: list[Any], path: Path) -> Iterator[_Output]:
    """Yield where operators say that they send to; a text with a variable may be any id."""
    for index, operator in enumerate(operators):
        keys = _OUTPUTS.get(str(operator.get("type")), ("output",))
        for place, receiver_id in _texts_at(operator, keys, (*path, index)):
            if receiver_id and EXPANDED not in receiver_id:
                yield _Output(index, place, receiver_id)


def _texts_at(operator: dict[Any, Any], keys: Iterable[str], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield place and text of each of the keys; of a list, all its texts."""
    for key in keys:
        for place, value in values_of(operator, key, path):
            texts = value if isinstance(value, list) else [value]
            for text in texts:
                if isinstance(text, str):
                    yield place, text


_OUTPUTS: dict[str, tuple[str, ...]] = {"router": ("default", "routes.*.output"), "stdout": (), "file_output": ()}


CHECKS: dict[str, Check] = {"graph": _graph, "first": _first}
