# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release may do what releases of its product may do, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import manifest, privileges
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from . import samples

RBAC = "rbac.authorization.k8s.io/v1"
ACCOUNT = {"kind": "ServiceAccount", "name": "cm", "namespace": "cert-manager"}
RULE = {"apiGroups": ["", "x.io"], "resources": ["secrets"], "verbs": ["get"]}
NAMED = {"apiGroups": [""], "resources": ["leases"], "resourceNames": ["one"], "verbs": ["update"]}
AGGREGATED = {"labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}

Objects = list[dict[str, Any]]
FOREIGN = "evil.example.com:5000/j/cert-manager-controller"
EVERYBODY = {"kind": "Group", "name": "system:unauthenticated"}
STAR = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
MANY_ADDRESSES = {"nonResourceURLs": [f"/{number}" for number in range(101)], "verbs": list(map(str, range(100)))}
PODS = [{"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"]}]
HOOKS = "MutatingWebhookConfiguration hooks"
OWN = {"service": {"name": "cm", "namespace": "cert-manager"}}
CONVERTED = samples.definition(spec={"conversion": samples.CONVERSION})


ELECTION = samples.obj("Role", "election", "kube-system", api=RBAC, rules=[{**NAMED, "resourceNames": ["other"]}])


def role(kind: str = "ClusterRole", name: str = "reader", rules: Any = None, **more: Any) -> dict[str, Any]:
    space = "cert-manager" if kind == "Role" else ""
    return samples.obj(kind, name, space, api=RBAC, rules=[RULE] if rules is None else rules, **more)


def bound(subject: dict[str, Any], kind: str = "ClusterRole", name: str = "reader") -> dict[str, Any]:
    return samples.obj("ClusterRoleBinding", "b", api=RBAC, roleRef={"kind": kind, "name": name}, subjects=[subject])


def published() -> Objects:
    """Return a release with everything that a table has rows of."""
    return [
        *(item for item in samples.certifier_release() if item["kind"] not in ("Role", "RoleBinding")),
        samples.obj("ServiceAccount", "cm", "cert-manager"),
        samples.obj("Service", "cm", "cert-manager", spec={"ports": []}),
        samples.webhook(namespace="cert-manager"),
        role(),
        role("Role", rules=[NAMED]),
        ELECTION,
        bound(ACCOUNT),
        role(name="view", rules=[{**RULE, "apiGroups": ["x.io"]}], metadata=AGGREGATED),
    ]


def release(objects: Objects) -> manifest.Release:
    return manifest.read_release(samples.CERTIFIER, objects, "here")


TABLE = {"versions": ["v1.20.0", "v1.21.2"], "privileges": privileges.tabulate_privileges(release(published()))}


def different(objects: Objects) -> list[str]:
    """Return the differences that a message shows."""
    try:
        privileges.compare_privileges(release(objects), TABLE, [], "here")
    except Problem as problem:
        return [line.strip() for line in problem.wrong.splitlines()[1:]]
    return []


def changed(change: Any) -> Objects:
    """Return the release with its controller's pod changed."""
    objects = published()
    (found,) = (item for item in objects if item["kind"] == "Deployment" and item["metadata"]["name"] == "cm")
    change(found["spec"]["template"]["spec"])
    return objects


def container(**values: Any) -> Any:
    return lambda pod: pod["containers"][0].update(values)


def secured(**context: Any) -> Any:
    return container(securityContext=context)


def pod(**values: Any) -> Any:
    return lambda one: one.update(values)


@cases(
    "change, said",
    (secured(privileged=True), "container cm with privileged"),
    (secured(capabilities={"add": ["SYS_ADMIN"]}), "container cm with capability SYS_ADMIN"),
    (secured(allowPrivilegeEscalation=True), "container cm with allowPrivilegeEscalation"),
    (secured(runAsUser=0), "container cm with the user root"),
    (secured(seccompProfile={"type": "Unconfined"}), "container cm with seccompProfile Unconfined"),
    (secured(windowsOptions={"hostProcess": True}), "container cm with hostProcess"),
    (secured(procMount="Unmasked"), "container cm with procMount Unmasked"),
    (secured(seLinuxOptions={"type": "spc_t"}), "container cm with SELinux type spc_t"),
    (secured(seLinuxOptions={"user": "system_u"}), "container cm with SELinux user system_u"),
    (pod(securityContext={"seLinuxOptions": {"role": "system_r"}}), "pod with SELinux role system_r"),
    (pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "pod with sysctl kernel.msgmax"),
    (container(ports=[{"containerPort": 1, "hostPort": 22}]), "container cm with hostPort 22"),
    (container(livenessProbe={"httpGet": {"host": "a.b"}}), "container cm with livenessProbe of host a.b"),
    (container(lifecycle={"preStop": {"tcpSocket": {"host": "a.b"}}}), "container cm with preStop of host a.b"),
    (pod(securityContext={"runAsNonRoot": False}), "pod with the user root"),
    (pod(hostNetwork=True), "pod with hostNetwork"),
    (pod(hostPID=True), "pod with hostPID"),
    (pod(hostIPC=True), "pod with hostIPC"),
    (pod(serviceAccountName="theirs"), "pod with the ServiceAccount theirs, which is not in the release"),
    (pod(volumes=[{"name": "a", "hostPath": {"path": "/"}}]), "pod with a volume hostPath /"),
    (pod(volumes=[{"name": "a", "csi": {}}]), "pod with a volume csi"),
    (pod(initContainers=[{"name": "i", "image": "x/miner:1"}]), "image x/miner"),
    (container(image=f"{FOREIGN}:v1.21.2"), f"image {FOREIGN}"),
    (container(args=["--acme-http01-solver-image=x/solver:v1"]), "image x/solver"),
)
def test_a_pod_that_reaches_further_is_refused(change: Any, said: str) -> None:
    assert different(changed(change)) == [f"+ Deployment cert-manager/cm: {said}"]


def annotated(profile: str) -> Objects:
    """Return the release with an annotation of AppArmor at its controller's pod."""
    objects = published()
    (found,) = (item for item in objects if item["kind"] == "Deployment" and item["metadata"]["name"] == "cm")
    annotation = {"container.apparmor.security.beta.kubernetes.io/cm": profile}
    found["spec"]["template"]["metadata"] = {"annotations": annotation}
    return objects


def test_an_annotation_that_switches_app_armor_off_is_refused() -> None:
    said = "container cm with appArmorProfile unconfined"
    assert different(annotated("unconfined")) == [f"+ Deployment cert-manager/cm: {said}"]


@pytest.mark.parametrize("profile", ["runtime/default", "localhost/own"])
def test_an_annotation_with_a_profile_of_app_armor_is_no_privilege(profile: str) -> None:
    assert different(annotated(profile)) == []


@cases(
    "change",
    secured(seLinuxOptions={"type": "container_t", "level": "s0:c1,c2"}),
    pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
    secured(seccompProfile={"type": "RuntimeDefault"}, runAsNonRoot=True),
    container(livenessProbe={"httpGet": {"path": "/", "port": 1}}),
)
def test_what_the_baseline_of_kubernetes_allows_is_no_privilege(change: Any) -> None:
    assert different(changed(change)) == []


def more(item: dict[str, Any]) -> Objects:
    return [*published(), item]


def may(*rules: Any, **rule: Any) -> dict[str, Any]:
    """Return a ClusterRole with these rules, or with the one of the release and these values."""
    return role(name="r", rules=list(rules) or [{**RULE, **rule}])


def hooked(**webhook: Any) -> dict[str, Any]:
    return {**samples.webhook(), "webhooks": [{"name": "a", **webhook}]}


def service(**spec: Any) -> dict[str, Any]:
    return samples.obj("Service", "s", "cert-manager", spec=spec)


@cases(
    "item, of, said",
    (bound(EVERYBODY), "ClusterRoleBinding b", "subject Group system:unauthenticated"),
    (bound(ACCOUNT, name="cluster-admin"), "ClusterRoleBinding b", "role cluster-admin, which is not in the release"),
    (bound({**ACCOUNT, "namespace": "other"}), "ClusterRoleBinding b", "subject ServiceAccount other/cm"),
    (bound({**ACCOUNT, "name": "default"}), "ClusterRoleBinding b", "subject ServiceAccount cert-manager/default"),
    (may(STAR), "ClusterRole r", "may * *.*"),
    (may(verbs=["get", "*"]), "ClusterRole r", "may * secrets; may * secrets.x.io"),
    (may(resources=["secrets/x"]), "ClusterRole r", "may get secrets.x.io/x; may get secrets/x"),
    (may({"nonResourceURLs": ["/logs"], "verbs": ["get"]}), "ClusterRole r", "may get /logs"),
    (role(name="r", metadata=AGGREGATED), "ClusterRole r", "may get secrets, as everybody with the role view"),
    (may(NAMED), "ClusterRole r", "may update leases one"),
    (role(name="r", aggregationRule={"a": 1}), "ClusterRole r", "has the rights of other roles (aggregationRule)"),
    (may({**STAR, "verbs": list(map(str, range(10_001)))}), "ClusterRole r", "may * more rights than can be listed"),
    (may(MANY_ADDRESSES), "ClusterRole r", "may * more rights than can be listed"),
    (samples.obj("Secret", "s", "cert-manager"), "Secret cert-manager/s", "kind Secret"),
    (samples.obj("ServiceAccount", "s", "shop"), "ServiceAccount shop/s", "namespace shop"),
    (samples.obj("Namespace", "shop"), "Namespace shop", "namespace shop"),
    (samples.webhook(namespace="shop"), HOOKS, "webhook calls shop"),
    (hooked(clientConfig={"url": "https://e.com"}), HOOKS, "webhook calls https://e.com"),
    (hooked(clientConfig=OWN, rules=PODS), HOOKS, "mutating webhook for CREATE of pods"),
    (CONVERTED, "CustomResourceDefinition things.example.com", "webhook calls op"),
    (service(type="LoadBalancer"), "Service cert-manager/s", "service reachable by LoadBalancer"),
    (service(externalIPs=["10.0.0.1"]), "Service cert-manager/s", "service reachable by externalIPs"),
)
def test_an_object_that_may_do_more_is_refused(item: dict[str, Any], of: str, said: str) -> None:
    assert different(more(item)) == [f"+ {of}: {line}" for line in said.split("; ")]


def test_a_release_that_is_known_has_no_difference_and_less_than_the_table_has_is_none() -> None:
    assert different(published()) == []
    names = role(name="r", rules=[{**RULE, "resourceNames": ["one"]}])
    assert different([*published(), names, role("Role", name="r")]) == []


@cases(
    "item, said",
    (role("Role", rules=[NAMED]), "may update leases one"),
    (samples.deployment("cm", "", "quay.io/j/cert-manager-webhook:v1.21.2"), "namespace kube-system"),
)
def test_what_is_known_in_one_namespace_is_a_difference_in_another(item: dict[str, Any], said: str) -> None:
    item = {**item, "metadata": {**item["metadata"], "namespace": "kube-system"}}
    name = item["metadata"]["name"]
    assert different([*published(), item]) == [f"+ {item['kind']} kube-system/{name}: {said}"]


def test_a_role_in_a_namespace_of_others_may_what_the_table_has_there_or_everywhere() -> None:
    everywhere = samples.obj("Role", "reader", "kube-system", api=RBAC, rules=[RULE])
    assert different([*published(), everywhere]) == []


def test_the_message_names_the_release_and_how_to_accept_it() -> None:
    with pytest.raises(Problem) as caught:
        privileges.compare_privileges(release(more(bound(EVERYBODY))), TABLE, [], "https://m/cert-manager.yaml")
    text = str(caught.value)
    assert text.startswith("Apply the release v1.21.2 of cert-manager: its objects have privileges")
    for part in ("(v1.20.0 to v1.21.2)", "allow_privileges", "(at https://m/cert-manager.yaml)"):
        assert part in text


def test_exactly_what_is_listed_is_accepted_and_what_is_not_needed_is_returned() -> None:
    objects = more(bound(EVERYBODY))
    line = "ClusterRoleBinding b: subject Group system:unauthenticated"
    assert privileges.compare_privileges(release(objects), TABLE, [line, "other"], "here") == ["other"]
    with pytest.raises(Problem, match="subject Group system:unauthenticated"):
        privileges.compare_privileges(release(objects), TABLE, ["ClusterRoleBinding b: subject Group"], "here")


def test_a_release_cannot_declare_a_namespace_of_kubernetes_its_own() -> None:
    objects = published()
    for item in objects:
        if item["metadata"].get("namespace") == "cert-manager":
            item["metadata"]["namespace"] = "kube-system"
    assert "+ Deployment kube-system/cm: namespace kube-system" in different(objects)


@pytest.mark.parametrize("wrong", [None, "text", 1, [], {}, ["text"], [None], [{"apiGroups": {}, "verbs": "get"}]])
def test_what_no_api_server_accepts_is_no_traceback(wrong: Any) -> None:
    different([*published(), role(name="r", rules=wrong), {**bound(ACCOUNT), "subjects": wrong, "roleRef": wrong}])
    different(changed(pod(volumes=wrong, securityContext=wrong)))


@pytest.mark.parametrize("wrong", [1, ["text"], [{}], [{"clientConfig": 1}], {"a": 1}])
def test_webhooks_of_another_form_are_refused(wrong: Any) -> None:
    objects = more({**samples.webhook(), "webhooks": wrong})
    with pytest.raises(Problem, match=r"a form that Kubernetes does not accept|have privileges"):
        privileges.compare_privileges(release(objects), TABLE, [], "here")
