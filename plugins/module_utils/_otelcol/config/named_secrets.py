# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which name around it a value of a config is a secret: the name of a header, an attribute or a setting. Private.

In `{exporters: {otlp: {headers: {X-Api-Key: abc}}}}`, the value `abc` is a secret by the name `header x-api-key`,
whatever the value looks like. secret_names.py judges the names themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .named_values import attribute_name_at, header_name_at, names_kubernetes_secret
from .paths import Path
from .secret_names import is_secret_attribute, is_secret_header, names_credential_source
from .secret_paths import is_masked_path, is_secret_setting, read_setting
from .secret_shapes import ATTRIBUTE_PREFIX


class SecretName(NamedTuple):
    """The name by which a value is a secret."""

    description: str
    """The kind of the secret, in words: `header x-api-key`, `attribute password`, or `` `token` `` for a setting."""
    counts_for_rules: bool = True
    """False for what only masks hide as a whole: rules judge the parts of it, by their shapes and lines."""


def find_secret_name(config: Any, path: Path, text: str) -> SecretName | None:
    """Return the name by which a value is a secret; None if no name around it says so.

    The first row that fits decides alone:

    | what the value has | example | is it a secret? |
    |---|---|---|
    | the name of a header | `headers: {X-Api-Key: abc}` | if the header is one, see `is_secret_header` |
    | the name of an attribute | `{key: password, value: abcd}` | if the attribute is one, see `is_secret_attribute` |
    | the name of a Kubernetes Secret | `env: {TOKEN: {secret: NAME, key: KEY}}` | no, it only points at one |
    | where credentials are | `credentials: /var/aws` | no, it only points at them |
    | the key of a secret | `token: abc`, `tokens: [abc]` | yes |
    | a data source, or users | `dsn: user:abc@tcp(db)`, `htpasswd: {inline: "ann:abc"}` | for masks alone |
    | any other name | `timeout: 5s` | no |
    """
    header = header_name_at(config, path)
    if header:
        return SecretName(f"header {header.lower()}") if is_secret_header(header) else None
    attribute = attribute_name_at(config, path)
    if attribute:
        return SecretName(f"{ATTRIBUTE_PREFIX}{attribute}") if is_secret_attribute(attribute, text) else None
    if names_kubernetes_secret(config, path):
        return None
    return _find_name_of_setting(path, text)


def _find_name_of_setting(path: Path, text: str) -> SecretName | None:
    """Return the name of a setting by which its value is a secret: the last four rows of the table."""
    if names_credential_source(path[-1], text):
        return None
    if is_secret_setting(path):
        return SecretName(f"`{read_setting(path).name}`")
    if is_masked_path(path):
        return SecretName(f"`{read_setting(path).name}`", counts_for_rules=False)
    return None
