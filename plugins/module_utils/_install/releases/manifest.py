# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release manifests: version, namespace, workloads and webhooks. Private.

A release manifest is the file that a project publishes with a release, such as opentelemetry-operator.yaml. The action
that renders a release calls `read_release` with its objects. For example, a Deployment of the operator with the image
`…/opentelemetry-operator:0.140.0` makes it a release of version 0.140.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.ownership import read_label
from ..._otelcol.config.paths import mappings_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .image_references import image_name, read_image_tag
from .products import PRODUCTS, Product
from .version_numbers import Version, parse_release_version

VERSION_LABEL = "app.kubernetes.io/version"
DEFINITION = "CustomResourceDefinition"
# Where kinds have the spec of their pods, beside those that have a template.
_POD_SPECS = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


@dataclass(frozen=True)
class Release:
    """A release of a product, read from its manifest."""

    product: Product
    version: Version
    namespace: str
    """The namespace in which it runs the product."""
    objects: tuple[Manifest, ...]


def read_release(product: Product, objects: Sequence[Any], origin: str) -> Release:
    """Return the release in these objects. Raises Problem if they are not a release of the product.

    `origin` says in messages where the objects came from.
    """
    task = f"Read the release of {product.title}"
    fix_manifest = f"Give the release's {product.manifest}."
    manifests = [document for document in objects if document is not None]
    if not manifests:
        raise Problem("this is empty", asked=task, where=origin, fix=fix_manifest)
    for document in manifests:
        if not is_object(document):
            wrong = f"this holds no Kubernetes objects ({type(document).__name__})"
            raise Problem(wrong, asked=task, where=origin, fix=fix_manifest)
        odd_container = describe_odd_container(document)
        if odd_container:
            raise Problem(odd_container, asked=task, where=origin, fix=fix_manifest)
    main_deployment = find_main_deployment(product, manifests)
    if main_deployment is None:
        raise Problem(_explain_missing_main(product, manifests), asked=task, where=origin, fix=fix_manifest)
    version = find_version(product, main_deployment)
    if version is None:
        wrong = (
            f"neither the label {VERSION_LABEL} nor the image of {main_deployment['metadata']['name']} has a version"
        )
        fix = "Give the manifest as it was published, and images with image_registry."
        raise Problem(wrong, asked=task, where=origin, fix=fix)
    namespace = main_deployment["metadata"].get("namespace") or product.namespace
    return Release(product, version, namespace, tuple(manifests))


def find_main_deployment(product: Product, manifests: Sequence[Manifest]) -> Manifest | None:
    """Return the Deployment of the product's main component; None if these objects have none."""
    return next(
        (manifest for manifest in manifests if find_component(product, manifest) == product.main_component), None
    )


def find_component(product: Product, manifest: Manifest) -> str:
    """Return which component of a product a Deployment runs, by the names of its images; empty if it runs none."""
    if manifest["kind"] != "Deployment":
        return ""
    image_names = {image_name(container.get("image", "")) for container in list_containers(manifest)}
    if image_names & set(product.image_names):
        return product.main_component
    return next((name for name, image in product.components.items() if image in image_names), "")


def find_version(product: Product, main_deployment: Manifest) -> Version | None:
    """Return the version of a product by its main Deployment: a label, or the tag of its image; None without both."""
    labelled_version = parse_release_version(read_label(main_deployment, VERSION_LABEL))
    if labelled_version:
        return labelled_version
    main_images = (product.components[product.main_component], *product.image_names)
    for container in list_containers(main_deployment):
        image = container.get("image", "")
        tagged_version = parse_release_version(read_image_tag(image))
        if tagged_version and image_name(image) in main_images:
            return tagged_version
    return None


def list_containers(manifest: Manifest) -> list[dict[str, Any]]:
    """Return all containers of a workload's pods, those of its start first; none for another kind of object."""
    spec = value_at(manifest, _POD_SPECS.get(manifest.get("kind", ""), ("spec", "template", "spec")))
    return [*mappings_at(spec, "initContainers"), *mappings_at(spec, "containers")]


def list_workloads(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the workloads among some objects, as rollout_wait takes them."""
    references = []
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            metadata = manifest["metadata"]
            namespace = metadata.get("namespace", "")
            references.append({"kind": manifest["kind"], "namespace": namespace, "name": metadata["name"]})
    return references


def list_webhooks(manifests: Sequence[Manifest]) -> list[dict[str, str]]:
    """Return the objects that need a CA bundle, as admission_wait takes them."""
    calling_objects = [manifest for manifest in manifests if any(iter_client_configs(manifest))]
    return [{"kind": manifest["kind"], "name": manifest["metadata"]["name"]} for manifest in calling_objects]


def iter_client_configs(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield the field `clientConfig` of each webhook of an object, which says how the API server calls it."""
    if manifest["kind"] in WEBHOOKS:
        for webhook in manifest.get("webhooks") or []:
            yield webhook["clientConfig"]
    if manifest["kind"] == DEFINITION:
        conversion = manifest["spec"].get("conversion") or {}
        if conversion.get("strategy") == "Webhook":
            yield conversion["webhook"]["clientConfig"]


def is_object(document: Any) -> bool:
    """Return whether a document of YAML has the form of a Kubernetes object with a name."""
    if not isinstance(document, dict) or not {"kind", "apiVersion", "metadata"} <= set(document):
        return False
    kind, metadata, spec = document["kind"], document["metadata"], document.get("spec", {})
    return isinstance(kind, str) and isinstance(metadata, dict) and isinstance(spec, dict) and "name" in metadata


def describe_odd_container(manifest: Manifest) -> str:
    """Return a sentence about a container in which no image can be found or moved; empty if there is none."""
    for container in list_containers(manifest):
        fault = _find_container_fault(container)
        if fault:
            return f"a container of {manifest['kind']} {manifest['metadata']['name']} has {fault}"
    return ""


def _find_container_fault(container: Mapping[str, Any]) -> str:
    """Return what is wrong with a container, as the end of a sentence; empty if nothing is."""
    if not isinstance(container.get("image"), str):
        return "no text as its image"
    if not _are_texts(container.get("args") or []):
        return "something else than texts as its args"
    if not _are_named(container.get("env") or []):
        return "a variable (env) without a name"
    return ""


def _are_texts(arguments: Any) -> bool:
    """Return whether a value is a list of texts."""
    return isinstance(arguments, list) and all(isinstance(argument, str) for argument in arguments)


def _are_named(variables: Any) -> bool:
    """Return whether a value is a list of mappings that each have a name."""
    if not isinstance(variables, list):
        return False
    return all(isinstance(variable, dict) and isinstance(variable.get("name"), str) for variable in variables)


def _explain_missing_main(product: Product, manifests: Sequence[Manifest]) -> str:
    """Return why a manifest does not run the product: perhaps it is that of another one."""
    for other_product in PRODUCTS.values():
        if find_main_deployment(other_product, manifests):
            return f"this is the manifest of {other_product.title}"
    return f"no Deployment in it runs {product.title}"
