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

from tools.rules.project import import_plugin_module

TABLE_FILE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_data" / "privileges.yml"
LINE_WIDTH = 120
_RELEASES = "module_utils._install.releases"
TABLE_HEAD = """\
---
# What the listed releases of each product may do in a cluster. A manifest with another privilege is refused.
# Made by `python -m tools.privileges FILE…`. Keys and values are those of _install/releases/privileges.py.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Add the privileges of each file to the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.privileges", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    yaml = import_plugin_module("plugin_utils._otelcol._yaml")
    table: dict[str, Any] = (
        yaml.load(TABLE_FILE.read_text(encoding="utf-8"), str(TABLE_FILE)).data if TABLE_FILE.exists() else {}
    )
    for path in parser.parse_args(arguments).files:
        objects = [document.data for document in yaml.load_all(path.read_text(encoding="utf-8"), str(path))]
        _add_release(table, objects, str(path))
    TABLE_FILE.write_text(
        TABLE_HEAD + "".join(_format_product(name, table[name]) for name in sorted(table)), encoding="utf-8"
    )
    return 0


def _add_release(table: dict[str, Any], objects: list[Any], manifest_path: str) -> None:
    """Add the version and the privileges of a release to its product. Raises SystemExit for another manifest."""
    release = _find_release(objects, manifest_path)
    row = table.setdefault(release.product.name, {"versions": [], "privileges": {}})
    read_version = import_plugin_module(f"{_RELEASES}.version_numbers").parse_release_version
    versions = {read_version(tag) for tag in (*row["versions"], release.version.tag)}
    row["versions"] = [version.tag for version in sorted(versions)]
    for key, values in import_plugin_module(f"{_RELEASES}.privileges").tabulate_privileges(release).items():
        row["privileges"][key] = sorted({*values, *row["privileges"].get(key, [])})


def _find_release(objects: list[Any], manifest_path: str) -> Any:
    """Return the release that a manifest is. Raises SystemExit if it has the workload of no product."""
    manifest = import_plugin_module(f"{_RELEASES}.manifest")
    present_objects = [document for document in objects if document]
    for product in import_plugin_module(f"{_RELEASES}.products").PRODUCTS.values():
        if manifest.find_main_deployment(product, present_objects):
            return manifest.read_release(product, objects, manifest_path)
    raise SystemExit(f"{manifest_path} has the workload of no product that the collection installs")


def _format_product(name: str, row: Mapping[str, Any]) -> str:
    """Return a product of the table."""
    versions = _format_key("  ", "versions", row["versions"])
    rows = [line for key in sorted(row["privileges"]) for line in _format_key("    ", key, row["privileges"][key])]
    return "\n".join([f"{name}:", *versions, "  privileges:", *rows]) + "\n"


def _format_key(indent: str, key: str, values: Sequence[str]) -> list[str]:
    """Return the lines of a key with its list."""
    single_line = f"{indent}{json.dumps(key)}: {json.dumps(values)}"
    if len(single_line) <= LINE_WIDTH:
        return [single_line]
    wrapped_lines = textwrap.wrap(json.dumps(values)[1:-1], LINE_WIDTH - len(indent) - 2, break_on_hyphens=False)
    return [f"{indent}{json.dumps(key)}: [", *(f"{indent}  {line}" for line in wrapped_lines), f"{indent}]"]


if __name__ == "__main__":
    sys.exit(main())
