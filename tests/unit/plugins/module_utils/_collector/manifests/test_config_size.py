# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.config_size import (
    MAX_CONFIG_BYTES,
    check_config_size,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

CONFIG = {
    "processors": {"transform": {"text": "x" * 5000}, "filter": {"text": "x" * 3000}, "batch": None},
    "exporters": {"debug": {"text": "x" * 2000}},
    "service": "x",
}


@pytest.mark.parametrize("text", ["", "x" * MAX_CONFIG_BYTES, "ä" * (MAX_CONFIG_BYTES // 2), "\ud800"])
def test_a_config_that_fits_is_no_error(text: str) -> None:
    check_config_size("gateway", CONFIG, text)


def test_a_config_of_one_byte_too_many_is_told_as_larger() -> None:
    with pytest.raises(Problem, match="the config has 1025 KiB, and a ConfigMap holds 1024 KiB"):
        check_config_size("gateway", CONFIG, "x" * (MAX_CONFIG_BYTES + 1))


@pytest.mark.parametrize("text", ["x" * (MAX_CONFIG_BYTES + 1), "ä" * (MAX_CONFIG_BYTES // 2 + 1), "\ud800" * 400_000])
def test_a_config_that_does_not_fit_is_refused_with_its_largest_parts(text: str) -> None:
    parts = ("processors.transform (about 4 KiB)", "processors.filter (about 2 KiB)", "exporters.debug (about 1 KiB)")
    largest = re.escape(", ".join(parts))
    with pytest.raises(Problem, match=f"Render collector 'gateway': the config has .* KiB.*{largest}"):
        check_config_size("gateway", CONFIG, text)
