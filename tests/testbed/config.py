# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of the cluster's servers: the files in `config/` with `${…}` filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

TESTBED_FOLDER = Path(__file__).parent
TEMPLATES_FOLDER = TESTBED_FOLDER / "config"
MANIFESTS_FOLDER = TESTBED_FOLDER / "manifests"
GO_FOLDER = TESTBED_FOLDER / "go"


def render_template(name: str, values: Mapping[str, str]) -> str:
    """The file's text. A value that is missing is an error (KeyError), never an empty string."""
    return Template((TEMPLATES_FOLDER / name).read_text(encoding="utf-8")).substitute(values)


def write_config(target: Path, name: str, values: Mapping[str, str], mode: int = 0o644) -> None:
    """Render a file to its place; it never exists with a wider mode than it should have."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=mode)
    target.chmod(mode)
    target.write_text(render_template(name, values), encoding="utf-8")


def list_node_folders() -> list[str]:
    """The folders that every node has for itself."""
    return (TEMPLATES_FOLDER / "node-folders.txt").read_text().split()
