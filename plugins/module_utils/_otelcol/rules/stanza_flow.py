# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how the log operators of a receiver send entries to each other. Private.

Source: pkg/stanza of opentelemetry-collector-contrib.

An entry is a log record in the receiver. It goes from one operator to the next in the list, unless an operator names
another one by `output`. The checks are keys of rows of constraints.json, see constraints.py; the operand is true, and
the settings are the list `operators`. A row with each key, and what it finds:

| key | operators | finding |
|---|---|---|
| `graph` | `[{id: a, type: noop}, {type: move, output: a}]` | operator 'a' leads back to this one |
| `graph` | `[{type: noop, output: b}]` | no operator has the id 'b' |
| `graph` | `[{id: a, type: noop}, {id: a, type: move}]` | 'a' is the id of another operator too |
| `graph`, `first` | `[{type: noop}, {type: file_input}]` | 'file_input' reads by itself, and takes no entries … |

`first` looks at the first operator alone, which gets the entries of the receiver unless the receiver has an `output`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import suggest_word
from ..graphs import find_circle
from .constraints import CONFLICTING_SETTINGS, UNKNOWN_OPERATOR, ConstraintCheck, RuleFault, RuleFaults
from .given_values import EXPANSION_START, find_values
from .rule_definitions import Fault


@dataclass(frozen=True)
class _Output:
    """A setting by which an operator sends its entries to another one."""

    operator_index: int
    """The index of the operator that sends, in the list of operators."""
    setting_path: Path
    target_id: str
    """The id of the operator that gets the entries, as the setting spells it."""


class _Edge(NamedTuple):
    """A way that entries take, as the indexes of two operators."""

    operator_index: int
    target_index: int


def _check_operator_graph(_operand: bool, operators: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield ids that two operators have, outputs that name no operator, and outputs that entries cannot take."""
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
            yield RuleFault(CONFLICTING_SETTINGS, Fault((*path, index, "id"), message, "Rename it."))
        earlier_ids.add(operator_id)


def _find_unknown_outputs(operators: list[Any], path: Path) -> RuleFaults:
    """Yield outputs that name no operator. If an id has a variable, it may be the one that is meant."""
    operator_ids = _list_operator_ids(operators)
    if any(EXPANSION_START in operator_id for operator_id in operator_ids):
        return
    for output in _list_outputs(operators, path):
        target_id = output.target_id
        if target_id not in operator_ids:
            message = f"no operator has the id '{target_id}'{suggest_word(target_id, operator_ids)}"
            fix = f"Write `id: {target_id}` in the operator that is meant."
            yield RuleFault(UNKNOWN_OPERATOR, Fault(output.setting_path, message, fix))


def _list_operator_ids(operators: list[Any]) -> set[str]:
    """Return all ids of operators. One without an id has its type as id; if several have it, `noop0`, `noop1` too."""
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
    """Yield operators that take no entries and get some, and the first output of a circle that leads back.

    Where ids repeat or have a variable, nobody knows which operator gets the entries.
    """
    index_by_id = {str(operator.get("id") or operator.get("type")): index for index, operator in enumerate(operators)}
    has_repeated_id = len(index_by_id) < len(operators)
    has_variable_in_id = any(EXPANSION_START in operator_id for operator_id in index_by_id)
    if has_repeated_id or has_variable_in_id:
        return
    outputs_by_edge = _map_outputs_by_edge(_list_outputs(operators, path), index_by_id)
    targets_by_operator = _map_targets_by_operator(operators, outputs_by_edge)
    indexes_with_input: set[int] = set().union(*targets_by_operator.values())
    end_index = len(operators)
    for index in sorted(indexes_with_input - {end_index}):
        yield from _find_input_operator(operators[index], (*path, index))
    backward_output = _find_backward_output(targets_by_operator, outputs_by_edge)
    if backward_output:
        message = f"operator '{backward_output.target_id}' leads back to this one"
        fault = Fault(backward_output.setting_path, message, "Name a later operator.")
        yield RuleFault(CONFLICTING_SETTINGS, fault)


def _map_outputs_by_edge(outputs: Iterable[_Output], index_by_id: Mapping[str, int]) -> dict[_Edge, _Output]:
    """Return the outputs that name an operator of the list, by their edges."""
    outputs_by_edge: dict[_Edge, _Output] = {}
    for output in outputs:
        if output.target_id in index_by_id:
            outputs_by_edge[_Edge(output.operator_index, index_by_id[output.target_id])] = output
    return outputs_by_edge


def _find_backward_output(
    targets_by_operator: Mapping[int, set[int]], outputs_by_edge: Mapping[_Edge, _Output]
) -> _Output | None:
    """Return the output that closes a circle; None if there is no circle.

    Most edges of a circle lead to later operators, and this one leads back, or to its own operator.
    """
    for index, target_index in find_circle(targets_by_operator):
        output = outputs_by_edge.get(_Edge(index, target_index))
        if output and target_index <= index:
            return output
    return None


def _map_targets_by_operator(operators: list[Any], output_edges: Iterable[_Edge]) -> dict[int, set[int]]:
    """Return the operators to which each one sends, by index.

    An operator without an output sends to the next one, and the last one to the end, whose index is the number of
    operators: `{0: {1}, 1: {2}, 2: set()}` for two operators without outputs.
    """
    targets_by_operator: dict[int, set[int]] = {index: set() for index in range(len(operators) + 1)}
    for index, operator in enumerate(operators):
        if not operator.get("output") and str(operator.get("type")) not in _OUTPUT_KEYS_BY_TYPE:
            targets_by_operator[index].add(index + 1)
    for edge in output_edges:
        targets_by_operator[edge.operator_index].add(edge.target_index)
    return targets_by_operator


def _check_first_operator(_operand: bool, operators: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a first operator that takes no entries; the receiver leads there unless it has an output."""
    if isinstance(operators, list) and operators and isinstance(operators[0], dict):
        yield from _find_input_operator(operators[0], (*path, 0))


def _find_input_operator(operator: dict[Any, Any], path: Path) -> RuleFaults:
    """Yield an operator if it takes no entries, because it reads files or the network by itself."""
    operator_type = operator.get("type")
    if operator_type in _INPUT_TYPES:
        message = f"'{operator_type}' reads by itself, and takes no entries of the receiver or of other operators"
        fix = "Configure it as a receiver of its own, such as file_log or tcp_log."
        yield RuleFault(CONFLICTING_SETTINGS, Fault((*path, "type"), message, fix))


# The types of operators that read by themselves. Another row reports types that the Collector does not have.
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
    """Yield the outputs that operators name, without those that a variable decides."""
    for index, operator in enumerate(operators):
        output_keys = _OUTPUT_KEYS_BY_TYPE.get(str(operator.get("type")), ("output",))
        for setting_path, target_id in _list_texts_at(operator, output_keys, (*path, index)):
            if target_id and EXPANSION_START not in target_id:
                yield _Output(index, setting_path, target_id)


def _list_texts_at(operator: dict[Any, Any], keys: Iterable[str], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each of the keys; of a list, all its texts with the path of the list."""
    for key in keys:
        for value_path, value in find_values(operator, key, path):
            values = value if isinstance(value, list) else [value]
            for setting_text in values:
                if isinstance(setting_text, str):
                    yield value_path, setting_text


# The keys by which an operator names others, if it is not `output`. The last two types send nothing on.
_OUTPUT_KEYS_BY_TYPE: dict[str, tuple[str, ...]] = {
    "router": ("default", "routes.*.output"),
    "stdout": (),
    "file_output": (),
}


CHECKS: dict[str, ConstraintCheck] = {
    "graph": _check_operator_graph,
    "first": _check_first_operator,
}
