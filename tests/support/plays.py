# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks of the collection, and plays of a user's own, without a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))


def playbook(
    home: Path, *arguments: str, cwd: Path = ROOT, without: tuple[str, ...] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook without a kubeconfig, and without variables that begin with these words."""
    given = {key: value for key, value in os.environ.items() if not key.startswith(("K8S_AUTH", "O11Y", *without))}
    away = {"ANSIBLE_HOME": str(home), "KUBECONFIG": "/nonexistent/current"}
    command, environment = [ANSIBLE_PLAYBOOK, *arguments], {**given, **away, **settings}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)


def run(
    folder: Path, play: str | list[dict[str, Any]], hosts: dict[str, dict[str, Any]], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by its path below the checkout, or a play, against hosts with their variables."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    if not isinstance(play, str):
        (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
        play = str(folder / "play.json")
    return playbook(folder / "home", "-i", str(inventory), *more, play)
