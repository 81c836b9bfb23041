# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds probes to the config of a test, which tell what branches of the config its records take.

A branch is, for example, a condition of a filter (branch_model.py). To see whether a record takes it, two probes stand
beside the pipeline: each is a copy of the pipeline up to the component, then the component with the branch or without
it, and a sink, which is an exporter that sends to the test. If different records reach the two sinks, a record took the
branch. For the second condition of a filter `["a", "b"]` in the pipeline `traces`, the config gets ::

    processors:
      filter/o11y_probe_0: {traces: {span: [a]}}
      filter/o11y_probe_1: {traces: {span: [a, b]}}
    exporters:
      otlp_http/o11y_probe_0: {endpoint: "http://127.0.0.1:1234/o11y%20probe%200"}
      otlp_http/o11y_probe_1: {endpoint: "http://127.0.0.1:1234/o11y%20probe%201"}
    service:
      pipelines:
        traces/o11y_probe_0: {receivers: [otlp], processors: [filter/o11y_probe_0], exporters: [otlp_http/o11y_probe_0]}
        traces/o11y_probe_1: {receivers: [otlp], processors: [filter/o11y_probe_1], exporters: [otlp_http/o11y_probe_1]}

A connector that chooses between pipelines, such as routing, is copied in the same way. Its copy sends what takes the
branch to a pipeline with the sink, and all else to a second pipeline, whose sink nobody reads (connector_branches.py).

probe_runs.py in plugin_utils runs tests with probes. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ..config.paths import ROLES, Path
from ..config.pipelines import read_listed_ids, signal_of
from .branch_model import Baseline, Branch, Settings
from .connector_branches import OTHER_PIPELINE, SIGNALS_BY_METRIC_KEY, TAKEN_PIPELINE
from .pipeline_stages import list_beside, may_get_only_a_part
from .records import RECORD_KINDS, Record, RecordsByName
from .replaced_ends import ReplacedEnds

REASON_UNUSED = "no pipeline of its signal uses it"
REASON_RANDOM = "what stands before it gives other values each time"
REASON_SHARED = "a connector gives each pipeline a part of the records"
# Functions of OTTL whose values two probes cannot compare.
_RANDOM_FUNCTION = re.compile(r"\b(?:UUID|UUIDv7|Now)\(")


class Probes:
    """The probes of some branches: `add_to_config` puts them into a config, whose run `find_taken_branches` reads."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = [branch for branch in branches if branch.settings_with_branch is not None]
        self.sink_pairs_by_path: dict[Path, list[SinkPair]] = {}
        """The sinks of each branch, a pair for each place in a pipeline that has its component."""
        self.unknown_reasons: dict[Path, str] = {}
        """Why no probe tells anything of a branch."""

    def add_to_config(self, config: dict[str, Any], ends: ReplacedEnds) -> None:
        """Add the probes to a config that has the ends of a test."""
        builder = _ProbeBuilder(config, ends, self.branches)
        builder.add_probes()
        self.sink_pairs_by_path = builder.sink_pairs_by_path
        self.unknown_reasons |= builder.unknown_reasons

    def find_taken_branches(self, records_by_name: RecordsByName) -> dict[Path, bool]:
        """Return for each branch that is in a pipeline whether a record took it, by the path of the branch.

        `records_by_name` is what a run of the config with the probes has sent.
        """
        is_taken_by_path = {}
        for path, sink_pairs in self.sink_pairs_by_path.items():
            if sink_pairs:
                is_taken_by_path[path] = any(pair.got_different_records(records_by_name) for pair in sink_pairs)
        return is_taken_by_path


class SinkPair(NamedTuple):
    """The names of the two sinks of a branch, such as `o11y probe 0` and `o11y probe 1`."""

    name_without_branch: str
    """The sink of the probe without the branch; empty if the branch is compared with no records at all."""
    name_with_branch: str

    def got_different_records(self, records_by_name: RecordsByName) -> bool:
        """Whether different records reached the two sinks, so that a record took the branch."""
        records_without = _sort_records(records_by_name.get(self.name_without_branch, {}))
        records_with = _sort_records(records_by_name.get(self.name_with_branch, {}))
        return records_without != records_with


def _sort_records(records_by_kind: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return records as texts in an order that does not depend on when they came."""
    return sorted(repr(record) for kind in RECORD_KINDS for record in records_by_kind.get(kind, ()))


class _BranchInPipeline(NamedTuple):
    """A branch whose component is in a pipeline, and how many processors of the pipeline are before the component."""

    branch: Branch
    processor_count: int


class _PipelineStart(NamedTuple):
    """The part of a pipeline before the component of a branch, of which probes are copies."""

    pipeline_name: str
    receivers: Sequence[str]
    processors: Sequence[str]
    key: str
    """A word that no other place of a pipeline has."""

    @property
    def signal(self) -> str:
        """The signal of the pipeline."""
        return signal_of(self.pipeline_name)


class _PipelineCopy(NamedTuple):
    """The name of a pipeline, and of a copy of its first part."""

    pipeline_name: str
    copy_name: str


class _SinkName(NamedTuple):
    """The name of a sink, and whether its probe has to be added."""

    name: str
    is_new: bool


def _trim_listed_ids(pipeline: dict[str, Any]) -> None:
    """Let a pipeline name its components as the Collector reads their ids, which are those of branches."""
    for role in ROLES:
        if role in pipeline:
            pipeline[role] = read_listed_ids(pipeline, role)


class _ProbeBuilder:
    """Adds the probes of branches to a config, which it changes, and notes the names of their sinks."""

    def __init__(self, config: dict[str, Any], ends: ReplacedEnds, branches: Sequence[Branch]) -> None:
        self.config = config
        self.ends = ends
        self.branches = branches
        self.sink_pairs_by_path: dict[Path, list[SinkPair]] = {branch.path: [] for branch in branches}
        """The sinks of each branch, a pair for each place in a pipeline that has its component."""
        self.unknown_reasons: dict[Path, str] = {}
        """Why no probe tells anything of a branch."""
        self.pipelines: dict[str, Any] = config["service"]["pipelines"]
        for pipeline in self.pipelines.values():
            _trim_listed_ids(pipeline)
        self.user_connectors = list(config.get("connectors") or ())
        # All exporters of a config in a test are sinks, which differ by their endpoints alone.
        self.sink_settings: Settings = next(iter(config["exporters"].values()))
        self.sink_name_by_key: dict[tuple[str, ...], str] = {}
        """The sink of each probe that is there already, by its place, component and settings."""
        self.pipeline_copies: list[_PipelineCopy] = []

    def add_probes(self) -> None:
        """Add the probes of each branch that is in a pipeline, and note of which ones no probe can tell anything."""
        # The probes of one pipeline are pipelines too, and get no probes themselves.
        for pipeline_index, (name, pipeline) in enumerate(list(self.pipelines.items())):
            for branch, processor_count in list(self._list_branches_of_pipeline(name, pipeline)):
                processors_before = (pipeline.get("processors") or [])[:processor_count]
                unknown_reason = self._explain_incomparable(pipeline, processors_before, branch)
                if unknown_reason:
                    self.unknown_reasons[branch.path] = unknown_reason
                    continue
                key = f"{pipeline_index}_{processor_count}"
                start = _PipelineStart(name, pipeline["receivers"], processors_before, key)
                self.sink_pairs_by_path[branch.path].append(self._add_probe_pair(start, branch))
        self._let_connectors_send_to_copies()

    def _list_branches_of_pipeline(self, name: str, pipeline: Mapping[str, Any]) -> Iterator[_BranchInPipeline]:
        """Yield the branches of the components in a pipeline, a branch for each time that its component is there."""
        processors = pipeline.get("processors") or []
        for branch in self.branches:
            section, component_id = branch.path[:2]
            if signal_of(name) not in branch.signals:
                continue
            if section == "processors":
                for processor_count, processor in enumerate(processors):
                    if processor == component_id:
                        yield _BranchInPipeline(branch, processor_count)
            elif component_id in pipeline["exporters"]:
                yield _BranchInPipeline(branch, len(processors))

    def _explain_incomparable(
        self, pipeline: Mapping[str, Any], processors_before: Sequence[str], branch: Branch
    ) -> str:
        """Return why two probes of a branch cannot be compared in a pipeline; empty text if they can."""
        if may_get_only_a_part(pipeline):
            return REASON_SHARED
        if branch.settings_without_branch is Baseline.NO_RECORDS:  # then random values are compared with nothing
            return ""
        settings_before = [self.config["processors"].get(processor) for processor in processors_before]
        text = repr([*settings_before, branch.settings_without_branch])
        return REASON_RANDOM if _RANDOM_FUNCTION.search(text) else ""

    def _add_probe_pair(self, start: _PipelineStart, branch: Branch) -> SinkPair:
        """Add the probes without and with a branch, and return their sinks."""
        settings_without_branch = branch.settings_without_branch
        if settings_without_branch is Baseline.NO_RECORDS:
            sink_without_branch = ""
        elif settings_without_branch is Baseline.RECORDS_BEFORE:
            sink_without_branch = self._add_probe_before_component(start)
        else:
            sink_without_branch = self._add_probe(start, branch, settings_without_branch)
        return SinkPair(sink_without_branch, self._add_probe(start, branch, branch.settings_with_branch))

    def _add_probe_before_component(self, start: _PipelineStart) -> str:
        """Add a probe without the component of a branch; return its sink, which gets what enters the component."""
        sink_name, is_new = self._name_sink((start.key,))
        if is_new:
            self._add_copy(start, sink_name, start.processors, self._add_sink(sink_name))
        return sink_name

    def _add_probe(self, start: _PipelineStart, branch: Branch, settings: Settings | None) -> str:
        """Add a probe; return its sink, which gets what the component of a branch makes of records with these settings.

        Branches that need the same probe share it.
        """
        section, component_id = str(branch.path[0]), str(branch.path[1])
        sink_name, is_new = self._name_sink((start.key, component_id, repr(settings)))
        if not is_new:
            return sink_name
        probe_id = f"{component_id.partition('/')[0]}/{_make_id_part(sink_name)}"
        if section == "connectors":
            self._add_copy(start, sink_name, start.processors, probe_id)
            self._add_connector(start.signal, probe_id, settings, sink_name)
        else:
            self.config["processors"][probe_id] = settings
            self._add_copy(start, sink_name, [*start.processors, probe_id], self._add_sink(sink_name))
        return sink_name

    def _name_sink(self, key: tuple[str, ...]) -> _SinkName:
        """Return the name of the sink of a probe by what tells probes apart, and whether the probe is still missing."""
        is_new = key not in self.sink_name_by_key
        if is_new:
            self.sink_name_by_key[key] = f"o11y probe {len(self.sink_name_by_key)}"
        return _SinkName(self.sink_name_by_key[key], is_new)

    def _add_copy(self, start: _PipelineStart, sink_name: str, processors: Sequence[str], exporter: str) -> None:
        """Add a copy of the start of a pipeline, which gets what the pipeline gets, and ends in an exporter."""
        name = f"{start.signal}/{_make_id_part(sink_name)}"
        copy = {"receivers": start.receivers, "processors": processors, "exporters": [exporter]}
        self.pipelines[name] = {role: component_ids for role, component_ids in copy.items() if component_ids}
        self.pipeline_copies.append(_PipelineCopy(start.pipeline_name, name))

    def _add_connector(self, signal: str, probe_id: str, settings: Any, sink_name: str) -> None:
        """Add a connector that makes metrics, or one that sends the records to one of two pipelines."""
        target_signal = "metrics" if SIGNALS_BY_METRIC_KEY.keys() & settings else signal
        pipelines = {
            pipeline_kind: f"{target_signal}/{pipeline_kind}_{_make_id_part(sink_name)}"
            for pipeline_kind in (TAKEN_PIPELINE, OTHER_PIPELINE)
        }
        self.config["connectors"][probe_id] = _name_pipelines(settings, pipelines)
        self._add_pipeline_of_connector(pipelines[TAKEN_PIPELINE], probe_id, sink_name)
        if OTHER_PIPELINE in repr(settings):
            self._add_pipeline_of_connector(pipelines[OTHER_PIPELINE], probe_id, OTHER_PIPELINE)

    def _add_pipeline_of_connector(self, name: str, connector: str, sink_name: str) -> None:
        """Add a pipeline behind a connector, which ends in a sink."""
        self.pipelines[name] = {"receivers": [connector], "exporters": [self._add_sink(sink_name)]}

    def _add_sink(self, name: str) -> str:
        """Return the id of an exporter, which it adds, that sends to the test under a name."""
        exporter = f"{self.ends.otlp_http}/{_make_id_part(name)}"
        endpoint = f"{self.ends.sink_address}/{quote(name)}"
        self.config["exporters"][exporter] = {**self.sink_settings, "endpoint": endpoint}
        return exporter

    def _let_connectors_send_to_copies(self) -> None:
        """Let each of the user's connectors that names a pipeline send to the copies of the pipeline too."""
        connectors = self.config.get("connectors") or {}
        for connector in self.user_connectors:
            for pipeline_name, copy_name in self.pipeline_copies:
                connectors[connector] = list_beside(connectors[connector], pipeline_name, copy_name)


def _make_id_part(sink_name: str) -> str:
    """Return the name of a sink as a part of an id: `o11y probe 0` is `o11y_probe_0`."""
    return sink_name.replace(" ", "_")


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
