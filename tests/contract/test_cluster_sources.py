# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the inventory plugin names the sources of clusters and their options, each where it is taken."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._discovery.source_forms import OPTIONS_BY_SOURCE

from .source import text

PLUGIN, PAGE = "plugins/inventory/clusters.py", "docs/cluster_sources.md"
COMMON = set.intersection(*map(set, OPTIONS_BY_SOURCE.values()))
CODE = re.compile(r"C\((\w+)\)")


@cache
def documented(part: str) -> Any:
    """Return a text of YAML of the plugin, such as DOCUMENTATION."""
    found = re.search(rf'^{part} = r?"""(.*?)"""', text(PLUGIN), re.DOTALL | re.MULTILINE)
    assert found, part
    return yaml.safe_load(found[1])


def lines() -> list[str]:
    """Return the description of option `sources`, without its first line, which names all types."""
    return list(documented("DOCUMENTATION")["options"]["sources"]["description"])[1:]


def subjects(line: str) -> set[str]:
    """Return the types of sources whose options a line lists."""
    return set(CODE.findall(line.partition(" take")[0])) & set(OPTIONS_BY_SOURCE)


def test_the_documentation_names_the_types_in_their_order() -> None:
    first = documented("DOCUMENTATION")["options"]["sources"]["description"][0]
    assert CODE.findall(first) == list(OPTIONS_BY_SOURCE)
    assert set().union(*map(subjects, lines())) == set(OPTIONS_BY_SOURCE)


@pytest.mark.parametrize("kind", OPTIONS_BY_SOURCE)
def test_the_documentation_names_the_options_of_a_type(kind: str) -> None:
    (line,) = (one for one in lines() if kind in subjects(one))
    defaults = {str(option.get("default")) for one in subjects(line) for option in OPTIONS_BY_SOURCE[one].values()}
    assert set(CODE.findall(line)) - subjects(line) - defaults == set(OPTIONS_BY_SOURCE[kind]) - COMMON


def test_the_documentation_names_the_options_of_all_types() -> None:
    (line,) = (one for one in lines() if one.startswith("All types"))
    assert set(CODE.findall(line)) == COMMON


def test_the_page_has_a_row_for_each_type() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text(PAGE), re.MULTILINE)
    assert rows == list(OPTIONS_BY_SOURCE)


@pytest.mark.parametrize("kind", OPTIONS_BY_SOURCE)
def test_the_page_names_the_options_of_a_type(kind: str) -> None:
    (row,) = (line for line in text(PAGE).splitlines() if line.startswith(f"| `{kind}` |"))
    _title, _types, rest = text(PAGE).partition("## Types of sources")
    section = rest.partition("\n## ")[0]
    shared = "\n".join(line for line in section.splitlines() if not line.startswith("|"))
    assert set(re.findall(r"`(\w+)`", f"{row}\n{shared}")) >= set(OPTIONS_BY_SOURCE[kind]) - {"required"}
    assert "`required: true`" in text(PAGE)


def test_the_examples_are_sources() -> None:
    for source in documented("EXAMPLES")["sources"]:
        assert set(source) - {"type"} <= set(OPTIONS_BY_SOURCE[source["type"]])
