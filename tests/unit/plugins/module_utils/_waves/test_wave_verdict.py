# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, and the words that say it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_verdict import (
    WaveData,
    WaveEnd,
    describe_passed_wave,
    refuse_failed_hosts,
)

GOOD = WaveEnd("first", ("dev", "test"), ("dev",), {}, 0, ("last",))
BAD = replace(GOOD, reason_by_failed_host={"test": "Deploy: the config is wrong."})


def test_a_wave_that_passed_says_where_collectors_changed() -> None:
    assert describe_passed_wave(GOOD) == "Wave first passed: 2 hosts, collectors changed on 1 (dev)."
    assert (
        describe_passed_wave(GOOD, check_mode=True) == "Wave first passed: 2 hosts, collectors would change on 1 (dev)."
    )
    assert (
        describe_passed_wave(replace(GOOD, changed_hosts=())) == "Wave first passed: 2 hosts, collectors changed on 0."
    )


def test_a_wave_with_too_many_failed_hosts_names_them() -> None:
    with pytest.raises(Problem) as told:
        describe_passed_wave(BAD)
    assert str(told.value) == (
        "Wave first: 1 of 2 hosts failed, and none may: test: Deploy: the config is wrong. Later waves did not begin: "
        "last. Mend what the messages name, then run the same command: it continues, since hosts that have the change "
        "stay unchanged."
    )
    with pytest.raises(Problem, match=r"2 of 2 hosts failed, and 1 may: test: .*; dev: gone\. Mend"):
        describe_passed_wave(
            replace(
                BAD, reason_by_failed_host={**BAD.reason_by_failed_host, "dev": "gone"}, max_failed=1, later_waves=()
            )
        )


def test_a_wave_that_failed_names_those_that_passed_before() -> None:
    with pytest.raises(Problem, match=r"Passed before: canary, staging\. Later waves did not begin: last\."):
        describe_passed_wave(replace(BAD, passed_waves=("canary", "staging")))


@pytest.mark.parametrize(
    ("notes", "words"), [((), "makes a failure. Later"), (("silent",), "a failure: silent. Later")]
)
def test_a_wave_without_data_says_why_if_that_is_known(notes: tuple[str, ...], words: str) -> None:
    data = WaveData(notes=notes, is_missing=True, may_be_missing=False)
    with pytest.raises(Problem) as told:
        describe_passed_wave(replace(GOOD, wave_data=data))
    assert words in str(told.value)


def test_failed_hosts_may_be_allowed_and_the_run_fails_at_its_end() -> None:
    said = describe_passed_wave(replace(BAD, max_failed=1))
    assert said.endswith("1 of 2 hosts failed, which max_failed allows: test: Deploy: the config is wrong.")
    with pytest.raises(Problem, match="all waves passed, but 1 host failed: test: Deploy: the config is wrong"):
        refuse_failed_hosts(BAD.reason_by_failed_host)
    refuse_failed_hosts({})
