# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a service: text goes into its unit, and a secret into a file that only the service can read.

systemd copies a credential into a folder of the service, which CREDENTIALS_DIRECTORY names, and no process of another
user can read it there. The environment of a process, and a unit, can be read by more. Recipes and users write
`${env:NAME}` on hosts as in clusters; the config that the service gets reads the file instead.
Source: systemd.exec(5), LoadCredential=; confmap/expand.go, which expands the innermost reference first. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import leaves
from .._otelcol.config.variable_references import REFERENCE
from .._otelcol.errors import Problem, near
from .._otelcol.kube.names import variable_text

CREDENTIAL = "credential"
# What systemd gives to every service with these settings.
OF_SYSTEMD = frozenset(("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM", "HOME", "PATH"))
_LINE_ENDS = ("\n", "\r")  # systemd ends a line of a unit at both
# How a credential is given: its text, a file on the host, a file of the controller.
_WAYS = ("content", "path", "file")
# The name of a credential is that of a file. Source: credential_name_valid in systemd's src/shared/creds-util.c.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")


@dataclass(frozen=True)
class Credential:
    """A secret by its name: its text, or the path of a file on the host that has it."""

    name: str
    content: str = ""
    path: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it as the bundle has it."""
        return {"name": self.name, "path": self.path} if self.path else {"name": self.name, "content": self.content}


@dataclass(frozen=True)
class HostEnvironment:
    """The variables of a unit, and the credentials that take the place of variables."""

    variables: Mapping[str, str]
    credentials: tuple[Credential, ...]


def host_environment(env: Mapping[str, Any], read: Callable[[str], str]) -> HostEnvironment:
    """Return the environment that option `env` describes. Raises Problem for sources that hosts do not have.

    `read` returns the text of a file of the controller.
    """
    secrets: dict[str, Mapping[str, Any]] = {}
    texts: dict[str, str] = {}
    for name, value in env.items():
        if isinstance(value, Mapping):
            secrets[name] = value
        else:
            texts[name] = variable_text(value)
    for name, value in texts.items():
        if any(end in value for end in _LINE_ENDS):
            raise Problem(f"`env.{name}` has a line end, which a unit cannot hold", fix="Use a credential.")
    for name in secrets:
        if not _NAME.match(name):
            raise Problem(f"`env.{name}` is no name of a credential", fix="Use letters, digits and underscores.")
    credentials = [credential_of(f"env.{name}", name, source, read) for name, source in secrets.items()]
    return HostEnvironment(texts, tuple(credentials))


def credential_of(option: str, name: str, source: Mapping[str, Any], read: Callable[[str], str]) -> Credential:
    """Return the credential that an option describes. Raises Problem for sources that hosts do not have.

    `read` returns the text of a file of the controller.
    """
    if set(source) != {CREDENTIAL}:
        sources = ", ".join(sorted(map(str, source))) or "no source"
        fix = "Write `{credential: {content: TEXT}}`, or instead `file` of the controller or `path` on the host."
        raise Problem(f"`{option}` has {sources}, and a host has credentials", fix=fix)
    way, value = _one_way(option, source[CREDENTIAL])
    if way == "path":
        if not value.startswith("/"):
            raise Problem(f"`{option}.credential.path` is no full path", fix="Begin it with a slash.")
        return Credential(name, path=value)
    content = read(value) if way == "file" else value
    if not content.strip("\r\n"):
        raise Problem(f"`{option}.credential` has no secret: its text is empty", fix="Write the text of the secret.")
    return Credential(name, content.rstrip("\n"))


def _one_way(option: str, given: Any) -> tuple[str, str]:
    """Return the one way in which a credential is given, and its value. A text alone is the content.

    Raises Problem for an unknown way, for none and for two.
    """
    fix = f"Give one of {', '.join(_WAYS)}."
    if isinstance(given, str):
        given = {"content": given}
    ways = given if isinstance(given, Mapping) else {}
    for way in ways:
        if way not in _WAYS:
            raise Problem(f"`{option}.credential` has '{way}'{near(str(way), _WAYS)}", fix=fix)
    filled = [(way, variable_text(value)) for way, value in ways.items() if value]
    if len(filled) != 1:
        raise Problem(f"`{option}.credential` has no secret, or two", fix=fix)
    return filled[0]


def read_from_files(config: Any, credentials: tuple[Credential, ...]) -> Any:
    """Return a config that reads each credential from its file. Raises Problem for one that the config never names."""
    names = {credential.name for credential in credentials}
    unread = sorted(names.difference(_named_variables(config)))
    if unread:
        wrong = f"`env.{unread[0]}` is a credential, and the config does not read ${{env:{unread[0]}}}"
        raise Problem(wrong, fix="Name it in the config, or remove it. No component sees it in its environment.")
    return _replaced(config, names)


def _named_variables(tree: Any) -> Iterator[str]:
    """Yield the variables that the texts of a tree name."""
    for _path, value in leaves(tree):
        if isinstance(value, str):
            for match in REFERENCE.finditer(value):
                if match[1]:
                    yield match[1]


def _replaced(value: Any, names: set[str]) -> Any:
    """Return a tree whose texts name the files of some credentials in place of variables."""

    def reference_to_file(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        return f"${{file:${{env:CREDENTIALS_DIRECTORY}}/{match[1]}}}"

    if isinstance(value, dict):
        return {key: _replaced(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, names) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    return REFERENCE.sub(reference_to_file, value)
