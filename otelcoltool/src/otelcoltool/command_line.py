# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: takes the words of a user, runs one of the commands, and says by its exit code how that ended."""

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
from .module_utils._otelcol.config.config_secrets import find_secrets_in_objects
from .module_utils._otelcol.config.masking import conceal_secrets, make_masker
from .module_utils._otelcol.errors import Problem, clean_text, suggest_word
from .plugin_utils._otelcol import _documents, _files, _inputs, _yaml

EXIT_CLEAN, EXIT_FOUND, EXIT_UNUSABLE, EXIT_BROKEN = 0, 1, 2, 3
_EXIT_INTERRUPTED = 130
_EXIT_CUT_OFF = 141  # as a shell says of a program whose reader has gone
STDIN = "-"
_FROM_STDIN = _inputs.Reading(variable_name="stdin")
_STDIN_BESIDE_FILES, _STDIN_ALONE = "also beside files", "alone"
_EXIT_CODES_HELP = """\
exit codes:
  0  nothing was found that is as severe as asked
  1  something was found: findings, manual changes, failed tests
  2  the command was used wrongly, or what it was given cannot be read
  3  the command itself failed: please report that
"""
# Options of modules that need an inventory, its roles or a cluster.
_INVENTORY_OPTIONS = (
    *("collectors", "defaults", "recipe_paths", "platform_paths", "identity_annotations", "has_identity"),
    *("resources", "programs", "config", "compare.running"),
)


@dataclass(frozen=True)
class Command:
    """A command with the file that runs it, and whether it takes the options of a module."""

    name: str
    help_text: str
    is_module: bool = True
    may_change: bool = False
    """Whether it writes files of the user, and may be asked to only show how."""
    stdin_description: str = ""
    """What it takes from the standard input: a config beside files, a config alone, or nothing."""


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
class Request:
    """What a command is asked: the options of its module, how inputs are read, and what to show."""

    arguments: dict[str, Any]
    reading: _inputs.Reading = _FROM_STDIN
    check: bool = False
    diff: bool = False
    rule: str = ""
    format: str = "text"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors of the command are."""

    def error(self, message: str) -> NoReturn:
        """End the command for words that it does not take."""
        tell_user(f"{message}. `{self.prog} --help` lists what it takes.")
        sys.exit(EXIT_UNUSABLE)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Shows no traceback, and no secret of a config."""
    command_words = sys.argv[1:] if words is None else list(words)
    _write_in_utf_8()
    try:
        code = _run_command(command_words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of the output has seen enough; what it has not seen may be an error
        _drop_output()
        return _EXIT_CUT_OFF
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except Exception as error:  # its text may quote a secret
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _drop_output()
            tell_user(f"the output cannot be written: {error.strerror}. Make room, or write it elsewhere.")
            return EXIT_UNUSABLE
        error_place = _locate_error(error)
        tell_user(
            f"the command failed with {type(error).__name__} at {error_place}. Report this line to the maintainers."
        )
        return EXIT_BROKEN


def _drop_output() -> None:
    """Let what is not written yet go nowhere, since Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_in_utf_8() -> None:
    """Let every report be UTF-8, whatever the language of the terminal; a name of a file may be no text at all."""
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
        run: Callable[[Request], int] = import_module(f".{command.name}", f"{__package__}.commands").run
        gc.freeze()
        gc.enable()
        return run(request)
    except Problem as problem:
        mask = make_masker(find_secrets_in_objects(arguments, _yaml.parse_or_none))
        tell_user(conceal_secrets(mask(str(problem))))
        return EXIT_UNUSABLE


def tell_user(text: str) -> None:
    """Tell the user something that is no part of a report."""
    print(f"otelcoltool: {options.replace_playbook_words(text)}", file=sys.stderr)


def warn_user(text: str) -> None:
    """Warn the user of something that is no finding."""
    tell_user(f"warning: {text}")


def _build_parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, options.Option]]:
    """Return the parser with the options of the command that the words name, and these options."""
    help_formatter = argparse.RawDescriptionHelpFormatter
    summary = "Validate, migrate and test configs of OpenTelemetry Collectors."
    parser = Parser("otelcoltool", description=summary, epilog=_EXIT_CODES_HELP, formatter_class=help_formatter)
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
    if not command.is_module:
        parser.add_argument(
            "rule", nargs="?", default="", metavar="RULE", help="The id of a rule, as findings have it."
        )
        return {}
    module_options = options.read_documented_options(command.name, _INVENTORY_OPTIONS, command.may_change)
    options.add_options_to_parser(
        parser,
        module_options,
        f"`-` reads the standard input, {command.stdin_description}." if command.stdin_description else "",
    )
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
) -> Request:
    """Return what is asked. Raises Problem for wrong options, and for a standard input that cannot be read."""
    if not command.is_module:
        return Request({}, rule=parsed.rule)
    file_options = _read_options_file(parsed.options, module_options) if parsed.options else {}
    arguments = {
        **dict.fromkeys(_INVENTORY_OPTIONS),
        "collectors": [],
        **options.merge_arguments(parsed, module_options, file_options),
    }
    paths = arguments["paths"] = list(dict.fromkeys(arguments["paths"]))
    if not paths and not arguments.get("rule_paths"):
        raise Problem("there is nothing to read", fix=f"Give files or folders, or `{STDIN}` for the standard input.")
    if STDIN in paths:
        _check_stdin(command, paths)
        arguments["paths"], arguments["config"] = [path for path in paths if path != STDIN], _read_standard_input()
    for path in arguments["paths"]:
        _check_path(path)
    for option in ("output_path", "dest"):
        _files.check_output_is_no_input(arguments.get(option), [parsed.options], option)
    display_options = {
        name: getattr(parsed, name) for name in ("check", "diff", "format") if getattr(parsed, name, None)
    }
    return Request(arguments, _choose_reading(parsed, paths), **display_options)


def _check_stdin(command: Command, paths: Sequence[str]) -> None:
    """Raise Problem if a command does not take the standard input, or not beside files."""
    if not command.stdin_description:
        raise Problem(f"`{command.name}` reads no standard input", fix="Give files or folders.")
    if command.stdin_description == _STDIN_ALONE and len(paths) > 1:
        wrong = "the standard input and files were given"
        raise Problem(wrong, fix=f"Give files and folders, or `{STDIN}` alone.")


def _choose_reading(parsed: argparse.Namespace, paths: Sequence[str]) -> _inputs.Reading:
    """Return how inputs are read: the standard input in its place among the paths."""
    paths_before_stdin = paths.index(STDIN) if STDIN in paths else 0
    skips_others = getattr(parsed, "skip_others", False)
    return replace(_FROM_STDIN, variable_index=paths_before_stdin, skips_others=skips_others)


def _check_path(path: str) -> None:
    """Raise Problem for what a path cannot be."""
    location = _files.require_path(path)
    if _files.is_path_of_kind(location, Path.is_fifo):
        raise Problem(f"{path} is a pipe", fix=f"Send its text to the standard input, and give `{STDIN}`.")
    if not _files.is_path_of_kind(location, Path.exists):
        raise _inputs.no_yaml_file_problem(path)


def _read_options_file(path: str, known_options: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the options in a file. Raises Problem if it has others."""
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
