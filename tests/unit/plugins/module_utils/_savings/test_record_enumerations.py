# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds, errors and levels are read alike from numbers and from names."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings import record_enumerations


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (0, ""),
        (1, "TRACE"),
        (8, "DEBUG"),
        (9, "INFO"),
        (20, "ERROR"),
        (24, "FATAL"),
        ("SEVERITY_NUMBER_DEBUG2", "DEBUG"),
    ],
)
def test_a_level_is_read_as_a_number_and_as_a_name(number: object, level: str) -> None:
    assert record_enumerations.read_severity_level({"severityNumber": number}) == level


def test_kinds_and_status_are_read_as_numbers_and_as_names() -> None:
    assert (
        record_enumerations.read_span_kind({"kind": 1})
        == record_enumerations.read_span_kind({"kind": "SPAN_KIND_INTERNAL"})
        == record_enumerations.INTERNAL
    )
    assert record_enumerations.has_error_status({"status": {"code": 2}})
    assert record_enumerations.has_error_status({"status": {"code": "STATUS_CODE_ERROR"}})
    assert not record_enumerations.has_error_status({})
