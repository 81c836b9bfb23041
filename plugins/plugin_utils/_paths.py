# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the paths of kubeconfigs absolute: Ansible starts a local module in the folder of the playbook. Private."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

# Both may have several paths.
VARIABLES = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")


def settle(action: ActionBase) -> None:
    """Let variables name files in the folder in which Ansible was started, and options files beside the playbook too.

    The worker process has the environment for this task alone. A module on another machine finds its files there.
    """
    if action._connection.transport != "local":
        return
    here = Path.cwd()
    for name in VARIABLES:
        if os.environ.get(name):
            os.environ[name] = absolute(os.environ[name], here)
    folders, task = (here / action._loader.get_basedir(), here), action._task
    task.args = _settled(task.args, folders)
    if isinstance(task.args.get("roles"), dict):
        task.args = {**task.args, "roles": _settled(task.args["roles"], folders)}


def absolute(given: str, *folders: Path) -> str:
    """Return the paths of a kubeconfig as absolute ones: in the first folder that has the file, or in the last."""

    def one(name: str) -> str:
        found = [folder / os.path.expanduser(name) for folder in folders]  # noqa: PTH111 - that of Path may fail
        return str(next((path for path in found if path.exists()), found[-1]))

    return os.pathsep.join(one(name) for name in given.split(os.pathsep) if name)


def _settled(given: dict[str, Any], folders: tuple[Path, ...]) -> dict[str, Any]:
    """Return options, or variables of roles, with absolute paths."""
    return {
        name: absolute(value, *folders) if name.endswith("kubeconfig") and isinstance(value, str) else value
        for name, value in given.items()
    }
