# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a command: those of the module of the same name, as its documentation describes them.

Names, types, choices, defaults and descriptions are the module's. `command_line.py` reads them with
`read_documented_options`, adds them to its parser, and merges what users gave in flags and in a file. An example: the
documentation of pipeline_validate has ::

    fail_on:
      description: The least severity of a finding that fails the task.
      type: str
      choices: [error, warning, never]
      default: error

so the command validate takes `--fail-on {error,warning,never}`, with the help "The least severity of a finding that
fails the command. (default: error)".
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .module_utils._otelcol.errors import Problem, suggest_word
from .option_texts import MODULE_PREFIX, drop_unfit_sentences, translate_description
from .option_types import OptionType, choose_type
from .plugin_utils._otelcol import _documented


@dataclass(frozen=True)
class Option:
    """An option of a command."""

    name: str
    """The name of the option of the module, such as `fail_on`."""
    value_type: OptionType
    default: Any
    description: str
    """The help, in the words of a command and without marks of Ansible."""
    choices: tuple[str, ...]
    """The only valid values; empty if any value of the type is valid."""
    parts: Mapping[str, Option]
    """The options in a mapping by name, which Ansible calls suboptions; empty if the mapping takes any."""

    @property
    def flag(self) -> str:
        """Return the option as users write it, such as `--fail-on`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_positional(self) -> bool:
        """Whether users write its values without a flag, as PATH. Whoever reads paths names one that is empty."""
        return self.name == "paths"

    @property
    def help_text(self) -> str:
        """The description with the default, in the form of argparse, where `%` has a meaning."""
        default_note = f" (default: {self.default})" if isinstance(self.default, str) and self.default else ""
        return self.description.replace("%", "%%") + default_note

    def complete_value(self, value: Any, where: str) -> Any:
        """Return a value of the option with the defaults of its parts; for None, the default of the option.

        Raises Problem for a value of another type, for an empty text, and for one that is no choice. `where` names the
        flag or the file that the value is from.
        """
        if value is None:
            return self.default
        if not self.value_type.accepts(value):
            wrong = f"'{self.name}' must be {self.value_type.expected}"
            raise Problem(wrong, where=where, fix=f"See `{self.flag}` in the help.")
        if not self.is_positional and self.value_type.has_empty_text(value):
            raise self._build_empty_problem(where)
        if self.choices and value not in self.choices:
            wrong = f"'{value}' is no value of '{self.name}'{suggest_word(str(value), self.choices)}"
            raise Problem(wrong, where=where, fix=f"Give {', '.join(self.choices)}.")
        return self._complete_parts(value, where) if self.parts else value

    def _build_empty_problem(self, where: str) -> Problem:
        """Return the problem of an empty text, as `--dest "$FILE"` has where no variable `FILE` is set.

        The modules take it for an option that is not given, and would write to other files than the user wants.
        """
        fix = "Give a value, or leave it out."
        if where == self.flag:
            return Problem(f"{self.flag} is empty", fix=fix)
        return Problem(f"'{self.name}' is empty", where=where, fix=fix)

    def _complete_parts(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return a mapping with the defaults of the parts that it leaves out. Raises Problem for an unknown part."""
        for name in value:
            if name not in self.parts:
                wrong = f"'{self.name}' has no '{name}'{suggest_word(str(name), self.parts)}"
                raise Problem(wrong, where=where, fix=f"Give {', '.join(self.parts)}.")
        return {name: part.complete_value(value.get(name), where) for name, part in self.parts.items()}


def read_documented_options(command: str, excluded_names: Collection[str], may_check: bool) -> dict[str, Option]:
    """Return the options of a command such as `validate` by name, from the documentation of its module.

    `excluded_names` are the options, and parts such as `compare.running`, that the command does not have, since they
    need an inventory or a cluster. Sentences about them go too. `may_check` says whether the command can only look, as
    a module does in check mode.
    """
    module = MODULE_PREFIX + command
    documentation = import_module(f".modules.{module}", __package__).DOCUMENTATION
    documented = _documented.read_documented_options(documentation, module, _read_fragment_part)
    options: dict[str, Option] = {}
    for name, facts in documented.items():
        if name not in excluded_names:
            description = drop_unfit_sentences(_join_description(facts), excluded_names, may_check)
            options[name] = _build_option(name, {**facts, "description": description}, excluded_names)
    return options


def _read_fragment_part(file: str, part: str) -> str:
    """Return a part of a fragment of documentation, as YAML."""
    fragment = import_module(f".doc_fragments.{file}", __package__).ModuleDocFragment
    return str(getattr(fragment, part))


def _join_description(facts: Mapping[str, Any]) -> str:
    """Return the description of an option, which may be one text or a list of them."""
    description = facts.get("description", "")
    return description if isinstance(description, str) else " ".join(description)


def _build_option(name: str, facts: Mapping[str, Any], excluded_names: Collection[str] = ()) -> Option:
    """Return an option by its facts: what the documentation says of it, by keys such as `type` and `suboptions`.

    `excluded_names` has names of options, and of their parts, such as `compare.running`.
    """
    parts: dict[str, Option] = {}
    for part_name, part_facts in facts.get("suboptions", {}).items():
        if f"{name}.{part_name}" not in excluded_names:
            parts[part_name] = _build_option(part_name, part_facts)
    choices = tuple(facts.get("choices", ()))
    return Option(
        name=name,
        value_type=choose_type(facts["type"], facts.get("elements", ""), choices),
        default=facts.get("default"),
        description=translate_description(_join_description(facts)),
        choices=choices,
        parts=parts,
    )


def add_options_to_parser(parser: argparse.ArgumentParser, options: Mapping[str, Option], stdin: str = "") -> None:
    """Let a parser take options; what is not given is None, so that a file of options may give it.

    `stdin` is a sentence about what the standard input is for; empty if the command does not read it.
    """
    for option in options.values():
        if option.is_positional:
            help_text = f"{option.help_text} {stdin}".rstrip()
            parser.add_argument("paths", nargs="*", metavar="PATH", help=help_text)
            continue
        repeat_note = " May be given several times." if option.value_type.is_repeatable else ""
        help_text = option.help_text + repeat_note
        parser.add_argument(option.flag, help=help_text, **option.value_type.build_flag_settings())


def merge_arguments(
    parsed: argparse.Namespace, options: Mapping[str, Option], file_options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all options of a module: those of the command line, else those of a file, else their defaults.

    `file_options` has the options of the file by name. Raises Problem for a value that an option does not take.
    """
    merged = {}
    for name, option in options.items():
        given = getattr(parsed, name)
        value = None if given is None else option.value_type.parse_given(given, option.flag)
        where = option.flag
        is_given = value not in (None, [])  # argparse has an empty list for PATH if the user gives none
        if not is_given and name in file_options:
            value, where = file_options[name], "the file of --options"
        merged[name] = option.complete_value(value, where)
    return merged
