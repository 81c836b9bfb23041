# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind of secret a value of a config is, in words: for the rule on secrets in clear text. Private.

In `{exporters: {otlp: {headers: {X-Api-Key: abc}}}}`, the value `abc` has the kind `header x-api-key`. A value has no
kind if it is no suspect (suspects.py), or if it stands for another value: a reference such as `${env:TOKEN}`, or a
placeholder such as `CHANGEME`. config_secrets.py answers for masks, and has a table of the files on secrets.
"""

from __future__ import annotations

import re
from typing import Any

from .literal_values import default_in_reference, is_literal, strip_scheme
from .named_secrets import find_secret_name
from .paths import Path
from .secret_paths import holds_user_passwords, may_hold_secret
from .secret_shapes import RANDOM_TEXT
from .suspects import Suspect, find_suspects

# Begins the kind of a secret that is the default in a reference: `token: ${env:TOKEN:-s3cr3t}` has the kind
# "the default of `token`".
DEFAULT_PREFIX = "the default of "
# A line of htpasswd with a hash or a reference in place of the password: `user:$2y$10$…`, `user:{SHA}…`.
_HASHED_PASSWORD = re.compile(r"[^:\s]*:(\$|\{)")


def secret_kind_at(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value; an empty string if it is no secret or comes from a variable."""
    suspect = next(find_suspects([(path, value)]), None)
    return secret_kind_of(config, suspect) if suspect is not None else ""


def secret_kind_of(config: Any, suspect: Suspect) -> str:
    """Return the kind of secret that a suspect is; an empty string if it is none or comes from a variable.

    A known shape goes first, such as a private key; then the name; then a text that only looks random.
    """
    shape_kinds = [secret.description for secret in suspect.secrets]
    for kind in shape_kinds:
        if kind != RANDOM_TEXT:
            return kind
    kind_by_name = _find_kind_by_name(config, suspect.path, suspect.text)
    if kind_by_name:
        return kind_by_name
    return RANDOM_TEXT if shape_kinds else ""


def _find_kind_by_name(config: Any, path: Path, text: str) -> str:
    """Return the kind of secret of a value by the names around it; empty if it is none or comes from a variable."""
    if not may_hold_secret(path):
        return ""
    if holds_user_passwords(path):
        has_password = any(_has_clear_password(line) for line in text.splitlines())
        return "a password" if has_password else ""
    secret_name = find_secret_name(config, path, text)
    if secret_name is None or not secret_name.counts_for_rules:
        return ""
    bare_text = strip_scheme(text)
    if default_in_reference(bare_text):
        return f"{DEFAULT_PREFIX}{secret_name.description}"
    return secret_name.description if is_literal(bare_text) else ""


def _has_clear_password(line: str) -> bool:
    """Whether a line of htpasswd has a password that is not hashed."""
    return ":" in line and not _HASHED_PASSWORD.match(line) and is_literal(line)
