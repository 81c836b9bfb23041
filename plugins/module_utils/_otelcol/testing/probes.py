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
from ..config.pipelines import signal_of
from .branch_model import Baseline, Branch, Settings
from .connector_branches import METRICS_OF, OTHERS, TAKEN
from .pipeline_stages import gets_a_part, listed_beside
from .records import SIGNALS, Record
from .replaced_ends import Ends

Got = Mapping[str, Mapping[str, Sequence[Record]]]
UNUSED = "no pipeline of its signal uses it"
RANDOM = "what stands before it gives other values each time"
SHARED = "a connector gives each pipeline a part of the records"
# Functions of OTTL whose values two probes cannot compare.
_OTHER_EACH_TIME = re.compile(r"\b(?:UUID|UUIDv7|Now)\(")


class Probes:
    """The probes of a config: `add` puts them into it, and `taken` reads their answers."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = [branch for branch in branches if branch.asked is not None]
        self.questions: dict[Path, list[Question]] = {}
        self.unknown: dict[Path, str] = {}

    def add(self, config: dict[str, Any], ends: Ends) -> None:
        """Add the probes to a config that has the ends of a test."""
        self.questions = {branch.path: [] for branch in self.branches}
        _Wiring(config, ends, self).wire()

    def taken(self, got: Got) -> dict[Path, bool]:
        """Return for each branch that is in a pipeline whether a record took it."""
        answers = {}
        for path, questions in self.questions.items():
            if questions:
                answers[path] = any(question.is_answered_by(got) for question in questions)
        return answers


class Question(NamedTuple):
    """The names under which the test gets the records without a branch and with it."""

    before: str
    after: str

    def is_answered_by(self, got: Got) -> bool:
        """Whether the records differ, so that one took the branch."""
        return _sorted_records(got.get(self.before, {})) != _sorted_records(got.get(self.after, {}))


def _sorted_records(by_signal: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return records as texts in an order that does not depend on when they came."""
    return sorted(repr(record) for signal in SIGNALS for record in by_signal.get(signal, ()))


class _Place(NamedTuple):
    """Where in a pipeline something is asked: its name, what of it stands before that, and a word of its own."""

    name: str
    pipeline: Mapping[str, Any]
    word: str

    @property
    def signal(self) -> str:
        """The signal of the pipeline."""
        return signal_of(self.name)


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
        """Add a probe for each branch that is in a pipeline, and note which ones no probe can ask."""
        for number, (name, pipeline) in enumerate(list(self.pipelines.items())):
            for index, branch in list(self._asked(name, pipeline)):
                before = (pipeline.get("processors") or [])[:index]
                why_not = SHARED if gets_a_part(pipeline) else self._incomparable(before, branch)
                if why_not:
                    self.probes.unknown[branch.path] = why_not
                    continue
                copied = {"receivers": pipeline["receivers"], "processors": before}
                here = _Place(name, copied, f"{number}_{index}")
                without_branch = self._probe(here, branch, branch.compared_with)
                with_branch = self._probe(here, branch, branch.asked)
                self.probes.questions[branch.path].append(Question(without_branch, with_branch))
        self._let_connectors_send_to_copies()

    def _let_connectors_send_to_copies(self) -> None:
        """Let each of the user's connectors that names a pipeline send to the copies of the pipeline too."""
        connectors = self.config.get("connectors") or {}
        for connector in self.own:
            for name, added in self.copies:
                connectors[connector] = listed_beside(connectors[connector], name, added)

    def _incomparable(self, before: Sequence[str], branch: Branch) -> str:
        """Return why two probes cannot be compared here; empty text if they can."""
        if branch.compared_with is Baseline.NO_RECORDS:
            return ""
        settings_before = [self.config["processors"][processor] for processor in before]
        text = repr([*settings_before, branch.compared_with])
        return RANDOM if _OTHER_EACH_TIME.search(text) else ""

    def _asked(self, name: str, pipeline: Mapping[str, Any]) -> Iterator[tuple[int, Branch]]:
        """Yield what is asked in a pipeline, with how many processors come before."""
        processors = pipeline.get("processors") or []
        for branch in self.probes.branches:
            section, component_id = branch.path[:2]
            if signal_of(name) not in branch.signals:
                continue
            if section == "processors":
                for index, processor in enumerate(processors):
                    if processor == component_id:
                        yield index, branch
            elif component_id in pipeline["exporters"]:
                yield len(processors), branch

    def _probe(self, here: _Place, branch: Branch, settings: Settings | Baseline | None) -> str:
        """Return the name under which the test gets what a component with these settings makes of the records."""
        if settings is Baseline.NO_RECORDS:
            return ""
        component_id = "" if settings is Baseline.RECORDS_BEFORE else str(branch.path[1])
        key = (here.word, component_id, repr(settings))
        if key in self.known:
            return self.known[key]
        name = self.known[key] = f"o11y probe {len(self.known)}"
        word = name.replace(" ", "_")
        probe = f"{component_id.partition('/')[0]}/{word}"
        if branch.path[0] == "connectors":
            self._copy(here, word, {**here.pipeline, "exporters": [probe]})
            self._connect(here.signal, probe, settings, name)
            return name
        processors = here.pipeline["processors"]
        if component_id:
            self.config["processors"][probe] = settings
            processors = [*processors, probe]
        self._copy(here, word, {**here.pipeline, "processors": processors, "exporters": [self._sink(name)]})
        return name

    def _copy(self, here: _Place, word: str, pipeline: Mapping[str, Any]) -> None:
        """Add a copy of a pipeline, which gets what the pipeline gets."""
        name = f"{here.signal}/{word}"
        self.pipelines[name] = {role: listed for role, listed in pipeline.items() if listed}
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
        """Return the id of an exporter, which it adds, that sends to the test under a name."""
        exporter = f"{self.ends.otlp_http}/{name.replace(' ', '_')}"
        self.config["exporters"][exporter] = {**self.sink, "endpoint": f"{self.ends.sink}/{quote(name)}"}
        return exporter


def _named(settings: Settings, pipelines: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a connector with the names of its pipelines."""

    def real_names(names: Sequence[str]) -> list[str]:
        return [pipelines[name] for name in names]

    named = dict(settings)
    if "table" in named:
        named["table"] = [{**route, "pipelines": real_names(route["pipelines"])} for route in named["table"]]
    if "default_pipelines" in named:
        named["default_pipelines"] = real_names(named["default_pipelines"])
    return named
