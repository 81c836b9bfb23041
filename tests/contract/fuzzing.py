# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random changes of texts and trees. Each case has its own generator, so that it can be repeated alone."""

from __future__ import annotations

import os
import pickle
import random
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.growth import is_long

SEED = int(os.environ.get("O11Y_FUZZ_SEED", "13"))
HOSTILE = "\x1b[2J\u202eevil\r\n\x00\u2028" + "x" * 300
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        float("inf"),
        float("nan"),
        "",
        " ",
        ".",
        "/",
        "..",
        "a",
        "A_b",
        "0",
        "-1",
    ),
    *("yes", "null", "~", "4317", ":4317", "0.0.0.0:²", "[::1]:4317", "a:99999", "${env:A", "${env:A:-${env:B}}", "$$"),
    *("{{ x }}", "{", "%s", "2001-99-99", "0x" + "f" * 4_000, "9" * 5_000, "1" * 20_000 + "s", "_" * 5_000, HOSTILE),
    *(
        "é" * 70,
        "\ud800",
        "10Gi",
        "-5m",
        "1e999",
        "http://u:p@h:x/?q",
        "*",
        "?",
        "<",
        "(",
        "[a",
        "\\",
        "otlp",
        "service",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"a": {}},
        {1: 2},
        {None: None},
        {"": ""},
        [1, "a", {}],
        {"name": []},
        {"a": [{"b": 1}]},
    ),
    *(
        ["a"] * 3,
        {"receivers": 1, "service": {"pipelines": []}},
        {True: False},
        {"name": "a", "value": {}},
        [["a", "b"]],
    ),
)
ODD_KEYS = tuple(one for one in ODD if not isinstance(one, (list, dict)))
PIECES = (
    *(
        "&a ",
        "*a",
        "<<: *a",
        "<<: [1]",
        "!!python/object:os.system ",
        "!!binary x",
        "!!int a",
        "---\n",
        "...\n",
        "? ",
        ": ",
    ),
    *(
        "\t",
        "\x00",
        "\x1b",
        "\u202e",
        "\ufeff",
        "|\n",
        ">-\n",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        "#",
        "%YAML 1.1\n",
        "{{ x }}",
    ),
    *("- - - ", "2001-99-99", "0x" + "f" * 4_000, "9" * 5_000, "1_" * 2_000, "${env:A:-${", "[" * 200, "{a: " * 160),
    *("null", "true", "~", "receivers:", "service:", "pipelines:", "connectors:", "config:", "kind: ConfigMap\n"),
    *("\u2028", "\x85", "a: 1\na: 2\n", "- 1\n", "  ", "\n", "\r", "otlp/", "/", "# o11y: ignore[x]\n", "*", "\\"),
)


def cases(topic: str, first: int, count: int) -> Iterator[random.Random]:
    """Yield one generator for each case."""
    print(f"O11Y_FUZZ_SEED={SEED}, {topic} {first} to {first + count - 1}")
    return (random.Random(f"{SEED} {topic} {number}") for number in range(first, first + count))


def changed_text(chance: random.Random, text: str) -> str:
    """Return a text with a few pieces cut out, repeated, moved or put in."""
    for _change in range(chance.randint(1, 4)):
        lines = text.split("\n")
        one, other = (chance.randrange(len(lines)) for _ in range(2))
        here = chance.randint(0, len(text))
        match chance.randrange(7):
            case 0:
                text = text[:here] + text[here + chance.randint(1, 40) :]
            case 1:
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case 2:
                text = "\n".join([*lines[:one], *lines[other : other + 5], *lines[one:]])
            case 3:
                lines[one] = " " * chance.randrange(9) + lines[one].lstrip()
                text = "\n".join(lines)
            case 4:
                key, colon, _value = lines[one].partition(":")
                lines[one] = f"{key}{colon} {chance.choice(PIECES)}"
                text = "\n".join(lines)
            case _:
                text = text[:here] + chance.choice(PIECES) + text[here:]
    return text


def changed_tree(chance: random.Random, tree: Any, most: int = 4) -> Any:
    """Return a tree with a few values replaced, removed, repeated or moved."""
    result = pickle.loads(pickle.dumps(tree))  # a deep copy, and the quickest
    for _change in range(chance.randint(1, most)):
        places = _places(result, [])
        if places:
            holder, key = chance.choice(places)
            _change_at(chance, holder, key, places)
    return result


def _places(tree: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return the holder and key of every value below a tree, after those that were found."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        found.append((tree, key))
        if isinstance(value, (dict, list)):
            _places(value, found)
    return found


def _change_at(chance: random.Random, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        case 2:
            other, place = chance.choice(places)
            if _is_there(other, place):
                holder[key] = deepcopy(other[place])
        case 3 if isinstance(holder, dict):
            holder[chance.choice(ODD_KEYS)] = holder.pop(key)
        case _:
            holder[key] = deepcopy(chance.choice(ODD))


def _is_there(holder: Any, key: Any) -> bool:
    """Whether a place is there still: a change before may have taken it away."""
    return key in holder if isinstance(holder, dict) else key < len(holder)


def failures(run: Callable[[Any], Iterable[str]], made: Iterable[Any]) -> list[str]:
    """Run every case; return those with an exception other than Problem, those that take too long or `run` reports.

    A case that takes too long runs again: the first one of a process also reads tables and imports modules.
    """
    found = []
    for one in made:
        reports, spent = _run_case(run, one)
        found += [f"{what} in {repr(one)[:2_000]}" for what in reports]
        if is_long(spent):
            _reports, spent = _run_case(run, one)
        if is_long(spent):
            found.append(f"{spent:.1f} s in {repr(one)[:2_000]}")
    return found


def _run_case(run: Callable[[Any], Iterable[str]], one: Any) -> tuple[list[str], float]:
    """Run a case; return what is wrong with it, and the seconds of CPU that it took."""
    reports: list[str] = []
    start = time.thread_time()
    try:
        reports.extend(run(one))
    except Problem:
        pass
    except Exception:
        reports.append(traceback.format_exc()[-1_500:])
    return reports, time.thread_time() - start
