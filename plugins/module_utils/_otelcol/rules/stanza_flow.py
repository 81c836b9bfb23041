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
from ..errors import suggest_word
from ..graphs import find_circle
from .constraints import CONFLICT, EXPANSION_START, REFERENCE, Check, RuleFaults, find_values
from .subject import Fault


@dataclass(frozen=True)
class _Output:
    """Where an operator sends its entries: its index, the place of the setting, and the id that is written there."""

    sender_index: int
    setting_path: Path
    receiver_id: str


def _check_operator_graph(_operand: bool, operators: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield ids that two operators have, outputs that no operator has, and ways that entries cannot take."""
    if not isinstance(operators, list) or not all(isinstance(operator, dict) for operator in operators):
        return
    yield from _find_repeated_ids(operators, path)
    yield from _find_unknown_outputs(operators, path)
    yield from _find_wrong_flow(operators, path)


def _has_own_id(operator: dict[Any, Any]) -> bool:
    """Whether an operator has an id that is not just its type, as an empty one is."""
    return operator.get("id") not in (None, "", operator.get("type"))


def _find_repeated_ids(operators: list[Any], path: Path) -> RuleFaults:
    """Yield each id that an operator before has too."""
    earlier_ids: set[str] = set()
    for index, operator in enumerate(operators):
        if not _has_own_id(operator):
            continue
        operator_id = str(operator["id"])
        if operator_id in earlier_ids:
            message = f"'{operator_id}' is the id of another operator too"
            yield CONFLICT, Fault((*path, index, "id"), message, "Rename it.")
        earlier_ids.add(operator_id)


def _find_unknown_outputs(operators: list[Any], path: Path) -> RuleFaults:
    """Yield outputs that no operator has; an id with a variable may be any of them."""
    operator_ids = _list_operator_ids(operators)
    if EXPANSION_START in "".join(operator_ids):
        return
    for output in _list_outputs(operators, path):
        receiver_id = output.receiver_id
        if receiver_id not in operator_ids:
            fix = f"Write `id: {receiver_id}` in the operator that is meant."
            yield (
                REFERENCE,
                Fault(
                    output.setting_path,
                    f"no operator has the id '{receiver_id}'{suggest_word(receiver_id, operator_ids)}",
                    fix,
                ),
            )


def _list_operator_ids(operators: list[Any]) -> set[str]:
    """Return all ids of operators. Those without one have their type, which the Collector numbers if it repeats."""
    operator_ids: set[str] = set()
    unnamed_by_type: Counter[str] = Counter()
    for operator in operators:
        if _has_own_id(operator):
            operator_ids.add(str(operator["id"]))
        else:
            unnamed_by_type[str(operator.get("type"))] += 1
    for operator_type, count in unnamed_by_type.items():
        operator_ids.add(operator_type)
        operator_ids.update(f"{operator_type}{repetition}" for repetition in range(count))
    return operator_ids


def _find_wrong_flow(operators: list[Any], path: Path) -> RuleFaults:
    """Yield outputs that lead back to an operator before them, and operators that take no entries."""
    index_by_id = {str(operator.get("id") or operator.get("type")): index for index, operator in enumerate(operators)}
    if len(index_by_id) < len(operators) or EXPANSION_START in "".join(index_by_id):
        return
    outputs_by_edge: dict[tuple[int, int], _Output] = {}
    for output in _list_outputs(operators, path):
        if output.receiver_id in index_by_id:
            outputs_by_edge[output.sender_index, index_by_id[output.receiver_id]] = output
    receivers_by_sender = _map_receivers_by_sender(operators, outputs_by_edge)
    receiving_indices: set[int] = set().union(*receivers_by_sender.values())
    for index in sorted(receiving_indices - {len(operators)}):
        yield from _find_input_operator(operators[index], (*path, index))
    for sender, receiver in find_circle(receivers_by_sender):
        if (sender, receiver) in outputs_by_edge and receiver <= sender:
            backward_output = outputs_by_edge[sender, receiver]
            message = f"operator '{backward_output.receiver_id}' leads back to this one"
            yield CONFLICT, Fault(backward_output.setting_path, message, "Name a later operator.")
            return


def _map_receivers_by_sender(operators: list[Any], output_edges: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Return the operators to which each one sends, by index. One without an output sends to the next, or to the end.

    The end has an index too: the one behind the last operator.
    """
    receivers_by_sender: dict[int, set[int]] = {index: set() for index in range(len(operators) + 1)}
    for index, operator in enumerate(operators):
        if not operator.get("output") and str(operator.get("type")) not in _OUTPUT_KEYS_BY_TYPE:
            receivers_by_sender[index].add(index + 1)
    for sender, receiver in output_edges:
        receivers_by_sender[sender].add(receiver)
    return receivers_by_sender


def _check_first_operator(_operand: bool, operators: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a first operator that takes no entries; the receiver leads there unless it has an output."""
    if isinstance(operators, list) and operators and isinstance(operators[0], dict):
        yield from _find_input_operator(operators[0], (*path, 0))


def _find_input_operator(operator: dict[Any, Any], path: Path) -> RuleFaults:
    """Yield an operator that takes no entries, if it is one of those that read by themselves."""
    operator_type = operator.get("type")
    if operator_type in _INPUT_TYPES:
        message = f"'{operator_type}' reads by itself, and takes no entries of the receiver or of other operators"
        fix = "Configure it as a receiver of its own, such as file_log or tcp_log."
        yield CONFLICT, Fault((*path, "type"), message, fix)


# Those that the Collector has; of others the words of `type` say that they are unknown.
_INPUT_TYPES = (
    "file_input",
    "journald_input",
    "namedpipe",
    "syslog_input",
    "tcp_input",
    "udp_input",
    "windows_eventlog_input",
)


def _list_outputs(operators: list[Any], path: Path) -> Iterator[_Output]:
    """Yield where operators say that they send to; a text with a variable may be any id."""
    for index, operator in enumerate(operators):
        output_keys = _OUTPUT_KEYS_BY_TYPE.get(str(operator.get("type")), ("output",))
        for place, receiver_id in _list_texts_at(operator, output_keys, (*path, index)):
            if receiver_id and EXPANSION_START not in receiver_id:
                yield _Output(index, place, receiver_id)


def _list_texts_at(operator: dict[Any, Any], keys: Iterable[str], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield place and text of each of the keys; of a list, all its texts."""
    for key in keys:
        for place, value in find_values(operator, key, path):
            values = value if isinstance(value, list) else [value]
            for setting_text in values:
                if isinstance(setting_text, str):
                    yield place, setting_text


_OUTPUT_KEYS_BY_TYPE: dict[str, tuple[str, ...]] = {
    "router": ("default", "routes.*.output"),
    "stdout": (),
    "file_output": (),
}


CHECKS: dict[str, Check] = {"graph": _check_operator_graph, "first": _check_first_operator}
