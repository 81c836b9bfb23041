# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert undoes the last change of a collector once, and leaves alone what a run changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_store import LOCK_PATH
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.last_change_task import (
    ARGUMENTS,
    run_last_change,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import Machine

from .fake_host import FIRST, FakeHost, FakeModule, completed

SECOND, THIRD = f"{FIRST}# second\n", f"{FIRST}# third\n"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def last_change(host: FakeHost, **given: Any) -> dict[str, Any]:
    """Return what the module says for an alert that has just begun."""
    module = FakeModule(host.bundle())
    written = [path.stat().st_mtime for path in host.root.glob("etc/otelcol/agent/releases/*/manifest.json")]
    module.params = completed({"name": "agent", "began": max(written, default=0.0) + 5, **given}, ARGUMENTS)
    before = host.tree()
    run_last_change(module, host.machine, host.root)
    assert host.tree() == before
    return module.result


def back(host: FakeHost, found: dict[str, Any]) -> dict[str, Any]:
    change = {"release": found["earlier"], "undoes": found["release"], "written": found["written"]}
    return host.run({"name": "agent"}, "earlier", **change)


def test_the_last_change_is_undone_and_no_earlier_one(host: FakeHost) -> None:
    for config in (FIRST, SECOND, THIRD):
        host.run(host.bundle(config))
    found = last_change(host)
    assert (found["goes_back"], found["release"], found["earlier"]) == (True, "000003", "000002")
    assert back(host, found)["msg"] == "agent: Release 000002 runs again."
    again = last_change(host)
    assert not again["goes_back"]
    assert again["msg"] == "release 000002 runs since a later release was undone, and nothing has changed it since"


def test_a_new_change_may_be_undone_again(host: FakeHost) -> None:
    for config in (FIRST, SECOND):
        host.run(host.bundle(config))
    back(host, last_change(host))
    host.run(host.bundle(THIRD))
    found = last_change(host)
    assert (found["goes_back"], found["release"], found["earlier"]) == (True, "000003", "000001")


def test_a_later_release_of_the_same_number_is_not_undone(host: FakeHost) -> None:
    for config in (FIRST, SECOND):
        host.run(host.bundle(config))
    found = last_change(host)
    host.run({"name": "agent"}, state="absent", discard_unsent=True)
    for config in (FIRST, THIRD):
        host.run(host.bundle(config))
    told = back(host, found)
    assert told["failed"]
    assert "another release 000002 than the one that was to be undone is in use" in told["msg"]


def test_a_first_install_stays(host: FakeHost) -> None:
    host.run(host.bundle())
    assert last_change(host)["msg"] == "no release before 000001 is kept"


def test_a_host_without_the_collector_says_so(host: FakeHost) -> None:
    found = last_change(host)
    assert (found["goes_back"], found["msg"]) == (False, "this host has no release of collector agent in use")


def test_a_name_that_leads_elsewhere_is_refused(host: FakeHost) -> None:
    assert "is no name of a collector" in last_change(host, name="../agent")["msg"]


def test_a_run_that_holds_the_lock_keeps_the_host_to_itself(host: FakeHost) -> None:
    for config in (FIRST, SECOND):
        host.run(host.bundle(config))
    with Machine().hold_lock(host.root / LOCK_PATH, 0):
        found = last_change(host)
    assert (found["is_changing"], found["goes_back"]) == (True, False)
    assert found["msg"] == "a run changes collectors of this host now"
    assert last_change(host)["goes_back"]


def test_what_a_killed_run_left_is_for_the_next_run(host: FakeHost) -> None:
    for config in (FIRST, SECOND):
        host.run(host.bundle(config))
    record = host.root / "etc/otelcol/agent/change.json"
    record.write_text('{"step": "judge", "earlier": "000001", "candidate": "000002"}', encoding="utf-8")
    os.utime(record)
    assert last_change(host)["msg"].startswith("a killed run has left a change")
