# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program is the Collector that validates or runs a config, and whether it is one. Controller only. Private.

_second_opinion.py validates with a program, tests and forecasts run one (`_testing/chosen_collector.py`). The option
`binary` of the user decides, and for `auto` the target, which is the build for which the rules judge (`TargetBuild` in
build_facts.py):

| `binary` | the target | the result |
|---|---|---|
| `none` | any | `Unavailable("it was not requested")` |
| `/opt/otelcol` | any | that program |
| `auto` | contrib 0.158.0 | `otelcol-contrib` in PATH, if its version is 0.158.0 |
| `auto` | none | `otelcol-contrib` in PATH |
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...module_utils._otelcol.catalogue.builds import ADOT, ADOT_PROGRAM, PROGRAM_BY_DISTRIBUTION
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ._isolation import once, sandbox

# Values of the option `binary` that are no path.
AUTO = "auto"
NONE = "none"
_VERSION_SECONDS = 30
_ADOT_REASON = "the AWS distribution has no `validate` subcommand"
# What every Collector says for `--version`: `otelcol-contrib version 0.158.0`.
_VERSION_LINE = re.compile(r"^\S+ version:? \S", re.MULTILINE)
# The three numbers of a version.
_VERSION_NUMBERS = re.compile(r"(?<!\d)\d++\.\d++\.\d++")


@dataclass(frozen=True)
class ChosenProgram:
    """The Collector that validates or runs a config."""

    path: str
    command: str
    """The command that validates, as a result shows it: `/usr/bin/otelcol validate`."""


@dataclass(frozen=True)
class Unavailable:
    """There is no Collector that validates or runs a config, and why."""

    reason: str


def choose_program(binary: str, target: TargetBuild | None) -> ChosenProgram | Unavailable:
    """Return the program that `binary` means: `none`, a path, or `auto` for the one of the target's distribution.

    Without a target, `auto` looks for contrib, of any version. Raises Problem if a given path has no program.
    """
    if binary == NONE:
        return Unavailable("it was not requested")
    distribution = target.distribution if target else "contrib"
    if binary == AUTO:
        return _find_program_on_path(distribution, target)
    program_path = shutil.which(binary)
    if not program_path:
        raise Problem(f"the program {binary} does not exist", fix="Give the path of a collector, `auto` or `none`.")
    if distribution == ADOT and Path(program_path).name == ADOT_PROGRAM:
        return Unavailable(_ADOT_REASON)
    return _describe_program(program_path)


def _find_program_on_path(distribution: str, target: TargetBuild | None) -> ChosenProgram | Unavailable:
    """Return the program of a distribution in PATH, if its version is that of the target."""
    if distribution == ADOT:
        return Unavailable(_ADOT_REASON)
    program_name = PROGRAM_BY_DISTRIBUTION.get(distribution)
    if not program_name:
        return Unavailable(f"the program of '{distribution}' is unknown")
    program_path = shutil.which(program_name)
    if not program_path:
        return Unavailable(f"PATH has no program {program_name}")
    mismatch = describe_version_mismatch(program_path, target)
    return Unavailable(mismatch) if mismatch else _describe_program(program_path)


def _describe_program(program_path: str) -> ChosenProgram:
    """Return a program that is there."""
    return ChosenProgram(program_path, f"{program_path} validate")


def describe_version_mismatch(program_path: str, target: TargetBuild | None, wants_isolation: bool = True) -> str:
    """Return why a program is unsuitable: its version is not that of the target. Empty if it is, or without target."""
    if target is None:
        return ""
    version = read_program_version(program_path, wants_isolation)
    if version == target.version:
        return ""
    return f"{program_path} is version {version or 'unknown'}, not {target.version}"


def read_program_version(program_path: str, wants_isolation: bool = True) -> str:
    """Return the version that a program says it has; empty if it says none."""
    _code, output = _run_version_command(program_path, _is_isolated(wants_isolation))
    match = _VERSION_NUMBERS.search(output)
    return match[0] if match else ""


def check_program(program_path: str, wants_isolation: bool = True) -> None:
    """Raise Problem for a program that does not tell its version as every Collector does.

    A program out of an image is run for the first time here: in namespaces too, unless the user wants none.
    """
    is_isolated = _is_isolated(wants_isolation)
    code, output = _run_version_command(program_path, is_isolated)
    if code or not _VERSION_LINE.search(output):
        wrong = f"{program_path} is no Collector: `{program_path} --version` tells no version"
        fix = "Give the path of a Collector."
        if is_isolated:
            fix += " A script that starts another program finds none where tests run: isolation `none` lets it."
        raise Problem(wrong, fix=fix)


def _is_isolated(wants_isolation: bool) -> bool:
    """Whether a program runs in namespaces of its own: if it is asked for, and the system allows it."""
    return wants_isolation and not sandbox.why_unavailable()


@cache
def _run_version_command(program_path: str, is_isolated: bool) -> once.ProgramResult:
    """Return what a program says for `--version`, asked once per process."""
    return once.run_once([program_path, "--version"], {}, _VERSION_SECONDS, [], is_isolated)
