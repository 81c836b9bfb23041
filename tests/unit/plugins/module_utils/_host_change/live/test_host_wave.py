# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of its collectors while their wave is watched, the note that they passed, and the way back."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_wave import ARGUMENTS, run_wave

from .fake_host import FIRST, TOKEN, FakeHost, FakeMachine, FakeModule, completed

UNDECIDED = "etc/otelcol/agent/undecided.json"
METRICS = "http://127.0.0.1:8888/metrics"
SECOND = f"{FIRST}# second\n"
THIRD = f"{FIRST}# third\n"
TEXT = 'otelcol_receiver_accepted_spans{receiver="otlp"} 7\notelcol_other 1\notelcol_process_uptime 9\n'


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    found = FakeHost(tmp_path)
    found.machine.metrics = {FIRST: TEXT}
    return found


def wave(host: FakeHost, *, check: bool = False, **given: Any) -> dict[str, Any]:
    module = FakeModule({"name": "agent"}, check=check)
    module.params = completed(given, ARGUMENTS)
    run_wave(module, host.machine, host.root)
    return {**module.result, "warnings": module.warnings}


def release(host: FakeHost, config: str, **more: Any) -> dict[str, Any]:
    return host.run(host.bundle(config, metrics=METRICS, **more))


def judged(host: FakeHost) -> dict[str, Any]:
    """Return what a gate says of the collectors that run now."""
    names = ("name", "release", "written", "sum")
    rows = [{name: one[name] for name in names} for one in wave(host)["collectors"]]
    return {"wave": "first", "by": "eve", "collectors": rows}


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Let each read of a file fail, also for root."""

    def read_bytes(self: Path) -> bytes:
        if self == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        with self.open("rb") as file:
            return file.read()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_bytes)
        yield


def back(host: FakeHost, number: str, undoes: str, *, check: bool = False) -> dict[str, Any]:
    return host.run({"name": "agent"}, state="earlier", check=check, release=number, undoes=undoes)


def test_collectors_are_read_several_times_without_what_nobody_compares(host: FakeHost) -> None:
    release(host, FIRST)
    (found,) = wave(host, seconds=9)["collectors"]
    assert (found["name"], found["release"], found["passed"], found["config"]) == ("agent", "000001", {}, FIRST)
    assert [poll["at"] for poll in found["polls"]] == [0, 3, 6, 9]
    assert found["polls"][0]["text"].splitlines() == [TEXT.splitlines()[0], TEXT.splitlines()[2]]


@pytest.mark.parametrize("step", [-600.0, 600.0])
def test_a_clock_that_is_set_changes_no_time_of_a_watch(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    release(host, FIRST)
    sleep = host.machine.sleep

    def stepped(seconds: float) -> None:
        monkeypatch.setattr(host.machine, "sleep", sleep)
        sleep(seconds)
        host.machine.clock += step

    monkeypatch.setattr(host.machine, "sleep", stepped)
    (found,) = wave(host, seconds=9)["collectors"]
    assert [poll["at"] for poll in found["polls"]] == [0, 3, 6, 9]


def test_many_seconds_are_as_many_readings_as_a_minute(host: FakeHost) -> None:
    release(host, FIRST)
    (found,) = wave(host, seconds=3600)["collectors"]
    assert len(found["polls"]) == 21


def test_a_collector_that_serves_nothing_says_why(host: FakeHost) -> None:
    host.run(host.bundle())
    assert wave(host)["collectors"][0]["polls"] == [{"at": 0, "restarts": 0, "text": "", "why": "it serves no metrics"}]


def test_a_release_that_passed_is_noted_once_and_the_next_one_has_not_passed(host: FakeHost) -> None:
    release(host, FIRST)
    passed = judged(host)
    assert wave(host, check=True, passed=passed)["changed"]
    assert wave(host)["collectors"][0]["passed"] == {}
    assert wave(host, passed=passed)["changed"]
    assert not wave(host, passed=passed)["changed"]
    noted = wave(host)["collectors"][0]["passed"]
    assert (noted["wave"], noted["by"], noted["verdict"], len(noted["sum"])) == ("first", "eve", "passed", 64)
    release(host, SECOND)
    assert wave(host)["collectors"][0]["passed"] == {}
    kept = json.loads((host.root / "etc/otelcol/agent/waves.json").read_text(encoding="utf-8"))
    assert list(kept) == ["000001"]


def test_the_number_of_an_undone_release_does_not_return(host: FakeHost) -> None:
    """The run that deployed it may still wait for its gate. It must not undo what another run has deployed since."""
    release(host, FIRST)
    assert release(host, SECOND)["release"] == "000002"
    back(host, "000001", "000002")
    assert release(host, THIRD)["release"] == "000003"
    refused = back(host, "000001", "000002")
    assert refused["failed"]
    assert "release 000003 is in use, and not release 000002, which was to be undone" in refused["msg"]


@pytest.mark.parametrize("check", [True, False])
def test_a_later_install_of_the_same_number_is_not_undone(host: FakeHost, check: bool) -> None:
    """After a removal, numbers begin anew. A run that still waits for its gate has another install in mind."""
    first = host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)
    host.run({"name": "agent"}, state="absent", discard_unsent=True)
    later = host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)
    assert (first["release"], later["release"]) == ("000001", "000001")
    assert first["written"] != later["written"]
    before = host.tree()
    undo = {"state": "earlier", "check": check, "release": "nothing", "undoes": "000001"}
    told = host.run({"name": "agent"}, **undo, written=first["written"])
    assert told["failed"]
    assert "another release 000001 than the one that was to be undone is in use" in told["msg"]
    assert host.tree() == before
    assert host.run({"name": "agent"}, **undo, written=later["written"])["changed"]


def test_a_later_install_of_the_same_number_stays_undecided(host: FakeHost) -> None:
    first = host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)
    host.run({"name": "agent"}, state="absent", discard_unsent=True)
    later = host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)
    told = host.run({"name": "agent"}, "settled", undoes="000001", written=first["written"])
    assert told["msg"] == "agent: another release 000001, of another run, is in use. It stays undecided"
    assert (host.root / UNDECIDED).exists()
    told = host.run({"name": "agent"}, "settled", undoes="000001", written=later["written"])
    assert told["msg"] == "agent: release 000001 stays"
    assert not (host.root / UNDECIDED).exists()


def test_another_release_of_the_same_number_has_not_passed(host: FakeHost) -> None:
    release(host, FIRST)
    release(host, SECOND)
    wave(host, passed=judged(host))
    kept = host.root / "etc/otelcol/agent/waves.json"
    noted = kept.read_text(encoding="utf-8")
    back(host, "000001", "000002")
    assert json.loads(kept.read_text(encoding="utf-8")) == {}
    kept.with_name("back.json").unlink()  # without this note, a number returns
    assert release(host, THIRD)["release"] == "000002"
    kept.write_text(noted, encoding="utf-8")
    assert wave(host)["collectors"][0]["passed"] == {}


def test_what_another_run_has_changed_is_not_noted(host: FakeHost) -> None:
    release(host, FIRST)
    watched = judged(host)
    release(host, SECOND)
    told = wave(host, passed=watched)
    assert not told["changed"]
    assert not (host.root / "etc/otelcol/agent/waves.json").exists()
    assert told["warnings"] == ["agent on web1: another run has changed it, so nothing says that it passed."]


def remove_and_install(host: FakeHost) -> None:
    """Another run removes the collector, and installs the same one: its release has the same number and files."""
    host.run({"name": "agent"}, state="absent", discard_unsent=True)
    release(host, FIRST)


def test_a_later_install_of_the_same_release_is_not_noted(host: FakeHost) -> None:
    release(host, FIRST)
    watched = judged(host)
    remove_and_install(host)
    told = wave(host, passed=watched)
    assert not told["changed"]
    assert not (host.root / "etc/otelcol/agent/waves.json").exists()
    assert told["warnings"] == ["agent on web1: another run has changed it, so nothing says that it passed."]


@pytest.fixture
def meanwhile(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[FakeHost], object]], None]:
    """Let another run change the host in the first pause of a watch."""
    sleep = host.machine.sleep

    def change_in_pause(change: Callable[[FakeHost], object]) -> None:
        def sleep_and_change(seconds: float) -> None:
            monkeypatch.setattr(host.machine, "sleep", sleep)
            sleep(seconds)
            change(host)

        monkeypatch.setattr(host.machine, "sleep", sleep_and_change)

    return change_in_pause


@pytest.mark.parametrize("change", [remove_and_install, lambda host: release(host, SECOND)])
def test_readings_of_a_release_that_was_replaced_are_not_told_of_the_next(
    host: FakeHost, meanwhile: Callable[[Callable[[FakeHost], object]], None], change: Callable[[FakeHost], object]
) -> None:
    before = release(host, FIRST)
    meanwhile(change)
    (watched,) = wave(host, seconds=9)["collectors"]
    (now,) = wave(host)["collectors"]
    assert (watched["release"], watched["written"]) == (now["release"], now["written"])
    assert watched["written"] != before["written"]
    assert [poll["at"] for poll in watched["polls"]] == [9]


def test_a_collector_that_was_removed_during_the_watch_is_not_told(
    host: FakeHost, meanwhile: Callable[[Callable[[FakeHost], object]], None]
) -> None:
    release(host, FIRST)
    meanwhile(lambda host: host.run({"name": "agent"}, state="absent", discard_unsent=True))
    assert wave(host, seconds=9)["collectors"] == []


def test_a_note_needs_the_lock_of_the_host(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    release(host, FIRST)
    watched, asked = judged(host), []

    def hold_lock(_machine: object, file: Path, _seconds: float) -> nullcontext[None]:
        asked.append(file)
        return nullcontext()

    monkeypatch.setattr(FakeMachine, "hold_lock", hold_lock)
    wave(host, passed=watched)
    assert asked == [host.root / "run/otelcol-runs.lock"]


def test_a_release_has_the_time_of_its_writing(host: FakeHost) -> None:
    """As module host_apply returns it, to tell the release from a later one with the same number."""
    changed = release(host, FIRST)
    (watched,) = wave(host)["collectors"]
    assert (watched["release"], watched["written"]) == (changed["release"], changed["written"])
    assert watched["written"]


def test_a_credential_is_not_in_the_sum_of_a_release(host: FakeHost) -> None:
    release(host, FIRST)
    first = judged(host)["collectors"][0]
    rotated = host.bundle(FIRST, metrics=METRICS)
    rotated["credentials"][0]["content"] = "another token"
    host.run(rotated)
    second = judged(host)["collectors"][0]
    assert first["release"] != second["release"]
    assert first["sum"] == second["sum"]


def test_a_host_without_collectors_has_none_to_read(host: FakeHost) -> None:
    assert wave(host, seconds=60)["collectors"] == []


def test_a_collector_goes_back_to_what_it_ran_before(host: FakeHost) -> None:
    release(host, FIRST)
    before = host.tree()
    changed = release(host, SECOND)
    assert (changed["earlier"], changed["release"]) == ("000001", "000002")
    told = back(host, "000001", "000002", check=True)
    assert (told["changed"], host.in_use()) == (True, "000002")
    assert told["msg"] == "agent: release 000001 would run again"
    told = back(host, "000001", "000002")
    assert (told["changed"], told["release"]) == (True, "000001")
    assert told["msg"] == "agent: Release 000001 runs again."
    noted = {"etc/otelcol/agent/back.json": '{\n "release": "000001",\n "undone": "000002"\n}\n'}
    assert (host.tree(), host.machine.state()["config"]) == ({**before, **noted}, FIRST)
    assert not back(host, "000001", "000002")["changed"]


def test_a_way_back_to_a_release_that_passed_no_wave_says_so(host: FakeHost) -> None:
    release(host, FIRST)
    wave(host, passed=judged(host))
    release(host, SECOND)
    release(host, THIRD)
    assert back(host, "000002", "000003")["msg"] == "agent: Release 000002 runs again. Release 000002 passed no wave."
    assert back(host, "000001", "000002")["msg"] == "agent: Release 000001 runs again."
    assert release(host, SECOND)["release"] == "000004"


def test_a_first_install_goes_back_to_nothing(host: FakeHost) -> None:
    before = host.tree()
    assert release(host, FIRST)["earlier"] == ""
    assert back(host, "nothing", "000001", check=True)["msg"] == "agent: the first install would be undone"
    told = back(host, "nothing", "000001")
    assert told["msg"].startswith("agent: The first install is undone.")
    assert host.tree() == before


def test_a_release_that_is_not_kept_is_told_and_nothing_changes(host: FakeHost) -> None:
    release(host, FIRST, keep=1)
    release(host, SECOND, keep=1)
    for check in (True, False):
        told = back(host, "000001", "000002", check=check)
        assert told["failed"]
        assert "release 000001 is not kept. Keep at least 2 releases" in told["msg"]
    assert host.machine.state()["config"] == SECOND


@pytest.mark.parametrize(("earlier", "undoes"), [("000001", "000002"), ("nothing", "000001")])
@pytest.mark.parametrize("check", [True, False])
def test_the_release_of_another_run_is_not_undone(host: FakeHost, earlier: str, undoes: str, check: bool) -> None:
    for config in (FIRST, SECOND, THIRD):
        release(host, config)
    before = host.tree()
    told = back(host, earlier, undoes, check=check)
    assert told["failed"]
    assert f"release 000003 is in use, and not release {undoes}, which was to be undone" in told["msg"]
    assert (host.tree(), host.machine.state()["config"]) == (before, THIRD)


@pytest.mark.parametrize(("earlier", "undoes"), [("", "000001"), ("nothing", "")])
def test_no_value_undoes_a_first_install_by_accident(host: FakeHost, earlier: str, undoes: str) -> None:
    release(host, FIRST)
    told = back(host, earlier, undoes)
    assert told["failed"]
    assert "Name both releases. A first install has `release: nothing`." in told["msg"]
    assert host.in_use() == "000001"


def test_an_earlier_release_that_does_not_run_is_told(host: FakeHost) -> None:
    release(host, FIRST)
    release(host, THIRD)
    stored = host.root / "etc/otelcol/agent/releases/000001/config.yaml"
    stored.write_text("dies\n", encoding="utf-8")
    told = back(host, "000001", "000002")
    assert told["failed"]
    assert "the process ended" in told["msg"]


def test_a_credential_with_dollar_signs_is_hidden_as_the_collector_prints_it(host: FakeHost) -> None:
    credentials = [{"name": "token", "content": "pa$$word-of-the-backend"}]
    release(host, FIRST, credentials=credentials)
    release(host, THIRD, credentials=credentials)
    assert host.machine.state()["token"] == "pa$$word-of-the-backend"
    stored = host.root / "etc/otelcol/agent/releases/000001/config.yaml"
    stored.write_text("dies\n", encoding="utf-8")
    told = back(host, "000001", "000002")
    assert told["journal"] == ["Error: cannot listen with ********"]


@pytest.mark.parametrize("systemd", [249, 252])
def test_what_a_release_says_when_it_does_not_run_again_shows_no_credential(host: FakeHost, systemd: int) -> None:
    """The task names the collector alone, so its credentials are those of the releases on the host."""
    host.machine.systemd = systemd
    (host.root / "var/lib/systemd").mkdir()
    (host.root / "var/lib/systemd/credential.secret").touch()
    release(host, FIRST)
    release(host, THIRD)
    stored = host.root / "etc/otelcol/agent/releases/000001/config.yaml"
    stored.write_text("dies\n", encoding="utf-8")
    told = back(host, "000001", "000002")
    assert told["journal"] == ["Error: cannot listen with ********"]
    assert TOKEN not in told["msg"]


def test_a_release_that_cannot_be_read_is_undone_all_the_same(host: FakeHost) -> None:
    release(host, FIRST)
    release(host, THIRD)
    broken = host.root / "etc/otelcol/agent/releases/000002/config.yaml"
    with unreadable(broken):
        assert back(host, "000001", "000002")["msg"] == "agent: Release 000001 runs again."


def test_without_a_collector_nothing_goes_back(host: FakeHost) -> None:
    assert "it has no release in use" in back(host, "000001", "000002")["msg"]


def test_a_run_that_continues_has_the_way_back_of_the_killed_one(host: FakeHost) -> None:
    release(host, FIRST)
    assert host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)["undecided"] == "000001"
    continued = host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)
    assert (continued["changed"], continued["undecided"]) == (False, "000001")
    assert back(host, "000001", "000002")["changed"]
    assert not (host.root / UNDECIDED).exists()


def test_a_run_lets_the_change_of_another_run_stay_undecided(host: FakeHost) -> None:
    release(host, FIRST)
    host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)
    told = host.run({"name": "agent"}, "settled", undoes="000001")
    assert told["msg"] == "agent: release 000002 of another run is in use, and not release 000001. It stays undecided"
    assert host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)["undecided"] == "000001"


@pytest.mark.parametrize("check", [True, False])
def test_without_a_collector_nothing_is_left_to_decide(host: FakeHost, check: bool) -> None:
    """Somebody has removed it since, or has undone its first install."""
    for more in ({}, {"undoes": "000001"}):
        told = host.run({"name": "agent"}, "settled", check=check, **more)
        assert (told["changed"], told["release"]) == (False, "")
        assert told["msg"] == "agent: it has no release in use, so nothing is left to decide"


def test_a_killed_first_install_goes_back_to_nothing(host: FakeHost) -> None:
    before = host.tree()
    host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)
    undecided = host.run(host.bundle(FIRST, metrics=METRICS), awaits_wave=True)["undecided"]
    assert undecided == "nothing"
    back(host, undecided, "000001")
    assert host.tree() == before


@pytest.mark.parametrize(("earlier_config", "earlier"), [(FIRST, "000001"), ("", "nothing")])
def test_a_wave_that_completes_a_killed_run_without_waves_has_a_way_back(
    host: FakeHost, earlier_config: str, earlier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if earlier_config:
        release(host, earlier_config)

    def take(_pid: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(host.machine, "_take", take)
        with pytest.raises(KeyboardInterrupt):
            release(host, SECOND)
    continued = host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)
    assert (continued["changed"], continued["undecided"]) == (True, earlier)
    assert back(host, earlier, continued["release"])["changed"]


def settled(host: FakeHost) -> None:
    host.run({"name": "agent"}, "settled", check=True)
    assert (host.root / UNDECIDED).exists()
    assert host.run({"name": "agent"}, "settled")["msg"] == "agent: release 000002 stays"


def settled_by_its_run(host: FakeHost) -> None:
    assert host.run({"name": "agent"}, "settled", undoes="000002")["msg"] == "agent: release 000002 stays"


def without_waves(host: FakeHost) -> None:
    host.run(host.bundle(SECOND, metrics=METRICS), check=True)
    assert (host.root / UNDECIDED).exists()
    assert not host.run(host.bundle(SECOND, metrics=METRICS))["changed"]


@pytest.mark.parametrize("decide", [settled, settled_by_its_run, without_waves])
def test_a_change_that_was_decided_has_no_way_back(host: FakeHost, decide: Callable[[FakeHost], None]) -> None:
    release(host, FIRST)
    host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)
    decide(host)
    later = host.run(host.bundle(SECOND, metrics=METRICS), awaits_wave=True)
    assert (later["changed"], later["undecided"]) == (False, "")


def test_a_change_that_failed_by_itself_has_no_way_back(host: FakeHost) -> None:
    release(host, FIRST)
    assert host.run(host.bundle("dies\n", metrics=METRICS), awaits_wave=True)["failed"]
    assert not (host.root / UNDECIDED).exists()
