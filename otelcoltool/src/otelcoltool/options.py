# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a command: those of the module of the same name, from its documentation.

An option that a module gets is an option here too. Names, types, choices, defaults and descriptions are the module's.
`command_line.py` calls this file. The facts of an option are what the documentation says of it, by Ansible's keys such
as `type`, `elements`, `suboptions` and `description`. A part is an option inside of a mapping, a suboption of Ansible.

The shape of an option decides in four places, which change together: `_match_shape` checks a value,
`add_options_to_parser` makes the flag, `_read_given_value` reads it, and `_fill_parts` fills a mapping with parts.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .module_utils._otelcol.errors import Problem, suggest_word
from .plugin_utils._otelcol import _documented, _yaml

PREFIX = "pipeline_"
# Marks of Ansible in a description, such as O(paths), V(auto) and M(o11y.opentelemetry.pipeline_test): one or two
# letters, then a text in parentheses, which may have one more pair of them inside.
_MARK = re.compile(r"\b([A-Z]{1,2})\(((?:[^()]|\([^()]*\))*)\)")
_OPTION, _RESULT, _MODULE = "O", "RV", "M"
# The space between two sentences: after a full stop, and before a capital letter or code.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
# Words of sentences that a command leaves out: it has no playbook, and perhaps no check mode.
_CHECK_MODE, _PLAYBOOK = "Check mode", "Playbook"
# What a description calls by the words of a playbook.
_PLAYBOOK_WORDS = (
    (re.compile(r"\bthe controller\b"), "this machine"),
    (re.compile(r"\bthe task\b"), "the command"),
    (re.compile(r"\bCheck mode\b"), "`--check`"),
)
_TEXTS = ("str", "path")


@dataclass(frozen=True)
class Option:
    """An option of a command."""

    name: str
    """The name of the option of the module, such as `fail_on`."""
    kind: str
    """The type in Ansible's words, such as `list`, `bool`, `dict` or `path`."""
    element_kind: str
    """The type of the elements of a list; empty if it is none."""
    choices: tuple[str, ...]
    """The only valid values; empty if any value of the type is valid."""
    default: Any
    description: str
    """The help, in the words of a command and without marks."""
    suboptions: Mapping[str, Any]
    """The options in a mapping, with their facts; empty if it takes any."""

    @property
    def flag(self) -> str:
        """Return the option as users write it, such as `--fail-on`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_mapping(self) -> bool:
        """Whether a value of the option, or each of its values, is a mapping."""
        return "dict" in (self.kind, self.element_kind)

    def check_value(self, value: Any, where: str) -> Any:
        """Return a value of the option, with the defaults of its parts; for None, the default of the option.

        Raises Problem for a value of another type, and for one that is no choice. `where` names the flag or the file
        that the value is from.
        """
        if value is None:
            return self.default
        expected_shape, fits = self._match_shape(value)
        if not fits:
            raise Problem(f"'{self.name}' must be {expected_shape}", where=where, fix=f"See `{self.flag}` in the help.")
        if self.choices and value not in self.choices:
            wrong = f"'{value}' is no value of '{self.name}'{suggest_word(str(value), self.choices)}"
            raise Problem(wrong, where=where, fix=f"Give {', '.join(self.choices)}.")
        return self._fill_parts(value, where) if self.suboptions else value

    def _fill_parts(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return a mapping with the defaults of the parts that it leaves out. Raises Problem for an unknown part."""
        parts = {name: _build_option(name, facts) for name, facts in self.suboptions.items()}
        for name in value:
            if name not in parts:
                wrong = f"'{self.name}' has no '{name}'{suggest_word(str(name), parts)}"
                raise Problem(wrong, where=where, fix=f"Give {', '.join(parts)}.")
        return {name: part.check_value(value.get(name), where) for name, part in parts.items()}

    def _match_shape(self, value: Any) -> tuple[str, bool]:
        """Return the type that the option wants, in words, and whether a value has it."""
        if self.kind == "dict":
            return "a mapping", isinstance(value, dict)
        if self.kind == "bool":
            return "true or false", isinstance(value, bool)
        if self.kind == "list":
            kind, word = (dict, "mappings") if self.element_kind == "dict" else (str, "texts")
            return f"a list of {word}", isinstance(value, list) and all(isinstance(item, kind) for item in value)
        return "text", isinstance(value, str)


def read_documented_options(command: str, excluded_names: Collection[str], may_check: bool) -> dict[str, Option]:
    """Return the options of a command such as `validate` by name, from the documentation of its module.

    `excluded_names` are the options, and parts such as `compare.running`, that the command does not have, since they
    need an inventory or a cluster. Sentences about them go too. `may_check` says whether the command can only look, as
    a module does in check mode.
    """
    module = PREFIX + command
    text = import_module(f".modules.{module}", __package__).DOCUMENTATION
    lacking_words = [_PLAYBOOK] if may_check else [_PLAYBOOK, _CHECK_MODE]
    documented_options: dict[str, Option] = {}
    for name, facts in _documented.read_documented_options(text, module, _read_fragment_part).items():
        if name not in excluded_names:
            documented_options[name] = _build_option(
                name, _drop_lacking_sentences(facts, lacking_words, excluded_names), excluded_names
            )
    return documented_options


def _drop_lacking_sentences(
    facts: Mapping[str, Any], lacking_words: Collection[str], excluded_names: Collection[str]
) -> dict[str, Any]:
    """Return the facts of an option, with a description without the sentences about what the command lacks.

    Such a sentence has one of the lacking words, or names an excluded option or a part of one.
    """
    kept_sentences = []
    for sentence in _SENTENCE_END.split(_join_description(facts)):
        has_lacking_word = any(word in sentence for word in lacking_words)
        if not has_lacking_word and not _names_excluded_option(sentence, excluded_names):
            kept_sentences.append(sentence)
    return {**facts, "description": " ".join(kept_sentences)}


def _names_excluded_option(sentence: str, excluded_names: Collection[str]) -> bool:
    """Whether a sentence names an excluded option, as O(config) or O(config=x), or a part of one, as O(config.path)."""
    for mark, text in _MARK.findall(sentence):
        name = text.partition("=")[0]
        is_excluded = any(name == excluded or name.startswith(f"{excluded}.") for excluded in excluded_names)
        if mark == _OPTION and is_excluded:
            return True
    return False


def _join_description(facts: Mapping[str, Any]) -> str:
    """Return the description of an option, which may be one text or a list of them."""
    description = facts.get("description", "")
    return description if isinstance(description, str) else " ".join(description)


def _read_fragment_part(file: str, part: str) -> str:
    """Return a part of a fragment of documentation, as YAML."""
    fragment = import_module(f".doc_fragments.{file}", __package__).ModuleDocFragment
    return str(getattr(fragment, part))


def _build_option(name: str, facts: Mapping[str, Any], excluded_names: Collection[str] = ()) -> Option:
    """Return an option by its facts.

    `excluded_names` has names of options, and of their parts, such as `compare.running`.
    """
    suboptions = facts.get("suboptions", {})
    return Option(
        name=name,
        kind=facts["type"],
        element_kind=facts.get("elements", ""),
        choices=tuple(facts.get("choices", ())),
        default=facts.get("default"),
        description=_strip_ansible_marks(_join_description(facts)),
        suboptions={part: suboptions[part] for part in suboptions if f"{name}.{part}" not in excluded_names},
    )


def _strip_ansible_marks(text: str) -> str:
    """Return a description without the marks and words of Ansible."""
    return " ".join(replace_playbook_words(_MARK.sub(_replace_mark, text)).split())


def replace_playbook_words(text: str) -> str:
    """Return a text about modules in the words of a command."""
    for pattern, word in _PLAYBOOK_WORDS:
        text = pattern.sub(word, text)
    return text


def _replace_mark(mark_match: re.Match[str]) -> str:
    """Return what a mark of Ansible says to users of the command.

    That is `--fail-on` for O(fail_on), `PATH` for O(paths), and the text of the mark for most others. Of a module or of
    an option in another place, it is the end of the name: `test` for M(o11y.opentelemetry.pipeline_test).
    """
    mark, name = mark_match.groups()
    if mark == _OPTION and name.isidentifier():
        return "PATH" if name == "paths" else f"--{name.replace('_', '-')}"
    if mark in (_OPTION, _RESULT, _MODULE):
        return name.rpartition(":")[2].rpartition(PREFIX)[2]
    return name


def add_options_to_parser(parser: argparse.ArgumentParser, options: Mapping[str, Option], stdin: str = "") -> None:
    """Let a parser take options; what is not given is None, so that a file of options may give it.

    `stdin` is a sentence about what the standard input is for; empty if the command does not read it.
    """
    for option in options.values():
        help_text = option.description.replace("%", "%%") + _describe_default(option)
        if option.name == "paths":
            parser.add_argument("paths", nargs="*", metavar="PATH", help=f"{help_text} {stdin}".rstrip())
        elif option.kind == "bool":
            parser.add_argument(option.flag, action=argparse.BooleanOptionalAction, default=None, help=help_text)
        elif option.is_mapping:
            help_text += " May be given several times." if option.kind == "list" else ""
            parser.add_argument(option.flag, action="append", metavar="NAME=VALUE,…", help=help_text)
        elif option.kind == "list":
            help_text += " May be given several times."
            parser.add_argument(option.flag, action="append", metavar=option.element_kind.upper(), help=help_text)
        else:
            value_settings = {"choices": option.choices} if option.choices else {"metavar": option.kind.upper()}
            parser.add_argument(option.flag, help=help_text, **value_settings)


def _describe_default(option: Option) -> str:
    """Return a default for the help; empty for an empty text and for another type."""
    default = option.default
    return f" (default: {default})" if isinstance(default, str) and default else ""


def merge_arguments(
    parsed: argparse.Namespace, options: Mapping[str, Option], file_options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all options of a module: those of the command line, else those of a file, else their defaults.

    `file_options` has the options of the file by name. Raises Problem for a value that an option does not take.
    """
    merged = {}
    for name, option in options.items():
        value = _read_given_value(getattr(parsed, name), option)
        where = option.flag
        if value in (None, []) and name in file_options:
            value, where = file_options[name], "the file of --options"
        merged[name] = option.check_value(value, where)
    return merged


def _read_given_value(value: Any, option: Option) -> Any:
    """Return what the command line has for an option; None if it has nothing.

    Texts of a mapping are parsed: `NAME=VALUE,…` or YAML in braces. Raises Problem for a text that is neither.
    """
    if value is None or not option.is_mapping:
        return value
    mappings = list(_parse_mappings(value, option))
    if option.kind == "list":
        return mappings
    joined: dict[str, Any] = {}
    for mapping in mappings:
        joined |= mapping
    return joined


def _parse_mappings(texts: list[str], option: Option) -> Iterator[dict[str, Any]]:
    """Yield each value as a mapping: YAML in braces, or names with values. Raises Problem for another text."""
    for text in texts:
        if text.lstrip().startswith("{"):
            value = _yaml.load(text, option.flag).data
            if not isinstance(value, dict):
                raise Problem(f"'{text}' is no mapping", where=option.flag, fix="Write {NAME: VALUE}.")
            yield value
            continue
        pairs = [pair.partition("=") for pair in text.split(",")]
        if not all(name and equals for name, equals, _value in pairs):
            fix = "Write NAME=VALUE,… or YAML: '{NAME: VALUE}'."
            raise Problem(f"'{text}' has no names with values", where=option.flag, fix=fix)
        yield {name.strip(): value.strip() for name, _equals, value in pairs}
