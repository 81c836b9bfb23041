# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The products: their publications, the marks that identify them, and the objects that they leave behind. Private.

The names come from the projects' release manifests and Helm charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem, suggest_word

CERT_MANAGER = "cert-manager"
OPERATOR = "opentelemetry-operator"


@dataclass(frozen=True)
class Kind:
    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool = True

    @property
    def definition_name(self) -> str:
        return f"{self.plural}.{self.group}"

    @property
    def api_version(self) -> str:
        """The version under which its objects are read."""
        return f"{self.group}/{self.version}"


@dataclass(frozen=True)
class Product:
    """A product that is installed from a release of its own."""

    name: str
    title: str
    manifest: str
    download_url: str
    namespace: str
    # Label selector of its Deployments, for all installers.
    label_selector: str
    # Component: the last part of its image's name.
    components: Mapping[str, str]
    # The component whose image has the version of the product.
    main_component: str
    kinds: tuple[Kind, ...]
    # Kinds whose objects people make; the others are made from them.
    used_kinds: tuple[str, ...]
    # The variable that says what happens to the custom resources of others when the product goes.
    others: str
    # Whether an upgrade must pass through every minor version.
    is_stepwise: bool
    # Names that builds of others give the image of the main component, and its label app.kubernetes.io/name.
    image_names: tuple[str, ...] = ()
    # What it makes for itself and does not remove: (apiVersion, kind, name, whether beside its leader election).
    leftovers: tuple[tuple[str, str, str, bool], ...] = ()
    # Whether its webhooks may take a certificate that the user names.
    takes_certificates: bool = False
    # Whether it starts pods whose images its flags name, and which a mirror needs as well.
    starts_pods: bool = False
    # Whether it runs Collectors, whose version must fit its own.
    runs_collectors: bool = False
    # Whether its chart has versions of its own; otherwise the version of the product.
    versions_its_chart: bool = False
    # Whether this collection may remove custom resources with it.
    removes_resources: bool = False
    # Whether a catalog of OLM, or an add-on of EKS, installs it.
    is_in_olm: bool = False
    is_in_eks_addons: bool = False
    # What the webhooks are tried with.
    trial_objects: tuple[Mapping[str, Any], ...] = field(default=())

    def build_trials(self, namespace: str) -> list[dict[str, Any]]:
        """The objects that are tried, in a namespace."""
        return [{**trial, "metadata": {**trial["metadata"], "namespace": namespace}} for trial in self.trial_objects]


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
            leftovers=(
                ("v1", "Secret", "cert-manager-webhook-ca", False),
                (_LEASE_API, "Lease", "cert-manager-controller", True),
                (_LEASE_API, "Lease", "cert-manager-cainjector-leader-election", True),
                (_LEASE_API, "Lease", "cert-manager-cainjector-leader-election-core", True),
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
                *("OpenTelemetryCollector", "Instrumentation", "TargetAllocator"),
                *("OpAMPBridge", "ClusterObservability"),
            ),
            others="otel_operator_others",
            # Its own upgrade routines take collectors through all versions.
            is_stepwise=False,
            leftovers=(
                ("v1", "Secret", "opentelemetry-operator-controller-manager-service-cert", False),
                ("v1", "Secret", "opentelemetry-operator-generated-certificate", False),
                (_LEASE_API, "Lease", "9f7554c3.opentelemetry.io", False),
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
