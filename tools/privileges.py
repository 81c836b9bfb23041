# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.privileges FILE…: adds release manifests to the table privileges.yml.

A manifest is one that a project published, or one made of its tagged sources (`kubectl kustomize config/default` of the
operator, `helm template` of cert-manager's chart).
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.rules.project import plugin

TABLE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_data" / "privileges.yml"
WIDTH = 120
_RELEASES = "module_utils._install.releases"
HEAD = """\
---
# What the listed releases of each product may do in a cluster. A manifest with another privilege is refused.
# Made by `python -m tools.privileges FILE…`. Keys and values are those of _install/releases/privileges.py.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Add the privileges of each file to the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.privileges", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    yaml = plugin("plugin_utils._otelcol._yaml")
    table: dict[str, Any] = yaml.load(TABLE.read_text(encoding="utf-8"), str(TABLE)).data if TABLE.exists() else {}
    for path in parser.parse_args(arguments).files:
        objects = [document.data for document in yaml.load_all(path.read_text(encoding="utf-8"), str(path))]
        _add(table, objects, str(path))
    TABLE.write_text(HEAD + "".join(_text(name, table[name]) for name in sorted(table)), encoding="utf-8")
    return 0


def _add(table: dict[str, Any], objects: list[Any], where: str) -> None:
    """Add the version and the privileges of a release to its product. Raises SystemExit for another manifest."""
    release = _release_of(objects, where)
    row = table.setdefault(release.product.name, {"versions": [], "privileges": {}})
    read_version = plugin(f"{_RELEASES}.versions").read
    versions = {read_version(tag) for tag in (*row["versions"], release.version.tag)}
    row["versions"] = [version.tag for version in sorted(versions)]
    for key, values in plugin(f"{_RELEASES}.privileges").tabled(release).items():
        row["privileges"][key] = sorted({*values, *row["privileges"].get(key, [])})


def _release_of(objects: list[Any], where: str) -> Any:
    """Return the release that a manifest is. Raises SystemExit if it has the workload of no product."""
    manifest = plugin(f"{_RELEASES}.manifest")
    there = [document for document in objects if document]
    for product in plugin(f"{_RELEASES}.products").PRODUCTS.values():
        if manifest.workload(product, there):
            return manifest.release(product, objects, where)
    raise SystemExit(f"{where} has the workload of no product that the collection installs")


def _text(name: str, row: Mapping[str, Any]) -> str:
    """Return a product of the table."""
    versions = _lines("  ", "versions", row["versions"])
    rows = [line for key in sorted(row["privileges"]) for line in _lines("    ", key, row["privileges"][key])]
    return "\n".join([f"{name}:", *versions, "  privileges:", *rows]) + "\n"


def _lines(indent: str, key: str, values: Sequence[str]) -> list[str]:
    """Return the lines of a key with its list."""
    single_line = f"{indent}{json.dumps(key)}: {json.dumps(values)}"
    if len(single_line) <= WIDTH:
        return [single_line]
    inside = textwrap.wrap(json.dumps(values)[1:-1], WIDTH - len(indent) - 2, break_on_hyphens=False)
    return [f"{indent}{json.dumps(key)}: [", *(f"{indent}  {line}" for line in inside), f"{indent}]"]


if __name__ == "__main__":
    sys.exit(main())
