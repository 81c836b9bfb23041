# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a host get a drop-in, are restarted with consent alone, and lose what was written for them alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.bundle_form import DROP_IN
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import CommandResult, Service
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.service_environment import (
    ServiceEnvironment,
)

from .fake_host import FIRST, FakeHost, FakeMachine

HOST_ID = "0123456789abcdef0123456789abcdef"
VARIABLES = {"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "host.id=@host_id@"}
ROW = {"unit": "shop.service", "variables": VARIABLES}
CONSENT = {**ROW, "restart": True}


@dataclass
class App:
    """A service of the host. `dies_with` is a text of its drop-in with which its process ends."""

    load: str = "loaded"
    pid: int = 50
    begun: float = 0.0
    id: str = "shop.service"
    shown: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    keeps_variables: bool = True
    dies_with: str = "\0"


class AppMachine(FakeMachine):
    """A host with a service that takes the variables of its drop-in when it is restarted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.apps = {"shop.service": App()}
        self.stale = False

    def now(self) -> float:
        """Return a time that goes on as that of the files does."""
        return self.clock

    def read_uptime(self) -> float:
        return self.clock

    def read_environment(self, pid: int) -> dict[str, str]:
        return next((app.variables for app in self.apps.values() if app.pid == pid), {})

    def place(self, unit: str = "shop.service") -> Path:
        return self.root / "etc/systemd/system" / f"{unit}.d" / DROP_IN

    def service(self, name: str) -> Service:
        if name not in self.apps:
            return super().service(name)
        app = self.apps[name]
        return Service(app.load, "", "active" if app.pid else "failed", "running", app.pid, 0)

    def journal(self, name: str, since: float) -> str:
        return "shop: no such exporter" if name in self.apps else super().journal(name, since)

    def run(self, *words: str) -> CommandResult:
        if words[:2] == ("systemctl", "show"):
            return CommandResult(0, self._show(words[2]))
        if words[1] in ("list-unit-files", "list-units"):
            return CommandResult(0, "\n".join(f"{name} enabled" for name in [*self.apps, "shopping-cart.service"]))
        if words[:2] == ("systemctl", "restart") and words[2] in self.apps:
            self.calls.append(" ".join(words))
            return self._restart(self.apps[words[2]])
        if words[:2] == ("systemctl", "daemon-reload"):
            self.stale = False
        return super().run(*words)

    def _show(self, unit: str) -> str:
        app = self.apps.get(unit)
        if app is None:
            return f"Id={unit}\nLoadState=not-found\nActiveState=inactive\nMainPID=0"
        rows = {
            "Id": app.id,
            "LoadState": app.load,
            "ActiveState": "active" if app.pid else "inactive",
            "MainPID": str(app.pid),
            "NeedDaemonReload": "yes" if self.stale else "no",
            "ExecMainStartTimestampMonotonic": str(int(app.begun * 1e6)),
            **app.shown,
        }
        return "\n".join(f"{key}={value}" for key, value in rows.items())

    def _restart(self, app: App) -> CommandResult:
        text = self.place().read_text(encoding="utf-8") if self.place().exists() else ""
        app.begun = self.clock = self.clock + 1
        app.pid = 0 if app.dies_with in text else app.pid + 1 or 60
        lines = [line for line in text.splitlines() if line.startswith("Environment=")]
        pairs = [line[len('Environment="') : -1].replace("%m", HOST_ID).partition("=") for line in lines]
        app.variables = {name: value for name, _sign, value in pairs} if app.keeps_variables else {}
        return CommandResult(0, "")

    def restarts(self) -> int:
        return self.calls.count("systemctl restart shop.service")


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A host with a collector that runs."""
    host = FakeHost(tmp_path)
    host.machine = AppMachine(tmp_path)
    (tmp_path / "etc/machine-id").write_text(f"{HOST_ID}\n")
    host.run(host.bundle())
    return host


def machine(host: FakeHost) -> AppMachine:
    assert isinstance(host.machine, AppMachine)
    return host.machine


def run(host: FakeHost, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return host.run(host.bundle(services=list(rows)), **more)


@pytest.mark.parametrize(("waved", "undecided"), [(True, "000001"), (False, None)])
def test_a_service_that_fails_after_the_collector_changed_leaves_its_wave_the_way_back(
    host: FakeHost, waved: bool, undecided: str | None
) -> None:
    machine(host).apps["shop.service"].dies_with = "shop"
    bundle = host.bundle(f"{FIRST}# second\n", services=[CONSENT])
    told = host.run(bundle, awaits_wave=waved)
    assert (told["failed"], told["changed"], told["release"]) == (True, True, "000002")
    assert "service shop.service does not run with its environment" in told["msg"]
    assert (told.get("undecided"), told["journal"]) == (undecided, ["shop: no such exporter"])


def test_a_service_gets_its_drop_in_and_is_not_restarted(host: FakeHost) -> None:
    place = machine(host).place()
    checked = run(host, ROW, check=True)
    assert (checked["changed"], checked["changed_files"], place.exists()) == (True, [str(place)], False)
    assert 'Environment="OTEL_SERVICE_NAME=shop"' in checked["diff"][0]["after"]
    first = run(host, ROW)
    assert (first["changed"], first["activation"], machine(host).restarts()) == (True, "nothing", 0)
    assert place.read_text(encoding="utf-8") == ServiceEnvironment("shop.service", VARIABLES).render_drop_in("agent")
    assert place.stat().st_mode & 0o777 == 0o644
    assert "systemctl daemon-reload" in machine(host).calls
    assert "agent on web1: shop.service gets its environment at its next restart" in first["warnings"][0]
    again = run(host, ROW)
    assert (again["changed"], again["warnings"]) == (False, first["warnings"])


def test_with_consent_it_is_restarted_once(host: FakeHost) -> None:
    first = run(host, CONSENT)
    assert "shop.service was restarted with its environment" in first["msg"]
    assert (first["warnings"], machine(host).restarts()) == ([], 1)
    before = host.tree()
    again = run(host, CONSENT)
    assert (again["changed"], machine(host).restarts(), host.tree()) == (False, 1, before)


def test_consent_that_comes_later_restarts_what_waits(host: FakeHost) -> None:
    run(host, ROW)
    assert run(host, CONSENT, check=True)["changed"]
    assert run(host, CONSENT)["changed"]
    assert machine(host).restarts() == 1


def test_a_process_that_hides_its_environment_is_restarted_once(host: FakeHost) -> None:
    machine(host).apps["shop.service"].keeps_variables = False
    run(host, CONSENT)
    os.utime(machine(host).place(), (1, 1))  # the restart was later
    assert not run(host, CONSENT)["changed"]
    assert machine(host).restarts() == 1


def test_a_service_that_does_not_run_gets_its_drop_in_alone(host: FakeHost) -> None:
    machine(host).apps["shop.service"].pid = 0
    done = run(host, CONSENT)
    assert (done["changed"], done["warnings"], machine(host).restarts()) == (True, [], 0)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_service_that_does_not_run_with_it_goes_back(host: FakeHost, earlier: bool) -> None:
    if earlier:
        run(host, CONSENT)
    before = machine(host).place().read_text() if earlier else ""
    machine(host).apps["shop.service"].dies_with = "OTEL_TRACES_EXPORTER=gone"
    variables = {**VARIABLES, "OTEL_TRACES_EXPORTER": "gone"}
    done = run(host, {**CONSENT, "variables": variables})
    assert done["failed"]
    assert "its process ended. The journal says: shop: no such exporter. It runs again as before" in done["msg"]
    assert machine(host).place().exists() == earlier
    assert not earlier or machine(host).place().read_text() == before
    assert machine(host).apps["shop.service"].pid


def test_what_left_the_list_is_taken_back_and_removal_takes_all_back(host: FakeHost) -> None:
    machine(host).apps["cart.service"] = App(pid=90, id="cart.service")
    before = host.tree()
    run(host, CONSENT, {**ROW, "unit": "cart.service"})
    own = machine(host).place("cart.service").with_name("10-own.conf")
    own.write_text("[Service]\nNice=1\n")
    done = run(host, CONSENT)
    assert (done["changed"], own.exists(), machine(host).place("cart.service").exists()) == (True, True, False)
    assert "cart.service keeps its environment until it is restarted" in done["warnings"][0]
    own.unlink()
    own.parent.rmdir()
    assert run(host)["changed_files"] == [str(machine(host).place())]
    assert host.tree() == before
    run(host, ROW)
    assert host.run({"name": "agent"}, state="absent", check=True)["changed"]
    assert host.run({"name": "agent"}, state="absent")["changed"]
    assert not list(host.root.rglob("*.d/*o11y*"))
    assert not host.run({"name": "agent"}, state="absent")["changed"]


def test_a_drop_in_of_another_collector_stays_until_this_one_has_the_service(host: FakeHost) -> None:
    place = machine(host).place()
    place.parent.mkdir()
    place.write_text(ServiceEnvironment("shop.service", VARIABLES).render_drop_in("gateway"))
    assert not run(host)["changed"]
    run(host, ROW)
    assert "for collector 'agent'" in place.read_text()


def test_a_killed_run_is_completed(host: FakeHost) -> None:
    run(host, ROW)
    machine(host).stale = True
    draft = machine(host).place().with_name(f"{DROP_IN}.draft")
    draft.write_text("")
    assert run(host, ROW)["changed"]
    assert not draft.exists()
    assert not run(host, ROW)["changed"]


def own(path: str, text: str) -> Any:
    def prepare(host: FakeHost) -> None:
        file = host.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return prepare


def linked(host: FakeHost) -> None:
    (host.root / "elsewhere").mkdir()
    machine(host).place().parent.symlink_to(host.root / "elsewhere")


def shown(**values: str) -> Any:
    return lambda host: machine(host).apps["shop.service"].shown.update(values)


def loaded(state: str) -> Any:
    return lambda host: setattr(machine(host).apps["shop.service"], "load", state)


def both(*steps: Any) -> Any:
    return lambda host: [step(host) for step in steps]


def nothing(_host: FakeHost) -> None:
    """Leave the host as it is."""


PLACE = f"etc/systemd/system/shop.service.d/{DROP_IN}"
SET = "[Service]\nEnvironment=A=1 \\\n  'OTEL_SERVICE_NAME=mine'\n"
FAULTS = {
    "unknown": (nothing, {"unit": "shoping-cart.service"}, "cart.service; did you mean 'shopping-cart.service'?"),
    "masked": (loaded("masked"), {}, "is masked"),
    "broken": (loaded("bad-setting"), {}, "systemd cannot read. Run `systemd-analyze verify shop.service`"),
    "alias": (shown(Id="store.service"), {}, "shop.service is another name of store.service"),
    "transient": (shown(Transient="yes"), {}, "has no unit file"),
    "network": (shown(PrivateNetwork="yes"), {}, "has a network of its own"),
    "file": (own(PLACE, SET), {}, "belongs to somebody else"),
    "link": (linked, {}, "is no folder"),
    "drop-in": (
        both(own("etc/x.conf", SET), shown(DropInPaths="/etc/y.conf /etc/x.conf")),
        {},
        "shop.service has OTEL_SERVICE_NAME from /etc/x.conf",
    ),
    "unset": (
        both(own("lib/u", "[Service]\nUnsetEnvironment=OTEL_SERVICE_NAME\n"), shown(FragmentPath="/lib/u")),
        {},
        "from /lib/u",
    ),
    "file of variables": (
        both(own("etc/shop", "export OTEL_SERVICE_NAME=a\n"), shown(EnvironmentFiles="/etc/shop (ignore_errors=yes)")),
        {},
        "from /etc/shop",
    ),
    "collector": (nothing, {"unit": "otelcol-agent.service"}, "is a collector of the inventory. Use `env`"),
    "path": (nothing, {"unit": "../x.service"}, "is no name of a service"),
    "option": (nothing, {"unit": "-x.service"}, "is no name of a service"),
    "timer": (nothing, {"unit": "shop.timer"}, "is no name of a service"),
    "template": (nothing, {"unit": "shop@.service"}, "is no name of a service"),
    "line": (nothing, {"variables": {"OTEL_A": "a\nExecStart=/bin/sh"}}, "has a line end"),
    "variable": (nothing, {"variables": {"LD_PRELOAD": "/x.so"}}, "is no variable of OpenTelemetry"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_is_found_before_anything_is_written(host: FakeHost, case: str) -> None:
    prepare, change, words = FAULTS[case]
    prepare(host)
    before = host.tree()
    done = run(host, {**CONSENT, **change})
    assert done.get("failed"), done
    assert words in done["msg"]
    assert (host.tree(), machine(host).restarts()) == (before, 0)
    assert any(words in line for line in host.check(host.bundle(services=[{**CONSENT, **change}])))


def test_other_variables_of_the_owner_stay(host: FakeHost) -> None:
    own("etc/x.conf", "[Service]\nEnvironment=OTEL_LOG_LEVEL=debug\n")(host)
    shown(FragmentPath="/etc/x.conf", DropInPaths="/etc/none.conf", EnvironmentFiles="")(host)
    assert run(host, ROW)["changed"]
