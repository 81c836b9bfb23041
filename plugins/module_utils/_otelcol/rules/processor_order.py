# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the order of processors in a pipeline.

Source: "Recommended Processors" and "Ordering" in the Collector's processor/README.md, and the README of each. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import at, items
from ..needs.listeners import Part
from ..traits import CONNECTORS, PROCESSORS, Trait, keeps_nothing, kind_of, traits_of, types_that
from .subject import Fault, Subject, about, rules
from .view import Pipeline

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/README.md"
_SPANMETRICS = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/spanmetricsconnector"
)
_LIMITER = "memorylimiter"
_UID = "k8s.pod.uid"


def memory_limiter_missing(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that receive data without a memory limiter; a burst can end the process."""
    if any(subject.view.of("extensions", _LIMITER)):
        return
    connectors = {part.id for part in subject.view.parts if part.section == "connectors"}
    for pipeline in subject.view.pipelines:
        receives_data = bool(set(pipeline.receivers) - connectors)
        if not receives_data or _index_of(_LIMITER, pipeline) is not None:
            continue
        if not all(keeps_nothing(exporter) for exporter in pipeline.exporters):
            fix = "Put `memory_limiter` first in its processors (recipe baseline does)."
            yield Fault(pipeline.path, f"pipeline '{pipeline.key}' has no memory_limiter", fix)


def memory_limiter_late(subject: Subject) -> Iterator[Fault]:
    """Yield memory limiters that are not the first processor; earlier processors work on data that is then rejected."""
    for pipeline in subject.view.pipelines:
        index = _index_of(_LIMITER, pipeline)
        if index:
            message = f"'{pipeline.processors[index]}' comes after '{pipeline.processors[0]}'"
            fix = "Put it first: rejected data then costs no work, and receivers can slow down their senders."
            yield Fault((*pipeline.path, "processors", index), message, fix)


@about(processors=["k8sattributes"])
def connection_forgotten(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes of received data that need the connection after a processor that drops it."""
    asking = {part.id for part in subject.view.of("processors", "k8sattributes") if _asks_connection(part)}
    if not asking:
        return
    connected = _connected_receivers(subject)
    for pipeline in subject.view.pipelines:
        # Scraped, read and made data have no connection.
        if connected & set(pipeline.receivers) or any(subject.view.graph.feeders(pipeline.key)):
            yield from _behind_regrouping(pipeline, asking)


def _connected_receivers(subject: Subject) -> set[str]:
    """Return the ids of the receivers that listen; all of them if it is not known which do."""
    listeners = subject.listeners
    receivers = [part for part in subject.view.parts if part.section == "receivers"]
    return {part.id for part in receivers if not listeners or (part.section, part.type) in listeners}


def _behind_regrouping(pipeline: Pipeline, asking: set[str]) -> Iterator[Fault]:
    """Yield processors that ask for the connection behind one that puts data of several connections together."""
    regrouping = ""
    for index, name in enumerate(pipeline.processors):
        if regrouping and name in asking:
            message = f"'{name}' finds pods by their connection, which the earlier '{regrouping}' drops"
            yield Fault((*pipeline.path, "processors", index), message, f"Move '{name}' before '{regrouping}'.")
        if not regrouping and Trait.REGROUPS in traits_of(PROCESSORS, name):
            regrouping = name


@about(processors=["k8sattributes"])
def wrong_pod(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that find pods by their connection, where the connection is that of another collector."""
    if not subject.senders:
        return
    senders = " and ".join(f"'{name}'" for name in subject.senders)
    for part in subject.view.of("processors", "k8sattributes"):
        if _asks_connection(part):
            yield _pod_of_sender(part, senders)


def _pod_of_sender(part: Part, senders: str) -> Fault:
    known = _before_connection(part)
    unless = f" unless data has {' or '.join(known)}" if known else ""
    message = (
        f"'{part.id}' finds pods by their connection{unless}: "
        f"data of collector {senders} gets the pods of that collector"
    )
    fix = f"Add recipe kubernetes_attributes to collector {senders}, where the connection is that of the application."
    if _UID in known:
        fix += f" Suppress this if all applications set {_UID}, as auto-instrumentation does with `kubernetes_uids`."
    return Fault(part.path, message, fix)


@about(processors=["tailsampling"])
def sampled_metrics(subject: Subject) -> Iterator[Fault]:
    """Yield connectors behind tail_sampling that make metrics of spans; they count only the spans that it keeps."""
    counting = {part.id for part in subject.view.of("connectors", *types_that(CONNECTORS, Trait.COUNTS_SPANS))}
    for pipeline in subject.view.pipelines:
        sampler_index = _index_of("tailsampling", pipeline)
        if sampler_index is None:
            continue
        sampler = pipeline.processors[sampler_index]
        for index, name in enumerate(pipeline.exporters):
            if name in counting:
                message = f"'{name}' counts only the spans that '{sampler}' keeps"
                fix = f"Send to '{name}' from a pipeline without it, or sample in a collector behind this one."
                yield Fault((*pipeline.path, "exporters", index), message, fix)


def _index_of(kind: str, pipeline: Pipeline) -> int | None:
    """Return the index of the first processor of a kind."""
    for index, name in enumerate(pipeline.processors):
        if kind_of(name) == kind:
            return index
    return None


def _before_connection(part: Part) -> list[str]:
    """Return the attributes that name the pod before the connection does: the first association that fits counts."""
    attributes: list[str] = []
    for association in items(part.settings, "pod_association"):
        if _is_by_connection(association):
            break
        names = [str(at(source, ("name",))) for source in items(association, "sources")]
        attributes.append(" and ".join(names))
    return attributes


def _is_by_connection(association: Any) -> bool:
    """Whether an association asks for the address of the connection."""
    return any(at(source, ("from",)) == "connection" for source in items(association, "sources"))


def _asks_connection(part: Part) -> bool:
    """Whether k8s_attributes need the connection; without associations they ask for it alone."""
    if part.settings.get("passthrough") is True:
        return True
    associations = items(part.settings, "pod_association")
    return not associations or any(_is_by_connection(association) for association in associations)


RULES = (
    *rules("info", memory_limiter_missing, documentation=_DOCUMENTATION),
    *rules("warning", memory_limiter_late, documentation=_DOCUMENTATION),
    *rules("warning", connection_forgotten, wrong_pod, documentation=_DOCUMENTATION),
    *rules("warning", sampled_metrics, documentation=_SPANMETRICS),
)
