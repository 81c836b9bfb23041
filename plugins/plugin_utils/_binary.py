# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation by a real Collector: `otelcol validate` on this machine. Controller only. Private."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..module_utils._core.config.paths import Path as KeyPath
from ..module_utils._core.config.paths import Position, at, dotted
from ..module_utils._core.errors import Problem
from ..module_utils._core.lint.subject import Finding
from ..module_utils._core.lint.view import Target
from ..module_utils._core.needs.derive import variables
from . import _findings, _yaml

AUTO, NONE = "auto", "none"
SECONDS = 30
# The name of the program in the official archives.
_PROGRAMS = {"contrib": "otelcol-contrib", "core": "otelcol", "k8s": "otelcol-k8s", "otlp": "otelcol-otlp"}
_UNABLE = {"adot": "the AWS distribution has no `validate` subcommand"}
# Valid as text, as a number and as a part of an address.
_PLACEHOLDER = "1"
# Errors that apply only to this machine: the files exist where the collector will run.
_ONLY_HERE = re.compile(r"directory must exist|no such file or directory|failed to load TLS|is not a directory")
_COLONS = re.compile(r"(?<![a-z_])[a-z_]++(?:::[^\s:,'\"]+)+")
_QUOTED = re.compile(r"'([a-z]+)'.{0,100}?\bfor (?:id: )?\"([^\"]+)\"", re.DOTALL)
_CREATED = re.compile(r"failed to create \"([^\"]+)\" (receiver|processor|exporter|connector|extension)")
_TOP_LEVEL = re.compile(r"'otelcol\.configSettings' has invalid keys: (\w+)")
_VALID_VALUES = re.compile(r"\s?\(valid values: \[[^\][]*\]\)")


@dataclass(frozen=True)
class Opinion:
    """Whether a real Collector validated the configs, the reason, and its findings."""

    ran: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {"ran": self.ran, "reason": self.reason}


def program(binary: str, target: Target | None) -> tuple[str, str]:
    """Return the program, or an empty string and the reason. Raises Problem if a given path has no program."""
    if binary == NONE:
        return "", "it was not requested"
    distribution = target.distribution if target else "contrib"
    if distribution in _UNABLE:
        return "", _UNABLE[distribution]
    if binary != AUTO:
        found = shutil.which(binary)
        if not found:
            raise Problem(f"the program {binary} does not exist", fix="Give the path of a collector, `auto` or `none`.")
        return found, f"{found} validate"
    name = _PROGRAMS.get(distribution, "")
    found = shutil.which(name) if name else None
    if not found:
        return "", f"PATH has no program {name}" if name else f"the program of '{distribution}' is unknown"
    why = _mismatch(found, target)
    return ("", why) if why else (found, f"{found} validate")


def ask(found: str, config: Any, locate: Callable[[KeyPath], Position]) -> Finding | None:
    """Return the error that a program reports for a config; None if it reports none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.touch(mode=0o600)
        file.write_text(_yaml.dump(config), encoding="utf-8")
        code, said = _run([found, "validate", f"--config={file}"], _environment(config))
    if code == 0:
        return None
    text = _VALID_VALUES.sub("", said.replace(str(file), "the config")).strip().removeprefix("Error: ")
    message = text or f"it exits with {code} and no message"
    path = _path(message, config)
    severity = "info" if _ONLY_HERE.search(message) else "error"
    return Finding(locate(path), dotted(path), _findings.REFUSED, severity, " ".join(message.split()))


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {SECONDS} seconds"
    except OSError as error:
        return 1, f"it does not start: {error.strerror or error}"
    return done.returncode, (done.stderr or done.stdout).decode(errors="replace")


def _environment(config: Any) -> dict[str, str]:
    """Return a placeholder for every variable without a default, so that no value of this machine is used."""
    return {variable.name: _PLACEHOLDER for variable in variables(config) if not variable.optional}


def _mismatch(found: str, target: Target | None) -> str:
    """Return why a program is unsuitable: its version must match the target's."""
    if target is None:
        return ""
    _code, said = _run([found, "--version"], {})
    match = re.search(r"(?<!\d)\d++\.\d++\.\d++", said)
    if match and match[0] == target.version:
        return ""
    return f"{found} is version {match[0] if match else 'unknown'}, not {target.version}"


def _path(message: str, config: Any) -> KeyPath:
    """Return the path in the config that a message names, if any."""
    candidates: list[KeyPath] = [tuple(text.split("::")) for text in _COLONS.findall(message)]
    candidates += _QUOTED.findall(message)
    candidates += [(f"{kind}s", component_id) for component_id, kind in _CREATED.findall(message)]
    candidates += [(key,) for key in _TOP_LEVEL.findall(message)]
    missing = object()
    for candidate in candidates:
        path: KeyPath = candidate
        while path and at(config, path, missing) is missing:
            path = path[:-1]
        if path:
            return path
    return ()
