# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoil every setting of configs that work: the rules have to know what the Collector refuses, and nothing else.

    pytest -s tests/integration/probe.py
    O11Y_COLLECTOR=~/.cache/o11y-follow/v0.165.0 pytest -s tests/integration/probe.py

The configs are those that the modules of a build bring for their own tests, and those of values.yml. Each setting is
deleted, emptied, made null, zero, negative, an unknown word, and of every wrong shape. Each line of the output proposes
a row of constraints.json: the place, what was done, and what the Collector says. The table after it has the share of
refusals that the rules know; the test fails below BAR, and for a component of whose settings no config asks.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._config.catalogue import SECTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._validate.view import Target, build_of

from .collector import validating
from .real_collector_cases import Broken
from .test_real_collector import MANIFEST, program, target, verdict
from .test_values import VALUES, started
from .verdicts import OLDER, Verdict

__all__ = ["program", "target"]
BAR, BAR_OF_EACH = 0.98, 0.90  # of all refusals, and of those of each component
MOST_CONFIGS = 4  # of a component, the largest first
LARGEST = 4000  # characters of a config
SPOILT = {
    **{"empty": "", "null": None, "zero": 0, "negative": -1, "word": "no-such-word", "list": [], "map": {}},
    **{"number": 7, "negative time": "-1s", "key": {"no_such_key": 1}},
}
# What the Collector says of the machine that it runs on, and not of the config.
MACHINE = re.compile("no such file or directory")
PIPELINE = re.compile('"((?:traces|metrics|logs)(?:/[^"]*)?)"(?!:)')  # a value in JSON
Place = tuple[str, ...]
Component = tuple[str, str]


class Given(NamedTuple):
    """A config of a component, the signal and the pipelines that it needs, and the build at its module's release."""

    settings: Any
    signal: str
    pipelines: list[str]
    target: Target


Judge = Callable[[Component, Given], Verdict]


class Asked:
    """The Collector, started again when a config ends its process."""

    def __init__(self, program: Path, stack: ExitStack) -> None:
        self.program, self.stack = program, stack
        self.ask = stack.enter_context(validating(program))

    def __call__(self, file: Path) -> str:
        try:
            return self.ask(file)
        except (ValueError, OSError, AssertionError):  # no answer
            self.ask = self.stack.enter_context(validating(self.program))
            return "the Collector ended"


def configs() -> Iterator[tuple[Component, Any, str]]:
    """Yield component, settings and signal: the configs in the modules of a build, then those of values.yml."""
    cache = Path(subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip())
    found: list[tuple[Component, Any, str]] = []
    for section in SECTIONS:
        for item in MANIFEST.get(section, ()):
            for file in sorted((cache / item["gomod"].replace(" ", "@")).glob("testdata/*.y*ml")):
                data: Any = None
                with suppress(yaml.YAMLError):
                    data = yaml.safe_load(file.read_text(encoding="utf-8"))
                whole = data.get(section, data) if isinstance(data, dict) else {}
                pairs = whole.items() if isinstance(whole, dict) else ()
                found += [((section, str(key).partition("/")[0]), settings, "") for key, settings in pairs]
    yield from sorted(found, key=lambda one: len(_text(one[1])), reverse=True)
    for section, kind, settings, *signal in VALUES["values"]:
        yield (section, kind), settings, "".join(signal)


def asked(target: Target) -> dict[Component, list[Given]]:
    """Return the configs for each component of the build that has settings that are known, by its name there."""
    versions = dict(item["gomod"].split(" v") for section in SECTIONS for item in MANIFEST.get(section, ()))
    found: dict[Component, dict[str, Given]] = {}
    for section in SECTIONS:
        for kind in target.catalogue.types(section, target.distribution, target.version):
            fields = build_of(_of_module(target, section, kind, versions)).fields(section, kind) or {}
            if fields.get("fields") and "doubt" not in fields and (section, kind) not in OLDER:
                found[section, kind] = {}
    for (section, kind), settings, signal in configs():
        known = target.catalogue.find(section, kind, target.distribution, target.version)
        name = (known and known.renamed) or kind
        if known and (section, name) in found and isinstance(settings or {}, dict) and len(_text(settings)) < LARGEST:
            signals = known.stability or {}
            usual = next((one for one in ("traces", "traces>metrics", "metrics", *signals) if one in signals), "")
            pipelines = PIPELINE.findall(_text(settings)) if section == "connectors" else []
            usual = ">".join([pipelines[0].partition("/")[0]] * 2) if pipelines else usual
            given = Given(settings or {}, signal or usual, pipelines, _of_module(target, section, name, versions))
            found[section, name].setdefault(_text(settings), given)
    return {component: list(texts.values()) for component, texts in found.items()}


def _of_module(target: Target, section: str, kind: str, versions: dict[str, str]) -> Target:
    """Return the target at the release of a component's module: the testbed's build has some of other releases."""
    known = target.catalogue.find(section, kind, target.distribution, target.version)
    path = known.module.partition("/")[2] if known else ""
    return replace(target, version=next(version for module, version in versions.items() if module.endswith(f"/{path}")))


def _text(settings: Any) -> str:
    return json.dumps(settings, default=str)


def mutants(component: Component, givens: list[Given], judged: Judge) -> Iterator[tuple[str, Place, Verdict]]:
    """Yield what was done, where, and what both say of it."""
    working = (given for given in givens if not judged(component, given).message)
    done = set()
    for given in islice(working, MOST_CONFIGS):
        for name, place, mutant in spoilt(given.settings):
            if (name, place) in done:
                continue
            done.add((name, place))
            item = judged(component, given._replace(settings=mutant))
            if not MACHINE.search(item.message):
                yield name, place, item


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


def test_the_rules_know_what_the_collector_refuses(
    program: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a Collector makes files and folders of the names in a config
    given = asked(target)
    counted: dict[Component, Counter[tuple[bool, bool]]] = {component: Counter() for component in given}
    lines: dict[bool, list[str]] = {True: [], False: []}
    with ExitStack() as stack:
        ask = Asked(program, stack)

        def judged(component: Component, one: Given) -> Verdict:
            config = started(*component, one.settings, one.signal)
            pipeline = {"receivers": [component[1]], "exporters": ["debug"]}
            config["service"]["pipelines"].update(dict.fromkeys(one.pipelines, pipeline))
            return verdict(ask, one.target, tmp_path, (0, Broken("", "", config)))

        for component, givens in given.items():
            for name, place, item in mutants(component, givens, judged):
                counted[component][bool(item.message), bool(item.errors)] += 1
                if bool(item.message) != bool(item.errors):
                    says = " ".join((item.message or str(item.errors)).split())[-200:]
                    lines[bool(item.message)].append(f"{'.'.join((*component, *place))}: {name}: {says}")
    print("\n".join(("", *lines[True])))
    low = _low(counted)
    print("\n".join(f"only the rules refuse {line}" for line in lines[False]))
    assert (low, lines[False]) == ([], [])


def _low(counted: dict[Component, Counter[tuple[bool, bool]]]) -> list[str]:
    """Print the share of refusals that rules know, by component, and return what is below the bar."""
    low = []
    for component, counts in [*sorted(counted.items()), (("all",), sum(counted.values(), Counter()))]:
        known, refused = counts[True, True], counts[True, True] + counts[True, False]
        line = f"{'/'.join(component):45} {refused:6} refused {known:6} known {known / (refused or 1):8.1%}"
        print(line)
        if not refused or known < refused * (BAR if component == ("all",) else BAR_OF_EACH):
            low.append(line)
    return low
