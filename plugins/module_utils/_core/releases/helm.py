# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same wishes as values of the projects' Helm charts. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..collector.collector import from_registry
from ..collector.names import RELEASE_LABEL
from ..instrumentation.languages import LANGUAGES
from .products import CERT_MANAGER, OPERATOR, Product
from .versions import Version
from .wishes import GENERATED, ISSUER, TUNING, Customization

Values = dict[str, Any]

# Component of cert-manager: where its values are in the chart.
_SECTIONS: dict[str, tuple[str, ...]] = {"controller": (), "webhook": ("webhook",), "cainjector": ("cainjector",)}
_REPOSITORIES = {
    (): "quay.io/jetstack/cert-manager-controller",
    ("webhook",): "quay.io/jetstack/cert-manager-webhook",
    ("cainjector",): "quay.io/jetstack/cert-manager-cainjector",
    ("acmesolver",): "quay.io/jetstack/cert-manager-acmesolver",
}
_OPERATOR_IMAGE = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator"
_OPERATOR_IMAGES: dict[str, tuple[str, ...]] = {
    "collector": ("collectorImage",),
    "target_allocator": ("targetAllocatorImage",),
    "opamp_bridge": ("opampBridgeImage",),
    **{name: ("autoInstrumentationImage", language.field) for name, language in LANGUAGES.items()},
}


def values(product: Product, wishes: Customization, images: Mapping[str, str], version: Version) -> Values:
    """Return the values of the product's chart; the user's own go over them."""
    return _CHARTS[product.name](wishes, images, version)


def _cert_manager(wishes: Customization, _images: Mapping[str, str], version: Version) -> Values:
    made: Values = {"crds": {"enabled": True}, "startupapicheck": {"enabled": False}}
    shared: Values = {"commonLabels": {RELEASE_LABEL: CERT_MANAGER}}
    if wishes.image_pull_secrets:
        shared["imagePullSecrets"] = [{"name": name} for name in wishes.image_pull_secrets]
    if wishes.leader_election_namespace:
        shared["leaderElection"] = {"namespace": wishes.leader_election_namespace}
    made["global"] = shared
    for path, image in _REPOSITORIES.items():
        digest = wishes.pin(f"{image}:{version.tag}").partition("@")[2]
        if wishes.image_registry:
            _at(made, path).setdefault("image", {})["repository"] = from_registry(image, wishes.image_registry)
        if digest:
            _at(made, path).setdefault("image", {})["digest"] = digest
    for name, path in _SECTIONS.items():
        _tuned(_at(made, path), wishes.workloads.get(name) or {})
    return made


def _operator(wishes: Customization, images: Mapping[str, str], version: Version) -> Values:
    manager: Values = {}
    made: Values = {"additionalLabels": {RELEASE_LABEL: OPERATOR}, "manager": manager}
    # Otherwise uninstalling the release deletes the collectors of all users.
    made["crds"] = {"annotations": {"helm.sh/resource-policy": "keep"}}
    if wishes.image_pull_secrets:
        made["imagePullSecrets"] = [{"name": name} for name in wishes.image_pull_secrets]
    manager.update(_manager_image(wishes, version))
    for name, started in images.items():
        repository, tag = _split(started)
        _at(manager, _OPERATOR_IMAGES[name]).update(repository=repository, tag=tag)
    flags = {**wishes.flags}
    gates = flags.pop("feature-gates", "")
    if gates:
        manager["featureGatesMap"] = {gate.lstrip("+-"): not gate.startswith("-") for gate in gates.split(",")}
    extra = [f"--{name}={value}" for name, value in flags.items() if not name.endswith("-image")]
    if extra:
        manager["extraArgs"] = extra
    if wishes.variables:
        manager["env"] = dict(wishes.variables)
    wish = dict(wishes.workloads.get("manager") or {})
    if wish.get("resources"):
        manager["resources"] = wish.pop("resources")
    _tuned(made, wish)
    made["admissionWebhooks"] = _webhooks(wishes)
    return made


def _manager_image(wishes: Customization, version: Version) -> Values:
    """Return the image of the operator if it differs from that of the chart."""
    image = from_registry(wishes.pin(f"{_OPERATOR_IMAGE}:{version}"), wishes.image_registry)
    repository, tag = _split(image)
    moved: Values = {"repository": repository} if wishes.image_registry else {}
    return {"image": {**moved, **({"tag": tag} if "@" in tag else {})}} if moved or "@" in tag else {}


def _split(image: str) -> tuple[str, str]:
    """Return repository and tag; a digest stays with the tag, because the chart joins both with a colon."""
    name, at_sign, digest = image.partition("@")
    repository, _colon, tag = name.rpartition(":")
    return repository, f"{tag}{at_sign}{digest}"


def _webhooks(wishes: Customization) -> Values:
    """Return where the certificate comes from; a generated one of the chart stays when it is upgraded."""
    if wishes.certificates.source == GENERATED:
        return {"certManager": {"enabled": False}, "autoGenerateCert": {"enabled": True, "recreate": False}}
    issuer = dict(wishes.certificates.issuer) if wishes.certificates.source == ISSUER else {}
    return {"certManager": {"enabled": True} | ({"issuerRef": issuer} if issuer else {})}


def _tuned(section: Values, wish: Mapping[str, Any]) -> None:
    if wish.get("replicas") is not None:
        section["replicaCount"] = wish["replicas"]
    section.update({key: wish[name] for name, key in TUNING.items() if wish.get(name)})
    if wish.get("flags"):
        section["extraArgs"] = [f"--{name}={value}" for name, value in wish["flags"].items()]


def _at(tree: Values, path: tuple[str, ...]) -> Values:
    for key in path:
        tree = tree.setdefault(key, {})
    return tree


_CHARTS: dict[str, Callable[[Customization, Mapping[str, str], Version], Values]] = {
    CERT_MANAGER: _cert_manager,
    OPERATOR: _operator,
}
