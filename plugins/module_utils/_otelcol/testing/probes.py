# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test's config with probes beside its pipelines, which tell what of it the records take.

Each probe is a copy of a pipeline up to the component that is asked, then this component with other settings, and a
sink behind it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ..config.paths import Path
from .branches import ENTERS, METRICS_OF, NOTHING, OTHERS, TAKEN, Branch, Settings
from .harness import Ends, gets_a_part, listed_beside
from .records import SIGNALS, Record

Got = Mapping[str, Mapping[str, Sequence[Record]]]
UNUSED = "no pipeline of its signal uses it"
RANDOM = "what stands before it gives other values each time"
SHARED = "a connector gives each pipeline a part of the records"
# Functions of OTTL whose values two probes cannot compare.
_OTHER_EACH_TIME = re.compile(r"\b(?:UUID|UUIDv7|Now)\(")


class Probes:
    """The probes of a config: `add` puts them into it, and `taken` reads their answers."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = [branch for branch in branches if branch.after is not None]
        self.questions: dict[Path, list[tuple[str, str]]] = {}
        self.unknown: dict[Path, str] = {}

    def add(self, config: dict[str, Any], ends: Ends) -> None:
        """Add the probes to a config that has the ends of a test."""
        self.questions = {branch.path: [] for branch in self.branches}
        _Wiring(config, ends, self).wire()

    def taken(self, got: Got) -> dict[Path, bool]:
        """Return for each branch that is in a pipeline whether a record took it."""
        return {
            path: any(_sorted(got.get(before)) != _sorted(got.get(after)) for before, after in pairs)
            for path, pairs in self.questions.items()
            if pairs
        }


def _sorted(by_signal: Mapping[str, Sequence[Record]] | None) -> list[str]:
    return sorted(repr(record) for signal in SIGNALS for record in (by_signal or {}).get(signal, ()))


class _Place(NamedTuple):
    """Where in a pipeline something is asked: its name, what of it stands before that, and a word of its own."""

    name: str
    pipeline: Mapping[str, Any]
    word: str

    @property
    def signal(self) -> str:
        return self.name.partition("/")[0]


class _Wiring:
    """The config to which probes are added, one at a time."""

    def __init__(self, config: dict[str, Any], ends: Ends, probes: Probes) -> None:
        self.config, self.ends, self.probes = config, ends, probes
        self.pipelines: dict[str, Any] = config["service"]["pipelines"]
        self.known: dict[tuple[str, ...], str] = {}
        self.copies: list[tuple[str, str]] = []
        self.own = list(config.get("connectors") or ())
        self.sink: Settings = next(iter(config["exporters"].values()))

    def wire(self) -> None:
        for number, (name, pipeline) in enumerate(list(self.pipelines.items())):
            for index, branch in list(self._asked(name, pipeline)):
                before = (pipeline.get("processors") or [])[:index]
                why = SHARED if gets_a_part(pipeline) else self._incomparable(before, branch)
                if why:
                    self.probes.unknown[branch.path] = why
                    continue
                copied = {"receivers": pipeline["receivers"], "processors": before}
                here = _Place(name, copied, f"{number}_{index}")
                pair = [self._probe(here, branch, one) for one in (branch.before, branch.after)]
                self.probes.questions[branch.path].append((pair[0], pair[1]))
        connectors = self.config.get("connectors") or {}
        for item in self.own:
            for name, added in self.copies:
                connectors[item] = listed_beside(connectors[item], name, added)

    def _incomparable(self, before: Sequence[str], branch: Branch) -> str:
        """Return why two probes cannot be compared here."""
        if branch.before == NOTHING:
            return ""
        said = repr([self.config["processors"][item] for item in before] + [branch.before])
        return RANDOM if _OTHER_EACH_TIME.search(said) else ""

    def _asked(self, name: str, pipeline: Mapping[str, Any]) -> Iterator[tuple[int, Branch]]:
        """Yield what is asked in a pipeline, with how many processors come before."""
        processors = pipeline.get("processors") or []
        for branch in self.probes.branches:
            item = branch.path[1]
            if name.partition("/")[0] not in branch.signals:
                continue
            if branch.path[0] == "processors":
                yield from ((index, branch) for index, one in enumerate(processors) if one == item)
            elif item in pipeline["exporters"]:
                yield len(processors), branch

    def _probe(self, here: _Place, branch: Branch, settings: Settings | str | None) -> str:
        """Return the name under which the test gets what a component with these settings makes of the records."""
        if settings == NOTHING:
            return ""
        item = "" if settings == ENTERS else str(branch.path[1])
        key = (here.word, item, repr(settings))
        if key in self.known:
            return self.known[key]
        name = self.known[key] = f"o11y probe {len(self.known)}"
        word = name.replace(" ", "_")
        probe = f"{item.partition('/')[0]}/{word}"
        if branch.path[0] == "connectors":
            self._copy(here, word, {**here.pipeline, "exporters": [probe]})
            self._connect(here.signal, probe, settings, name)
            return name
        processors = here.pipeline["processors"]
        if item:
            self.config["processors"][probe] = settings
            processors = [*processors, probe]
        self._copy(here, word, {**here.pipeline, "processors": processors, "exporters": [self._sink(name)]})
        return name

    def _copy(self, here: _Place, word: str, pipeline: Mapping[str, Any]) -> None:
        """Add a copy of a pipeline, which gets what the pipeline gets."""
        name = f"{here.signal}/{word}"
        self.pipelines[name] = {role: items for role, items in pipeline.items() if items}
        self.copies.append((here.name, name))

    def _connect(self, signal: str, probe: str, settings: Any, name: str) -> None:
        """Add a connector that makes metrics, or one that sends the records to one of two pipelines."""
        to = "metrics" if METRICS_OF.keys() & settings else signal
        pipelines = {which: f"{to}/{which}_{name.replace(' ', '_')}" for which in (TAKEN, OTHERS)}
        self.config["connectors"][probe] = _named(settings, pipelines)
        for which, sink in ((TAKEN, name), (OTHERS, OTHERS)):
            if which == TAKEN or which in repr(settings):
                self.pipelines[pipelines[which]] = {"receivers": [probe], "exporters": [self._sink(sink)]}

    def _sink(self, name: str) -> str:
        item = f"{self.ends.otlp_http}/{name.replace(' ', '_')}"
        self.config["exporters"][item] = {**self.sink, "endpoint": f"{self.ends.sink}/{quote(name)}"}
        return item


def _named(settings: Settings, pipelines: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a connector with the names of its pipelines."""

    def real(names: Sequence[str]) -> list[str]:
        return [pipelines[name] for name in names]

    found = dict(settings)
    if "table" in found:
        found["table"] = [{**route, "pipelines": real(route["pipelines"])} for route in found["table"]]
    if "default_pipelines" in found:
        found["default_pipelines"] = real(found["default_pipelines"])
    return found
