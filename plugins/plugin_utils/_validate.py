# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings for whatever a user has: collectors to deploy, files, folders, or a config as a variable. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._core.compose import Composed, Layer
from ..module_utils._core.errors import Problem
from ..module_utils._core.lint.finding import SEVERITIES, Finding
from ..module_utils._core.lint.rules import lint
from ..module_utils._core.lint.subject import Subject
from . import _doorway, _origin, _render, _sources, _yaml

_YAML_FILES = (".yaml", ".yml")


def report(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return all findings as a task result. Raises Problem when one is as severe as `fail_on` says."""
    subjects = list(_subjects(arguments))
    findings = sorted(finding for _name, found in subjects for finding in found)
    fatal = [finding for finding in findings if _reaches(finding, arguments["fail_on"])]
    for finding in findings:
        if finding not in fatal:
            warn(str(finding))
    if fatal:
        lines = "\n".join(f"  {finding}" for finding in fatal)
        count = f"{len(fatal)} problem{'s' if len(fatal) > 1 else ''}"
        raise Problem(
            f"\n{lines}",
            asked=f"{count} in {len(subjects)} collector config{'s' if len(subjects) > 1 else ''}, nothing was applied",
        )
    return {"findings": [finding.as_dict() for finding in findings], "checked": [name for name, _found in subjects]}


def _subjects(arguments: Mapping[str, Any]) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the name and the findings of every config that the arguments describe."""
    if arguments["collectors"] or arguments["defaults"]:
        for item in _render.plan(_doorway.request(arguments)):
            yield f"collector '{item.collector.name}'", item.findings
    if arguments["config"] is not None:
        yield "config", _lint_value(arguments["config"])
    for path in arguments["paths"]:
        for file in _files(Path(path)):
            yield str(file), _lint_document(_sources.read_document(file), str(file))


def _lint_value(config: Any) -> list[Finding]:
    if isinstance(config, str):
        return _lint_document(_yaml.load(config, "config"), "config")
    return _lint_document(_yaml.Document(_origin.plain(config), _origin.positions(config)), "config")


def _lint_document(document: _yaml.Document, name: str) -> list[Finding]:
    composed = Composed(document.data, (Layer(name, document.data, positions=document.positions),))
    return lint(Subject(document.data, composed.locate, document.duplicates))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = (
        sorted(file for file in path.rglob("*") if file.suffix in _YAML_FILES and file.is_file())
        if path.is_dir()
        else []
    )
    if not files:
        raise Problem(f"there is no YAML file at {path}", fix="Give a file, or a folder that has some.")
    return files


def _reaches(finding: Finding, fail_on: str) -> bool:
    return fail_on != "never" and SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on)
