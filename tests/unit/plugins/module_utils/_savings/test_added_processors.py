# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each processor of an option goes to its place in a config."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.added_processors import add_processors

RANKS = {"memory_limiter": 0, "filter/new": 30, "tail_sampling": 41, "batch": 90}


def test_a_processor_goes_before_the_first_that_belongs_after_it() -> None:
    pipelines = {"traces": {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"]}, "logs": None}
    config = {"processors": {"batch": {}}, "service": {"pipelines": pipelines}}
    changed = add_processors(config, {"filter/new": {}}, {"traces": ["filter/new"]}, RANKS.__getitem__)
    assert changed["service"]["pipelines"]["traces"]["processors"] == ["memory_limiter", "filter/new", "batch"]
    assert changed["processors"] == {"batch": {}, "filter/new": {}}
    assert config["processors"] == {"batch": {}}


def test_a_processor_that_is_there_gets_the_entries_that_it_lacks() -> None:
    there = {"filter/new": {"traces": {"span": ["a"]}}}
    config = {"processors": there, "service": {"pipelines": {"traces": {"processors": ["filter/new"]}}}}
    more = {"filter/new": {"traces": {"span": ["a", "b"]}}}
    changed = add_processors(config, more, {"traces": ["filter/new"]}, RANKS.__getitem__)
    assert changed["processors"] == {"filter/new": {"traces": {"span": ["a", "b"]}}}
    assert changed["service"]["pipelines"]["traces"]["processors"] == ["filter/new"]
