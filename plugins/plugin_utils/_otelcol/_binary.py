# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation by a real Collector: `otelcol validate` on this machine. Controller only. Private."""

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
from ...module_utils._otelcol.config.paths import Position, at, dotted, leaves
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.build_facts import Target
from ...module_utils._otelcol.rules.subject import Finding
from ...module_utils._otelcol.testing.outreach import has_outside_value
from . import _findings, _placeholders, _validate_messages, _yaml
from ._isolation import once, sandbox

AUTO, NONE = "auto", "none"
SECONDS = 30
# The name of the program in the official archives.
_PROGRAMS = {"contrib": "otelcol-contrib", "core": "otelcol", "k8s": "otelcol-k8s", "otlp": "otelcol-otlp"}
_UNABLE = {"adot": "the AWS distribution has no `validate` subcommand"}
_FIX_ISOLATION = "Allow user namespaces, or write that part into the config."
_VERSION = re.compile(r"^\S+ version:? \S", re.MULTILINE)


@dataclass(frozen=True)
class ChosenProgram:
    """The Collector that validates a config: its path, and its command as a result tells it."""

    path: str
    command: str


@dataclass(frozen=True)
class Unavailable:
    """There is no Collector that validates a config, and why."""

    why: str


@dataclass(frozen=True)
class Opinion:
    """Whether a real Collector validated the configs, the reason, and its findings."""

    ran: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {"ran": self.ran, "reason": self.reason}


def program(binary: str, target: Target | None) -> ChosenProgram | Unavailable:
    """Return the program that `binary` means: `none`, a path, or `auto` for the one of the target's distribution.

    Raises Problem if a given path has no program.
    """
    if binary == NONE:
        return Unavailable("it was not requested")
    distribution = target.distribution if target else "contrib"
    if distribution in _UNABLE:
        return Unavailable(_UNABLE[distribution])
    if binary == AUTO:
        return _program_on_path(distribution, target)
    program_path = shutil.which(binary)
    if not program_path:
        raise Problem(f"the program {binary} does not exist", fix="Give the path of a collector, `auto` or `none`.")
    return _chosen(program_path)


def _program_on_path(distribution: str, target: Target | None) -> ChosenProgram | Unavailable:
    """Return the program of a distribution in PATH, if its version is that of the target."""
    name = _PROGRAMS.get(distribution)
    if not name:
        return Unavailable(f"the program of '{distribution}' is unknown")
    program_path = shutil.which(name)
    if not program_path:
        return Unavailable(f"PATH has no program {name}")
    why = version_mismatch(program_path, target)
    return Unavailable(why) if why else _chosen(program_path)


def _chosen(program_path: str) -> ChosenProgram:
    return ChosenProgram(program_path, f"{program_path} validate")


def ask_program(
    program_path: str, config: Any, locate: Callable[[KeyPath], Position], target: Target | None = None
) -> Finding | None:
    """Return the error that a program reports for a config; None if it reports none.

    The program runs in namespaces of its own: a config that names a file or an address gets nothing of this machine.
    Where the system allows none, nobody is asked about such a config. An error where a variable decides is information:
    the value there is a placeholder.
    """
    isolated = not sandbox.why_unavailable()
    if not isolated and (elsewhere := next(_elsewhere(config), None)):
        wrong = "nobody was asked about this config: it names a part in another place, and the system isolates nothing"
        return Finding(locate(elsewhere), dotted(elsewhere), _findings.REFUSED, "info", wrong, _FIX_ISOLATION)
    code, said = _run_validate(program_path, config, target, isolated)
    if code == 0:
        return None
    return _finding_of_output(code, said, config, locate)


def _run_validate(program_path: str, config: Any, target: Target | None, isolated: bool) -> tuple[int, str]:
    """Validate a config; return the exit code, and the output with `the config` in place of the path of its file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.touch(mode=0o600)
        file.write_text(_yaml.dump(config), encoding="utf-8")
        given = _placeholders.placeholder_environment(config, target)
        command = [program_path, "validate", f"--config={file}"]
        code, said = once.run_once(command, given, SECONDS, [Path(folder)], isolated)
    return code, said.replace(str(file), "the config")


def _finding_of_output(code: int, said: str, config: Any, locate: Callable[[KeyPath], Position]) -> Finding:
    """Return the error that a program reports by its exit code and its output."""
    text = _validate_messages.without_valid_values(said)
    message = text.strip().removeprefix("Error: ") or f"it exits with {code} and no message"
    path = _validate_messages.path_in_message(message, config)
    is_doubtful = _has_placeholder(config, path) or _validate_messages.applies_only_here(message)
    severity = "info" if is_doubtful else "error"
    return Finding(locate(path), dotted(path), _findings.REFUSED, severity, " ".join(message.split()))


def _has_placeholder(config: Any, path: KeyPath) -> bool:
    """Whether a variable decides at a path in the config, so that the program has read a placeholder there."""
    if not path:
        return False
    return any(_placeholders.needs_outside_value(value) for _path, value in leaves(at(config, path)))


def _elsewhere(config: Any) -> Iterator[KeyPath]:
    """Yield the places at which a config names a file or an address for a part of itself."""
    return (path for path, text in leaves(config) if isinstance(text, str) and has_outside_value(text))


def version_mismatch(program_path: str, target: Target | None, isolated: bool = True) -> str:
    """Return why a program is unsuitable: its version must match the target's."""
    if target is None:
        return ""
    version = version_of(program_path, isolated)
    if version == target.version:
        return ""
    return f"{program_path} is version {version or 'unknown'}, not {target.version}"


def version_of(program_path: str, isolated: bool = True) -> str:
    """Return the version that a program says it has; empty if it says none."""
    _code, said = _said_of_itself(program_path, _runs_alone(isolated))
    match = re.search(r"(?<!\d)\d++\.\d++\.\d++", said)
    return match[0] if match else ""


def check_program(program_path: str, isolated: bool = True) -> None:
    """Raise Problem for a program that does not tell its version as every Collector does.

    A program out of an image is run for the first time here: in namespaces too, unless the user wants none.
    """
    alone = _runs_alone(isolated)
    code, said = _said_of_itself(program_path, alone)
    if code or not _VERSION.search(said):
        wrong = f"{program_path} is no Collector: `{program_path} --version` tells no version"
        fix = "Give the path of a Collector."
        if alone:
            fix += " A script that starts another program finds none where tests run: isolation `none` lets it."
        raise Problem(wrong, fix=fix)


def _runs_alone(isolated: bool) -> bool:
    """Whether a program runs in namespaces of its own: if it is asked for, and the system allows it."""
    return isolated and not sandbox.why_unavailable()


@cache
def _said_of_itself(program_path: str, isolated: bool) -> tuple[int, str]:
    return once.run_once([program_path, "--version"], {}, SECONDS, [], isolated)
