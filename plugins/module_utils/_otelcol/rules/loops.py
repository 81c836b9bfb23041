# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on loops: a collector reads the log in which it prints records, or receives what it says of itself.

Sources: the READMEs of file_log and of the debug exporter, and the latter's normal.go and detailed.go. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.addresses import is_loopback, parse_destination
from ..config.paths import iter_leaves, list_at, mapping_at, mappings_at, value_at
from ..kube import names
from ..kube.service_names import resolve_service
from ..needs.file_globs import glob_matches
from ..needs.listeners import StartedComponent
from ..needs.pod_logs import PodLogs
from ..traits import EXPORTERS, Trait, kind_of, types_with_traits
from .configured_components import TELEMETRY
from .subject import Fault, Printer, Subject, about, define_rules
from .view import View

_BASIC = "basic"
# Attributes by which a filter may name a pod of which nothing is known.
_POD_FACTS = ("k8s.namespace.name", "k8s.container.name", "k8s.pod.name", "log.file.path")
# The log of a pod of which nothing is known.
_UNKNOWN_POD_LOGS = PodLogs("daemonset", "namespace", "workload", "container")
# Levels of the Collector's own log at which it shows none of what a debug exporter prints.
_SILENT_LEVELS = ("warn", "warning", "error", "dpanic", "panic", "fatal")
# What the former logging exporter prints, by its level; nothing but a line for each batch at higher ones.
_VERBOSITY_OF_LEVEL = {"debug": "detailed", "info": "normal"}
_PRINTING_EXPORTERS = types_with_traits(EXPORTERS, Trait.PRINTS)
# What happens with each verbosity: the receiver makes a record of each line of the log.
_EFFECT_BY_VERBOSITY = {
    "detailed": "prints each record as several lines, each of which comes back as a record",
    "normal": "prints each record as a line, which comes back as a record",
    _BASIC: "prints a line for each batch, which comes back as a record",
}


class Filter(NamedTuple):
    """What drops records on a way: its name, and its settings as text."""

    name: str
    settings_text: str


class RecordPath(NamedTuple):
    """A receiver or connector from which records go on, and the first filter on their way there, if there is one."""

    start_component: str
    first_filter: Filter | None


@about(receivers=["filelog"])
def log_loop(subject: Subject) -> Iterator[Fault]:
    """Yield file_log receivers that read a log to which their own records are printed, so that those come back."""
    own_log = subject.deployment.logs if subject.deployment else None
    verbosities = find_printing_exporters(subject.view)
    for part in subject.view.find_parts("receivers", "filelog"):
        for exporter, filtered_by in _find_reached_exporters(subject.view, part).items():
            printers = subject.printers.get(exporter, ())
            if exporter in verbosities:
                printers = (Printer("", own_log, exporter, verbosities[exporter]), *printers)
            for printer in printers:
                if _reads_log(part, printer.pod_logs):
                    yield _describe_loop(part, printer, filtered_by)


def _describe_loop(part: StartedComponent, printer: Printer, filtered_by: Filter | None) -> Fault:
    """Return the fault of a receiver that reads what a printer prints; a filter on the way makes it less certain."""
    collector_text = f"collector '{printer.collector}'" if printer.collector else "this collector"
    glob = printer.pod_logs.file_glob if printer.pod_logs else ""
    effect = _EFFECT_BY_VERBOSITY.get(printer.verbosity, _EFFECT_BY_VERBOSITY["detailed"])
    message = f"'{part.id}' reads the log of {collector_text}, in which '{printer.exporter}' {effect}"
    exclusion = f"Add '{glob}' to `exclude`" if glob else "Exclude the log of this collector"
    fix = f"{exclusion}, or remove '{printer.exporter}'."
    if filtered_by is None:
        multiplies = printer.verbosity in ("normal", "detailed") and bool(glob)
        return Fault(part.path, message, fix, severity="" if multiplies else "warning")
    if _names_pod(filtered_by.settings_text, printer.pod_logs):
        doubt = f"unless '{filtered_by.name}', which names it, drops all of them"
        return Fault(part.path, f"{message} ({doubt})", fix, severity="info")
    doubt = f"unless '{filtered_by.name}' drops all of them"
    return Fault(part.path, f"{message} ({doubt})", fix, severity="warning")


def _names_pod(text: str, logs: PodLogs | None) -> bool:
    """Whether a filter names the collector's pod. What it drops of that pod is not known without running it."""
    words = (logs.namespace, logs.workload, logs.container) if logs else _POD_FACTS
    return any(word in text for word in words)


def find_printing_exporters(view: View) -> dict[str, str]:
    """Return the verbosity of each exporter that prints log records to the log of its collector."""
    level = str(value_at(view.config, ("service", "telemetry", "logs", "level")) or "").lower()
    used_exporters: set[str] = set()
    for pipeline in view.pipelines:
        if kind_of(pipeline.key) == "logs":
            used_exporters.update(pipeline.exporters)
    verbosities: dict[str, str] = {}
    for part in view.find_parts(EXPORTERS, *_PRINTING_EXPORTERS):
        is_silent = level in _SILENT_LEVELS and part.settings.get("use_internal_logger") is not False
        if part.id in used_exporters and not is_silent:
            verbosities[part.id] = _find_verbosity(part)
    return verbosities


def _find_verbosity(part: StartedComponent) -> str:
    """Return what a debug exporter prints; the former logging exporter prints each record unless its level is high."""
    verbosity = part.settings.get("verbosity")
    if verbosity:
        return str(verbosity).lower()
    if part.kind != "logging":
        return _BASIC
    level = str(part.settings.get("loglevel") or "info").lower()
    return _VERBOSITY_OF_LEVEL.get(level, _BASIC)


def _find_reached_exporters(view: View, part: StartedComponent) -> dict[str, Filter | None]:
    """Return the exporters that the records of a receiver reach, through connectors too, and a filter on the way.

    A way without a filter counts first.
    """
    connectors = mapping_at(view.config, "connectors")
    reached: dict[str, Filter | None] = {}
    remaining_pipelines = [pipeline for pipeline in view.pipelines if kind_of(pipeline.key) == "logs"]
    ways = [RecordPath(part.id, next(_find_filtering_operators(part), None))]
    while ways:
        ways.sort(key=lambda way: way.first_filter is not None, reverse=True)
        start, earlier_filter = ways.pop()
        fed_pipelines = [pipeline for pipeline in remaining_pipelines if start in pipeline.receivers]
        for pipeline in fed_pipelines:
            remaining_pipelines.remove(pipeline)
            filtered_by = earlier_filter or next(_find_filtering_processors(view, pipeline.processors), None)
            for exporter_id in pipeline.exporters:
                if filtered_by is None or exporter_id not in reached:
                    reached[exporter_id] = filtered_by
                if exporter_id in connectors:
                    ways.append(RecordPath(exporter_id, filtered_by))
    return reached


def _find_filtering_operators(part: StartedComponent) -> Iterator[Filter]:
    """Yield the operators of a receiver that may drop records."""
    for operator in mappings_at(part.settings, "operators"):
        if operator.get("type") in ("filter", "router"):
            yield Filter(f"operator {operator['type']}", str(operator))


def _find_filtering_processors(view: View, processors: Iterable[str]) -> Iterator[Filter]:
    """Yield the processors of a pipeline that may drop records."""
    for name in processors:
        if kind_of(name) == "filter":
            yield Filter(name, str(mapping_at(view.config, "processors").get(name)))


def _reads_log(part: StartedComponent, logs: PodLogs | None) -> bool:
    """Whether a receiver reads a log.

    If the log is unknown, only a receiver that excludes nothing and would read any log counts.
    """
    include, exclude = _list_valid_globs(part.settings, "include"), _list_valid_globs(part.settings, "exclude")
    if logs is None and exclude:
        return False
    examples = (logs or _UNKNOWN_POD_LOGS).example_paths
    return any(_matches_any_glob(path, include) and not _matches_any_glob(path, exclude) for path in examples)


def _matches_any_glob(path: str, globs: Iterable[str]) -> bool:
    return any(glob_matches(glob, path) for glob in globs)


def _list_valid_globs(settings: Mapping[str, Any], key: str) -> list[str]:
    return [glob for glob in list_at(settings, key) if isinstance(glob, str)]


# The port of an address or URL, and the own IP of the pod as a variable, such as `${env:MY_POD_IP}`.
_PORT = re.compile(r":(\d{1,5})(?:/|\Z)")
_OWN_ADDRESS = re.compile(r"\$\{(?:env:)?(?:MY|K8S)_POD_IP\}")
_USUAL_PORTS = {"grpc": "4317", "http": "4318"}


def own_telemetry_loop(subject: Subject) -> Iterator[Fault]:
    """Yield telemetry of a collector about itself that it sends to its own receivers."""
    own_ports: set[str] = set()
    for receiver in subject.view.find_parts("receivers", "otlp"):
        own_ports.update(_list_otlp_ports(receiver))
    if not own_ports:
        return
    for path, value in iter_leaves(value_at(subject.config, TELEMETRY), TELEMETRY):
        if path[-1] != "endpoint" or not isinstance(value, str):
            continue
        if _is_own_service(value, subject) or _is_own_port(value, own_ports):
            signal = path[2]
            effect = "each of their requests makes more" if signal == "traces" else "they count themselves"
            message = f"the collector's own {signal} come back to its receivers: {effect}, without end"
            yield Fault(path, message, "Send them to another collector, or to a backend.")


def _is_own_port(endpoint: str, own_ports: set[str]) -> bool:
    """Whether an endpoint is one of some ports on this machine."""
    port_match = _PORT.search(endpoint)
    is_local = _OWN_ADDRESS.search(endpoint) or is_loopback(parse_destination(endpoint).host)
    return bool(is_local and port_match and port_match[1] in own_ports)


def _list_otlp_ports(part: StartedComponent) -> Iterator[str]:
    """Yield the ports of an OTLP receiver; a protocol without an endpoint has its usual port."""
    protocols = mapping_at(part.settings, "protocols")
    for protocol, usual_port in _USUAL_PORTS.items():
        if protocol in protocols:
            port_match = _PORT.search(str(value_at(protocols, (protocol, "endpoint"), "")))
            yield port_match[1] if port_match else usual_port


def _is_own_service(endpoint: str, subject: Subject) -> bool:
    """Whether an endpoint is a Service of the collector itself, as far as its workload is known."""
    logs = subject.deployment.logs if subject.deployment else None
    if logs is None:
        return False
    workload = logs.workload
    own_services = {workload, names.headless_service_name(workload)}
    resource_name = workload.removesuffix(names.operator_child_name(""))
    is_of_operator = names.operator_child_name(resource_name) == workload
    if is_of_operator:
        own_services |= {resource_name, *names.list_operator_names(resource_name)}
    service = resolve_service(parse_destination(endpoint).host, logs.namespace)
    return service.namespace == logs.namespace and service.name in own_services


RULES = (
    *define_rules(
        "error", log_loop, documentation="https://opentelemetry.io/docs/platforms/kubernetes/collector/components/"
    ),
    *define_rules(
        "warning", own_telemetry_loop, documentation="https://opentelemetry.io/docs/collector/internal-telemetry/"
    ),
)
