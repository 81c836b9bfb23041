# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of the network of a cluster, as a table: DNS, Services, CNI plugins, ingress controllers. Private.

`critical_row.py` says what each field means. Prometheus fills in `{{ $labels.pod }}` when an alert fires, and Grafana
`{{pod}}` in a legend.
"""

from __future__ import annotations

from .critical_row import (
    ComponentAlert,
    ComponentPanel,
    CriticalComponent,
    counter_selector,
    share_query,
    slowest_query,
)

_WEEK = "604800"  # seconds
_POD = "{{ $labels.pod }}"
_NGINX_REQUESTS = counter_selector("nginx_ingress_controller_requests")

NETWORK = (
    CriticalComponent(
        name="coredns",
        title="CoreDNS",
        source="https://coredns.io/plugins/metrics/",
        labels=("k8s-app=kube-dns", "dns.operator.openshift.io/daemonset-dns=default"),
        control_plane="coredns",
        alerts=(
            ComponentAlert(
                name="OtelCoreDnsErrors",
                expr=share_query("coredns_dns_responses_total{<of>}", 'rcode="SERVFAIL"') + " > 0.05",
                wait_duration="10m",
                severity="critical",
                summary="CoreDNS answers more than 5 % of the queries with SERVFAIL.",
                description="The servers that it forwards to fail, or it cannot read the API server. Read its log.",
            ),
            ComponentAlert(
                name="OtelCoreDnsSlow",
                expr=f"{slowest_query('coredns_dns_request_duration_seconds')} > 1",
                wait_duration="10m",
                severity="warning",
                summary="CoreDNS takes longer than a second for one of 100 queries.",
                description="Look at its CPU, its replicas, and the servers that it forwards to.",
            ),
            ComponentAlert(
                name="OtelCoreDnsPanics",
                expr="sum by (pod) (increase(coredns_panics_total{<of>}[10m])) > 0",
                wait_duration="0m",
                severity="warning",
                summary=f"A plugin of CoreDNS has panicked in pod {_POD}.",
                description="The query had no answer. Read the log of the pod, and report it to the project.",
            ),
        ),
        panel=ComponentPanel(
            title="CoreDNS: answers",
            expr="sum by (rcode) (rate(coredns_dns_responses_total{<of>}[$__rate_interval]))",
            unit="cps",
            legend="{{rcode}}",
        ),
    ),
    CriticalComponent(
        name="kube_proxy",
        title="kube-proxy",
        source="https://kubernetes.io/docs/reference/instrumentation/metrics/",
        labels=("k8s-app=kube-proxy",),
        control_plane="kube-proxy",
        alerts=(
            ComponentAlert(
                name="OtelKubeProxyBehind",
                expr="kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{<of>}"
                " - kubeproxy_sync_proxy_rules_last_timestamp_seconds{<of>} > 60",
                wait_duration="10m",
                severity="critical",
                summary="kube-proxy on node {{ $labels.node }} does not write the rules of Services.",
                description="Connections to Services reach pods that are gone. Read the log of pod {{ $labels.pod }}.",
            ),
            ComponentAlert(
                name="OtelKubeProxyRulesFailed",
                expr="sum by (node) (increase(kubeproxy_sync_proxy_rules_iptables_restore_failures_total{<of>}[10m]))"
                " > 0",
                wait_duration="10m",
                severity="warning",
                summary="iptables refuses rules of kube-proxy on node {{ $labels.node }}.",
                description="Another program holds the lock of iptables, or the kernel lacks a module. Read the log"
                " of kube-proxy.",
            ),
        ),
        panel=ComponentPanel(
            title="kube-proxy: seconds until a change of a Service works",
            expr=slowest_query("kubeproxy_network_programming_duration_seconds", "node"),
            unit="s",
            legend="{{node}}",
        ),
    ),
    CriticalComponent(
        name="cilium",
        title="Cilium",
        source="https://docs.cilium.io/en/stable/observability/metrics/",
        labels=("k8s-app=cilium",),
        port=9962,
        alerts=(
            ComponentAlert(
                name="OtelCiliumNodesUnreachable",
                expr="cilium_unreachable_nodes{<of>} > 0",
                wait_duration="10m",
                severity="critical",
                summary="Cilium on node {{ $labels.node }} cannot reach {{ $value }} nodes.",
                description="See which with `cilium-health status` in pod {{ $labels.pod }}.",
            ),
            ComponentAlert(
                name="OtelCiliumEndpointsFailed",
                expr='sum by (node) (rate(cilium_endpoint_regenerations_total{<of>,outcome!="success"}[5m])) > 0',
                wait_duration="10m",
                severity="warning",
                summary="Cilium cannot apply policies to endpoints of node {{ $labels.node }}.",
                description="New pods or policies have no effect there. Read the log of the agent.",
            ),
            ComponentAlert(
                name="OtelCiliumMapFull",
                expr="max by (node, map_name) (cilium_bpf_map_pressure{<of>}) > 0.9",
                wait_duration="10m",
                severity="warning",
                summary="Map {{ $labels.map_name }} of Cilium is almost full on node {{ $labels.node }}.",
                description="A full map drops connections or policies. Raise the sizes of maps in Cilium's settings.",
            ),
        ),
        panel=ComponentPanel(
            title="Cilium: dropped packets",
            expr="sum by (reason) (rate(cilium_drop_count_total{<of>}[$__rate_interval]))",
            unit="pps",
            legend="{{reason}}",
        ),
    ),
    CriticalComponent(
        name="calico",
        title="Calico",
        source="https://docs.tigera.io/calico/latest/reference/felix/prometheus",
        labels=("k8s-app=calico-node",),
        port=9091,
        alerts=(
            ComponentAlert(
                name="OtelCalicoDataplaneFailed",
                expr=f"sum by (node) (increase({counter_selector('felix_int_dataplane_failures')}[10m])) > 0",
                wait_duration="10m",
                severity="critical",
                summary="Calico fails to write the network of node {{ $labels.node }}.",
                description="It tries again. Routes and policies are old meanwhile. Read the log of calico-node.",
            ),
            ComponentAlert(
                name="OtelCalicoRulesFailed",
                expr=f"sum by (node) (increase({counter_selector('felix_iptables_restore_errors')}[10m])) > 0",
                wait_duration="10m",
                severity="warning",
                summary="iptables refuses rules of Calico on node {{ $labels.node }}.",
                description="Another program holds the lock of iptables, or the kernel lacks a module. Read the log"
                " of the pod.",
            ),
        ),
        panel=ComponentPanel(
            title="Calico: endpoints of nodes",
            expr="sum by (node) (felix_active_local_endpoints{<of>})",
            unit="short",
            legend="{{node}}",
        ),
    ),
    CriticalComponent(
        name="ingress_nginx",
        title="ingress-nginx",
        source="https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/",
        labels=("app.kubernetes.io/name=ingress-nginx,app.kubernetes.io/component=controller",),
        port=10254,
        alerts=(
            ComponentAlert(
                name="OtelIngressNginxReloadFailed",
                expr="nginx_ingress_controller_config_last_reload_successful{<of>} == 0",
                wait_duration="5m",
                severity="critical",
                summary=f"ingress-nginx cannot load its config in pod {_POD}.",
                description="It runs the config before. New Ingresses and certificates have no effect. The log names"
                " the Ingress.",
            ),
            ComponentAlert(
                name="OtelIngressNginxErrors",
                expr=share_query(_NGINX_REQUESTS, 'status=~"5.."') + " > 0.05",
                wait_duration="10m",
                severity="warning",
                summary="ingress-nginx answers more than 5 % of the requests with an error 5xx.",
                description="See which Ingress it is: sum the requests by the label `ingress`.",
            ),
        ),
        panel=ComponentPanel(
            title="ingress-nginx: requests",
            expr=f"sum by (status) (rate({_NGINX_REQUESTS}[$__rate_interval]))",
            unit="reqps",
            legend="{{status}}",
        ),
    ),
    CriticalComponent(
        name="traefik",
        title="Traefik",
        source="https://doc.traefik.io/traefik/observability/metrics/overview/",
        labels=("app.kubernetes.io/name=traefik",),
        port=9100,
        alerts=(
            ComponentAlert(
                name="OtelTraefikErrors",
                expr=share_query("traefik_entrypoint_requests_total{<of>}", 'code=~"5.."') + " > 0.05",
                wait_duration="10m",
                severity="warning",
                summary="Traefik answers more than 5 % of the requests with an error 5xx.",
                description="See which service it is: sum `traefik_service_requests_total` by the label `service`.",
            ),
            ComponentAlert(
                name="OtelTraefikCertificateExpires",
                expr=f"min by (cn) (traefik_tls_certs_not_after{{<of>}}) - time() < {_WEEK}",
                wait_duration="1h",
                severity="critical",
                summary="Certificate {{ $labels.cn }} of Traefik expires within a week.",
                description="It should have been renewed. Look at the resolver or the Secret that it comes from.",
            ),
        ),
        panel=ComponentPanel(
            title="Traefik: requests",
            expr="sum by (code) (rate(traefik_entrypoint_requests_total{<of>}[$__rate_interval]))",
            unit="reqps",
            legend="{{code}}",
        ),
    ),
    CriticalComponent(
        name="envoy_gateway",
        title="Envoy Gateway",
        source="https://gateway.envoyproxy.io/docs/tasks/observability/gateway-exported-metrics/",
        labels=("control-plane=envoy-gateway",),
        port=19001,
        alerts=(
            ComponentAlert(
                name="OtelEnvoyGatewayFailed",
                expr='sum by (runner) (rate(watchable_subscribe_total{<of>,status="failure"}[5m])) > 0',
                wait_duration="10m",
                severity="critical",
                summary="Envoy Gateway fails to translate resources ({{ $labels.runner }}).",
                description="Proxies keep their old config. Read its log, and the conditions of Gateways and routes.",
            ),
            ComponentAlert(
                name="OtelEnvoyGatewayPanics",
                expr="sum by (runner) (increase(watchable_panics_recovered_total{<of>}[10m])) > 0",
                wait_duration="0m",
                severity="warning",
                summary="Envoy Gateway has panicked and gone on ({{ $labels.runner }}).",
                description="A resource may have no effect. Read its log, and report it to the project.",
            ),
        ),
        panel=ComponentPanel(
            title="Envoy Gateway: updates of proxies",
            expr="sum by (nodeID) (rate(xds_snapshot_update_total{<of>}[$__rate_interval]))",
            unit="ops",
            legend="{{nodeID}}",
        ),
    ),
    CriticalComponent(
        name="istio",
        title="Istio",
        source="https://istio.io/latest/docs/reference/commands/pilot-discovery/#metrics",
        labels=("app=istiod",),
        port=15014,
        alerts=(
            ComponentAlert(
                name="OtelIstioRejected",
                expr=f"sum(increase({counter_selector('pilot_total_xds_rejects')}[10m])) > 0",
                wait_duration="5m",
                severity="critical",
                summary="Proxies of Istio reject the config that istiod sends.",
                description="They keep their old config. `istioctl proxy-status` and the log of istiod name them.",
            ),
            ComponentAlert(
                name="OtelIstioRootExpires",
                expr=f"min(citadel_server_root_cert_expiry_seconds{{<of>}}) < {_WEEK}",
                wait_duration="1h",
                severity="critical",
                summary="The root certificate of Istio expires within a week.",
                description="No proxy trusts another one after that. Renew it, see Istio's page on plugging in CA"
                " certificates.",
            ),
            ComponentAlert(
                name="OtelIstioSlow",
                expr=f"{slowest_query('pilot_proxy_convergence_time')} > 30",
                wait_duration="10m",
                severity="warning",
                summary="Proxies of Istio get their config later than after 30 seconds.",
                description="Look at the CPU and the replicas of istiod, and limit what proxies see with Sidecar"
                " resources.",
            ),
        ),
        panel=ComponentPanel(
            title="Istio: connected proxies", expr="sum by (pod) (pilot_xds{<of>})", unit="short", legend="{{pod}}"
        ),
    ),
)
