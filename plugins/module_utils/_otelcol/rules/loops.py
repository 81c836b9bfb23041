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

from ..config.paths import at, destination, is_loopback, items, leaves, mappings, section
from ..kube import names
from ..kube.service_names import service_of
from ..needs.pod_logs import PodLogs, glob_matches
from ..traits import EXPORTERS, Trait, types_that
from .components import TELEMETRY
from .subject import Fault, Printer, Subject, about, rules
from .view import Part, View, kind_of

_BASIC = "basic"
# Attributes by which a filter may name a pod of which nothing is known.
_POD_FACTS = ("k8s.namespace.name", "k8s.container.name", "k8s.pod.name", "log.file.path")
# The log of a pod of which nothing is known.
_ANY = PodLogs("daemonset", "namespace", "workload", "container")
# Levels of the Collector's own log at which it shows none of what a debug exporter prints.
_SILENT = ("warn", "warning", "error", "dpanic", "panic", "fatal")
# What makes records of records: each line of the log is one.
_TIMES = {
    "detailed": "prints each record as several lines, each of which comes back as a record",
    "normal": "prints each record as a line, which comes back as a record",
    _BASIC: "prints a line for each batch, which comes back as a record",
}


class Filter(NamedTuple):
    """What drops records on a way: its name, and its settings as text."""

    name: str
    text: str


@about(receivers=["filelog"])
def log_loop(subject: Subject) -> Iterator[Fault]:
    """Yield file_log receivers that read a log to which their own records are printed, so that those come back."""
    own = subject.deployment.logs if subject.deployment else None
    printed = printing_exporters(subject.view)
    for part in subject.view.of("receivers", "filelog"):
        for exporter, on_the_way in _reached(subject.view, part).items():
            printers = subject.printers.get(exporter, ())
            if exporter in printed:
                printers = (Printer("", own, exporter, printed[exporter]), *printers)
            yield from (_fault(part, printer, on_the_way) for printer in printers if _reads(part, printer.logs))


def _fault(part: Part, printer: Printer, on_the_way: Filter | None) -> Fault:
    whose = f"collector '{printer.collector}'" if printer.collector else "this collector"
    glob = printer.logs.glob if printer.logs else ""
    lines = _TIMES.get(printer.verbosity, _TIMES["detailed"])
    message = f"'{part.id}' reads the log of {whose}, in which '{printer.exporter}' {lines}"
    add = f"Add '{glob}' to `exclude`" if glob else "Exclude the log of this collector"
    fix = f"{add}, or remove '{printer.exporter}'."
    if not on_the_way:
        grows = printer.verbosity in ("normal", "detailed") and bool(glob)
        return Fault(part.path, message, fix, severity="" if grows else "warning")
    names = _names(on_the_way.text, printer.logs)
    doubt = f" (unless '{on_the_way.name}'{', which names it,' if names else ''} drops all of them)"
    return Fault(part.path, message + doubt, fix, severity="info" if names else "warning")


def _names(text: str, logs: PodLogs | None) -> bool:
    """Whether a filter names the collector's pod. What it drops of that pod is not known without running it."""
    return any(word in text for word in ((logs.namespace, logs.workload, logs.container) if logs else _POD_FACTS))


def printing_exporters(view: View) -> dict[str, str]:
    """Return the verbosity of each exporter that prints log records to the log of its collector."""
    level = str(at(view.config, ("service", "telemetry", "logs", "level")) or "").lower()
    used = {name for pipeline in view.pipelines if kind_of(pipeline.key) == "logs" for name in pipeline.exporters}
    return {
        part.id: _verbosity(part)
        for part in view.of(EXPORTERS, *types_that(EXPORTERS, Trait.PRINTS))
        if part.id in used and not (level in _SILENT and part.settings.get("use_internal_logger") is not False)
    }


def _verbosity(part: Part) -> str:
    """Return what a debug exporter prints; the former logging exporter prints each record unless its level is high."""
    usual = _BASIC
    if part.kind == "logging":
        loglevel = str(part.settings.get("loglevel") or "info").lower()
        usual = "detailed" if loglevel == "debug" else "normal" if loglevel == "info" else _BASIC
    return str(part.settings.get("verbosity") or usual).lower()


def _reached(view: View, part: Part) -> dict[str, Filter | None]:
    """Return the exporters that the records of a receiver reach, through connectors too, and a filter on the way.

    A way without a filter counts first.
    """
    found: dict[str, Filter | None] = {}
    todo, seen = [(part.id, next(_operators(part), None))], set()
    while todo:
        todo.sort(key=lambda way: way[1] is not None, reverse=True)
        start, before = todo.pop()
        for pipeline in view.pipelines:
            if start not in pipeline.receivers or pipeline.key in seen or kind_of(pipeline.key) != "logs":
                continue
            seen.add(pipeline.key)
            way = before or next(_processors(view, pipeline.processors), None)
            found |= {name: way for name in pipeline.exporters if not way or name not in found}
            todo += [(name, way) for name in pipeline.exporters if name in section(view.config, "connectors")]
    return found


def _operators(part: Part) -> Iterator[Filter]:
    for item in mappings(part.settings, "operators"):
        if item.get("type") in ("filter", "router"):
            yield Filter(f"operator {item['type']}", str(item))


def _processors(view: View, names: Iterable[str]) -> Iterator[Filter]:
    for name in names:
        if kind_of(name) == "filter":
            yield Filter(name, str(section(view.config, "processors").get(name)))


def _reads(part: Part, logs: PodLogs | None) -> bool:
    """Whether a receiver reads a log; of an unknown one that is certain only if it reads all and excludes nothing."""
    include, exclude = _globs(part.settings, "include"), _globs(part.settings, "exclude")
    if logs is None and exclude:
        return False
    return any(
        any(glob_matches(glob, path) for glob in include) and not any(glob_matches(glob, path) for glob in exclude)
        for path in (logs or _ANY).examples
    )


def _globs(settings: Mapping[str, Any], key: str) -> list[str]:
    return [glob for glob in items(settings, key) if isinstance(glob, str)]


_PORT = re.compile(r":(\d{1,5})(?:/|\Z)")
_OWN_ADDRESS = re.compile(r"\$\{(?:env:)?(?:MY|K8S)_POD_IP\}")
_USUAL_PORTS = ("4317", "4318")


def own_telemetry_loop(subject: Subject) -> Iterator[Fault]:
    """Yield telemetry of a collector about itself that it sends to its own receivers."""
    own_ports: set[str] = set()
    for receiver in subject.view.of("receivers", "otlp"):
        own_ports |= set(_ports(receiver))
    if not own_ports:
        return
    for path, value in leaves(at(subject.config, TELEMETRY), TELEMETRY):
        if path[-1] != "endpoint" or not isinstance(value, str):
            continue
        if _is_own_service(value, subject) or _is_own_port(value, own_ports):
            signal = path[2]
            grows = "each of their requests makes more" if signal == "traces" else "they count themselves"
            message = f"the collector's own {signal} come back to its receivers: {grows}, without end"
            yield Fault(path, message, "Send them to another collector, or to a backend.")


def _is_own_port(endpoint: str, own_ports: set[str]) -> bool:
    """Whether an endpoint is one of some ports on this machine."""
    port = _PORT.search(endpoint)
    is_local = _OWN_ADDRESS.search(endpoint) or is_loopback(destination(endpoint)[1])
    return bool(is_local and port and port[1] in own_ports)


def _ports(part: Part) -> Iterator[str]:
    """Yield the ports of an OTLP receiver; a protocol without an endpoint has its usual port."""
    for usual, protocol in zip(_USUAL_PORTS, ("grpc", "http"), strict=True):
        if protocol in section(part.settings, "protocols"):
            found = _PORT.search(str(at(part.settings, ("protocols", protocol, "endpoint"), "")))
            yield found[1] if found else usual


def _is_own_service(endpoint: str, subject: Subject) -> bool:
    logs = subject.deployment.logs if subject.deployment else None
    if logs is None:
        return False
    name = logs.workload
    own = {name, names.headless(name)}
    base = name.removesuffix(names.child(""))
    if names.child(base) == name:
        own |= {base, *names.of_operator(base)}
    namespace, service, _certain = service_of(destination(endpoint)[1], logs.namespace)
    return namespace == logs.namespace and service in own


RULES = (
    *rules("error", log_loop, documentation="https://opentelemetry.io/docs/platforms/kubernetes/collector/components/"),
    *rules("warning", own_telemetry_loop, documentation="https://opentelemetry.io/docs/collector/internal-telemetry/"),
)
