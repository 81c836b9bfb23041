# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of collectors to deploy, files, folders, or a config in a variable. Private.

`pipeline_validate` and `otelcoltool validate` call this. `_inputs.py` finds the configs, rules judge each, a real
Collector may validate it too (the second opinion, `_binary.py`), and `_findings.py` applies severities and
suppressions. A hop is a collector as part of the way of the data, see data_flow.py: rules need to know who else sends
to a config, or gets what it sends. A planned case is one that the caller has judged already, such as a collector of the
inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
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
from ...module_utils._otelcol.rules.report_model import Report, format_count
from ...module_utils._otelcol.rules.reports import FORMATS, convert_to_result, summarize_report
from ...module_utils._otelcol.rules.rules import lint_config, lint_resource
from ...module_utils._otelcol.rules.subject import Receiving, Subject
from ...module_utils._otelcol.rules.suppressing_comments import read_suppressing_comments
from ...module_utils._otelcol.rules.user_rules import UserRules
from ...module_utils._otelcol.rules.view import View
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _binary, _builds, _files, _findings, _inputs, _overlays, _tables
from ._build_request import BuildRequest
from ._garbage import without_garbage_collection

NO_OUTPUT = "-"


@dataclass(frozen=True)
class JudgedConfig:
    """A config, its findings, the input for `otelcol validate`, and the build for which the rules judged."""

    name: str
    findings: list[Finding]
    config: Any = None
    """What `otelcol validate` reads; None if there is no config, such as for invalid YAML."""
    locate: Callable[[KeyPath], Position] = field(default=lambda _path: Position())
    target: TargetBuild | None = None
    build_label: str = ""


@dataclass(frozen=True)
class ValidationRun:
    """What a run found: its result, the report that says whether it fails, and warnings that are no findings."""

    result: dict[str, Any]
    report: Report
    warnings: tuple[str, ...]


def validate_configs(
    arguments: Mapping[str, Any],
    warn: Callable[[str], None],
    check: bool = False,
    other_hops: Sequence[FlowCollector] = (),
    planned_cases: Iterable[JudgedConfig] = (),
    *,
    reading: _inputs.InputOptions = _inputs.DEFAULT_READING,
) -> dict[str, Any]:
    """Return all findings as a task result. Raises Problem when one is as severe as `fail_on` says.

    `other_hops` are collectors that are not checked, and may send to those that are. `planned_cases` are judged
    already.
    """
    validation_run = run_validation(arguments, check, other_hops, planned_cases, reading=reading)
    for warning in validation_run.warnings:
        warn(warning)
    _findings.conclude_report(validation_run.report, warn)
    return validation_run.result


@without_garbage_collection()
def run_validation(
    arguments: Mapping[str, Any],
    check: bool = False,
    other_hops: Sequence[FlowCollector] = (),
    planned_cases: Iterable[JudgedConfig] = (),
    *,
    reading: _inputs.InputOptions = _inputs.DEFAULT_READING,
) -> ValidationRun:
    """Return all findings, and write the report, whether they are severe or not. The arguments are those of `report`.

    Raises Problem for a report that would replace a file that was read, and for a breach of the overlay policy.
    """
    judgement = _findings.JudgementOptions.from_arguments(arguments)
    collected = _inputs.collect_inputs(arguments["paths"], arguments["config"], arguments["merge"], reading)
    _check_output(arguments, collected, judgement.user_rules)
    _overlays.check_parts(arguments, reading)
    cases = [*planned_cases, *_judge_collected(arguments, collected, other_hops, judgement.user_rules)]
    opinion, cases, unchecked_warnings = _add_second_opinion(arguments["binary"], cases)
    named_findings = [_findings.NamedFindings(case.name, case.findings) for case in cases]
    checked = _findings.judge_configs(named_findings, judgement, read_suppressing_comments(collected.text_by_name))
    build_labels = {case.name: case.build_label for case in cases if case.build_label}
    report = Report(
        checked,
        collected.skipped_files,
        (*_findings.ALL_RULES, *judgement.user_rules.rules),
        arguments["fail_on"],
        build_labels,
        own_rules=judgement.user_rules.as_list(),
    )
    result: dict[str, Any] = {
        **convert_to_result(report),
        "latest_known": _builds.load_catalogue().newest_release,
        "smallest_image": _builds.find_smallest_image(_find_first_target(cases), [case.config for case in cases]),
        "second_opinion": opinion.as_dict(),
        "report": FORMATS[arguments["format"]](report),
        "summary": summarize_report(report),
        "changed": False,
    }
    if arguments["output_path"] not in (NO_OUTPUT, "") and not check:
        result["changed"] = _files.write_if_changed(Path(arguments["output_path"]), result["report"])
    warnings = (
        *_builds.list_stand_in_warnings(case.target for case in cases),
        *collected.list_warnings(),
        *unchecked_warnings,
    )
    return ValidationRun(result, report, warnings)


def find_hops(objects: Any) -> list[FlowCollector]:
    """Return the collectors in objects of a cluster, with the names of their Services."""
    return _build_hops(_inputs.collect_inputs([], objects, False).inputs) if objects else []


def _build_hops(inputs: Sequence[_inputs.Input]) -> list[FlowCollector]:
    owner_facts = [
        (config_input.found_config.owner, config_input.platform_context.services, config_input.config)
        for config_input in inputs
    ]
    return [
        FlowCollector("", str(value_at(owner, ("metadata", "namespace"), "")), service_names, config)
        for owner, service_names, config in owner_facts
    ]


def _judge_collected(
    arguments: Mapping[str, Any],
    collected: _inputs.Collected,
    other_hops: Sequence[FlowCollector],
    user_rules: UserRules,
) -> Iterator[JudgedConfig]:
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
    config_input: _inputs.Input,
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


def _find_opened_ports(inputs: Sequence[_inputs.Input]) -> dict[tuple[str, str], frozenset[int]]:
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
    config_input: _inputs.Input, opened_ports: Mapping[tuple[str, str], frozenset[int]]
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


def _check_output(arguments: Mapping[str, Any], collected: _inputs.Collected, user_rules: UserRules) -> None:
    """Raise Problem for a report that would replace what was read: a config, a rule, or what options name."""
    file_options = ("catalogue", "distribution_manifest", "distribution_schema")
    rule_files = [rule.position.file for rule in user_rules.user_rules]
    input_files = [
        *arguments["paths"],
        *collected.read_files,
        *rule_files,
        *(arguments.get(name) for name in file_options),
    ]
    _files.check_output_is_no_input(arguments["output_path"], input_files, "output_path")


def _build_yaml_finding(invalid: InvalidYaml) -> Finding:
    return Finding(invalid.position, "", _findings.INVALID_YAML, "error", clean_text(invalid.wrong), invalid.fix)


def _add_second_opinion(
    binary: str, cases: Sequence[JudgedConfig]
) -> tuple[_binary.Opinion, list[JudgedConfig], list[str]]:
    """Validate every config with a real Collector, and add its finding to those of the rules.

    Returns also a warning if one is asked for, and some configs have none.
    """
    checkable_cases = [case for case in cases if isinstance(case.config, dict)]
    program_choices = [_binary.choose_program(binary, case.target) for case in checkable_cases]
    programs: dict[str, str] = {}
    for case, program_choice in zip(checkable_cases, program_choices, strict=True):
        if isinstance(program_choice, _binary.ChosenProgram):
            programs[case.name] = program_choice.path
    reasons = dict.fromkeys(map(_describe_choice, program_choices)) or {"there is no config to validate": None}
    judged_cases = []
    for case in cases:
        rejection = (
            _binary.validate_by_program(programs[case.name], case.config, case.locate, case.target)
            if case.name in programs
            else None
        )
        judged_cases.append(
            replace(case, findings=sorted([*case.findings, *mask_findings([rejection], case.config)]))
            if rejection
            else case
        )
    return (
        _binary.Opinion(bool(programs), "; ".join(reasons)),
        judged_cases,
        _list_unchecked_warnings(binary, program_choices),
    )


def _describe_choice(program_choice: _binary.ChosenProgram | _binary.Unavailable) -> str:
    """Return the command that validates a config, or the reason why there is none, for the result."""
    return program_choice.command if isinstance(program_choice, _binary.ChosenProgram) else program_choice.reason


def _list_unchecked_warnings(
    binary: str, program_choices: Sequence[_binary.ChosenProgram | _binary.Unavailable]
) -> list[str]:
    """Return a warning if the user wants a second opinion and some configs have none, with the reasons; else none."""
    reasons = [
        program_choice.reason for program_choice in program_choices if isinstance(program_choice, _binary.Unavailable)
    ]
    if binary == _binary.NONE or not reasons:
        return []
    return [f"no Collector validated {format_count(len(reasons), 'config')}: {'; '.join(dict.fromkeys(reasons))}."]


def _find_first_target(cases: Sequence[JudgedConfig]) -> TargetBuild | None:
    return next((case.target for case in cases if case.target), None)
