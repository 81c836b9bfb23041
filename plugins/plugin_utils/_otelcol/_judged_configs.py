# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the configs of a validation by the rules: configs of files, of a cluster, or in a variable. Private.

`_validate.py` calls `judge_collected` with what `_inputs.py` has found. An example: a config whose pipeline has the
exporter `debgu` is a `JudgedConfig` with the finding `service.pipelines.traces.exporters[0]: there is no exporter
'debgu'`. A hop is a collector as part of the way of the data, see data_flow.py: rules need to know who else sends to a
config, or gets what it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, value_at
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.data_flow import (
    find_dividing_keys,
    find_receiving_collectors,
    find_routes,
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
    other_hops: Sequence[FlowCollector],
    user_rules: UserRules,
) -> Iterator[JudgedConfig]:
    """Yield each config and each custom resource with its findings, and then what could not be read.

    `arguments` are those of `pipeline_validate`. `other_hops` are collectors that are not judged.
    """
    request = BuildRequest.from_arguments(arguments)
    all_hops = [*_build_hops(collected.inputs), *other_hops]
    receivers_behind = find_receiving_collectors(all_hops, find_routes(all_hops))
    for config_input, divided_keys, receivers in zip(
        collected.inputs, find_dividing_keys(all_hops), receivers_behind, strict=False
    ):
        try:
            yield _judge_input(config_input, request, divided_keys, receivers, user_rules)
        except Problem:
            raise
        except Exception as error:  # the other files are still checked
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


def _judge_input(
    config_input: _input_model.Input,
    request: BuildRequest,
    divided_keys: Mapping[str, set[str]],
    receivers_behind: Mapping[str, tuple[Receiving, ...]],
    user_rules: UserRules,
) -> JudgedConfig:
    """Return a config with its findings.

    `divided_keys` and `receivers_behind` are what the rules know of other collectors: `divided` and `receiving` of
    `Subject` in rules/subject.py.
    """
    surroundings = config_input.platform_context
    target = _builds.resolve_build(request, surroundings.image)
    build = _builds.build_label(target, request, surroundings.image)
    environment = surroundings.environment
    listeners = _builds.load_catalogue().listeners
    subject = Subject(
        config_input.config,
        config_input.locate,
        config_input.duplicates,
        environment,
        target,
        surroundings.deployment,
        surroundings.resource,
        listeners,
        divided=divided_keys,
        receiving=receivers_behind,
        operator_kinds=_tables.read_operator_kinds(),
    )
    findings = mask_findings(lint_config(subject, user_rules), config_input.config, subject.view.suspected_secrets)
    return JudgedConfig(config_input.name, findings, config_input.config, config_input.locate, target, build)


def _find_opened_ports(inputs: Sequence[_input_model.Input]) -> dict[tuple[str, str], frozenset[int]]:
    """Return the ports that the Services of custom resources have, by namespace and name of the Service."""
    listeners = _builds.load_catalogue().listeners
    opened_ports: dict[tuple[str, str], frozenset[int]] = {}
    for config_input in inputs:
        resource = config_input.platform_context.resource
        if resource is not None and isinstance(config_input.config, dict):
            received_ports = {
                listener.port for listener in View(config_input.config, listeners, is_by_operator=True).listeners
            }
            namespace = str(value_at(resource, ("metadata", "namespace"), ""))
            service_ports = find_opened_ports(resource, config_input.config, received_ports)
            opened_ports |= {(namespace, service): service_ports for service in config_input.platform_context.services}
    return opened_ports


def _judge_resource(
    config_input: _input_model.Input, opened_ports: Mapping[tuple[str, str], frozenset[int]]
) -> JudgedConfig:
    """Return a custom resource without a config, with its findings."""
    surroundings = config_input.platform_context
    subject = Subject(
        None,
        config_input.locate,
        config_input.duplicates,
        resource=surroundings.resource,
        operator_kinds=_tables.read_operator_kinds(),
        opened=opened_ports,
    )
    return JudgedConfig(config_input.name, mask_findings(lint_resource(subject), surroundings.resource))


def _build_yaml_finding(invalid: InvalidYaml) -> Finding:
    """Return the finding about a text that is not YAML."""
    return Finding(invalid.position, "", _findings.INVALID_YAML, "error", clean_text(invalid.wrong), invalid.fix)


def find_hops(objects: Any) -> list[FlowCollector]:
    """Return the collectors in objects of a cluster, with the names of their Services."""
    return _build_hops(_inputs.collect_inputs([], objects, False).inputs) if objects else []


def _build_hops(inputs: Sequence[_input_model.Input]) -> list[FlowCollector]:
    """Return each config as a part of the way of the data: its namespace, its Services, and the config itself."""
    hops = []
    for config_input in inputs:
        namespace = str(value_at(config_input.found_config.owner, ("metadata", "namespace"), ""))
        hops.append(FlowCollector("", namespace, config_input.platform_context.services, config_input.config))
    return hops
