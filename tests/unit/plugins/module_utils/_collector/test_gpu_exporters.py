# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of exporters of GPU metrics, and what a recipe keeps of one."""

from __future__ import annotations

import re

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gpu_exporters import (
    EXPORTERS,
    build_gpu_pods_pattern,
    build_names_pattern,
    build_pods_pattern,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

MOST = 15


@pytest.mark.parametrize("vendor", EXPORTERS)
def test_an_exporter_has_few_counters_and_those_that_rules_ask_for(vendor: str) -> None:
    exporter = EXPORTERS[vendor]
    assert 0 < len(exporter.meaning_by_counter) <= MOST
    assert {exporter.power_selector.partition("{")[0], *exporter.full_value_by_measure} <= set(
        exporter.meaning_by_counter
    )


def test_a_name_is_kept_whole_also_with_the_ending_of_counters() -> None:
    kept = build_names_pattern("intel", ["xpum_a.b"], ["xpum_resets"])
    for name, stays in {
        "up": True,
        "xpum_power_watts": True,
        "xpum_energy_joules_total": True,
        "xpum_a.b": True,
        "xpum_aab": False,
        "xpum_resets_total": False,
        "xpum_power_watts_max": False,
        "my_xpum_power_watts": False,
    }.items():
        assert bool(re.search(kept, name)) is stays, name


def test_own_labels_replace_those_of_the_vendor() -> None:
    selected = build_pods_pattern("amd", ["a.b", "c"])
    given = ("a.b;x", ";c", "x;a.b", "metrics-exporter;", "aab;", "c-d;")
    assert [text for text in given if re.fullmatch(selected, text)] == ["a.b;x", ";c", "x;a.b"]


def test_a_counter_to_leave_out_that_is_not_kept_is_refused() -> None:
    with pytest.raises(Problem, match=r"DCGM_FI_DEV_FB_FRE, which is not kept by default.*DCGM_FI_DEV_FB_FREE"):
        build_names_pattern("nvidia", [], ["DCGM_FI_DEV_FB_FRE"])


def test_the_pods_that_the_recipe_scrapes_follow_its_options() -> None:
    assert build_gpu_pods_pattern({"host_metrics": {}}) == ""
    assert re.fullmatch(build_gpu_pods_pattern({"gpu_metrics": {}}), ";dcgm-exporter")
    assert re.fullmatch(build_gpu_pods_pattern({"gpu_metrics": {"vendor": "intel", "apps": ["xpu"]}}), "xpu;")
