# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/critical_components.md and the options of the recipe name the components of the table, and nothing else."""

from __future__ import annotations

import re

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_table import COMPONENTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_use import DETECT, RECIPE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.scrape_targets import PLACE_KEYS

from .role import RECIPES, ROOT

PAGE = (ROOT / "docs" / "critical_components.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[([^\]]+)\]\((\S+)\) \| `(\w+)` \| (.+?) \| (platform|\d+)", re.MULTILINE)


def test_the_page_has_each_component_with_its_source_labels_and_port() -> None:
    rows = {name: (title, source, labels, port) for title, source, name, labels, port in ROW.findall(PAGE)}
    assert list(rows) == sorted(COMPONENTS)
    for name, (title, source, labels, port) in rows.items():
        component = COMPONENTS[name]
        wanted = " or ".join(f"`{label}`" for label in component.labels) or "Service `kubernetes`"
        shown_port = "platform" if component.control_plane else str(component.port)
        assert (title, source, labels, port) == (component.title, component.source, wanted, shown_port)


def test_the_recipe_offers_each_component_and_the_page_each_key_of_a_place() -> None:
    options = RECIPES[RECIPE]["options"]
    assert options["components"]["choices"] == [DETECT, *sorted(COMPONENTS)]
    for key in PLACE_KEYS:
        assert f"C({key})" in options["places"]["description"]
        assert f"`{key}`" in PAGE
