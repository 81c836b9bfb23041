# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts of critical components with their own times: promtool plays the series that the components serve.

test_critical_pages.py sees that the components document these series, and what Prometheus makes of their names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.critical_table import (
    COMPONENTS,
    CRITICAL_ALERTS,
    component_feature,
    component_matcher,
)

from .test_monitoring import programs  # noqa: F401 - a fixture
from .test_monitoring_rules import NAME, POD, Play, rules, verdict

EVERY_ALERT = {alert.name for alert in CRITICAL_ALERTS}
HOUR, WEEK = 120, 604800  # half minutes, seconds


def of(component: str, metric: str, *labels: str) -> str:
    """Return a series of a component in a pod."""
    place = f'{component_matcher(component)},pod="{component}-0",node="a",instance="{component}"'
    return f"{metric}{{{','.join((place, *labels))}}}"


def slow(component: str, histogram: str, bound: str) -> dict[str, str]:
    """Return a histogram whose new observations are above a bound from minute 20 on."""
    names = {bucket: of(component, f"{histogram}_bucket", f'le="{bucket}"') for bucket in (bound, "1000", "+Inf")}
    return {names[bound]: "0+10x40 400x200", names["1000"]: "0+10x240", names["+Inf"]: "0+10x240"}


def failing(component: str, metric: str, bad: str, good: str = "") -> dict[str, str]:
    """Return a counter of failures that grows from minute 20 on, beside one of successes if there is one."""
    grows = {of(component, metric, *filter(None, [bad])): "0x40 0+10x200"}
    return grows | ({of(component, metric, good): "0+100x240"} if good else {})


DNS_CODES = ('rcode="SERVFAIL"', 'rcode="NOERROR"')
READY = 'name="web",exported_namespace="shop"'
# By component: the series that change in minute 20, a minute without the alert, one with it, and its name.
CHANGES = (
    ("coredns", failing("coredns", "coredns_dns_responses_total", *DNS_CODES), 28, 36, "OtelCoreDnsErrors"),
    ("coredns", slow("coredns", "coredns_dns_request_duration_seconds", "1"), 28, 36, "OtelCoreDnsSlow"),
    ("coredns", {of("coredns", "coredns_panics_total"): "0x40 1x200"}, 19, 22, "OtelCoreDnsPanics"),
    (
        "kube_proxy",
        {
            of("kube_proxy", "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"): "1000+30x240",
            of("kube_proxy", "kubeproxy_sync_proxy_rules_last_timestamp_seconds"): "1000+30x40 2200x200",
        },
        29,
        34,
        "OtelKubeProxyBehind",
    ),
    (
        "kube_proxy",
        failing("kube_proxy", "kubeproxy_sync_proxy_rules_iptables_restore_failures_total", ""),
        28,
        33,
        "OtelKubeProxyRulesFailed",
    ),
    ("cilium", {of("cilium", "cilium_unreachable_nodes"): "0x40 1x200"}, 28, 32, "OtelCiliumNodesUnreachable"),
    (
        "cilium",
        failing("cilium", "cilium_endpoint_regenerations_total", 'outcome="fail"', 'outcome="success"'),
        28,
        33,
        "OtelCiliumEndpointsFailed",
    ),
    (
        "cilium",
        {of("cilium", "cilium_bpf_map_pressure", 'map_name="ct"'): "0.1x40 0.95x200"},
        28,
        32,
        "OtelCiliumMapFull",
    ),
    ("calico", failing("calico", "felix_int_dataplane_failures_total", ""), 28, 33, "OtelCalicoDataplaneFailed"),
    ("calico", failing("calico", "felix_iptables_restore_errors", ""), 28, 33, "OtelCalicoRulesFailed"),
    (
        "ingress_nginx",
        {of("ingress_nginx", "nginx_ingress_controller_config_last_reload_successful"): "1x40 0x200"},
        24,
        27,
        "OtelIngressNginxReloadFailed",
    ),
    (
        "ingress_nginx",
        failing("ingress_nginx", "nginx_ingress_controller_requests_total", 'status="502"', 'status="200"'),
        28,
        36,
        "OtelIngressNginxErrors",
    ),
    (
        "traefik",
        failing("traefik", "traefik_entrypoint_requests_total", 'code="502"', 'code="200"'),
        28,
        36,
        "OtelTraefikErrors",
    ),
    (
        "traefik",
        {of("traefik", "traefik_tls_certs_not_after", 'cn="a.example"'): f"{2 * WEEK}x40 {WEEK - 100}x200"},
        78,
        83,
        "OtelTraefikCertificateExpires",
    ),
    (
        "envoy_gateway",
        failing("envoy_gateway", "watchable_subscribe_total", 'status="failure"', 'status="success"'),
        28,
        33,
        "OtelEnvoyGatewayFailed",
    ),
    (
        "envoy_gateway",
        {of("envoy_gateway", "watchable_panics_recovered_total"): "0x40 1x200"},
        19,
        22,
        "OtelEnvoyGatewayPanics",
    ),
    ("istio", failing("istio", "pilot_xds_rejects_total", 'type="cds"'), 24, 28, "OtelIstioRejected"),
    (
        "istio",
        {of("istio", "citadel_server_root_cert_expiry_seconds"): f"{2 * WEEK}x40 1000x200"},
        78,
        82,
        "OtelIstioRootExpires",
    ),
    ("istio", slow("istio", "pilot_proxy_convergence_time", "30"), 28, 36, "OtelIstioSlow"),
    (
        "apiserver",
        failing("apiserver", "apiserver_request_total", 'code="503"', 'code="200"'),
        28,
        36,
        "OtelApiServerErrors",
    ),
    (
        "apiserver",
        failing("apiserver", "apiserver_flowcontrol_rejected_requests_total", 'priority_level="workload-low"'),
        28,
        33,
        "OtelApiServerRejects",
    ),
    ("etcd", {of("etcd", "etcd_server_has_leader"): "1x40 0x200"}, 20, 23, "OtelEtcdNoLeader"),
    (
        "etcd",
        {
            of("etcd", "etcd_mvcc_db_total_size_in_bytes"): "100x40 950x200",
            of("etcd", "etcd_server_quota_backend_bytes"): "1000x240",
        },
        28,
        32,
        "OtelEtcdFull",
    ),
    ("etcd", slow("etcd", "etcd_disk_wal_fsync_duration_seconds", "0.5"), 28, 36, "OtelEtcdSlowDisk"),
    (
        "cert_manager",
        {of("cert_manager", "certmanager_certificate_ready_status", READY, 'condition="False"'): "0x40 1x200"},
        28,
        32,
        "OtelCertManagerNotReady",
    ),
    (
        "cert_manager",
        {
            of("cert_manager", "certmanager_certificate_renewal_timestamp_seconds", READY): "1x240"  # due at the start
        },
        68,
        73,
        "OtelCertManagerExpires",
    ),
    ("keda", failing("keda", "keda_scaler_detail_errors_total", 'scaler="s"'), 28, 33, "OtelKedaScalerErrors"),
    ("keda", failing("keda", "keda_scaled_object_errors_total", 'scaledObject="web"'), 28, 33, "OtelKedaObjectErrors"),
    (
        "external_dns",
        {of("external_dns", "external_dns_controller_last_sync_timestamp_seconds"): "0+30x40 1200x200"},
        38,
        42,
        "OtelExternalDnsBehind",
    ),
    (
        "external_dns",
        failing("external_dns", "external_dns_registry_errors_total", ""),
        28,
        33,
        "OtelExternalDnsErrors",
    ),
    ("external_dns", failing("external_dns", "external_dns_source_errors_total", ""), 28, 33, "OtelExternalDnsErrors"),
    (
        "karpenter",
        failing("karpenter", "karpenter_cloudprovider_errors_total", 'error="InsufficientCapacityError"'),
        33,
        38,
        "OtelKarpenterCloudErrors",
    ),
    ("karpenter", {of("karpenter", "karpenter_cluster_state_synced"): "1x40 0x200"}, 33, 37, "OtelKarpenterNotSynced"),
    (
        "karpenter",
        {
            of("karpenter", "karpenter_nodepools_usage", 'resource_type="cpu"'): "10x40 98x200",
            of("karpenter", "karpenter_nodepools_limit", 'resource_type="cpu"'): "100x240",
        },
        33,
        37,
        "OtelKarpenterPoolFull",
    ),
    (
        "metrics_server",
        failing("metrics_server", "metrics_server_kubelet_request_total", 'success="false"', 'success="true"'),
        28,
        33,
        "OtelMetricsServerErrors",
    ),
    (
        "metrics_server",
        {
            of(
                "metrics_server", "metrics_server_kubelet_last_request_time_seconds", 'exported_node="a"'
            ): "0+30x40 1200x200"
        },
        28,
        32,
        "OtelMetricsServerBehind",
    ),
    *((name, {of(name, "up"): "1x40 0x200"}, 24, 27, "OtelComponentDown") for name in COMPONENTS),
    *((name, {of(name, "up"): "0x240"}, 14, 16, "OtelComponentUnreached") for name in COMPONENTS),
    *((name, {of(name, "up"): "1x40 stale"}, 28, 32, "OtelComponentAbsent") for name in COMPONENTS),
)
COLLECTOR_UP = {f"up{{{POD}}}": "1x240", f"otelcol_process_uptime{{{POD}}}": "1000+30x240"}


def of_components(folder: Path, *names: str) -> Path:
    """Return the rules of a collector that scrapes these components."""
    recipes = [{"critical_components": {"components": list(names)}}, {"otlp_forward": {"endpoint": "a:4317"}}]
    return rules(folder, {"mode": "deployment", "certificates": [], "recipes": recipes})


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_fault_of_a_component_raises_its_alert_alone(programs: Path, tmp_path: Path, component: str) -> None:  # noqa: F811
    plays = []
    for name, change, before, then, alert in CHANGES:
        if name == component:
            series = {of(name, "up"): "1x240", **COLLECTOR_UP, **change}
            plays.append(Play(alert, series, {before: "", then: alert}))
    own = {alert.name for alert in CRITICAL_ALERTS if component_feature(component) in alert.needed_features}
    assert {play.name for play in plays} == own
    assert verdict(programs, of_components(tmp_path, component), plays) == ""


def test_a_component_is_not_absent_while_the_collector_is(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    gone = {name: values.replace("x240", "x40 stale") for name, values in COLLECTOR_UP.items()}
    play = Play("gone", {**gone, of("coredns", "up"): "1x40 stale"}, {35: "Absent", 60: "Absent"})
    assert verdict(programs, of_components(tmp_path, "coredns"), [play]) == ""


def test_a_collector_of_the_same_name_in_another_namespace_hides_no_component(programs: Path, tmp_path: Path) -> None:  # noqa: F811
    neighbor_down = f'ALERTS{{alertname="OtelCollectorDown",collector="{NAME}",namespace="neighbor"}}'
    series = {**COLLECTOR_UP, neighbor_down: "1x240", of("coredns", "up"): "1x40 stale"}
    play = Play("neighbor down", series, {28: "", 32: "OtelComponentAbsent"})
    assert verdict(programs, of_components(tmp_path, "coredns"), [play]) == ""


def test_a_collector_has_the_alerts_of_what_it_scrapes_alone(tmp_path: Path) -> None:
    def alerts(file: Path) -> set[str]:
        found: list[dict[str, Any]] = json.loads(file.read_text())["groups"][0]["rules"]
        return {rule["alert"] for rule in found} & EVERY_ALERT

    own = {alert.name for alert in COMPONENTS["keda"].alerts}
    assert alerts(of_components(tmp_path, "keda")) == {
        "OtelComponentDown",
        "OtelComponentUnreached",
        "OtelComponentAbsent",
        *own,
    }
    assert alerts(rules(tmp_path)) == set()
