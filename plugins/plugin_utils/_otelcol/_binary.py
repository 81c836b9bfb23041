# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation by a real Collector: `otelcol validate` on this machine. Controller only. Private.

This is the second opinion of a validation, beside the rules; `_validate.py` asks for it. Tests and forecasts choose
their Collector here too. A target is the build for which the rules judge, see `TargetBuild` in build_facts.py. An
isolated program runs in namespaces of its own, see `_isolation/sandbox.py`. Variables of a config get placeholders, see
`_placeholders.py`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, format_path, iter_leaves, value_at
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.findings import Finding
from ...module_utils._otelcol.testing.outreach import has_outside_value
from . import _findings, _placeholders, _validate_messages, _yaml
from ._isolation import once, sandbox

AUTO, NONE = "auto", "none"
TIMEOUT_SECONDS = 30
# The name of the program in the official archives.
_PROGRAMS = {"contrib": "otelcol-contrib", "core": "otelcol", "k8s": "otelcol-k8s", "otlp": "otelcol-otlp"}
_UNSUPPORTED_REASONS = {"adot": "the AWS distribution has no `validate` subcommand"}
_FIX_ISOLATION = "Allow user namespaces, or write that part into the config."
# What every Collector says for `--version`: `otelcol-contrib version 0.158.0`.
_VERSION = re.compile(r"^\S+ version:? \S", re.MULTILINE)


@dataclass(frozen=True)
class ChosenProgram:
    """The Collector that validates or runs a config: its path, and the command `PATH validate` for a result."""

    path: str
    command: str


@dataclass(frozen=True)
class Unavailable:
    """There is no Collector that validates or runs a config, and why."""

    reason: str


@dataclass(frozen=True)
class Opinion:
    """Whether a real Collector validated the configs: `reason` has its command, or why there was none."""

    has_run: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {"ran": self.has_run, "reason": self.reason}


def choose_program(binary: str, target: TargetBuild | None) -> ChosenProgram | Unavailable:
    """Return the program that `binary` means: `none`, a path, or `auto` for the one of the target's distribution.

    Without a target, `auto` looks for contrib, of any version. Raises Problem if a given path has no program.
    """
    if binary == NONE:
        return Unavailable("it was not requested")
    distribution = target.distribution if target else "contrib"
    if distribution in _UNSUPPORTED_REASONS:
        return Unavailable(_UNSUPPORTED_REASONS[distribution])
    if binary == AUTO:
        return _find_program_on_path(distribution, target)
    program_path = shutil.which(binary)
    if not program_path:
        raise Problem(f"the program {binary} does not exist", fix="Give the path of a collector, `auto` or `none`.")
    return _describe_program(program_path)


def _find_program_on_path(distribution: str, target: TargetBuild | None) -> ChosenProgram | Unavailable:
    """Return the program of a distribution in PATH, if its version is that of the target."""
    program_name = _PROGRAMS.get(distribution)
    if not program_name:
        return Unavailable(f"the program of '{distribution}' is unknown")
    program_path = shutil.which(program_name)
    if not program_path:
        return Unavailable(f"PATH has no program {program_name}")
    mismatch = describe_version_mismatch(program_path, target)
    return Unavailable(mismatch) if mismatch else _describe_program(program_path)


def _describe_program(program_path: str) -> ChosenProgram:
    return ChosenProgram(program_path, f"{program_path} validate")


def validate_by_program(
    program_path: str, config: Any, locate: Callable[[KeyPath], Position], target: TargetBuild | None = None
) -> Finding | None:
    """Return the error that a program reports for a config; None if it reports none.

    The program runs in namespaces of its own: a config that names a file or an address gets nothing of this machine.
    Where the system allows no namespaces, such a config is not validated, and a finding says so. An error at a value
    that a variable decides has the severity `info`, since the program has read a placeholder there.
    """
    is_isolated = not sandbox.why_unavailable()
    if not is_isolated and (outside_path := next(_find_outside_paths(config), None)):
        wrong = "nobody was asked about this config: it names a part in another place, and the system isolates nothing"
        return Finding(
            locate(outside_path), format_path(outside_path), _findings.REFUSED, "info", wrong, _FIX_ISOLATION
        )
    code, output = _run_validate(program_path, config, target, is_isolated)
    if code == 0:
        return None
    return _parse_rejection(code, output, config, locate)


def _run_validate(program_path: str, config: Any, target: TargetBuild | None, is_isolated: bool) -> tuple[int, str]:
    """Validate a config; return the exit code, and the output with `the config` in place of the path of its file."""
    with tempfile.TemporaryDirectory() as folder:
        config_file = Path(folder) / "config.yaml"
        config_file.touch(mode=0o600)
        config_file.write_text(_yaml.dump(config), encoding="utf-8")
        environment = _placeholders.build_placeholder_environment(config, target)
        command = [program_path, "validate", f"--config={config_file}"]
        code, output = once.run_once(command, environment, TIMEOUT_SECONDS, [Path(folder)], is_isolated)
    return code, output.replace(str(config_file), "the config")


def _parse_rejection(code: int, output: str, config: Any, locate: Callable[[KeyPath], Position]) -> Finding:
    """Return the error that a program reports by its exit code and its output."""
    message_text = _validate_messages.remove_valid_values(output)
    message = message_text.strip().removeprefix("Error: ") or f"it exits with {code} and no message"
    path = _validate_messages.find_path_in_message(message, config)
    is_doubtful = _has_placeholder(config, path) or _validate_messages.may_apply_only_here(message)
    severity = "info" if is_doubtful else "error"
    return Finding(locate(path), format_path(path), _findings.REFUSED, severity, " ".join(message.split()))


def _has_placeholder(config: Any, path: KeyPath) -> bool:
    """Whether a variable decides at a path in the config, so that the program has read a placeholder there."""
    if not path:
        return False
    return any(_placeholders.needs_outside_value(value) for _path, value in iter_leaves(value_at(config, path)))


def _find_outside_paths(config: Any) -> Iterator[KeyPath]:
    """Yield the places at which a config names a file or an address for a part of itself."""
    return (path for path, text in iter_leaves(config) if isinstance(text, str) and has_outside_value(text))


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
    match = re.search(r"(?<!\d)\d++\.\d++\.\d++", output)
    return match[0] if match else ""


def check_program(program_path: str, wants_isolation: bool = True) -> None:
    """Raise Problem for a program that does not tell its version as every Collector does.

    A program out of an image is run for the first time here: in namespaces too, unless the user wants none.
    """
    is_isolated = _is_isolated(wants_isolation)
    code, output = _run_version_command(program_path, is_isolated)
    if code or not _VERSION.search(output):
        wrong = f"{program_path} is no Collector: `{program_path} --version` tells no version"
        fix = "Give the path of a Collector."
        if is_isolated:
            fix += " A script that starts another program finds none where tests run: isolation `none` lets it."
        raise Problem(wrong, fix=fix)


def _is_isolated(wants_isolation: bool) -> bool:
    """Whether a program runs in namespaces of its own: if it is asked for, and the system allows it."""
    return wants_isolation and not sandbox.why_unavailable()


@cache
def _run_version_command(program_path: str, is_isolated: bool) -> tuple[int, str]:
    return once.run_once([program_path, "--version"], {}, TIMEOUT_SECONDS, [], is_isolated)
