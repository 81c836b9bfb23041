# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a command: its options, out of the words of the command line and a file of options.

`command_line.py` parses the words, and `build_request` makes of them the `CommandRequest` that a file of `commands`
gets. An example: `otelcoltool migrate --diff --version 0.158.0 agent.yaml` is the request ::

    CommandRequest({"paths": ["agent.yaml"], "version": "0.158.0", …}, diff=True)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from . import options
from .module_utils._otelcol.bounded.live.bounded_reads import read_stream
from .module_utils._otelcol.bounded.read_limits import TEXT_LIMIT
from .module_utils._otelcol.errors import Problem, clean_text, suggest_word
from .plugin_utils._otelcol import _documents, _files, _input_model, _inputs

STDIN = "-"
"""The path that stands for the standard input."""
INVENTORY_OPTIONS = (
    "collectors",
    "defaults",
    "recipe_paths",
    "platform_paths",
    "identity_annotations",
    "has_identity",
    "resources",
    "programs",
    "config",
    "compare.running",
)
"""Options of modules that no command has: they need an inventory, its roles or a cluster."""
_STDIN_READING = _input_model.InputOptions(variable_name="stdin")


class StdinUse(Enum):
    """Whether a command takes a config from the standard input; the values are how its help says that."""

    NEVER = ""
    ALONE = "alone"
    BESIDE_FILES = "also beside files"


@dataclass(frozen=True)
class Command:
    """A command such as `validate`, which commands/validate.py runs."""

    name: str
    help_text: str
    is_module: bool = True
    """Whether it takes the options of the module `pipeline_<name>`."""
    may_change: bool = False
    """Whether it writes files, and has an option to only say what would change."""
    stdin_use: StdinUse = StdinUse.NEVER
    formats: tuple[str, ...] = ("text", "json")
    """The formats of its output, unless its module has an option for them."""


@dataclass(frozen=True)
class CommandRequest:
    """What a user asks of a command. Each command heeds the fields whose options it has."""

    arguments: dict[str, Any]
    """The options of the module, by their names there."""
    reading: _input_model.InputOptions = _STDIN_READING
    """How files and the standard input are read."""
    check: bool = False
    """Whether to write no file."""
    diff: bool = False
    """Whether to show the changes of the text."""
    rule: str = ""
    """The id of the rule to explain; empty for all rules."""
    format: str = "text"
    """The format of the report: one of those of the command."""


def build_request(
    command: Command, parsed: argparse.Namespace, module_options: Mapping[str, options.Option]
) -> CommandRequest:
    """Return what the user asks of a command, with the text of the standard input if a path stands for it.

    `parsed` are the words of the command line as argparse has read them, and `module_options` the options of the
    command's module. Raises Problem for wrong options, for paths that cannot be read, and for a standard input that
    cannot.
    """
    if not command.is_module:
        return CommandRequest({}, rule=parsed.rule, **_read_display_options(parsed))
    arguments = _merge_module_arguments(parsed, module_options)
    _check_dest(arguments.get("dest"))
    paths = list(dict.fromkeys(arguments["paths"]))
    if not paths and not arguments.get("rule_paths"):
        may_be_stdin = "" if command.stdin_use is StdinUse.NEVER else f", or `{STDIN}` for the standard input"
        raise Problem("there is nothing to read", fix=f"Give files or folders{may_be_stdin}.")
    if STDIN in paths:
        _check_stdin(command, paths)
        arguments["config"] = _read_standard_input()
    arguments["paths"] = [path for path in paths if path != STDIN]
    for path in arguments["paths"]:
        _check_path(path)
    # A report or a migrated config must not replace the file of options, which the check of inputs does not know.
    for option in ("output_path", "dest"):
        _files.check_output_is_no_input(arguments.get(option), [parsed.options], option)
    return CommandRequest(arguments, _choose_reading(parsed, paths), **_read_display_options(parsed))


def _merge_module_arguments(parsed: argparse.Namespace, module_options: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the value of each option of a module. Raises Problem for one that is wrong.

    The options that need an inventory are None, as in a task that does not give them. `collectors` is an empty list.
    """
    file_options = _read_options_file(parsed.options, module_options) if parsed.options is not None else {}
    return {
        **dict.fromkeys(INVENTORY_OPTIONS),
        "collectors": [],
        **options.merge_arguments(parsed, module_options, file_options),
    }


def _read_options_file(path: str, known_options: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the options in a YAML file, by their names. Raises Problem for an option that the command lacks."""
    if not path:
        raise Problem("--options is empty", fix="Give a value, or leave it out.")
    file_options = _documents.read_unique_yaml(path)
    if not isinstance(file_options, dict):
        raise Problem(
            "a file of options is a mapping", where=path, fix="Write options by name, as in `profile: production`."
        )
    for name in file_options:
        if name not in known_options:
            wrong = f"there is no option '{clean_text(str(name))}'{suggest_word(str(name), known_options)}"
            raise Problem(wrong, where=path, fix=f"Options: {', '.join(sorted(known_options))}.")
    return dict(file_options)


def _check_dest(dest: str | None) -> None:
    """Raise Problem for `--dest -`: that would be a file of this name, whereas users mean the standard output."""
    if dest == STDIN:
        fix = f"Send the config to `migrate {STDIN}` without --dest: the new one goes to the standard output."
        raise Problem(f"--dest takes a file, and `{STDIN}` is none", fix=fix)


def _check_stdin(command: Command, paths: Sequence[str]) -> None:
    """Raise Problem if a command does not take the standard input, or takes it alone and there are files too."""
    if command.stdin_use is StdinUse.NEVER:
        raise Problem(f"`{command.name}` reads no standard input", fix="Give files or folders.")
    if command.stdin_use is StdinUse.ALONE and len(paths) > 1:
        wrong = "the standard input and files were given"
        raise Problem(wrong, fix=f"Give files and folders, or `{STDIN}` alone.")


def _read_standard_input() -> str:
    """Return the text of the standard input. Raises Problem if it is no text, or too large."""
    if sys.stdin is None or sys.stdin.isatty():
        wrong = "there is no standard input" if sys.stdin is None else "the standard input is a terminal"
        raise Problem(wrong, fix="Write a config to it, as in `helm template … | otelcoltool validate -`.")
    data = read_stream(sys.stdin.buffer.read, TEXT_LIMIT, "the standard input")
    return _files.decode_text(data, "the standard input")


def _check_path(path: str) -> None:
    """Raise Problem for a path that is a pipe, or where nothing is."""
    location = _files.require_path(path)
    if _files.is_path_of_kind(location, Path.is_fifo):
        raise Problem(f"{path} is a pipe", fix=f"Send its text to the standard input, and give `{STDIN}`.")
    if not _files.is_path_of_kind(location, Path.exists):
        raise _inputs.no_yaml_file_problem(path)


def _choose_reading(parsed: argparse.Namespace, paths: Sequence[str]) -> _input_model.InputOptions:
    """Return how inputs are read: the standard input stands at its place among the paths."""
    paths_before_stdin = paths.index(STDIN) if STDIN in paths else 0
    skips_others = getattr(parsed, "skip_others", False)
    return replace(_STDIN_READING, variable_index=paths_before_stdin, skips_others=skips_others)


def _read_display_options(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return those of `--check`, `--diff` and `--format` that the user gave; a command may lack some of them."""
    given_options = {}
    for name in ("check", "diff", "format"):
        value = getattr(parsed, name, None)
        if value:
            given_options[name] = value
    return given_options
