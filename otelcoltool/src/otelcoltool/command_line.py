# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of otelcoltool: reads the options, runs one of the commands, and returns an exit code.

`main` is the entry point. Each command is a module of the folder `commands` with a function `run`, which gets a
`CommandRequest`: `otelcoltool validate agent.yaml` calls `run` of commands/validate.py. The options of a command are
those of the module `pipeline_<command>` of the collection, see `options.py`. What is special to one command stands in
three places: its row in `COMMANDS`, its flags in `_add_options`, and `build_request` of command_request.py.
"""

from __future__ import annotations

import argparse
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from . import __version__, options
from .command_request import INVENTORY_OPTIONS, STDIN, Command, CommandRequest, StdinUse, build_request
from .messages import EXIT_BROKEN, EXIT_CODES_HELP, EXIT_UNUSABLE, tell_user
from .module_utils._otelcol.config.masking import conceal_secrets, make_masker
from .module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from .module_utils._otelcol.errors import Problem
from .plugin_utils._otelcol import _yaml

COMMANDS = (
    Command("validate", "Check configs of Collectors, and report all findings.", stdin_use=StdinUse.BESIDE_FILES),
    Command(
        "migrate",
        "Move configs to another version or distribution of the Collector.",
        may_change=True,
        stdin_use=StdinUse.ALONE,
        formats=("text", "json", "sarif", "github"),
    ),
    Command("test", "Run a real Collector with given telemetry, and compare what it exports.", may_change=True),
    Command("explain", "Explain a rule, or list all rules.", is_module=False),
)
# The exit code by which a shell says that a closed pipe ended a program: 128 and the number of the signal.
_EXIT_AFTER_SIGPIPE = 141
_PROGRAM = "otelcoltool"
_HELP_FORMATTER = argparse.RawDescriptionHelpFormatter


class CommandParser(argparse.ArgumentParser):
    """A parser that tells an error in one line, as all errors of the command are told."""

    def error(self, message: str) -> NoReturn:
        """Tell the user what is wrong with the options, and end the command."""
        tell_user(f"{message}. `{self.prog} --help` lists what it takes.")
        sys.exit(EXIT_UNUSABLE)

    def parse_words(self, words: list[str]) -> argparse.Namespace:
        """Return what words say that may have paths between options, as `a.yaml --merge b.yaml`. Behind `--` are paths.

        Python's parser would take a path behind `--` that looks like an option, such as `--merge`, for that option.
        """
        if "--" not in words:
            return self.parse_intermixed_args(words)
        dashes = words.index("--")
        parsed = self.parse_intermixed_args(words[:dashes])
        parsed.paths = [*parsed.paths, *words[dashes + 1 :]]
        return parsed


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the words name, and return its exit code. Shows no traceback, and no secret of a config.

    Ctrl-C is left to the caller, `__main__.py`, which also ends the imports with it.
    The words are those of the command line, such as `["validate", "agent.yaml"]`.
    """
    command_words = sys.argv[1:] if words is None else list(words)
    if sys.stdout is None:  # as in `otelcoltool explain >&-`
        tell_user("the output cannot be written: the standard output is closed. Open it, or send it to /dev/null.")
        return EXIT_UNUSABLE
    _write_in_utf_8()
    try:
        exit_code = _run_command(command_words)
        sys.stdout.flush()
        return exit_code
    except BrokenPipeError:  # as in `otelcoltool explain | head`: the rest of the output is not wanted
        _drop_output()
        return _EXIT_AFTER_SIGPIPE
    except Exception as error:
        return _report_failure(error)


def _write_in_utf_8() -> None:
    """Write every report in UTF-8, whatever the language of the terminal. Names of files may have other bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _run_command(words: list[str]) -> int:
    """Run the command that the words name, and return its exit code."""
    parser = _build_parser()
    command = _find_command(words)
    if command is None:
        parser.parse_args(words)  # ends the command, unless there are no words or they begin with `--`
        parser.print_help()
        return EXIT_UNUSABLE
    command_parser = _build_command_parser(command)
    module_options = _add_options(command_parser, command)
    read_words = command_parser.parse_words if command.is_module else command_parser.parse_args
    parsed = read_words(words[1:])
    arguments: Mapping[str, Any] = {}
    try:
        request = build_request(command, parsed, module_options)
        arguments = request.arguments
        run: Callable[[CommandRequest], int] = import_module(f".{command.name}", f"{__package__}.commands").run
        _collect_garbage_again()
        return run(request)
    except Problem as problem:
        mask = make_masker(find_secrets_in_objects(arguments, _yaml.parse_or_none))
        tell_user(conceal_secrets(mask(str(problem))))
        return EXIT_UNUSABLE


def _find_command(words: Sequence[str]) -> Command | None:
    """Return the command that the first word names, or None."""
    for command in COMMANDS:
        if command.name in words[:1]:
            return command
    return None


def _build_parser() -> CommandParser:
    """Return the parser of words that name no command. It knows the names of the commands, and none of their options.

    Python's parser of a command inside of another one takes no paths between options, so each command has its own.
    """
    summary = "Validate, migrate and test configs of OpenTelemetry Collectors."
    parser = CommandParser(_PROGRAM, description=summary, epilog=EXIT_CODES_HELP, formatter_class=_HELP_FORMATTER)
    parser.add_argument("--version", action="version", version=f"{_PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        commands.add_parser(command.name, help=command.help_text)
    return parser


def _build_command_parser(command: Command) -> CommandParser:
    """Return the parser of a command, without options."""
    return CommandParser(
        f"{_PROGRAM} {command.name}",
        description=command.help_text,
        epilog=EXIT_CODES_HELP,
        formatter_class=_HELP_FORMATTER,
        allow_abbrev=False,
    )


def _add_options(parser: argparse.ArgumentParser, command: Command) -> dict[str, options.Option]:
    """Add the options of a command to its parser, and return those that are options of its module."""
    if not command.is_module:
        parser.add_argument(
            "rule", nargs="?", default="", metavar="RULE", help="The id of a rule, as findings have it."
        )
        _add_format_option(parser, command)
        return {}
    module_options = options.read_documented_options(command.name, INVENTORY_OPTIONS, command.may_change)
    takes_stdin = command.stdin_use is not StdinUse.NEVER
    stdin_help = f"`{STDIN}` reads the standard input, {command.stdin_use.value}." if takes_stdin else ""
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
        _add_format_option(parser, command)
    return module_options


def _add_format_option(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add the option that chooses the format of the output."""
    help_text = "Format of the output. (default: text)"
    parser.add_argument("--format", choices=command.formats, default="text", help=help_text)


def _collect_garbage_again() -> None:
    """Turn on Python's search for garbage, which `__main__.py` turned off for the imports.

    The objects that exist now are modules, classes and functions, which stay until the end. `gc.freeze` leaves them out
    of each search, so that it does not look at them in vain.
    """
    gc.freeze()
    gc.enable()


def _drop_output() -> None:
    """Send what is not yet written of the output to nowhere: Python would try to write it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_failure(error: Exception) -> int:
    """Tell the user of an error that no command expects, and return the exit code. Its text may quote a secret."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _drop_output()
        tell_user(f"the output cannot be written: {error.strerror}. Make room, or write it elsewhere.")
        return EXIT_UNUSABLE
    code_line = _find_failing_line(error)
    tell_user(f"the command failed with {type(error).__name__} at {code_line}. Report this line to the maintainers.")
    return EXIT_BROKEN


def _find_failing_line(error: BaseException) -> str:
    """Return the file and line of the code that raised an error, such as `options.py:88`."""
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
