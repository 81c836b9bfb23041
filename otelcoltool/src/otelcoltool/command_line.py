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
from .module_utils._otelcol.bounded.live.bounded_reads import stream_bytes
from .module_utils._otelcol.bounded.read_limits import TEXT
from .module_utils._otelcol.config.config_secrets import secrets_in_objects
from .module_utils._otelcol.config.masking import concealed, masker
from .module_utils._otelcol.errors import Problem, cleaned, near
from .plugin_utils._otelcol import _documents, _files, _inputs, _yaml

CLEAN, FOUND, UNUSABLE, BROKEN = 0, 1, 2, 3
_INTERRUPTED = 130
_CUT_OFF = 141  # as a shell says of a program whose reader has gone
STDIN = "-"
_FROM_STDIN = _inputs.Reading(variable="stdin")
_BESIDE, _ALONE = "also beside files", "alone"
_EXITS = """\
exit codes:
  0  nothing was found that is as severe as asked
  1  something was found: findings, manual changes, failed tests
  2  the command was used wrongly, or what it was given cannot be read
  3  the command itself failed: please report that
"""
# Options of modules that need an inventory, its roles or a cluster.
_OF_INVENTORIES = (
    *("collectors", "defaults", "recipe_paths", "platform_paths", "identity_annotations", "has_identity"),
    *("resources", "programs", "config", "compare.running"),
)


@dataclass(frozen=True)
class Command:
    """A command with the file that runs it, and whether it takes the options of a module."""

    name: str
    about: str
    is_module: bool = True
    may_change: bool = False
    """Whether it writes files of the user, and may be asked to only show how."""
    stdin: str = ""
    """What it takes from the standard input: a config beside files, a config alone, or nothing."""


COMMANDS = (
    Command("validate", "Check configs of Collectors, and report all findings.", stdin=_BESIDE),
    Command(
        "migrate", "Move configs to another version or distribution of the Collector.", may_change=True, stdin=_ALONE
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
        say(f"{message}. `{self.prog} --help` lists what it takes.")
        sys.exit(UNUSABLE)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Shows no traceback, and no secret of a config."""
    given = sys.argv[1:] if words is None else list(words)
    _write_in_utf_8()
    try:
        code = _run(given)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of the output has seen enough; what it has not seen may be an error
        _drop_output()
        return _CUT_OFF
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # its text may quote a secret
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _drop_output()
            say(f"the output cannot be written: {error.strerror}. Make room, or write it elsewhere.")
            return UNUSABLE
        place = _place(error)
        say(f"the command failed with {type(error).__name__} at {place}. Report this line to the maintainers.")
        return BROKEN


def _drop_output() -> None:
    """Let what is not written yet go nowhere, since Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_in_utf_8() -> None:
    """Let every report be UTF-8, whatever the language of the terminal; a name of a file may be no text at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _place(error: BaseException) -> str:
    """Return the file and line that raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    return f"{Path(code.co_filename).name}:{trace.tb_lineno}" if trace and code else "an unknown place"


def _run(words: Sequence[str]) -> int:
    parser, known = _parser(words)
    given = parser.parse_args(list(words))
    if given.command is None:
        parser.print_help()
        return UNUSABLE
    command = next(one for one in COMMANDS if one.name == given.command)
    arguments: Mapping[str, Any] = {}
    try:
        request = _request(command, given, known)
        arguments = request.arguments
        run: Callable[[Request], int] = import_module(f".{command.name}", f"{__package__}.commands").run
        gc.freeze()
        gc.enable()
        return run(request)
    except Problem as problem:
        mask = masker(secrets_in_objects(arguments, _yaml.parsed))
        say(concealed(mask(str(problem))))
        return UNUSABLE


def say(text: str) -> None:
    """Tell the user something that is no part of a report."""
    print(f"otelcoltool: {options.without_play(text)}", file=sys.stderr)


def warn(text: str) -> None:
    """Warn the user of something that is no finding."""
    say(f"warning: {text}")


def _parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, options.Option]]:
    """Return the parser with the options of the command that the words name, and these options."""
    shape = argparse.RawDescriptionHelpFormatter
    about = "Validate, migrate and test configs of OpenTelemetry Collectors."
    parser = Parser("otelcoltool", description=about, epilog=_EXITS, formatter_class=shape)
    parser.add_argument("--version", action="version", version=f"otelcoltool {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    known: dict[str, options.Option] = {}
    for command in COMMANDS:
        inner = commands.add_parser(
            command.name,
            help=command.about,
            description=command.about,
            epilog=_EXITS,
            formatter_class=shape,
            allow_abbrev=False,
        )
        if command.name in words[:1]:
            known = _add_options(inner, command)
    return parser, known


def _add_options(parser: argparse.ArgumentParser, command: Command) -> dict[str, options.Option]:
    if not command.is_module:
        parser.add_argument(
            "rule", nargs="?", default="", metavar="RULE", help="The id of a rule, as findings have it."
        )
        return {}
    known = options.documented(command.name, _OF_INVENTORIES, command.may_change)
    options.add_to(parser, known, f"`-` reads the standard input, {command.stdin}." if command.stdin else "")
    parser.add_argument("--options", metavar="FILE", help="YAML file with options by name. Those given here go first.")
    if command.name == "validate":
        told = "Skip files that are no config, also if PATH names them, and name them in a warning. For hooks."
        parser.add_argument("--skip-others", action="store_true", help=told)
    if command.may_change:
        parser.add_argument("--check", action="store_true", help="Write no file, and say what would change.")
    if command.name == "migrate":
        parser.add_argument("--diff", action="store_true", help="Show the changes of the text, with secrets masked.")
    if "format" not in known:
        shapes = ("text", "json")
        parser.add_argument("--format", choices=shapes, default="text", help="Format of the output. (default: text)")
    return known


def _request(command: Command, given: argparse.Namespace, known: Mapping[str, options.Option]) -> Request:
    """Return what is asked. Raises Problem for wrong options, and for a standard input that cannot be read."""
    if not command.is_module:
        return Request({}, rule=given.rule)
    from_file = _options_file(given.options, known) if given.options else {}
    found = {**dict.fromkeys(_OF_INVENTORIES), "collectors": [], **options.arguments(given, known, from_file)}
    paths = found["paths"] = list(dict.fromkeys(found["paths"]))
    if not paths and not found.get("rule_paths"):
        raise Problem("there is nothing to read", fix=f"Give files or folders, or `{STDIN}` for the standard input.")
    if STDIN in paths:
        _check_stdin(command, paths)
        found["paths"], found["config"] = [path for path in paths if path != STDIN], _standard_input()
    for path in found["paths"]:
        _check_path(path)
    for option in ("output_path", "dest"):
        _files.check_apart(found.get(option), [given.options], option)
    shown = {name: getattr(given, name) for name in ("check", "diff", "format") if getattr(given, name, None)}
    return Request(found, _reading(given, paths), **shown)


def _check_stdin(command: Command, paths: Sequence[str]) -> None:
    """Raise Problem if a command does not take the standard input, or not beside files."""
    if not command.stdin:
        raise Problem(f"`{command.name}` reads no standard input", fix="Give files or folders.")
    if command.stdin == _ALONE and len(paths) > 1:
        wrong = "the standard input and files were given"
        raise Problem(wrong, fix=f"Give files and folders, or `{STDIN}` alone.")


def _reading(given: argparse.Namespace, paths: Sequence[str]) -> _inputs.Reading:
    """Return how inputs are read: the standard input in its place among the paths."""
    before = paths.index(STDIN) if STDIN in paths else 0
    skips_others = getattr(given, "skip_others", False)
    return replace(_FROM_STDIN, variable_index=before, skips_others=skips_others)


def _check_path(path: str) -> None:
    """Raise Problem for what a path cannot be."""
    found = _files.named(path)
    if _files.is_there(found, Path.is_fifo):
        raise Problem(f"{path} is a pipe", fix=f"Send its text to the standard input, and give `{STDIN}`.")
    if not _files.is_there(found, Path.exists):
        raise _inputs.no_yaml_file(path)


def _options_file(path: str, known: Mapping[str, options.Option]) -> dict[str, Any]:
    """Return the options in a file. Raises Problem if it has others."""
    found = _documents.read_yaml(path)
    if not isinstance(found, dict):
        raise Problem(
            "a file of options is a mapping", where=path, fix="Write options by name, as in `profile: production`."
        )
    for name in found:
        if name not in known:
            wrong = f"there is no option '{cleaned(str(name))}'{near(str(name), known)}"
            raise Problem(wrong, where=path, fix=f"Options: {', '.join(sorted(known))}.")
    return dict(found)


def _standard_input() -> str:
    """Return the text of the standard input. Raises Problem if it is no text, or too large."""
    if sys.stdin is None or sys.stdin.isatty():
        wrong = "there is no standard input" if sys.stdin is None else "the standard input is a terminal"
        raise Problem(wrong, fix="Write a config to it, as in `helm template … | otelcoltool validate -`.")
    data = stream_bytes(sys.stdin.buffer.read, TEXT, "the standard input")
    return _files.decoded(data, "the standard input")
