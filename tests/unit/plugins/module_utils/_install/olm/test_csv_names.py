# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a version of an operator has a base, a version and an order."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm import csv_names

from ...helpers import cases


@cases(
    "name, base, version",
    ("opentelemetry-operator.v0.140.0-2", "opentelemetry-operator", "0.140.0-2"),
    ("opentelemetry-operator.v0.158.0", "opentelemetry-operator", "0.158.0"),
    ("tempo-operator.v0.8.0+3", "tempo-operator", "0.8.0+3"),
    ("some.operator.1.2.3", "some.operator", "1.2.3"),
    ("odd", "", ""),
)
def test_a_name_has_a_base_and_a_version(name: str, base: str, version: str) -> None:
    said = csv_names.parse_csv_name(name)
    assert (said.operator_name, said.version) == (base, version)


@pytest.mark.parametrize("name", ["project-quay", "operator.v1", "", "operator.v1.2.3 "])
def test_a_name_without_a_version_has_no_order(name: str) -> None:
    assert csv_names.parse_csv_name(name) == csv_names.CsvName()
    assert not csv_names.is_before(name, "b.v2.0.0")


@cases(
    "older, newer",
    ("o.v0.9.0", "o.v0.10.0"),
    ("o.v0.93.0-2", "o.v0.93.0-3"),
    ("o.v0.93.0-9", "o.v0.93.0-10"),
    ("o.v0.93.0-3", "o.v0.93.0"),
    ("o.v0.93.0", "o.v0.93.0+1"),
    ("o.v0.93.0-1", "o.v0.93.0-rc"),
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert csv_names.is_before(older, newer)
    assert not csv_names.is_before(newer, older)
    assert csv_names.sort_newest_first([older, newer, "no-version"]) == [newer, older]
    assert not csv_names.is_before("a.v1.0.0", "b.v2.0.0"), "different operators have no order"
