# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import (
    customization as given,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import (
    helm,
    image_references,
    manifest,
    pinned_images,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.webhook_certificates import (
    CertificateSource,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases
from . import samples

MIRROR = "mirror.local:5000/x"


def test_a_release_has_its_version_and_its_namespace() -> None:
    objects = samples.operator_release()
    found = manifest.read_release(samples.OPERATING, [*objects, None], "a.yaml")
    assert (str(found.version), found.namespace, len(found.objects)) == ("0.158.0", "op", len(objects))
    labelled = samples.certifier_release()
    labelled[4]["spec"]["template"]["spec"]["containers"][0]["image"] = "r:5000/cert-manager-controller@sha256:00"
    assert str(manifest.read_release(samples.CERTIFIER, labelled, "").version) == "1.21.2"
    for image, name in (("localhost:5000/x", ("x", "")), ("r:5000/a/b:2@sha256:00ff", ("b", "2"))):
        assert (image_references.image_name(image), image_references.read_image_tag(image)) == name


@cases(
    "objects, said",
    ([], "this is empty"),
    (["text"], r"holds no Kubernetes objects \(str\)"),
    ([{"kind": "List"}], r"holds no Kubernetes objects \(dict\)"),
    (samples.certifier_release(), "this is the manifest of cert-manager"),
    ([samples.obj("ConfigMap", "a")], "no Deployment in it runs the OpenTelemetry operator"),
    ([samples.deployment("m", "op", "r/opentelemetry-operator@sha256:0")], "has a version"),
)
def test_what_is_no_release_of_the_product_is_refused(objects: list[Any], said: str) -> None:
    with pytest.raises(Problem, match=said) as failed:
        manifest.read_release(samples.OPERATING, objects, "here.yaml")
    assert "(at here.yaml)" in str(failed.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"image": 5}, "a container of Deployment op has no text as its image"),
        ({"image": None}, "a container of Deployment op has no text as its image"),
        ({"args": [5]}, "a container of Deployment op has something else than texts as its args"),
        ({"env": [5]}, "a container of Deployment op has a variable (env) without a name"),
        ({"env": [{"value": "x"}]}, "a container of Deployment op has a variable (env) without a name"),
    ],
)
def test_a_workload_with_an_odd_container_is_refused(fields: dict[str, Any], said: str) -> None:
    container = {"image": "a:1", **fields}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "op"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    with pytest.raises(Problem) as found:
        manifest.read_release(samples.OPERATING, [workload, *samples.operator_release()], "a.yaml")
    assert f"Read the release of {samples.OPERATING.title}: {said} (at a.yaml)" in str(found.value)


def test_what_is_waited_for() -> None:
    found = manifest.list_workloads(samples.certifier_release())
    assert found == [{"kind": "Deployment", "namespace": "cert-manager", "name": name} for name in ("cm", "cm-webhook")]
    others = [samples.definition(), samples.obj("ConfigMap", "a"), samples.webhook("ValidatingWebhookConfiguration")]
    hooks = manifest.list_webhooks([*samples.operator_release(), *others])
    assert [(item["kind"], item["name"]) for item in hooks] == [
        ("CustomResourceDefinition", "collectors.example.com"),
        ("MutatingWebhookConfiguration", "hooks"),
        ("ValidatingWebhookConfiguration", "hooks"),
    ]


def test_the_chart_of_cert_manager() -> None:
    custom = given.Customization(
        image_registry="mirror:5000/x",
        image_pull_secrets=["key"],
        leader_election_namespace="cert-manager",
        workloads={"webhook": {"replicas": 3, "flags": {"v": 4}}, "controller": {"resources": {"a": 1}}},
    )
    made = helm.build_chart_values(samples.CERTIFIER, custom, {}, samples.NEWEST)
    assert made["global"] == {
        "commonLabels": {"o11y.opentelemetry/release": "cert-manager"},
        "imagePullSecrets": [{"name": "key"}],
        "leaderElection": {"namespace": "cert-manager"},
    }
    assert made["image"] == {"repository": "mirror:5000/x/jetstack/cert-manager-controller"}
    assert made["acmesolver"]["image"]["repository"] == "mirror:5000/x/jetstack/cert-manager-acmesolver"
    assert (made["webhook"]["replicaCount"], made["webhook"]["extraArgs"]) == (3, ["--v=4"])
    assert (made["resources"], made["crds"]) == ({"a": 1}, {"enabled": True})


def test_the_chart_of_the_operator() -> None:
    custom = given.Customization(
        image_registry="mirror:5000",
        flags={"feature-gates": "a,+b,-c", "java-image": "x", "v": "1"},
        variables={"WATCH_NAMESPACE": "ns"},
        workloads={"manager": {"replicas": 2, "resources": {"limits": {}}, "node_selector": {"a": "b"}}},
    )
    started = {"collector": "mirror:5000/c:1", "apache_httpd": "mirror:5000/h:2"}
    made = helm.build_chart_values(samples.OPERATING, custom, started, samples.NEWEST)
    assert made["manager"] == {
        "image": {"repository": "mirror:5000/open-telemetry/opentelemetry-operator/opentelemetry-operator"},
        "collectorImage": {"repository": "mirror:5000/c", "tag": "1"},
        "autoInstrumentationImage": {"apacheHttpd": {"repository": "mirror:5000/h", "tag": "2"}},
        "featureGatesMap": {"a": True, "b": True, "c": False},
        "extraArgs": ["--v=1"],
        "env": {"WATCH_NAMESPACE": "ns"},
        "resources": {"limits": {}},
    }
    assert (made["replicaCount"], made["nodeSelector"]) == (2, {"a": "b"})
    assert made["crds"] == {"annotations": {"helm.sh/resource-policy": "keep"}}
    assert made["additionalLabels"] == {"o11y.opentelemetry/release": "opentelemetry-operator"}


def test_flags_and_variables_of_a_component_stand_where_its_chart_reads_them() -> None:
    options = {"flags": {"v": 4, "leader-elect": False}, "env": {"A": 1, "B": {"secret": "s", "key": "k"}}}
    variables = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    custom = given.Customization(
        flags={"v": "1", "java-image": "x"}, workloads={"manager": options, "controller": options, "webhook": options}
    )
    operator_values = helm.build_chart_values(samples.OPERATING, custom, {}, samples.NEWEST)
    assert operator_values["manager"]["extraArgs"] == ["--v=4", "--leader-elect=false"]
    assert operator_values["manager"]["extraEnvs"] == variables
    assert not {"extraArgs", "extraEnvs", "extraEnv"} & operator_values.keys()
    chart_values = helm.build_chart_values(samples.CERTIFIER, custom, {}, samples.NEWEST)
    for section in (chart_values, chart_values["webhook"]):
        assert (section["extraArgs"], section["extraEnv"]) == (["--v=4", "--leader-elect=false"], variables)


def test_a_flag_that_a_chart_sets_cannot_be_taken_away() -> None:
    custom = given.Customization(workloads={"webhook": {"flags": {"v": None}}})
    with pytest.raises(Problem, match=r"workloads\.webhook\.flags.* v .*provider manifest"):
        helm.build_chart_values(samples.CERTIFIER, custom, {}, samples.NEWEST)


@cases(
    "source, made",
    (CertificateSource(), {"certManager": {"enabled": True}}),
    (CertificateSource("issuer", {"name": "a"}), {"certManager": {"enabled": True, "issuerRef": {"name": "a"}}}),
    (CertificateSource("generated"), {"autoGenerateCert": {"enabled": True, "recreate": False}}),
)
def test_where_the_certificate_of_a_chart_comes_from(source: CertificateSource, made: dict[str, Any]) -> None:
    found = helm.build_chart_values(samples.OPERATING, given.Customization(certificates=source), {}, samples.NEWEST)[
        "admissionWebhooks"
    ]
    assert {key: found[key] for key in made} == made
    assert ("issuerRef" in str(found)) is (source.source == "issuer")


def test_the_operator_is_told_nothing_that_it_knows_and_a_registry_moves_every_default() -> None:
    started, flags = pinned_images.choose_operator_images("0.152.0", "", {}, samples.TABLE)
    published = {"collector": "collector:0.152.1", "target_allocator": "allocator:0.152.0", "java": "java:2.28.1"}
    assert (started, flags) == ({name: f"ghcr.io/otel/{image}" for name, image in published.items()}, {})
    started, flags = pinned_images.choose_operator_images(
        "0.158.0", MIRROR, {"java": "docker.io/mine/java:3"}, samples.TABLE
    )
    assert flags == {
        "collector-image": f"{MIRROR}/otel/collector:0.158.0",
        "target-allocator-image": f"{MIRROR}/otel/allocator:0.158.0",
        "auto-instrumentation-java-image": f"{MIRROR}/mine/java:3",
    }
    assert set(started.values()) == set(flags.values())


def test_a_version_that_nobody_knows_cannot_come_from_a_registry() -> None:
    with pytest.raises(Problem, match=r"0\.999\.0 .* not known.*Give them all: collector, target_allocator, java"):
        pinned_images.choose_operator_images("0.999.0", MIRROR, {}, samples.TABLE)
    given = {"collector": "a/c:1", "target_allocator": "a/t:1", "java": "a/j:1"}
    _started, flags = pinned_images.choose_operator_images("0.999.0", MIRROR, given, samples.TABLE)
    assert flags["collector-image"] == f"{MIRROR}/a/c:1"
    own = ({"java": "a/j:1"}, {"auto-instrumentation-java-image": "a/j:1"})
    assert pinned_images.choose_operator_images("0.999.0", "", {"java": "a/j:1"}, samples.TABLE) == own
    with pytest.raises(Problem, match="no image 'jaav'; did you mean 'java'"):
        pinned_images.choose_operator_images("0.158.0", "", {"jaav": "x"}, samples.TABLE)


def made(product: Any, objects: Any, **custom: Any) -> dict[str, Any]:
    release = manifest.read_release(product, objects, "")
    return {
        f"{item['kind']} {item['metadata']['name']}": item
        for item in given.customize_release(release, given.Customization(**custom))
    }


def container(item: Any) -> Any:
    return item["spec"]["template"]["spec"]["containers"][0]


def test_every_object_says_which_release_it_is_of() -> None:
    result = made(samples.OPERATING, samples.operator_release())
    assert {item["metadata"]["labels"]["o11y.opentelemetry/release"] for item in result.values()} == {
        samples.OPERATING.name
    }
    owned = {name for name, item in result.items() if "app.kubernetes.io/managed-by" in item["metadata"]["labels"]}
    definitions = {f"CustomResourceDefinition {name}.example.com" for name in ("collectors", "things")}
    assert owned == {"Namespace op", *definitions}


def test_the_operator_of_another_build_is_customised_too() -> None:
    objects = samples.operator_release()
    deployment = next(item for item in objects if item["kind"] == "Deployment")
    container(deployment)["image"] = "public.ecr.aws/aws-observability/adot-operator:v0.150.0"
    result = made(samples.OPERATING, objects, workloads={"manager": {"resources": {"limits": {"memory": "1Gi"}}}})
    assert container(result[f"Deployment {deployment['metadata']['name']}"])["resources"] == {
        "limits": {"memory": "1Gi"}
    }


def test_what_was_read_stays_as_it_was_and_notes_of_a_generator_are_left_out() -> None:
    objects = samples.operator_release()
    objects[1]["metadata"]["creationTimestamp"] = None
    objects[1]["status"] = {"acceptedNames": {}}
    before = copy.deepcopy(objects)
    found = made(
        samples.OPERATING, objects, namespace="other", image_registry="r", workloads={"manager": {"replicas": 3}}
    )
    assert objects == before
    result = found["CustomResourceDefinition collectors.example.com"]
    assert "status" not in result
    assert "creationTimestamp" not in result["metadata"]


def test_another_namespace_reaches_everything_that_names_it() -> None:
    result = made(samples.OPERATING, samples.operator_release(), namespace="mine")
    hooks = result["MutatingWebhookConfiguration hooks"]
    conversion = result["CustomResourceDefinition collectors.example.com"]["spec"]["conversion"]
    clients = [hooks["webhooks"][0]["clientConfig"], conversion["webhook"]["clientConfig"]]
    assert [client["service"]["namespace"] for client in clients] == ["mine", "mine"]
    assert hooks["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": "mine/serving"}
    assert result["Namespace mine"]["kind"] == "Namespace"
    assert result["ServiceAccount operator"]["metadata"]["namespace"] == "mine"
    assert result["ClusterRoleBinding b"]["subjects"][0]["namespace"] == "mine"
    assert result["Certificate serving"]["spec"]["dnsNames"] == ["hook.mine.svc", "hook.mine.svc.cluster.local"]


def test_leader_election_can_leave_the_namespace_of_the_system() -> None:
    result = made(samples.CERTIFIER, samples.certifier_release(), leader_election_namespace="cert-manager")
    assert result["Role election"]["metadata"]["namespace"] == "cert-manager"
    assert "--leader-election-namespace=cert-manager" in container(result["Deployment cm"])["args"]
    as_published = made(samples.CERTIFIER, samples.certifier_release())
    assert as_published["Role election"]["metadata"]["namespace"] == "kube-system"


def test_a_component_gets_what_was_asked_for_it() -> None:
    placing = {"tolerations": [{"operator": "Exists"}], "affinity": {"nodeAffinity": {}}}
    flags = {"v": 4, "new": True, "leader-election-namespace": None}
    wish = {"replicas": 2, "resources": {"limits": {}}, "flags": flags, "env": {"A": "b"}, "node_selector": {"a": "b"}}
    given = {"controller": {**wish, **placing}}
    result = made(samples.CERTIFIER, samples.certifier_release(), workloads=given, image_pull_secrets=["key"])
    changed, other = result["Deployment cm"]["spec"], result["Deployment cm-webhook"]["spec"]
    pod = {**changed["template"]["spec"]}
    (found,) = pod.pop("containers")
    secrets = {"imagePullSecrets": [{"name": "key"}]}
    assert (changed["replicas"], pod) == (2, {"nodeSelector": {"a": "b"}, **placing, **secrets})
    assert found["args"] == ["--acme-http01-solver-image=quay.io/j/solver:v1", "--v=4", "--new=true"]
    assert (found["resources"], found["env"]) == ({"limits": {}}, [{"name": "A", "value": "b"}])
    assert "replicas" not in other and secrets.items() <= other["template"]["spec"].items()


def test_flags_and_variables_of_the_product_go_to_its_main_component() -> None:
    result = made(samples.CERTIFIER, samples.certifier_release(), flags={"x": "1"}, variables={"A": "b"})
    assert "--x=1" in container(result["Deployment cm"])["args"]
    assert "env" not in container(result["Deployment cm-webhook"])
    with pytest.raises(Problem, match="no component 'webhok'; did you mean 'webhook'"):
        made(samples.CERTIFIER, samples.certifier_release(), workloads={"webhok": {}})
