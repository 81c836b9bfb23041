# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a command of a kubeconfig, as the command may print them. Private.

A kubeconfig may name a command that returns a token. If it fails, its output is told without these secrets
(live/exec_plugin.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, takewhile
from typing import Any

from .._otelcol.config.object_secrets import find_secrets_in_objects
from .._otelcol.config.secret_names import is_secret_name
from .option_secrets import SHORTEST_SECRET

# `-p`, whose value is the next word; and `-pVALUE`, `-p=VALUE` and `-token=VALUE`, which have it themselves.
_SHORT_OPTION = re.compile(r"-\w")
_OPTION_WITH_VALUE = re.compile(r"-\w.")
# Options of many programs whose names do not say that a secret is in their value. Source: the manual of curl.
_OPTIONS_WITH_SECRET = ("--user", "--proxy-user", "--header", "--auth", "--oauth2-bearer", "--cookie")
# What a subcommand is made of. A password seldom has small letters alone.
_SUBCOMMAND = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")


def list_command_secrets(args: Iterable[Any], env: Mapping[str, Any], kubeconfig_entry: Any) -> set[str]:
    """Return all spellings of what a command must not say.

    These are the secrets of its entry `kubeconfig_entry` of the kubeconfig, those of its variables `env`, and the
    values of its options of one letter, whose names do not say what they are. Shorter values than SHORTEST_SECRET are
    words.
    """
    secrets = set(find_secrets_in_objects(kubeconfig_entry))
    for name, value in env.items():
        if value and is_secret_name(name):
            secrets.add(str(value))
    secrets.update(_find_option_values([str(word) for word in args]))
    spellings: set[str] = set()
    for secret in secrets:
        spellings.update(_list_spellings(secret))
    return {spelling for spelling in spellings if len(spelling) >= SHORTEST_SECRET}


def describe_command(args: Iterable[Any]) -> str:
    """Return a command up to its subcommands: what follows may be a secret, whatever it is called."""
    program, *words = [str(word) for word in args]
    subcommands = takewhile(_SUBCOMMAND.fullmatch, words)
    return " ".join((program, *subcommands))


def _find_option_values(words: list[str]) -> Iterator[str]:
    """Yield the values of options, and the parts of them that a message may show alone."""
    for word, following_word in pairwise((*words, "")):
        is_followed_by_value = _SHORT_OPTION.fullmatch(word) or word in _OPTIONS_WITH_SECRET
        values = (following_word,) if is_followed_by_value else _find_own_values(word)
        for value in values:
            yield from _split_secret_parts(value)


def _split_secret_parts(option_value: str) -> Iterator[str]:
    """Yield the value of an option, the password of `USER:PASSWORD`, and the token of `Authorization: Bearer TOKEN`."""
    yield option_value
    yield option_value.partition(":")[2]
    yield option_value.rpartition(":")[2]  # of a password with a colon, a message may show the end
    if ":" in option_value:
        yield option_value.rpartition(" ")[2]


def _find_own_values(word: str) -> tuple[str, ...]:
    """Return the parts of a word that may be the value of its option; nothing if it is no such option."""
    name, _equals_sign, value = word.partition("=")
    if name in _OPTIONS_WITH_SECRET:
        return (value,)
    if not _OPTION_WITH_VALUE.match(word):
        return ()
    return word[2:], value


def _list_spellings(secret: str) -> Iterator[str]:
    """Yield how a secret may be printed: as it is, without its line end, line by line, and inside of JSON."""
    printed = _as_printed(secret)
    stripped = printed.strip()
    yield from (printed, stripped, *printed.splitlines())
    for text in (printed, stripped):
        yield json.dumps(text)[1:-1]


def _as_printed(secret: str) -> str:
    """Return a secret as it stands in what a command prints: there, bytes that are no UTF-8 are replaced."""
    return secret.encode(errors="surrogateescape").decode(errors="replace")
