# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a module with secrets to its host through standard input, so that no file of the login has them. Private.

Without pipelining, Ansible writes a module with its arguments to the login's temporary folder, and removes it after the
run. An Ansible that is killed leaves it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any


def pipe_secrets(connection: Any, bundles: Iterable[Mapping[str, Any]]) -> None:
    """Let a connection pipe its modules if a bundle has the text of a credential.

    A connection that cannot pipe, and `become` by su, write files as ever.
    """
    if any(_has_secret_text(bundle) for bundle in bundles):
        with suppress(KeyError):  # the connection has no such option
            connection.set_option("pipelining", True)


def _has_secret_text(bundle: Mapping[str, Any]) -> bool:
    """Whether a bundle has the text of a credential, and not only where the host finds it."""
    return any(credential.get("content") is not None for credential in bundle.get("credentials") or ())
