# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor `batch` is moved into the queues of the exporters behind it, with its sizes and times. Private.

The Collector makes batches in exporters now, and will remove the processor. This step of a migration (steps.py) turns

    processors: {batch: {send_batch_size: 1000}}
    exporters: {otlp: {endpoint: gateway:4317}}
    service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}}

into

    exporters: {otlp: {endpoint: gateway:4317, sending_queue: {sizer: items, queue_size: 1000000, batch: {sizer: items,
      min_size: 1000, flush_timeout: 200ms}}}}
    service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}

The processor stays in a pipeline where only it can do the work: before a processor that groups data, before several
exporters that share its batches, and before an exporter without batches of its own. A few builds have another processor
with a queue, `queue_batch`. There, it is the successor: it takes the place of a batch processor that stays.

A migration calls `move_deprecated_batches`; the render of a collector calls `move_batches_to_exporters` (see
_collector/request_bytes.py). data_edits.py has the changes and edits, and rules/batching.py judges the same processor.

Source: docs/rfcs/batching-migration.md of the Collector; processor/batchprocessor/{config,batch_processor}.go and
exporter/exporterhelper/internal/queuebatch/config.go for settings and defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, list_at, mapping_at, value_at
from ..config.pipelines import PipelineGraph
from ..rules.batch_announcements import DEFAULT_SINCE, GONE_SINCE, WARNED_SINCE
from ..rules.build_facts import TargetBuild, is_from_version
from ..rules.exporter_batches import (
    BATCH,
    QUEUE,
    queue_can_batch,
    waits_for_more_data,
)
from ..traits import PROCESSORS, Trait, kind_of, sends_nothing, traits_of
from .component_mentions import change_type, type_of
from .data_edits import Add, ConfigChange, Drop, Edit, Put, Replace, Unsolved

# What the processor does without settings: the items of a batch (spans, data points or log records), and how long it
# waits for them.
DEFAULT_SIZE = 8192
_DEFAULT_TIMEOUT = "200ms"
# What a queue has room for without settings, in requests.
_DEFAULT_QUEUE_SIZE = 1000
# Timeouts with which the processor sends what it gets at once, whatever the size.
_ZERO_TIMEOUTS = ("0", "0s", "0ms", 0)
# From which version on a queue makes a batch for each value of metadata.
_PARTITION_SINCE = "0.147.0"
# The processor with a queue, by its names from the newest on. A few builds have it.
_QUEUE_PROCESSORS = ("queue_batch", "queuebatch")
# The first sentence of the reason of each change.
_UPSTREAM_PLAN = (
    f"Upstream plans batches in exporters by default from {DEFAULT_SINCE} on, and to remove the processor in"
    f" {GONE_SINCE}."
)


def move_deprecated_batches(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield every batch processor, from the version on that warns of it beside batches in exporters."""
    if is_from_version(target, WARNED_SINCE):
        yield from move_batches_to_exporters(config, target)


def move_batches_to_exporters(
    config: Any, target: TargetBuild, keeps_batch_size: bool = True
) -> Iterator[ConfigChange | Unsolved]:
    """Yield every batch processor whose work the exporters behind it can do, or why they cannot.

    With `keeps_batch_size`, an exporter whose queue is smaller than a batch cannot take over. Without, it can, and then
    its batches may have fewer records.
    """
    processors = mapping_at(config, "processors")
    batch_ids = [processor_id for processor_id in processors if type_of(processor_id) == BATCH]
    plans = [_make_plan(batch_id, config, target, keeps_batch_size=keeps_batch_size) for batch_id in batch_ids]
    processors_by_exporter = _group_by_exporter(plans)
    finished_exporters: set[str] = set()
    for plan in plans:
        if not _changes_something(plan, target):
            continue
        refusal = _explain_refusal(plan.settings, target)
        refusal = refusal or _explain_disagreement(plan, processors_by_exporter, config)
        if refusal:
            yield Unsolved(plan.path, f"'{plan.processor_id}' stays", refusal)
            continue
        # The first of several processors with equal batches gives them to the exporter.
        new_exporters = [exporter for exporter in plan.exporters if exporter not in finished_exporters]
        finished_exporters.update(new_exporters)
        edits = (*_edit_exporters(new_exporters, plan.settings, config), *_edit_pipelines(plan, target))
        yield _build_change(plan, edits, config)


def queue_batch_of(settings: Any) -> dict[str, Any]:
    """Return `sending_queue.batch` that makes the batches of a processor with these settings.

    For `{send_batch_size: 1000, timeout: 1s}`, it is `{sizer: items, min_size: 1000, flush_timeout: 1s}`.
    """
    given_settings = {key: value for key, value in mapping_at({BATCH: settings}, BATCH).items() if value is not None}
    size = given_settings.get("send_batch_size", DEFAULT_SIZE)
    timeout = given_settings.get("timeout", _DEFAULT_TIMEOUT)
    if timeout in _ZERO_TIMEOUTS:
        size, timeout = 0, _DEFAULT_TIMEOUT
    batch = {"sizer": "items", "min_size": size, "flush_timeout": timeout}
    if given_settings.get("send_batch_max_size"):
        batch["max_size"] = given_settings["send_batch_max_size"]
    if given_settings.get("metadata_keys"):
        batch["partition"] = {"metadata_keys": given_settings["metadata_keys"]}
    return batch


# ── What becomes of one processor ──


@dataclass(frozen=True)
class _Plan:
    """What becomes of one batch processor in the pipelines that list it.

    The path of a place is that of its id in a pipeline: `("service", "pipelines", "traces", "processors", 0)`.
    """

    processor_id: str
    settings: Any
    exporters: tuple[str, ...]
    """The exporters that make the batches instead, where it goes."""
    removed_paths: tuple[Path, ...]
    """Where it goes."""
    reason_by_kept_path: Mapping[Path, str]
    """Where it stays, and why."""
    successor: str
    """The id of the processor that takes its place where it stays; empty if there is none."""

    @property
    def path(self) -> Path:
        """The path of its settings, such as `("processors", "batch")`."""
        return ("processors", self.processor_id)


def _changes_something(plan: _Plan, target: TargetBuild) -> bool:
    """Whether a processor goes from some places; if not, it stays wherever it is."""
    return bool(plan.removed_paths or plan.successor) or is_from_version(target, GONE_SINCE)


def _make_plan(processor_id: str, config: Any, target: TargetBuild, *, keeps_batch_size: bool) -> _Plan:
    """Return what becomes of a processor in each pipeline."""
    exporters_instead: list[str] = []
    removed_paths: list[Path] = []
    reason_by_kept_path: dict[Path, str] = {}
    graph = PipelineGraph.of(config)
    settings = mapping_at(config, "processors")[processor_id]
    least_batch_size = queue_batch_of(settings)["min_size"] if keeps_batch_size else 0
    for pipeline, ids_by_role in mapping_at(config, "service", "pipelines").items():
        processors = list_at(ids_by_role, "processors")
        if processor_id not in processors:
            continue
        index = processors.index(processor_id)
        id_path: Path = ("service", "pipelines", pipeline, "processors", index)
        exporters = list(dict.fromkeys(_find_exporters_behind(pipeline, graph)))
        reason = _explain_shared_batches(processors[index + 1 :], exporters, config, target)
        reason = reason or _explain_inability(least_batch_size, exporters, config, target)
        if reason:
            reason_by_kept_path[id_path] = reason
        else:
            removed_paths.append(id_path)
            exporters_instead += exporters
    return _Plan(
        processor_id,
        settings,
        exporters=tuple(dict.fromkeys(exporters_instead)),
        removed_paths=tuple(removed_paths),
        reason_by_kept_path=reason_by_kept_path,
        successor=_find_successor(processor_id, config, target) if reason_by_kept_path else "",
    )


def _find_exporters_behind(
    pipeline: str, graph: PipelineGraph, visited_pipelines: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield the exporters to which the requests of a pipeline lead, also through connectors that hand them on."""
    for name in graph.list_ids(pipeline, "exporters"):
        if name not in graph.connectors and not sends_nothing(name):
            yield name
        for next_pipeline in graph.find_pipelines_behind(pipeline, name):
            next_processors = graph.list_ids(next_pipeline, "processors")
            batches_again = any(kind_of(processor) == BATCH for processor in next_processors)
            if next_pipeline not in visited_pipelines and not batches_again:
                yield from _find_exporters_behind(next_pipeline, graph, (*visited_pipelines, pipeline))


def _find_successor(processor_id: str, config: Any, target: TargetBuild) -> str:
    """Return the id of the processor with a queue that takes the place of a batch processor; empty if there is none.

    `batch/logs` becomes `queue_batch/logs`, if the build has that type and the config has no such id.
    """
    for processor_type in _QUEUE_PROCESSORS:
        if target.catalogue.find_component("processors", processor_type, target.distribution, target.version):
            successor = change_type(processor_id, processor_type)
            return "" if successor in mapping_at(config, "processors") else successor
    return ""


def _find_exporter_settings(config: Any, name: str) -> Any:
    return mapping_at(config, "exporters").get(name)


# ── Why a processor stays in a pipeline ──


def _explain_shared_batches(
    following_processors: list[Any], exporters: Sequence[str], config: Any, target: TargetBuild
) -> str:
    """Return why others than a single exporter gain from the batches of the processor; empty if none does.

    These are processors behind it that group data, such as groupbyattrs, and several exporters that share its batches.
    Exporters that make batches by default share none.
    """
    for processor in following_processors:
        if isinstance(processor, str) and Trait.GROUPS in traits_of(PROCESSORS, processor):
            return f"'{processor}' finds more in a batch than in a single request."
    has_lasting_queue = any(_keeps_requests(_find_exporter_settings(config, exporter)) for exporter in exporters)
    if len(exporters) <= 1 or has_lasting_queue:
        return ""
    has_successor = bool(_find_successor(BATCH, {}, target))  # in the build, so ids of the config do not count
    if is_from_version(target, DEFAULT_SINCE) and not has_successor:
        return ""
    return f"{', '.join(exporters)} share its batches."


def _keeps_requests(exporter_settings: Any) -> bool:
    """Whether an exporter keeps what it took: on a disk, or until the destination has it.

    A processor before it that collects requests in memory would break that promise.
    """
    queue = value_at(exporter_settings, (QUEUE,))
    return bool(value_at(queue, ("storage",))) or value_at(queue, ("wait_for_result",)) is True


def _explain_inability(least_batch_size: Any, exporters: Sequence[str], config: Any, target: TargetBuild) -> str:
    """Return why an exporter cannot make batches of at least so many items; empty text if all can."""
    for name in exporters:
        if name not in mapping_at(config, "exporters"):
            return f"exporter '{name}' has no settings under this id, so no queue that would make the batches."
        if not queue_can_batch(target, name):
            return f"exporter '{name}' would send unbatched after the move."
        reason = _explain_queue(least_batch_size, name, _find_exporter_settings(config, name))
        if reason:
            return reason
    return ""


def _explain_queue(least_batch_size: Any, name: str, exporter_settings: Any) -> str:
    """Return why the queue of an exporter cannot make such batches; empty text if it can."""
    queue = value_at(exporter_settings, (QUEUE,))
    if isinstance(queue, str) or value_at(queue, ("enabled",)) not in (None, True):
        return f"exporter '{name}' may have no queue, which would make the batches."
    if value_at(queue, (BATCH,)) is not None and not waits_for_more_data(exporter_settings):
        return f"exporter '{name}' only splits what is too large, since its batches have no `min_size`."
    if value_at(queue, ("sizer",)) != "items":
        return ""
    queue_size = value_at(queue, ("queue_size",), _DEFAULT_QUEUE_SIZE)
    if isinstance(queue_size, int) and isinstance(least_batch_size, int) and queue_size < least_batch_size:
        return f"the queue of exporter '{name}' has room for {queue_size} items, and a batch has {least_batch_size}."
    return ""


# ── Why a person has to decide ──


def _explain_refusal(settings: Any, target: TargetBuild) -> str:
    """Return why the settings of a processor cannot be moved; empty if they can."""
    if isinstance(settings, str):
        return "Its settings are a variable."
    if value_at(settings, ("metadata_keys",)) and not is_from_version(target, _PARTITION_SINCE):
        return f"Queues divide by metadata since {_PARTITION_SINCE}."
    return ""


def _group_by_exporter(plans: Sequence[_Plan]) -> dict[str, dict[str, Any]]:
    """Return for each exporter the processors, with their settings, whose batches it would make."""
    processors_by_exporter: dict[str, dict[str, Any]] = {}
    for plan in plans:
        for exporter in plan.exporters:
            processors_by_exporter.setdefault(exporter, {})[plan.processor_id] = plan.settings
    return processors_by_exporter


def _explain_disagreement(plan: _Plan, processors_by_exporter: Mapping[str, Mapping[str, Any]], config: Any) -> str:
    """Return why an exporter cannot take over: several processors want different batches of it; empty if none does."""
    for exporter in plan.exporters:
        makes_own_batches = waits_for_more_data(_find_exporter_settings(config, exporter))
        settings_by_processor = processors_by_exporter[exporter]
        if not makes_own_batches and not _are_equal_batches(list(settings_by_processor.values())):
            names = " and ".join(f"'{name}'" for name in settings_by_processor)
            advice = "make them equal, or give each an exporter of its own"
            return f"{names} differ, and '{exporter}' is behind both: {advice}."
    return ""


def _are_equal_batches(processor_settings: Sequence[Any]) -> bool:
    """Whether processors with these settings make equal batches."""
    first_batch = queue_batch_of(processor_settings[0])
    return all(queue_batch_of(settings) == first_batch for settings in processor_settings)


# ── The change and its edits ──


def _build_change(plan: _Plan, edits: tuple[Edit, ...], config: Any) -> ConfigChange:
    """Return the change of a processor, whose title is such as `batch → sending_queue.batch of otlp`."""
    replacements = _list_replacements(plan, config)
    title = f"{plan.processor_id} → {' and '.join(replacements)}" if replacements else f"{plan.processor_id} removed"
    reasons = [_UPSTREAM_PLAN]
    if not replacements and not plan.reason_by_kept_path:
        reasons.append("What is behind it makes batches, or sends no requests.")
    for id_path, reason in plan.reason_by_kept_path.items():
        _service, _pipelines, pipeline, *_role_and_index = id_path
        reasons.append(f"Pipeline '{pipeline}': {reason}")
    if value_at(plan.settings, ("metadata_cardinality_limit",)):
        reasons.append("A queue has no metadata_cardinality_limit.")
    return ConfigChange(plan.path, title, " ".join(reasons), edits)


def _list_replacements(plan: _Plan, config: Any) -> list[str]:
    """Return what makes the batches instead and did not before: queues of exporters, and another processor."""
    new_batchers = []
    for exporter in plan.exporters:
        if not waits_for_more_data(_find_exporter_settings(config, exporter)):
            new_batchers.append(exporter)
    replacements = []
    if new_batchers:
        replacements.append(f"{QUEUE}.{BATCH} of {', '.join(new_batchers)}")
    if plan.successor:
        replacements.append(plan.successor)
    return replacements


def _edit_pipelines(plan: _Plan, target: TargetBuild) -> Iterator[Edit]:
    """Yield the edits that take a processor, or put its successor, where pipelines list it and where it is defined."""
    for id_path in plan.removed_paths:
        yield Drop(id_path)
    if plan.successor:
        for id_path in plan.reason_by_kept_path:
            yield Put(id_path, plan.successor)
        yield Replace(plan.path, ((plan.successor, {BATCH: queue_batch_of(plan.settings)}),))
    elif not plan.reason_by_kept_path or is_from_version(target, GONE_SINCE):
        for id_path in plan.reason_by_kept_path:
            yield Drop(id_path)
        yield Replace(plan.path)


def _edit_exporters(exporters: Iterable[str], processor_settings: Any, config: Any) -> Iterator[Edit]:
    """Yield the edits that give exporters the batches of a processor with these settings."""
    for exporter in exporters:
        yield from _edit_exporter_queue(exporter, _find_exporter_settings(config, exporter), processor_settings)


def _edit_exporter_queue(exporter: str, settings: Any, processor_settings: Any) -> list[Edit]:
    """Return the edits that give an exporter batches. Its queue has room for as many items as it had in batches.

    For an exporter `otlp: {sending_queue: {queue_size: 100}}` and a processor with batches of 1000 items, they make

        otlp: {sending_queue: {sizer: items, queue_size: 100000, batch: {sizer: items, min_size: 1000, …}}}

    A queue in a file knows its size in requests, items and bytes since queues make batches, so it may change the unit.
    """
    path: Path = ("exporters", exporter)
    queue_path: Path = (*path, QUEUE)
    queue = value_at(settings, (QUEUE,))
    queue_settings = queue if isinstance(queue, dict) else {}
    new_settings = _build_queue_settings(queue_settings, settings, processor_settings)
    if not isinstance(settings, dict):
        return [Replace(path, ((exporter, {QUEUE: new_settings}),))]
    if not queue_settings:
        has_empty_queue = QUEUE in settings
        return [Replace(queue_path, ((QUEUE, new_settings),)) if has_empty_queue else Add(queue_path, new_settings)]
    edits: list[Edit] = []
    for key, value in new_settings.items():
        setting_path: Path = (*queue_path, key)
        edits.append(Replace(setting_path, ((key, value),)) if key in queue_settings else Add(setting_path, value))
    return edits


def _build_queue_settings(
    queue_settings: Mapping[str, Any], exporter_settings: Any, processor_settings: Any
) -> dict[str, Any]:
    """Return what the queue of an exporter gets: batches, unless it makes some, and its size in items."""
    batch = queue_batch_of(processor_settings)
    batches = {} if waits_for_more_data(exporter_settings) else {BATCH: batch}
    size_in_requests = queue_settings.get("queue_size", _DEFAULT_QUEUE_SIZE)
    items_of_request = batch["min_size"]
    has_known_size = isinstance(size_in_requests, int) and isinstance(items_of_request, int)
    if "sizer" in queue_settings or not has_known_size:
        return batches
    return {"sizer": "items", "queue_size": size_in_requests * max(items_of_request, 1), **batches}
