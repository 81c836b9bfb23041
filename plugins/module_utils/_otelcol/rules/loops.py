# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on loops: a collector reads the log in which it prints records, or receives what it says of itself.

Sources: the READMEs of file_log and of the debug exporter, and the latter's normal.go and detailed.go. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.file_log: warning [log-loop] 'file_log' reads the log of this collector, in which 'debug' prints a
    line for each batch, which comes back as a record. Exclude the log of this collector, or remove 'debug'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..config.addresses import is_loopback, parse_destination
from ..config.paths import iter_leaves, list_at, mapping_at, value_at
from ..kube import names
from ..kube.operator_names import list_operator_names, operator_workload_name
from ..kube.service_names import resolve_service
from ..needs.file_globs import glob_matches
from ..needs.pod_logs import PodLogs
from ..needs.started_components import StartedComponent
from .configured_components import TELEMETRY
from .printing_exporters import BASIC, find_printing_exporters
from .reached_exporters import RecordFilter, find_reached_exporters
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Printer, Subject

# Parts of the settings of a filter that show that it tells pods apart, if nothing is known of the pod itself.
_POD_FACTS = ("k8s.namespace.name", "k8s.container.name", "k8s.pod.name", "log.file.path")
# Stands for the log of a pod of which nothing is known.
_UNKNOWN_POD_LOGS = PodLogs("daemonset", "namespace", "workload", "container")
# What happens with each verbosity: the receiver makes a record of each line of the log.
_EFFECT_BY_VERBOSITY = {
    "detailed": "prints each record as several lines, each of which comes back as a record",
    "normal": "prints each record as a line, which comes back as a record",
    BASIC: "prints a line for each batch, which comes back as a record",
}


@about(receivers=["filelog"])
def log_loop(subject: Subject) -> Iterator[Fault]:
    """Yield file_log receivers that read a log to which their own records are printed, so that those come back."""
    own_log = subject.deployment.pod_logs if subject.deployment else None
    verbosities = find_printing_exporters(subject.view)
    for part in subject.view.find_parts("receivers", "filelog"):
        for exporter, first_filter in find_reached_exporters(subject.view, part).items():
            printers = subject.printers_by_exporter.get(exporter, ())
            if exporter in verbosities:
                printers = (Printer("", own_log, exporter, verbosities[exporter]), *printers)
            for printer in printers:
                if _reads_log(part, printer.pod_logs):
                    yield _describe_loop(part, printer, first_filter)


def _describe_loop(part: StartedComponent, printer: Printer, first_filter: RecordFilter | None) -> Fault:
    """Return the fault of a receiver that reads what a printer prints; a filter in between makes it less certain.

    | filter | log of the collector | printed | severity |
    |---|---|---|---|
    | none | known | each record, so that records multiply | error, that of the rule |
    | none | known | a line for each batch | warning |
    | none | unknown | anything | warning |
    | one that does not name the pod | | | warning |
    | one that names the pod | | | info |
    """
    collector_text = f"collector '{printer.collector}'" if printer.collector else "this collector"
    glob = printer.pod_logs.file_glob if printer.pod_logs else ""
    effect = _EFFECT_BY_VERBOSITY.get(printer.verbosity, _EFFECT_BY_VERBOSITY["detailed"])
    message = f"'{part.id}' reads the log of {collector_text}, in which '{printer.exporter}' {effect}"
    exclusion = f"Add '{glob}' to `exclude`" if glob else "Exclude the log of this collector"
    fix = f"{exclusion}, or remove '{printer.exporter}'."
    if first_filter is None:
        multiplies = printer.verbosity in ("normal", "detailed") and bool(glob)
        return Fault(part.path, message, fix, severity=SEVERITY_OF_RULE if multiplies else "warning")
    if _names_pod(first_filter.settings_text, printer.pod_logs):
        doubt = f"unless '{first_filter.name}', which names it, drops all of them"
        return Fault(part.path, f"{message} ({doubt})", fix, severity="info")
    doubt = f"unless '{first_filter.name}' drops all of them"
    return Fault(part.path, f"{message} ({doubt})", fix, severity="warning")


def _names_pod(text: str, logs: PodLogs | None) -> bool:
    """Whether the settings of a filter name the collector's pod. Only a run would show what it drops of that pod."""
    words = (logs.namespace, logs.workload, logs.container) if logs else _POD_FACTS
    return any(word in text for word in words)


def _reads_log(part: StartedComponent, logs: PodLogs | None) -> bool:
    """Whether a receiver reads the files of a log.

    If these are not known, it certainly reads them only if it excludes nothing and reads the logs of all pods.
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


# The port of an address or URL: `4317` of `localhost:4317` and of `http://localhost:4317/v1/logs`.
_PORT = re.compile(r":(\d{1,5})(?:/|\Z)")
# The address of the own pod, as a variable: `${env:MY_POD_IP}`.
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
            _service, _telemetry, signal, *_others = path
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
    """Whether an endpoint is a Service of the collector itself: for workload `gw`, `gw` or `gw-headless`, for example.

    A workload that the operator makes of the custom resource `gw` is `gw-collector`, with Services for both names.
    """
    logs = subject.deployment.pod_logs if subject.deployment else None
    if logs is None:
        return False
    workload = logs.workload
    own_services = {workload, names.headless_service_name(workload)}
    resource_name = workload.removesuffix(operator_workload_name(""))
    is_of_operator = operator_workload_name(resource_name) == workload
    if is_of_operator:
        own_services |= {resource_name, *list_operator_names(resource_name)}
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
