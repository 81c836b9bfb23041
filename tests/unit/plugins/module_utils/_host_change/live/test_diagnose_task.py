# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a host tells of each collector what is there and what it counts, changes nothing and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_question import ARGUMENTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.diagnose_task import (
    run_host_diagnosis,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import CommandResult

from .fake_host import FIRST, TOKEN, FakeHost, FakeModule, completed

METRICS = "http://127.0.0.1:8888/metrics"
COUNTED = 'otelcol_exporter_sent_spans{exporter="otlp"} 7'


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """Return a host on which a collector runs that serves its metrics."""
    host = FakeHost(tmp_path)
    host.machine.metrics[FIRST] = f"# HELP of a metric\n{COUNTED}\ngo_goroutines 7\n"
    host.run(host.bundle(metrics=METRICS))
    return host


def look(host: FakeHost, *bundles: dict[str, Any], **options: Any) -> dict[str, Any]:
    module = FakeModule(host.bundle())
    module.params = completed({"bundles": list(bundles), "window_seconds": 5, **options}, ARGUMENTS)
    before = host.tree()
    run_host_diagnosis(module, host.machine, host.root)
    assert host.tree() == before
    return module.result


def test_a_collector_has_two_readings_of_its_own_metrics_a_window_apart(host: FakeHost) -> None:
    (collector,) = look(host, host.bundle(metrics=METRICS))["collectors"]
    assert collector["metrics"] == {"first": COUNTED, "last": COUNTED, "why": ""}
    assert (collector["name"], collector["seconds"]) == ("agent", 5)
    assert (collector["release"]["number"], collector["release"]["differs"]) == ("000001", [])


def test_without_metrics_there_is_a_reason_and_no_wait(host: FakeHost) -> None:
    (collector,) = look(host, host.bundle())["collectors"]
    why = "service.telemetry.metrics serves none"
    assert (collector["metrics"], collector["seconds"]) == ({"first": "", "last": "", "why": why}, 0)
    host.machine.run("systemctl", "stop", "otelcol-agent.service")
    (collector,) = look(host, host.bundle(metrics=METRICS))["collectors"]
    assert collector["metrics"]["why"].startswith(f"{METRICS}: ")


def test_a_credential_of_the_host_that_is_gone_is_named(host: FakeHost) -> None:
    (host.root / "etc/token").write_text(TOKEN)
    credentials = [{"name": "token", "path": "/etc/token"}, {"name": "key", "path": "/etc/key"}]
    (collector,) = look(host, host.bundle(credentials=credentials))["collectors"]
    assert collector["release"]["credentials"][-1:] == ["/etc/key"]


def test_a_secret_is_in_no_answer(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_metric = f'otelcol_build_info{{key="{TOKEN}"}} 1'
    monkeypatch.setattr(host.machine, "get", lambda _url: secret_metric)
    result = look(host, host.bundle(metrics=METRICS))
    assert "otelcol_build_info" in str(result) and TOKEN not in str(result)


def test_a_drop_in_that_is_missing_is_a_difference(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        host.machine, "run", lambda *_words: CommandResult(0, "LoadState=loaded\nActiveState=active\nMainPID=0")
    )
    row = {"unit": "shop.service", "variables": {"OTEL_SERVICE_NAME": "shop"}}
    (collector,) = look(host, host.bundle(services=[row]))["collectors"]
    (service,) = collector["services"]
    assert (service["is_there"], collector["release"]["differs"]) == (False, [service["place"]])


def test_collectors_that_the_task_does_not_list_are_named(host: FakeHost) -> None:
    assert look(host, host.bundle())["unlisted"] == []
    assert look(host)["unlisted"] == ["agent"]


def test_a_user_who_is_not_root_is_refused(host: FakeHost) -> None:
    host.machine.root_user = False
    assert "does not run as root" in look(host, host.bundle())["msg"]
