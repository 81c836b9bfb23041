# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that operate a cluster, as a table: the control plane, certificates, scaling, DNS records. Private.

`critical_row.py` says what each field means. Prometheus fills in `{{ $labels.pod }}` when an alert fires, and Grafana
`{{pod}}` in a legend.

The pods give each series their own namespace, so Prometheus renames the label with the namespace of an object, such as
a certificate, to `exported_namespace`. Source: Prometheus documentation, "honor_labels".
"""

from __future__ import annotations

from .critical_row import ComponentAlert, ComponentPanel, CriticalComponent, share_query, slowest_query

_HOUR = "3600"  # seconds
_POD = "{{ $labels.pod }}"
_KUBERNETES = "https://kubernetes.io/docs/reference/instrumentation/metrics/"
_SCALED_OBJECT = "{{ $labels.exported_namespace }}/{{ $labels.scaledObject }}"

PLATFORM_SERVICES = (
    CriticalComponent(
        name="apiserver",
        title="API server",
        source=_KUBERNETES,
        control_plane="apiserver",
        alerts=(
            ComponentAlert(
                name="OtelApiServerErrors",
                expr=share_query("apiserver_request_total{<of>}", 'code=~"5.."') + " > 0.03",
                wait_duration="10m",
                severity="critical",
                summary="The API server answers more than 3 % of the requests with an error 5xx.",
                description="Look at etcd, at admission webhooks and at the log of the API server.",
            ),
            ComponentAlert(
                name="OtelApiServerRejects",
                expr="sum by (priority_level) (rate(apiserver_flowcontrol_rejected_requests_total{<of>}[5m])) > 0",
                wait_duration="10m",
                severity="warning",
                summary="The API server rejects requests of priority level {{ $labels.priority_level }}.",
                description="A client asks too often. `apiserver_flowcontrol_rejected_requests_total` has its flow"
                " schema.",
            ),
        ),
        panel=ComponentPanel(
            title="API server: requests",
            expr="sum by (code) (rate(apiserver_request_total{<of>}[$__rate_interval]))",
            unit="reqps",
            legend="{{code}}",
        ),
    ),
    CriticalComponent(
        name="etcd",
        title="etcd",
        source="https://etcd.io/docs/v3.5/metrics/",
        labels=("component=etcd",),
        control_plane="etcd",
        alerts=(
            ComponentAlert(
                name="OtelEtcdNoLeader",
                expr="etcd_server_has_leader{<of>} == 0",
                wait_duration="1m",
                severity="critical",
                summary=f"Member {_POD} of etcd has no leader.",
                description="It answers nothing. Most members do not run, or do not reach each other.",
            ),
            ComponentAlert(
                name="OtelEtcdFull",
                expr="etcd_mvcc_db_total_size_in_bytes{<of>} / etcd_server_quota_backend_bytes{<of>} > 0.9",
                wait_duration="10m",
                severity="critical",
                summary=f"The database of etcd uses more than 90 % of its quota in {_POD}.",
                description="A full etcd takes no writes. Compact and defragment it, or raise `--quota-backend-bytes`.",
                source="https://etcd.io/docs/v3.5/op-guide/maintenance/",
            ),
            ComponentAlert(
                name="OtelEtcdSlowDisk",
                expr=f"{slowest_query('etcd_disk_wal_fsync_duration_seconds', 'pod')} > 0.5",
                wait_duration="10m",
                severity="warning",
                summary=f"The disk of etcd takes longer than half a second for a write in {_POD}.",
                description="A slow disk makes members lose their leader. Give etcd a faster disk, or a disk of its"
                " own.",
            ),
        ),
        panel=ComponentPanel(
            title="etcd: size of the database",
            expr="etcd_mvcc_db_total_size_in_bytes{<of>}",
            unit="bytes",
            legend="{{pod}}",
        ),
    ),
    CriticalComponent(
        name="cert_manager",
        title="cert-manager",
        source="https://cert-manager.io/docs/devops-tips/prometheus-metrics/",
        labels=("app.kubernetes.io/name=cert-manager,app.kubernetes.io/component=controller",),
        port=9402,
        alerts=(
            ComponentAlert(
                name="OtelCertManagerNotReady",
                expr="max by (name, exported_namespace)"
                ' (certmanager_certificate_ready_status{<of>,condition!="True"}) == 1',
                wait_duration="10m",
                severity="critical",
                summary="Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} is not ready.",
                description="Read `kubectl describe certificate"
                " -n {{ $labels.exported_namespace }} {{ $labels.name }}`.",
            ),
            ComponentAlert(
                name="OtelCertManagerExpires",
                expr="max by (name, exported_namespace) (certmanager_certificate_renewal_timestamp_seconds{<of>} > 0)"
                f" < time() - {_HOUR}",
                wait_duration="10m",
                severity="critical",
                summary="Certificate {{ $labels.exported_namespace }}/{{ $labels.name }} is not renewed and will"
                " expire.",
                description="cert-manager should have renewed it more than an hour ago."
                " Read `kubectl describe certificate -n {{ $labels.exported_namespace }} {{ $labels.name }}`.",
            ),
        ),
        panel=ComponentPanel(
            title="cert-manager: seconds until certificates expire",
            expr="min by (name, exported_namespace) (certmanager_certificate_expiration_timestamp_seconds{<of>} > 0)"
            " - time()",
            unit="s",
            legend="{{exported_namespace}}/{{name}}",
        ),
    ),
    CriticalComponent(
        name="keda",
        title="KEDA",
        source="https://keda.sh/docs/latest/integrations/prometheus/",
        labels=("app=keda-operator",),
        port=8080,
        alerts=(
            ComponentAlert(
                name="OtelKedaScalerErrors",
                expr="sum by (exported_namespace, scaledObject, scaler)"
                " (rate(keda_scaler_detail_errors_total{<of>}[5m])) > 0",
                wait_duration="10m",
                severity="warning",
                summary=f"KEDA cannot read scaler {{{{ $labels.scaler }}}} of {_SCALED_OBJECT}.",
                description="The workload keeps its replicas, or gets those of `fallback`. The log of KEDA has the"
                " reason.",
            ),
            ComponentAlert(
                name="OtelKedaObjectErrors",
                expr="sum by (exported_namespace, scaledObject) (rate(keda_scaled_object_errors_total{<of>}[5m])) > 0",
                wait_duration="10m",
                severity="warning",
                summary=f"KEDA cannot scale by {_SCALED_OBJECT}.",
                description="Read the conditions of the ScaledObject, and the log of KEDA.",
            ),
        ),
        panel=ComponentPanel(
            title="KEDA: seconds that scalers take",
            expr="max by (exported_namespace, scaledObject, scaler) (keda_scaler_metrics_latency_seconds{<of>})",
            unit="s",
            legend="{{exported_namespace}}/{{scaledObject}} {{scaler}}",
        ),
    ),
    CriticalComponent(
        name="external_dns",
        title="external-dns",
        source="https://kubernetes-sigs.github.io/external-dns/latest/docs/monitoring/metrics/",
        labels=("app.kubernetes.io/name=external-dns", "app=external-dns"),
        port=7979,
        alerts=(
            ComponentAlert(
                name="OtelExternalDnsBehind",
                expr="time() - external_dns_controller_last_sync_timestamp_seconds{<of>} > 900",
                wait_duration="5m",
                severity="critical",
                summary=f"external-dns has not synchronized records for 15 minutes in pod {_POD}.",
                description="Read its log: the provider does not answer, or refuses the credentials.",
            ),
            ComponentAlert(
                name="OtelExternalDnsErrors",
                expr="sum(rate(external_dns_registry_errors_total{<of>}[5m])) > 0"
                " or sum(rate(external_dns_source_errors_total{<of>}[5m])) > 0",
                wait_duration="10m",
                severity="warning",
                summary="external-dns has errors of its registry or its sources.",
                description="Some records are old. Read its log.",
            ),
        ),
        panel=ComponentPanel(
            title="external-dns: records at the provider",
            expr="sum by (pod) (external_dns_registry_endpoints_total{<of>})",
            unit="short",
            legend="{{pod}}",
        ),
    ),
    CriticalComponent(
        name="karpenter",
        title="Karpenter",
        source="https://karpenter.sh/docs/reference/metrics/",
        labels=("app.kubernetes.io/name=karpenter",),
        port=8080,
        alerts=(
            ComponentAlert(
                name="OtelKarpenterCloudErrors",
                expr="sum by (method, error)"
                ' (rate(karpenter_cloudprovider_errors_total{<of>,error!="NodeClaimNotFoundError"}[5m])) > 0',
                wait_duration="15m",
                severity="warning",
                summary="Karpenter gets errors of the cloud: {{ $labels.error }} of {{ $labels.method }}.",
                description="It lacks a permission, or the cloud has no capacity of this kind. Read its log.",
            ),
            ComponentAlert(
                name="OtelKarpenterNotSynced",
                expr="karpenter_cluster_state_synced{<of>} == 0",
                wait_duration="15m",
                severity="critical",
                summary=f"Karpenter does not know the nodes of the cluster in pod {_POD}.",
                description="It makes no decisions until it does. Read its log.",
            ),
            ComponentAlert(
                name="OtelKarpenterPoolFull",
                expr="max by (nodepool, resource_type)"
                " (karpenter_nodepools_usage{<of>} / karpenter_nodepools_limit{<of>}) > 0.95",
                wait_duration="15m",
                severity="warning",
                summary="NodePool {{ $labels.nodepool }} uses almost all {{ $labels.resource_type }} of its limit.",
                description="Karpenter adds no more nodes to it. Raise `limits` of the NodePool.",
            ),
        ),
        panel=ComponentPanel(
            title="Karpenter: nodes", expr="max(karpenter_cluster_state_node_count{<of>})", unit="short", legend="nodes"
        ),
    ),
    CriticalComponent(
        name="metrics_server",
        title="metrics-server",
        source="https://github.com/kubernetes-sigs/metrics-server/blob/master/pkg/scraper/scraper.go",
        labels=("k8s-app=metrics-server", "app.kubernetes.io/name=metrics-server"),
        port=10250,
        scheme="https",
        alerts=(
            ComponentAlert(
                name="OtelMetricsServerErrors",
                expr='sum(rate(metrics_server_kubelet_request_total{<of>,success="false"}[5m])) > 0',
                wait_duration="10m",
                severity="warning",
                summary="metrics-server cannot read some kubelets.",
                description="Pods of these nodes are not scaled. Its log names the nodes: mostly the certificate of"
                " the kubelet.",
            ),
            ComponentAlert(
                name="OtelMetricsServerBehind",
                # A node that was removed keeps its time as long as metrics-server runs.
                expr="300 < max by (exported_node) (time() - metrics_server_kubelet_last_request_time_seconds{<of>})"
                f" < {_HOUR}",
                wait_duration="5m",
                severity="warning",
                summary="metrics-server has not asked node {{ $labels.exported_node }} for five minutes.",
                description="It is overloaded, or the node is gone. Look at its CPU and its log.",
            ),
        ),
        panel=ComponentPanel(
            title="metrics-server: stored points",
            expr="sum by (type) (metrics_server_storage_points{<of>})",
            unit="short",
            legend="{{type}}",
        ),
    ),
)
