# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release manifests: version, namespace, workloads and webhooks. Private."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.ownership import label_of
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .products import PRODUCTS, Product
from .versions import Version, image_name, read, tag

VERSION_LABEL = "app.kubernetes.io/version"
DEFINITION = "CustomResourceDefinition"
WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


@dataclass(frozen=True)
class Release:
    product: Product
    version: Version
    namespace: str
    objects: tuple[Manifest, ...]


def release(product: Product, objects: Sequence[Any], where: str) -> Release:
    """Return the release in these objects. Raises Problem if they are not a release of the product."""
    manifests = [item for item in objects if item is not None]
    strange = next((item for item in manifests if not _is_object(item)), None)
    if strange is not None or not manifests:
        wrong = f"this holds no Kubernetes objects ({type(strange).__name__})" if manifests else "this is empty"
        fix = f"Give the release's {product.manifest}."
        raise Problem(wrong, asked=f"Read the release of {product.title}", where=where, fix=fix)
    main = workload(product, manifests)
    if main is None:
        raise _stranger(product, manifests, where)
    found = version_of(product, main)
    if found is None:
        wrong = f"neither the label {VERSION_LABEL} nor the image of {main['metadata']['name']} has a version"
        fix = "Give the manifest as it was published, and images with image_registry."
        raise Problem(wrong, asked=f"Read the release of {product.title}", where=where, fix=fix)
    namespace = main["metadata"].get("namespace") or product.namespace
    return Release(product, found, namespace, tuple(manifests))


def workload(product: Product, manifests: Sequence[Manifest]) -> Manifest | None:
    """Return the Deployment of the product's main component, or nothing."""
    return next((item for item in manifests if component(product, item) == product.main), None)


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
    labelled = read(label_of(main, VERSION_LABEL))
    wanted = (product.components[product.main], *product.builds)
    tags = [tag(item["image"]) for item in containers(main) if image_name(item.get("image", "")) in wanted]
    return labelled or next(filter(None, map(read, tags)), None)


def containers(manifest: Manifest) -> list[dict[str, Any]]:
    spec = manifest.get("spec", {}).get("template", {}).get("spec", {})
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def workloads(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the workloads among some objects, as rollout_wait takes them."""
    return [
        {"kind": item["kind"], "namespace": item["metadata"].get("namespace", ""), "name": item["metadata"]["name"]}
        for item in manifests
        if item["kind"] in ("Deployment", "DaemonSet", "StatefulSet")
    ]


def webhooks(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the objects that need a CA bundle, as admission_wait takes them."""
    return [{"kind": item["kind"], "name": item["metadata"]["name"]} for item in manifests if any(client_configs(item))]


def client_configs(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield how the API server calls the webhooks of an object."""
    if manifest["kind"] in WEBHOOKS:
        yield from (item["clientConfig"] for item in manifest.get("webhooks") or [])
    if manifest["kind"] == DEFINITION:
        conversion = manifest["spec"].get("conversion") or {}
        if conversion.get("strategy") == "Webhook":
            yield conversion["webhook"]["clientConfig"]


def _is_object(item: Any) -> bool:
    if not isinstance(item, dict) or not {"kind", "apiVersion", "metadata"} <= set(item):
        return False
    parts = (item["metadata"], item.get("spec", {}))
    return all(isinstance(part, dict) for part in parts) and "name" in item["metadata"]


def _stranger(product: Product, manifests: Sequence[Manifest], where: str) -> Problem:
    other = next((item for item in PRODUCTS.values() if workload(item, manifests)), None)
    wrong = f"this is the manifest of {other.title}" if other else f"no Deployment in it runs {product.title}"
    asked = f"Read the release of {product.title}"
    return Problem(f"{wrong}", asked=asked, where=where, fix=f"Give the release's {product.manifest}.")
