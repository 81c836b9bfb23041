# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.collector.quantity import (
    Memory,
    memory,
    parse_bytes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1024", 1024),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1M", 10**6),
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 1536 * 2**20),
        ("2G", 2 * 10**9),
        ("1T", 10**12),
        ("1Ti", 2**40),
    ],
)
def test_quantities_are_bytes(text: str, number: int) -> None:
    assert parse_bytes(text) == number


@pytest.mark.parametrize("text", ["", "lots", "512MB", "512mi", "-1Gi", "1 Gi", "1Gi\n", "Mi"])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_bytes(text)
    assert f"'{text}' is no memory quantity" in str(refused.value)
    assert "512Mi" in refused.value.fix


@pytest.mark.parametrize(
    ("limit", "numbers"),
    [
        ("64Mi", Memory(51, 16, "51MiB")),
        ("512Mi", Memory(409, 128, "409MiB")),
        ("2Gi", Memory(1638, 512, "1638MiB")),
        ("1G", Memory(762, 238, "762MiB")),
    ],
)
def test_the_limiter_and_the_garbage_collector_follow_from_one_limit(limit: str, numbers: Memory) -> None:
    assert memory(limit) == numbers


def test_too_little_memory_is_refused_with_what_is_enough() -> None:
    with pytest.raises(Problem, match=r"'63Mi' is too small for a collector. Give at least 64Mi."):
        memory("63Mi")
