# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of a module as Ansible shows it, with its fragments."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import yaml

MODULES = Path(__file__).resolve().parents[2] / "plugins" / "modules"
FRAGMENTS = "ansible_collections.o11y.opentelemetry.plugins.doc_fragments"


def read_documentation(name: str) -> dict[str, Any]:
    """Return the documentation of a module; its own words go before those of a fragment, which are all of ours."""
    body = ast.parse((MODULES / f"{name}.py").read_text(encoding="utf-8")).body
    (text,) = (
        node.value.value
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION"
    )
    documentation: dict[str, Any] = {"options": {}, "attributes": {}, "requirements": [], **yaml.safe_load(text)}
    for fragment in documentation["extends_documentation_fragment"]:
        merge_fragment(documentation, read_fragment(fragment))
    return documentation


def read_fragment(name: str) -> dict[str, Any]:
    """Return a fragment by its name, such as `o11y.opentelemetry._aws.tags`."""
    namespace, collection, file, part = (*name.split("."), "documentation")[:4]
    assert (namespace, collection) == ("o11y", "opentelemetry"), f"{name} is of another collection"
    module = importlib.import_module(f"{FRAGMENTS}.{file}")
    fragment: dict[str, Any] = yaml.safe_load(getattr(module.ModuleDocFragment, part.upper()))
    return fragment


def merge_fragment(documentation: dict[str, Any], fragment: dict[str, Any]) -> None:
    for part in ("options", "attributes"):
        for key, value in fragment.get(part, {}).items():
            documentation[part][key] = {**value, **documentation[part].get(key, {})}
    documentation["requirements"] = [*documentation["requirements"], *fragment.get("requirements", [])]
