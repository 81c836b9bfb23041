# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that operate a cluster, as a table: the control plane, certificates, scaling, DNS records. Private."""

from __future__ import annotations

from .critical_row import Component, ComponentAlert, ComponentPanel, share_query, slowest_query

_RATE = "$__rate_interval"
_HOUR = "3600"  # seconds
_POD = "{{ $labels.pod }}"
_KUBERNETES = "https://kubernetes.io/docs/reference/instrumentation/metrics/"
# The pods give each series their own namespace, so Prometheus renames the label of the object.
# Source: Prometheus documentation, "honor_labels".
_OBJECT = "exported_namespace"
_SCALED_OBJECT = f"{{{{ $labels.{_OBJECT} }}}}/{{{{ $labels.scaledObject }}}}"

PLATFORM_SERVICES = (
    Component(
        name="apiserver",
        title="API server",
        source=_KUBERNETES,
        control_plane="apiserver",
        alerts=(
            ComponentAlert(
                "OtelApiServerErrors",
                share_query("apiserver_request_total{<of>}", 'code=~"5.."') + " > 0.03",
                "10m",
                "critical",
                "The API server answers more than 3 % of the requests with an error 5xx.",
                "Look at etcd, at admission webhooks and at the log of the API server.",
            ),
            ComponentAlert(
                "OtelApiServerRejects",
                "sum by (priority_level) (rate(apiserver_flowcontrol_rejected_requests_total{<of>}[5m])) > 0",
                "10m",
                "warning",
                "The API server rejects requests of priority level {{ $labels.priority_level }}.",
                "A client asks too often. `apiserver_flowcontrol_rejected_requests_total` has its flow schema.",
            ),
        ),
        panel=ComponentPanel(
            "API server: requests",
            f"sum by (code) (rate(apiserver_request_total{{<of>}}[{_RATE}]))",
            "reqps",
            "{{code}}",
        ),
    ),
    Component(
        name="etcd",
        title="etcd",
        source="https://etcd.io/docs/v3.5/metrics/",
        labels=("component=etcd",),
        control_plane="etcd",
        alerts=(
            ComponentAlert(
                "OtelEtcdNoLeader",
                "etcd_server_has_leader{<of>} == 0",
                "1m",
                "critical",
                f"Member {_POD} of etcd has no leader.",
                "It answers nothing. Most members do not run, or do not reach each other.",
            ),
            ComponentAlert(
                "OtelEtcdFull",
                "etcd_mvcc_db_total_size_in_bytes{<of>} / etcd_server_quota_backend_bytes{<of>} > 0.9",
                "10m",
                "critical",
                f"The database of etcd uses more than 90 % of its quota in {_POD}.",
                "A full etcd takes no writes. Compact and defragment it, or raise `--quota-backend-bytes`.",
                "https://etcd.io/docs/v3.5/op-guide/maintenance/",
            ),
            ComponentAlert(
                "OtelEtcdSlowDisk",
                f"{slowest_query('etcd_disk_wal_fsync_duration_seconds', 'pod')} > 0.5",
                "10m",
                "warning",
                f"The disk of etcd takes longer than half a second for a write in {_POD}.",
                "A slow disk makes members lose their leader. Give etcd a faster disk, or a disk of its own.",
            ),
        ),
        panel=ComponentPanel(
            "etcd: size of the database", "etcd_mvcc_db_total_size_in_bytes{<of>}", "bytes", "{{pod}}"
        ),
    ),
    Component(
        name="cert_manager",
        title="cert-manager",
        source="https://cert-manager.io/docs/devops-tips/prometheus-metrics/",
        labels=("app.kubernetes.io/name=cert-manager,app.kubernetes.io/component=controller",),
        port=9402,
        alerts=(
            ComponentAlert(
                "OtelCertManagerNotReady",
                f'max by (name, {_OBJECT}) (certmanager_certificate_ready_status{{<of>,condition!="True"}}) == 1',
                "10m",
                "critical",
                f"Certificate {{{{ $labels.{_OBJECT} }}}}/{{{{ $labels.name }}}} is not ready.",
                f"Read `kubectl describe certificate -n {{{{ $labels.{_OBJECT} }}}} {{{{ $labels.name }}}}`.",
            ),
            ComponentAlert(
                "OtelCertManagerExpires",
                f"max by (name, {_OBJECT}) (certmanager_certificate_renewal_timestamp_seconds{{<of>}} > 0)"
                f" < time() - {_HOUR}",
                "10m",
                "critical",
                f"Certificate {{{{ $labels.{_OBJECT} }}}}/{{{{ $labels.name }}}} is not renewed and will expire.",
                "cert-manager should have renewed it more than an hour ago."
                f" Read `kubectl describe certificate -n {{{{ $labels.{_OBJECT} }}}} {{{{ $labels.name }}}}`.",
            ),
        ),
        panel=ComponentPanel(
            "cert-manager: seconds until certificates expire",
            f"min by (name, {_OBJECT}) (certmanager_certificate_expiration_timestamp_seconds{{<of>}} > 0) - time()",
            "s",
            f"{{{{{_OBJECT}}}}}/{{{{name}}}}",
        ),
    ),
    Component(
        name="keda",
        title="KEDA",
        source="https://keda.sh/docs/latest/integrations/prometheus/",
        labels=("app=keda-operator",),
        port=8080,
        alerts=(
            ComponentAlert(
                "OtelKedaScalerErrors",
                f"sum by ({_OBJECT}, scaledObject, scaler) (rate(keda_scaler_detail_errors_total{{<of>}}[5m])) > 0",
                "10m",
                "warning",
                f"KEDA cannot read scaler {{{{ $labels.scaler }}}} of {_SCALED_OBJECT}.",
                "The workload keeps its replicas, or gets those of `fallback`. The log of KEDA has the reason.",
            ),
            ComponentAlert(
                "OtelKedaObjectErrors",
                f"sum by ({_OBJECT}, scaledObject) (rate(keda_scaled_object_errors_total{{<of>}}[5m])) > 0",
                "10m",
                "warning",
                f"KEDA cannot scale by {_SCALED_OBJECT}.",
                "Read the conditions of the ScaledObject, and the log of KEDA.",
            ),
        ),
        panel=ComponentPanel(
            "KEDA: seconds that scalers take",
            f"max by ({_OBJECT}, scaledObject, scaler) (keda_scaler_metrics_latency_seconds{{<of>}})",
            "s",
            f"{{{{{_OBJECT}}}}}/{{{{scaledObject}}}} {{{{scaler}}}}",
        ),
    ),
    Component(
        name="external_dns",
        title="external-dns",
        source="https://kubernetes-sigs.github.io/external-dns/latest/docs/monitoring/metrics/",
        labels=("app.kubernetes.io/name=external-dns", "app=external-dns"),
        port=7979,
        alerts=(
            ComponentAlert(
                "OtelExternalDnsBehind",
                "time() - external_dns_controller_last_sync_timestamp_seconds{<of>} > 900",
                "5m",
                "critical",
                f"external-dns has not synchronized records for 15 minutes in pod {_POD}.",
                "Read its log: the provider does not answer, or refuses the credentials.",
            ),
            ComponentAlert(
                "OtelExternalDnsErrors",
                "sum(rate(external_dns_registry_errors_total{<of>}[5m])) > 0"
                " or sum(rate(external_dns_source_errors_total{<of>}[5m])) > 0",
                "10m",
                "warning",
                "external-dns has errors of its registry or its sources.",
                "Some records are old. Read its log.",
            ),
        ),
        panel=ComponentPanel(
            "external-dns: records at the provider",
            "sum by (pod) (external_dns_registry_endpoints_total{<of>})",
            "short",
            "{{pod}}",
        ),
    ),
    Component(
        name="karpenter",
        title="Karpenter",
        source="https://karpenter.sh/docs/reference/metrics/",
        labels=("app.kubernetes.io/name=karpenter",),
        port=8080,
        alerts=(
            ComponentAlert(
                "OtelKarpenterCloudErrors",
                "sum by (method, error)"
                ' (rate(karpenter_cloudprovider_errors_total{<of>,error!="NodeClaimNotFoundError"}[5m])) > 0',
                "15m",
                "warning",
                "Karpenter gets errors of the cloud: {{ $labels.error }} of {{ $labels.method }}.",
                "It lacks a permission, or the cloud has no capacity of this kind. Read its log.",
            ),
            ComponentAlert(
                "OtelKarpenterNotSynced",
                "karpenter_cluster_state_synced{<of>} == 0",
                "15m",
                "critical",
                f"Karpenter does not know the nodes of the cluster in pod {_POD}.",
                "It makes no decisions until it does. Read its log.",
            ),
            ComponentAlert(
                "OtelKarpenterPoolFull",
                "max by (nodepool, resource_type)"
                " (karpenter_nodepools_usage{<of>} / karpenter_nodepools_limit{<of>}) > 0.95",
                "15m",
                "warning",
                "NodePool {{ $labels.nodepool }} uses almost all {{ $labels.resource_type }} of its limit.",
                "Karpenter adds no more nodes to it. Raise `limits` of the NodePool.",
            ),
        ),
        panel=ComponentPanel("Karpenter: nodes", "max(karpenter_cluster_state_node_count{<of>})", "short", "nodes"),
    ),
    Component(
        name="metrics_server",
        title="metrics-server",
        source="https://github.com/kubernetes-sigs/metrics-server/blob/master/pkg/scraper/scraper.go",
        labels=("k8s-app=metrics-server", "app.kubernetes.io/name=metrics-server"),
        port=10250,
        scheme="https",
        alerts=(
            ComponentAlert(
                "OtelMetricsServerErrors",
                'sum(rate(metrics_server_kubelet_request_total{<of>,success="false"}[5m])) > 0',
                "10m",
                "warning",
                "metrics-server cannot read some kubelets.",
                "Pods of these nodes are not scaled. Its log names the nodes: mostly the certificate of the kubelet.",
            ),
            ComponentAlert(
                "OtelMetricsServerBehind",
                # A node that was removed keeps its time as long as metrics-server runs.
                "300 < max by (exported_node) (time() - metrics_server_kubelet_last_request_time_seconds{<of>})"
                f" < {_HOUR}",
                "5m",
                "warning",
                "metrics-server has not asked node {{ $labels.exported_node }} for five minutes.",
                "It is overloaded, or the node is gone. Look at its CPU and its log.",
            ),
        ),
        panel=ComponentPanel(
            "metrics-server: stored points", "sum by (type) (metrics_server_storage_points{<of>})", "short", "{{type}}"
        ),
    ),
)
