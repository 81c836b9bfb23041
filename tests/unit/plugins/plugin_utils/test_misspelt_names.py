# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slip in a variable of playbooks or roles is found, and no name that something reads is taken for one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._misspelt_names import (
    _PLAYBOOK_PREFIXES,
    PLAYBOOK_VARIABLES,
    find_meant_name,
)

ROOT = Path(__file__).parents[4]
NAME = re.compile(rf"(?<![\w.-])(?:{'|'.join(_PLAYBOOK_PREFIXES)})_\w+")


def names_in(folder: str, pattern: str) -> set[str]:
    """Return the names that begin as our variables do, in the files of a folder; `otel_host_` is only a beginning."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob(pattern):
        found.update(NAME.findall(path.read_text(encoding="utf-8")))
    return {name for name in found if not name.endswith("_")}


READ_BY_PLAYBOOKS = names_in("playbooks", "*.yml")
NAMED_IN_PAGES = names_in("docs", "*.md") | names_in("roles", "README.md")


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("otel_expected_clster", "otel_expected_cluster"),
        ("otel_expectd_cluster", "otel_expected_cluster"),
        ("otel_wavs", "otel_waves"),
        ("otel_wave_untl", "otel_wave_until"),
        ("otel_wave_aproved", "otel_wave_approved"),
        ("otel_lock_exclde", "otel_lock_exclude"),
        ("otel_compare_runing", "otel_compare_running"),
        ("otel_mirror_regstry", "otel_mirror_registry"),
        ("diagnose_fail_onn", "diagnose_fail_on"),
        ("forecast_limts", "forecast_limits"),
        ("savings_colector", "savings_collector"),
        ("preflight_fal_on", "preflight_fail_on"),
        ("pipeline_test_pths", "pipeline_test_paths"),
        ("pipeline_validate_profle", "pipeline_validate_profile"),
        ("otel_collector_namespce", "otel_collector_namespace"),
        ("otel_colector_namespace", "otel_collector_namespace"),
    ],
)
def test_a_slip_of_one_letter_is_found(slip: str, meant: str) -> None:
    assert find_meant_name(slip) == meant


@pytest.mark.parametrize(
    "name",
    ["other_collectors", "hotel_waves", "otel_node", "otel_team", "otel_expected", "waves", "capture_paths", "savings"],
)
def test_a_variable_of_a_user_is_left_alone(name: str) -> None:
    assert find_meant_name(name) == ""


def test_no_name_that_playbooks_or_pages_have_is_a_slip() -> None:
    names = READ_BY_PLAYBOOKS | NAMED_IN_PAGES | names_in("roles", "*.yml") | names_in("awx", "*.yml")
    assert len(names) > 100
    shown_slips = {"otel_colector_namespace"}
    assert {name for name in names if find_meant_name(name)} == shown_slips


# What playbooks keep for themselves and pages show: the results of roles, and a group of hosts.
NO_INPUTS = {"otel_collector_rendered", "otel_linux"}


def test_each_input_that_playbooks_read_and_pages_name_is_known() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    unknown = {name for name in READ_BY_PLAYBOOKS & NAMED_IN_PAGES if name not in PLAYBOOK_VARIABLES | roles}
    options = {name for name in unknown if any(name.startswith(f"{role}_") for role in roles)}
    assert unknown - options - NO_INPUTS == set()
