# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases import helm
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.certificates import CertificateSource
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.releases.wishes import Customization

from .samples import CERTIFIER, OPERATING


def test_the_chart_of_cert_manager() -> None:
    wishes = Customization(
        image_registry="mirror:5000/x",
        image_pull_secrets=["key"],
        leader_election_namespace="cert-manager",
        workloads={"webhook": {"replicas": 3, "flags": {"v": 4}}, "controller": {"resources": {"a": 1}}},
    )
    made = helm.values(CERTIFIER, wishes, {})
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
    wishes = Customization(
        image_registry="mirror:5000",
        flags={"feature-gates": "a,+b,-c", "java-image": "x", "v": "1"},
        variables={"WATCH_NAMESPACE": "ns"},
        workloads={"manager": {"replicas": 2, "resources": {"limits": {}}, "node_selector": {"a": "b"}}},
    )
    made = helm.values(OPERATING, wishes, {"collector": "mirror:5000/c:1", "apache_httpd": "mirror:5000/h:2"})
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


def test_where_the_certificate_of_a_chart_comes_from() -> None:
    issuer = {"name": "corporate", "kind": "ClusterIssuer"}
    own = helm.values(OPERATING, Customization(certificates=CertificateSource("issuer", issuer)), {})
    assert own["admissionWebhooks"] == {"certManager": {"enabled": True, "issuerRef": issuer}}
    made = helm.values(OPERATING, Customization(certificates=CertificateSource("generated")), {})
    assert made["admissionWebhooks"]["autoGenerateCert"] == {"enabled": True, "recreate": False}
    assert helm.values(OPERATING, Customization(), {})["admissionWebhooks"] == {"certManager": {"enabled": True}}
