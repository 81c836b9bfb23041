# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoil every setting of configs that work: the rules have to know what the Collector refuses, and nothing else.

    pytest -s tests/integration/probe.py
    O11Y_COLLECTOR=~/.cache/o11y-follow/v0.165.0 pytest -s tests/integration/probe.py
    O11Y_PROBE='kafka|load_balancing' pytest -s tests/integration/probe.py    # components of these types alone

The configs are those that the modules of a build bring for their own tests, and those of values.yml. Each setting is
deleted, emptied, made null, zero, negative, an unknown word, and of every wrong shape; an element of a list is there
twice; and two settings of one part that are fine alone are given together (setting_pairs.py). Each line of the output
proposes a row of constraints.json: the place, what was done, and what the Collector says. The table after it has the
share of refusals that the rules know; the test fails below BAR, and for a component of whose settings no config asks.

What `otelcol validate` and the rules take is started for a moment (starts.py): values that only a start refuses are
proposed too, as rows of the rule refused-at-start. START_SECONDS bounds this.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import SECTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild, build_of
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from .collector import said_at_start, validating
from .real_collector_cases import Broken
from .setting_pairs import alone, pairs
from .starts import Started, refused, together
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
STARTED = ("empty", "zero", "negative", "negative time", "word")  # what a start asks again, as it is spoilt there
MOST_STARTS = 25  # of a component
START_SECONDS = 240
WITH = "with "  # before the second setting of a pair
# What the Collector says of the machine that it runs on, and not of the config.
MACHINE = re.compile("no such file or directory")
SURROUNDINGS = re.compile("connection refused|no such host|server misbehaving|network is unreachable|not ready after")
PIPELINE = re.compile('"((?:traces|metrics|logs)(?:/[^"]*)?)"(?!:)')  # a value in JSON
USUAL_SIGNALS = ("traces", "traces>metrics", "metrics")  # of several that a component takes, the first of these
Place = tuple[str, ...]
Component = tuple[str, str]


class Given(NamedTuple):
    """A config of a component, the signal and the pipelines that it needs, and the build at its module's release."""

    settings: Any
    signal: str
    pipelines: list[str]
    target: TargetBuild


class Mutant(NamedTuple):
    """What was done to a setting, where, and all settings after it: `("zero", ("tls", "port"), {...})`."""

    name: str
    place: Place
    settings: Any


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


def asked(target: TargetBuild) -> dict[Component, list[Given]]:
    """Return the configs for each component of the build that has settings that are known, by its name there."""
    versions = read_module_versions()
    found: dict[Component, dict[str, Given]] = {component: {} for component in _list_asked(target, versions)}
    for (section, kind), settings, signal in configs():
        known = target.catalogue.find_component(section, kind, target.distribution, target.version)
        if not known or not _is_usable(settings):
            continue
        component = section, known.newer_name or kind
        if component in found:
            pipelines = _list_named_pipelines(section, settings)
            usual = _choose_signal(known.stability, pipelines)
            given = Given(settings or {}, signal or usual, pipelines, _of_module(target, *component, versions))
            found[component].setdefault(_text(settings), given)
    return {component: list(texts.values()) for component, texts in found.items()}


def read_module_versions() -> dict[str, str]:
    """Return the release of each module of the build."""
    return dict(item["gomod"].split(" v") for section in SECTIONS for item in MANIFEST.get(section, ()))


def _list_asked(target: TargetBuild, versions: dict[str, str]) -> Iterator[Component]:
    """Yield the components that O11Y_PROBE asks for, whose settings are known without doubt."""
    types = re.compile(os.environ.get("O11Y_PROBE", ".*"))
    for section in SECTIONS:
        for kind in target.catalogue.list_types(section, target.distribution, target.version):
            fields = build_of(_of_module(target, section, kind, versions)).find_fields(section, kind) or {}
            is_certain = bool(fields.get("fields")) and "doubt" not in fields
            if is_certain and types.fullmatch(kind) and (section, kind) not in OLDER:
                yield section, kind


def _is_usable(settings: Any) -> bool:
    """Whether settings are few enough to be spoilt one by one."""
    return isinstance(settings or {}, dict) and len(_text(settings)) < LARGEST


def _list_named_pipelines(section: str, settings: Any) -> list[str]:
    """Return the pipelines that a connector hands on to by name, as `routing` does."""
    return PIPELINE.findall(_text(settings)) if section == "connectors" else []


def _choose_signal(stability: Mapping[str, str] | None, pipelines: list[str]) -> str:
    """Return the signal to try a component with: that of the pipelines that it names, or the usual one of its own."""
    if pipelines:
        signal = pipelines[0].partition("/")[0]
        return f"{signal}>{signal}"
    signals = stability or {}
    return next((one for one in (*USUAL_SIGNALS, *signals) if one in signals), "")


def _of_module(target: TargetBuild, section: str, kind: str, versions: dict[str, str]) -> TargetBuild:
    """Return the target at the release of a component's module: the testbed's build has some of other releases."""
    known = target.catalogue.find_component(section, kind, target.distribution, target.version)
    path = known.module.partition("/")[2] if known else ""
    return replace(target, version=next(version for module, version in versions.items() if module.endswith(f"/{path}")))


def _text(settings: Any) -> str:
    return json.dumps(settings, default=str)


def mutants(
    component: Component, givens: list[Given], judged: Judge, taken: list[Started]
) -> Iterator[tuple[str, Place, Verdict]]:
    """Yield what was done, where, and what both say of it; put what both take among those that are to be started."""
    working = list(islice((given for given in givens if not judged(component, given).message), MOST_CONFIGS))
    for given in working[:1]:
        yield from paired(component, given, judged)
    for given, (name, place, settings) in _list_unlike_mutants(working):
        item = judged(component, given._replace(settings=settings))
        if not MACHINE.search(item.message):
            yield name, place, item
        if name in STARTED and _is_taken(item) and not given.pipelines:
            taken.append(Started(*component, settings, given.signal, f"{'.'.join((*component, *place))}: {name}"))


def _list_unlike_mutants(working: list[Given]) -> Iterator[tuple[Given, Mutant]]:
    """Yield what is done to configs of a component, the same at one place once."""
    done = set()
    for given in working:
        for mutant in spoilt(given.settings):
            if (mutant.name, mutant.place) not in done:
                done.add((mutant.name, mutant.place))
                yield given, mutant


def _is_taken(verdict: Verdict) -> bool:
    """Whether neither the Collector nor a rule has anything against a config."""
    return not verdict.message and not verdict.errors


def spoilt(settings: Any) -> Iterator[Mutant]:
    """Yield what was done, where, and the settings after it."""
    for path in _paths(settings):
        before = _value_at(settings, path)
        place = tuple("*" if isinstance(key, int) else str(key) for key in path)
        yield Mutant("delete", place, _without(settings, path))
        for name, value in _list_other_values(before):
            yield Mutant(name, place, _with(settings, path, value))


def _list_other_values(before: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is done to a value, and what it is then."""
    for name, value in SPOILT.items():
        new = {**before, **value} if name == "key" and isinstance(before, dict) else value
        if new != before:
            yield name, new
    if isinstance(before, list) and before:
        yield "twice", [*before, before[0]]


def paired(component: Component, given: Given, judged: Judge) -> Iterator[tuple[str, Place, Verdict]]:
    """Yield two settings of a part that are fine alone, and what both say of them together."""
    build = build_of(given.target)
    fields = (build.find_fields(*component) or {}).get("fields")
    fine: dict[tuple[Place, str], bool] = {}
    for two, both in pairs(given.settings, fields, given.target.catalogue.shared_fields):
        for choice in two:
            known = choice.place, str(choice.value)
            if known not in fine:
                one = alone(given.settings, choice)
                fine[known] = one is not None and not judged(component, given._replace(settings=one)).message
        if all(fine[choice.place, str(choice.value)] for choice in two):
            first, second = (f"{'.'.join(choice.place)}={choice.value}" for choice in two)
            yield f"{WITH}{second}", (first,), judged(component, given._replace(settings=both))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, below in pairs:
        yield from _paths(below, (*path, key))


def _value_at(settings: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        settings = settings[key]
    return settings


def _with(settings: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(settings)
    _value_at(result, path[:-1])[path[-1]] = value
    return result


def _without(settings: Any, path: tuple[Any, ...]) -> Any:
    result = copy.deepcopy(settings)
    _value_at(result, path[:-1]).pop(path[-1])
    return result


def test_the_rules_know_what_the_collector_refuses(
    program: Path, target: TargetBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

        start: list[Started] = []
        for component, givens in given.items():
            taken: list[Started] = []
            for name, place, item in mutants(component, givens, judged, taken):
                is_pair = name.startswith(WITH)  # proposed, and not counted: most exclusions are not known yet
                counted[component][bool(item.message), bool(item.errors)] += not is_pair
                if bool(item.message) != bool(item.errors) and not (is_pair and item.errors):
                    says = " ".join((item.message or str(item.errors)).split())[-200:]
                    lines[bool(item.message)].append(f"{'.'.join((*component, *place))}: {name}: {says}")
            start += taken[:: max(1, len(taken) // MOST_STARTS)]
    lines[True] += at_start(start, program, target, tmp_path)
    print("\n".join(("", *lines[True])))
    low = _low(counted)
    print("\n".join(f"only the rules refuse {line}" for line in lines[False]))
    assert (low, lines[False]) == ([], [])


def at_start(cases: list[Started], program: Path, target: TargetBuild, folder: Path) -> list[str]:
    """Return a line for each case with which the Collector does not start, for reasons that no rule knows."""
    file = folder / "started.yaml"

    def start(config: Any) -> str:
        file.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return said_at_start(program, file)

    return [
        f"at start: {case.what}: {' '.join(said.split())[-200:]}"
        for case, said in refused(cases, start, START_SECONDS)
        if not (MACHINE.search(said) or SURROUNDINGS.search(said) or _is_known(case, target))
    ]


def _is_known(case: Started, target: TargetBuild) -> bool:
    """Whether any rule refuses a case, also one about what only a start refuses."""
    found = lint_config(Subject(together([case]), target=target, listeners=target.catalogue.listeners))
    return any(item.severity == "error" for item in found)


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
