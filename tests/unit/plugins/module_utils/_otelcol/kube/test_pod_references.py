# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload refers to, and what its bundle brings of it."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.reference_remedies import describe_remedy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_references import (
    PodReference,
    find_needed_objects,
    find_unprovided,
    list_provided_refs,
)

from tests.support.cases import cases

POD = yaml.safe_load("""
priorityClassName: urgent
runtimeClassName: sandbox
containers:
  - name: c
    env:
      - {name: A, valueFrom: {secretKeyRef: {name: login, key: user}}}
      - {name: B, valueFrom: {secretKeyRef: {name: login, key: password}}}
      - {name: C, valueFrom: {secretKeyRef: {name: perhaps, key: c, optional: true}}}
      - {name: D, valueFrom: {configMapKeyRef: {name: settings, key: d}}}
      - {name: secret, value: text}
    envFrom:
      - {secretRef: {name: all}}
      - {configMapRef: {name: defaults}}
volumes:
  - {name: a, secret: {secretName: tls}}
  - {name: b, secret: {secretName: ca, items: [{key: ca.crt, path: ca.crt}]}}
  - {name: c, configMap: {name: files, optional: true}}
  - {name: d, projected: {sources: [{secret: {name: part, items: [{key: k, path: k}]}}, {configMap: {name: root}}]}}
  - {name: e, emptyDir: {}}
""")


def obj(kind: str, name: str = "a", **more: Any) -> Any:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "ns", **more.pop("meta", {})},
        **more,
    }


def workload(pod: Any, **more: Any) -> Any:
    return obj("Deployment", spec={"template": {"spec": pod}, **more})


def test_all_references_of_a_pod_are_found_with_their_keys() -> None:
    assert set(find_needed_objects(workload(POD)).values()) == {
        PodReference("Secret", "ns", "login", ("password", "user")),
        PodReference("ConfigMap", "ns", "settings", ("d",)),
        PodReference("Secret", "ns", "all"),
        PodReference("ConfigMap", "ns", "defaults"),
        PodReference("Secret", "ns", "tls"),
        PodReference("Secret", "ns", "ca", ("ca.crt",)),
        PodReference("Secret", "ns", "part", ("k",)),
        PodReference("ConfigMap", "ns", "root"),
        PodReference("PriorityClass", "", "urgent"),
        PodReference("RuntimeClass", "", "sandbox"),
    }


def test_the_login_of_a_registry_is_a_reference_of_a_pod_and_of_an_account() -> None:
    pulling: Any = {"imagePullSecrets": [{"name": "registry"}]}
    wanted = PodReference("Secret", "ns", "registry", has_registry_login=True)
    for manifest in (workload(pulling), obj("ServiceAccount", **pulling)):
        assert list(find_needed_objects(manifest).values()) == [wanted]
        assert find_unprovided(manifest, None, ()) == [wanted]
        assert find_unprovided(manifest, manifest, ()) == []
    told = describe_remedy(wanted, exists=False, has_namespace=False)
    assert "kubectl create secret docker-registry registry --namespace ns --from-file=.dockerconfigjson=FILE" in told


@cases(
    "manifest",
    None,
    obj("ConfigMap", data={"secretRef": {"name": "x"}}),
    obj("OpenTelemetryCollector", spec={"config": {"exporters": {"a": {"secretRef": {"name": "x"}}}}}),
    obj("OpenTelemetryCollector", spec={"mode": "sidecar", "envFrom": [{"secretRef": {"name": "x"}}]}),
    workload({"volumes": [{"name": "a", "secret": "text"}], "priorityClassName": ""}),
    workload({"volumes": ["text", {"name": ["a"]}], "containers": ["text", {"env": ["text"], "volumeMounts": [1]}]}),
    workload({"volumes": [{"csi": {"driver": "secrets-store.csi.k8s.io"}}, {"secret": {"secretName": "made"}}]}),
    ids=["nothing", "no workload", "text of a user", "pods of others", "no object", "malformed", "made by a driver"],
)
def test_nothing_else_is_a_reference(manifest: Any) -> None:
    assert find_needed_objects(manifest) == {}


def test_a_custom_resource_of_the_operator_refers_as_a_pod_does() -> None:
    spec = {"envFrom": [{"secretRef": {"name": "x"}}], "config": {}}
    assert list(find_needed_objects(obj("OpenTelemetryCollector", spec=spec))) == [ObjectRef("Secret", "ns", "x")]


MOUNTED = {
    "volumes": [{"name": "tls", "secret": {"secretName": "tls"}}, {"name": "c", "configMap": {"name": "config"}}],
    "containers": [{"volumeMounts": [{"name": "tls", "mountPath": "/etc/tls/"}, {"name": "c", "mountPath": "/conf"}]}],
}


def reading(text: str, pod: Any = MOUNTED) -> Any:
    """Return the keys of Secret tls that a pod needs whose config has this text."""
    config = obj("ConfigMap", "config", data={"relay": f"a: {text}\n"})
    return find_needed_objects(workload(pod), {ObjectRef("ConfigMap", "ns", "config"): config})[
        ObjectRef("Secret", "ns", "tls")
    ].keys


@cases(
    "text, keys",
    ("/etc/tls/ca.crt", ("ca.crt",)),
    ("'/etc/tls/tls.crt' # and /etc/tls/tls.key", ("tls.crt", "tls.key")),
    ("${file:/etc/tls/token}", ("token",)),
    ("/etc/tls", ()),
    ("/etc/tls/ca.crt/inner", ()),
    ("/other/etc/tls/ca.crt", ()),
    ("/etc/tls-2/ca.crt", ()),
    ("${env:CA:-/etc/tls/ca.crt}", ()),
    ("/etc/tls/app-*.json", ()),
    ("/etc/tls/t[0-9].json", ()),
    ("/etc/tls/tls-${env:NODE}.crt", ()),
    ("read /etc/tls/ca.crt.", ("ca.crt",)),
)
def test_the_files_that_a_config_reads_are_keys_of_what_is_mounted(text: str, keys: tuple[str, ...]) -> None:
    assert reading(text) == keys
    resource = obj("OpenTelemetryCollector", spec={**MOUNTED, **MOUNTED["containers"][0], "config": {"a": text}})
    assert find_needed_objects(resource)[ObjectRef("Secret", "ns", "tls")].keys == keys


def test_a_key_may_have_another_path_and_a_shared_folder_may_have_it_from_another_object() -> None:
    tls, config = MOUNTED["volumes"]
    listed = {"secretName": "tls", "items": [{"key": "root", "path": "ca.crt"}]}
    assert reading("/etc/tls/ca.crt", {**MOUNTED, "volumes": [{"name": "tls", "secret": listed}, config]}) == ("root",)
    both = {"sources": [{"secret": {"name": "tls"}}, {"secret": {"name": "other"}}]}
    assert reading("/etc/tls/ca.crt", {**MOUNTED, "volumes": [{"name": "tls", "projected": both}, config]}) == ()
    file = {"name": "tls", "mountPath": "/etc/ca.pem", "subPath": "ca.crt"}
    mounts = {"volumeMounts": [file, {"name": "c", "mountPath": "/conf"}]}
    assert reading("/etc/ca.pem", {"volumes": [tls, config], "containers": [mounts]}) == ("ca.crt",)


def test_a_running_workload_whose_config_reads_the_same_files_was_checked_before() -> None:
    old, new = (
        {ObjectRef("ConfigMap", "ns", "config"): obj("ConfigMap", "config", data={"relay": f"a: /etc/tls/{key}"})}
        for key in ("tls.crt", "ca.crt")
    )
    ours = {ObjectRef("ConfigMap", "ns", "config")}
    assert find_unprovided(workload(MOUNTED), workload(MOUNTED), ours, old, old) == []
    found = find_unprovided(workload(MOUNTED), workload(MOUNTED), ours, new, old)
    assert found == [PodReference("Secret", "ns", "tls", ("ca.crt",))]


CLAIMS = [{"spec": {"storageClassName": "fast"}}, {"spec": {"storageClassName": ""}}, {"spec": {}}]


def test_a_class_of_claims_and_what_an_allocator_watches_are_references() -> None:
    for kind in ("StatefulSet", "OpenTelemetryCollector"):
        assert list(find_needed_objects(obj(kind, spec={"volumeClaimTemplates": CLAIMS}))) == [
            ObjectRef("StorageClass", "", "fast")
        ]
    allocator = {"targetAllocator": {"enabled": True, "prometheusCR": {"enabled": True}}}
    found = find_needed_objects(obj("OpenTelemetryCollector", spec=allocator))
    assert {(one.kind, one.name.partition(".")[0]) for one in found} == {
        ("CustomResourceDefinition", "servicemonitors"),
        ("CustomResourceDefinition", "podmonitors"),
    }


def test_a_bundle_brings_its_objects_and_what_is_made_for_them() -> None:
    serving = {"annotations": {"service.beta.openshift.io/serving-cert-secret-name": "serving"}}
    bundle = [obj("ConfigMap"), obj("Certificate", spec={"secretName": "tls"}), obj("Service", meta=serving)]
    assert {name for kind, _namespace, name in list_provided_refs(bundle) if kind == "Secret"} == {"tls", "serving"}
    assert ObjectRef("ConfigMap", "ns", "a") in list_provided_refs(bundle)


def test_only_new_references_that_nobody_brings_are_looked_for() -> None:
    pod = {"volumes": [{"secret": {"secretName": name}} for name in ("old", "new", "ours")]}
    pod["volumes"].append({"configMap": {"name": "kube-root-ca.crt"}})
    live = workload({"volumes": [{"secret": {"secretName": "old"}}]})
    found = find_unprovided(workload(pod), live, {ObjectRef("Secret", "ns", "ours")})
    assert found == [PodReference("Secret", "ns", "new")]
    more = {"volumes": [{"secret": {"secretName": "old", "items": [{"key": "k", "path": "k"}]}}]}
    assert find_unprovided(workload(more), live, ()) == [PodReference("Secret", "ns", "old", ("k",))]
