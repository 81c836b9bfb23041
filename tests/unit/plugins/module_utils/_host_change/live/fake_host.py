# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is a folder: its files are real, its services are rows of a file, so a killed run leaves both."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.bundle_form import BUNDLE_OPTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.check_task import run_check
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_task import run_host
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import (
    CommandResult,
    Machine,
    Service,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.taken_ports import Holder, ListeningSocket

PROGRAM = b"a program"
TOKEN = "token-of-the-backend"
UNIT = """[Unit]
Description=Collector
[Service]
Type=exec
ExecStart=@program@ --config=/etc/otelcol/agent/current/config.yaml
DynamicUser=yes
StateDirectory=otelcol/agent
LoadCredential=token:/etc/otelcol/agent/current/credentials/token
Restart=on-failure
"""
FIRST = "listen 4317\nexporters: {debug: {}}\n"


class FakeMachine(Machine):
    """Services that run what their files say: a config with `invalid` is refused, with `dies` its process ends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.table = root / "services.json"
        self.free = 10 << 30
        self.full_below: Path | None = None
        self.root_user, self.kind, self.clock = True, "amd64", 1_800_000_000.0
        self.booted_for = 5_000.0
        self.systemd, self.encrypted = 252, 0
        self.selinux: str | None = None
        self.user = ""
        self.others: dict[int, Holder] = {}
        self.metrics: dict[str, str] = {}
        self.calls: list[str] = []
        self.holders_asked: list[str] = []
        self.checked = ""

    # ── What is asked ──

    def is_root(self) -> bool:
        return self.root_user

    def find_architecture(self) -> str:
        return self.kind

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds
        self.booted_for += seconds

    def read_uptime(self) -> float:
        return self.booted_for

    def read_systemd_version(self) -> int:
        return self.systemd

    def enforces_selinux(self) -> bool:
        return self.selinux is not None

    def read_selinux_type(self, path: Path) -> str:
        return str(self.selinux) if path.exists() else ""

    def encrypt(self, _name: str, secret: bytes) -> bytes:
        """Return another text each time, as systemd-creds does."""
        self.encrypted += 1
        return f"encrypted {self.encrypted}:{secret.hex()}".encode()

    def decrypt(self, _name: str, data: bytes) -> bytes | None:
        mark, _colon, text = data.decode().partition(":")
        return bytes.fromhex(text) if mark.startswith("encrypted ") else None

    def node_name(self) -> str:
        return "web1"

    def read_init_name(self) -> str:
        return "openrc-init"

    def free_bytes(self, path: Path) -> int:
        return 0 if self.full_below in path.parents else self.free

    @contextmanager
    def hold_lock(self, _folder: Path, _seconds: float) -> Iterator[None]:
        yield

    def state(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.table.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {"pid": 0, "config": "", "token": "", "last": 100, "known": False, "restarts": 0, "said": ""}

    def _save(self, **values: Any) -> None:
        self.table.write_text(json.dumps({**self.state(), **values}), encoding="utf-8")

    def service(self, name: str) -> Service:
        state = self.state()
        active = "active" if state["pid"] else "failed" if state["said"] else "inactive"
        load = "loaded" if state["known"] or (self.root / "etc/systemd/system" / name).exists() else "not-found"
        return Service(load, "", active, "running", state["pid"], state["restarts"], user_name=self.user)

    def journal(self, name: str, _since: float) -> str:
        if "check" in name:
            return f"{name}: Main process exited, code=exited, status=217/USER"
        return str(self.state()["said"] or "Everything is ready")

    def get(self, url: str) -> str:
        if not self.state()["pid"]:
            raise ConnectionRefusedError(url)
        return self.metrics.get(self.state()["config"], "")

    def list_listeners(self) -> list[ListeningSocket]:
        own = [
            ListeningSocket("tcp", "127.0.0.1", int(port), "1") for port in re.findall(r"listen (\d+)", self._running())
        ]
        return own + [ListeningSocket("tcp", "0.0.0.0", port, f"other{port}") for port in self.others]

    def _running(self) -> str:
        state = self.state()
        return str(state["config"]) if state["pid"] else ""

    def holders(self, unit: str = "") -> Mapping[str, Holder]:
        self.holders_asked.append(unit)
        others = {f"other{port}": holder for port, holder in self.others.items()}
        known = {"1": Holder(self.state()["pid"], "otelcol", "otelcol-agent.service"), **others}
        return {inode: holder for inode, holder in known.items() if unit in ("", holder.unit)}

    # ── What is done ──

    def reload_process(self, pid: int) -> None:
        assert pid == self.state()["pid"]
        self._take(pid)

    def run(self, *words: str) -> CommandResult:
        self.calls.append(" ".join(words))
        if words[:2] == ("systemctl", "start"):
            return self._check((self.root / "run/systemd/system" / words[2]).read_text(encoding="utf-8"))
        if words[:2] == ("systemctl", "restart"):
            self._take(self.state()["last"] + 1)
            if "at once" in str(self.state()["config"]):
                return CommandResult(1, "Job for otelcol-agent.service failed.")
        if words[:2] == ("systemctl", "stop") and "check" not in words[2]:
            self._save(pid=0, said="")
        if words[:2] == ("systemctl", "daemon-reload"):
            self._save(known=(self.root / "etc/systemd/system/otelcol-agent.service").exists())
        return CommandResult(0, "")

    def _check(self, unit: str) -> CommandResult:
        self.checked = unit
        config = re.search(r"--config=(\S+)", unit)
        assert config
        text = Path(config[1]).read_text(encoding="utf-8")
        refused = "invalid" in text or "unstarted" in text
        if "invalid" in text:
            (self.root / "run/otelcol-agent.check.log").write_text("Error: invalid key\n", encoding="utf-8")
        return CommandResult(int(refused), "")

    def _take(self, pid: int) -> None:
        current = self.root / "etc/otelcol/agent/current"
        config = (current / "config.yaml").read_text(encoding="utf-8")
        stored = (current / "credentials/token").read_bytes()
        token = (self.decrypt("token", stored) or stored).decode().replace("$$", "$")  # as the Collector reads it
        dies = "dies" in config
        said = f"Error: cannot listen with {token}" if dies else ""
        self._save(pid=0 if dies else pid, last=pid, config=config, token=token, said=said)


class EndedError(Exception):
    """The end of a module."""


class FakeModule:
    """A module with parameters, and how it ended."""

    def __init__(self, bundle: Mapping[str, Any], state: str = "present", check: bool = False) -> None:
        self.params = {"bundle": completed(bundle, BUNDLE_OPTIONS), "state": state}
        self.check_mode, self._diff = check, True
        self.warnings: list[str] = []
        self.result: dict[str, Any] = {}

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        self.result = result

    def fail_json(self, **result: Any) -> None:
        self.result = {"failed": True, "changed": False, **result}


def completed(given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in the types and with the defaults of their specification, as Ansible does."""
    checked = ArgumentSpecValidator(dict(spec)).validate(given)
    assert checked.error_messages == []
    return dict(checked.validated_parameters)


class FakeHost:
    """A host, and what Ansible does with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("run/systemd/system", "etc/systemd/system", "etc/tmpfiles.d", "opt", "var/lib"):
            (root / folder).mkdir(parents=True)
        (root / "etc/systemd/system/multi-user.target.wants").mkdir()
        self.machine = FakeMachine(root)
        self.controller_time = 0.0
        self.source = root / "otelcol"
        self.source.write_bytes(PROGRAM)

    def bundle(self, config: str = FIRST, **changes: Any) -> dict[str, Any]:
        unit = UNIT.replace("/etc/otelcol", f"{self.root}/etc/otelcol")
        row = {"path": str(self.source), "sha256": hashlib.sha256(PROGRAM).hexdigest()}
        return {
            "name": "agent",
            "files": [{"path": "config.yaml", "content": config}, {"path": "unit", "content": unit}],
            "program": {"distribution": "contrib", "version": "0.158.0", "architectures": {"amd64": row}},
            "credentials": [{"name": "token", "content": TOKEN}],
            "ports": [{"number": 4317, "address": "127.0.0.1"}],
            **changes,
        }

    def check(self, *bundles: Mapping[str, Any], **more: Any) -> list[str]:
        """Return the faults that module host_check finds."""
        module = FakeModule(bundles[0])
        module.params = {"bundles": [completed(one, BUNDLE_OPTIONS) for one in bundles], **more}
        run_check(module, self.machine, self.root)
        return [f"{one['collector']}: {one['message']}" for one in module.result["faults"]]

    def run(
        self, bundle: Mapping[str, Any], state: str = "present", check: bool = False, **more: Any
    ) -> dict[str, Any]:
        module = FakeModule(deepcopy(dict(bundle)), state, check)
        module.params.update(controller_time=self.controller_time, **more)
        run_host(module, self.machine, self.root)
        return {**module.result, "warnings": module.warnings}

    def tree(self) -> dict[str, str]:
        """Return every path of the host, without what a service has and where a program comes from."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.name not in ("services.json", "otelcol") or path.parent != self.root:
                content = str(path.readlink()) if path.is_symlink() else "" if path.is_dir() else path.read_text()
                found[str(path.relative_to(self.root))] = content
        return found

    def in_use(self) -> str:
        return (self.root / "etc/otelcol/agent/current").readlink().name
