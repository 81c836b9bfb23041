# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector that cannot be seen is unknown, never healthy, and the reason is shown: in a diagnosis and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.find_collectors import (
    find_unlisted_collectors,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _diagnose, _fleet_report

from tests.unit.plugins.module_utils._report.helpers import Fleet, to

from ... import fake_api
from ...fake_api import FakeApi, status
from .diagnose_api import METRICS, api, counts, facts, metadata, objects

WELL = """
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
exporters: {debug: {}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
"""
REFUSALS = pytest.mark.parametrize("code", [401, 403, 410, 422, 429, 500, 503])


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "opentelemetry.io/v1beta1", ("opentelemetrycollectors",))


def healthy() -> FakeApi:
    made = api()
    made.add({**objects()[-1], "data": {"c": WELL}})
    made.clock.on_sleep.append(
        lambda _now: made.texts.update({METRICS: counts(5, 3).replace("otlp_grpc/jaeger", "debug")})
    )
    return made


def refusing(made: FakeApi, code: int, *parts: str) -> FakeApi:
    before = made.trouble

    def trouble(method: str, path: str) -> Any:
        return (
            status(code, "No", "this is refused") if any(map(path.endswith, parts or ("",))) else before(method, path)
        )

    made.trouble = trouble
    return made


def diagnosed(made: FakeApi, **arguments: Any) -> dict[str, Any]:
    return _diagnose.diagnose_collectors(facts(made), _diagnose.list_checks(arguments), arguments)


def diagnosed_by_name(made: FakeApi, name: str) -> dict[str, Any]:
    found = _diagnose.diagnose_collectors(facts(made, name=name), _diagnose.list_checks({}), {})
    (one,) = found["collectors"]
    return dict(one)


def page(found: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    fleet = Fleet().add("w", to("backend:4317"), namespace="ns")
    rendered = {"collectors": [{**one, "config": "{}"} for one in fleet.collectors], "manifests": fleet.manifests}
    cluster = {"name": "prod", "asked": True, "problem": "", "rendered": rendered, "products": {}, "diagnosis": found}
    given = {"path": str(folder / "page.html"), "title": "Fleet", "time": "now", "clusters": [cluster]}
    return _fleet_report.write_fleet_report(given, check=False), (folder / "page.html").read_text(encoding="utf-8")


def test_this_collector_is_healthy_when_all_can_be_read(tmp_path: Path) -> None:
    found = diagnosed(healthy())
    assert found["collectors"][0]["status"] == "healthy", found["msg"]
    assert page(found, tmp_path)[0]["summary"]["healthy"] == 1


@REFUSALS
def test_a_cluster_that_refuses_every_read_shows_nothing_but_that(code: int, tmp_path: Path) -> None:
    found = diagnosed(refusing(healthy(), code))
    (one,) = found["collectors"]
    assert (one["status"], one["seen"], found["healthy"]) == ("unknown", False, False)
    assert one["verdict"][0].startswith("unknown: cannot be seen: ")
    assert "this is refused" in found["msg"]
    assert "runs" not in found["msg"]
    result, text = page(found, tmp_path)
    assert (result["summary"]["healthy"], result["summary"]["unseen"], result["summary"]["unread"]) == (0, 1, 1)
    assert "this is refused" in result["unread"][0]["why"]
    assert "cannot read how the collectors are" in text


@pytest.mark.parametrize(("fail_on", "failed"), [("error", True), ("warning", True), ("never", False)])
def test_a_gate_does_not_pass_a_collector_that_nobody_has_seen(fail_on: str, failed: bool) -> None:
    found = diagnosed(refusing(healthy(), 403), fail_on=fail_on)
    assert found["failed"] is failed
    seen = diagnosed(refusing(healthy(), 403, "proxy/metrics"), fail_on=fail_on)
    assert (seen["collectors"][0]["status"], seen["failed"]) == ("unknown", False)


@REFUSALS
@pytest.mark.parametrize("part", ["/configmaps/cm", "/deployments", "proxy/metrics"])
def test_what_must_be_known_for_healthy_and_is_refused_makes_it_unknown(part: str, code: int, tmp_path: Path) -> None:
    parts = (part, "/deployments/w") if part == "/deployments" else (part,)
    found = diagnosed(refusing(healthy(), code, *parts))
    (one,) = found["collectors"]
    assert (one["status"], found["healthy"]) == ("unknown", False)
    assert "this is refused" in one["verdict"][0]
    result, text = page(found, tmp_path)
    assert (result["summary"]["healthy"], result["summary"]["unseen"]) == (0, 1)
    assert "this is refused" in text


@REFUSALS
@pytest.mark.parametrize("part", ["/pods", "/networkpolicies", "/certificates"])
def test_a_collector_that_is_gone_is_missing_whatever_else_is_refused(part: str, code: int) -> None:
    """The account lists all kinds that a collector may be: a right to read pods would not bring it back."""
    gone = diagnosed_by_name(refusing(healthy(), code, part), "gone")
    assert (gone["status"], gone["seen"]) == ("error", True)
    assert [problem["id"] for problem in gone["problems"]] == ["absent"]


@REFUSALS
@pytest.mark.parametrize("part", ["/deployments", "/statefulsets", "/opentelemetrycollectors"])
def test_a_collector_that_may_be_of_a_kind_that_is_refused_is_not_missing(part: str, code: int) -> None:
    unseen = diagnosed_by_name(refusing(healthy(), code, part, f"{part}/gone"), "gone")
    assert (unseen["status"], unseen["seen"]) == ("unknown", False)


@REFUSALS
def test_pods_that_cannot_be_listed_run_if_the_workload_says_so(code: int) -> None:
    (one,) = diagnosed(refusing(healthy(), code, "/pods"))["collectors"]
    assert one["status"] == "unknown"
    assert one["verdict"][0].startswith("runs, but whether data flows cannot be seen: this is refused")


def test_a_collector_that_left_the_inventory_is_listed(tmp_path: Path) -> None:
    made = healthy()
    labels = {names.RELEASE_LABEL: "ns.old", names.OWNER_LABEL: names.OWNER}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}
    made.apply(names.OWNER, {**body, "metadata": metadata("old") | {"labels": labels}})
    made.add({**body, "metadata": metadata("copy") | {"labels": {**labels, names.RELEASE_LABEL: "ns.copy"}}})
    made.apply("helm", {**body, "metadata": metadata("foreign")})
    cluster = made.cluster()
    reader = ClusterReader(cluster, cluster)
    wanted = [{"namespace": "ns", "name": "w"}]
    (found,) = find_unlisted_collectors(reader, wanted)
    assert found["command"].startswith("kubectl -n ns delete clusterrolebindings,")
    assert found["command"].endswith(
        ",services -l o11y.opentelemetry/release=ns.old,app.kubernetes.io/managed-by=o11y.opentelemetry"
    )
    assert (found["kind"], found["namespace"], found["name"]) == ("Deployment", "ns", "old")
    assert find_unlisted_collectors(reader, [*wanted, {"namespace": "ns", "name": "old"}]) == []
    result, text = page({**diagnosed(made), "unlisted": find_unlisted_collectors(reader, wanted)}, tmp_path)
    assert "Not in the inventory: Deployment ns/old" in text
    assert result["summary"]["collectors"] == 1
    listed_by_another_host = {**diagnosed(made), "unlisted": [{"kind": "Deployment", "namespace": "ns", "name": "w"}]}
    assert "Not in the inventory" not in page(listed_by_another_host, tmp_path)[1]
