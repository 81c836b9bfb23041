# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second opinion of a validation, beside the rules: a real Collector on this machine validates each config too.

`_validate.py` calls `add_second_opinion`, for the option `binary`. Each config is written to a file, and
`otelcol validate --config=FILE` runs, isolated in namespaces of its own (`_isolation/sandbox.py`). Variables of the
config get placeholders (`_placeholders.py`). An example: the Collector prints ::

    Error: invalid configuration: service::pipelines::traces: references exporter "x" which is not configured

which becomes a finding of `otelcol-validate` at `service.pipelines.traces`. Private.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position, format_path, iter_leaves, value_at
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from ...module_utils._otelcol.rules.findings import Finding, mask_findings
from ...module_utils._otelcol.rules.report_model import format_count
from ...module_utils._otelcol.testing.outreach import has_outside_value
from . import _binary, _findings, _placeholders, _validate_messages, _yaml
from ._isolation import once, sandbox
from ._judged_configs import JudgedConfig

TIMEOUT_SECONDS = 30
_FIX_ISOLATION = "Allow user namespaces, or write that part into the config."


@dataclass(frozen=True)
class SecondOpinion:
    """What real Collectors say of the configs of a validation."""

    judged_configs: Sequence[JudgedConfig]
    """All configs, with what a Collector finds in addition."""
    has_run: bool
    """Whether a Collector validated some of them."""
    reason: str
    """The commands that validated, and why there was none for others: `/usr/bin/otelcol validate`."""
    warnings: Sequence[str]
    """A warning if the user wants a second opinion, and some configs have none."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {"ran": self.has_run, "reason": self.reason}


def add_second_opinion(binary: str, judged_configs: Sequence[JudgedConfig]) -> SecondOpinion:
    """Validate every config with a real Collector, and add its finding to those of the rules.

    `binary` is the option of the user: a path, `auto` or `none`. Raises Problem if there is no program at the path.
    """
    opinions = []
    program_choices: list[_binary.ChosenProgram | _binary.Unavailable] = []
    for judged_config in judged_configs:
        if not isinstance(judged_config.config, dict):
            opinions.append(judged_config)
            continue
        program_choice = _binary.choose_program(binary, judged_config.target)
        program_choices.append(program_choice)
        opinions.append(_add_rejection(judged_config, program_choice))
    reasons = dict.fromkeys(map(_describe_choice, program_choices)) or {"there is no config to validate": None}
    return SecondOpinion(
        judged_configs=opinions,
        has_run=any(isinstance(program_choice, _binary.ChosenProgram) for program_choice in program_choices),
        reason="; ".join(reasons),
        warnings=_list_unchecked_warnings(binary, program_choices),
    )


def _add_rejection(
    judged_config: JudgedConfig, program_choice: _binary.ChosenProgram | _binary.Unavailable
) -> JudgedConfig:
    """Return a config with the error that the chosen program reports for it, if there is one."""
    if isinstance(program_choice, _binary.Unavailable):
        return judged_config
    rejection = validate_by_program(
        program_choice.path, judged_config.config, judged_config.locate, judged_config.target
    )
    if rejection is None:
        return judged_config
    masked_rejection = mask_findings([rejection], judged_config.config)
    return replace(judged_config, findings=sorted([*judged_config.findings, *masked_rejection]))


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


def validate_by_program(
    program_path: str, config: Any, locate: Callable[[KeyPath], Position], target: TargetBuild | None = None
) -> Finding | None:
    """Return the error that a program reports for a config; None if it reports none.

    The program runs in namespaces of its own: a config that names a file or an address gets nothing of this machine.
    Where the system allows no namespaces, such a config is not validated, and a finding says so. Two kinds of errors
    have the severity `info`: those at a value that a variable decides, since the program has read a placeholder there,
    and those that may apply only on this machine, such as a file that is missing here.
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


def _run_validate(program_path: str, config: Any, target: TargetBuild | None, is_isolated: bool) -> once.ProgramResult:
    """Validate a config; return the exit code, and the output with `the config` in place of the path of its file."""
    with tempfile.TemporaryDirectory() as folder:
        config_file = Path(folder) / "config.yaml"
        config_file.touch(mode=0o600)
        config_file.write_text(_yaml.dump(config), encoding="utf-8")
        environment = _placeholders.build_placeholder_environment(config, target)
        command = [program_path, "validate", f"--config={config_file}"]
        code, output = once.run_once(command, environment, TIMEOUT_SECONDS, [Path(folder)], is_isolated)
    return once.ProgramResult(code, output.replace(str(config_file), "the config"))


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
