# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on secrets and placeholders: secrets in clear text, and words that stand where a secret or an address belongs.

A secret never appears in the message, the fix or the path. What a secret is, config/secret_kinds.py says. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.x.api.key: error [plaintext-secret] `key` is written in clear text. Write `${env:NAME}` here, and give
    NAME in `env` as `{secret: SECRET, key: KEY}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.config_secrets import is_secret
from ..config.literal_values import is_literal, is_placeholder
from ..config.named_values import header_name_at
from ..config.paths import Path, Position, format_path
from ..config.secret_kinds import DEFAULT_PREFIX, secret_kind_at, secret_kind_of
from ..config.secret_names import is_secret_header
from ..config.secret_paths import is_secret_setting
from ..config.secret_shapes import ATTRIBUTE_PREFIX, RANDOM_TEXT
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules
from .subject import Subject

_STORING = (
    "https://opentelemetry.io/docs/security/config-best-practices/#store-sensitive-configuration-information-securely"
)
_PLACEHOLDERS = "https://opentelemetry.io/docs/collector/configuration/"
_FIX_IN_CLUSTERS = "Write `${env:NAME}` here, and give NAME in `env` as `{secret: SECRET, key: KEY}`."
_FIX_ON_HOSTS = "Write `${env:NAME}` here, and give NAME in `env` as `{credential: {content: TEXT}}`."
_FIX_OF_VARIABLES = (
    "Give it in `env` as `{secret: SECRET, key: KEY}`; `extra_manifests` makes a Secret out of a value of a vault, as "
    "docs/start.md shows."
)
# An address has no angle brackets. Other text may have some, unless it consists of nothing else.
_BRACKETS_WITHIN = re.compile(r"<[^<>\s=]+>")
_BRACKETS_ALONE = re.compile(r"<[^<>]+>\Z")
_ADDRESS_KEYS = ("endpoint", "url", "host", "hostname", "listen_address")
_NAME_KEYS = ("region", "site", "project", "tenant", "tenant_id", "service_account", "role_arn", "arn", "cluster_name")


def plaintext_secret(subject: Subject) -> Iterator[Fault]:
    """Yield passwords, tokens and keys in clear text."""
    yield from _find_secret_settings(subject)
    # The others are about what the config does not show: variables and objects beside it, and values of a vault.
    yield from _find_secret_variables(subject)
    yield from _find_decrypted_settings(subject)
    yield from _find_secret_notes(subject)


def _find_secret_settings(subject: Subject) -> Iterator[Fault]:
    """Yield settings of the config that are secrets by their name or their shape."""
    for suspect in subject.view.suspected_secrets:
        secret_kind = secret_kind_of(subject.config, suspect)
        if secret_kind:
            severity = "warning" if _is_doubtful(secret_kind) else SEVERITY_OF_RULE
            yield Fault(
                suspect.path, f"{secret_kind} is written in clear text", _suggest_hiding(subject), severity=severity
            )


def _is_doubtful(secret_kind: str) -> bool:
    """Whether what a secret is called says that it may be none: a random text, an attribute or a default."""
    return secret_kind == RANDOM_TEXT or secret_kind.startswith((ATTRIBUTE_PREFIX, DEFAULT_PREFIX))


def _suggest_hiding(subject: Subject) -> str:
    """Return the fix: how the config gets a secret where it runs. Hosts have no Secrets."""
    return _FIX_ON_HOSTS if subject.on_host else _FIX_IN_CLUSTERS


def _find_secret_variables(subject: Subject) -> Iterator[Fault]:
    """Yield variables of `env` whose value is a secret, or comes from a vault."""
    for name, value in subject.literal_variables.items():
        secret_kind = secret_kind_at({}, (name,), value)
        is_secret_variable = bool(secret_kind) or value in subject.decrypted_values
        if is_secret_variable:
            message = f"variable {name} in `env` holds a secret in clear text, which the pod and the manifest show"
            severity = "warning" if secret_kind == RANDOM_TEXT else SEVERITY_OF_RULE
            yield Fault((), message, _FIX_OF_VARIABLES, severity=severity)


def _find_decrypted_settings(subject: Subject) -> Iterator[Fault]:
    """Yield settings with a value of a vault that nothing else shows to be a secret."""
    if not subject.decrypted_values:
        return
    for path, value in subject.view.scalar_leaves:
        if value in subject.decrypted_values and not secret_kind_at(subject.config, path, str(value)):
            message = f"`{_name_setting_at(path)}` has a value of a vault in clear text, which the ConfigMap shows"
            yield Fault(path, message, _suggest_hiding(subject))


def _name_setting_at(path: Path) -> str:
    """Return the name of the setting at a path, as a message shows it; an item of a list has the name of the list."""
    name_index = len(path) - 1
    while name_index > 0 and isinstance(path[name_index], int):
        name_index -= 1
    return format_path(path[name_index:])


def _find_secret_notes(subject: Subject) -> Iterator[Fault]:
    """Yield secrets in labels, annotations and other texts of the objects."""
    for option, value in subject.object_notes.items():
        if is_secret((option,), value) and is_literal(value):
            message = f"`{option}` holds a secret in clear text, which everybody sees who may read the object"
            fix = "Remove it, and put it into a Secret."
            yield Fault((), message, fix, position=Position("options"), severity="warning")


def placeholder(subject: Subject) -> Iterator[Fault]:
    """Yield settings that still have a placeholder such as `<HOST>`."""
    for path, text in _list_suspicious_texts(subject):
        if _is_named_as_secret(subject.config, path) and is_placeholder(text):
            yield Fault(path, f"`{_name_setting_at(path)}` has a placeholder, not a secret", _suggest_hiding(subject))
        elif "<" in text and _has_placeholder(path, text):
            fix = "Write the real value, or `${env:NAME}` and give NAME in `env`."
            yield Fault(path, f"`{_name_setting_at(path)}` has a placeholder in angle brackets", fix)


def _list_suspicious_texts(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yield path and value of the texts of started components that may have a placeholder.

    Those are the texts with an angle bracket, and possible secrets; a variable may bring anything.
    """
    started_paths = {part.path for part in subject.view.started_components}
    suspected_paths = {suspect.path for suspect in subject.view.suspected_secrets}
    for path, value in subject.view.scalar_leaves:
        if not isinstance(value, str) or "$" in value:
            continue
        may_have_placeholder = "<" in value or path in suspected_paths
        if may_have_placeholder and path[:2] in started_paths:
            yield path, value


def _is_named_as_secret(config: Any, path: Path) -> bool:
    """Whether a setting, or the header whose value it is, holds a secret by its name."""
    header = header_name_at(config, path)
    if header:
        return is_secret_header(header)
    return is_secret_setting(path)


def _has_placeholder(path: Path, text: str) -> bool:
    """Whether an address has a placeholder in it, or a name is nothing but one."""
    key = str(path[-1]).lower()
    is_address = key in _ADDRESS_KEYS or key.endswith(("_endpoint", "_url"))
    if is_address and _BRACKETS_WITHIN.search(text):
        return True
    if not _BRACKETS_ALONE.match(text):
        return False
    is_header = path[-2:-1] == ("headers",)
    return key in _NAME_KEYS or is_header or is_secret_setting(path)


RULES = (
    *define_rules("error", plaintext_secret, documentation=_STORING),
    *define_rules("error", placeholder, documentation=_PLACEHOLDERS),
)
