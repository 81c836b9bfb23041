# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that changes nothing compiles nothing that changes a host, and misses nothing that earlier runs have left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.bundle_form import DROP_IN
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live import host_faults, host_task

from .fake_host import FIRST, FakeHost

LIVE = "ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live"
# What only a change, a service with a drop-in or an answer over HTTP needs.
LATE = {
    *(
        f"{LIVE}.{name}"
        for name in ("host_change", "host_drain", "host_watch", "service_drop_ins", "stored_queue_files")
    ),
    *(f"{LIVE}.{name}" for name in ("candidate_check", "collector_removal", "drop_in_files", "service_checks")),
    *(f"{LIVE}.{name}" for name in ("host_http", "packed_program", "program_installation")),
    *(f"{LIVE}.{name}" for name in ("deb_package", "rpm_package", "tar_archive")),
    *("http.client", "ssl", "tarfile", "urllib.request"),
}
ROW = {"unit": "shop.service", "variables": {"OTEL_SERVICE_NAME": "shop"}}


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """Return a host on which a collector runs as it is wanted."""
    host = FakeHost(tmp_path)
    host.run(host.bundle())
    return host


class ChangedError(Exception):
    """A run has asked for what changes a host."""


@pytest.fixture
def _nothing_changes(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: Any) -> None:
        raise ChangedError

    for module in (host_task, host_faults):
        monkeypatch.setattr(module, "make_service_drop_ins", refused)
    monkeypatch.setattr(host_task, "make_host_change", refused)
    monkeypatch.setattr(host_task, "make_collector_removal", refused)


def test_the_task_of_a_host_imports_nothing_that_changes_it() -> None:
    code = f"import sys, {LIVE}.host_task; print(*sys.modules)"
    paths = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    run = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=True)
    imported = set(run.stdout.split())
    assert f"{LIVE}.host_state" in imported
    assert imported & LATE == set()


@pytest.mark.usefixtures("_nothing_changes")
@pytest.mark.parametrize("check", [False, True])
def test_a_run_that_changes_nothing_asks_for_nothing_that_changes_a_host(host: FakeHost, check: bool) -> None:
    result = host.run(host.bundle(), check=check)
    assert (result["changed"], result["msg"]) == (False, "agent: release 000001 runs, nothing differs")


def _draft_of_the_link(host: FakeHost) -> None:
    (host.root / "etc/otelcol/agent/.current.new").symlink_to("releases/000002")


def _draft_of_a_release(host: FakeHost) -> None:
    (host.root / "etc/otelcol/agent/releases/.draft").mkdir()


def _draft_of_a_program(host: FakeHost) -> None:
    (host.root / "opt/otelcol/.contrib-0.159.0-1.new").mkdir()


def _unit_of_a_check(host: FakeHost) -> None:
    (host.root / "run/systemd/system/otelcol-agent.check.service").write_text("[Service]\n")


def _output_of_a_check(host: FakeHost) -> None:
    (host.root / "run/otelcol-agent.check.log").write_text("Error\n")


def _unused_program(host: FakeHost) -> None:
    folder = host.root / "opt/otelcol/contrib-0.157.0-1"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"owner": "o11y.opentelemetry"}')


LEFT = (
    _draft_of_the_link,
    _draft_of_a_release,
    _draft_of_a_program,
    _unit_of_a_check,
    _output_of_a_check,
    _unused_program,
)


@pytest.mark.parametrize("leave", LEFT)
def test_what_a_killed_run_left_is_removed_though_nothing_differs(host: FakeHost, leave: Any) -> None:
    before = host.tree()
    leave(host)
    assert host.tree() != before
    assert not host.run(host.bundle())["changed"]
    assert host.tree() == before


def test_releases_beyond_a_smaller_number_go_though_nothing_differs(host: FakeHost) -> None:
    second = f"{FIRST}# second\n"
    host.run(host.bundle(second))
    assert not host.run(host.bundle(second, keep=1))["changed"]
    releases = host.root / "etc/otelcol/agent/releases"
    assert [folder.name for folder in releases.iterdir()] == ["000002"]


@pytest.mark.usefixtures("_nothing_changes")
def test_a_service_of_the_list_and_a_drop_in_of_earlier_runs_are_looked_at(host: FakeHost) -> None:
    with pytest.raises(ChangedError):
        host.run(host.bundle(services=[ROW]))
    place = host.root / "etc/systemd/system/shop.service.d" / DROP_IN
    place.parent.mkdir()
    place.write_text("# Written by another\n")
    with pytest.raises(ChangedError):
        host.run(host.bundle())


@pytest.mark.usefixtures("_nothing_changes")
def test_a_process_that_ended_and_a_lost_link_are_a_change(host: FakeHost) -> None:
    link = host.root / "etc/systemd/system/otelcol-agent.service"
    target = link.readlink()
    link.unlink()
    with pytest.raises(ChangedError):
        host.run(host.bundle())
    link.symlink_to(target)
    host.machine.run("systemctl", "stop", "otelcol-agent.service")
    with pytest.raises(ChangedError):
        host.run(host.bundle())
