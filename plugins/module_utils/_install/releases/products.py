# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The products that this collection installs: cert-manager and the OpenTelemetry operator. Private.

A product says where its releases are published, how its objects are found in a cluster, and which objects it makes for
itself. The decisions, the removal and the mirror read it. The names come from the release manifests and Helm charts of
both projects. For example, `PRODUCTS["cert-manager"].components["webhook"]` is `cert-manager-webhook`, the last part of
the name of an image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, suggest_word

CERT_MANAGER = "cert-manager"
OPERATOR = "opentelemetry-operator"


@dataclass(frozen=True)
class Kind:
    """A kind of custom resources that a product serves."""

    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool = True

    @property
    def definition_name(self) -> str:
        """The name of its CustomResourceDefinition, such as certificates.cert-manager.io."""
        return f"{self.plural}.{self.group}"

    @property
    def api_version(self) -> str:
        """The version under which its objects are read, such as cert-manager.io/v1."""
        return f"{self.group}/{self.version}"


class SelfMadeObject(NamedTuple):
    """An object that a product makes for itself and does not remove, such as a Lease."""

    api_version: str
    kind: str
    name: str
    is_of_election: bool = False
    """Whether it is in the namespaces in which the product elects a leader, and not in the product's own."""


@dataclass(frozen=True)
class Product:
    """A product that is installed from a release of its own."""

    name: str
    """Such as cert-manager: CERT_MANAGER or OPERATOR."""
    title: str
    """Its name in messages."""
    manifest: str
    """The file of a release that has its objects."""
    download_url: str
    """The URL of its releases; the tag of a release and the name of a file follow."""
    namespace: str
    """The namespace in which its release installs it."""
    label_selector: str
    """What selects its Deployments, whoever installed them."""
    components: Mapping[str, str]
    """By component, the last part of the name of its image."""
    main_component: str
    """The component whose image has the version of the product."""
    kinds: tuple[Kind, ...]
    """All kinds that it serves."""
    used_kinds: tuple[str, ...]
    """Kinds whose objects people make. The objects of other kinds are made from them."""
    others: str
    """The variable of the user that says what happens to custom resources of others when the product is removed."""
    is_stepwise: bool
    """Whether an upgrade must pass through every minor version."""
    image_names: tuple[str, ...] = ()
    """Names that builds of others give the image of the main component, and its label app.kubernetes.io/name."""
    self_made_objects: tuple[SelfMadeObject, ...] = ()
    takes_certificates: bool = False
    """Whether its webhooks may take a certificate that the user names."""
    starts_pods: bool = False
    """Whether it starts pods whose images its flags name, and which a mirror needs as well."""
    runs_collectors: bool = False
    """Whether it runs Collectors, whose version must fit its own."""
    versions_its_chart: bool = False
    """Whether its chart has versions of its own; otherwise it has the version of the product."""
    removes_resources: bool = False
    """Whether this collection may delete custom resources of others when it removes the product."""
    is_in_olm: bool = False
    """Whether a catalog of OLM has it."""
    is_in_eks_addons: bool = False
    """Whether EKS has it as an add-on."""
    trial_objects: tuple[Mapping[str, Any], ...] = ()
    """Objects that are created in a dry run, to see that the webhooks of the product answer."""

    def build_trials(self, namespace: str) -> list[dict[str, Any]]:
        """Return the trial objects in a namespace."""
        trials = []
        for trial in self.trial_objects:
            metadata = {**trial["metadata"], "namespace": namespace}
            trials.append({**trial, "metadata": metadata})
        return trials


_TRIAL_CERTIFICATE = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "o11y-dry-run"},
    "spec": {"secretName": "o11y-dry-run", "dnsNames": ["dry-run.invalid"], "issuerRef": {"name": "o11y-dry-run"}},
}
_TRIAL_COLLECTOR = {
    "apiVersion": "opentelemetry.io/v1beta1",
    "kind": "OpenTelemetryCollector",
    "metadata": {"name": "o11y-dry-run"},
    "spec": {
        "config": {
            "receivers": {"otlp": {"protocols": {"grpc": {}}}},
            "exporters": {"debug": {}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
        }
    },
}
_TRIAL_INSTRUMENTATION = {
    "apiVersion": "opentelemetry.io/v1alpha1",
    "kind": "Instrumentation",
    "metadata": {"name": "o11y-dry-run"},
    "spec": {},
}
_LEASE_API = "coordination.k8s.io/v1"

PRODUCTS = {
    product.name: product
    for product in (
        Product(
            name=CERT_MANAGER,
            title="cert-manager",
            manifest="cert-manager.yaml",
            download_url="https://github.com/cert-manager/cert-manager/releases/download",
            namespace="cert-manager",
            label_selector="app.kubernetes.io/name in (cert-manager,webhook,cainjector)",
            components={
                "controller": "cert-manager-controller",
                "webhook": "cert-manager-webhook",
                "cainjector": "cert-manager-cainjector",
            },
            main_component="controller",
            kinds=(
                Kind("cert-manager.io", "v1", "certificates", "Certificate"),
                Kind("cert-manager.io", "v1", "issuers", "Issuer"),
                Kind("cert-manager.io", "v1", "clusterissuers", "ClusterIssuer", is_namespaced=False),
                Kind("cert-manager.io", "v1", "certificaterequests", "CertificateRequest"),
                Kind("acme.cert-manager.io", "v1", "orders", "Order"),
                Kind("acme.cert-manager.io", "v1", "challenges", "Challenge"),
            ),
            used_kinds=("Certificate", "Issuer", "ClusterIssuer"),
            others="cert_manager_others",
            # https://cert-manager.io/docs/installation/upgrade/
            is_stepwise=True,
            self_made_objects=(
                SelfMadeObject("v1", "Secret", "cert-manager-webhook-ca"),
                SelfMadeObject(_LEASE_API, "Lease", "cert-manager-controller", is_of_election=True),
                SelfMadeObject(_LEASE_API, "Lease", "cert-manager-cainjector-leader-election", is_of_election=True),
                SelfMadeObject(
                    _LEASE_API, "Lease", "cert-manager-cainjector-leader-election-core", is_of_election=True
                ),
            ),
            trial_objects=(_TRIAL_CERTIFICATE,),
        ),
        Product(
            name=OPERATOR,
            title="the OpenTelemetry operator",
            manifest="opentelemetry-operator.yaml",
            download_url="https://github.com/open-telemetry/opentelemetry-operator/releases/download",
            namespace="opentelemetry-operator-system",
            label_selector="app.kubernetes.io/name in (opentelemetry-operator,adot-operator)",
            components={"manager": "opentelemetry-operator"},
            main_component="manager",
            # That of ADOT: gallery.ecr.aws/aws-observability/adot-operator.
            image_names=("adot-operator",),
            kinds=(
                Kind("opentelemetry.io", "v1beta1", "opentelemetrycollectors", "OpenTelemetryCollector"),
                Kind("opentelemetry.io", "v1alpha1", "instrumentations", "Instrumentation"),
                Kind("opentelemetry.io", "v1alpha1", "targetallocators", "TargetAllocator"),
                Kind("opentelemetry.io", "v1alpha1", "opampbridges", "OpAMPBridge"),
                Kind("opentelemetry.io", "v1alpha1", "clusterobservabilities", "ClusterObservability"),
            ),
            used_kinds=(
                "OpenTelemetryCollector",
                "Instrumentation",
                "TargetAllocator",
                "OpAMPBridge",
                "ClusterObservability",
            ),
            others="otel_operator_others",
            # Its own upgrade routines take collectors through all versions.
            is_stepwise=False,
            self_made_objects=(
                SelfMadeObject("v1", "Secret", "opentelemetry-operator-controller-manager-service-cert"),
                SelfMadeObject("v1", "Secret", "opentelemetry-operator-generated-certificate"),
                SelfMadeObject(_LEASE_API, "Lease", "9f7554c3.opentelemetry.io"),
            ),
            takes_certificates=True,
            starts_pods=True,
            runs_collectors=True,
            versions_its_chart=True,
            removes_resources=True,
            is_in_olm=True,
            is_in_eks_addons=True,
            trial_objects=(_TRIAL_COLLECTOR, _TRIAL_INSTRUMENTATION),
        ),
    )
}


def find_product(name: str) -> Product:
    """Return a product. Raises Problem for an unknown name."""
    if name not in PRODUCTS:
        raise Problem(
            f"there is no product '{name}'{suggest_word(name, PRODUCTS)}", fix=f"Products: {', '.join(PRODUCTS)}."
        )
    return PRODUCTS[name]
