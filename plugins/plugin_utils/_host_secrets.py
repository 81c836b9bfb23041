# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret of a credential as a file of the controller. Controller only. Private."""

from __future__ import annotations

from pathlib import Path

from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_bytes
from ..module_utils._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.yaml.yaml_errors import VAULT_HEADER

_FIX_OF_VAULTED_FILE = "Write `content: \"{{ lookup('ansible.builtin.unvault', FILE) }}\"` instead."


def read_secret_file(file_path: str) -> str:
    """Return the text of a file of the controller, a relative one below the folder in which the run was started.

    Raises Problem for one that cannot be read, that is empty, no text, or encrypted by ansible-vault. No message has a
    part of it.
    """
    path = Path(file_path).expanduser()
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
