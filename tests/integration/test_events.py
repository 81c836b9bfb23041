# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-rulebook with this collection's rulebook: alerts are posted as Alertmanager does, and start jobs.

The clusters are an API in memory. The labels of the alerts are those of the rules that the collection renders.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.contract.role import ROOT, request
from tests.support.rulebook import RunningRulebook, build_alert, build_notification, run_rulebook, wait_until
from tests.support.watched_runs import ReadyApi, serve_api

CLUSTERS = ("dev", "eu")
RECIPES = ["otlp_ingest", {"otlp_forward": {"endpoint": "otlp.example.com:4317"}}]
VARIABLES: dict[str, Any] = {
    "otel_collectors": [{"name": name, "recipes": RECIPES} for name in ("gateway", "agent")],
    "otel_collector_monitoring": {
        "alerts": "config_map",
        "scrape": "annotations",
        "alert_labels": {"otel_host": "HOST"},
    },
    "diagnose_window_seconds": 0,
}
WAVES = [{"name": "first", "members": ["dev"]}, {"name": "last", "members": ["eu"]}]
LOST, LOOK = "OtelCollectorExportFailed", "OtelCollectorQueueNearlyFull"


def rules() -> dict[tuple[str, str], dict[str, str]]:
    """Return the labels of each alert that the collection renders, by collector and name."""
    manifests = _render.build_bundle(_render.judge_request(request(VARIABLES)))["manifests"]
    texts = [text for one in manifests for name, text in one.get("data", {}).items() if name.endswith(".rules.yml")]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for rule in (rule for text in texts for group in json.loads(text)["groups"] for rule in group["rules"]):
        found[rule["labels"]["collector"], rule["alert"]] = {"alertname": rule["alert"], **rule["labels"]}
    return found


RULES = rules()


def fired(collector: str, name: str, host: str, /, **more: str) -> dict[str, Any]:
    """Return an alert of a rule of this collection, with the labels that its series have."""
    series = {"namespace": "opentelemetry", "pod": f"{collector}-0", "exporter": "otlp_grpc"}
    labels = {**series, **RULES[collector, name], "otel_host": host, **more}
    return build_alert(labels, datetime.now(UTC).isoformat())


@dataclass(frozen=True)
class Controller:
    """A controller with an inventory of two clusters, on which the rulebook waits for alerts."""

    folder: Path
    inventory: Path
    rulebook: RunningRulebook

    @property
    def begins(self) -> Path:
        """The file that lets the first wave go on."""
        return self.folder / "begins"

    def kept(self, host: str, collector: str) -> list[dict[str, Any]]:
        """Return what is kept of the alerts of a collector."""
        folder = self.folder / "alerts" / "alerts" / host / f"opentelemetry_{collector}"
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]

    def answers(self, host: str, collector: str, count: int = 1) -> dict[str, Any]:
        """Return the last of so many results, as soon as it is there."""
        wait_until(lambda: len(self.kept(host, collector)) >= count, self.rulebook.read_output)
        return self.kept(host, collector)[-1]

    def says(self, text: str) -> str:
        """Return what the rulebook has printed, as soon as this text is in it."""
        wait_until(lambda: text in self.rulebook.read_output(), self.rulebook.read_output)
        return self.rulebook.read_output()


@pytest.fixture(scope="module", name="controller")
def _controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    folder = tmp_path_factory.mktemp("events")
    api = ReadyApi()
    api.apply("o11y.opentelemetry", *_render.build_bundle(_render.judge_request(request(VARIABLES)))["manifests"])
    with serve_api(api) as url:
        user, cluster = {"name": "it", "user": {}}, {"name": "it", "cluster": {"server": url}}
        context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
        config = {"current-context": "it", "contexts": [context], "clusters": [cluster], "users": [user]}
        (folder / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
        # Once the waves are planned. Before that, the configs of all clusters are validated.
        held = f"timeout 60 sh -c 'until [ -e {folder}/begins ]; do sleep 0.1; done; echo default'"
        waits = f"lookup('ansible.builtin.pipe', \"{held}\") if __otel_planned is defined else 'default'"
        hosts = {
            "dev": {"otel_collector_profile": f"{{{{ {waits} }}}}"},
            "eu": {"otel_alert_goes_back": True},
        }
        given = {"otel_collector_kubeconfig": f"{folder}/kubeconfig", "otel_alert_path": f"{folder}/alerts"}
        (folder / "begins").touch()
        (folder / "inventory").mkdir()
        inventory = folder / "inventory" / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": VARIABLES | given}}), encoding="utf-8")
        with run_rulebook(folder, inventory.parent) as rulebook:
            yield Controller(folder, inventory, rulebook)


def test_a_flood_of_alerts_is_one_job_for_each_collector(controller: Controller) -> None:
    for number in range(50):
        assert (
            controller.rulebook.post_json(build_notification(fired("gateway", LOST, "dev", pod=f"gateway-{number}")))
            == 200
        )
    assert (
        controller.rulebook.post_json(build_notification(fired("agent", LOST, "dev"), fired("agent", LOST, "dev")))
        == 200
    )
    # Jobs run one after the other, so a second one of the gateway would have run before.
    agent = controller.answers("dev", "agent")
    (gateway,) = controller.kept("dev", "gateway")
    assert (gateway["alert"], gateway["collector"]) == (LOST, "gateway")
    assert [line for line in gateway["verdict"] if line.startswith("opentelemetry/gateway:")], gateway
    assert not [line for line in gateway["verdict"] if line.startswith("opentelemetry/agent:")], gateway
    assert [line for line in agent["verdict"] if line.startswith("opentelemetry/agent:")], agent
    assert "dev is a cluster, which keeps no earlier objects: nothing goes back." in gateway["told"]


def test_labels_of_others_name_nothing_and_run_nothing(controller: Controller, tmp_path: Path) -> None:
    trap = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/sprung') }}}}"
    hostile = fired("gateway", LOST, "dev", collector=trap, exporter=trap)
    elsewhere = fired("gateway", LOST, "../../eu") | {"meta": {"hosts": "eu"}}
    strange = fired("gateway", LOST, "eu", collector="backend")
    assert controller.rulebook.post_json(build_notification(hostile, "no alert", elsewhere, strange)) == 200
    controller.says("Read the alert: eu has no collector 'opentelemetry/backend' in the inventory")
    said = controller.says("the inventory of this run has no host '../../eu'")
    assert "touch" in said and "is no name (at labels.collector)" in said
    assert not list(tmp_path.iterdir())
    assert {path.name for path in (controller.folder / "alerts" / "alerts").iterdir()} == {"dev"}


def test_only_who_has_the_token_is_heard(controller: Controller) -> None:
    for bad in ("", "another-token"):
        assert controller.rulebook.post_json(build_notification(fired("agent", LOST, "eu")), token=bad) == 401
    assert controller.rulebook.post_json(["no notification"]) == 200
    assert controller.kept("eu", "agent") == []


def test_an_alert_stops_the_next_wave_and_leaves_the_host_to_the_run(controller: Controller) -> None:
    controller.begins.unlink()
    more = {"otel_waves": WAVES, "otel_collector_state": "rendered"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(controller.inventory)]
    printed = controller.folder / "site.log"
    with printed.open("w", encoding="utf-8") as log:  # a pipe that nobody reads would stop the run
        play = [*command, "-e", json.dumps(more), "playbooks/site.yml"]
        site = subprocess.Popen(play, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(
            lambda: list((controller.folder / "alerts" / "runs").glob("*.json")), controller.rulebook.read_output
        )
        assert (
            controller.rulebook.post_json(
                build_notification(fired("gateway", LOOK, "dev"), fired("gateway", LOST, "eu"))
            )
            == 200
        )
        elsewhere = controller.answers("eu", "gateway")
    finally:
        controller.begins.touch()
        site.wait(timeout=60)
    output = " ".join(printed.read_text(encoding="utf-8").split())
    assert site.returncode == 2, output
    stopped = (
        f"Begin wave last: an alert has come since this run began: {LOST} of collector opentelemetry/gateway on eu"
    )
    assert stopped in output
    assert "These waves did not begin: last." in output
    assert "Wave first passed" in output
    held = controller.kept("dev", "gateway")[-1]
    assert [line for line in held["told"] if line.startswith("Wave first changes dev since")], held
    assert held["alert"] == LOOK and held["verdict"] == []
    assert "eu is a cluster, which keeps no earlier objects: nothing goes back." in elsewhere["told"]
    assert elsewhere["verdict"] and elsewhere["stops_waves"]
