# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the client looks for a kubeconfig. Private."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def source(auth: Mapping[str, Any]) -> str:
    """Return the place as an error names it: with whole paths, of which there may be several."""
    given = auth.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not isinstance(given, str) or not given.isprintable() or "{" in given:  # the content of a file, with its token
        return "kubeconfig"
    names = (os.path.expanduser(name) for name in given.split(os.pathsep) if name)  # noqa: PTH111 - Path's may fail
    return os.pathsep.join(str(Path.cwd() / name) for name in names)
