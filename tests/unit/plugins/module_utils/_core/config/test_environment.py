# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.environment import settled


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", "plain"),
        ("${env:A}/${A}", "1/1"),
        ("${env:B:-2}", "2"),
        ("${env:B:-}", ""),
        ("${env:B}", "?"),
        ("$$A", "$A"),
        ("${file:/a}", "${file:/a}"),
        (["${A}", {"a": "${A}"}, 3, None], ["1", {"a": "1"}, 3, None]),
    ],
)
def test_references_are_replaced_by_what_is_known(given: Any, expected: Any) -> None:
    assert settled(given, {"A": "1"}, "?") == expected
