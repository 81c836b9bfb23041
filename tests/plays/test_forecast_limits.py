# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site makes the forecast of each collector that changes, and stops before it applies what passes a limit."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.filter.core import combine

from tests.integration.test_forecast import planted_requests
from tests.support import plays
from tests.support.collectors import find_newest_build
from tests.support.watched_runs import ReadyApi, serve_api

from .test_noop import kubeconfig

PLACE = "opentelemetry"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
DROP_HEALTH_CHECKS = {"traces": {"span": ['span.attributes["url.path"] == "/health"']}}
LOSE_SERVICE_NAME = {"trace_statements": ['delete_key(resource.attributes, "service.name")']}
LIMITS = {"items": "+20%", "lost_attributes": ["service.name"]}
LOST = "limit: otlp_grpc/backend: traces: attribute service.name of the resource is lost"
SHOWN = "3,000 → 1,860 spans (-38.0 %"
TITLE = f"forecast of {PLACE}/gateway from 3,000 spans"


def collector(name: str, **processors: Any) -> dict[str, Any]:
    """Return a collector for traces with processors that have no recipe."""
    given = {kind: {"error_mode": "ignore", **options} for kind, options in processors.items()}
    recipes = ["otlp_ingest", {"otlp_forward": {"name": "backend", "endpoint": "backend:4317", "insecure": True}}]
    pipelines = {"traces": {"processors+": list(given)}} if given else {}
    return {"name": name, "recipes": recipes, "config": {"processors": given, "service": {"pipelines": pipelines}}}


GATEWAY = collector("gateway")
SAVES = collector("gateway", filter=DROP_HEALTH_CHECKS)
LOSES = collector("gateway", filter=DROP_HEALTH_CHECKS, transform=LOSE_SERVICE_NAME)


@dataclass(frozen=True)
class Fleet:
    """Clusters that run a gateway, and the folder of their captures."""

    folder: Path
    apis: dict[str, ReadyApi]
    urls: dict[str, str]
    binary: str

    def run(self, *collectors: dict[str, Any], playbook: str = "site", more: tuple[str, ...] = (), **given: Any) -> Any:
        """Run a playbook in all clusters."""
        hosts = {}
        for name, url in self.urls.items():
            (self.folder / name).mkdir(exist_ok=True)
            hosts[name] = {"otel_collector_kubeconfig": kubeconfig(self.folder / name, url)}
        variables = {
            "otel_collectors": list(collectors),
            "capture_path": str(self.folder / "captures"),
            "forecast_binary": self.binary,
            **given,
        }
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        return plays.run_playbook("-i", str(inventory), *more, f"playbooks/{playbook}.yml")

    def objects(self) -> dict[str, Any]:
        """Return what the clusters have now."""
        return {name: copy.deepcopy(api.objects) for name, api in self.apis.items()}

    def capture(self, cluster: str, name: str) -> None:
        """Write a capture with the planted telemetry."""
        place = self.folder / "captures" / cluster / f"{PLACE}.{name}"
        place.mkdir(parents=True)
        (place / "traces.jsonl").write_text(planted_traces(), encoding="utf-8")


@functools.cache
def planted_traces() -> str:
    """Return the planted traces as a capture has them."""
    return "".join(f"{json.dumps(request)}\n" for signal, request in planted_requests() if signal == "traces")


def said(done: Any) -> str:
    return " ".join((done.stdout + done.stderr).split())


@contextmanager
def serve_fleet(folder: Path, apis: dict[str, ReadyApi]) -> Iterator[Fleet]:
    """Serve clusters until the end of the block."""
    binary = find_newest_build()
    if binary is None:
        pytest.skip("the testbed has not built a Collector")
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serve_api(api)) for name, api in apis.items()}
        yield Fleet(folder, apis, urls, str(binary))


@pytest.fixture(name="played", scope="module")
def _played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadyApi]:
    """Return clusters that run the gateway, each of which tests have a copy of."""
    apis = {name: ReadyApi(NAMESPACE) for name in ("dev", "eu", "us")}
    with serve_fleet(tmp_path_factory.mktemp("fleet"), apis) as fleet:
        first = fleet.run(GATEWAY)
        assert first.returncode == 0, said(first)
    return apis


@pytest.fixture(name="fleet", params=[("eu",)])
def _fleet(tmp_path: Path, request: pytest.FixtureRequest, played: dict[str, ReadyApi]) -> Iterator[Fleet]:
    with serve_fleet(tmp_path, {name: played[name].copy() for name in request.param}) as fleet:
        yield fleet


@pytest.mark.parametrize("more", [(), ("--check",)], ids=["applied", "checked"])
def test_a_limit_that_is_passed_stops_the_run_before_anything_is_applied(fleet: Fleet, more: tuple[str, ...]) -> None:
    fleet.capture("eu", "gateway")
    before = fleet.objects()
    done = fleet.run(LOSES, more=more, forecast_limits=LIMITS)
    assert done.returncode == 2, said(done)
    assert TITLE in said(done), said(done)
    assert SHOWN in said(done)
    assert LOST in said(done)
    assert f"{PLACE}/gateway passes 1 limit. Nothing was applied." in said(done)
    assert fleet.objects() == before


def test_a_change_within_its_limits_is_shown_and_applied(fleet: Fleet) -> None:
    fleet.capture("eu", "gateway")
    done = fleet.run(SAVES, forecast_limits=LIMITS)
    assert done.returncode == 0, said(done)
    assert SHOWN in said(done), said(done)
    assert "changed=1" in said(done)
    again = fleet.run(SAVES, forecast_limits=LIMITS)
    assert again.returncode == 0, said(again)
    assert TITLE not in said(again), "the collector did not change"
    without = fleet.run(LOSES, forecast_limits=None)
    assert without.returncode == 0, said(without)
    assert TITLE not in said(without), "no limits were given"


def test_a_collector_without_a_capture_is_named_and_can_be_refused(fleet: Fleet) -> None:
    why = f"{PLACE}/gateway changes without a forecast: there is no capture"
    warned = fleet.run(SAVES, more=("--check",), forecast_limits=LIMITS)
    assert warned.returncode == 0, said(warned)
    assert said(warned).replace(" ", "").count(why.replace(" ", "")) == 1, said(warned)
    before = fleet.objects()
    refused = fleet.run(SAVES, forecast_limits=LIMITS, forecast_without_capture="fail")
    assert refused.returncode == 2, said(refused)
    assert f"{PLACE}/gateway has no forecast: there is no capture" in said(refused)
    assert fleet.objects() == before


def test_a_forecast_that_cannot_be_made_stops_the_run(fleet: Fleet) -> None:
    fleet.capture("eu", "gateway")
    (fleet.folder / "captures" / "eu" / f"{PLACE}.gateway" / "traces.jsonl").write_text("{}\n", encoding="utf-8")
    before = fleet.objects()
    done = fleet.run(SAVES, forecast_limits=LIMITS)
    assert done.returncode == 2, said(done)
    assert "this line of a capture is no request of OTLP" in said(done)
    assert fleet.objects() == before


@pytest.mark.parametrize("fleet", [("dev", "eu")], indirect=True)
def test_the_forecast_of_a_later_wave_stops_the_first_one(fleet: Fleet) -> None:
    fleet.capture("eu", "gateway")
    waves = [{"name": "first", "members": ["dev"]}, {"name": "last", "members": ["eu"]}]
    before = fleet.objects()
    done = fleet.run(LOSES, forecast_limits=LIMITS, otel_waves=waves)
    assert done.returncode == 2, said(done)
    assert LOST in said(done), said(done)
    assert "Wave first" not in said(done)
    assert fleet.objects() == before


@pytest.mark.parametrize("fleet", [("us", "eu")], indirect=True)
def test_the_forecasts_of_all_clusters_are_on_one_page(fleet: Fleet) -> None:
    fleet.capture("eu", "gateway")
    files = {name: fleet.folder / "pages" / f"forecast.{name}" for name in ("html", "md", "xml")}
    given = {
        "forecast_capture": str(fleet.folder / "captures" / "eu" / f"{PLACE}.gateway"),
        "forecast_html_path": str(files["html"]),
        "forecast_markdown_path": str(files["md"]),
        "forecast_output_path": str(files["xml"]),
    }
    done = fleet.run(LOSES, playbook="forecast", forecast_limits=LIMITS, **given)
    assert done.returncode == 2, said(done)
    assert said(done).count(LOST) == 2, "each cluster has failed"
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    assert "<title>Forecast of gateway on us, gateway on eu</title>" in texts["html"]
    assert texts["md"].index("## Forecast for us") < texts["md"].index("## Forecast for eu")
    assert 'tests="2" failures="2"' in texts["xml"]
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    again = fleet.run(LOSES, playbook="forecast", more=("--check",), forecast_limits=LIMITS, **given)
    assert "changed=0" in said(again)
    assert {name: file.read_text(encoding="utf-8") for name, file in files.items()} == texts


UNDER_OPERATOR = {"otel_collector_backend": "operator"}
ADDED_BY_OPERATOR = {
    "receivers": {"otlp": {"protocols": {"grpc": {"keepalive": {}}}}},
    "service": {"telemetry": {"metrics": {"address": "0.0.0.0:8888"}}},
}
"""What stands for the defaults of its webhook. Source: ApplyDefaults in the operator's internal/otelconfig."""


@pytest.fixture(scope="module")
def resource(tmp_path_factory: pytest.TempPathFactory, played: dict[str, ReadyApi]) -> dict[str, Any]:
    """Return the custom resource of the gateway."""
    folder = tmp_path_factory.mktemp("resource")
    with serve_fleet(folder, {"eu": played["eu"].copy()}) as fleet:
        rendered = fleet.run(GATEWAY, playbook="render", otel_gitops_path=str(folder / "applied"), **UNDER_OPERATOR)
    assert rendered.returncode == 0, said(rendered)
    file = folder / "applied" / "eu" / "collectors" / PLACE / "gateway.yml"
    manifests = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    (found,) = (manifest for manifest in manifests if manifest["kind"] == "OpenTelemetryCollector")
    return dict(found)


def run_under_operator(fleet: Fleet, resource: dict[str, Any], **changed: Any) -> None:
    """Let the cluster have the custom resource of the gateway, with what the operator and others add to its config."""
    config = resource["spec"]["config"]
    for added in (ADDED_BY_OPERATOR, changed):
        config = combine(config, added, recursive=True)
    fleet.apis["eu"].objects.clear()
    fleet.apis["eu"].apply(
        "o11y.opentelemetry", NAMESPACE, {**resource, "spec": {**resource["spec"], "config": config}}
    )


def test_a_collector_of_the_operator_that_does_not_change_needs_no_forecast(
    fleet: Fleet, resource: dict[str, Any]
) -> None:
    fleet.capture("eu", "gateway")
    run_under_operator(fleet, resource)
    same = fleet.run(GATEWAY, more=("--check",), forecast_limits=LIMITS, **UNDER_OPERATOR)
    assert "Forecast what the collectors would send" in said(same), said(same)
    assert "forecast of" not in said(same), said(same)
    other = fleet.run(LOSES, more=("--check",), forecast_limits=LIMITS, **UNDER_OPERATOR)
    assert other.returncode == 2, said(other)
    assert LOST in said(other), said(other)


def test_a_resource_that_a_person_edited_has_a_forecast_though_its_hash_is_that_of_the_inventory(
    fleet: Fleet, resource: dict[str, Any]
) -> None:
    fleet.capture("eu", "gateway")
    run_under_operator(fleet, resource, exporters={"otlp_grpc/backend": {"endpoint": "elsewhere:4317"}})
    done = fleet.run(GATEWAY, more=("--check",), forecast_limits=LIMITS, **UNDER_OPERATOR)
    assert TITLE in said(done), said(done)


def test_a_pull_request_shows_the_forecast_of_the_changed_files(fleet: Fleet) -> None:
    given = {"otel_gitops_path": str(fleet.folder / "files"), "otel_gitops_changes_path": str(fleet.folder / "page.md")}
    first = fleet.run(GATEWAY, playbook="render", **given)
    assert first.returncode == 0, said(first)
    fleet.capture("eu", "gateway")
    done = fleet.run(LOSES, collector("new"), playbook="render", more=("--check",), forecast_limits=LIMITS, **given)
    assert done.returncode == 0, said(done)
    page = (fleet.folder / "page.md").read_text(encoding="utf-8")
    assert page.startswith("# 1 of 1 clusters change\n"), page
    _changes, _heading, forecast = page.partition("## Forecast for eu\n")
    assert f"### Forecast of `{PLACE}/gateway`" in forecast, page
    assert "attribute service.name of the resource is lost" in forecast
    assert "| `otlp_grpc/backend` | traces | 3,000 → 1,860 (-38.0 %" in forecast


def test_the_verdict_of_a_synced_change_has_its_forecast(fleet: Fleet) -> None:
    judged = fleet.folder / "judged"
    kept = fleet.run(GATEWAY, playbook="judge", otel_judge_path=str(judged), otel_judge_before=True)
    assert kept.returncode == 0, said(kept)
    fleet.capture("eu", "gateway")
    applied = fleet.run(SAVES)
    assert applied.returncode == 0, said(applied)
    more = {"otel_judge_path": str(judged), "otel_judge_seconds": 1, "otel_judge_without_data": "pass"}
    done = fleet.run(SAVES, playbook="judge", **more)
    assert done.returncode == 0, said(done)
    page = (judged / "judge.md").read_text(encoding="utf-8")
    assert "## Forecast for eu\n" in page, page
    assert "| `otlp_grpc/backend` | traces | 3,000 → 1,860 (-38.0 %" in page


# Hosts of one run, by what they are given: whether playbook site reads what runs there.
LINUX_HOSTS: dict[str, tuple[dict[str, Any], bool]] = {
    "limits": ({"forecast_limits": LIMITS}, True),
    "none": ({}, False),
    "turned-off": ({"forecast_limits": {}}, False),
    "absent": ({"forecast_limits": LIMITS, "otel_host_state": "absent"}, False),
    "misspelt": ({"forecast_limits": "{{ limits_of[stage] }}"}, True),
}
READS = re.compile(r"^TASK \[(?:\S+ : )?Read the collectors that run on the host\].*?(?=^TASK|^PLAY|\Z)", re.M | re.S)


@pytest.fixture(scope="module")
def linux_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what playbook site prints of Linux hosts that do not answer."""
    variables = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
        "otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}],
    }
    hosts = {name: given for name, (given, _is_read) in LINUX_HOSTS.items()}
    inventory = {"all": {"children": {"otel_linux": {"hosts": hosts, "vars": variables}}}}
    file = tmp_path_factory.mktemp("linux") / "hosts.json"
    file.write_text(json.dumps(inventory), encoding="utf-8")
    done = plays.run_playbook("-i", str(file), "playbooks/site.yml")
    assert done.returncode != 0, said(done)
    return str(done.stdout + done.stderr)


@pytest.mark.parametrize("host", LINUX_HOSTS)
def test_a_linux_host_is_read_if_it_has_limits(host: str, linux_run: str) -> None:
    """One that does not answer fails where it is read: tests/integration/test_host_forecast.py has real ones."""
    _given, is_read = LINUX_HOSTS[host]
    reads = "".join(READS.findall(linux_run))
    failures = [lines for lines in re.split(r"^(?=\w+: \[)", reads, flags=re.M) if f"[{host}]" in lines]
    assert [("The host does not answer" in lines) for lines in failures] == [True] * is_read, linux_run


def test_hosts_without_limits_go_on_when_all_with_limits_fail(tmp_path: Path) -> None:
    """Ansible ends a run when all hosts of a play have failed, and one with limits may be away."""
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    hosts = {"web1": {**away, "forecast_limits": LIMITS}, "web2": away, "web3": away}
    collectors = [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}]
    variables = {"otel_host_program": {"path": "/usr/bin/otelcol-contrib"}, "otel_host_collectors": collectors}
    inventory = {"all": {"children": {"otel_linux": {"hosts": hosts, "vars": variables}}}}
    (tmp_path / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    done = plays.run_playbook("-i", str(tmp_path / "hosts.json"), "--limit", "web1,web3", "playbooks/site.yml")
    forecast, _play, deployment = said(done).partition("Deploy OpenTelemetry Collectors on Linux hosts")
    assert "fatal: [web1]: FAILED!" in forecast, forecast
    assert "web3" not in forecast, forecast
    assert "[web3]: UNREACHABLE!" in deployment, said(done)
