# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings for whatever a user has: collectors to deploy, files, folders, or a config as a variable. Private."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..module_utils._core.config.masking import masker, secrets_in
from ..module_utils._core.config.paths import Path as KeyPath
from ..module_utils._core.config.paths import Position
from ..module_utils._core.errors import Problem
from ..module_utils._core.lint import profiles
from ..module_utils._core.lint.finding import Finding
from ..module_utils._core.lint.report import FORMATS, Checked, Report, Suppressed, as_dict, counted
from ..module_utils._core.lint.rules import lint
from ..module_utils._core.lint.subject import Subject, Target
from . import _binary, _doorway, _files, _inputs, _judge, _render, _target
from ._yaml import reader

NOWHERE = "-"


@dataclass(frozen=True)
class _Case:
    """A config, what rules find in it, and what a second opinion needs."""

    name: str
    findings: list[Finding]
    config: Any = None
    locate: Callable[[KeyPath], Position] = field(default=lambda _path: Position())
    target: Target | None = None


def report(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return all findings as a task result. Raises Problem when one is as severe as `fail_on` says."""
    with _uncollected():
        return _report(arguments, warn, check)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest, a fifth of the time: all configs are kept to the end, and it would read them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _report(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool) -> dict[str, Any]:
    collected = _inputs.collect(arguments["paths"], arguments["config"], arguments["merge"])
    cases = [*_planned(arguments), *_collected(arguments, collected)]
    opinion, cases = _second_opinion(arguments["binary"], cases)
    cases = _without_secrets(cases)
    checked = _judged(arguments, cases, profiles.comments(collected.texts))
    told = Report(checked, collected.skipped, _judge.ALL_RULES, arguments["fail_on"])
    result: dict[str, Any] = {
        **as_dict(told),
        "smallest_image": _target.smallest_image(_first_target(cases), [case.config for case in cases]),
        "second_opinion": opinion.as_dict(),
        "report": FORMATS[arguments["format"]](told),
        "changed": False,
    }
    if arguments["output_path"] not in (NOWHERE, "") and not check:
        result["changed"] = _files.write(Path(arguments["output_path"]), result["report"])
    _conclude(told, warn)
    return result


def _planned(arguments: Mapping[str, Any]) -> Iterator[_Case]:
    if arguments["collectors"] or arguments["defaults"]:
        for item in _render.plan(_doorway.request(arguments)):
            name = f"collector '{item.collector.name}'"
            yield _Case(name, item.findings, item.composed.config, item.composed.locate)


def _collected(arguments: Mapping[str, Any], collected: _inputs.Collected) -> Iterator[_Case]:
    wanted = _target.Wanted.from_arguments(arguments)
    for item in collected.inputs:
        target = _target.resolve(wanted, item.context.image)
        around = item.context
        subject = Subject(
            item.config,
            item.locate,
            item.duplicates,
            around.environment,
            target,
            around.deployment,
            around.resource,
        )
        yield _Case(item.name, lint(subject), item.config, item.locate, target)
    for invalid in collected.invalid:
        yield _Case(invalid.position.file, [_invalid(invalid)])


def _invalid(invalid: reader.Invalid) -> Finding:
    return Finding(invalid.position, "", _judge.INVALID_YAML, "error", invalid.wrong, invalid.fix)


def _second_opinion(binary: str, cases: Sequence[_Case]) -> tuple[_binary.Opinion, list[_Case]]:
    """Ask a real Collector about every config; its finding joins those of the rules."""
    asked = [case for case in cases if isinstance(case.config, dict)]
    answers = [_binary.program(binary, case.target) for case in asked]
    programs = {case.name: program for case, (program, _why) in zip(asked, answers, strict=True) if program}
    reasons = dict.fromkeys(why for _program, why in answers) or {"there is no config to ask about": None}
    result = []
    for case in cases:
        found = _binary.ask(programs[case.name], case.config, case.locate) if case.name in programs else None
        result.append(replace(case, findings=sorted([*case.findings, found])) if found else case)
    return _binary.Opinion(bool(programs), "; ".join(reasons)), result


def _without_secrets(cases: Sequence[_Case]) -> list[_Case]:
    def clean(case: _Case) -> _Case:
        secrets = secrets_in(case.config)
        if not secrets:
            return case
        mask = masker(secrets)
        told = [replace(item, message=mask(item.message), fix=mask(item.fix)) for item in case.findings]
        return replace(case, findings=told)

    return [clean(case) for case in cases]


def _judged(
    arguments: Mapping[str, Any], cases: Sequence[_Case], comments: Sequence[profiles.Comment]
) -> list[Checked]:
    """Return the findings of every config with the user's severities, less what is accepted."""
    judgement = _judge.Judgement.from_arguments(arguments)
    known = profiles.split([finding for case in cases for finding in case.findings], comments, _judge.KNOWN)
    kept, accepted, wrong = set(known[0]), dict(known[1]), known[2]
    checked = []
    for index, case in enumerate(cases):
        own = [finding for finding in case.findings if finding in kept] + (wrong if index == 0 else [])
        judged = judgement.judge(own)
        ours = [Suppressed(finding, accepted[finding], True) for finding in case.findings if finding in accepted]
        others = [Suppressed(finding, reason) for finding, reason in judged.suppressed]
        checked.append(Checked(case.name, tuple(judged.kept), (*ours, *others)))
    return _used_somewhere(checked)


def _used_somewhere(checked: Sequence[Checked]) -> list[Checked]:
    """Tell of a suppression that meets nothing once, and only when it meets nothing in any config."""

    unused = [
        {one for one in item.findings if one.rule == profiles.UNUSED and not one.position.file} for item in checked
    ]
    everywhere = set.intersection(*unused) if unused else set()
    told = tuple(replace(finding, position=Position("suppressions")) for finding in sorted(everywhere))
    result = []
    for index, (item, away) in enumerate(zip(checked, unused, strict=True)):
        left = tuple(finding for finding in item.findings if finding not in away)
        result.append(replace(item, findings=(*(told if index == 0 else ()), *left)))
    return result


def _first_target(cases: Sequence[_Case]) -> Target | None:
    return next((case.target for case in cases if case.target), None)


def _conclude(told: Report, warn: Callable[[str], None]) -> None:
    """Raise Problem for findings that fail the task; what does not is a warning, unless it is only information."""
    fatal = list(told.fatal())
    for finding in told.findings:
        if not told.fails(finding) and finding.severity != "info":
            warn(str(finding))
    if fatal:
        lines = "\n".join(f"  {finding}" for finding in fatal)
        head = f"{counted(len(fatal), 'problem')} in {counted(len(told.checked), 'collector config')}"
        raise Problem(f"\n{lines}", asked=f"{head}, nothing was applied")
