# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.olm.names import (
    checked,
    csv,
    is_before,
    newest_first,
)


@pytest.mark.parametrize(
    ("name", "base", "version"),
    [
        ("opentelemetry-operator.v0.140.0-2", "opentelemetry-operator", "0.140.0-2"),
        ("opentelemetry-operator.v0.158.0", "opentelemetry-operator", "0.158.0"),
        ("tempo-operator.v0.8.0+3", "tempo-operator", "0.8.0+3"),
        ("some.operator.1.2.3", "some.operator", "1.2.3"),
    ],
)
def test_a_name_has_a_base_and_a_version(name: str, base: str, version: str) -> None:
    found = csv(name)
    assert found is not None
    assert (found.base, found.version) == (base, version)


@pytest.mark.parametrize("name", ["project-quay", "operator.v1", "", "operator.v1.2.3 "])
def test_a_name_without_a_version_has_no_order(name: str) -> None:
    assert csv(name) is None
    with pytest.raises(Problem, match=r"no version in it.*at otel_operator_olm_csv"):
        checked(name, "otel_operator_olm_csv")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("o.v0.9.0", "o.v0.10.0"),
        ("o.v0.93.0-2", "o.v0.93.0-3"),
        ("o.v0.93.0-9", "o.v0.93.0-10"),
        ("o.v0.93.0-3", "o.v0.93.0"),
        ("o.v0.93.0", "o.v0.93.0+1"),
        ("o.v0.93.0-1", "o.v0.93.0-rc"),
    ],
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    assert is_before(older, newer)
    assert not is_before(newer, older)
    assert newest_first([older, newer, "no-version"]) == [newer, older]


def test_different_operators_have_none() -> None:
    assert not is_before("a.v1.0.0", "b.v2.0.0")
    assert not is_before("", "b.v2.0.0")
