# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on custom resources, the target allocator, and what is around a collector."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from tests.contract.mutants.edits import Json, Mutator, put

CASES = """
resource-field:
  a field by its meaning: {spec.targetAllocator.strategy: consistent-hashing,
    finds: "spec.targetAllocator.strategy: did you mean 'allocationStrategy'?"}
  a misspelt field: {spec.replica: 2, finds: "spec.replica: has no 'replica' here; did you mean 'replicas'"}
  the right field: {spec.replicas: 2}
  one of the autoscaler: {spec.autoscaler.minReplica: 1,
    finds: "spec.autoscaler.minReplica: did you mean 'minReplicas'"}
  one of monitors: {spec.targetAllocator.prometheusCR.serviceMonitors: {},
    finds: "spec.targetAllocator.prometheusCR.serviceMonitors: has no 'serviceMonitors' here"}
  fields of operators since 0.159: {spec.resizePolicy: [], spec.imagePullSecrets: [{name: x}],
    spec.revisionHistoryLimit: 3, spec.targetAllocator.telemetry: {}}
  an older version, whose fields are others: {spec.minReplicas: 1, spec.version: v1alpha1}
  what an older version has not: {spec.dnsPolicy: Default, spec.version: v1alpha1,
    finds: "spec.dnsPolicy: an OpenTelemetryCollector has no 'dnsPolicy' here"}
  deep below: {spec.resources.limit.memory: 1Gi, finds: "spec.resources.limit: here; did you mean 'limits'?"}
  in a list: {spec.additionalContainers: [{name: a, img: b}],
    finds: "spec.additionalContainers[0].img: an OpenTelemetryCollector has no 'img' here"}
  of metrics: {spec.observability.metrics.enableMetric: true,
    finds: "spec.observability.metrics.enableMetric: did you mean 'enableMetrics'?"}
  a misspelt selector: {spec.targetAllocator.prometheusCR.serviceMonitorSelector.matchLabel: {app: x},
    finds: "spec.targetAllocator.prometheusCR.serviceMonitorSelector.matchLabel: did you mean 'matchLabels'?"}
  labels as a selector: {spec.targetAllocator.prometheusCR.serviceMonitorSelector: {app: x},
    finds: "spec.targetAllocator.prometheusCR.serviceMonitorSelector.app: write `matchLabels: {app: VALUE}`"}
  a selector: {spec.targetAllocator.prometheusCR.serviceMonitorSelector.matchLabels: {app: x}}
  any label: {spec.nodeSelector: {kubernetes.io/os: linux}, spec.podAnnotations: {a: b}}
  a language: {spec: {kind: Instrumentation, version: v1alpha1, pyton: {}},
    finds: "spec.pyton: an Instrumentation has no 'pyton' here; did you mean 'python'?"}
  languages: {spec: {kind: Instrumentation, version: v1alpha1, python: {env: [{name: A, value: b}]}, go: {}}}
  a bridge: {spec: {kind: OpAMPBridge, version: v1alpha1, endpoints: x},
    finds: "spec.endpoints: an OpAMPBridge has no 'endpoints' here; did you mean 'endpoint'?"}
  an allocator of its own: {spec: {kind: TargetAllocator, version: v1alpha1, prometheusCR: {enable: true}},
    finds: "spec.prometheusCR.enable: a TargetAllocator has no 'enable' here; did you mean 'enabled'?"}
resource-kind:
  a misspelt kind: {spec.kind: OpenTelemetryColector,
    finds: "kind: no kind 'OpenTelemetryColector'; did you mean 'OpenTelemetryCollector'"}
  a kind: {spec.kind: OpAMPBridge, spec.version: v1alpha1}
resource-version:
  a deprecated one: {spec: {version: v1alpha1, config: ""}, finds: "apiVersion: Write `apiVersion:
      opentelemetry.io/v1beta1` and `config` as a mapping; or read it from a cluster"}
  one that nobody serves: {spec: {kind: Instrumentation, version: v1beta1},
    finds: "apiVersion: the operator serves no Instrumentation in opentelemetry.io/v1beta1"}
  the newest: {spec.mode: deployment}
  the only one: {spec: {kind: TargetAllocator, version: v1alpha1}}
resource-config:
  a misspelt one: {spec: {config: null, onfig: {}}, finds: "spec: without `spec.config` starts no Collector"}
  nothing in it: {spec.config: {}, finds: "spec: without `spec.config`"}
  of a kind without: {spec: {kind: Instrumentation, version: v1alpha1}}
  with one: {spec: {}}
instrumentation-endpoint:
  given: {opened: {c-collector: [4317, 4318, 8888]}}
  another port: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://c-collector:4319"}},
    finds: "spec.exporter.endpoint: no receiver of the collector behind c-collector listens on port 4319 Its ports are
      4317, 4318, 8888."}
  with its namespace: {spec: {kind: Instrumentation, version: v1alpha1,
      exporter: {endpoint: "http://c-collector.n.svc.cluster.local:55680"}}, finds: "spec.exporter.endpoint: 55680"}
  no port: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://c-collector"}},
    finds: "spec.exporter.endpoint: listens on port 80"}
  a language: {spec: {kind: Instrumentation, version: v1alpha1, python: {env: [{name: A, value: b},
      {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://c-collector:1"}]}}, finds: "spec.python.env[1].value: port 1"}
  its port: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://c-collector:4318"}}}
  another namespace: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://c-collector.o:1"}}}
  a collector that nobody knows: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://x:1"}}}
  a variable: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://c-collector:$(PORT)"}}}
  no URL: {spec: {kind: Instrumentation, version: v1alpha1, exporter: {endpoint: "http://[c:x"}}}
resource-value:
  a number for text: {spec.env: [{name: PORT, value: 80}], finds: "spec.env[0].value: Write `'80'`."}
  text for a config: {spec.config: "receivers: {}", finds: "spec.config: this must be a mapping, not text"}
  a quantity: {spec.resources.limits: {memory: 1Gi, cpu: 1}}
  a propagator: {spec: {kind: Instrumentation, version: v1alpha1, propagators: [tracecontext, b4]},
    finds: "spec.propagators[1]: 'b4' is unknown here"}
  a sampler: {spec: {kind: Instrumentation, version: v1alpha1, sampler: {type: always, argument: "1"}},
    finds: "spec.sampler.type: 'always' is unknown here; did you mean"}
  another word: {spec.mode: daemon, finds: "spec.mode: 'daemon' is unknown here; did you mean"}
  its words: {spec.mode: daemonset, spec.upgradeStrategy: none}
  no version kept: {spec.configVersions: 0, finds: "spec.configVersions: 0 is not a number of 1 or more"}
  text for a number: {spec.livenessProbe.periodSeconds: "2s",
    finds: "spec.livenessProbe.periodSeconds: this must be a number, not text"}
  a probe at once: {spec.livenessProbe.initialDelaySeconds: 0}
  a strategy: {spec.targetAllocator.allocationStrategy: per_node,
    finds: "spec.targetAllocator.allocationStrategy: did you mean 'per-node'"}
  no filter, by the word of operators since 0.159: {spec.targetAllocator.filterStrategy: none}
  another filter: {spec.targetAllocator.filterStrategy: all,
    finds: "spec.targetAllocator.filterStrategy: 'all' is unknown here"}
resource-mode:
  a sidecar that tolerates: {spec.mode: sidecar, spec.tolerations: [{operator: Exists}],
    finds: "spec.tolerations: mode sidecar cannot have tolerations Remove it, or use mode daemonset or deployment or
      statefulset."}
  an agent that tolerates: {spec.mode: daemonset, spec.tolerations: [{operator: Exists}]}
  nothing to tolerate: {spec.mode: sidecar, spec.tolerations: [], spec.priorityClassName: ""}
  an affinity without a word: {spec.mode: sidecar, spec.affinity: {}, finds: "spec.affinity: mode sidecar"}
  a claim of a deployment: {spec.volumeClaimTemplates: [{}], finds: "spec.volumeClaimTemplates: deployment"}
  the strategy of another: {spec.mode: statefulset, spec.daemonSetUpdateStrategy.type: OnDelete,
    finds: "spec.daemonSetUpdateStrategy.type: mode statefulset cannot have daemonSetUpdateStrategy.type Remove it, or
      use mode daemonset."}
  a route to a sidecar: {spec.mode: sidecar, spec.ingress.type: route}
  an ingress to a sidecar: {spec.mode: sidecar, spec.ingress.type: ingress,
    finds: "spec.ingress.type: mode sidecar cannot have ingress.type"}
  what nobody reads: {spec.mode: daemonset, spec.topologySpreadConstraints: [{maxSkew: 1}],
    finds: "spec.topologySpreadConstraints: mode daemonset does nothing with topologySpreadConstraints"}
  no mode at all: {spec.mode: sidecat, spec.tolerations: [{operator: Exists}]}
resource-autoscaler:
  given: {spec.autoscaler: {minReplicas: 1, maxReplicas: 2}}
  crossed bounds: {spec.autoscaler.minReplicas: 3,
    finds: "spec.autoscaler.minReplicas: minReplicas 3 is above maxReplicas 2"}
  bounds in order: {spec.replicas: 2}
  more replicas: {spec.replicas: 3, finds: "spec.replicas: replicas 3 is above"}
  more replicas beside a misplaced number: {spec.replicas: 3, spec.autoscaler.replicas: 1,
    finds: "spec.replicas: replicas 3 is above"}
  no upper bound: {spec.autoscaler: {minReplicas: 1}, finds: "spec.autoscaler: no maxReplicas"}
  a long window: {spec.autoscaler.behavior.scaleDown.stabilizationWindowSeconds: 3601,
    finds: "spec.autoscaler.behavior.scaleDown.stabilizationWindowSeconds: 3601 is outside"}
  a metric of pods:
    spec.autoscaler.metrics: [{type: Pods, pods: {target: {type: AverageValue, averageValue: "10"}}}]
  a metric of a resource: {spec.autoscaler.metrics: [{type: Resource}],
    finds: "spec.autoscaler.metrics[0]: a metric of type Resource is not supported"}
  a share as target: {spec.autoscaler.metrics: [{type: Pods, pods: {target: {type: Utilization}}}],
    finds: "spec.autoscaler.metrics[0]: neither an average value nor a value"}
  nothing as target: {spec.autoscaler.metrics: [{type: Pods, pods: {target: {type: Value, value: 0}}}],
    finds: "spec.autoscaler.metrics[0].pods.target.value: 0 is below 1"}
resource-port:
  capital letters: {spec.ports: [{name: OTLP_grpc, port: 4317}],
    finds: "spec.ports[0]: 'OTLP_grpc' is not a valid port name"}
  a name and a number: {spec.ports: [{name: otlp-grpc, port: 4317, hostPort: 0}]}
  no name: {spec.ports: [{port: 4317}], finds: "spec.ports[0]: the port has no name"}
  a large number: {spec.ports: [{name: a, port: 70000}], finds: "spec.ports[0].port: 70000 is no"}
  a large number on the node: {spec.ports: [{name: a, port: 1, hostPort: -1}],
    finds: "spec.ports[0].hostPort: -1 is not a valid port number Write 0 to 65535."}
resource-host:
  given: {spec.ingress.ruleType: subdomain}
  below nothing: {finds: "spec.ingress: need a parent host name"}
  below a host: {spec.ingress.hostname: example.com}
  paths: {spec.ingress.ruleType: path}
target-allocator-strategy:
  given:
    receivers.prometheus.config.scrape_configs: [{job_name: apps, kubernetes_sd_configs: [{role: pod}]}]
    spec: {mode: daemonset, targetAllocator: {enabled: true}}
  an agent that hashes:
    finds: "spec.targetAllocator: a daemonset allocates targets only per node Set `allocationStrategy: per-node`."
  an agent by node: {spec.targetAllocator.allocationStrategy: per-node}
  replicas by node: {spec.mode: statefulset, spec.targetAllocator.allocationStrategy: per-node,
    finds: "spec.targetAllocator.allocationStrategy: a statefulset is not on every node"}
  replicas: {spec.mode: statefulset}
  "off": {spec.targetAllocator.enabled: false}
target-allocator-receiver:
  given: {spec: {mode: statefulset, targetAllocator: {enabled: true}}}
  another name: {receivers.prometheus/apps.config.scrape_configs: [{job_name: apps}],
    finds: "receivers.prometheus/apps: receiver named 'prometheus', which is missing Rename 'prometheus/apps'."}
  its name: {receivers.prometheus.config.scrape_configs: [{job_name: apps}]}
  none: {finds: "receivers: Add receiver `prometheus`"}
  no job: {receivers.prometheus.config.scrape_configs: [],
    finds: "receivers.prometheus: there is no scrape config to distribute"}
  jobs of monitors: {receivers.prometheus.config: {}, spec.targetAllocator.prometheusCR.enabled: true}
  jobs of the allocator's own: {receivers.prometheus: {}}
target-allocator-variable:
  given: {spec: {mode: daemonset, targetAllocator: {enabled: true, allocationStrategy: per-node}}}
  the own node:
    receivers.prometheus.config.scrape_configs:
      - {kubernetes_sd_configs: [{selectors: [{field: "spec.nodeName=${env:K8S_NODE_NAME}"}]}]}
    finds: "receivers.prometheus.config.scrape_configs[0].kubernetes_sd_configs[0].selectors[0].field:
      `${env:K8S_NODE_NAME}` is not replaced here"
  a group of an expression:
    receivers.prometheus.config.scrape_configs: [{relabel_configs: [{regex: (.+)$$, replacement: "$1:$${2}"}]}]
  without an allocator:
    receivers.prometheus.config.scrape_configs: [{job_name: "${env:NAME}"}]
    spec.targetAllocator: null
target-allocator-certificates:
  given:
    receivers.prometheus.config.scrape_configs: [{job_name: apps, kubernetes_sd_configs: [{role: pod}]}]
    spec: {mode: statefulset, targetAllocator: {enabled: true}}
    spec.targetAllocator.mtls: {enabled: true, useCertManager: false}
    spec.targetAllocator.mtls.tls:
      serverCertificate: {certificateSecret: {name: a}, keySecret: {name: a}}
      clientCertificate: {certificateSecret: {name: b}, keySecret: {name: b}}
      certificateAuthorityCertificate: {secret: {name: ca}}
  no client: {spec.targetAllocator.mtls.tls.clientCertificate: null,
    finds: "spec.targetAllocator.mtls: without cert-manager it needs tls.clientCertificate"}
  all of them: {}
  an authority in two places:
    spec.targetAllocator.mtls.tls.certificateAuthorityCertificate: {secret: {name: a}, configMap: {name: a}}
    finds: "spec.targetAllocator.mtls.tls.certificateAuthorityCertificate: either secret or configMap"
  cert-manager's: {spec.targetAllocator.mtls: {enabled: true}, spec.targetAllocator.mtls.tls: null}
missing-identity:
  calls without credentials: {exporters.awsxray.region: eu-west-1, in.unidentified_calls: ["xray:PutTraceSegments"],
    finds: ": it calls AWS (xray:PutTraceSegments), and nothing gives its pods credentials Set
      `otel_identity_provider`"}
  calls with credentials: {exporters.awsxray.region: eu-west-1, in.unidentified_calls: []}
  no deployment: {exporters.awsxray.region: eu-west-1}
proxied-service:
  given: {literals: {HTTPS_PROXY: "http://proxy.corp:3128", NO_PROXY: "localhost,10.0.0.0/8"}}
  a Service over gRPC: {exporters.otlp.endpoint: "gateway.obs.svc:4317",
    finds: "exporters.otlp: HTTPS_PROXY sends what is for gateway.obs.svc:4317 to the proxy proxy.corp Add
      `NO_PROXY: .svc,.cluster.local,localhost,127.0.0.1` to `env`"}
  a short name: {exporters.otlp.endpoint: "gateway:4317",
    finds: "exporters.otlp: 127.0.0.1,gateway`"}
  over HTTP with its own variable: {exporters.otlphttp.endpoint: "http://gateway.obs.svc:4318"}
  over HTTPS: {exporters.otlphttp.endpoint: "https://gateway.obs.svc:4318", finds: "exporters.otlphttp: HTTPS_PROXY"}
  what is outside: {exporters.otlp.endpoint: "backend.example.com:4317"}
  the pod itself: {exporters.otlp.endpoint: "localhost:4317"}
  named by its domain: {exporters.otlp.endpoint: "gateway.obs.svc:4317", literals: {HTTPS_PROXY: "p:1", NO_PROXY: .svc}}
  named by its name: {exporters.otlp.endpoint: "gateway:4317", literals: {https_proxy: "p:1", no_proxy: "a, gateway"}}
  named with another port:
    exporters.otlp.endpoint: "gateway:4317"
    literals: {HTTPS_PROXY: "p:1", NO_PROXY: "gateway:80"}
    finds: "exporters.otlp: HTTPS_PROXY"
  everything: {exporters.otlp.endpoint: "gateway:4317", literals: {HTTPS_PROXY: "p:1", NO_PROXY: "*"}}
  no proxy: {exporters.otlp.endpoint: "gateway:4317", literals: {}}
missing-variable:
  given: {environment: [API_KEY]}
  a misspelt one: {exporters.otlp.headers.key: "${env:API_KEYS}",
    finds: "exporters.otlp.headers.key: variable API_KEYS is read here, but not set; did you mean 'API_KEY'? Add it to
      `env`"}
  the short form: {exporters.otlp.headers.key: "${TOKEN}",
    finds: "exporters.otlp.headers.key: TOKEN"}
  one that is given: {exporters.otlp.headers.key: "${env:API_KEY}"}
  one with a default: {exporters.otlp.headers.key: "${env:OTHER:-none}"}
  an escaped one: {exporters.otlp.headers.key: "$${env:OTHER}"}
  another provider: {exporters.otlp.headers.key: "${file:/etc/OTHER}"}
  where the environment is not known: {exporters.otlp.headers.key: "${env:OTHER}", environment: null}
  what a runtime gives: {exporters.otlp.headers.key: "${env:HOSTNAME}${env:HOME}${env:PATH}"}
  where the API server is: {exporters.otlp.headers.key: "${env:KUBERNETES_SERVICE_HOST}:${env:KUBERNETES_SERVICE_PORT}"}
  another Service:
    exporters.otlp.headers.key: "${env:MY_APP_SERVICE_HOST}"
    finds: "exporters.otlp.headers.key: variable MY_APP_SERVICE_HOST is read here, and a pod has it only if it starts
      after Service 'my-app' was made"
  no Service: {exporters.otlp.headers.key: "${env:SERVICE_HOST}",
    finds: "exporters.otlp.headers.key: variable SERVICE_HOST"}
missing-permission:
  given: {processors.k8s_attributes.extract.metadata: [k8s.pod.name]}
  no right at all: {in.granted_rules: [],
    finds: "processors.k8s_attributes: needs to get namespaces, and 5 more, which the ServiceAccount is not allowed to
      do Add to its ClusterRole: `{apiGroups: [''], resources: [namespaces], verbs: [get]}`."}
  one verb short:
    in.granted_rules:
      - {apiGroups: [""], resources: [namespaces], verbs: ["*"]}
      - {apiGroups: [""], resources: [pods], verbs: [get, list]}
    finds: "processors.k8s_attributes: needs to watch pods,"
  all that is needed: {in.granted_rules: [{apiGroups: [""], resources: [pods, namespaces], verbs: [get, list, watch]}]}
  everything: {in.granted_rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]}
  nothing to read: {processors: {}, in.granted_rules: []}
  rights that nobody knows: {in.mode: deployment}
"""


JOBS = ("receivers", "prometheus", "config", "scrape_configs")
SCALER = {"minReplicas": 1, "maxReplicas": 2}


def specified(subject: Subject, **spec: Any) -> Subject:
    """Return the subject in a custom resource with more fields in its spec."""
    resource = copy.deepcopy(subject.custom_resource) or {"apiVersion": "opentelemetry.io/v1beta1", "spec": {}}
    return replace(subject, custom_resource={**resource, "spec": {**resource["spec"], **spec}})


def specifying(*specs: Json) -> Mutator:
    """Return the mutator that gives the custom resource one spec after the other."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        return (specified(subject, **spec) for spec in specs)

    return mutate


def resources(*changes: Json) -> Mutator:
    """Return the mutator that changes the custom resource itself."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        return (
            replace(subject, custom_resource={**(specified(subject).custom_resource or {}), **change})
            for change in changes
        )

    return mutate


def allocated(subject: Subject, mode: str = "statefulset", **settings: Any) -> Subject:
    return specified(subject, mode=mode, targetAllocator={"enabled": True, **settings})


def strategy(subject: Subject) -> Iterator[Subject]:
    for name in ("consistent-hashing", "least-weighted", None):
        yield allocated(subject, "daemonset", allocationStrategy=name)
    yield allocated(subject, allocationStrategy="per-node")


def receiver(subject: Subject) -> Iterator[Subject]:
    for settings in (None, {"config": {}}, {"config": {"scrape_configs": []}}):
        made = put(subject, JOBS[:2], settings)
        yield allocated(made)
        yield allocated(made, prometheusCR={"enabled": False})


def variable(subject: Subject) -> Iterator[Subject]:
    for job in (
        {"job_name": "${env:NAME}"},
        {"job_name": "a", "static_configs": [{"targets": ["${HOST}:80"]}]},
        {"job_name": "a", "params": {"match": ["${file:/etc/match}"]}},
    ):
        yield allocated(put(subject, JOBS, [job]))


def certificates(subject: Subject) -> Iterator[Subject]:
    for tls in ({}, {"serverCertificate": {}}, {"certificateAuthorityCertificate": {"secret": {}, "configMap": {}}}):
        yield allocated(subject, mtls={"enabled": True, "useCertManager": False, "tls": tls})


def endpoints(subject: Subject) -> Iterator[Subject]:
    for endpoint in ("http://c-collector:1", "https://c-collector.n", "http://c-collector.n.svc:65535"):
        spec = {"exporter": {"endpoint": endpoint}}
        made: Json = {"apiVersion": "opentelemetry.io/v1alpha1", "kind": "Instrumentation", "spec": spec}
        made["metadata"] = {"name": "i", "namespace": "n"}
        yield replace(subject, custom_resource=made, opened_ports={("n", "c-collector"): frozenset((4317,))})


MUTATORS: dict[str, Mutator] = {
    "instrumentation-endpoint": endpoints,
    "resource-kind": resources({"kind": "OpenTelemetryColector"}, {"kind": "TargetAlocator"}),
    "resource-version": resources({"apiVersion": "opentelemetry.io/v1alpha1"}, {"apiVersion": "opentelemetry.io/v1"}),
    "resource-config": specifying({"config": None}, {"config": {}}),
    "resource-field": specifying({"replica": 2}, {"podLabels": {}}, {"autoscaler": {"min": 1}}),
    "resource-value": specifying({"mode": "agent"}, {"upgradeStrategy": "never"}, {"configVersions": 0}),
    "resource-mode": specifying(
        {"mode": "sidecar", "tolerations": [{"operator": "Exists"}]},
        {"mode": "sidecar", "affinity": {"podAffinity": {}}},
        {"mode": "sidecar", "priorityClassName": "high"},
        {"mode": "sidecar", "additionalContainers": [{"name": "some"}]},
        {"mode": "daemonset", "volumeClaimTemplates": [{}]},
        {"mode": "deployment", "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
        {"mode": "statefulset", "deploymentUpdateStrategy": {"type": "Recreate"}},
    ),
    "resource-autoscaler": specifying(
        {"autoscaler": {"minReplicas": 1}},
        {"autoscaler": {**SCALER, "minReplicas": 3}},
        {"autoscaler": SCALER, "replicas": 3},
        {"autoscaler": {**SCALER, "behavior": {"scaleUp": {"stabilizationWindowSeconds": 9999}}}},
        {"autoscaler": {**SCALER, "metrics": [{"type": "External"}]}},
    ),
    "resource-port": specifying(
        {"ports": [{"name": "a_b", "port": 1}]}, {"ports": [{"port": 1}]}, {"ports": [{"name": "a", "port": 0}]}
    ),
    "resource-host": specifying(
        *({"ingress": {"ruleType": "subdomain", "hostname": host}} for host in (None, "", "*"))
    ),
    "target-allocator-strategy": strategy,
    "target-allocator-receiver": receiver,
    "target-allocator-variable": variable,
    "target-allocator-certificates": certificates,
}
