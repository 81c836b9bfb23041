# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a service: text goes into its unit, and a secret into a file that only the service can read.
Private.

`_host_build.py` of plugin_utils reads option `env` of a collector with this file. systemd copies a credential into a
folder of the service, which the variable CREDENTIALS_DIRECTORY names, and no process of another user can read it there.
The environment of a process, and a unit, can be read by more. Recipes and users write `${env:NAME}` on hosts as in
clusters; the config that the service gets reads the file instead. For example, for
`env: {TOKEN: {credential: {file: token.txt}}, REGION: eu}`:

    variables of the unit      REGION=eu
    credential                 TOKEN, with the text of token.txt of the controller
    config                     `${env:TOKEN}` becomes `${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}`

Source: systemd.exec(5), LoadCredential=; confmap/expand.go, which expands the innermost reference first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.config.paths import iter_leaves
from .._otelcol.config.variable_references import REFERENCE_PATTERN
from .._otelcol.errors import Problem, suggest_word
from .._otelcol.kube.text_values import variable_text

# The key of a source in option `env`, as in `{credential: {path: /etc/token}}`.
CREDENTIAL = "credential"
# What systemd gives to every service with these settings.
SYSTEMD_VARIABLES = frozenset(
    ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM", "HOME", "PATH")
)
_LINE_ENDS = ("\n", "\r")  # systemd ends a line of a unit at both
# How a credential is given: its text, the path of a file on the host, or a file of the controller.
_CREDENTIAL_KINDS = ("content", "path", "file")
_KIND_FIX = f"Give one of {', '.join(_CREDENTIAL_KINDS)}."
# The name of a credential is that of a file. Source: credential_name_valid in systemd's src/shared/creds-util.c.
_CREDENTIAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")


@dataclass(frozen=True)
class Credential:
    """A secret by its name: its text, or the path of a file on the host that has it."""

    name: str
    content: str = ""
    """Empty for a file on the host."""
    path: str = ""
    """Empty for a text."""

    def as_dict(self) -> dict[str, str]:
        """Return it as the bundle has it."""
        if self.path:
            return {"name": self.name, "path": self.path}
        return {"name": self.name, "content": self.content}


@dataclass(frozen=True)
class HostEnvironment:
    """The variables of a unit, and the credentials that take the place of variables."""

    variables: Mapping[str, str]
    credentials: tuple[Credential, ...]


def read_host_environment(env: Mapping[str, Any], read_file: Callable[[str], str]) -> HostEnvironment:
    """Return the environment that option `env` describes. Raises Problem for sources that hosts do not have.

    `read_file` returns the text of a file of the controller.
    """
    plain_values: dict[str, str] = {}
    secret_sources: dict[str, Mapping[str, Any]] = {}
    for name, value in env.items():
        if isinstance(value, Mapping):
            secret_sources[name] = value
        else:
            plain_values[name] = variable_text(value)
    _check_lines(plain_values)
    _check_credential_names(secret_sources)
    credentials = [read_credential(f"env.{name}", name, source, read_file) for name, source in secret_sources.items()]
    return HostEnvironment(plain_values, tuple(credentials))


def _check_lines(variables: Mapping[str, str]) -> None:
    """Raise Problem for a variable with several lines."""
    for name, text in variables.items():
        if any(line_end in text for line_end in _LINE_ENDS):
            raise Problem(f"`env.{name}` has a line end, which a unit cannot hold", fix="Use a credential.")


def _check_credential_names(names: Iterable[str]) -> None:
    """Raise Problem for a name that no file of a credential can have."""
    for name in names:
        if not _CREDENTIAL_NAME.match(name):
            fix = "Use letters, digits and underscores, no digit first."
            raise Problem(f"`env.{name}` is no name of a credential", fix=fix)


def read_credential(option: str, name: str, source: Mapping[str, Any], read_file: Callable[[str], str]) -> Credential:
    """Return the credential that an option describes. Raises Problem for sources that hosts do not have.

    `option` is the path of the option for messages, such as `env.TOKEN`. `source` must be `{credential: {KIND:
    VALUE}}`; options of clusters have other sources, such as `secret`. `read_file` returns the text of a file of the
    controller.
    """
    if set(source) != {CREDENTIAL}:
        sources = ", ".join(sorted(map(str, source))) or "no source"
        fix = "Write `{credential: {content: TEXT}}`, or instead `file` of the controller or `path` on the host."
        raise Problem(f"`{option}` has {sources}, and a host has credentials", fix=fix)
    source_kind, value = _read_only_source(option, source[CREDENTIAL])
    if source_kind == "path":
        if not value.startswith("/"):
            raise Problem(f"`{option}.credential.path` is no full path", fix="Begin it with a slash.")
        return Credential(name, path=value)
    content = read_file(value) if source_kind == "file" else value
    if not content.strip("\r\n"):
        raise Problem(f"`{option}.credential` has no secret: its text is empty", fix="Write the text of the secret.")
    return Credential(name, content.rstrip("\r\n"))


def replace_with_files(config: Any, credentials: tuple[Credential, ...]) -> Any:
    """Return a config that reads each credential from its file. Raises Problem for one that the config never names."""
    credential_names = {credential.name for credential in credentials}
    unread_names = sorted(credential_names.difference(_find_named_variables(config)))
    if unread_names:
        wrong = f"`env.{unread_names[0]}` is a credential, and the config does not read ${{env:{unread_names[0]}}}"
        raise Problem(wrong, fix="Name it in the config, or remove it. No component sees it in its environment.")
    return _replace_references(config, credential_names)


class _CredentialSource(NamedTuple):
    """How a credential is given: one of _CREDENTIAL_KINDS, and its value."""

    kind: str
    value: str


def _read_only_source(option: str, description: Any) -> _CredentialSource:
    """Return how a credential is given, and the value: `("file", "token.txt")` for `{file: token.txt}`.

    A text alone is the content. Raises Problem for an unknown kind, for none and for two, and for what is no text.
    """
    if isinstance(description, str):
        description = {"content": description}
    value_by_kind = description if isinstance(description, Mapping) else {}
    filled_sources: list[_CredentialSource] = []
    for source_kind, value in value_by_kind.items():
        _check_source(option, source_kind, value)
        if value:
            filled_sources.append(_CredentialSource(source_kind, variable_text(value)))
    if len(filled_sources) != 1:
        raise Problem(f"`{option}.credential` has no secret, or two", fix=_KIND_FIX)
    return filled_sources[0]


def _check_source(option: str, source_kind: Any, value: Any) -> None:
    """Raise Problem for an unknown kind of a credential, and for a value that is no text."""
    if source_kind not in _CREDENTIAL_KINDS:
        suggestion = suggest_word(str(source_kind), _CREDENTIAL_KINDS)
        raise Problem(f"`{option}.credential` has '{source_kind}'{suggestion}", fix=_KIND_FIX)
    if isinstance(value, (Mapping, list)):
        raise Problem(f"`{option}.credential.{source_kind}` must be text", fix=f"Write `{source_kind}: TEXT`.")


def _find_named_variables(tree: Any) -> Iterator[str]:
    """Yield the variables that the texts of a tree name."""
    for _path, value in iter_leaves(tree):
        if isinstance(value, str):
            for match in REFERENCE_PATTERN.finditer(value):
                if match[1]:
                    yield match[1]


def _replace_references(value: Any, credential_names: set[str]) -> Any:
    """Return a tree whose texts name the files of some credentials in place of variables.

    For example, `${env:TOKEN}` becomes `${file:${env:CREDENTIALS_DIRECTORY}/TOKEN}`.
    """

    def name_file(match: re.Match[str]) -> str:
        if match[1] not in credential_names:
            return match[0]
        return f"${{file:${{env:CREDENTIALS_DIRECTORY}}/{match[1]}}}"

    if isinstance(value, dict):
        return {key: _replace_references(child, credential_names) for key, child in value.items()}
    if isinstance(value, list):
        return [_replace_references(child, credential_names) for child in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    return REFERENCE_PATTERN.sub(name_file, value)
