# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throttling, errors of the server, lost requests and answers, expiry: the right state, or the right error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..._identity.live.runs import Runs

NEWEST, DEFAULT = "v0.151.0-eksbuild.10", "v0.151.0-eksbuild.2"
ROLE = "arn:aws:iam::123456789012:role/adot"
# What passes. An answer that is lost after the work was done is the hardest.
PASSING: tuple[dict[str, Any], ...] = (
    {"code": "ThrottlingException", "status": 429},
    {"code": "ThrottlingException"},
    {"code": "ServiceUnavailable", "status": 503},
    {"code": "InternalFailure", "status": 500},
    {"drop": "before"},
    {"drop": "after"},
)
CODED = {"ThrottlingException", "ServiceUnavailable", "InternalFailure", "ReadTimeoutError"}
# At most nine troubles in a row: ninety seconds, and every call has two minutes.
FAULTS = st.lists(st.tuples(st.sampled_from(PASSING), st.integers(0, 6), st.integers(1, 3)), max_size=3)
WISHES: tuple[tuple[dict[str, Any], str | None], ...] = (
    ({"version": "default", "service_account_role_arn": ROLE, "tags": {"a": "1"}}, DEFAULT),
    ({"version": "latest", "tags": {"b": "2"}, "configuration_values": {"replicaCount": 2}}, NEWEST),
    ({"pod_identity_associations": [{"service_account": "a", "role_arn": ROLE}]}, NEWEST),
    ({"state": "absent"}, None),
)


def assert_reached(runs: Runs, version: str | None) -> None:
    live = runs.live
    assert (live or {}).get("addonVersion") == version
    assert live is None or live["status"] == "ACTIVE"


@given(st.tuples(FAULTS, FAULTS, FAULTS, FAULTS))
def test_what_passes_changes_nothing_about_the_end(storms: tuple[Any, ...]) -> None:
    runs = Runs()
    for storm, (options, version) in zip(storms, WISHES, strict=True):
        runs.world.faults.clear()
        for fault, skip, times in storm:
            runs.world.trouble(skip=skip, times=times, **fault)
        assert runs.run(**options)["changed"] is True
        assert_reached(runs, version)
        runs.world.faults.clear()
        runs.changing()
        assert runs.run(**options)["changed"] is False
        assert runs.changing() == []


@given(st.sampled_from(PASSING), st.integers(0, 8), st.sampled_from(range(len(WISHES))))
def test_what_does_not_pass_is_the_right_error_and_the_next_run_ends_well(
    fault: dict[str, Any], skip: int, wish: int
) -> None:
    runs = Runs()
    for options, _version in WISHES[:wish]:
        runs.run(**options)
    options, version = WISHES[wish]
    runs.world.trouble(skip=skip, times=10_000, **fault)
    try:
        runs.run(**options)
    except Exception:
        runs.world.faults.clear()
        runs.world.trouble(times=10_000, **fault)
        text = runs.fails(**options)
        assert text.rsplit(" ", 1)[1] in CODED, text
    runs.world.faults.clear()
    runs.run(**options)
    assert_reached(runs, version)


@given(st.integers(0, 12), st.sampled_from(range(len(WISHES))))
def test_credentials_that_expire_in_the_middle_are_found_anew(skip: int, wish: int) -> None:
    runs = Runs("AKIDOLD", "AKIDNEW", "AKIDNEW")
    for options, _version in WISHES[:wish]:
        runs.keys = ["AKIDNEW"]
        runs.run(**options)
    runs.clients, runs.keys = 0, ["AKIDOLD", "AKIDNEW"]
    options, version = WISHES[wish]
    runs.world.calls.clear()
    expire_after(runs, skip)
    assert runs.run(**options)["changed"] is True
    assert_reached(runs, version)
    assert runs.clients <= 2


def expire_after(runs: Runs, calls: int) -> None:
    """Let the first credentials expire when so many calls were made."""
    counted = runs.world.take_fault

    def watch(operation: str) -> Any:
        if len(runs.world.calls) > calls:
            runs.world.expired_keys.add("AKIDOLD")
        return counted(operation)

    runs.world.take_fault = watch  # type: ignore[method-assign]


@pytest.mark.parametrize("skip", range(6))
def test_credentials_that_cannot_be_renewed_are_a_clear_error_and_the_next_run_ends_well(skip: int) -> None:
    runs = Runs("AKIDOLD")
    expire_after(runs, skip)
    text = runs.fails(version="latest")
    assert text.endswith("ExpiredTokenException")
    runs.world.expired_keys.clear()
    runs.world.take_fault = lambda _operation: None  # type: ignore[method-assign]
    runs.run(version="latest")
    assert_reached(runs, NEWEST)


@pytest.mark.parametrize("operation", ["CreateAddon", "UpdateAddon", "DeleteAddon"])
def test_an_answer_that_was_lost_is_no_second_operation(operation: str) -> None:
    runs = Runs()
    told: dict[str, dict[str, Any]] = {"CreateAddon": {}, "UpdateAddon": {"version": "latest"}}
    options = told.get(operation, {"state": "absent"})
    if operation != "CreateAddon":
        runs.run()
    runs.world.trouble(operation=operation, drop="after")
    runs.changing()
    assert runs.run(**options)["changed"] is True
    assert runs.changing() == [operation] * 2  # with the same token, which EKS takes for one
    assert_reached(runs, {"CreateAddon": DEFAULT, "UpdateAddon": NEWEST}.get(operation))
    for addon in runs.world.addons.values():
        assert len(addon.updates) <= 1


def test_a_call_that_is_not_allowed_is_not_tried_again() -> None:
    runs = Runs()
    runs.world.trouble(operation="CreateAddon", code="AccessDeniedException", times=10)
    began = runs.clock()
    assert "AccessDeniedException" in runs.fails()
    assert runs.clock() == began
