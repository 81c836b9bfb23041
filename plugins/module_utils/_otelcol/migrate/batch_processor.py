# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor `batch` moved into the queues of the exporters behind it, with sizes and times that stay as they are.

The processor stays where only it can do the work: before a processor that groups data, before several exporters that
share its batches, and before an exporter without batches of its own.
Source: docs/rfcs/batching-migration.md of the Collector; processor/batchprocessor/{config,batch_processor}.go and
exporter/exporterhelper/internal/queuebatch/config.go for settings and defaults. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import Path, at, items, section
from ..config.pipelines import PipelineGraph
from ..rules.batching import BATCH, BY_DEFAULT, GONE, QUEUE, WARNED, can_batch, collects_requests, from_version
from ..rules.build_facts import Target
from ..traits import PROCESSORS, Trait, kind_of, sends_nothing, traits_of
from .data_edits import Add, Change, Drop, Edit, Put, Replace, Unsolved, type_of, with_type

# What the processor and a queue do without settings.
DEFAULT_SIZE, _TIMEOUT, _QUEUE_SIZE = 8192, "200ms", 1000
_ZERO = ("0", "0s", "0ms", 0)
# From which version on a queue makes a batch for each value of metadata.
_PARTITION = "0.147.0"
# The processor with a queue, by its names from the newest on. A few builds have it.
_WITH_QUEUE = ("queue_batch", "queuebatch")
_WHY = f"Upstream plans batches in exporters by default from {BY_DEFAULT} on, and to remove the processor in {GONE}."


@dataclass
class _Plan:
    """What becomes of one batch processor: its exporters, its places that go, and those that stay, with the reason."""

    exporters: dict[str, None] = field(default_factory=dict)
    leaves: list[Path] = field(default_factory=list)
    stays: dict[Path, str] = field(default_factory=dict)


def batches(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield every batch processor, from the version on that warns of it beside batches in exporters."""
    if from_version(target, WARNED):
        yield from to_exporters(config, target)


def to_exporters(config: Any, target: Target, counted: bool = True) -> Iterator[Change | Unsolved]:
    """Yield every batch processor whose work the exporters behind it can do, or why they cannot.

    A batch that is not `counted` may have fewer records than the processor makes, such as where a queue is smaller.
    """
    processors = section(config, "processors")
    plans = {name: _plan(name, config, target, counted) for name in processors if type_of(name) == BATCH}
    batching = _processors_by_exporter(plans, processors)
    done: set[str] = set()
    for name, plan in plans.items():
        path: Path = ("processors", name)
        successor = _successor(name, config, target) if plan.stays else ""
        if not (plan.leaves or successor or from_version(target, GONE)):
            continue
        why = _refusal(processors[name], target) or _disagreement(plan, batching, config)
        if why:
            yield Unsolved(path, f"'{name}' stays", why)
            continue
        edits: list[Edit] = []
        for exporter in plan.exporters:
            if exporter not in done:
                edits += _queued(("exporters", exporter), _exporter(config, exporter), processors[name])
        done.update(plan.exporters)
        edits += _unlisted(path, plan, successor, config, target)
        yield _moved(path, plan, edits, config, successor)


def _processors_by_exporter(plans: Mapping[str, _Plan], processors: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each exporter the processors, with their settings, whose batches it would make."""
    found: dict[str, dict[str, Any]] = {}
    for name, plan in plans.items():
        for exporter in plan.exporters:
            found.setdefault(exporter, {})[name] = processors[name]
    return found


def _disagreement(plan: _Plan, batching: Mapping[str, Mapping[str, Any]], config: Any) -> str:
    """Return why an exporter cannot take over: several processors want different batches of it."""
    for exporter in plan.exporters:
        wishes = batching[exporter]
        if not _agree(list(wishes.values()), _exporter(config, exporter)):
            return _choice(exporter, wishes)
    return ""


def _plan(name: str, config: Any, target: Target, counted: bool) -> _Plan:
    plan, graph = _Plan(), PipelineGraph.of(config)
    for pipeline, roles in section(config, "service", "pipelines").items():
        processors = items(roles, "processors")
        if name not in processors:
            continue
        index = processors.index(name)
        place: Path = ("service", "pipelines", pipeline, "processors", index)
        senders = list(dict.fromkeys(_senders(pipeline, graph)))
        lasting = any(_lasts(_exporter(config, one)) for one in senders)
        least = batch_of(section(config, "processors")[name])["min_size"] if counted else 0
        why = _shared(processors[index + 1 :], senders, lasting, target) or _unable(least, senders, config, target)
        if why:
            plan.stays[place] = why
        else:
            plan.leaves.append(place)
            plan.exporters.update(dict.fromkeys(senders))
    return plan


def _successor(name: str, config: Any, target: Target) -> str:
    """Return the id of the processor that takes the place of one, if the build has it."""
    for kind in _WITH_QUEUE:
        if target.catalogue.find("processors", kind, target.distribution, target.version):
            successor = with_type(name, kind)
            return "" if successor in section(config, "processors") else successor
    return ""


def _unlisted(path: Path, plan: _Plan, successor: str, config: Any, target: Target) -> Iterator[Edit]:
    """Yield the edits that take a processor, or put its successor, where pipelines list it and where it is defined."""
    yield from (Drop(place) for place in plan.leaves)
    if successor:
        yield from (Put(place, successor) for place in plan.stays)
        yield Replace(path, ((successor, {BATCH: batch_of(at(config, path))}),))
    elif not plan.stays or from_version(target, GONE):
        yield from (Drop(place) for place in plan.stays)
        yield Replace(path)


def _senders(pipeline: str, graph: PipelineGraph, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the exporters to which the requests of a pipeline lead, through connectors that hand them on too."""
    for name in graph.listed(pipeline, "exporters"):
        if name not in graph.connectors and not sends_nothing(name):
            yield name
        for other in graph.behind(pipeline, name):
            batches_again = any(kind_of(processor) == BATCH for processor in graph.listed(other, "processors"))
            if other not in seen and not batches_again:
                yield from _senders(other, graph, (*seen, pipeline))


def _lasts(exporter: Any) -> bool:
    """Whether an exporter keeps what it took: on a disk, or until the destination has it.

    A processor before it that collects requests in memory would break that promise.
    """
    queue = at(exporter, (QUEUE,))
    return bool(at(queue, ("storage",))) or at(queue, ("wait_for_result",)) is True


def _shared(behind: list[Any], senders: list[str], lasting: bool, target: Target) -> str:
    """Return why a batch is for more than one exporter's request. Exporters that make batches by default share none."""
    for processor in behind:
        if isinstance(processor, str) and Trait.GROUPS in traits_of(PROCESSORS, processor):
            return f"'{processor}' finds more in a batch than in a single request."
    if len(senders) <= 1 or lasting:
        return ""
    batches_by_default = from_version(target, BY_DEFAULT)
    if _successor(BATCH, {}, target) or not batches_by_default:
        return f"{', '.join(senders)} share its batches."
    return ""


def _unable(least: Any, senders: list[str], config: Any, target: Target) -> str:
    """Return why an exporter cannot make batches of at least so many items; empty text if all can."""
    for name in senders:
        if not can_batch(target, name):
            return f"exporter '{name}' would send unbatched after the move."
        why = _why_unable(least, name, _exporter(config, name))
        if why:
            return why
    return ""


def _why_unable(least: Any, name: str, exporter: Any) -> str:
    """Return why the queue of an exporter cannot make such batches."""
    queue = at(exporter, (QUEUE,))
    if isinstance(queue, str) or at(queue, ("enabled",)) not in (None, True):
        return f"exporter '{name}' may have no queue, which would make the batches."
    if at(queue, (BATCH,)) is not None and not collects_requests(exporter):
        return f"exporter '{name}' only splits what is too large, since its batches have no `min_size`."
    if at(queue, ("sizer",)) != "items":
        return ""
    room = at(queue, ("queue_size",), _QUEUE_SIZE)
    if isinstance(room, int) and isinstance(least, int) and room < least:
        return f"the queue of exporter '{name}' has room for {room} items, and a batch has {least}."
    return ""


def _exporter(config: Any, name: str) -> Any:
    return section(config, "exporters").get(name)


def _agree(settings: list[Any], exporter: Any) -> bool:
    """Whether processors make equal batches, or their exporter makes its own."""
    return collects_requests(exporter) or all(batch_of(one) == batch_of(settings[0]) for one in settings)


def _choice(exporter: str, settings: Mapping[str, Any]) -> str:
    names = " and ".join(f"'{name}'" for name in settings)
    return f"{names} differ, and '{exporter}' is behind both: make them equal, or give each an exporter of its own."


def _refusal(settings: Any, target: Target) -> str:
    if isinstance(settings, str):
        return "Its settings are a variable."
    if at(settings, ("metadata_keys",)) and not from_version(target, _PARTITION):
        return f"Queues divide by metadata since {_PARTITION}."
    return ""


def batch_of(settings: Any) -> dict[str, Any]:
    """Return `sending_queue.batch` that makes the batches of a processor with these settings."""
    own = {key: value for key, value in section({BATCH: settings}, BATCH).items() if value is not None}
    size, timeout = own.get("send_batch_size", DEFAULT_SIZE), own.get("timeout", _TIMEOUT)
    if timeout in _ZERO:  # it sends what it gets, at once
        size, timeout = 0, _TIMEOUT
    batch = {"sizer": "items", "min_size": size, "flush_timeout": timeout}
    if own.get("send_batch_max_size"):
        batch["max_size"] = own["send_batch_max_size"]
    if own.get("metadata_keys"):
        batch["partition"] = {"metadata_keys": own["metadata_keys"]}
    return batch


def _moved(path: Path, plan: _Plan, edits: list[Edit], config: Any, successor: str) -> Change:
    to = [one for one in plan.exporters if not collects_requests(_exporter(config, one))]
    ends = [f"{QUEUE}.{BATCH} of {', '.join(to)}"] * bool(to) + [successor] * bool(successor)
    what = f"{path[-1]} → {' and '.join(ends)}" if ends else f"{path[-1]} removed"
    whys = [_WHY]
    if not ends and not plan.stays:
        whys.append("What is behind it makes batches, or sends no requests.")
    whys += [f"Pipeline '{place[2]}': {why}" for place, why in plan.stays.items()]
    if at(config, (*path, "metadata_cardinality_limit")):
        whys.append("A queue has no metadata_cardinality_limit.")
    return Change(path, what, " ".join(whys), tuple(edits))


def _queued(path: Path, settings: Any, processor: Any) -> list[Edit]:
    """Return the edits that give an exporter batches. Its queue has room for as many items as it had in batches.

    A queue in a file knows its size in requests, items and bytes since queues make batches, so it may change the unit.
    """
    queue, batch = at(settings, (QUEUE,)), batch_of(processor)
    own = queue if isinstance(queue, dict) else {}
    size, least = own.get("queue_size", _QUEUE_SIZE), batch["min_size"]  # of a queue: requests
    new: dict[str, Any] = {} if collects_requests(settings) else {BATCH: batch}
    if "sizer" not in own and isinstance(size, int) and isinstance(least, int):
        new = {"sizer": "items", "queue_size": size * max(least, 1), **new}
    if not isinstance(settings, dict):
        return [Replace(path, ((str(path[-1]), {QUEUE: new}),))]
    if not own:
        return [Replace((*path, QUEUE), ((QUEUE, new),)) if QUEUE in settings else Add((*path, QUEUE), new)]
    places = {(*path, QUEUE, key): value for key, value in new.items()}
    return [
        Replace(place, ((str(place[-1]), value),)) if place[-1] in own else Add(place, value)
        for place, value in places.items()
    ]
