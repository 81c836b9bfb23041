# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a command of a kubeconfig made no token: the Kubernetes client only logs it, and goes on without one. Private."""

from __future__ import annotations

import re
from typing import Any

from ..._core.config.secrets import is_secret_name, masker, quoted, secrets_in_objects
from ..._core.errors import Problem

# What the client says of a command that fails: its exit code, and its standard error.
_ENDED = re.compile(r"exec: process returned (-?\d+)(?:\. (.*))?\Z", re.DOTALL)
_LINES = 5
_CREDENTIALS = {"token", "clientCertificateData"}


def watched(kube_config: Any) -> list[Problem]:
    """Return what is wrong with the command that ran last in this process, from now on: empty if it made a token."""
    found: list[Problem] = []
    provider: Any = getattr(kube_config, "ExecProvider", None)
    if provider is None:  # a client that starts commands in another way
        return found
    usual: Any = getattr(provider, "usual", provider)

    class Watched(usual):  # type: ignore[misc]
        def __init__(self, exec_config: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(exec_config, *args, **kwargs)
            secrets = {str(value) for name, value in self.env.items() if value and is_secret_name(name)}
            self.mask = masker({*secrets, *secrets_in_objects(exec_config.value)})

        def run(self, *args: Any, **kwargs: Any) -> Any:
            found.clear()
            try:
                status = super().run(*args, **kwargs)
            except Exception as error:
                found.append(self._problem(_why(error, self.mask)))
                raise
            if not _CREDENTIALS & set(status):
                found.append(self._problem("printed no token"))
            return status

        def _problem(self, why: str) -> Problem:
            wrong = f"the command of the kubeconfig that makes its tokens {why}"
            fix = "Run this command with the environment of this run, and mend what it says."
            where = quoted(" ".join(map(str, self.args)), mask=self.mask)
            return Problem(wrong, asked="Connect to the cluster", where=where, fix=fix)

    Watched.usual = usual
    kube_config.ExecProvider = Watched
    return found


def _why(error: Exception, mask: Any) -> str:
    """Return what happened, without what the command printed, which may be a token."""
    if isinstance(error, OSError):
        return f"does not start: {quoted(error.strerror or type(error).__name__, mask=mask)}"
    ended = _ENDED.match(str(error))
    if not ended:
        return "printed no ExecCredential"
    said = "\n".join(mask(ended[2] or "").strip().splitlines()[-_LINES:])
    return f"ended with exit code {ended[1]}" + (f": {quoted(said, mask=mask)}" if said else "")
