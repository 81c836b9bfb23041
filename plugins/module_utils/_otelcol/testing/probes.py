# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds probes to the config of a test, which tell what branches of the config its records take.

A branch is, for example, a condition of a filter. To ask whether a record takes it, two probes stand beside the
pipeline: each is a copy of the pipeline up to the component, then the component with other settings, such as with this
condition alone, and a sink. If different records reach the two sinks, a record took the branch. A sink is an exporter
that sends to the test, under a name. branch_model.py describes branches and how they are asked; the ends of a test are
in replaced_ends.py. `coverage.py` uses the probes. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ..config.paths import Path
from ..config.pipelines import signal_of
from .branch_model import Baseline, Branch, Settings
from .connector_branches import OTHER_PIPELINE, SIGNALS_BY_METRIC_KEY, TAKEN_PIPELINE
from .pipeline_stages import list_beside, may_get_only_a_part
from .records import SIGNALS, Record, RecordsByName
from .replaced_ends import ReplacedEnds

REASON_UNUSED = "no pipeline of its signal uses it"
REASON_RANDOM = "what stands before it gives other values each time"
REASON_SHARED = "a connector gives each pipeline a part of the records"
# Functions of OTTL whose values two probes cannot compare.
_OTHER_EACH_TIME = re.compile(r"\b(?:UUID|UUIDv7|Now)\(")


class Probes:
    """The probes of a config: `add_to_config` puts them into it, and `find_taken_branches` reads their answers."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = [branch for branch in branches if branch.asking_settings is not None]
        self.questions_by_path: dict[Path, list[Question]] = {}
        self.unknown_reasons: dict[Path, str] = {}

    def add_to_config(self, config: dict[str, Any], ends: ReplacedEnds) -> None:
        """Add the probes to a config that has the ends of a test."""
        self.questions_by_path = {branch.path: [] for branch in self.branches}
        _ProbeWiring(config, ends, self).add_probes()

    def find_taken_branches(self, records_by_name: RecordsByName) -> dict[Path, bool]:
        """Return for each branch that is in a pipeline whether a record took it, by the path of the branch."""
        answers = {}
        for path, questions in self.questions_by_path.items():
            if questions:
                answers[path] = any(question.is_answered_by(records_by_name) for question in questions)
        return answers


class Question(NamedTuple):
    """The names of the two sinks of a branch: one gets the records without the branch, the other with it.

    The first name is empty if the branch is compared with no records at all.
    """

    name_without_branch: str
    name_with_branch: str

    def is_answered_by(self, records_by_name: RecordsByName) -> bool:
        """Whether different records reached the two sinks, so that a record took the branch."""
        records_without = _sort_records(records_by_name.get(self.name_without_branch, {}))
        records_with = _sort_records(records_by_name.get(self.name_with_branch, {}))
        return records_without != records_with


def _sort_records(records_by_signal: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return records as texts in an order that does not depend on when they came."""
    return sorted(repr(record) for signal in SIGNALS for record in records_by_signal.get(signal, ()))


class _BranchPoint(NamedTuple):
    """A place in a pipeline where probes branch off: the name of the pipeline, and its part before the place.

    `place_word` is a word for this place alone.
    """

    name: str
    pipeline: Mapping[str, Any]
    place_word: str

    @property
    def signal(self) -> str:
        """The signal of the pipeline."""
        return signal_of(self.name)


class _ProbeWiring:
    """Adds probes to a config, one at a time.

    `known_probes` has the name of the sink of each probe that is there already, by place, component and settings.
    `pipeline_copies` has pairs of the name of a pipeline and the name of a copy of it.
    """

    def __init__(self, config: dict[str, Any], ends: ReplacedEnds, probes: Probes) -> None:
        self.config, self.ends, self.probes = config, ends, probes
        self.pipelines: dict[str, Any] = config["service"]["pipelines"]
        self.known_probes: dict[tuple[str, ...], str] = {}
        self.pipeline_copies: list[tuple[str, str]] = []
        self.user_connectors = list(config.get("connectors") or ())
        self.sink_settings: Settings = next(iter(config["exporters"].values()))

    def add_probes(self) -> None:
        """Add a probe for each branch that is in a pipeline, and note which ones no probe can ask."""
        for pipeline_index, (name, pipeline) in enumerate(list(self.pipelines.items())):
            for processor_count, branch in list(self._list_asked_branches(name, pipeline)):
                processors_before = (pipeline.get("processors") or [])[:processor_count]
                if may_get_only_a_part(pipeline):
                    doubt = REASON_SHARED
                else:
                    doubt = self._explain_incomparable(processors_before, branch)
                if doubt:
                    self.probes.unknown_reasons[branch.path] = doubt
                    continue
                copied_pipeline = {"receivers": pipeline["receivers"], "processors": processors_before}
                place = _BranchPoint(name, copied_pipeline, f"{pipeline_index}_{processor_count}")
                without_branch = self._add_probe(place, branch, branch.compared_with)
                with_branch = self._add_probe(place, branch, branch.asking_settings)
                self.probes.questions_by_path[branch.path].append(Question(without_branch, with_branch))
        self._let_connectors_send_to_copies()

    def _let_connectors_send_to_copies(self) -> None:
        """Let each of the user's connectors that names a pipeline send to the copies of the pipeline too."""
        connectors = self.config.get("connectors") or {}
        for connector in self.user_connectors:
            for name, copy_name in self.pipeline_copies:
                connectors[connector] = list_beside(connectors[connector], name, copy_name)

    def _explain_incomparable(self, processors_before: Sequence[str], branch: Branch) -> str:
        """Return why two probes cannot be compared here; empty text if they can."""
        if branch.compared_with is Baseline.NO_RECORDS:
            return ""
        settings_before = [self.config["processors"][processor] for processor in processors_before]
        text = repr([*settings_before, branch.compared_with])
        return REASON_RANDOM if _OTHER_EACH_TIME.search(text) else ""

    def _list_asked_branches(self, name: str, pipeline: Mapping[str, Any]) -> Iterator[tuple[int, Branch]]:
        """Yield the branches of the components in a pipeline, each with the number of processors before it."""
        processors = pipeline.get("processors") or []
        for branch in self.probes.branches:
            section, component_id = branch.path[:2]
            if signal_of(name) not in branch.signals:
                continue
            if section == "processors":
                for processor_count, processor in enumerate(processors):
                    if processor == component_id:
                        yield processor_count, branch
            elif component_id in pipeline["exporters"]:
                yield len(processors), branch

    def _add_probe(self, place: _BranchPoint, branch: Branch, settings: Settings | Baseline | None) -> str:
        """Add a probe and return the name of its sink; empty for a branch that is compared with no records.

        The sink gets what the component of the branch makes of the records with these settings.
        """
        if settings is Baseline.NO_RECORDS:
            return ""
        component_id = "" if settings is Baseline.RECORDS_BEFORE else str(branch.path[1])
        key = (place.place_word, component_id, repr(settings))
        if key in self.known_probes:
            return self.known_probes[key]
        sink_name = self.known_probes[key] = f"o11y probe {len(self.known_probes)}"
        probe_word = sink_name.replace(" ", "_")
        probe_id = f"{component_id.partition('/')[0]}/{probe_word}"
        if branch.path[0] == "connectors":
            self._add_copy(place, probe_word, {**place.pipeline, "exporters": [probe_id]})
            self._add_connector(place.signal, probe_id, settings, sink_name)
            return sink_name
        processors = place.pipeline["processors"]
        if component_id:
            self.config["processors"][probe_id] = settings
            processors = [*processors, probe_id]
        self._add_copy(
            place, probe_word, {**place.pipeline, "processors": processors, "exporters": [self._add_sink(sink_name)]}
        )
        return sink_name

    def _add_copy(self, place: _BranchPoint, probe_word: str, pipeline: Mapping[str, Any]) -> None:
        """Add a copy of a pipeline, which gets what the pipeline gets."""
        name = f"{place.signal}/{probe_word}"
        self.pipelines[name] = {role: component_ids for role, component_ids in pipeline.items() if component_ids}
        self.pipeline_copies.append((place.name, name))

    def _add_connector(self, signal: str, probe_id: str, settings: Any, sink_name: str) -> None:
        """Add a connector that makes metrics, or one that sends the records to one of two pipelines."""
        target_signal = "metrics" if SIGNALS_BY_METRIC_KEY.keys() & settings else signal
        pipelines = {
            pipeline_kind: f"{target_signal}/{pipeline_kind}_{sink_name.replace(' ', '_')}"
            for pipeline_kind in (TAKEN_PIPELINE, OTHER_PIPELINE)
        }
        self.config["connectors"][probe_id] = _name_pipelines(settings, pipelines)
        for pipeline_kind, sink_of_kind in ((TAKEN_PIPELINE, sink_name), (OTHER_PIPELINE, OTHER_PIPELINE)):
            if pipeline_kind == TAKEN_PIPELINE or pipeline_kind in repr(settings):
                self.pipelines[pipelines[pipeline_kind]] = {
                    "receivers": [probe_id],
                    "exporters": [self._add_sink(sink_of_kind)],
                }

    def _add_sink(self, name: str) -> str:
        """Return the id of an exporter, which it adds, that sends to the test under a name."""
        exporter = f"{self.ends.otlp_http}/{name.replace(' ', '_')}"
        self.config["exporters"][exporter] = {
            **self.sink_settings,
            "endpoint": f"{self.ends.sink_address}/{quote(name)}",
        }
        return exporter


def _name_pipelines(settings: Settings, pipelines: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a connector with real names of pipelines in place of `TAKEN_PIPELINE` and the like."""

    def resolve_names(placeholder_names: Sequence[str]) -> list[str]:
        return [pipelines[name] for name in placeholder_names]

    named_settings = dict(settings)
    if "table" in named_settings:
        named_settings["table"] = [
            {**route, "pipelines": resolve_names(route["pipelines"])} for route in named_settings["table"]
        ]
    if "default_pipelines" in named_settings:
        named_settings["default_pipelines"] = resolve_names(named_settings["default_pipelines"])
    return named_settings
