# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint import fields
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.rules import lint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject
from hypothesis import given
from hypothesis import strategies as st

from ..strategies import anything, configs
from .builds import CATALOGUE, NOW


@given(configs)
def test_no_config_crashes_the_rules_that_know_the_build(config: Any) -> None:
    for finding in lint(Subject(config, **NOW)):
        assert str(finding)


ROWS = [row for row in CATALOGUE.fields_of if "type" in row]


@given(st.sampled_from(ROWS), st.data())
def test_no_settings_crash_the_rules(row: dict[str, Any], data: st.DataObject) -> None:
    known = row["fields"] if isinstance(row["fields"], dict) else {}
    settings = data.draw(st.dictionaries(st.sampled_from([*known, "x", "...", "*"]), anything, max_size=4) | anything)
    for check_of in (item.check for item in fields.RULES):
        for fault in check_of(Subject({row["section"]: {row["type"]: settings}}, **NOW)):
            assert fault.message


def test_every_label_of_the_table_is_defined() -> None:
    def labels(node: Any) -> set[str]:
        if isinstance(node, str):
            return {node} if node.startswith(fields.LABEL) else set()
        children = node[1:] if isinstance(node, list) else node.values()
        return set().union(*(labels(child) for child in children))

    used = set().union(*(labels(row["fields"]) for row in CATALOGUE.fields_of))
    assert used == set(CATALOGUE.shared_fields)
