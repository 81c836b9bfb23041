# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a kubeconfig is, and how an error names the place. Private.

`kubeconfig` and `cluster_names` read the file there. `connect` names the place if the Kubernetes client cannot use it:

    {"kubeconfig": "~/clusters/a.yml"}                → /home/ann/clusters/a.yml
    {}, with KUBECONFIG=a.yml:b.yml in /home/ann      → /home/ann/a.yml:/home/ann/b.yml
    {}, without this variable                         → /home/ann/.kube/config
    {"kubeconfig": {"apiVersion": "v1", …}}           → kubeconfig, since the content has no place and may have a token
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_PATH = "~/.kube/config"


def describe_source(auth_options: Mapping[str, Any]) -> str:
    """Return the absolute path of the kubeconfig, or several as in KUBECONFIG; `kubeconfig` for one that is content.

    `auth_options` are the options with which kubernetes.core connects, such as `{"kubeconfig": "~/clusters/a.yml"}`.
    """
    kubeconfig = auth_options.get("kubeconfig") or os.environ.get("KUBECONFIG") or DEFAULT_PATH
    if not isinstance(kubeconfig, str) or _is_content(kubeconfig):
        return "kubeconfig"
    paths = [str(Path.cwd() / expand_tilde(name)) for name in kubeconfig.split(os.pathsep) if name]
    return os.pathsep.join(paths)


def expand_tilde(path: str) -> str:
    """Return a path with the home folder in place of `~` or `~ann`. The path of an unknown user stays as it is."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path's fails for such a user


def _is_content(kubeconfig: str) -> bool:
    """Return whether a text is the content of a kubeconfig, in YAML with lines or in JSON, and not a path."""
    return not kubeconfig.isprintable() or "{" in kubeconfig
