"""Role cert_manager: install, again, upgrade, somebody else's, removal. The tests are steps of one story, in order."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, wait_until

OLD, NEW = "v1.20.3", "v1.21.2"
CERTIFICATE = """
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: own, namespace: default}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: own, namespace: default}
spec: {secretName: own, dnsNames: [own.example.com], issuerRef: {name: own}}
"""


def role(host: Host, options: str = "", *, arguments: str = "") -> CommandResult:
    """Run the role with inputs as JSON or as KEY=VALUE."""
    playbook = PROJECT / "molecule/cert_manager/role.yml"
    extra = f"-e '{options}'" if options else ""
    return host.run(f"ansible-playbook -i localhost, {playbook} {extra} {arguments}")


def unchanged(result: CommandResult) -> bool:
    """Return whether a run did nothing, and all went well."""
    return bool(re.search(r"changed=0 .*failed=0", result.stdout))


def image(host: Host) -> str:
    """Return the image of the controller."""
    deployment = Cluster(host, "cert-manager").get("deployment", "cert-manager")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def serial(host: Host) -> str:
    """Return what tells one issued certificate from the next."""
    return str(Cluster(host, "default").get("certificate", "own")["status"].get("revision"))


@pytest.fixture(scope="module", autouse=True)
def tidy(host: Host) -> Iterator[None]:
    yield
    host.run("kubectl -n default delete certificate,issuer,secret own --ignore-not-found")
    host.run(f"kubectl delete --ignore-not-found -f {release(NEW)}")


def release(version: str) -> Path:
    """Return the release manifest in the mirror."""
    return Path(os.environ["O11Y_RELEASE_MIRROR"], "cert-manager", version, "cert-manager.yaml")


def test_a_check_on_an_empty_cluster_shows_all_and_makes_nothing(host: Host) -> None:
    checked = role(host, arguments="--check --diff")
    assert checked.rc == 0, checked.stdout
    for kind in ("Namespace", "CustomResourceDefinition", "Deployment", "ValidatingWebhookConfiguration"):
        assert f"+kind: {kind}" in checked.stdout
    assert host.check_output("kubectl get ns cert-manager --ignore-not-found") == ""


PRIVILEGED = """
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cert-manager-more}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:unauthenticated"}]
"""


def test_a_changed_release_is_refused_and_nothing_is_applied(host: Host, tmp_path: Path) -> None:
    published, changed = release(OLD).read_text(), tmp_path / "cert-manager.yaml"
    changed.write_text(published.replace("allowPrivilegeEscalation: false", "privileged: true") + PRIVILEGED)
    refused = role(host, f"cert_manager_version={OLD} cert_manager_source={changed}")
    assert refused.rc != 0
    for line in (
        "Deployment cert-manager/cert-manager: container cert-manager-controller with privileged",
        "ClusterRoleBinding cert-manager-more: role cluster-admin, which is not in the release",
        "ClusterRoleBinding cert-manager-more: subject Group system:unauthenticated",
    ):
        assert f"+ {line}" in refused.stdout
    assert host.check_output("kubectl get ns cert-manager --ignore-not-found") == ""


def test_a_lock_refuses_another_manifest(host: Host, tmp_path: Path) -> None:
    hosts, lock, changed = tmp_path / "hosts.yml", tmp_path / "otel.lock.yml", tmp_path / "cert-manager.yaml"
    hosts.write_text(f"all: {{hosts: {{cluster: {{cert_manager_provider: manifest, cert_manager_version: {OLD}}}}}}}")
    site, locks = (f"ansible-playbook o11y.opentelemetry.{name} -i {hosts}" for name in ("site", "lock"))
    locked = host.run(f"{locks} -e '{{otel_lock_exclude: [\"*\"]}}'")
    assert locked.rc == 0, locked.stdout
    before = hashlib.sha256(release(OLD).read_bytes()).hexdigest()
    assert f"sum: sha256:{before}" in lock.read_text()
    changed.write_text(f"{release(OLD).read_text()}\n# changed\n")
    refused = host.run(f"{site} -e cert_manager_source={changed}")
    assert refused.rc != 0
    assert before in refused.stdout
    assert hashlib.sha256(changed.read_bytes()).hexdigest() in refused.stdout
    assert host.check_output("kubectl get ns cert-manager --ignore-not-found") == ""
    assert host.run(f"{site} --check").rc == 0


def test_it_is_installed_and_ready_in_one_run(host: Host) -> None:
    installed = role(host, f"cert_manager_version={OLD}")
    assert installed.rc == 0, installed.stdout
    host.check_output(f"kubectl apply -f - <<'END'\n{CERTIFICATE}\nEND")  # no wait: ready means ready
    wait_until("the certificate", lambda: host.run("kubectl -n default get secret own").rc == 0)
    assert unchanged(role(host, f"cert_manager_version={OLD}"))


def test_a_jump_over_a_minor_version_is_refused_with_the_way_to_go(host: Host) -> None:
    refused = role(host, "cert_manager_version=v1.22.0 cert_manager_compatibility=warn")
    assert refused.rc != 0
    assert image(host).endswith(OLD)


def test_an_upgrade_keeps_certificates(host: Host) -> None:
    before = serial(host)
    upgraded = role(host)
    assert upgraded.rc == 0, upgraded.stdout
    assert image(host).endswith(NEW)
    assert serial(host) == before
    assert unchanged(role(host))


def test_a_downgrade_is_refused(host: Host) -> None:
    refused = role(host, f"cert_manager_version={OLD}")
    assert refused.rc != 0
    assert image(host).endswith(NEW)


def test_it_is_not_removed_under_the_certificates_of_others(host: Host) -> None:
    refused = role(host, "cert_manager_state=absent")
    assert refused.rc != 0
    assert "default/own" in refused.stdout
    assert image(host).endswith(NEW)


def test_removal_leaves_nothing(host: Host) -> None:
    host.check_output("kubectl -n default delete certificate,issuer,secret own")
    # The garbage collector deletes the requests a moment later; a definition with objects would be kept.
    wait_until("no request", lambda: not host.check_output("kubectl -n default get certificaterequests -o name"))
    removed = role(host, "cert_manager_state=absent cert_manager_remove_definitions=true")
    assert removed.rc == 0, removed.stdout
    kinds = "crds,ns,clusterroles,clusterrolebindings,validatingwebhookconfigurations,mutatingwebhookconfigurations"
    assert "cert-manager" not in host.check_output(f"kubectl get {kinds} -o name")
    assert "cert-manager" not in host.check_output("kubectl -n kube-system get roles,rolebindings,leases -o name")
    assert unchanged(role(host, "cert_manager_state=absent cert_manager_remove_definitions=true"))


def install_with_kubectl(host: Host, version: str) -> None:
    """Install as somebody without the role does, and look after an injector that has missed its webhook.

    The injector may miss the webhook while it still learns of the Secret. It looks again when the webhook changes; the
    role touches what it has installed, and nothing of somebody else's.
    """
    host.check_output(f"kubectl apply --server-side -f {release(version)}")
    webhook = "validatingwebhookconfiguration cert-manager-webhook"
    touches = itertools.count()

    def has_ca() -> bool:
        if host.check_output(f"kubectl get {webhook} -o jsonpath='{{.webhooks[*].clientConfig.caBundle}}'"):
            return True
        host.check_output(f"kubectl annotate --overwrite {webhook} touched={next(touches)}")
        return False

    wait_until("the injector gives the webhook its CA", has_ca, seconds=240)


def test_what_somebody_else_installed_is_used_and_left_alone(host: Host) -> None:
    install_with_kubectl(host, OLD)
    adopted = role(host)
    assert adopted.rc == 0, adopted.stdout
    assert unchanged(adopted)
    assert image(host).endswith(OLD)
    assert unchanged(role(host, "cert_manager_state=absent cert_manager_remove_definitions=true"))
    assert image(host).endswith(OLD)
