# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the collectors of a host from running there is told once, with whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live import check_task
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .fake_host import FakeHost

NO_SHOP = "the host has no service shop.service"


def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **messages: list[str]) -> list[str]:
    """Return what the module tells of collectors that meet these faults."""

    def find_faults(bundle: dict[str, str], *_host: object) -> check_task._CollectorCheck:
        return check_task._CollectorCheck([Problem(message) for message in messages[bundle["name"]]])

    monkeypatch.setattr(check_task, "_check_collector", find_faults)
    host = FakeHost(tmp_path)
    return host.check(*(host.bundle(name=name) for name in messages))


def test_what_one_collector_meets_twice_is_told_once_and_of_that_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that a collector lists twice is missed twice."""
    found = check(tmp_path, monkeypatch, agent=[NO_SHOP, NO_SHOP], gateway=[])
    assert found == [f"agent: {NO_SHOP}."]


def test_what_two_collectors_meet_is_told_once_and_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(tmp_path, monkeypatch, agent=[NO_SHOP, NO_SHOP], gateway=[NO_SHOP])
    assert found == [f": {NO_SHOP}."]
