# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector on a host is installed, changed, undone and removed; a run may be killed at every step."""

from __future__ import annotations

import errno
import http.client
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import check_collector_name
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live import account_checks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_store import Store
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.taken_ports import Holder
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..test_certificate_ends import SHORT
from ..test_stored_queue import SEVEN
from .fake_host import FIRST, TOKEN, FakeHost, FakeMachine

SECOND = f"{FIRST}# second\n"
# What a run does to the host's files, beside its services.
EFFECTS = ("rename", "replace", "mkdir", "unlink", "rmdir", "symlink", "chmod", "fchmod")


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def test_a_first_install_runs_and_a_second_run_changes_nothing(host: FakeHost) -> None:
    first = host.run(host.bundle())
    assert (first["changed"], first["activation"], first["release"]) == (True, "start", "000001")
    assert host.machine.state()["pid"]
    before = host.tree()
    second = host.run(host.bundle())
    assert (second["changed"], second["msg"]) == (False, "agent: release 000001 runs, nothing differs")
    assert host.tree() == before


def test_credentials_are_files_of_root_alone_and_in_no_difference(host: FakeHost) -> None:
    result = host.run(host.bundle())
    file = host.root / "etc/otelcol/agent/current/credentials/token"
    assert file.read_text(encoding="utf-8") == TOKEN
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert TOKEN not in str(result)


def test_credentials_are_encrypted_where_the_host_has_a_key(host: FakeHost) -> None:
    host.run(host.bundle())
    file = host.root / "etc/otelcol/agent/current/credentials/token"
    key = host.root / "var/lib/systemd/credential.secret"
    key.parent.mkdir()
    key.write_text("a key")
    result = host.run(host.bundle())
    assert (result["activation"], result["changed_files"]) == ("restart", ["otelcol-agent.service"])
    assert TOKEN not in file.read_text(encoding="utf-8")
    assert (file.stat().st_mode & 0o777, host.machine.state()["token"]) == (0o600, TOKEN)
    assert "LoadCredentialEncrypted=token:" in (file.parents[1] / "otelcol-agent.service").read_text(encoding="utf-8")
    before = host.tree()
    assert (host.run(host.bundle())["changed"], host.tree()) == (False, before)
    other = host.run(host.bundle(credentials=[{"name": "token", "content": "other"}]))
    assert (other["changed_files"], host.machine.state()["token"]) == (["credentials/token"], "other")
    file.write_text("of a lost key")
    assert host.run(host.bundle())["changed_files"] == ["credentials/token"]
    key.unlink()
    host.run(host.bundle())
    assert file.read_text(encoding="utf-8") == TOKEN


def test_settings_that_the_host_does_not_know_are_left_out_and_nothing_differs(host: FakeHost) -> None:
    unit = host.bundle()["files"][1]["content"] + "RestartSteps=5\n"
    bundle = host.bundle(files=[{"path": "config.yaml", "content": FIRST}, {"path": "unit", "content": unit}])
    host.run(bundle)
    stored = host.root / "etc/otelcol/agent/current/otelcol-agent.service"
    assert "RestartSteps" not in stored.read_text(encoding="utf-8")
    assert not host.run(bundle)["changed"]
    host.machine.systemd = 254
    assert host.run(bundle)["changed_files"] == ["otelcol-agent.service"]
    assert "RestartSteps=5" in stored.read_text(encoding="utf-8")


def test_what_selinux_needs_is_told_until_the_program_has_its_type(host: FakeHost) -> None:
    assert host.run(host.bundle(), check=True)["warnings"] == []
    host.machine.selinux = "usr_t"
    assert host.run(host.bundle(), check=True)["warnings"][0].startswith("agent on web1: SELinux")
    assert "gets the type of its folder" in host.run(host.bundle(), check=True)["warnings"][0]
    host.run(host.bundle())
    labelled = [call for call in host.machine.calls if call.startswith("restorecon ")]
    assert [call.rpartition("/")[2] for call in labelled] == ["otelcol"]
    assert "has the type usr_t, which systemd may be forbidden to start" in host.run(host.bundle())["warnings"][0]
    host.machine.selinux = "bin_t"
    assert host.run(host.bundle())["warnings"] == []


def test_a_difference_shows_the_masked_text(host: FakeHost) -> None:
    files = host.bundle("key: secret-in-clear\n")["files"]
    files[0]["shown"] = "key: ********\n"
    host.run(host.bundle())
    result = host.run(host.bundle(files=files, ports=[]), check=True)
    assert [row["after"] for row in result["diff"]] == ["key: ********\n"]


def test_a_program_that_only_the_controller_has_is_awaited_once(host: FakeHost) -> None:
    bundle = host.bundle()
    given = bundle["program"]["architectures"]["amd64"]
    row = {"file": "otelcol.tar.gz", "sha256": given["sha256"]}
    awaiting = {**bundle, "program": {**bundle["program"], "architectures": {"amd64": row}}}
    before = host.tree()
    assert host.run(awaiting, check=True)["changed"]
    assert (host.run(awaiting)["awaited_program"], host.tree()) == ("amd64", before)
    assert host.run(bundle)["changed"]
    assert host.run(awaiting)["msg"] == "agent: release 000001 runs, nothing differs"


def test_a_config_is_reloaded_and_the_rest_restarts(host: FakeHost) -> None:
    host.run(host.bundle())
    pid = host.machine.state()["pid"]
    assert host.run(host.bundle(SECOND))["activation"] == "reload"
    assert host.machine.state()["pid"] == pid
    assert host.run(host.bundle(SECOND, credentials=[{"name": "token", "content": "other"}]))["activation"] == "restart"
    assert host.machine.state()["pid"] != pid


def test_check_mode_writes_nothing(host: FakeHost) -> None:
    before = host.tree()
    assert host.run(host.bundle(), check=True)["changed"]
    assert host.tree() == before


def test_a_config_that_the_program_refuses_touches_nothing(host: FakeHost) -> None:
    host.run(host.bundle())
    before, state = host.tree(), host.machine.state()
    result = host.run(host.bundle("invalid\n"))
    assert "refuses the config: Error: invalid key" in result["msg"]
    assert "The running collector is untouched" in result["msg"]
    assert (host.tree(), host.machine.state()) == (before, state)


def test_a_service_that_systemd_cannot_start_is_told_with_what_the_host_lacks(host: FakeHost) -> None:
    host.run(host.bundle())
    before = host.tree()
    result = host.run(host.bundle("unstarted\n"))
    assert "systemd cannot start the service: otelcol-agent.check.service: Main process exited" in result["msg"]
    assert result["msg"].endswith("The running collector is untouched. Correct `user`: the host has no such user.")
    assert host.tree() == before


def test_a_config_that_dies_goes_back_with_the_reason(host: FakeHost) -> None:
    host.run(host.bundle())
    before = host.tree()
    result = host.run(host.bundle("listen 4317\ndies\n"))
    assert result["msg"].startswith("Change collector agent of this host: the process ended. The journal says: Error")
    assert result["msg"].endswith("Release 000001 runs again.")
    assert TOKEN not in str(result)
    assert host.tree() == before
    assert host.machine.state()["config"] == FIRST


def test_a_program_that_dies_before_systemd_calls_it_started_gives_its_reason(host: FakeHost) -> None:
    host.run(host.bundle())
    before = host.tree()
    other_secret = [{"name": "token", "content": f"{TOKEN}-2"}]  # which takes a restart
    result = host.run(host.bundle("listen 4317\ndies at once\n", credentials=other_secret))
    assert result["msg"].startswith(
        "Change collector agent of this host: systemd does not start it: Job for otelcol-agent.service failed. "
        "The journal says: Error: cannot listen with "
    )
    assert result["msg"].endswith("Release 000001 runs again.")
    assert TOKEN not in str(result)
    assert host.tree() == before


@pytest.mark.parametrize("config", ["invalid\n", "dies\n"])
def test_a_first_install_that_fails_leaves_nothing_but_the_program(host: FakeHost, config: str) -> None:
    before = host.tree()
    assert host.run(host.bundle(config))["failed"]
    left = set(host.tree()) - set(before)
    assert left
    assert {path for path in left if not path.startswith("opt/otelcol")} == set()


def test_a_collector_that_does_not_listen_goes_back(host: FakeHost) -> None:
    host.run(host.bundle())
    result = host.run(host.bundle("listen 9\n"))
    assert "nothing listens on port 4317/tcp within 30 s" in result["msg"]
    assert host.machine.state()["config"] == FIRST


METRICS = """otelcol_exporter_sent_spans__spans__total{exporter="debug"} %d
otelcol_exporter_send_failed_spans__spans__total{exporter="debug"} %d
otelcol_process_uptime_seconds_total 100
"""


def test_data_that_fails_goes_back(host: FakeHost) -> None:
    watched: dict[str, Any] = {"metrics": "http://127.0.0.1:8888/metrics", "watch_seconds": 9}
    host.machine.metrics = {FIRST: METRICS % (1000, 0), SECOND: METRICS % (10, 10)}
    host.run(host.bundle(**watched))
    result = host.run(host.bundle(SECOND, **watched))
    assert "exporters/debug: 10 of 20 traces failed (50 %), before 0 %" in result["msg"]
    assert host.machine.state()["config"] == FIRST


def test_trouble_in_the_last_reading_is_read_once_more(host: FakeHost) -> None:
    watched: dict[str, Any] = {"metrics": "http://127.0.0.1:8888/metrics", "watch_seconds": 3}
    host.machine.metrics = {FIRST: METRICS % (1000, 0), SECOND: METRICS % (10, 10)}
    host.run(host.bundle(**watched))
    assert "10 of 20 traces failed" in host.run(host.bundle(SECOND, **watched))["msg"]


def test_data_that_goes_on_is_kept(host: FakeHost) -> None:
    watched: dict[str, Any] = {"metrics": "http://127.0.0.1:8888/metrics", "watch_seconds": 9}
    host.machine.metrics = {FIRST: METRICS % (1000, 0), SECOND: METRICS % (90, 0)}
    host.run(host.bundle(**watched))
    assert host.run(host.bundle(SECOND, **watched))["notes"] == ["judged by 3 readings in 9 s: exporters/debug"]


def test_a_change_without_data_is_not_called_judged_by_it(host: FakeHost) -> None:
    watched: dict[str, Any] = {"metrics": "http://127.0.0.1:8888/metrics", "watch_seconds": 9}
    alone = "judged by its process, ports and health alone"
    host.machine.metrics = {FIRST: METRICS % (0, 0), SECOND: METRICS % (0, 0)}
    assert host.run(host.bundle(**watched))["notes"] == [f"no data came in: {alone}"]
    assert host.run(host.bundle(SECOND, **watched))["notes"] == [f"no data came in: {alone}"]
    silent = {**watched, "metrics": ""}
    assert host.run(host.bundle(FIRST, **silent))["notes"] == [f"it serves no metrics: {alone}"]


def test_three_releases_stay_and_unused_programs_go(host: FakeHost) -> None:
    for number in range(6):
        host.run(host.bundle(f"{FIRST}# {number}\n"))
    releases = host.root / "etc/otelcol/agent/releases"
    assert sorted(one.name for one in releases.iterdir()) == ["000004", "000005", "000006"]
    other = host.root / "usr/bin/otelcol"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    other.chmod(0o755)
    for number in range(3):
        host.run(host.bundle(f"{FIRST}# own {number}\n", program={"path": "/usr/bin/otelcol"}))
    assert not (host.root / "opt/otelcol").exists()


def test_removal_leaves_what_was_there(host: FakeHost) -> None:
    before = host.tree()
    host.run(host.bundle())
    (host.root / "var/lib/private/otelcol/agent").mkdir(parents=True)
    assert host.run({"name": "agent"}, "absent", check=True)["changed"]
    assert host.run({"name": "agent"}, "absent")["changed"]
    (host.root / "var/lib/private").rmdir()  # systemd's own
    assert host.tree() == before
    assert not host.run({"name": "agent"}, "absent")["changed"]


# ── Unsent data ──


def queue(host: FakeHost) -> Path:
    """Give the collector a queue on the disk with seven requests, and return its file."""
    file = host.root / "var/lib/private/otelcol/agent/exporter_otlphttp__logs"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(SEVEN)
    return file


@pytest.mark.parametrize("runs", [True, False])
def test_a_removal_refuses_to_lose_what_was_not_sent(host: FakeHost, runs: bool) -> None:
    host.run(host.bundle())
    file = queue(host)
    if not runs:
        host.machine.run("systemctl", "stop", "otelcol-agent.service")
    pid = host.machine.state()["pid"]
    assert "7 requests (364 bytes)" in host.run({"name": "agent"}, "absent", check=True)["msg"]
    result = host.run({"name": "agent"}, "absent")
    assert (result["failed"], file.is_file(), host.machine.state()["pid"]) == (True, True, pid)
    assert "its queue on the disk has 7 requests (364 bytes) that it has not sent" in result["msg"]
    assert "set `otel_host_discard_unsent: true`" in result["msg"]


def test_consent_removes_what_was_not_sent_and_tells_it(host: FakeHost) -> None:
    host.run(host.bundle())
    file = queue(host)
    result = host.run({"name": "agent"}, "absent", discard_unsent=True)
    assert result["changed"]
    assert not file.exists()
    assert result["msg"] == (
        "agent is removed; 7 requests (364 bytes) of its queue on the disk were not sent, and are lost"
    )


def test_a_removal_waits_for_what_is_just_sent(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.run(host.bundle())
    file = queue(host)
    monkeypatch.setattr(host.machine, "sleep", lambda _seconds: file.unlink())
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"


def test_a_clock_that_is_set_ends_no_wait_for_what_is_just_sent(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run(host.bundle())
    file, pauses = queue(host), iter((False, True))

    def sleep(_seconds: float) -> None:
        host.machine.clock += 3600
        if next(pauses):
            file.unlink()

    monkeypatch.setattr(host.machine, "sleep", sleep)
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"


def test_what_the_stop_itself_leaves_is_sent_before_the_next_stop(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run(host.bundle())
    run, stops = host.machine.run, []

    def leaving_once(*words: str) -> Any:
        if words[1] == "stop" and words[2] == "otelcol-agent.service":
            if not stops:
                queue(host)
            stops.append(words)
        return run(*words)

    def send(_seconds: float) -> None:
        assert host.machine.state()["pid"], "only a collector that runs sends"
        (host.root / "var/lib/private/otelcol/agent/exporter_otlphttp__logs").unlink()

    monkeypatch.setattr(host.machine, "run", leaving_once)
    monkeypatch.setattr(host.machine, "sleep", send)
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"
    assert len(stops) == 3, "the first one, the one that leaves nothing, and that of the removal itself"


def test_a_collector_whose_stops_leave_data_again_and_again_stays(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run(host.bundle())
    run, stops = host.machine.run, []

    def leaving(*words: str) -> Any:
        if words[1] == "stop" and words[2] == "otelcol-agent.service":
            stops.append(words)
            queue(host)
        return run(*words)

    def send(_seconds: float) -> None:
        (host.root / "var/lib/private/otelcol/agent/exporter_otlphttp__logs").unlink()

    monkeypatch.setattr(host.machine, "run", leaving)
    monkeypatch.setattr(host.machine, "sleep", send)
    said = host.run({"name": "agent"}, "absent")["msg"]
    assert "that it has not sent, and it runs on; nothing was removed" in said
    assert len(stops) == 4 and host.machine.state()["pid"]


def test_what_is_left_after_the_stop_lets_the_collector_run_again(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run(host.bundle())
    run = host.machine.run

    def leaving(*words: str) -> Any:
        if words[1] == "stop" and words[2] == "otelcol-agent.service":
            queue(host)
        return run(*words)

    monkeypatch.setattr(host.machine, "run", leaving)
    assert "7 requests (364 bytes) that it has not sent" in host.run({"name": "agent"}, "absent")["msg"]
    assert host.machine.state()["pid"]


def test_a_first_install_that_is_undone_tells_what_it_has_lost(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    hang = host.machine._take
    monkeypatch.setattr(host.machine, "_take", lambda pid: (queue(host), hang(pid)))
    said = host.run(host.bundle("dies\n"))["msg"]
    assert "The first install is undone. 7 requests (364 bytes) of its queue on the disk were not sent" in said


def test_state_that_was_there_before_is_no_matter_of_a_removal(host: FakeHost) -> None:
    file = queue(host)
    (host.root / "var/lib/otelcol").mkdir()
    (host.root / "var/lib/otelcol/agent").symlink_to("../private/otelcol/agent")
    host.run(host.bundle(state="/var/lib/otelcol/agent"))
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"
    assert file.is_file()


# ── Collectors that no list has ──


def test_a_collector_that_is_in_no_list_is_named(host: FakeHost) -> None:
    host.run(host.bundle())
    assert "unlisted" not in host.run(host.bundle(), listed=["agent"])
    assert "unlisted" not in host.run(host.bundle())
    assert host.run({"name": "second"}, "absent", listed=["second"])["unlisted"] == ["agent"]
    (host.root / "etc/otelcol/foreign").mkdir()
    assert host.run({"name": "agent"}, "absent", listed=[])["msg"] == "agent is removed"
    assert "unlisted" not in host.run({"name": "agent"}, "absent", listed=[])


def test_the_port_of_a_collector_of_this_collection_is_not_freed_by_systemctl(host: FakeHost) -> None:
    host.run(host.bundle())
    (host.root / "etc/otelcol/agent").rename(host.root / "etc/otelcol/old")
    host.machine.others[4317] = Holder(7, "otelcol-contrib", "otelcol-old.service")
    (host.root / "etc/systemd/system/otelcol-agent.service").unlink()
    said = host.run(host.bundle())["msg"]
    assert "of otelcol-old.service" in said
    assert """`-e '{"otel_host_collectors": [{"name": "old"}]}'`""" in said
    assert "systemctl disable" not in said


@pytest.mark.parametrize("runs", [True, False])
def test_a_check_shares_the_state_folder_with_a_service_that_does_not_run(host: FakeHost, runs: bool) -> None:
    host.run(host.bundle(state="/var/lib/otelcol/agent"))
    (host.root / "var/lib/private/otelcol/agent").mkdir(parents=True)
    if not runs:
        host.machine.run("systemctl", "stop", "otelcol-agent.service")
    assert host.run(host.bundle(SECOND, state="/var/lib/otelcol/agent"))["changed"]
    assert ("StateDirectory=otelcol/agent" in host.machine.checked) is not runs


@pytest.mark.parametrize(("user", "owns"), [("shop", True), ("other", False)])
def test_a_check_leaves_the_state_to_the_user_of_the_running_collector(host: FakeHost, user: str, owns: bool) -> None:
    host.machine.user = "shop"
    host.run(host.bundle(state="/var/lib/otelcol/agent"))
    bundle = host.bundle(SECOND, state="/var/lib/otelcol/agent")
    bundle["files"][1]["content"] = bundle["files"][1]["content"].replace("DynamicUser=yes", f"User={user}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account_checks, "user_id", lambda _name: 1000)
        assert host.run(bundle)["changed"]
    assert ("StateDirectory=otelcol/agent" in host.machine.checked, "User=shop" in host.machine.checked) == (owns, True)


def test_a_stopped_service_is_started_and_a_lost_link_is_set(host: FakeHost) -> None:
    host.run(host.bundle())
    host.machine.run("systemctl", "stop", "otelcol-agent.service")
    (host.root / "etc/systemd/system/multi-user.target.wants/otelcol-agent.service").unlink()
    before = host.machine.state()["pid"]
    assert host.run(host.bundle())["activation"] == "start"
    assert (before, bool(host.machine.state()["pid"])) == (0, True)
    assert not host.run(host.bundle())["changed"]


@pytest.mark.parametrize("config", ["invalid\n", "dies\n"])
def test_a_failed_change_without_the_link_in_use_keeps_releases_and_state(host: FakeHost, config: str) -> None:
    host.run(host.bundle())
    queue = host.root / "var/lib/private/otelcol/agent/queue"
    queue.parent.mkdir(parents=True)
    queue.write_text("what no gateway has taken")
    (host.root / "etc/otelcol/agent/current").unlink()
    assert host.run(host.bundle(config))["failed"]
    assert queue.exists()
    assert (host.root / "etc/otelcol/agent/current/config.yaml").read_text() == FIRST
    assert host.machine.state()["config"] == FIRST


def test_a_lost_link_is_set_again_and_told(host: FakeHost) -> None:
    host.run(host.bundle())
    before, pid = host.tree(), host.machine.state()["pid"]
    (host.root / "etc/otelcol/agent/current").unlink()
    result = host.run(host.bundle())
    assert (result["changed"], result["notes"]) == (True, ["release 000001 is in use again, whose link was lost"])
    assert (host.tree(), host.machine.state()["pid"]) == (before, pid)


def test_the_check_of_one_collector_is_the_service_of_no_other(tmp_path: Path) -> None:
    one = Store(tmp_path, "agent", FakeMachine(tmp_path))
    other = Store(tmp_path, "agent-check", FakeMachine(tmp_path))
    assert one.check_unit.name != other.service
    with pytest.raises(Problem):
        check_collector_name(one.check_unit.name.removeprefix("otelcol-").removesuffix(".service"))


# ── What is refused before anything is written ──


def _foreign_unit(host: FakeHost) -> None:
    (host.root / "etc/systemd/system/otelcol-agent.service").write_text("[Service]\n", encoding="utf-8")


def _foreign_folder(host: FakeHost) -> None:
    (host.root / "etc/otelcol/agent").mkdir(parents=True)


def _other_process(host: FakeHost) -> None:
    host.machine.others[4317] = Holder(7, "nginx", "nginx.service")


def _folder_of_all(host: FakeHost) -> None:
    (host.root / "etc/otelcol").mkdir()
    (host.root / "etc/otelcol").chmod(0o777)


def _programs_of_a_group(host: FakeHost) -> None:
    (host.root / "opt/otelcol").mkdir()
    (host.root / "opt/otelcol").chmod(0o775)


def _no_root(host: FakeHost) -> None:
    host.machine.root_user = False


def _no_systemd(host: FakeHost) -> None:
    (host.root / "run/systemd/system").rmdir()


def _old_clock(host: FakeHost) -> None:
    host.machine.clock = 0.0


def _other_kind(host: FakeHost) -> None:
    host.machine.kind = "riscv64"


def _other_sum(host: FakeHost) -> None:
    host.source.write_bytes(b"another program")


def _late_clock(host: FakeHost) -> None:
    host.controller_time = host.machine.clock + 301


def _early_clock(host: FakeHost) -> None:
    host.controller_time = host.machine.clock - 7200


def _old_systemd(host: FakeHost) -> None:
    host.machine.systemd = 239


def _full(host: FakeHost) -> None:
    host.machine.free = 1 << 20


def _full_releases(host: FakeHost) -> None:
    host.machine.full_below = host.root / "etc/otelcol"


REFUSALS = {
    "the clock of the host is 301 s behind the controller's, and 300 s are tolerated": _late_clock,
    "the clock of the host is 7200 s ahead of the controller's": _early_clock,
    "the host has systemd 239, which has no credentials": _old_systemd,
    "/etc has 1 MiB free, a release needs 2 MiB": _full,
    "etc/otelcol/agent has 0 MiB free, a release needs 2 MiB": _full_releases,
    "systemd does not run this host, but openrc-init": _no_systemd,
    "otelcol-agent.service belongs to somebody else": _foreign_unit,
    "etc/otelcol/agent belongs to somebody else": _foreign_folder,
    "etc/otelcol may be changed by others than root": _folder_of_all,
    "opt/otelcol may be changed by others than root": _programs_of_a_group,
    "port 4317/tcp is in use by process 7 (nginx) of nginx.service": _other_process,
    "Set `become: true`": _no_root,
    "systemd does not run this host": _no_systemd,
    "the clock of the host is years late": _old_clock,
    "there is no program for riscv64, only for amd64": _other_kind,
    "was asked": _other_sum,
}


def test_the_service_of_a_package_is_named_with_the_command_that_ends_it(host: FakeHost) -> None:
    host.machine.others[4317] = Holder(7, "otelcol-contrib", "otelcol-contrib.service")
    said = host.run(host.bundle())["msg"]
    assert "port 4317/tcp is in use by process 7 (otelcol-contrib) of otelcol-contrib.service" in said
    assert "Run `systemctl disable --now otelcol-contrib.service` if nobody needs it, or change the port." in said
    host.machine.others[4317] = Holder(7, "nc")
    assert "Stop it, or change the port." in host.run(host.bundle())["msg"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("User=nobody-here", "no user 'nobody-here'"),
        ("SupplementaryGroups=root none-a none-b", "'none-a', 'none-b'"),
        ("User=toor", "user 'toor' has the number of root"),
        ("SupplementaryGroups=wurzel", "group 'wurzel' has the number of root"),
        ("User=ops", "user 'ops' is in group lxd, whose members may do all on the host"),
    ],
)
def test_an_account_that_cannot_be_used_is_refused_before_anything_is_written(
    host: FakeHost, line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, groups = {"toor": 0, "ops": 1000, "root": 0}, {"root": 0, "wurzel": 0, "lxd": 50}
    monkeypatch.setattr(account_checks, "user_id", lambda name: users.get(name, -1))
    monkeypatch.setattr(account_checks, "group_id", lambda name: groups.get(name, -1))
    monkeypatch.setattr(account_checks, "list_groups_of_user", lambda name: ["ops", "lxd"] if name == "ops" else [])
    bundle = host.bundle()
    bundle["files"][1]["content"] += f"{line}\n"
    before = host.tree()
    assert said in host.run(bundle)["msg"]
    assert [row for row in host.check(bundle) if said in row]
    assert host.tree() == before


@pytest.mark.parametrize("said", REFUSALS)
def test_what_cannot_work_is_refused_before_anything_is_written(host: FakeHost, said: str) -> None:
    REFUSALS[said](host)
    before = host.tree()
    result = host.run(host.bundle())
    assert said in result["msg"]
    assert host.tree() == before


@pytest.mark.parametrize("said", REFUSALS)
def test_a_check_finds_what_would_be_refused_and_writes_nothing(host: FakeHost, said: str) -> None:
    assert host.check(host.bundle()) == []
    REFUSALS[said](host)
    before = host.tree()
    found = host.check(host.bundle(), controller_time=host.controller_time)
    assert [line for line in found if said in line]
    assert host.tree() == before


def test_all_faults_are_found_at_once(host: FakeHost) -> None:
    for fault in (_no_root, _old_systemd, _late_clock, _foreign_unit, _other_process, _other_sum):
        fault(host)
    bundle = host.bundle(credentials=[{"name": "token", "path": "/nowhere/token"}])
    said = host.run(bundle)["msg"]
    assert said.startswith("7 faults keep the collector from running here, and nothing was changed:\n- ")
    assert "credential token cannot be read" in said
    assert all(
        f"\n- {line.partition(': ')[2]}" in said for line in host.check(bundle, controller_time=host.controller_time)
    )


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_credential_of_a_file_of_the_host_has_no_line_end(host: FakeHost, end: bytes) -> None:
    (host.root / "etc/token").write_bytes(b"a-token" + end)
    host.run(host.bundle(credentials=[{"name": "token", "path": "/etc/token"}]))
    stored_file = host.root / "etc/otelcol/agent/current/credentials/token"
    assert stored_file.read_bytes() == b"a-token", "the Collector would send the line end too"


def test_a_binary_credential_of_a_file_stays_as_it_is(host: FakeHost) -> None:
    keytab = b"\x05\x02\x00\x00\n"
    (host.root / "etc/keytab").write_bytes(keytab)
    host.run(host.bundle(credentials=[{"name": "token", "path": "/etc/keytab"}]))
    assert (host.root / "etc/otelcol/agent/current/credentials/token").read_bytes() == keytab


def test_an_empty_file_of_the_host_is_no_credential(host: FakeHost) -> None:
    (host.root / "etc/token").write_bytes(b"\n")
    before = host.tree()
    said = host.run(host.bundle(credentials=[{"name": "token", "path": "/etc/token"}]))["msg"]
    assert f"credential token has no secret: {host.root}/etc/token is empty" in said
    assert host.tree() == before


def test_the_processes_of_the_whole_host_are_read_only_if_somebody_else_has_a_port(host: FakeHost) -> None:
    host.run(host.bundle())
    host.machine.holders_asked.clear()
    host.run(host.bundle())
    assert host.machine.holders_asked == ["otelcol-agent.service"]
    _other_process(host)
    host.run(host.bundle())
    assert host.machine.holders_asked[1:] == ["otelcol-agent.service", ""]


def test_who_is_not_root_is_told_that_alone_of_a_collector_that_runs(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run(host.bundle())
    _no_root(host)
    monkeypatch.setattr(host.machine, "holders", lambda _unit="": {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert host.run(host.bundle())["msg"] == "the task does not run as root. Set `become: true`."


def test_what_two_collectors_have_in_common_is_told_once_of_the_host(host: FakeHost) -> None:
    _other_sum(host)
    found = host.check(host.bundle(), host.bundle(name="gateway", ports=[]))
    assert [line[:2] for line in found] == [": "]


def test_a_clock_within_the_tolerance_is_no_fault(host: FakeHost) -> None:
    host.controller_time = host.machine.clock + 299
    assert host.run(host.bundle())["changed"]


@pytest.mark.parametrize("name", ["", None, "../agent", "a/b", "-a"])
def test_a_removal_refuses_a_name_that_leads_elsewhere(host: FakeHost, name: str | None) -> None:
    host.run(host.bundle())
    before = host.tree()
    done = host.run({"name": name}, "absent")
    assert done["failed"]
    assert f"'{name or ''}' is no name of a collector" in done["msg"]
    assert host.tree() == before


def test_a_removal_needs_neither_a_clock_nor_space(host: FakeHost) -> None:
    host.run(host.bundle())
    for fault in (_late_clock, _full):
        fault(host)
    assert host.run({"name": "agent"}, "absent")["changed"]


def test_a_removal_leaves_what_somebody_else_has(host: FakeHost) -> None:
    _foreign_unit(host)
    before = host.tree()
    result = host.run({"name": "agent"}, "absent")
    assert (result["changed"], host.tree()) == (False, before)
    assert "belongs to somebody else and stays" in result["warnings"][0]


# ── Programs that come badly ──


class _CutAnswer:
    """An answer of HTTP that ends too early."""

    def read(self, _size: int = -1) -> bytes:
        raise http.client.IncompleteRead(b"half")

    def close(self) -> None:
        pass


def _from_url(host: FakeHost, url: str) -> dict[str, Any]:
    bundle = host.bundle()
    row = bundle["program"]["architectures"]["amd64"]
    row.pop("path")
    row["url"] = url
    return bundle


def test_a_download_that_is_cut_is_told_with_its_place_and_leaves_nothing(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.machine, "download", lambda _url: _CutAnswer())
    before = host.tree()
    said = host.run(_from_url(host, "https://mirror.example.com/otelcol.tar.gz"))["msg"]
    assert "from https://mirror.example.com/otelcol.tar.gz: no whole answer of HTTP (IncompleteRead)" in said
    assert {path for path in set(host.tree()) - set(before) if not path.startswith("opt/otelcol")} == set()


def test_the_password_of_an_address_is_in_no_message(host: FakeHost) -> None:
    result = host.run(_from_url(host, "http://user:a-password@127.0.0.1/otelcol.tar.gz"))
    assert "InvalidURL" in result["msg"]
    assert "a-password" not in str(result)


def test_a_program_that_changes_after_its_sum_was_compared_is_not_installed(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free_bytes(path: Path) -> int:
        if host.root / "opt" in path.parents:  # asked after the sum was compared, before anything is written
            host.source.write_bytes(b"another program")
        return 10 << 30

    monkeypatch.setattr(host.machine, "free_bytes", free_bytes)
    result = host.run(host.bundle())
    assert result["failed"]
    assert not list((host.root / "opt/otelcol").glob("contrib*"))


# ── A run that is killed ──


def killed_at(number: int, work: Callable[[], Any], host: FakeHost) -> bool:
    """Do the work in a process that is killed before its effect of this number. Return whether it was."""
    pid = os.fork()
    if pid == 0:
        _arm(number, host)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def _arm(number: int, host: FakeHost) -> None:
    seen = iter(range(1, 10_000))

    def armed(effect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return effect(*args, **options)

        return call

    for name in EFFECTS:
        setattr(os, name, armed(getattr(os, name)))
    for name in ("run", "reload_process"):
        setattr(host.machine, name, armed(getattr(host.machine, name)))


def _settled(host: FakeHost) -> dict[str, str]:
    """Return the host's files without the numbers of releases, which a killed run may use up."""
    found = {}
    for path, content in host.tree().items():
        found[path.replace(host.in_use(), "N")] = content.replace(host.in_use(), "N")
    return found


CHANGES: dict[str, dict[str, Any]] = {
    "reload": {"config": SECOND},
    "restart": {"config": SECOND, "credentials": [{"name": "token", "content": "other"}]},
    "back": {"config": "listen 4317\ndies\n"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_killed_anywhere_is_completed_or_undone(tmp_path: Path, change: str) -> None:
    for number in range(1, 200):
        (tmp_path / str(number)).mkdir()
        host = FakeHost(tmp_path / str(number))
        host.run(host.bundle(), "present")
        wanted = host.bundle(**CHANGES[change])
        is_killed = killed_at(number, partial(host.run, wanted), host)
        is_repeated = bool(number % 2)
        if is_repeated and change == "back":
            assert host.run(wanted)["failed"]
        goes_back = change == "back" or not is_repeated
        last = host.bundle() if goes_back else wanted
        result = host.run(last)
        assert "failed" not in result, (number, result)
        assert host.machine.state()["config"] == last["files"][0]["content"], number
        assert host.machine.state()["token"] == last["credentials"][0]["content"], number
        assert not host.run(last)["changed"], number
        assert not [path for path in host.tree() if "change.json" in path or ".new" in path or "check" in path], number
        if not is_killed:
            assert number > 10
            return
    raise AssertionError("the run has no end")


def test_a_first_install_killed_anywhere_is_completed(tmp_path: Path) -> None:
    for number in range(1, 200):
        (tmp_path / str(number)).mkdir()
        host = FakeHost(tmp_path / str(number))
        before = host.tree()
        is_killed = killed_at(number, partial(host.run, host.bundle()), host)
        if number % 2:
            result = host.run(host.bundle())
            assert "failed" not in result, (number, result)
            assert host.machine.state()["config"] == FIRST
            assert not host.run(host.bundle())["changed"], number
        host.run({"name": "agent"}, "absent")
        assert host.tree() == before, number
        if not is_killed:
            assert number > 20
            return
    raise AssertionError("the run has no end")


def test_a_removal_killed_anywhere_is_completed(tmp_path: Path) -> None:
    for number in range(1, 200):
        (tmp_path / str(number)).mkdir()
        host = FakeHost(tmp_path / str(number))
        before = host.tree()
        host.run(host.bundle())
        is_killed = killed_at(number, partial(host.run, {"name": "agent"}, "absent"), host)
        if number % 2:
            assert "failed" not in host.run(host.bundle()), number
        host.run({"name": "agent"}, "absent")
        assert host.tree() == before, number
        if not is_killed:
            assert number > 5
            return
    raise AssertionError("the run has no end")


# ── A disk that is full ──

# What needs room on a disk: a new folder, link or file, and what is written to it.
NEEDS_ROOM = ("mkdir", "symlink", "open", "fsync")


class FullDisk:
    """Refuses what needs room: the effect of this number, and all later ones if it stays full."""

    def __init__(self, number: int, stays: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number, self.stays, self.seen = number, stays, 0
        for name in NEEDS_ROOM:
            monkeypatch.setattr(os, name, self._armed(name, getattr(os, name)))

    @property
    def was_full(self) -> bool:
        return self.seen >= self.number

    def _armed(self, name: str, effect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            is_reading = name == "open" and not args[1] & os.O_CREAT
            is_there = name == "mkdir" and Path(args[0]).exists()
            if is_reading or is_there:
                return effect(*args, **options)
            self.seen += 1
            if self.seen == self.number or (self.stays and self.was_full):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))
            return effect(*args, **options)

        return call


@pytest.mark.parametrize("stays", [False, True], ids=["for a moment", "until somebody makes room"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_at_any_step_is_told_and_undone(tmp_path: Path, change: str, stays: bool) -> None:
    for number in range(1, 200):
        (tmp_path / str(number)).mkdir()
        host = FakeHost(tmp_path / str(number))
        host.run(host.bundle())
        wanted = host.bundle(**CHANGES[change])
        with pytest.MonkeyPatch.context() as patched:
            disk = FullDisk(number, stays, patched)
            result = host.run(wanted)
        if not disk.was_full:
            assert number > 5
            return
        if change != "back":
            assert result.get("failed"), number
            assert "No space left on device" in result["msg"], (number, result["msg"])
        if not stays and "The way back is not complete" not in result["msg"]:
            assert host.machine.state()["config"] == FIRST, number
        assert "failed" not in host.run(host.bundle()), number
        assert host.machine.state()["config"] == FIRST, number
        assert not host.run(host.bundle())["changed"], number
        assert not [path for path in host.tree() if "change.json" in path or ".new" in path or "check" in path], number
    raise AssertionError("the run has no end")


def test_a_certificate_that_has_ended_is_told(host: FakeHost) -> None:
    credentials = [{"name": "tls-certificate", "content": SHORT.decode()}]
    assert (
        "credential tls-certificate is not valid any more"
        in host.run(host.bundle(credentials=credentials))["warnings"][0]
    )
