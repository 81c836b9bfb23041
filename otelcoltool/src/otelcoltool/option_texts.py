# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptions of Ansible modules in the words of a command: without marks, playbooks and options that it lacks.

`options.py` makes the help of each option so. An example, where the command lacks the option `collectors`::

    V(failure) fails the task, see O(fail_on). So does each of O(collectors).

becomes `failure fails the command, see --fail-on.`
"""

from __future__ import annotations

import re
from collections.abc import Collection

MODULE_PREFIX = "pipeline_"
"""What the name of a command's module has before the name of the command, as `pipeline_test` has."""
# A mark of Ansible, such as O(paths), V(auto) or M(o11y.opentelemetry.pipeline_test): one or two letters, then a text
# in parentheses, which may have one more pair of them inside.
_MARK = re.compile(r"\b([A-Z]{1,2})\(((?:[^()]|\([^()]*\))*)\)")
_OPTION_MARK = "O"
_RESULT_MARK = "RV"
_MODULE_MARK = "M"
# The space between two sentences: after a full stop, and before a capital letter or code.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
_PLAYBOOK = "Playbook"
_CHECK_MODE = "Check mode"


def drop_unfit_sentences(text: str, excluded_names: Collection[str], may_check: bool) -> str:
    """Return a description without the sentences that are of no use to a command.

    These are about playbooks, about check mode unless the command has it (`may_check`), and about options that the
    command lacks. `excluded_names` are these options, such as `config`, and parts of options, as `compare.running`.
    """
    unfit_words = [_PLAYBOOK] if may_check else [_PLAYBOOK, _CHECK_MODE]
    kept_sentences = []
    for sentence in _SENTENCE_END.split(text):
        has_unfit_word = any(word in sentence for word in unfit_words)
        if not has_unfit_word and not _names_excluded_option(sentence, excluded_names):
            kept_sentences.append(sentence)
    return " ".join(kept_sentences)


def _names_excluded_option(sentence: str, excluded_names: Collection[str]) -> bool:
    """Whether a sentence names an excluded option, as O(config) or O(config=x), or a part of one, as O(config.path)."""
    for mark, text in _MARK.findall(sentence):
        name = text.partition("=")[0]
        is_excluded = any(name == excluded or name.startswith(f"{excluded}.") for excluded in excluded_names)
        if mark == _OPTION_MARK and is_excluded:
            return True
    return False


def translate_description(text: str) -> str:
    """Return a description without the marks and words of Ansible, in one line."""
    without_marks = _MARK.sub(_translate_mark, text)
    return " ".join(replace_playbook_words(without_marks).split())


def _translate_mark(mark_match: re.Match[str]) -> str:
    """Return what a mark of Ansible says to users of the command.

    | the mark | what users read |
    |---|---|
    | `O(fail_on)` | `--fail-on` |
    | `O(paths)` | `PATH` |
    | `O(coverage=true)` | `coverage=true` |
    | `RV(compared)` | `compared` |
    | `M(o11y.opentelemetry.pipeline_test)` | `test` |
    | `V(auto)`, `C(name)` | `auto`, `name` |
    """
    mark, text = mark_match.groups()
    if mark == _OPTION_MARK and text.isidentifier():
        return "PATH" if text == "paths" else f"--{text.replace('_', '-')}"
    if mark in (_OPTION_MARK, _RESULT_MARK, _MODULE_MARK):
        return _shorten_name(text)
    return text


def _shorten_name(name: str) -> str:
    """Return the name of an option or result without its module, and that of a command's module as the command's.

    `o11y.opentelemetry.pipeline_test` is `test`, and `o11y.opentelemetry.pipeline_test#module:fail_on` is `fail_on`.
    """
    _module, _colon, own_name = name.rpartition(":")
    _collection, _prefix, command_name = own_name.rpartition(MODULE_PREFIX)
    return command_name


def replace_playbook_words(text: str) -> str:
    """Return a text about modules in the words of a command: `the task` is `the command`."""
    for pattern, command_words in _WORDS_OF_COMMANDS:
        text = pattern.sub(command_words, text)
    return text


# What texts about modules call otherwise than those about the command.
_WORDS_OF_COMMANDS = (
    (re.compile(r"\bthe controller\b"), "this machine"),
    (re.compile(r"\bthe task\b"), "the command"),
    (re.compile(r"\bCheck mode\b"), "`--check`"),
)
