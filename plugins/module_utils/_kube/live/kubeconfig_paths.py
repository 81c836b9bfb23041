# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the client looks for a kubeconfig. Private."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_PATH = "~/.kube/config"


def describe_source(auth: Mapping[str, Any]) -> str:
    """Return the place as an error names it: with whole paths, of which there may be several."""
    kubeconfig = auth.get("kubeconfig") or os.environ.get("KUBECONFIG") or DEFAULT_PATH
    if not isinstance(kubeconfig, str) or _is_content(kubeconfig):
        return "kubeconfig"
    paths = [str(Path.cwd() / expand_tilde(name)) for name in kubeconfig.split(os.pathsep) if name]
    return os.pathsep.join(paths)


def expand_tilde(path: str) -> str:
    """Return a path with a home folder in place of `~`; one of a user whom nobody knows stays as it is."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path's fails for such a user


def _is_content(kubeconfig: str) -> bool:
    """Return whether a text is the content of a kubeconfig, with its token, and not the name of one."""
    return not kubeconfig.isprintable() or "{" in kubeconfig
