# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor `batch` moved into the queues of the exporters behind it, with sizes and times that stay as they are.

The processor stays where only it can do the work: before a processor that groups data, before several exporters that
share its batches, and before an exporter without batches of its own. The senders of a processor are the exporters that
its records reach. Its successor is a processor with a queue, which a few builds have. Changes and edits are defined in
data_edits.py. rules/batching.py judges the same processor.
Source: docs/rfcs/batching-migration.md of the Collector; processor/batchprocessor/{config,batch_processor}.go and
exporter/exporterhelper/internal/queuebatch/config.go for settings and defaults. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import Path, list_at, mapping_at, value_at
from ..config.pipelines import PipelineGraph
from ..rules.batching import (
    BATCH,
    DEFAULT_SINCE,
    GONE_SINCE,
    QUEUE,
    WARNED_SINCE,
    can_batch,
    collects_requests,
    is_from_version,
)
from ..rules.build_facts import TargetBuild
from ..traits import PROCESSORS, Trait, kind_of, sends_nothing, traits_of
from .data_edits import Add, ConfigChange, Drop, Edit, Put, Replace, Unsolved, change_type, type_of

# What the processor and a queue do without settings.
DEFAULT_SIZE, _TIMEOUT, _QUEUE_SIZE = 8192, "200ms", 1000
_ZERO_TIMEOUTS = ("0", "0s", "0ms", 0)
# From which version on a queue makes a batch for each value of metadata.
_PARTITION_SINCE = "0.147.0"
# The processor with a queue, by its names from the newest on. A few builds have it.
_QUEUE_PROCESSORS = ("queue_batch", "queuebatch")
_UPSTREAM_PLAN = (
    f"Upstream plans batches in exporters by default from {DEFAULT_SINCE} on, and to remove the processor in"
    f" {GONE_SINCE}."
)


@dataclass
class _Plan:
    """What becomes of one batch processor: its exporters, its places that go, and those that stay, with the reason.

    A place is the path of its id in a pipeline. `exporters` has the exporters that take over as keys, in order.
    """

    exporters: dict[str, None] = field(default_factory=dict)
    removed_paths: list[Path] = field(default_factory=list)
    reason_by_kept_path: dict[Path, str] = field(default_factory=dict)


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
    plans = {name: _make_plan(name, config, target, keeps_batch_size) for name in processors if type_of(name) == BATCH}
    processors_by_exporter = _group_by_exporter(plans, processors)
    finished_exporters: set[str] = set()
    for name, plan in plans.items():
        path: Path = ("processors", name)
        successor = _find_successor(name, config, target) if plan.reason_by_kept_path else ""
        if not (plan.removed_paths or successor or is_from_version(target, GONE_SINCE)):
            continue
        refusal = _explain_refusal(processors[name], target) or _explain_disagreement(
            plan, processors_by_exporter, config
        )
        if refusal:
            yield Unsolved(path, f"'{name}' stays", refusal)
            continue
        edits: list[Edit] = []
        for exporter in plan.exporters:
            if exporter not in finished_exporters:
                edits += _edit_exporter_queue(
                    ("exporters", exporter), _exporter_settings(config, exporter), processors[name]
                )
        finished_exporters.update(plan.exporters)
        edits += _edit_pipelines(path, plan, successor, config, target)
        yield _build_move(path, plan, edits, config, successor)


def _group_by_exporter(plans: Mapping[str, _Plan], processors: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each exporter the processors, with their settings, whose batches it would make."""
    processors_by_exporter: dict[str, dict[str, Any]] = {}
    for name, plan in plans.items():
        for exporter in plan.exporters:
            processors_by_exporter.setdefault(exporter, {})[name] = processors[name]
    return processors_by_exporter


def _explain_disagreement(plan: _Plan, processors_by_exporter: Mapping[str, Mapping[str, Any]], config: Any) -> str:
    """Return why an exporter cannot take over: several processors want different batches of it."""
    for exporter in plan.exporters:
        wanted_settings = processors_by_exporter[exporter]
        if not _has_equal_batches(list(wanted_settings.values()), _exporter_settings(config, exporter)):
            return _describe_choice(exporter, wanted_settings)
    return ""


def _make_plan(processor_id: str, config: Any, target: TargetBuild, keeps_batch_size: bool) -> _Plan:
    plan, graph = _Plan(), PipelineGraph.of(config)
    for pipeline, ids_by_role in mapping_at(config, "service", "pipelines").items():
        processors = list_at(ids_by_role, "processors")
        if processor_id not in processors:
            continue
        index = processors.index(processor_id)
        place: Path = ("service", "pipelines", pipeline, "processors", index)
        senders = list(dict.fromkeys(_find_senders(pipeline, graph)))
        has_lasting_queue = any(_keeps_requests(_exporter_settings(config, sender)) for sender in senders)
        least_batch_size = (
            queue_batch_of(mapping_at(config, "processors")[processor_id])["min_size"] if keeps_batch_size else 0
        )
        reason = _explain_shared_batches(
            processors[index + 1 :], senders, has_lasting_queue, target
        ) or _explain_inability(least_batch_size, senders, config, target)
        if reason:
            plan.reason_by_kept_path[place] = reason
        else:
            plan.removed_paths.append(place)
            plan.exporters.update(dict.fromkeys(senders))
    return plan


def _find_successor(processor_id: str, config: Any, target: TargetBuild) -> str:
    """Return the id of the processor that takes the place of one, if the build has it."""
    for processor_type in _QUEUE_PROCESSORS:
        if target.catalogue.find_component("processors", processor_type, target.distribution, target.version):
            successor = change_type(processor_id, processor_type)
            return "" if successor in mapping_at(config, "processors") else successor
    return ""


def _edit_pipelines(path: Path, plan: _Plan, successor: str, config: Any, target: TargetBuild) -> Iterator[Edit]:
    """Yield the edits that take a processor, or put its successor, where pipelines list it and where it is defined."""
    yield from (Drop(place) for place in plan.removed_paths)
    if successor:
        yield from (Put(place, successor) for place in plan.reason_by_kept_path)
        yield Replace(path, ((successor, {BATCH: queue_batch_of(value_at(config, path))}),))
    elif not plan.reason_by_kept_path or is_from_version(target, GONE_SINCE):
        yield from (Drop(place) for place in plan.reason_by_kept_path)
        yield Replace(path)


def _find_senders(pipeline: str, graph: PipelineGraph, visited: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the exporters to which the requests of a pipeline lead, through connectors that hand them on too."""
    for name in graph.list_ids(pipeline, "exporters"):
        if name not in graph.connectors and not sends_nothing(name):
            yield name
        for next_pipeline in graph.find_pipelines_behind(pipeline, name):
            batches_again = any(
                kind_of(processor) == BATCH for processor in graph.list_ids(next_pipeline, "processors")
            )
            if next_pipeline not in visited and not batches_again:
                yield from _find_senders(next_pipeline, graph, (*visited, pipeline))


def _keeps_requests(exporter: Any) -> bool:
    """Whether an exporter keeps what it took: on a disk, or until the destination has it.

    A processor before it that collects requests in memory would break that promise.
    """
    queue = value_at(exporter, (QUEUE,))
    return bool(value_at(queue, ("storage",))) or value_at(queue, ("wait_for_result",)) is True


def _explain_shared_batches(
    following_processors: list[Any], senders: list[str], has_lasting_queue: bool, target: TargetBuild
) -> str:
    """Return why others than a single exporter gain from the batches of the processor; empty if none does.

    These are processors behind it that group data, and several exporters that share its batches. Exporters that make
    batches by default share none.
    """
    for processor in following_processors:
        if isinstance(processor, str) and Trait.GROUPS in traits_of(PROCESSORS, processor):
            return f"'{processor}' finds more in a batch than in a single request."
    if len(senders) <= 1 or has_lasting_queue:
        return ""
    batches_by_default = is_from_version(target, DEFAULT_SINCE)
    if _find_successor(BATCH, {}, target) or not batches_by_default:
        return f"{', '.join(senders)} share its batches."
    return ""


def _explain_inability(least_batch_size: Any, senders: list[str], config: Any, target: TargetBuild) -> str:
    """Return why an exporter cannot make batches of at least so many items; empty text if all can."""
    for name in senders:
        if not can_batch(target, name):
            return f"exporter '{name}' would send unbatched after the move."
        reason = _explain_exporter_inability(least_batch_size, name, _exporter_settings(config, name))
        if reason:
            return reason
    return ""


def _explain_exporter_inability(least_batch_size: Any, name: str, exporter: Any) -> str:
    """Return why the queue of an exporter cannot make such batches."""
    queue = value_at(exporter, (QUEUE,))
    if isinstance(queue, str) or value_at(queue, ("enabled",)) not in (None, True):
        return f"exporter '{name}' may have no queue, which would make the batches."
    if value_at(queue, (BATCH,)) is not None and not collects_requests(exporter):
        return f"exporter '{name}' only splits what is too large, since its batches have no `min_size`."
    if value_at(queue, ("sizer",)) != "items":
        return ""
    queue_size = value_at(queue, ("queue_size",), _QUEUE_SIZE)
    if isinstance(queue_size, int) and isinstance(least_batch_size, int) and queue_size < least_batch_size:
        return f"the queue of exporter '{name}' has room for {queue_size} items, and a batch has {least_batch_size}."
    return ""


def _exporter_settings(config: Any, name: str) -> Any:
    return mapping_at(config, "exporters").get(name)


def _has_equal_batches(settings: list[Any], exporter: Any) -> bool:
    """Whether processors make equal batches, or their exporter makes its own."""
    return collects_requests(exporter) or all(
        queue_batch_of(processor_settings) == queue_batch_of(settings[0]) for processor_settings in settings
    )


def _describe_choice(exporter: str, settings: Mapping[str, Any]) -> str:
    names = " and ".join(f"'{name}'" for name in settings)
    return f"{names} differ, and '{exporter}' is behind both: make them equal, or give each an exporter of its own."


def _explain_refusal(settings: Any, target: TargetBuild) -> str:
    if isinstance(settings, str):
        return "Its settings are a variable."
    if value_at(settings, ("metadata_keys",)) and not is_from_version(target, _PARTITION_SINCE):
        return f"Queues divide by metadata since {_PARTITION_SINCE}."
    return ""


def queue_batch_of(settings: Any) -> dict[str, Any]:
    """Return `sending_queue.batch` that makes the batches of a processor with these settings."""
    given_settings = {key: value for key, value in mapping_at({BATCH: settings}, BATCH).items() if value is not None}
    size, timeout = given_settings.get("send_batch_size", DEFAULT_SIZE), given_settings.get("timeout", _TIMEOUT)
    if timeout in _ZERO_TIMEOUTS:  # it sends what it gets, at once
        size, timeout = 0, _TIMEOUT
    batch = {"sizer": "items", "min_size": size, "flush_timeout": timeout}
    if given_settings.get("send_batch_max_size"):
        batch["max_size"] = given_settings["send_batch_max_size"]
    if given_settings.get("metadata_keys"):
        batch["partition"] = {"metadata_keys": given_settings["metadata_keys"]}
    return batch


def _build_move(path: Path, plan: _Plan, edits: list[Edit], config: Any, successor: str) -> ConfigChange:
    new_batchers = [
        exporter for exporter in plan.exporters if not collects_requests(_exporter_settings(config, exporter))
    ]
    new_places = [f"{QUEUE}.{BATCH} of {', '.join(new_batchers)}"] * bool(new_batchers) + [successor] * bool(successor)
    title = f"{path[-1]} → {' and '.join(new_places)}" if new_places else f"{path[-1]} removed"
    reasons = [_UPSTREAM_PLAN]
    if not new_places and not plan.reason_by_kept_path:
        reasons.append("What is behind it makes batches, or sends no requests.")
    reasons += [f"Pipeline '{place[2]}': {reason}" for place, reason in plan.reason_by_kept_path.items()]
    if value_at(config, (*path, "metadata_cardinality_limit")):
        reasons.append("A queue has no metadata_cardinality_limit.")
    return ConfigChange(path, title, " ".join(reasons), tuple(edits))


def _edit_exporter_queue(path: Path, settings: Any, processor: Any) -> list[Edit]:
    """Return the edits that give an exporter batches. Its queue has room for as many items as it had in batches.

    A queue in a file knows its size in requests, items and bytes since queues make batches, so it may change the unit.
    """
    queue, batch = value_at(settings, (QUEUE,)), queue_batch_of(processor)
    queue_settings = queue if isinstance(queue, dict) else {}
    queue_size, least_batch_size = (
        queue_settings.get("queue_size", _QUEUE_SIZE),
        batch["min_size"],
    )  # of a queue: requests
    new_settings: dict[str, Any] = {} if collects_requests(settings) else {BATCH: batch}
    if "sizer" not in queue_settings and isinstance(queue_size, int) and isinstance(least_batch_size, int):
        new_settings = {"sizer": "items", "queue_size": queue_size * max(least_batch_size, 1), **new_settings}
    if not isinstance(settings, dict):
        return [Replace(path, ((str(path[-1]), {QUEUE: new_settings}),))]
    if not queue_settings:
        return [
            Replace((*path, QUEUE), ((QUEUE, new_settings),))
            if QUEUE in settings
            else Add((*path, QUEUE), new_settings)
        ]
    value_by_path = {(*path, QUEUE, key): value for key, value in new_settings.items()}
    return [
        Replace(place, ((str(place[-1]), value),)) if place[-1] in queue_settings else Add(place, value)
        for place, value in value_by_path.items()
    ]
