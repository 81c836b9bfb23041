# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release manifests: version, namespace, workloads and webhooks. Private."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.ownership import label_of
from ..._otelcol.config.paths import at, mappings
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .image_references import image_name, tag
from .products import PRODUCTS, Product
from .version_numbers import Version, read

VERSION_LABEL = "app.kubernetes.io/version"
DEFINITION = "CustomResourceDefinition"
# Where kinds have the spec of their pods, beside those that have a template.
_POD_SPECS = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


@dataclass(frozen=True)
class Release:
    product: Product
    version: Version
    namespace: str
    objects: tuple[Manifest, ...]


def release(product: Product, objects: Sequence[Any], where: str) -> Release:
    """Return the release in these objects. Raises Problem if they are not a release of the product."""
    asked = f"Read the release of {product.title}"
    give_it = f"Give the release's {product.manifest}."
    manifests = [document for document in objects if document is not None]
    if not manifests:
        raise Problem("this is empty", asked=asked, where=where, fix=give_it)
    for document in manifests:
        if not _is_object(document):
            wrong = f"this holds no Kubernetes objects ({type(document).__name__})"
            raise Problem(wrong, asked=asked, where=where, fix=give_it)
    main = workload(product, manifests)
    if main is None:
        raise Problem(_why_no_main(product, manifests), asked=asked, where=where, fix=give_it)
    version = version_of(product, main)
    if version is None:
        wrong = f"neither the label {VERSION_LABEL} nor the image of {main['metadata']['name']} has a version"
        fix = "Give the manifest as it was published, and images with image_registry."
        raise Problem(wrong, asked=asked, where=where, fix=fix)
    namespace = main["metadata"].get("namespace") or product.namespace
    return Release(product, version, namespace, tuple(manifests))


def workload(product: Product, manifests: Sequence[Manifest]) -> Manifest | None:
    """Return the Deployment of the product's main component, or nothing."""
    return next((manifest for manifest in manifests if component(product, manifest) == product.main), None)


def component(product: Product, manifest: Manifest) -> str:
    """Return which component of a product a Deployment runs, by the names of its images, or nothing."""
    if manifest["kind"] != "Deployment":
        return ""
    names = {image_name(container.get("image", "")) for container in containers(manifest)}
    if names & set(product.builds):
        return product.main
    return next((name for name, image in product.components.items() if image in names), "")


def version_of(product: Product, main: Manifest) -> Version | None:
    """Return the version of a product by its main Deployment: a label, or the tag of its image."""
    labelled_version = read(label_of(main, VERSION_LABEL))
    if labelled_version:
        return labelled_version
    main_images = (product.components[product.main], *product.builds)
    for container in containers(main):
        image = container.get("image", "")
        tagged_version = read(tag(image))
        if tagged_version and image_name(image) in main_images:
            return tagged_version
    return None


def containers(manifest: Manifest) -> list[dict[str, Any]]:
    """Return all containers of a workload's pods, those of its start first; none for another kind of object."""
    spec = at(manifest, _POD_SPECS.get(manifest.get("kind", ""), ("spec", "template", "spec")))
    return [*mappings(spec, "initContainers"), *mappings(spec, "containers")]


def workloads(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the workloads among some objects, as rollout_wait takes them."""
    references = []
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            metadata = manifest["metadata"]
            namespace = metadata.get("namespace", "")
            references.append({"kind": manifest["kind"], "namespace": namespace, "name": metadata["name"]})
    return references


def webhooks(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the objects that need a CA bundle, as admission_wait takes them."""
    calling = [manifest for manifest in manifests if any(client_configs(manifest))]
    return [{"kind": manifest["kind"], "name": manifest["metadata"]["name"]} for manifest in calling]


def client_configs(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield how the API server calls the webhooks of an object."""
    if manifest["kind"] in WEBHOOKS:
        for webhook in manifest.get("webhooks") or []:
            yield webhook["clientConfig"]
    if manifest["kind"] == DEFINITION:
        conversion = manifest["spec"].get("conversion") or {}
        if conversion.get("strategy") == "Webhook":
            yield conversion["webhook"]["clientConfig"]


def _is_object(document: Any) -> bool:
    """Return whether a document of YAML has the form of a Kubernetes object with a name."""
    if not isinstance(document, dict) or not {"kind", "apiVersion", "metadata"} <= set(document):
        return False
    metadata, spec = document["metadata"], document.get("spec", {})
    return isinstance(metadata, dict) and isinstance(spec, dict) and "name" in metadata


def _why_no_main(product: Product, manifests: Sequence[Manifest]) -> str:
    """Return why a manifest does not run the product: perhaps it is that of another one."""
    for other in PRODUCTS.values():
        if workload(other, manifests):
            return f"this is the manifest of {other.title}"
    return f"no Deployment in it runs {product.title}"
