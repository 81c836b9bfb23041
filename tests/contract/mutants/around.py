# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of ports, reach, place, mounts and permissions: what surrounds a collector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.network_policies import Policies
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.needed_variables import (
    find_config_variables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.pod_logs import PodLogs
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Ingress, Subject

from .edits import NEW, Mutator, added, added_where, drop, edited, pipelines, placed, plus, put

STATSD = ("receivers", "statsd")
LOGS = ("receivers", "file_log")
CLUSTER = ("receivers", "k8s_cluster", {}, "metrics")
EVENTS = ("receivers", "k8s_events", {}, "logs")
OBJECTS = ("receivers", "k8s_objects", {"objects": [{"name": "pods"}]}, "logs")
ELECTOR = ("extensions", "k8s_leader_elector", {"lease_name": "a", "lease_namespace": "b"})


def otlp(host: str, port: int = 4317) -> dict[str, object]:
    return {"protocols": {"grpc": {"endpoint": f"{host}:{port}"}}}


def missing_variable(subject: Subject) -> Iterator[Subject]:
    needed = [item.name for item in find_config_variables(subject.config) if not item.is_optional]
    for name in sorted(set(needed)):
        if subject.variable_names and name in subject.variable_names:
            yield edited(subject, lambda _config: None, variable_names=subject.variable_names - {name})
    given = (subject.variable_names or frozenset()) | set(needed)
    for text in ("${env:MUTANT}", "${MUTANT}", "https://${env:MUTANT}/v1"):
        yield plus(subject, "exporters", "otlp_http", {"endpoint": text}, variable_names=given)


def port_clash(subject: Subject) -> Iterator[Subject]:
    for listener in subject.view.listeners:
        if listener.protocol == "TCP":
            yield plus(subject, "receivers", "otlp", otlp(listener.host or "0.0.0.0", listener.port))
            yield plus(subject, "extensions", "health_check", {"endpoint": f"0.0.0.0:{listener.port}"})
    yield plus(plus(subject, "extensions", "pprof"), "extensions", "zpages", {"endpoint": "localhost:1777"})


def health_check_missing(subject: Subject) -> Iterator[Subject]:
    deployment = placed(subject, is_probed=True)
    made = drop(subject, ("service", "extensions"), ("extensions",), deployment=deployment)
    yield made
    yield plus(made, "extensions", "pprof")


def unreachable_receiver(subject: Subject) -> Iterator[Subject]:
    for host in ("localhost", "127.0.0.1"):
        deployment = placed(subject, mode="deployment", exposed_ports=frozenset({(4999, "TCP")}))
        yield plus(subject, "receivers", "otlp", otlp(host, 4999), deployment=deployment)
    deployment = placed(subject, mode="daemonset", exposed_ports=frozenset({(8889, "TCP")}))
    yield plus(subject, "exporters", "prometheus", {"endpoint": "localhost:8889"}, "metrics", deployment=deployment)


def storage_missing(subject: Subject) -> Iterator[Subject]:
    for settings in ({}, {"directory": "/var/lib/queue"}):
        made = plus(
            subject, "extensions", "file_storage", settings, deployment=placed(subject, mount_paths=("/etc/otelcol",))
        )
        yield made
        queue = {"endpoint": "gateway:4317", "sending_queue": {"storage": f"file_storage/{NEW}"}}
        yield plus(made, "exporters", "otlp_grpc", queue)


def file_missing(subject: Subject) -> Iterator[Subject]:
    deployment = placed(subject, mount_paths=("/etc/otelcol",))
    for key in ("ca_file", "cert_file", "key_file"):
        settings = {"endpoint": "gateway:4317", "tls": {key: "/certs/one.pem"}}
        yield plus(subject, "exporters", "otlp_grpc", settings, deployment=deployment)
    yield put(subject, ("service", "telemetry", "metrics", "ca_file"), "/certs/ca.pem", deployment=deployment)


def missing_permission(subject: Subject) -> Iterator[Subject]:
    attributes = ("processors", "k8s_attributes", {"extract": {"metadata": ["k8s.deployment.name"]}}, "traces")
    only_pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    for row in (attributes, CLUSTER, EVENTS, OBJECTS):
        yield plus(subject, *row, deployment=placed(subject, granted_rules=()))
    yield plus(subject, *attributes, deployment=placed(subject, granted_rules=(only_pods,)))


def proxied_service(subject: Subject) -> Iterator[Subject]:
    for variable in ("HTTPS_PROXY", "https_proxy"):
        made = plus(subject, "exporters", "otlp_grpc", {"endpoint": "gateway.obs.svc:4317"})
        yield replace(made, literal_variables={variable: "http://proxy.corp:3128", "NO_PROXY": "10.0.0.0/8"})


def storage_unclaimed(subject: Subject) -> Iterator[Subject]:
    for mode in ("deployment", "daemonset", "sidecar"):
        yield edited(subject, lambda _config: None, deployment=placed(subject, mode=mode, asks_for_storage=True))


def log_loop(subject: Subject) -> Iterator[Subject]:
    logs = PodLogs("daemonset", "telemetry", "agent", "opentelemetry-collector")
    apart = plus(
        subject, "exporters", "debug", {"verbosity": "detailed"}, "logs", deployment=placed(subject, pod_logs=logs)
    )
    for glob in ("/var/log/pods/*/*/*.log", "/var/log/containers/*.log", "/var/log/pods/telemetry_*/**/*.log"):
        made = plus(apart, *LOGS, {"include": [glob]}, "logs")
        processed = [(*path, "processors") for path, _roles in pipelines(made)]
        yield put(drop(made, *processed), ("service", "telemetry", "logs", "level"), "info")


def own_telemetry_loop(subject: Subject) -> Iterator[Subject]:
    made = plus(subject, "receivers", "otlp", otlp("${env:MY_POD_IP}", 4999))
    logs = PodLogs("deployment", "telemetry", "mutant", "opentelemetry-collector")
    for host in ("localhost", "${env:MY_POD_IP}", "mutant", "mutant-headless.telemetry.svc"):
        reader = {"periodic": {"exporter": {"otlp": {"protocol": "grpc", "endpoint": f"http://{host}:4999"}}}}
        path = ("service", "telemetry", "metrics", "readers")
        yield put(made, path, [reader], deployment=placed(subject, pod_logs=logs))


def unbracketed_address(subject: Subject) -> Iterator[Subject]:
    for families in ((), ("IPv6",), ("IPv6", "IPv4")):
        for name in ("MY_POD_IP", "POD_IP", "K8S_NODE_IP"):
            deployment = placed(subject, ip_families=families)
            yield plus(subject, "receivers", "otlp", otlp(f"${{env:{name}}}", 4999), deployment=deployment)


def unreceived_signal(subject: Subject) -> Iterator[Subject]:
    for signal in ("traces", "metrics", "logs"):
        yield replace(subject, unreceived_signals={"debug": (("gateway", signal),)})


def sender_overwritten(subject: Subject) -> Iterator[Subject]:
    """Yield a gateway that gives its own host to the spans of others."""
    for detectors in (["system"], ["env", "ec2"], ["k8snode"]):
        made = put(subject, ("receivers", f"zipkin/{NEW}"), {"endpoint": "localhost:4999"})
        made = put(made, ("processors", f"resource_detection/{NEW}"), {"detectors": detectors})
        made = put(made, ("exporters", f"debug/{NEW}"), {}, deployment=placed(subject, mode="deployment"))
        flow = {"receivers": [f"zipkin/{NEW}"], "processors": [f"resource_detection/{NEW}"]}
        yield put(made, ("service", "pipelines", f"traces/{NEW}"), {**flow, "exporters": [f"debug/{NEW}"]})


def unobserved_type(subject: Subject) -> Iterator[Subject]:
    """Yield a receiver for endpoints that the only observer does not report."""
    started = plus(subject, "extensions", "host_observer", {})
    for wanted in ("pod", "port", "k8s.service"):
        receivers = {"redis": {"rule": f'type == "{wanted}"'}}
        creator = {"watch_observers": [f"host_observer/{NEW}"], "receivers": receivers}
        yield plus(started, "receivers", "receiver_creator", creator, "metrics")


TCP_ALONE = Ingress(Policies([{"spec": {"ingress": [{"ports": [{"protocol": "TCP"}]}]}}], {}, "Ingress"))
MUTATORS: dict[str, Mutator] = {
    "missing-variable": missing_variable,
    "missing-permission": missing_permission,
    "missing-identity": added_where(
        {"unidentified_calls": ("xray:PutTraceSegments",)}, [("exporters", "awsxray", {"region": "eu-west-1"})]
    ),
    "proxied-service": proxied_service,
    "port-clash": port_clash,
    "listen-address": added(
        [
            (*place, {"endpoint": text})
            for place in (("receivers", "zipkin"), ("extensions", "zpages"))
            for text in ("0.0.0.0", "http://0.0.0.0:9411", "tcp://localhost:9411", ":70000", "9411", "zipkin")
        ]
    ),
    "unbracketed-address": unbracketed_address,
    "ipv4-listener": added_where(
        {"ip_families": ("IPv6",)},
        [("receivers", "otlp", otlp("0.0.0.0", 4999)), ("receivers", "zipkin", {"endpoint": "0.0.0.0:4999"})],
    ),
    "own-metrics-port": added(
        [("exporters", "prometheus", {"endpoint": f"{host}:8888"}, "metrics") for host in ("0.0.0.0", "", "[::]")]
    ),
    "unreachable-receiver": unreachable_receiver,
    "open-on-node": added_where(
        {"uses_host_network": True},
        [("receivers", "otlp", otlp(host, 4999)) for host in ("0.0.0.0", "", "[::]")],
    ),
    "closed-udp-port": added_where(
        {"ingress": TCP_ALONE, "uses_host_network": False, "exposed_ports": frozenset()},
        [(*STATSD, {"endpoint": endpoint}, "metrics") for endpoint in ("0.0.0.0:8125", "0.0.0.0:9125")],
    ),
    "health-check-missing": health_check_missing,
    "health-check-unreachable": added_where(
        {"is_probed": True, "by_operator": False},
        [("extensions", "health_check", settings) for settings in ({}, {"endpoint": "localhost:13144"})],
    ),
    "singleton": added_where({"mode": "deployment", "replicas": 3}, [CLUSTER, EVENTS, OBJECTS]),
    "host-reader": added_where(
        {"mode": "deployment"},
        [
            (*LOGS, {"include": ["/var/log/pods/*/*/*.log"]}, "logs"),
            ("receivers", "host_metrics", {"root_path": "/hostfs"}, "metrics"),
            ("receivers", "kubelet_stats", {"endpoint": "${env:K8S_NODE_IP}:10250"}, "metrics"),
            ("receivers", "journald", {}, "logs"),
        ],
    ),
    "sender-overwritten": sender_overwritten,
    "read-again": added_where(
        {"mode": "daemonset"},
        [
            (*LOGS, {"include": ["/var/log/pods/*/*/*.log"], "start_at": "beginning"}, "logs"),
            ("receivers", "journald", {"start_at": "beginning"}, "logs"),
        ],
    ),
    "discovery-rule": added(
        [
            ("receivers", "receiver_creator", {"receivers": {"redis": {"rule": rule}}}, "metrics")
            for rule in (None, "", "port == 6379", "type == 'port'", 'type == "prot"', 'type == "pod" &&')
        ]
    ),
    "unobserved-type": unobserved_type,
    "autoscaler-without-request": added_where({"unrequested_resources": ("cpu",)}, [("receivers", "zipkin", {})]),
    "log-loop": log_loop,
    "own-telemetry-loop": own_telemetry_loop,
    "unreceived-signal": unreceived_signal,
    "unseen-replicas": lambda subject: iter([replace(subject, unseen_collectors={"debug": ("gateway",)})]),
    "selinux-denied": added_where(
        {"mode": "daemonset", "is_confined": True},
        [
            (*LOGS, {"include": ["/var/log/pods/*/*/*.log"]}, "logs"),
            ("receivers", "host_metrics", {"root_path": "/hostfs"}, "metrics"),
            ("receivers", "journald", {}, "logs"),
            ("extensions", "file_storage", {}),
        ],
    ),
    "storage-unclaimed": storage_unclaimed,
    "sidecar-limits": added_where({"mode": "sidecar"}, [ELECTOR]),
    "metadata-service": added_where(
        {"mode": "deployment", "uses_host_network": False},
        [("processors", "resource_detection", {"detectors": listed}) for listed in (["ec2"], ["env", "eks"])],
    ),
    "root-path-missing": added_where(
        {"mount_paths": ("/etc/otelcol",)},
        [("receivers", "host_metrics", {"root_path": path}, "metrics") for path in ("/hostfs", "/host")],
    ),
    "logs-missing": added_where(
        {"mount_paths": ("/etc/otelcol",)},
        [
            (*LOGS, {"include": ["/var/log/pods/*/*/*.log"]}, "logs"),
            (*LOGS, {"include": ["/data/app/*.log"]}, "logs"),
            ("receivers", "journald", {}, "logs"),
        ],
    ),
    "consent-missing": added_where(
        {"mode": "daemonset", "keeps_on_node": True, "allowed_rights": ("secrets",)},
        [
            (*LOGS, {"include": ["/var/log/pods/*/*/*.log"]}, "logs"),
            ("receivers", "journald", {}, "logs"),
            ("receivers", "k8s_objects", {"objects": [{"name": "*"}]}, "logs"),
            ("receivers", "k8s_objects", {"objects": [{"name": "nodes/proxy"}]}, "logs"),
            ("extensions", "file_storage", {}),
        ],
    ),
    "host-port-open": added_where(
        {"mode": "daemonset", "open_ports": frozenset({(4999, "TCP")})},
        [("receivers", "otlp", otlp(host, 4999)) for host in ("0.0.0.0", "${env:MY_POD_IP}")],
    ),
    "file-missing": file_missing,
    "storage-missing": storage_missing,
}
