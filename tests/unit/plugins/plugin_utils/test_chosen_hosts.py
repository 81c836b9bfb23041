# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _chosen_hosts.py: which patterns a play of each kind has."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._chosen_hosts import (
    asked_patterns,
    patterns_of_kind,
    why_nothing,
)

GROUPS = {"all": ["eu", "web1"], "otel_linux": ["web1"]}


@pytest.mark.parametrize(
    ("given", "groups", "patterns"),
    [
        (None, GROUPS, ["all"]),
        (None, {"all": []}, ["localhost"]),
        ("eu:us", GROUPS, ["eu:us"]),
        (["eu", "us"], GROUPS, ["eu", "us"]),
        ("", GROUPS, [""]),
    ],
)
def test_what_is_asked(given: Any, groups: dict[str, list[str]], patterns: list[str]) -> None:
    assert asked_patterns(given, groups) == patterns


@pytest.mark.parametrize(
    ("kind", "groups", "patterns"),
    [
        ("clusters", GROUPS, ["eu", "!otel_linux"]),
        ("linux", GROUPS, ["eu", "&otel_linux"]),
        ("all", GROUPS, ["eu"]),
        ("clusters", {"all": ["eu"]}, ["eu"]),
        ("linux", {"all": ["eu"]}, []),
    ],
)
def test_patterns_of_a_kind(kind: str, groups: dict[str, list[str]], patterns: list[str]) -> None:
    assert patterns_of_kind(["eu"], kind, groups) == patterns


def test_words_say_whether_no_host_or_none_of_the_kind_matches() -> None:
    assert "'eu, us' matches no host of this run" in why_nothing(["eu", "us"], "clusters", is_asked=False)
    assert "no host of this run is a cluster" in why_nothing(["web1"], "clusters", is_asked=True)
