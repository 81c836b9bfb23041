# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook alert, and what an alert that came before does to a run of waves. No cluster and no host answers."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.run_records import Stop, WaveRun
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._alert_folder import AlertFolder, identify_process

from tests.support import plays
from tests.support.servers import serve_answers

BEGAN = "2026-01-31T12:00:00Z"
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
VARIABLES: dict[str, Any] = {
    "otel_collectors": [{"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}],
    "otel_collector_kubeconfig": "/nonexistent/kubeconfig",
    "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
    "otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}],
}
WAVES = [{"name": "first", "members": ["dev"]}, {"name": "last", "members": ["all:!dev"]}]


def inventory(folder: Path, **more: Any) -> str:
    """Write an inventory of two clusters and a Linux host, and return its path."""
    given = {**VARIABLES, "otel_alert_path": str(folder / "alerts"), **more}
    groups = {"hosts": {"dev": {}, "eu": {}}, "children": {"otel_linux": {"hosts": {"web1": NOWHERE}}}}
    path = folder / "inventory.json"
    path.write_text(json.dumps({"all": {"vars": given, **groups}}), encoding="utf-8")
    return str(path)


def alert(folder: Path, *words: str, name: str = "OtelCollectorDown", host: str = "dev", **more: Any) -> str:
    """Run playbook alert for an alert, and return what it prints as one line. It fails, since nothing answers."""
    labels = {"alertname": name, "collector": "agent" if host == "web1" else "gateway", "otel_host": host}
    labels |= more.pop("labels", {})
    event = {"alert": {"status": "firing", "startsAt": BEGAN, "labels": labels}}
    given = ["-e", json.dumps({"ansible_eda": {"event": event}})]
    done = plays.run_playbook("-i", inventory(folder, **more), *given, *words, "playbooks/alert.yml")
    assert done.returncode == 2, done.stdout + done.stderr
    return told(done)


def told(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def kept(folder: Path) -> list[dict[str, Any]]:
    """Return what is kept of all alerts."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "alerts").glob("alerts/*/*/*"))]


def note_run(folder: Path, *hosts: str) -> None:
    """Note a run of waves: that of this process."""
    run = WaveRun(platform.node(), os.getpid(), identify_process(os.getpid()), 1.0, 2.0, "first", hosts)
    AlertFolder(str(folder / "alerts")).note_run(run)


def test_a_cluster_that_does_not_answer_is_kept_with_its_alert(tmp_path: Path) -> None:
    said = alert(tmp_path)
    assert "Answer OtelCollectorDown: the cluster was not read: Connect to the cluster: there is no usable" in said
    (found,) = kept(tmp_path)
    assert (found["host"], found["collector"], found["verdict"]) == ("dev", "gateway", [])
    assert found["told"][0] == "OtelCollectorDown of collector gateway on dev since 2026-01-31 12:00:00 UTC."
    files = [path for path in (tmp_path / "alerts").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "alerts", *files)} == {0o700}


def test_a_host_that_does_not_answer_is_kept_with_its_alert(tmp_path: Path) -> None:
    assert "the host does not answer" in alert(tmp_path, host="web1", otel_alert_goes_back=True)
    (found,) = kept(tmp_path)
    assert (found["host"], found["collector"]) == ("web1", "agent")


def test_another_cluster_than_the_expected_is_not_read(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, _body: bytes) -> RawAnswer:
        asked.append(handler.path)
        return RawAnswer(200, {}, json.dumps({"kind": "Namespace", "metadata": {"uid": "another"}}).encode())

    with serve_answers(answer) as url:
        user, context = {"name": "it", "user": {}}, {"name": "it", "context": {"cluster": "it", "user": "it"}}
        clusters = [{"name": "it", "cluster": {"server": url}}]
        config = {"current-context": "it", "contexts": [context], "clusters": clusters, "users": [user]}
        (tmp_path / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
        given = {"otel_expected_cluster": "prod", "otel_collector_kubeconfig": f"{tmp_path}/kubeconfig"}
        assert "the cluster was not read: Go to the cluster prod: it is cluster it at" in alert(tmp_path, **given)
    assert asked == ["/api/v1/namespaces/kube-system"]


@pytest.mark.parametrize(
    ("host", "label"),
    [("dev", "exporter"), ("web1", "exporter"), ("dev", "collector"), ("dev", "otel_host"), ("dev", "alertname")],
)
def test_a_template_in_an_alert_is_never_rendered(tmp_path: Path, host: str, label: str) -> None:
    trap = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/sprung') }}}}"
    said = alert(tmp_path, "-vvv", host=host, labels={label: trap})
    assert not (tmp_path / "sprung").exists()
    assert ("Read the alert:" in said) == (label != "exporter")
    assert len(kept(tmp_path)) == (label == "exporter")


def test_check_mode_keeps_nothing(tmp_path: Path) -> None:
    note_run(tmp_path, "eu")
    assert "No wave begins after wave first" in alert(tmp_path, "--check")
    assert kept(tmp_path) == []
    assert not (tmp_path / "alerts/stop.json").exists()


def test_a_consent_that_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    assert "(at otel_alert_goes_back). Write true or false." in alert(tmp_path, otel_alert_goes_back="perhaps")


def test_a_limit_that_leaves_the_host_out_is_told(tmp_path: Path) -> None:
    assert "the inventory of this run has no host 'dev'" in alert(tmp_path, "--limit", "eu")


def test_an_alert_of_no_host_is_refused_where_there_are_several(tmp_path: Path) -> None:
    said = alert(tmp_path, host="")
    assert "it has no such label, and the inventory has 3 hosts (at labels.otel_host)" in said
    assert "Set `alert_labels: {otel_host: '{{ inventory_hostname }}'}`" in said


def test_an_alert_stops_a_run_that_goes_on_and_no_other(tmp_path: Path) -> None:
    stop = tmp_path / "alerts/stop.json"
    alert(tmp_path, name="OtelCollectorRefused")
    assert not stop.exists()
    note_run(tmp_path, "eu")
    alert(tmp_path, name="OtelCollectorCertificateExpires")
    assert not stop.exists()
    assert "No wave begins after wave first" in alert(tmp_path, name="OtelCollectorRefused")
    assert json.loads(stop.read_text(encoding="utf-8"))["alert"] == "OtelCollectorRefused"


def site(folder: Path, at: float) -> subprocess.CompletedProcess[str]:
    """Run playbook site in waves, after an alert at that time."""
    AlertFolder(str(folder / "alerts")).note_stop(Stop("OtelCollectorDown", "gateway", "eu", at))
    more = {"otel_waves": WAVES, "otel_collector_state": "rendered", "otel_host_state": "rendered"}
    return plays.run_playbook("-i", inventory(folder, **more), "playbooks/site.yml")


def test_an_alert_before_a_run_is_a_warning_once(tmp_path: Path) -> None:
    done = site(tmp_path, time.time() - 60)
    assert done.returncode == 0, told(done)
    assert told(done).count("is older than this run, and does not stop it. Remove") == 1
    assert "Wave last passed" in told(done)


def test_an_alert_since_a_run_began_stops_it(tmp_path: Path) -> None:
    done = site(tmp_path, time.time() + 3600)
    assert done.returncode == 2
    assert "Begin wave first: an alert has come since this run began: OtelCollectorDown" in told(done)
    assert "These waves did not begin: first, last." in told(done)
    assert "passed" not in told(done)


@pytest.mark.parametrize("broken", ["[]", "no json"])
def test_a_note_that_cannot_be_read_stops_a_run(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "alerts"
    folder.mkdir()
    (folder / "stop.json").write_text(broken, encoding="utf-8")
    more = {"otel_waves": WAVES, "otel_collector_state": "rendered", "otel_host_state": "rendered"}
    done = plays.run_playbook("-i", inventory(tmp_path, **more), "playbooks/site.yml")
    assert done.returncode == 2
    assert f"(at {folder}/stop.json). Remove the file if no run is under way." in told(done)
