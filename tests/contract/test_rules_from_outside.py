# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule fires for a user: through what the action of pipeline_validate calls, from a file or an inventory.

The wrong cases of each rule are written as files, with manifests for what a case says of its surroundings.
"""

from __future__ import annotations

import copy
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._inventory_cases import list_inventory_cases
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate

from tests.unit.plugins.plugin_utils.helpers import VALIDATE
from tools.rules.project import load_rule_cases

Json = dict[str, Any]
KINDS = {"daemonset": "DaemonSet", "deployment": "Deployment", "statefulset": "StatefulSet"}
# Surroundings that files show; what else a case needs comes from an inventory alone.
FILES = {"deployment", "variable_names", "custom_resource", "target"}
OF_INVENTORIES = {
    "unidentified_calls",
    "open_ports",
    "is_confined",
    "keeps_on_node",
    "allowed_rights",
    "asks_for_storage",
    "fleeting_paths",
    "ip_families",
}
# What the data of a case cannot hold, or what is no config in a folder.
TEXTS = {
    "autoscaler-without-request": """
      kind: OpenTelemetryCollector
      apiVersion: opentelemetry.io/v1beta1
      metadata: {name: c, namespace: n}
      spec:
        autoscaler: {maxReplicas: 3}
        config:
          receivers: {zipkin: {}}
          exporters: {debug: {}}
          service: {pipelines: {traces: {receivers: [zipkin], exporters: [debug]}}}
    """,
    "request-too-large": """
      receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}}
      processors: {batch: {}}
      exporters: {kafka: {brokers: ["kafka:9092"]}}
      service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [kafka]}}}
    """,
    "instrumentation-endpoint": """
      apiVersion: opentelemetry.io/v1beta1
      kind: OpenTelemetryCollector
      metadata: {name: c, namespace: n}
      spec:
        config:
          receivers: {otlp: {protocols: {grpc: {}}}}
          exporters: {debug: {}}
          service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
      ---
      apiVersion: opentelemetry.io/v1alpha1
      kind: Instrumentation
      metadata: {name: i, namespace: n}
      spec: {exporter: {endpoint: "http://c-collector:4318"}}
    """,
    "duplicate-key": "receivers: {otlp: {}}\nreceivers: {zipkin: {}}\nservice: {pipelines: {}}\n",
    "unknown-section": "receivers: {otlp: {}}\nprocessor: {}\nservice: {pipelines: {}}\n",
}
# Rules that fire for collectors of an inventory alone, and those collectors.
INVENTORIES = {
    "consent-missing": """
      - name: a
        config:
          receivers: {k8s_objects: {objects: [{name: secrets}]}}
          exporters: {debug: {}}
          service: {pipelines: {logs: {receivers: [k8s_objects], exporters: [debug]}}}
    """,
    "header-unsent": """
      - name: gateway
        recipes:
          - otlp_ingest: {include_metadata: true}
          - tenant_routing:
              {by: header, key: x-tenant, default: drop, destinations: [{name: a, tenants: [a], endpoint: "a:4317"}]}
      - name: agent
        recipes: [otlp_ingest, otlp_forward: {endpoint: "gateway.n.svc:4317", insecure: true}]
    """,
    "host-port-open": "[{name: a, mode: daemonset, recipes: [otlp_ingest, debug_output]}]",
    "ipv4-listener": """
      - name: a
        ip_families: [IPv6]
        config:
          receivers: {zipkin: {endpoint: "0.0.0.0:9411"}}
          exporters: {debug: {}}
          service: {pipelines: {traces: {receivers: [zipkin], exporters: [debug]}}}
    """,
    "missing-identity": "[{name: a, recipes: [otlp_ingest: {signals: [traces]}, xray_export: {region: eu-west-1}]}]",
    "proxied-service": """
      - name: a
        env: {HTTPS_PROXY: "http://proxy.corp:3128"}
        recipes: [otlp_ingest, otlp_forward: {endpoint: "g.n.svc:4317", insecure: true}]
    """,
    "selinux-denied": "[{name: a, mode: daemonset, platform: openshift, recipes: [pod_logs, debug_output]}]",
    "storage-unclaimed": "[{name: a, storage: {size: 1Gi}, recipes: [otlp_ingest, debug_output]}]",
    "unreceived-signal": """
      - {name: g, recipes: [otlp_ingest: {signals: [traces]}, debug_output]}
      - {name: a, recipes: [otlp_ingest, otlp_forward: {endpoint: "g.n.svc:4317", insecure: true}]}
    """,
    "unseen-replicas": """
      - {name: g, recipes: [otlp_ingest, debug_output]}
      - {name: a, recipes: [otlp_ingest, otlp_forward: {endpoint: "g:4317", insecure: true, balance: round_robin}]}
    """,
    "wrong-pod": """
      - {name: g, recipes: [otlp_ingest, kubernetes_attributes, debug_output]}
      - {name: a, recipes: [otlp_ingest, otlp_forward: {endpoint: "g.n.svc:4317", insecure: true}]}
    """,
}


# What a case that is not about it has as config in its custom resource.
PLACE = {"service": {}}


def meta(name: str = "c") -> Json:
    return {"name": name, "namespace": "n"}


def custom_resource(case: Any, deployment: Deployment | None) -> Json:
    """Return a custom resource with the config and the spec of a case."""
    given = copy.deepcopy(case.more.get("custom_resource") or {"apiVersion": "opentelemetry.io/v1beta1"})
    spec: Json = given.pop("spec", {})
    spec |= {"config": case.config} if spec.get("config", PLACE) == PLACE else {}
    if deployment:
        spec |= {"mode": deployment.mode, "targetAllocator": {"enabled": deployment.has_target_allocator}}
        spec |= {} if deployment.replicas is None else {"replicas": deployment.replicas}
    return {"kind": "OpenTelemetryCollector", **given, "metadata": meta(), "spec": spec}


def container(case: Any, deployment: Deployment) -> Json:
    limit, mounts = deployment.memory_limit_mib, deployment.mount_paths or ()
    return {
        "name": "otelcol",
        "env": [{"name": name} for name in sorted(case.more.get("variable_names") or ())],
        "volumeMounts": [{"name": "v", "mountPath": path} for path in ("/conf", *mounts)],
        **({} if limit is None else {"resources": {"limits": {"memory": f"{limit}Mi"}}}),
        **({"livenessProbe": {}} if deployment.is_probed else {}),
    }


def objects(case: Any, deployment: Deployment) -> Iterator[Json]:
    """Yield a ConfigMap, its workload, and the objects around it that a case knows of."""
    yield {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta(), "data": {"relay": yaml.safe_dump(case.config)}}
    pod: Json = {
        "serviceAccountName": "c",
        "hostNetwork": deployment.uses_host_network,
        "containers": [container(case, deployment)],
        "volumes": [{"name": "v", "configMap": {"name": "c"}}],
    }
    spec: Json = {"template": {"metadata": {"labels": {"app": "c"}}, "spec": pod}}
    spec |= {} if deployment.replicas is None else {"replicas": deployment.replicas}
    yield {"kind": KINDS[deployment.mode], "apiVersion": "apps/v1", "metadata": meta(), "spec": spec}
    ports = [{"port": number, "protocol": protocol} for number, protocol in sorted(deployment.exposed_ports or ())]
    if ports:
        yield {
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": meta(),
            "spec": {"selector": {"app": "c"}, "ports": ports},
        }
    for policy in deployment.ingress.policies.policies if deployment.ingress else ():
        made = {**policy["spec"], "podSelector": {"matchLabels": {"app": "c"}}}
        yield {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": meta("p"), "spec": made}
    if deployment.granted_rules is not None:
        rbac: Json = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "c"}}
        subject = {"kind": "ServiceAccount", "name": "c", "namespace": "n"}
        yield {**rbac, "kind": "ClusterRole", "rules": list(deployment.granted_rules)}
        role = {"kind": "ClusterRole", "name": "c"}
        yield {**rbac, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]}


def text(case: Any) -> str:
    """Return a file with the config of a case and its surroundings."""
    deployment = case.more.get("deployment")
    if case.rule in TEXTS:
        return textwrap.dedent(TEXTS[case.rule])
    if "custom_resource" in case.more or (
        deployment and (deployment.mode not in KINDS or deployment.has_target_allocator)
    ):
        return str(yaml.safe_dump(custom_resource(case, deployment)))
    if deployment or case.more.get("variable_names") is not None:
        return str(yaml.safe_dump_all(list(objects(case, deployment or Deployment("deployment")))))
    return str(yaml.safe_dump(case.config))


def fits(case: Any) -> bool:
    """Whether files can show what a case is about."""
    deployment, target = case.more.get("deployment"), case.more.get("target")
    hidden = any(getattr(deployment, name) for name in OF_INVENTORIES) if deployment else False
    known = not target or target.distribution not in ("own", "acme")
    shown = case.rule in TEXTS or case.more.keys() <= FILES
    return case.path is not None and known and not hidden and shown


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Validate all files, with one call for each build, and return which rules fired in the files of each rule."""
    root = tmp_path_factory.mktemp("rules")
    for number, case in enumerate(filter(fits, load_rule_cases())):
        target = case.more.get("target")
        build = f"{target.distribution} {target.version}" if target else "contrib 0.158.0"
        folder = root / build / case.rule
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.yaml").write_text(text(case))
    found: dict[str, set[str]] = defaultdict(set)
    for folder in sorted(root.iterdir()):
        distribution, version = folder.name.split()
        asked = {"paths": [str(folder)], "distribution": distribution, "version": version, "fail_on": "never"}
        for finding in _validate.validate_configs({**VALIDATE, **asked}, lambda _warning: None)["findings"]:
            found[Path(finding["file"]).parent.name].add(finding["rule"])
    return found


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES if rule.id not in INVENTORIES])
def test_it_fires_from_a_file(rule_id: str, seen: dict[str, set[str]]) -> None:
    assert rule_id in seen[rule_id], "no file shows it: give a case that files can hold, or a row of INVENTORIES"


@pytest.mark.parametrize("rule_id", INVENTORIES)
def test_it_fires_from_an_inventory(rule_id: str) -> None:
    given = {"collectors": yaml.safe_load(INVENTORIES[rule_id]), "defaults": {"namespace": "n"}, "fail_on": "never"}
    given["has_identity"] = False
    asked = {**VALIDATE, **given}
    result = _validate.validate_configs(asked, lambda _warning: None, planned_cases=list_inventory_cases(asked))
    assert rule_id in {finding["rule"] for finding in result["findings"]}
