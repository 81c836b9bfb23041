# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of the collectors of a Linux host. Controller only. Private.

The config and the unit of a collector are files that every user of the host can read. So a secret in one of them is
refused, and belongs into a credential: a file that only the service reads. For example,
`env: {TOKEN: {credential: {file: token.txt}}}` has `read_secret_file` read token.txt on the controller, and
`env: {TOKEN: abc123}` is refused by `check_no_exposed_secret`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._host.host_options import HostCollector
from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_bytes
from ..module_utils._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.yaml.yaml_errors import VAULT_HEADER
from ._decrypted_texts import find_decrypted_texts
from ._otelcol import _files, _yaml

_FIX_OF_VAULTED_FILE = "Write `content: \"{{ lookup('ansible.builtin.unvault', FILE) }}\"` instead."


def read_secret_file(file_path: str) -> str:
    """Return the text of a file of the controller, a relative one below the folder in which the run was started.

    Raises Problem for one that cannot be read, that is empty, no text, or encrypted by ansible-vault. No message has a
    part of it.
    """
    path = _files.expand_path(file_path)
    try:
        secret_text = read_file_bytes(path, CREDENTIAL_LIMIT).decode("utf-8")
    except OSError as error:
        raise Problem(f"the controller cannot read {path}: {error.strerror}", fix="Correct `file`.") from error
    except UnicodeDecodeError:
        raise Problem(f"{path} is no text in UTF-8, and the Collector reads texts", fix="Encode it.") from None
    if secret_text.startswith(VAULT_HEADER):
        raise Problem(f"{path} is encrypted with ansible-vault", fix=_FIX_OF_VAULTED_FILE)
    if not secret_text.strip():
        raise Problem(f"{path} is empty", fix="Put the secret there.")
    return secret_text


def check_no_exposed_secret(collector: HostCollector, given_options: Mapping[str, Any]) -> None:
    """Raise Problem for a secret that would be in the unit or in the config of a collector.

    `given_options` are its options as the user wrote them: Ansible knows which of their texts it decrypted.
    """
    secret_name = find_first_secret(collector.env)
    if secret_name is not None:
        wrong = f"`env.{secret_name}` looks like a secret, and every user of the host can read the unit"
        raise Problem(wrong, fix="Make it a credential: `{credential: {content: TEXT}}`.")
    variables = given_options.get("env") or {}
    plain_texts = [value for value in variables.values() if not isinstance(value, Mapping)]
    if find_decrypted_texts([given_options.get("config"), plain_texts]):
        wrong = "its `config` or `env` has a text that Ansible decrypted, and every user of the host can read both"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def find_first_secret(variables: Mapping[str, Any]) -> str | None:
    """Return the name of the first variable whose text is a secret; None without one.

    A text is a secret by the name of the variable, such as `API_KEY`, or by itself, such as a private key. A variable
    that is a mapping takes its text from elsewhere.
    """
    for name, value in variables.items():
        if not isinstance(value, Mapping) and has_secret({name: value}):
            return name
    return None


def has_secret(data: Any) -> bool:
    """Whether there is a secret in clear text somewhere in data."""
    return next(find_secrets_in_objects([data], _yaml.parse_or_none), None) is not None
