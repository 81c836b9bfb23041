# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of otelcoltool: reads the options, runs one of the commands, and returns an exit code.

`main` is the entry point. Each command is a module of the folder `commands` with a function `run`, which gets a
`CommandRequest`. The options of a command are those of the module `pipeline_<command>` of the collection, see
`options.py`. What is special to one command stands in three places: its row in `COMMANDS`, its flags in `_add_options`,
and what `_build_request` makes of them.
"""

from __future__ import annotations

import argparse
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from . import __version__, options
from .module_utils._otelcol.bounded.live.bounded_reads import read_stream
from .module_utils._otelcol.bounded.read_limits import TEXT_LIMIT
from .module_utils._otelcol.config.masking import conceal_secrets, make_masker
from .module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from .module_utils._otelcol.errors import Problem, clean_text, suggest_word
from .plugin_utils._otelcol import _documents, _files, _inputs, _yaml

EXIT_CLEAN, EXIT_FOUND, EXIT_UNUSABLE, EXIT_BROKEN = 0, 1, 2, 3
# The exit codes by which a shell says that a signal ended a program: 128 and the number of SIGINT or SIGPIPE.
_EXIT_INTERRUPTED, _EXIT_CUT_OFF = 130, 141
STDIN = "-"  # the path that stands for the standard input
_FROM_STDIN = _inputs.InputOptions(variable_name="stdin")
# How a command takes the standard input, as its help says it.
_STDIN_BESIDE_FILES, _STDIN_ALONE = "also beside files", "alone"
_EXIT_CODES_HELP = """\
exit codes:
  0  nothing was found that is as severe as asked
  1  something was found: findings, manual changes, failed tests
  2  the command was used wrongly, or what it was given cannot be read
  3  the command itself failed: please report that
"""
# Options of modules that the command does not have: they need an inventory, its roles or a cluster.
_INVENTORY_OPTIONS = (
    *("collectors", "defaults", "recipe_paths", "platform_paths", "identity_annotations", "has_identity"),
    *("resources", "programs", "config", "compare.running"),
)


@dataclass(frozen=True)
class Command:
    """A command such as `validate`, which commands/validate.py runs."""

    name: str
    help_text: str
    is_module: bool = True
    """Whether it takes the options of the module `pipeline_<name>`."""
    may_change: bool = False
    """Whether it writes files, and has an option to only say what would change."""
    stdin_description: str = ""
    """How it takes a config from the standard input, one of the texts above; empty if it takes none."""


COMMANDS = (
    Command("validate", "Check configs of Collectors, and report all findings.", stdin_description=_STDIN_BESIDE_FILES),
    Command(
        "migrate",
        "Move configs to another version or distribution of the Collector.",
        may_change=True,
        stdin_description=_STDIN_ALONE,
    ),
    Command("test", "Run a real Collector with given telemetry, and compare what it exports.", may_change=True),
    Command("explain", "Explain a rule, or list all rules.", is_module=False),
)


@dataclass(frozen=True)
class CommandRequest:
    """What a user asks of a command. Each command heeds the fields whose options it has."""

    arguments: dict[str, Any]
    """The options of the module, by their names there."""
    reading: _inputs.InputOptions = _FROM_STDIN
    """How files and the standard input are read."""
    check: bool = False
    """Whether to write no file."""
    diff: bool = False
    """Whether to show the changes of the text."""
    rule: str = ""
    """The id of the rule to explain; empty for all rules."""
    format: str = "text"
    """The format of the report: text or json."""


class CommandParser(argparse.ArgumentParser):
    """A parser that tells an error in one line, as all errors of the command are told."""

    def error(self, message: str) -> NoReturn:
        """Tell the user what is wrong with the options, and end the command."""
        tell_user(f"{message}. `{self.prog} --help` lists what it takes.")
        sys.exit(EXIT_UNUSABLE)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the words name, and return its exit code. Shows no traceback, and no secret of a config."""
    command_words = sys.argv[1:] if words is None else list(words)
    _write_in_utf_8()
    try:
        exit_code = _run_command(command_words)
        sys.stdout.flush()
        return exit_code
    except BrokenPipeError:  # as in `otelcoltool explain | head`: the rest of the output is not wanted
        _drop_output()
        return _EXIT_CUT_OFF
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except Exception as error:
        return _report_failure(error)


def _report_failure(error: Exception) -> int:
    """Tell the user of an error that no command expects, and return the exit code. Its text may quote a secret."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _drop_output()
        tell_user(f"the output cannot be written: {error.strerror}. Make room, or write it elsewhere.")
        return EXIT_UNUSABLE
    error_place = _locate_error(error)
    tell_user(f"the command failed with {type(error).__name__} at {error_place}. Report this line to the maintainers.")
    return EXIT_BROKEN


def _drop_output() -> None:
    """Send what is not yet written of the output to nowhere: Python would try to write it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_in_utf_8() -> None:
    """Write every report in UTF-8, whatever the language of the terminal. Names of files may have other bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _locate_error(error: BaseException) -> str:
    """Return the file and line that raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    return f"{Path(code.co_filename).name}:{trace.tb_lineno}" if trace and code else "an unknown place"


def _run_command(words: Sequence[str]) -> int:
    """Run the command that the words name, and return its exit code."""
    parser, module_options = _build_parser(words)
    parsed = parser.parse_args(list(words))
    if parsed.command is None:
        parser.print_help()
        return EXIT_UNUSABLE
    command = next(candidate for candidate in COMMANDS if candidate.name == parsed.command)
    arguments: Mapping[str, Any] = {}
    try:
        request = _build_request(command, parsed, module_options)
        arguments = request.arguments
        run: Callable[[CommandRequest], int] = import_module(f".{command.name}", f"{__package__}.commands").run
        _collect_garbage_again()
        return run(request)
    except Problem as problem:
        mask = make_masker(find_secrets_in_objects(arguments, _yaml.parse_or_none))
        tell_user(conceal_secrets(mask(str(problem))))
        return EXIT_UNUSABLE


def _collect_garbage_again() -> None:
    """Turn on Python's search for garbage, which `__main__.py` turned off for the imports.

    The objects that exist now are modules, classes and functions, which stay until the end. `gc.freeze` leaves them out
    of each search, so that it does not look at them in vain.
    """
    gc.freeze()
    gc.enable()


def tell_user(text: str) -> None:
    """Write a line to the standard error, for what is no part of a report."""
    print(f"otelcoltool: {options.replace_playbook_words(text)}", file=sys.stderr)


def warn_user(text: str) -> None:
    """Write a warning to the standard error, for what is no finding."""
    tell_user(f"warning: {text}")


def _build_parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, options.Option]]:
    """Return the parser, and the options of the module of the command that the words name.

    Only the parser of the command that is the first word gets options. To read those of all commands would take time.
    """
    help_formatter = argparse.RawDescriptionHelpFormatter
    summary = "Validate, migrate and test configs of OpenTelemetry Collectors."
    parser = CommandParser("otelcoltool", description=summary, epilog=_EXIT_CODES_HELP, formatter_class=help_formatter)
    parser.add_argument("--version", action="version", version=f"otelcoltool {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    module_options: dict[str, options.Option] = {}
    for command in COMMANDS:
        command_parser = commands.add_parser(
            command.name,
            help=command.help_text,
            description=command.help_text,
            epilog=_EXIT_CODES_HELP,
            formatter_class=help_formatter,
            allow_abbrev=False,
        )
        if command.name in words[:1]:
            module_options = _add_options(command_parser, command)
    return parser, module_options


def _add_options(parser: argparse.ArgumentParser, command: Command) -> dict[str, options.Option]:
    """Add the options of a command to its parser, and return those that are options of its module."""
    if not command.is_module:
        parser.add_argument(
            "rule", nargs="?", default="", metavar="RULE", help="The id of a rule, as findings have it."
        )
        return {}
    module_options = options.read_documented_options(command.name, _INVENTORY_OPTIONS, command.may_change)
    takes_stdin = bool(command.stdin_description)
    stdin_help = f"`{STDIN}` reads the standard input, {command.stdin_description}." if takes_stdin else ""
    options.add_options_to_parser(parser, module_options, stdin_help)
    parser.add_argument("--options", metavar="FILE", help="YAML file with options by name. Those given here go first.")
    if command.name == "validate":
        help_text = "Skip files that are no config, also if PATH names them, and name them in a warning. For hooks."
        parser.add_argument("--skip-others", action="store_true", help=help_text)
    if command.may_change:
        parser.add_argument("--check", action="store_true", help="Write no file, and say what would change.")
    if command.name == "migrate":
        parser.add_argument("--diff", action="store_true", help="Show the changes of the text, with secrets masked.")
    if "format" not in module_options:
        formats = ("text", "json")
        parser.add_argument("--format", choices=formats, default="text", help="Format of the output. (default: text)")
    return module_options


def _build_request(
    command: Command, parsed: argparse.Namespace, module_options: Mapping[str, options.Option]
) -> CommandRequest:
    """Return what the user asks of a command, with the text of the standard input if a path stands for it.

    Raises Problem for wrong options, for paths that cannot be read, and for a standard input that cannot.
    """
    if not command.is_module:
        return CommandRequest({}, rule=parsed.rule)
    arguments = _merge_module_arguments(parsed, module_options)
    paths = list(dict.fromkeys(arguments["paths"]))
    if not paths and not arguments.get("rule_paths"):
        raise Problem("there is nothing to read", fix=f"Give files or folders, or `{STDIN}` for the standard input.")
    if STDIN in paths:
        _check_stdin(command, paths)
        arguments["config"] = _read_standard_input()
    arguments["paths"] = [path for path in paths if path != STDIN]
    for path in arguments["paths"]:
        _check_path(path)
    for option in ("output_path", "dest"):
        _files.check_output_is_no_input(arguments.get(option), [parsed.options], option)
    # A command without one of these options has the default of the request.
    display_options: dict[str, Any] = {}
    for name in ("check", "diff", "format"):
        value = getattr(parsed, name, None)
        if value:
            display_options[name] = value
    return CommandRequest(arguments, _choose_reading(parsed, paths), **display_options)


def _merge_module_arguments(parsed: argparse.Namespace, module_options: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the value of each option of a module. Raises Problem for one that is wrong.

    The options that need an inventory are None, as in a task that does not give them. `collectors` is an empty list.
    """
    file_options = _read_options_file(parsed.options, module_options) if parsed.options else {}
    return {
        **dict.fromkeys(_INVENTORY_OPTIONS),
        "collectors": [],
        **options.merge_arguments(parsed, module_options, file_options),
    }


def _check_stdin(command: Command, paths: Sequence[str]) -> None:
    """Raise Problem if a command does not take the standard input, or takes it alone and there are files too."""
    if not command.stdin_description:
        raise Problem(f"`{command.name}` reads no standard input", fix="Give files or folders.")
    if command.stdin_description == _STDIN_ALONE and len(paths) > 1:
        wrong = "the standard input and files were given"
        raise Problem(wrong, fix=f"Give files and folders, or `{STDIN}` alone.")


def _choose_reading(parsed: argparse.Namespace, paths: Sequence[str]) -> _inputs.InputOptions:
    """Return how inputs are read: the standard input stands at its place among the paths."""
    paths_before_stdin = paths.index(STDIN) if STDIN in paths else 0
    skips_others = getattr(parsed, "skip_others", False)
    return replace(_FROM_STDIN, variable_index=paths_before_stdin, skips_others=skips_others)


def _check_path(path: str) -> None:
    """Raise Problem for a path that is a pipe, or where nothing is."""
    location = _files.require_path(path)
    if _files.is_path_of_kind(location, Path.is_fifo):
        raise Problem(f"{path} is a pipe", fix=f"Send its text to the standard input, and give `{STDIN}`.")
    if not _files.is_path_of_kind(location, Path.exists):
        raise _inputs.no_yaml_file_problem(path)


def _read_options_file(path: str, known_options: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the options in a YAML file, by their names. Raises Problem for an option that the command lacks."""
    file_options = _documents.read_yaml(path)
    if not isinstance(file_options, dict):
        raise Problem(
            "a file of options is a mapping", where=path, fix="Write options by name, as in `profile: production`."
        )
    for name in file_options:
        if name not in known_options:
            wrong = f"there is no option '{clean_text(str(name))}'{suggest_word(str(name), known_options)}"
            raise Problem(wrong, where=path, fix=f"Options: {', '.join(sorted(known_options))}.")
    return dict(file_options)


def _read_standard_input() -> str:
    """Return the text of the standard input. Raises Problem if it is no text, or too large."""
    if sys.stdin is None or sys.stdin.isatty():
        wrong = "there is no standard input" if sys.stdin is None else "the standard input is a terminal"
        raise Problem(wrong, fix="Write a config to it, as in `helm template … | otelcoltool validate -`.")
    data = read_stream(sys.stdin.buffer.read, TEXT_LIMIT, "the standard input")
    return _files.decode_text(data, "the standard input")
