# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the order of processors in a pipeline.

Source: "Recommended Processors" and "Ordering" in the Collector's processor/README.md, and the README of each. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.pipelines.traces.processors[1]: warning [memory-limiter-late] 'memory_limiter' comes after 'batch'. Put
    it first: rejected data then costs no work, and receivers can slow down their senders.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.paths import list_at, value_at
from ..needs.started_components import StartedComponent
from ..traits import CONNECTORS, PROCESSORS, Trait, keeps_nothing, kind_of, traits_of, types_with_traits
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .view import Pipeline

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/README.md"
_SPANMETRICS = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/spanmetricsconnector"
)
_LIMITER_KIND = "memorylimiter"
_POD_UID = "k8s.pod.uid"


def memory_limiter_missing(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines that receive data without a memory limiter; a burst can end the process."""
    # The extension memory_limiter refuses data at the receivers, before any pipeline.
    if any(subject.view.find_parts("extensions", _LIMITER_KIND)):
        return
    connectors = {part.id for part in subject.view.started_components if part.section == "connectors"}
    for pipeline in subject.view.pipelines:
        receives_data = bool(set(pipeline.receivers) - connectors)
        if not receives_data or _find_index_of_kind(_LIMITER_KIND, pipeline) is not None:
            continue
        if not all(keeps_nothing(exporter) for exporter in pipeline.exporters):
            fix = "Put `memory_limiter` first in its processors (recipe baseline does)."
            yield Fault(pipeline.config_path, f"pipeline '{pipeline.key}' has no memory_limiter", fix)


def memory_limiter_late(subject: Subject) -> Iterator[Fault]:
    """Yield memory limiters that are not the first processor; earlier processors work on data that is then rejected."""
    for pipeline in subject.view.pipelines:
        index = _find_index_of_kind(_LIMITER_KIND, pipeline)
        if index:  # neither None, without a limiter, nor 0, the first place
            message = f"'{pipeline.processors[index]}' comes after '{pipeline.processors[0]}'"
            fix = "Put it first: rejected data then costs no work, and receivers can slow down their senders."
            yield Fault((*pipeline.config_path, "processors", index), message, fix)


@about(processors=["k8sattributes"])
def connection_forgotten(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes of received data that need the connection after a processor that drops it."""
    asking_ids = {part.id for part in subject.view.find_parts("processors", "k8sattributes") if _needs_connection(part)}
    if not asking_ids:
        return
    connected_receiver_ids = _list_listening_receivers(subject)
    for pipeline in subject.view.pipelines:
        # Scraped, read and made data have no connection.
        if connected_receiver_ids & set(pipeline.receivers) or any(
            subject.view.pipeline_graph.find_feeders(pipeline.key)
        ):
            yield from _find_askers_behind_regrouping(pipeline, asking_ids)


def _list_listening_receivers(subject: Subject) -> set[str]:
    """Return the ids of the receivers that listen; all of them if it is not known which do."""
    listeners = subject.listeners
    receivers = [part for part in subject.view.started_components if part.section == "receivers"]
    return {part.id for part in receivers if not listeners or (part.section, part.type) in listeners}


def _find_askers_behind_regrouping(pipeline: Pipeline, asking_ids: set[str]) -> Iterator[Fault]:
    """Yield processors that ask for the connection behind one that puts data of several connections together."""
    regrouping_processor = ""
    for index, processor in enumerate(pipeline.processors):
        if regrouping_processor and processor in asking_ids:
            message = f"'{processor}' finds pods by their connection, which the earlier '{regrouping_processor}' drops"
            yield Fault(
                (*pipeline.config_path, "processors", index),
                message,
                f"Move '{processor}' before '{regrouping_processor}'.",
            )
        if not regrouping_processor and Trait.REGROUPS in traits_of(PROCESSORS, processor):
            regrouping_processor = processor


@about(processors=["k8sattributes"])
def wrong_pod(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that find pods by their connection, where the connection is that of another collector."""
    if not subject.incomplete_senders:
        return
    quoted_senders = " and ".join(f"'{sender}'" for sender in subject.incomplete_senders)
    for part in subject.view.find_parts("processors", "k8sattributes"):
        if _needs_connection(part):
            yield _report_pod_of_sender(part, quoted_senders)


def _report_pod_of_sender(part: StartedComponent, quoted_senders: str) -> Fault:
    earlier_attributes = _list_attributes_before(part)
    exception_clause = f" unless data has {' or '.join(earlier_attributes)}" if earlier_attributes else ""
    message = (
        f"'{part.id}' finds pods by their connection{exception_clause}: "
        f"data of collector {quoted_senders} gets the pods of that collector"
    )
    fix = (
        f"Add recipe kubernetes_attributes to collector {quoted_senders}, where the connection is that of the"
        " application."
    )
    if _POD_UID in earlier_attributes:
        fix += (
            f" Suppress this if all applications set {_POD_UID}, as auto-instrumentation does with `kubernetes_uids`."
        )
    return Fault(part.path, message, fix)


@about(processors=["tailsampling"])
def sampled_metrics(subject: Subject) -> Iterator[Fault]:
    """Yield connectors behind tail_sampling that make metrics of spans; they count only the spans that it keeps."""
    counting_connectors = {
        part.id for part in subject.view.find_parts("connectors", *types_with_traits(CONNECTORS, Trait.COUNTS_SPANS))
    }
    for pipeline in subject.view.pipelines:
        sampler_index = _find_index_of_kind("tailsampling", pipeline)
        if sampler_index is None:
            continue
        sampler = pipeline.processors[sampler_index]
        for index, exporter in enumerate(pipeline.exporters):
            if exporter in counting_connectors:
                message = f"'{exporter}' counts only the spans that '{sampler}' keeps"
                fix = f"Send to '{exporter}' from a pipeline without it, or sample in a collector behind this one."
                yield Fault((*pipeline.config_path, "exporters", index), message, fix)


def _find_index_of_kind(kind: str, pipeline: Pipeline) -> int | None:
    """Return the index of the first processor of a kind."""
    for index, processor in enumerate(pipeline.processors):
        if kind_of(processor) == kind:
            return index
    return None


def _list_attributes_before(part: StartedComponent) -> list[str]:
    """Return the attributes that name the pod before the connection does: the first association that fits counts."""
    attributes: list[str] = []
    for association in list_at(part.settings, "pod_association"):
        if _is_by_connection(association):
            break
        names = [str(value_at(source, ("name",))) for source in list_at(association, "sources")]
        attributes.append(" and ".join(names))
    return attributes


def _is_by_connection(association: Any) -> bool:
    """Whether an association asks for the address of the connection."""
    return any(value_at(source, ("from",)) == "connection" for source in list_at(association, "sources"))


def _needs_connection(part: StartedComponent) -> bool:
    """Whether k8s_attributes need the connection; without associations they ask for it alone."""
    if part.settings.get("passthrough") is True:
        return True
    associations = list_at(part.settings, "pod_association")
    return not associations or any(_is_by_connection(association) for association in associations)


RULES = (
    *define_rules("info", memory_limiter_missing, documentation=_DOCUMENTATION),
    *define_rules("warning", memory_limiter_late, documentation=_DOCUMENTATION),
    *define_rules("warning", connection_forgotten, wrong_pod, documentation=_DOCUMENTATION),
    *define_rules("warning", sampled_metrics, documentation=_SPANMETRICS),
)
