# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one cluster that a GitOps tool applies: which object is in which file, and in which order. Private.

A stage is a folder: a tool can apply one after the other, as playbook `site` does. The folder of the cluster lists its
stages, and each stage its files, in a kustomization.yaml, which kubectl, Argo CD and Flux read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import items, section
from .._otelcol.errors import Problem
from .._otelcol.kube.names import RELEASE_LABEL, release
from .._otelcol.kube.objects import Ref, ref

Object = dict[str, Any]
# The stages in the order of playbook `site`, each with the product that it installs.
PRODUCTS = {"cert-manager": "cert-manager", "operator": "opentelemetry-operator"}
COLLECTORS, INSTRUMENTATION = "collectors", "instrumentation"
STAGES = (*PRODUCTS, COLLECTORS, INSTRUMENTATION)
KUSTOMIZATION, VALUES = "kustomization.yaml", "values.yml"
# What `site` never prunes, and what a tool would take data or other owners' objects with. Sources of the marks: Argo
# CD, user-guide/sync-options.md (No Prune Resources, No Resource Deletion); Flux, kustomize/kustomizations (Garbage
# collection).
KEPT_KINDS = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")
KEPT_MARKS = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
# How a product is installed that is in no file, and what to do.
_LEFT_OUT = {
    "eks_addon": "EKS installs it as an add-on, which is no object of the cluster",
    "olm": "the Operator Lifecycle Manager of the cluster installs it",
}
_BY_SITE = "Let playbook site install it, with `--tags {tag}`."
_GENERATED = "generated"
_HELM = "helm"


@dataclass(frozen=True)
class Stage:
    """A folder of a cluster: its files with their objects, and the values of a Helm chart if it has one."""

    name: str
    files: Mapping[str, Sequence[Object]]
    values: Mapping[str, Any] | None = None


def stages_of(
    collectors: Mapping[str, Any], instrumentation: Mapping[str, Any], products: Iterable[Mapping[str, Any]]
) -> list[Stage]:
    """Return the stages of a cluster that have files, from what the roles render.

    Raises Problem if two stages define one object differently.
    """
    by_name = {product["name"]: _of_product(product) for product in products}
    by_name[COLLECTORS] = _of_collectors(collectors)
    by_name[INSTRUMENTATION] = Stage(INSTRUMENTATION, _named(instrumentation, "instrumentations.yml"))
    stages = [by_name[name] for name in STAGES if name in by_name]
    once = _once(stages, items(instrumentation, "namespaces"))
    return [stage for stage in once if stage.files]


def left_out(products: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return in words which products of the inventory are in no file."""
    found = []
    for product in products:
        reason = _LEFT_OUT.get(product["provider"], "")
        if _makes_certificate(product):
            reason = "its certificate is made in the cluster (otel_operator_certificates: generated)"
        if reason:
            tag = product["name"].replace("-", "_")
            found.append(f"{PRODUCTS[product['name']]} is in no file: {reason}. {_BY_SITE.format(tag=tag)}")
    return found


def tree(stages: Sequence[Stage]) -> dict[str, list[Object]]:
    """Return the files of a cluster by their paths in its folder, each with its documents."""
    files: dict[str, list[Object]] = {KUSTOMIZATION: [_kustomization(stage.name for stage in stages)]}
    for stage in stages:
        files[f"{stage.name}/{KUSTOMIZATION}"] = [_kustomization(sorted(stage.files))]
        for name, objects in stage.files.items():
            files[f"{stage.name}/{name}"] = [marked(manifest) for manifest in objects]
        if stage.values is not None:
            files[f"{stage.name}/{VALUES}"] = [dict(stage.values)]
    return files


def marked(manifest: Object) -> Object:
    """Return an object as a file has it: with marks of ownership if a tool may not prune it."""
    if manifest["kind"] not in KEPT_KINDS:
        return manifest
    metadata = section(manifest, "metadata")
    return {**manifest, "metadata": {**metadata, "annotations": {**KEPT_MARKS, **section(metadata, "annotations")}}}


def _kustomization(resources: Iterable[str]) -> Object:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(resources)}


def _makes_certificate(product: Mapping[str, Any]) -> bool:
    return product["provider"] == "manifest" and product.get("certificates") == _GENERATED


def _of_product(product: Mapping[str, Any]) -> Stage:
    """Return the stage of a product: its objects, or for Helm its Namespace and the values of its chart."""
    name, rendered = product["name"], section(product, "release")
    if product["provider"] == _HELM:
        return Stage(name, {"namespace.yml": [product["namespace_object"]]}, section(rendered, "chart_values"))
    if _makes_certificate(product):
        return Stage(name, {})
    return Stage(name, _named(rendered, "release.yml"))


def _named(rendered: Mapping[str, Any], file: str) -> dict[str, Sequence[Object]]:
    """Return a file of this name with what was rendered; none if that is nothing."""
    manifests = items(rendered, "manifests")
    return {file: manifests} if manifests else {}


def _of_collectors(rendered: Mapping[str, Any]) -> Stage:
    """Return the stage of the collectors: a file for each, and one for what those of a namespace share."""
    by_release = {}
    for collector in items(rendered, "collectors"):
        namespace, name = collector["namespace"], collector["name"]
        by_release[release(namespace, name)] = f"{namespace}/{name}.yml"
    files: dict[str, list[Object]] = {}
    for manifest in items(rendered, "manifests"):
        metadata = section(manifest, "metadata")
        shared_file = f"{metadata.get('namespace') or metadata['name']}.yml"
        own_release = str(section(metadata, "labels").get(RELEASE_LABEL))
        files.setdefault(by_release.get(own_release, shared_file), []).append(manifest)
    return Stage(COLLECTORS, files)


def _once(stages: Iterable[Stage], annotated: Iterable[Object]) -> Iterator[Stage]:
    """Yield the stages with each object once, in the first that has it; the last one also gets the Namespaces
    whose annotations are wanted and that no stage has.

    A Namespace stays as its first stage has it, as `site` does not change one of another release.
    """
    wanted = {ref(manifest): manifest for manifest in annotated}
    seen: dict[Ref, Object] = {}
    for stage in stages:
        files = {}
        for name, objects in stage.files.items():
            new_objects = list(_new(objects, seen, wanted))
            if new_objects:
                files[name] = new_objects
        if stage.name == INSTRUMENTATION and wanted:
            files["namespaces.yml"] = list(wanted.values())
        yield Stage(stage.name, files, stage.values)


def _new(objects: Iterable[Object], seen: dict[Ref, Object], wanted: dict[Ref, Object]) -> Iterator[Object]:
    """Yield the objects that no earlier stage has, Namespaces with the annotations that are wanted of them."""
    for manifest in objects:
        key = ref(manifest)
        if key in seen:
            if manifest["kind"] != "Namespace" and seen[key] != manifest:
                wrong = f"two parts of the inventory define {key} differently"
                raise Problem(wrong, fix="Give one of them another name or namespace.")
            continue
        seen[key] = manifest
        annotations = section(wanted.pop(key, {}), "metadata", "annotations")
        yield _annotated(manifest, annotations) if annotations else manifest


def _annotated(manifest: Object, more: Mapping[str, Any]) -> Object:
    metadata = section(manifest, "metadata")
    return {**manifest, "metadata": {**metadata, "annotations": {**section(metadata, "annotations"), **more}}}
