# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of collectors to deploy, files, folders, or a config in a variable. Private.

`pipeline_validate` and `otelcoltool validate` call this. The steps, each in a file of its own:

| step | file |
|---|---|
| find the configs | `_inputs.py` |
| judge each by the rules | `_judged_configs.py` |
| let a real Collector validate each, if the user wants that | `_second_opinion.py` |
| apply severities and suppressions | `_findings.py` |
| write the report | `reports.py` of the rules |

A planned case is a config that the caller has judged already, such as that of a collector of the inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.flow_collectors import FlowCollector
from ...module_utils._otelcol.rules.report_model import Report
from ...module_utils._otelcol.rules.reports import FORMATS, convert_to_result, summarize_report
from ...module_utils._otelcol.rules.suppressing_comments import read_suppressing_comments
from ...module_utils._otelcol.rules.user_rules import UserRules
from . import _builds, _files, _findings, _input_model, _inputs, _overlays
from ._garbage import without_garbage_collection
from ._judged_configs import JudgedConfig, judge_collected
from ._second_opinion import add_second_opinion

NO_OUTPUT = "-"


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
    other_collectors: Sequence[FlowCollector] = (),
    planned_cases: Iterable[JudgedConfig] = (),
    *,
    reading: _input_model.InputOptions = _input_model.DEFAULT_READING,
) -> dict[str, Any]:
    """Return all findings as a task result. Raises Problem when one is as severe as `fail_on` says.

    `other_collectors` are collectors that are not checked, and may send to those that are. `planned_cases` are judged
    already.
    """
    validation_run = run_validation(arguments, check, other_collectors, planned_cases, reading=reading)
    for warning in validation_run.warnings:
        warn(warning)
    _findings.conclude_report(validation_run.report, warn)
    return validation_run.result


@without_garbage_collection()
def run_validation(
    arguments: Mapping[str, Any],
    check: bool = False,
    other_collectors: Sequence[FlowCollector] = (),
    planned_cases: Iterable[JudgedConfig] = (),
    *,
    reading: _input_model.InputOptions = _input_model.DEFAULT_READING,
) -> ValidationRun:
    """Return all findings, and write the report, whether they are severe or not.

    The arguments are those of `validate_configs`.

    Raises Problem for a report that would replace a file that was read, and for a breach of the overlay policy.
    """
    judgement = _findings.JudgementOptions.from_arguments(arguments)
    collected = _inputs.collect_inputs(
        arguments["paths"], arguments["config"], merge=arguments["merge"], reading=reading
    )
    _check_output(arguments, collected, judgement.user_rules)
    _overlays.check_parts(arguments, reading)
    cases_of_inputs = judge_collected(arguments, collected, other_collectors, judgement.user_rules)
    opinion = add_second_opinion(arguments["binary"], [*planned_cases, *cases_of_inputs])
    cases = opinion.judged_configs
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
        *opinion.warnings,
    )
    return ValidationRun(result, report, warnings)


def _check_output(arguments: Mapping[str, Any], collected: _input_model.Collected, user_rules: UserRules) -> None:
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


def _find_first_target(judged_configs: Sequence[JudgedConfig]) -> TargetBuild | None:
    """Return the first build that is known; None if none is."""
    return next((judged_config.target for judged_config in judged_configs if judged_config.target), None)
