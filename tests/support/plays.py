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


def run(
    folder: Path, play: str | list[dict[str, Any]], hosts: dict[str, dict[str, Any]], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by its path below the checkout, or a play, against hosts with their variables."""
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    if not isinstance(play, str):
        (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
    return subprocess.run(
        [ANSIBLE_PLAYBOOK, "-i", str(inventory), *more, play if isinstance(play, str) else str(folder / "play.json")],
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("K8S_AUTH", "O11Y"))},
            "ANSIBLE_HOME": str(folder / "home"),
            "KUBECONFIG": "/nonexistent/current",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
