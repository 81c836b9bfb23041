# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret of a credential as a file of the controller. Controller only. Private."""

from __future__ import annotations

from pathlib import Path

from ..module_utils._otelcol.bounded.live.bounded_reads import file_bytes
from ..module_utils._otelcol.bounded.read_limits import CREDENTIAL
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.yaml.yaml_errors import VAULT_HEADER

_UNVAULT = "Write `content: \"{{ lookup('ansible.builtin.unvault', FILE) }}\"` instead."


def secret_of_file(place: str) -> str:
    """Return the text of a file of the controller, a relative one below the folder in which the run was started.

    Raises Problem for one that cannot be read, that is empty, no text, or encrypted by ansible-vault. No message has a
    part of it.
    """
    path = Path(place).expanduser()
    try:
        text = file_bytes(path, CREDENTIAL).decode("utf-8")
    except OSError as error:
        raise Problem(f"the controller cannot read {path}: {error.strerror}", fix="Correct `file`.") from error
    except UnicodeDecodeError:
        raise Problem(f"{path} is no text in UTF-8, and the Collector reads texts", fix="Encode it.") from None
    if text.startswith(VAULT_HEADER):
        raise Problem(f"{path} is encrypted with ansible-vault", fix=_UNVAULT)
    if not text.strip():
        raise Problem(f"{path} is empty", fix="Put the secret there.")
    return text
