# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoil every setting of configs that work, and print what the Collector refuses and the rules do not.

    O11Y_COLLECTOR=~/.cache/o11y-follow/v0.165.0 pytest -s tests/integration/probe.py

The configs are those that the modules of a build bring for their own tests. Each setting is deleted, emptied, made
null, zero, negative, an unknown word, and of every wrong shape. Each line of the output proposes a row of
constraints.json: the place, what was done, and what the Collector says. It fails for what the rules alone refuse.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._config.catalogue import SECTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._validate.view import Target

from .collector import validating
from .real_collector_cases import Broken
from .test_real_collector import MANIFEST, program, target, verdict
from .test_values import started

__all__ = ["program", "target"]
MOST_CONFIGS = 4  # of a component, the largest first
LARGEST = 4000  # characters of a config
SPOILT = {
    **{"empty": "", "null": None, "zero": 0, "negative": -1, "word": "no-such-word", "list": [], "map": {}},
    **{"number": 7, "negative time": "-1s", "key": {"no_such_key": 1}},
}
Place = tuple[str, ...]


class Asked:
    """The Collector, started again when a config ends its process."""

    def __init__(self, program: Path, stack: ExitStack) -> None:
        self.program, self.stack = program, stack
        self.ask = stack.enter_context(validating(program))

    def __call__(self, file: Path) -> str:
        try:
            return self.ask(file)
        except (ValueError, OSError):  # no answer
            self.ask = self.stack.enter_context(validating(self.program))
            return "the Collector ended"


def configs(answer: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield section, type and settings of the configs in the modules of a build."""
    cache = Path(subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip())
    for section in SECTIONS:
        for item in MANIFEST.get(section, ()):
            for file in sorted((cache / item["gomod"].replace(" ", "@")).glob("testdata/*.y*ml")):
                data: Any = None
                with suppress(yaml.YAMLError):
                    data = yaml.safe_load(file.read_text(encoding="utf-8"))
                whole = data.get(section, data) if isinstance(data, dict) else {}
                for key, settings in whole.items() if isinstance(whole, dict) else ():
                    kind = str(key).partition("/")[0]
                    kind = answer["aliases"].get(f"{section}/{kind}", kind)
                    if f"{section}/{kind}" in answer["fields"] and isinstance(settings or {}, dict):
                        yield section, kind, settings or {}


def spoilt(settings: Any) -> Iterator[tuple[str, Place, Any]]:
    """Yield what was done, where, and the settings after it."""
    for path in _paths(settings):
        deleted, before = copy.deepcopy(settings), settings
        inside = deleted
        for key in path[:-1]:
            inside = inside[key]
        before = inside.pop(path[-1])
        place = tuple("*" if isinstance(key, int) else str(key) for key in path)
        yield "delete", place, deleted
        for name, value in SPOILT.items():
            new = {**before, **value} if name == "key" and isinstance(before, dict) else value
            if new != before:
                yield name, place, _with(settings, path, new)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, below in pairs:
        yield from _paths(below, (*path, key))


def _with(settings: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(settings)
    inside = result
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return result


def test_what_the_collector_refuses(program: Path, target: Target, tmp_path: Path) -> None:
    answer = json.loads(subprocess.run([program, "fields"], check=True, capture_output=True, text=True).stdout)
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for section, kind, settings in configs(answer):
        found[section, kind].setdefault(json.dumps(settings, default=str), settings)
    counted: dict[tuple[str, str], Counter[tuple[bool, bool]]] = defaultdict(Counter)
    lines: dict[bool, list[str]] = {True: [], False: []}
    with ExitStack() as stack:
        ask = Asked(program, stack)

        def judged(component: tuple[str, str], settings: Any) -> Any:
            signals = answer["stability"].get("/".join(component), {})
            signal = next((name.partition(">")[0] for name in ("traces", *signals) if name in signals), "traces")
            return verdict(ask, target, tmp_path, (0, Broken("", "", started(*component, settings, signal))))

        for component, texts in found.items():
            large_first = sorted((text for text in texts if len(text) < LARGEST), key=len, reverse=True)
            working = (texts[text] for text in large_first if not judged(component, texts[text]).message)
            done = set()
            for settings in islice(working, MOST_CONFIGS):
                for name, place, mutant in spoilt(settings):
                    if (name, place) in done:
                        continue
                    done.add((name, place))
                    item = judged(component, mutant)
                    counted[component][bool(item.message), bool(item.errors)] += 1
                    if bool(item.message) != bool(item.errors):
                        says = " ".join((item.message or str(item.errors)).split())[-200:]
                        lines[bool(item.message)].append(f"{'.'.join((*component, *place))}: {name}: {says}")
    _print(counted, lines)
    assert lines[False] == []


def _print(counted: dict[tuple[str, str], Counter[tuple[bool, bool]]], lines: dict[bool, list[str]]) -> None:
    print("\n".join(("", *lines[True])))
    for component, counts in [*sorted(counted.items()), (("all",), sum(counted.values(), Counter()))]:
        refused = counts[True, True] + counts[True, False]
        if counts[True, False]:
            print(f"{'/'.join(component)}: {counts[True, True]} of {refused} refusals are known")
    print("\n".join(f"only the rules refuse {line}" for line in lines[False]))
