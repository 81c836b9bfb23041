# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the configs of a validation by the rules: configs of files, of a cluster, or in a variable. Private.

`_validate.py` calls `judge_collected` with the configs that `_inputs.py` has found. An example: a config whose pipeline
has the exporter `debgu` becomes a `JudgedConfig` with the finding `service.pipelines.traces.exporters[0]: there is no
exporter 'debgu'`.

Some rules need to know which other collectors send to a config, or get what it sends. So each config also becomes a
`FlowCollector`: the config with the names by which others reach it. module_utils/_otelcol/rules/data_flow.py finds the
senders and receivers among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, value_at
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.data_flow import (
    connect_collectors,
    find_dividing_keys,
    find_receiving_collectors,
)
from ...module_utils._otelcol.rules.findings import Finding, mask_findings, report_internal_error
from ...module_utils._otelcol.rules.flow_collectors import FlowCollector
from ...module_utils._otelcol.rules.instrumentation_rules import find_opened_ports
from ...module_utils._otelcol.rules.rules import lint_config, lint_resource
from ...module_utils._otelcol.rules.subject import Receiving, Subject
from ...module_utils._otelcol.rules.user_rules import UserRules
from ...module_utils._otelcol.rules.view import View
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _builds, _findings, _input_model, _inputs, _tables
from ._build_request import BuildRequest


@dataclass(frozen=True)
class JudgedConfig:
    """A config with its findings, and what `otelcol validate` needs to judge it too."""

    name: str
    """What findings call it: the file, and the object in it if there is one."""
    findings: list[Finding]
    config: Any = None
    """What `otelcol validate` reads; None if there is no config, such as for invalid YAML."""
    locate: Callable[[KeyPath], Position] = field(default=lambda _path: Position())
    """Where the user wrote a part of the config."""
    target: TargetBuild | None = None
    """The build for which the rules judged; None if it is not known."""
    build_label: str = ""
    """The name of that build for the result; empty if no build counts."""


def judge_collected(
    arguments: Mapping[str, Any],
    collected: _input_model.Collected,
    other_collectors: Sequence[FlowCollector],
    user_rules: UserRules,
) -> Iterator[JudgedConfig]:
    """Yield each config and each custom resource with its findings, and then what could not be read.

    `arguments` are those of `pipeline_validate`. `other_collectors` are not judged, but may send to the judged ones or
    get what these send.
    """
    request = BuildRequest.from_arguments(arguments)
    neighbours_of_inputs = _find_neighbours(collected.inputs, other_collectors)
    for config_input, neighbours in zip(collected.inputs, neighbours_of_inputs, strict=True):
        try:
            yield _judge_input(config_input, request, neighbours, user_rules)
        except Problem:  # what the user has to mend, such as a wrong `distribution`: it is wrong for all files
            raise
        except Exception as error:  # a mistake of this collection: the other files are still checked
            position = Position(config_input.file or config_input.name)
            yield JudgedConfig(
                config_input.name, [report_internal_error(f"checking {config_input.name}", error, position)]
            )
    opened_ports = _find_opened_ports(collected.inputs)
    for config_input in collected.custom_resources:
        yield _judge_resource(config_input, opened_ports)
    for chart in collected.chart_findings:
        yield JudgedConfig(chart.position.file, [chart])
    for failure in collected.internal_faults:
        yield JudgedConfig(failure.position.file, [failure])
    for invalid in collected.invalid_yaml:
        yield JudgedConfig(invalid.position.file, [_build_yaml_finding(invalid)])


class _Neighbours(NamedTuple):
    """The collectors before and after one, as the rules need them (`divided` and `receiving` of `Subject`)."""

    routing_keys_by_signal: Mapping[str, set[str]]
    """By which key the collectors before it divide a signal, such as `{"traces": {"traceID"}}`."""
    receivers_by_exporter: Mapping[str, tuple[Receiving, ...]]
    """The collectors that get what an exporter sends."""


def _find_neighbours(
    inputs: Sequence[_input_model.Input], other_collectors: Sequence[FlowCollector]
) -> list[_Neighbours]:
    """Return the neighbours of each input, among all inputs and the other collectors."""
    flow_nodes = connect_collectors([*_build_flow_collectors(inputs), *other_collectors])
    nodes_of_inputs = flow_nodes[: len(inputs)]
    return [_Neighbours(find_dividing_keys(node), find_receiving_collectors(node)) for node in nodes_of_inputs]


def _judge_input(
    config_input: _input_model.Input, request: BuildRequest, neighbours: _Neighbours, user_rules: UserRules
) -> JudgedConfig:
    """Return a config with its findings."""
    platform_context = config_input.platform_context
    target = _builds.resolve_build(request, platform_context.image)
    build_label = _builds.build_label(target, request, platform_context.image)
    subject = Subject(
        config=config_input.config,
        locate=config_input.locate,
        duplicate_keys=config_input.duplicates,
        variable_names=platform_context.environment,
        target=target,
        deployment=platform_context.deployment,
        custom_resource=platform_context.resource,
        listeners=_builds.load_catalogue().listeners,
        partial_routing_keys=neighbours.routing_keys_by_signal,
        receiving_collectors=neighbours.receivers_by_exporter,
        operator_kinds=_tables.read_operator_kinds(),
    )
    findings = mask_findings(lint_config(subject, user_rules), config_input.config, subject.view.suspected_secrets)
    return JudgedConfig(
        name=config_input.name,
        findings=findings,
        config=config_input.config,
        locate=config_input.locate,
        target=target,
        build_label=build_label,
    )


def _find_opened_ports(inputs: Sequence[_input_model.Input]) -> dict[tuple[str, str], frozenset[int]]:
    """Return the ports that the Services of custom resources have, by namespace and name of the Service.

    An example: `{("otel", "gateway-collector"): frozenset({4317, 4318})}`. The rules for Instrumentations compare their
    endpoints with these ports.
    """
    known_listeners = _builds.load_catalogue().listeners
    opened_ports: dict[tuple[str, str], frozenset[int]] = {}
    for config_input in inputs:
        resource = config_input.platform_context.resource
        if resource is None or not isinstance(config_input.config, dict):
            continue
        view = View(config_input.config, known_listeners, is_by_operator=True)
        received_ports = {listener.port for listener in view.listeners}
        service_ports = find_opened_ports(resource, config_input.config, received_ports)
        namespace = str(value_at(resource, ("metadata", "namespace"), ""))
        for service in config_input.platform_context.services:
            opened_ports[namespace, service] = service_ports
    return opened_ports


def _judge_resource(
    config_input: _input_model.Input, opened_ports: Mapping[tuple[str, str], frozenset[int]]
) -> JudgedConfig:
    """Return a custom resource without a config, with its findings."""
    resource = config_input.platform_context.resource
    subject = Subject(
        config=None,
        locate=config_input.locate,
        duplicate_keys=config_input.duplicates,
        custom_resource=resource,
        operator_kinds=_tables.read_operator_kinds(),
        opened_ports=opened_ports,
    )
    return JudgedConfig(config_input.name, mask_findings(lint_resource(subject), resource))


def _build_yaml_finding(invalid: InvalidYaml) -> Finding:
    """Return the finding about a text that is not YAML."""
    return Finding(invalid.position, "", _findings.INVALID_YAML, "error", clean_text(invalid.wrong), invalid.fix)


def find_flow_collectors(objects: Any) -> list[FlowCollector]:
    """Return the collectors in objects of a cluster, with the names of their Services.

    `_diagnose.py` reads all collectors of a cluster with it, and then judges one after the other.
    """
    if not objects:
        return []
    return _build_flow_collectors(_inputs.collect_inputs([], objects).inputs)


def _build_flow_collectors(inputs: Sequence[_input_model.Input]) -> list[FlowCollector]:
    """Return each config with its namespace and the names of its Services."""
    flow_collectors = []
    for config_input in inputs:
        namespace = str(value_at(config_input.found_config.owner, ("metadata", "namespace"), ""))
        services = config_input.platform_context.services
        collector = FlowCollector(name="", namespace=namespace, services=services, config=config_input.config)
        flow_collectors.append(collector)
    return flow_collectors
