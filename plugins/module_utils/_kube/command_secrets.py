# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a command that a kubeconfig runs for a token, so that no message shows them. Private.

Such a command stands at `users[].user.exec` of a kubeconfig. If it fails, live/exec_plugin.py shows the command and the
end of its output. The output may repeat the command's secrets, so they are masked in it. For example:

    args [tool, login, -u, "bob:pass-word-1"], env {MY_TOKEN: "abcdef"}
    → list_command_secrets: {"bob:pass-word-1", "pass-word-1", "abcdef"}
    → describe_command:     "tool login"
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

# An option such as `-p`, whose value is the next word.
_SHORT_OPTION = re.compile(r"-\w")
# The begin of `-pVALUE`, `-p=VALUE` or `-token=VALUE`, which have their value in the same word.
_OPTION_WITH_VALUE = re.compile(r"-\w.")
# Options of many programs whose names do not say that a secret is in their value. Source: the manual of curl.
_OPTIONS_WITH_SECRET = ("--user", "--proxy-user", "--header", "--auth", "--oauth2-bearer", "--cookie")
# A subcommand, such as `get-token`. A password seldom has small letters alone.
_SUBCOMMAND = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")


def list_command_secrets(args: Iterable[Any], env: Mapping[str, Any], kubeconfig_entry: Any) -> set[str]:
    """Return the texts that a message about a command must not show, each as it may be printed.

    They come from three places: from `kubeconfig_entry`, which is `exec` of the kubeconfig; from its variables `env`
    with names such as MY_TOKEN; and from its options of one letter, since their names do not say what they are. A
    value shorter than SHORTEST_SECRET is an ordinary word.
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
    """Return a command up to its subcommands, such as `aws eks get-token`. What follows may be a secret."""
    program, *words = [str(word) for word in args]
    subcommands = takewhile(_SUBCOMMAND.fullmatch, words)
    return " ".join((program, *subcommands))


def _find_option_values(words: list[str]) -> Iterator[str]:
    """Yield the values of options that may be secrets, and the parts of them that a message may show alone."""
    for word, following_word in pairwise((*words, "")):
        if _SHORT_OPTION.fullmatch(word) or word in _OPTIONS_WITH_SECRET:
            yield from _split_secret_parts(following_word)
            continue
        for value in _find_own_values(word):
            yield from _split_secret_parts(value)


def _split_secret_parts(option_value: str) -> Iterator[str]:
    """Yield the value of an option, the password of `USER:PASSWORD`, and the token of `Authorization: Bearer TOKEN`.

    For example, `bob:pass:word` yields `bob:pass:word`, `pass:word`, `word`, and `bob:pass:word` again.
    """
    yield option_value
    yield option_value.partition(":")[2]
    yield option_value.rpartition(":")[2]  # of a password with a colon, a message may show the end alone
    if ":" in option_value:
        yield option_value.rpartition(" ")[2]


def _find_own_values(word: str) -> tuple[str, ...]:
    """Return what may be the value in a word such as `-pVALUE`: `VALUE`, and what follows a `=`; else nothing."""
    name, _equals_sign, value = word.partition("=")
    if name in _OPTIONS_WITH_SECRET:
        return (value,)
    if not _OPTION_WITH_VALUE.match(word):
        return ()
    return word[2:], value


def _list_spellings(secret: str) -> Iterator[str]:
    """Yield how a secret may be printed: as it is, without its line end, line by line, and as in a text of JSON."""
    printed = _as_printed(secret)
    stripped = printed.strip()
    yield from (printed, stripped, *printed.splitlines())
    for text in (printed, stripped):
        yield json.dumps(text)[1:-1]


def _as_printed(secret: str) -> str:
    """Return a secret as it stands in what a command prints: there, bytes that are no UTF-8 are replaced."""
    return secret.encode(errors="surrogateescape").decode(errors="replace")
