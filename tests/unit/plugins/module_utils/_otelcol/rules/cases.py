# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of rules, in YAML: `rule: {name of the case: case}`. All cases of a rule share what its `given` says.

A case changes the smallest correct config. Each key is a path of the config: `exporters.otlp.tls: {insecure: true}`.
`traces: otlp > batch > debug` is a pipeline: receivers, processors, exporters. Without a pipeline in the case, one
pipeline of its `signal` has all components that the case names. `config` replaces the whole config. Other keys:

  finds: "path: words"                  what the rule finds; a case without it is one in which the rule finds nothing
  in: {mode: daemonset, mount_paths: [/a]}   the Deployment; a deployment if `mode` is missing
  build: contrib 0.158.0                the distribution and its version; the distribution `own` has the receiver acme
  environment: [NAME], spec: {}         the variables that are set; the spec of the custom resource
  literals: {NAME: text}                the variables that are given as text
  twice: [receivers.otlp]               the keys that a file has twice
  asked: {otlp: {NAME: [ID, DOES, HEADER, SIGNAL]}}   a header that a collector behind an exporter needs
  receiving: {otlp: {NAME: SETTINGS}}   the collectors behind an exporter, with the settings of their receiver otlp
  opened: {c-collector: [4317]}         the ports of Services of namespace n, of collectors in the same files
  behind: {otlp: [[NAME, LOG, debug, basic]]}  what prints the data that an exporter sends on
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import clean_text
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.network_policies import Policies
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.pod_logs import PodLogs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.started_components import (
    StartedComponent,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.annotated_scrapes import (
    AnnotatedScrape,
    find_annotated_scrapes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import Finding, run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import (
    AskedHeader,
    Deployment,
    Ingress,
    Printer,
    Receiving,
    Subject,
)

from ...helpers import CATALOGUE, OPERATOR_KINDS, Json, rows

BY_ID = {rule.id: rule for rule in RULES}
SECTIONS = {"receivers", "processors", "exporters", "connectors", "extensions", "service"}
SIGNALS = ("traces", "metrics", "logs", "profiles")
_OWN, _ = CATALOGUE.add_manifest("own", {"receivers": [{"gomod": "example.org/acmereceiver v1.0.0"}]}, "0.158.0")


@dataclass(frozen=True)
class Case:
    """A config, and where and in which words one rule complains about it: no path at all means that it does not."""

    rule: str
    name: str
    config: Any
    path: str | None = None
    says: str = ""
    more: Json = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def cases(text: str) -> list[Case]:
    """Return the cases of a text."""
    found = []
    for rule, table in rows(text).items():
        shared = table.pop("given", {})
        found += [case(rule, name, {**shared, **row}) for name, row in table.items()]
    return found


def case(rule: str, name: str, row: Json) -> Case:
    """Return one case of a rule."""
    tree: Json = {}
    for path, value in copy.deepcopy(row).items():
        put(tree, path.split(".") if isinstance(path, str) else [path], value)
    given = {key: tree.pop(key) for key in SURROUNDINGS if key in tree}
    more = {NAMES.get(key, key): SURROUNDINGS[key](value) for key, value in given.items() if value is not None}
    path, _, says = tree.pop("finds", "").partition(": ")
    config = tree["config"] if "config" in tree else completed(tree)
    return Case(rule, name, config, path if says else None, says, more)


def completed(changes: Json) -> Json:
    """Return the smallest correct config with these changes. The docstring of this module says what they are."""
    signal = changes.pop("signal", "traces")
    pipelines = {key: pipeline(changes.pop(key)) for key in list(changes) if str(key).partition("/")[0] in SIGNALS}
    assert set(changes) <= SECTIONS, f"a case has no such keys: {set(changes) - SECTIONS}"
    config = {"receivers": {"otlp": {}}, "exporters": {"debug": {}}, "service": {}, **changes}
    service = config["service"]
    if isinstance(service, dict):
        service.setdefault("extensions", ids(config, "extensions"))
        service.setdefault("pipelines", pipelines or started(config, signal))
    return config


def put(tree: Json, path: list[Any], value: Any) -> None:
    """Set one value of a tree."""
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value


def ids(config: Json, section: str) -> list[Any]:
    """Return the ids of the components in a section."""
    return list(config[section]) if isinstance(config.get(section), dict) else []


def pipeline(text: str) -> Json:
    """Return a pipeline: `receivers > exporters`, or with processors between them."""
    first, *processors, last = ([one.strip() for one in part.split(",")] for part in text.split(">"))
    return {"receivers": first, "processors": [one for part in processors for one in part], "exporters": last}


def started(config: Json, signal: str) -> Json:
    """Return pipelines that start all components; connectors send to a pipeline of their own."""
    first = {role: ids(config, role) for role in ("receivers", "processors", "exporters")}
    connectors = ids(config, "connectors")
    first["exporters"] += connectors
    return {signal: first} | ({"metrics/out": {"receivers": connectors, "exporters": ["debug"]}} if connectors else {})


def target(build: str = "contrib 0.158.0") -> TargetBuild:
    """Return the build that a config is checked against."""
    distribution, version = build.split()
    return TargetBuild(_OWN if distribution == "own" else CATALOGUE, distribution, version)


def deployment(given: Json) -> Deployment:
    """Return where a collector runs."""
    parts: Json = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    for key in ("exposed_ports", "open_ports"):
        if key in parts:
            parts[key] = frozenset((int(port.split("/")[0]), port.split("/")[1]) for port in parts[key])
    if "ingress" in parts:
        parts["ingress"] = ingress(**parts["ingress"])
    if "pod_logs" in parts:
        parts["pod_logs"] = PodLogs(*parts["pod_logs"])
    return Deployment(**{"mode": "deployment", **parts})


def ingress(policies: list[Any], **more: Any) -> Ingress:
    """Return network policies by the ports that each admits; `[]` admits all ports, null admits none."""
    made = [
        {"metadata": {"name": "allow"}, "spec": {"ingress": [{"ports": ports}] if ports is not None else []}}
        for ports in policies
    ]
    return Ingress(Policies(made, {}, "Ingress"), **more)


def printers(given: Json) -> Json:
    """Return what prints the data that each exporter sends on: collector, its log, exporter and verbosity."""
    return {
        exporter: tuple(Printer(name, PodLogs(*logs), *rest) for name, logs, *rest in found)
        for exporter, found in given.items()
    }


def scraping(given: Json) -> tuple[AnnotatedScrape, ...]:
    """Return the jobs of other collectors, by their names; `on` says on which nodes these run."""
    nodes = given.pop("on", "")
    configs = {name: {"config": {"scrape_configs": jobs}} for name, jobs in given.items()}
    parts = {
        name: StartedComponent("receivers", "prometheus", "prometheus", settings) for name, settings in configs.items()
    }
    return tuple(scrape for name, part in parts.items() for scrape in find_annotated_scrapes(part, name, nodes))


def resource(spec: Json) -> Json:
    """Return a custom resource."""
    version, kind = spec.pop("version", "v1beta1"), spec.pop("kind", "OpenTelemetryCollector")
    metadata = {"metadata": {"name": "i", "namespace": "n"}} if kind == "Instrumentation" else {}
    given = {"config": {"service": {}}} if kind == "OpenTelemetryCollector" and version == "v1beta1" else {}
    return {"apiVersion": f"opentelemetry.io/{version}", "kind": kind, **metadata, "spec": {**given, **spec}}


SURROUNDINGS: dict[str, Callable[[Any], Any]] = {
    "in": deployment,
    "build": target,
    "environment": frozenset,
    "literals": dict,
    "spec": resource,
    "behind": printers,
    "senders": tuple,
    "routing": lambda given: {signal: set(keys) for signal, keys in given.items()},
    "unreceived": lambda given: {exporter: tuple(map(tuple, lost)) for exporter, lost in given.items()},
    "unseen": lambda given: {exporter: tuple(names) for exporter, names in given.items()},
    "receiving": lambda given: {
        exporter: tuple(Receiving(name, (settings,)) for name, settings in found.items())
        for exporter, found in given.items()
    },
    "asked": lambda given: {
        exporter: tuple(
            Receiving(name, (), (AskedHeader(component, does, header, frozenset([signal])),))
            for name, (component, does, header, signal) in others.items()
        )
        for exporter, others in given.items()
    },
    "scraping": scraping,
    "nodes": str,
    "opened": lambda given: {("n", service): frozenset(ports) for service, ports in given.items()},
    "twice": lambda paths: tuple((tuple(path.split(".")), Position("a.yml", 4, 3)) for path in paths),
}
NAMES = {
    "in": "deployment",
    "build": "target",
    "environment": "variable_names",
    "literals": "literal_variables",
    "spec": "custom_resource",
    "twice": "duplicate_keys",
    "behind": "printers_by_exporter",
    "senders": "incomplete_senders",
    "routing": "complete_routing_keys",
    "unreceived": "unreceived_signals",
    "unseen": "unseen_collectors",
    "receiving": "receiving_collectors",
    "asked": "receiving_collectors",
    "scraping": "annotated_scrapes",
    "nodes": "node_choice",
    "opened": "opened_ports",
}


def findings(case: Case) -> list[Finding]:
    """Return what the case's rule finds."""
    return run_rules(
        [BY_ID[case.rule]],
        Subject(case.config, listeners=CATALOGUE.listeners, operator_kinds=OPERATOR_KINDS, **case.more),
    )


def check(case: Case) -> None:
    """Assert that the rule finds exactly what the case says."""
    found = findings(case)
    assert [item.path for item in found] == ([] if case.path is None else [clean_text(case.path)])
    for item in found:
        assert item.rule == case.rule
        assert case.says in f"{item.message} {item.fix}"
