# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of collectors to deploy, files, folders, or a config in a variable. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, at
from ...module_utils._otelcol.errors import Problem, cleaned
from ...module_utils._otelcol.rules import profiles
from ...module_utils._otelcol.rules.build_facts import Target
from ...module_utils._otelcol.rules.data_flow import Hop, dividing_keys, receiving_collectors, routes_between
from ...module_utils._otelcol.rules.instrumentation_rules import opened_by
from ...module_utils._otelcol.rules.report_model import Report, count_in_words
from ...module_utils._otelcol.rules.reports import FORMATS, as_dict, summary
from ...module_utils._otelcol.rules.rules import lint, lint_resource
from ...module_utils._otelcol.rules.subject import Finding, Receiving, Subject, internal_error, masked_findings
from ...module_utils._otelcol.rules.user_rules import UserRules
from ...module_utils._otelcol.rules.view import View
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml
from . import _binary, _builds, _files, _findings, _inputs, _overlays, _tables
from ._build_request import BuildRequest
from ._garbage import without_garbage_collection

NOWHERE = "-"


@dataclass(frozen=True)
class Case:
    """A config, its findings, the input for `otelcol validate`, and the build for which the rules judged."""

    name: str
    findings: list[Finding]
    config: Any = None
    locate: Callable[[KeyPath], Position] = field(default=lambda _path: Position())
    target: Target | None = None
    build: str = ""


@dataclass(frozen=True)
class ValidationRun:
    """What a run found: its result, the report that says whether it fails, and warnings that are no findings."""

    result: dict[str, Any]
    report: Report
    warnings: tuple[str, ...]


def report(
    arguments: Mapping[str, Any],
    warn: Callable[[str], None],
    check: bool = False,
    others: Sequence[Hop] = (),
    planned: Iterable[Case] = (),
    *,
    how: _inputs.Reading = _inputs.AS_USUAL,
) -> dict[str, Any]:
    """Return all findings as a task result. Raises Problem when one is as severe as `fail_on` says.

    `others` are collectors that are not checked, and may send to those that are. `planned` are judged already.
    """
    done = judged(arguments, check, others, planned, how=how)
    for text in done.warnings:
        warn(text)
    _findings.conclude_report(done.report, warn)
    return done.result


@without_garbage_collection()
def judged(
    arguments: Mapping[str, Any],
    check: bool = False,
    others: Sequence[Hop] = (),
    planned: Iterable[Case] = (),
    *,
    how: _inputs.Reading = _inputs.AS_USUAL,
) -> ValidationRun:
    """Return all findings, and write the report, whether they are severe or not. The arguments are those of `report`.

    Raises Problem for a report that would replace a file that was read, and for a breach of the overlay policy.
    """
    judgement = _findings.Judgement.from_arguments(arguments)
    collected = _inputs.collect_inputs(arguments["paths"], arguments["config"], arguments["merge"], how)
    _check_output(arguments, collected, judgement.own)
    _overlays.check_parts(arguments, how)
    cases = [*planned, *_collected(arguments, collected, others, judgement.own)]
    opinion, cases, unasked = _second_opinion(arguments["binary"], cases)
    found = [(case.name, case.findings) for case in cases]
    checked = _findings.checked_configs(found, judgement, profiles.suppressing_comments(collected.texts))
    builds = {case.name: case.build for case in cases if case.build}
    report = Report(
        checked,
        collected.skipped,
        (*_findings.ALL_RULES, *judgement.own.rules),
        arguments["fail_on"],
        builds,
        own_rules=judgement.own.as_list(),
    )
    result: dict[str, Any] = {
        **as_dict(report),
        "latest_known": _builds.tables().latest,
        "smallest_image": _builds.smallest_image(_first_target(cases), [case.config for case in cases]),
        "second_opinion": opinion.as_dict(),
        "report": FORMATS[arguments["format"]](report),
        "summary": summary(report),
        "changed": False,
    }
    if arguments["output_path"] not in (NOWHERE, "") and not check:
        result["changed"] = _files.write(Path(arguments["output_path"]), result["report"])
    warnings = (*_builds.stand_ins(case.target for case in cases), *collected.warnings(), *unasked)
    return ValidationRun(result, report, warnings)


def hops(objects: Any) -> list[Hop]:
    """Return the collectors in objects of a cluster, with the names of their Services."""
    return _hops(_inputs.collect_inputs([], objects, False).inputs) if objects else []


def _hops(inputs: Sequence[_inputs.Input]) -> list[Hop]:
    owners = [(item.found.owner, item.context.services, item.config) for item in inputs]
    return [Hop("", str(at(owner, ("metadata", "namespace"), "")), names, config) for owner, names, config in owners]


def _collected(
    arguments: Mapping[str, Any], collected: _inputs.Collected, others: Sequence[Hop], own: UserRules
) -> Iterator[Case]:
    wanted = BuildRequest.from_arguments(arguments)
    hops = [*_hops(collected.inputs), *others]
    behind = receiving_collectors(hops, routes_between(hops))
    for item, keys, receivers in zip(collected.inputs, dividing_keys(hops), behind, strict=False):
        try:
            yield _case(item, wanted, keys, receivers, own)
        except Problem:
            raise
        except Exception as error:  # the other files are still checked
            position = Position(item.file or item.name)
            yield Case(item.name, [internal_error(f"checking {item.name}", error, position)])
    opened = _opened(collected.inputs)
    for item in collected.resources:
        yield _resource(item, opened)
    for chart in collected.charts:
        yield Case(chart.position.file, [chart])
    for failed in collected.failed:
        yield Case(failed.position.file, [failed])
    for invalid in collected.invalid:
        yield Case(invalid.position.file, [_invalid(invalid)])


def _case(
    item: _inputs.Input,
    wanted: BuildRequest,
    known: Mapping[str, set[str]],
    behind: Mapping[str, tuple[Receiving, ...]],
    own: UserRules,
) -> Case:
    """Return a config with its findings; `known` and `behind` are what the rules know of other collectors."""
    around = item.context
    target = _builds.resolve_build(wanted, around.image)
    build = _builds.build_label(target, wanted, around.image)
    environment = around.environment
    listeners = _builds.tables().listeners
    subject = Subject(
        item.config,
        item.locate,
        item.duplicates,
        environment,
        target,
        around.deployment,
        around.resource,
        listeners,
        divided=known,
        receiving=behind,
        operator_kinds=_tables.operator_kinds(),
    )
    findings = masked_findings(lint(subject, own), item.config, subject.view.suspects)
    return Case(item.name, findings, item.config, item.locate, target, build)


def _opened(inputs: Sequence[_inputs.Input]) -> dict[tuple[str, str], frozenset[int]]:
    """Return the ports that the Services of custom resources have, by namespace and name of the Service."""
    listeners = _builds.tables().listeners
    found: dict[tuple[str, str], frozenset[int]] = {}
    for item in inputs:
        resource = item.context.resource
        if resource is not None and isinstance(item.config, dict):
            received = {one.port for one in View(item.config, listeners, by_operator=True).listeners}
            namespace = str(at(resource, ("metadata", "namespace"), ""))
            ports = opened_by(resource, item.config, received)
            found |= {(namespace, service): ports for service in item.context.services}
    return found


def _resource(item: _inputs.Input, opened: Mapping[tuple[str, str], frozenset[int]]) -> Case:
    """Return a custom resource without a config, with its findings."""
    around = item.context
    subject = Subject(
        None,
        item.locate,
        item.duplicates,
        resource=around.resource,
        operator_kinds=_tables.operator_kinds(),
        opened=opened,
    )
    return Case(item.name, masked_findings(lint_resource(subject), around.resource))


def _check_output(arguments: Mapping[str, Any], collected: _inputs.Collected, own: UserRules) -> None:
    """Raise Problem for a report that would replace what was read: a config, a rule, or what options name."""
    options = ("catalogue", "distribution_manifest", "distribution_schema")
    rules = [rule.position.file for rule in own.all]
    inputs = [*arguments["paths"], *collected.read_files, *rules, *(arguments.get(name) for name in options)]
    _files.check_apart(arguments["output_path"], inputs, "output_path")


def _invalid(invalid: InvalidYaml) -> Finding:
    return Finding(invalid.position, "", _findings.INVALID_YAML, "error", cleaned(invalid.wrong), invalid.fix)


def _second_opinion(binary: str, cases: Sequence[Case]) -> tuple[_binary.Opinion, list[Case], list[str]]:
    """Validate every config with a real Collector, and add its finding to those of the rules.

    Returns also a warning if one is asked for, and some configs have none.
    """
    asked = [case for case in cases if isinstance(case.config, dict)]
    answers = [_binary.program(binary, case.target) for case in asked]
    programs: dict[str, str] = {}
    for case, answer in zip(asked, answers, strict=True):
        if isinstance(answer, _binary.ChosenProgram):
            programs[case.name] = answer.path
    reasons = dict.fromkeys(map(_reason, answers)) or {"there is no config to validate": None}
    result = []
    for case in cases:
        found = (
            _binary.ask_program(programs[case.name], case.config, case.locate, case.target)
            if case.name in programs
            else None
        )
        result.append(
            replace(case, findings=sorted([*case.findings, *masked_findings([found], case.config)])) if found else case
        )
    return _binary.Opinion(bool(programs), "; ".join(reasons)), result, _unasked(binary, answers)


def _reason(answer: _binary.ChosenProgram | _binary.Unavailable) -> str:
    """Return what the result tells of an answer: the command that validates, or why there is none."""
    return answer.command if isinstance(answer, _binary.ChosenProgram) else answer.why


def _unasked(binary: str, answers: Sequence[_binary.ChosenProgram | _binary.Unavailable]) -> list[str]:
    """Return a warning that names why configs have no second opinion although the user wants one."""
    reasons = [answer.why for answer in answers if isinstance(answer, _binary.Unavailable)]
    if binary == _binary.NONE or not reasons:
        return []
    return [f"no Collector validated {count_in_words(len(reasons), 'config')}: {'; '.join(dict.fromkeys(reasons))}."]


def _first_target(cases: Sequence[Case]) -> Target | None:
    return next((case.target for case in cases if case.target), None)
