# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What watches a collector: the objects of both backends. tests/integration/test_monitoring.py tries their contents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.monitoring import (
    render_dashboard_config_map,
    render_pod_monitor,
    render_prometheus_rule,
    render_rules_config_map,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring import alerts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import CONFIG, LABELS, PODS, build, cases, manifest, running, served

OTLP = {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}}
WATCHED = served(running(receivers=OTLP, processors={"memory_limiter": {}}, exporters={"otlp_grpc": {}}))
PART = {"o11y.opentelemetry/part": "dashboard"}
BUILDERS = (render_pod_monitor, render_prometheus_rule, render_rules_config_map, render_dashboard_config_map)
ALL = {"scrape": "pod_monitor", "alerts": "config_map", "dashboard": True}


def rules(config: Any = WATCHED, **options: Any) -> list[dict[str, Any]]:
    monitoring = {"alerts": "prometheus_rule", "memory_percent": 90, **options.pop("monitoring", {})}
    made: Any = render_prometheus_rule(build(config, monitoring=monitoring, **options))
    found: list[dict[str, Any]] = made["spec"]["groups"][0]["rules"]
    return found


def names(found: list[dict[str, Any]]) -> set[str]:
    return {rule["alert"].removeprefix("OtelCollector") for rule in found}


def panels(config: Any, **options: Any) -> list[dict[str, Any]]:
    made: Any = render_dashboard_config_map(build(config, monitoring={"dashboard": True}, **options))
    (text,) = made["data"].values()
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def test_nothing_watches_a_collector_that_does_not_ask_for_it() -> None:
    for options in ({}, {"scrape": "none", "alerts": "none", "dashboard": False}):
        assert [builder(build(CONFIG, monitoring=options)) for builder in BUILDERS] == [None] * len(BUILDERS)


def test_a_pod_monitor_finds_the_pods_and_gives_the_series_the_labels_of_the_alerts() -> None:
    options = {"scrape": "pod_monitor", "interval": "30s", "labels": {"release": "p", "component": "not ours"}}
    node = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}
    stamp = {
        "sourceLabels": ["__meta_kubernetes_pod_annotation_checksum_config"],
        **{"regex": "(.{10}).*", "targetLabel": "config_hash"},
    }
    endpoint = {"port": "metrics", "interval": "30s", "relabelings": [node, stamp]}
    spec = {
        "selector": {"matchLabels": PODS},
        "podTargetLabels": ["o11y.opentelemetry/collector"],
        "podMetricsEndpoints": [endpoint],
    }
    metadata = {"name": "gateway", "namespace": "telemetry", "labels": {**LABELS, "release": "p"}}
    options["labels"].pop("component")  # type: ignore[attr-defined]
    assert render_pod_monitor(build(WATCHED, monitoring=options)) == manifest(
        "monitoring.coreos.com/v1", "PodMonitor", metadata, spec=spec
    )


def test_the_labels_of_the_user_replace_none_of_ours() -> None:
    made: Any = render_pod_monitor(
        build(WATCHED, monitoring={"scrape": "pod_monitor", "labels": {"component": "other"}})
    )
    assert made["metadata"]["labels"] == LABELS


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_label_of_the_config_is_what_the_pods_have(backend: str) -> None:
    order = build(WATCHED, backend=backend, monitoring={"scrape": "pod_monitor", "alerts": "prometheus_rule"})
    objects = BACKENDS[backend].build_manifests(order)
    by_kind = {item["kind"]: item for item in objects}
    (_node, stamp) = by_kind["PodMonitor"]["spec"]["podMetricsEndpoints"][0]["relabelings"]
    if backend == "operator":
        annotations = by_kind["OpenTelemetryCollector"]["spec"]["podAnnotations"]
    else:
        annotations = by_kind["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    ((key, value),) = annotations.items()
    assert stamp["sourceLabels"] == [f"__meta_kubernetes_pod_annotation_{key.translate(str.maketrans('./-', '___'))}"]
    (outdated,) = [
        rule for rule in by_kind["PrometheusRule"]["spec"]["groups"][0]["rules"] if "Outdated" in rule["alert"]
    ]
    assert f'config_hash!="{value[:10]}"' in outdated["expr"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_annotations_are_on_the_pods_and_those_of_the_user_come_first(backend: str) -> None:
    own = {"prometheus.io/path": "/other"}
    order = build(WATCHED, backend=backend, monitoring={"scrape": "annotations"}, pod_annotations=own)
    (work,) = [
        item
        for item in BACKENDS[backend].build_manifests(order)
        if item["kind"] in ("Deployment", "OpenTelemetryCollector")
    ]
    found = work["spec"].get("podAnnotations") or work["spec"]["template"]["metadata"]["annotations"]
    wanted = {"prometheus.io/scrape": "true", "prometheus.io/port": "8888", "prometheus.io/path": "/other"}
    assert wanted.items() <= found.items()


@cases(
    "config, options, has, lacks",
    (WATCHED, {}, {"Down", "Absent", "MemoryLimited", "QueueOverflow", "Refused"}, {"NodeSilent", "Dropped"}),
    (WATCHED, {"mode": "daemonset"}, {"NodeSilent"}, {"AgentsMissing", "ConfigOutdated"}),
    (
        WATCHED,
        {"mode": "daemonset", "monitoring": {"kube_state_metrics": True}},
        {"NodeSilent", "AgentsMissing"},
        set(),
    ),
    (WATCHED, {"monitoring": {"scrape": "pod_monitor"}}, {"ConfigOutdated"}, set()),
    (WATCHED, {"monitoring": {"scrape": "annotations"}}, set(), {"ConfigOutdated"}),
    (WATCHED, {"monitoring": {"without_alerts": ["OtelCollectorDown"]}}, {"Absent"}, {"Down"}),
    (WATCHED, {"certificates": [{"name": "a.tls"}]}, {"CertificateExpires"}, set()),
    (served(CONFIG), {}, {"ExportFailed"}, {"QueueOverflow", "ExportStalled", "MemoryLimited", "CertificateExpires"}),
    (
        served(running(receivers=OTLP, exporters={"otlp_grpc": {"sending_queue": {"enabled": False}}})),
        {},
        {"ExportFailed"},
        {"QueueNearlyFull"},
    ),
    (served(running(receivers=OTLP, exporters={"logging": {}})), {}, {"ExportFailed"}, {"QueueNearlyFull"}),
    (served(running(receivers=OTLP, processors={"tail_sampling/a": {}})), {}, {"Dropped"}, set()),
)
def test_there_are_alerts_for_what_a_collector_has(
    config: Any, options: dict[str, Any], has: set[str], lacks: set[str]
) -> None:
    found = names(rules(config, **options))
    assert has <= found
    assert not lacks & found


def test_without_a_url_the_alerts_name_the_page_and_what_is_no_url_is_refused() -> None:
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{rule['alert'].lower()}"
        assert "runbook_url" not in rule["annotations"]
    with pytest.raises(Problem, match=r"'docs/monitoring\.md' is not a URL"):
        rules(monitoring={"runbook_url": "docs/monitoring.md"})


def test_each_rule_says_how_urgent_it_is_what_to_do_and_where_to_read_on() -> None:
    monitoring = {
        "runbook_url": "https://docs.example.com/m",
        "alert_labels": {"team": "a"},
        "series_labels": {"job": 'o"k'},
    }
    found = rules(mode="daemonset", monitoring=monitoring)
    for rule in found:
        assert {"team": "a", "collector": "gateway"}.items() <= rule["labels"].items()
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["runbook_url"] == f"https://docs.example.com/m#{rule['alert'].lower()}"
        assert not {"<", ">"} & set(rule["annotations"]["summary"] + rule["annotations"]["description"])
        assert 'job="o\\"k"' in rule["expr"] and "namespace=" not in rule["expr"]
    assert len({(rule["alert"], rule["labels"].get("records")) for rule in found}) == len(found)


def test_an_alert_stands_behind_the_causes_that_hide_it() -> None:
    """Of two that hide each other, the one that is told first stays; nothing else may stand before its cause."""
    order = [alert.name for alert in alerts.ALERTS]
    hidden_by = {alert.name: {name for name in alerts.ALERT_NAMES if name in alert.expr} for alert in alerts.ALERTS}
    for place, name in enumerate(order):
        later_causes = {cause for cause in hidden_by[name] if order.index(cause) >= place}
        assert later_causes == {cause for cause in later_causes if name in hidden_by[cause] and cause != name}
    mutual = {frozenset((one, two)) for one in order for two in hidden_by[one] if one in hidden_by[two]}
    assert mutual == {frozenset(("OtelCollectorExportStalled", "OtelCollectorQueueOverflow"))}


@cases(
    "options, version, says",
    ({"readers": "plain"}, "0.158.0", "otelcol_process_uptime{"),
    ({"readers": "plain"}, "0.130.0", '{__name__=~"otelcol_process_uptime(__'),
    ({"readers": "plain"}, "0.118.0", "otelcol_process_uptime{"),
    ({"readers": "plain"}, "", '{__name__=~"otelcol_process_uptime(__'),
    ({"without_type_suffix": False}, "0.158.0", '{__name__=~"otelcol_process_uptime(__'),
    ({"without_units": True, "without_type_suffix": True}, "0.130.0", "otelcol_process_uptime{"),
)
def test_names_are_exact_where_they_are_known(options: dict[str, Any], version: str, says: str) -> None:
    config = served(running(receivers=OTLP))
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    reader["pull"]["exporter"]["prometheus"] |= {key: value for key, value in options.items() if key != "readers"}
    (restarted,) = [rule for rule in rules(config, collector_version=version) if rule["alert"].endswith("Restarted")]
    assert restarted["expr"].startswith(f"resets({says}")


def test_the_limiter_has_its_earlier_name_in_earlier_versions() -> None:
    text = str(rules(collector_version="0.154.0"))
    assert "otelcol_processor_refused_spans" in text and "memory_limiter_refused" not in text
    assert "otelcol_processor_memory_limiter_refused_spans" in str(rules(collector_version="0.155.0"))


def test_a_dashboard_has_a_row_for_each_kind_of_components() -> None:
    rows = [panel["title"] for panel in panels(WATCHED) if panel["type"] == "row"]
    assert rows == ["Collector", "Receivers", "Processors", "Exporters"]
    without = served(running(receivers=OTLP))
    assert "Processors" not in [panel["title"] for panel in panels(without) if panel["type"] == "row"]
    places = [tuple(panel["gridPos"].values()) for panel in panels(WATCHED)]
    assert len(set(places)) == len(places) and [panel["id"] for panel in panels(WATCHED)] == list(
        range(1, len(places) + 1)
    )


def test_grafana_finds_the_dashboard_by_its_label() -> None:
    options = {"dashboard": True, "dashboard_labels": {"grafana_dashboard": "1"}}
    made: Any = render_dashboard_config_map(build(WATCHED, monitoring=options))
    assert made["metadata"]["name"] == "gateway-dashboard"
    assert made["metadata"]["labels"] == {**LABELS, **PART, "grafana_dashboard": "1"}
    other: Any = render_dashboard_config_map(build(WATCHED, monitoring=options, namespace="other"))
    uids = {json.loads(text)["uid"] for one in (made, other) for text in one["data"].values()}
    assert len(uids) == 2


@cases(
    "builder, options, says",
    (render_pod_monitor, {"scrape": "pod_monitor"}, "does not serve its own metrics where Prometheus could reach them"),
    (render_prometheus_rule, {"alerts": "prometheus_rule"}, "does not serve its own metrics"),
    (render_rules_config_map, {"alerts": "config_map"}, "does not serve its own metrics"),
    (render_dashboard_config_map, {"dashboard": True}, "does not serve its own metrics"),
)
def test_a_collector_without_metrics_cannot_be_watched(builder: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=f"'gateway' {says}.*as recipe baseline does"):
        builder(build(CONFIG, monitoring=options))


@cases(
    "options, says",
    ({"series_labels": {'a="x"} or up #': "b"}}, "not a valid key"),
    ({"series_labels": {"app.kubernetes.io/name": "b"}}, "not a valid name of a label in Prometheus"),
    ({"alert_labels": {"1a": "b"}}, "'1a' is not a valid name of a label in Prometheus .*letters, digits"),
    ({"memory_percent": 900}, "option 'memory_percent' of collector 'gateway' is 900 .*from 1 to 100"),
    ({"queue_percent": 0}, "'queue_percent' .* is 0"),
    ({"full_within_minutes": 5000}, "'full_within_minutes' .* is 5000 .*from 1 to 1440"),
)
def test_what_would_spoil_all_rules_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        rules(monitoring=options)


def test_no_label_of_the_user_replaces_one_by_which_alerts_know_each_other() -> None:
    own = {"collector": "x", "severity": "x", "records": "x", "team": "a"}
    for rule in rules(monitoring={"alert_labels": own}):
        labels = rule["labels"]
        assert (labels["collector"], labels["team"]) == ("gateway", "a")
        assert labels["severity"] != "x"
        assert labels["records"] == "x" or labels["records"] in str(rule["expr"])


def test_an_alert_that_does_not_exist_cannot_be_left_out() -> None:
    with pytest.raises(Problem, match=r"alert 'OtelCollectorDwn' .*did you mean 'OtelCollectorDown'"):
        rules(monitoring={"without_alerts": ["OtelCollectorDwn"]})


def test_gpus_have_a_dashboard_of_their_own_with_cost_where_there_is_a_price() -> None:
    found = {}
    for gpus in ({"vendor": "amd"}, {"vendor": "amd", "price_per_hour": 2, "currency": "EUR"}):
        made: Any = render_dashboard_config_map(build(WATCHED, monitoring={"dashboard": True, "gpus": gpus}))
        (name,) = [name for name in made["data"] if name.endswith(".gpus.json")]
        found[len(gpus)] = [panel["title"] for panel in json.loads(made["data"][name])["panels"]]
        assert "gpu_gfx_activity / 100" in made["data"][name]
        assert "<gpu_" not in made["data"][name]
    assert "Cost per hour (EUR)" in found[3]
    assert not any("Cost" in title for title in found[1])
    without: Any = render_dashboard_config_map(build(WATCHED, monitoring={"dashboard": True}))
    assert not any(name.endswith(".gpus.json") for name in without["data"])
