# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay out the objects of one cluster in files that a GitOps tool applies. Private.

The files of a cluster are in folders, its stages: a tool can apply one stage after the other, as playbook `site` does.
The folder of the cluster lists its stages, and each stage its files, in a kustomization.yaml, which kubectl, Argo CD
and Flux read. For example:

    kustomization.yaml                       resources: [operator, collectors]
    operator/kustomization.yaml              resources: [release.yml]
    operator/release.yml                     what role otel_operator renders
    collectors/kustomization.yaml            resources: [obs.yml, obs/gateway.yml]
    collectors/obs.yml                       what the collectors of a namespace share
    collectors/obs/gateway.yml               one collector
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from .._kube.release_names import collector_release
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import Problem
from .._otelcol.kube.names import RELEASE_LABEL
from .._otelcol.kube.objects import ObjectRef, ref

Object = dict[str, Any]


class _ProductKeys(TypedDict):
    """The keys that every product has."""

    name: str
    """A key of PRODUCTS."""
    provider: str
    """How it is installed: `manifest`, `helm`, `eks_addon`, `olm`, or not (`existing`)."""
    release: Mapping[str, Any]
    """The result of its render: `manifests`, or with provider `helm` `chart_values`."""


class Product(_ProductKeys, total=False):
    """A product as its role renders it."""

    certificates: str
    """Who makes the certificate of the operator's webhooks; missing for cert-manager."""
    namespace_object: Object
    """Its Namespace, with provider `helm` alone."""


class CollectorName(TypedDict):
    """A collector that a role renders."""

    namespace: str
    name: str


class RenderResult(TypedDict, total=False):
    """What the role of the collectors or of the instrumentations renders."""

    manifests: list[Object]
    collectors: list[CollectorName]
    """The collectors; missing for instrumentations."""
    namespaces: list[Object]
    """Namespaces with the annotations that instrumentations want of them; missing for collectors."""


# The stages in the order of playbook `site`, each with the product that it installs.
PRODUCTS = {"cert-manager": "cert-manager", "operator": "opentelemetry-operator"}
COLLECTORS, INSTRUMENTATION = "collectors", "instrumentation"
STAGES = (*PRODUCTS, COLLECTORS, INSTRUMENTATION)
KUSTOMIZATION, VALUES = "kustomization.yaml", "values.yml"
# Kinds that `site` never prunes: with their objects, a tool would remove data or objects of other owners.
# Sources of the marks that keep a tool from it: Argo CD, user-guide/sync-options.md (No Prune Resources, No Resource
# Deletion); Flux, kustomize/kustomizations (Garbage collection).
KEPT_KINDS = ("Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim")
KEPT_MARKS = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
# Why a product is in no file, by its provider.
_LEFT_OUT_REASONS = {
    "eks_addon": "EKS installs it as an add-on, which is no object of the cluster",
    "olm": "the Operator Lifecycle Manager of the cluster installs it",
}
_SITE_ADVICE = "Let playbook site install it, with `--tags {tag}`."
_GENERATED = "generated"
_HELM = "helm"


@dataclass(frozen=True)
class Stage:
    """A folder of a cluster."""

    name: str
    files: Mapping[str, Sequence[Object]]
    """The objects of each file, by its name."""
    values: Mapping[str, Any] | None = None
    """The values of the Helm chart that installs the product of this stage; None if no chart does."""

    @property
    def has_content(self) -> bool:
        """Whether there is anything to write: a chart whose Namespace an earlier stage has leaves values alone."""
        return bool(self.files) or self.values is not None


def build_stages(collectors: RenderResult, instrumentation: RenderResult, products: Iterable[Product]) -> list[Stage]:
    """Return the stages of a cluster that have files or values of a chart, from what the roles render.

    Raises Problem if two stages define one object differently.
    """
    stage_by_name = {product["name"]: _build_product_stage(product) for product in products}
    stage_by_name[COLLECTORS] = _build_collectors_stage(collectors)
    stage_by_name[INSTRUMENTATION] = Stage(
        INSTRUMENTATION, _put_in_file("instrumentations.yml", list_at(instrumentation, "manifests"))
    )
    stages = [stage_by_name[name] for name in STAGES if name in stage_by_name]
    unique_stages = _drop_repeated_objects(stages)
    annotated_stages = _annotate_namespaces(unique_stages, list_at(instrumentation, "namespaces"))
    return [stage for stage in annotated_stages if stage.has_content]


def explain_left_out(products: Iterable[Product]) -> list[str]:
    """Return which products of the inventory are in no file, why, and what to do; a line for each."""
    explanations = []
    for product in products:
        reason = _LEFT_OUT_REASONS.get(product["provider"], "")
        # A certificate has a private key, which must not be in a file that people commit.
        if _makes_certificate(product):
            reason = "its certificate is made in the cluster (otel_operator_certificates: generated)"
        if reason:
            tag = product["name"].replace("-", "_")
            explanations.append(f"{PRODUCTS[product['name']]} is in no file: {reason}. {_SITE_ADVICE.format(tag=tag)}")
    return explanations


def build_file_tree(stages: Sequence[Stage]) -> dict[str, list[Object]]:
    """Return the files of a cluster by their paths in its folder, each with its documents."""
    # Kustomize does not read the values of a chart, so a stage that has nothing else is not listed.
    listed_stages = [stage.name for stage in stages if stage.files]
    files: dict[str, list[Object]] = {KUSTOMIZATION: [_build_kustomization(listed_stages)]}
    for stage in stages:
        if stage.files:
            files[f"{stage.name}/{KUSTOMIZATION}"] = [_build_kustomization(sorted(stage.files))]
        for name, objects in stage.files.items():
            files[f"{stage.name}/{name}"] = [mark_kept_object(manifest) for manifest in objects]
        if stage.values is not None:
            files[f"{stage.name}/{VALUES}"] = [dict(stage.values)]
    return files


def mark_kept_object(manifest: Object) -> Object:
    """Return an object as a file has it: with marks against pruning if a tool may not remove it."""
    if manifest["kind"] not in KEPT_KINDS:
        return manifest
    metadata = mapping_at(manifest, "metadata")
    return {**manifest, "metadata": {**metadata, "annotations": {**KEPT_MARKS, **mapping_at(metadata, "annotations")}}}


def _build_kustomization(resources: Iterable[str]) -> Object:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(resources)}


def _build_product_stage(product: Product) -> Stage:
    """Return the stage of a product: its objects, or for Helm its Namespace and the values of its chart."""
    name, release_result = product["name"], mapping_at(product, "release")
    if product["provider"] == _HELM:
        return Stage(
            name,
            files={"namespace.yml": [product["namespace_object"]]},
            values=mapping_at(release_result, "chart_values"),
        )
    if _makes_certificate(product):
        return Stage(name, {})
    return Stage(name, _put_in_file("release.yml", list_at(release_result, "manifests")))


def _makes_certificate(product: Product) -> bool:
    """Return whether the role makes a certificate for the product in the cluster, which no file may have."""
    return product["provider"] == "manifest" and product.get("certificates") == _GENERATED


def _build_collectors_stage(render_result: RenderResult) -> Stage:
    """Return the stage of the collectors: a file for each, and one for the objects that those of a namespace share."""
    file_by_release = {}
    for collector in list_at(render_result, "collectors"):
        namespace, name = collector["namespace"], collector["name"]
        file_by_release[collector_release(namespace, name)] = f"{namespace}/{name}.yml"
    files: dict[str, list[Object]] = {}
    for manifest in list_at(render_result, "manifests"):
        metadata = mapping_at(manifest, "metadata")
        shared_file = f"{metadata.get('namespace') or metadata['name']}.yml"
        own_release = str(mapping_at(metadata, "labels").get(RELEASE_LABEL))
        files.setdefault(file_by_release.get(own_release, shared_file), []).append(manifest)
    return Stage(COLLECTORS, files)


def _put_in_file(file: str, manifests: Sequence[Object]) -> dict[str, Sequence[Object]]:
    """Return a file of this name with some objects; no file without any."""
    return {file: manifests} if manifests else {}


def _drop_repeated_objects(stages: Iterable[Stage]) -> list[Stage]:
    """Return the stages with each object once, in the first stage that has it.

    A Namespace stays as its first stage has it, as `site` does not change one of another release. Raises Problem if
    two stages define another object differently.
    """
    earlier_objects: dict[ObjectRef, Object] = {}
    unique_stages = []
    for stage in stages:
        files = {}
        for name, objects in stage.files.items():
            new_objects = _take_new_objects(objects, earlier_objects)
            if new_objects:
                files[name] = new_objects
        unique_stages.append(replace(stage, files=files))
    return unique_stages


def _take_new_objects(objects: Iterable[Object], earlier_objects: dict[ObjectRef, Object]) -> list[Object]:
    """Return the objects that are not among the earlier ones, and add them to these."""
    new_objects = []
    for manifest in objects:
        object_ref = ref(manifest)
        earlier_object = earlier_objects.get(object_ref)
        if earlier_object is None:
            earlier_objects[object_ref] = manifest
            new_objects.append(manifest)
        elif manifest["kind"] != "Namespace" and earlier_object != manifest:
            wrong = f"two parts of the inventory define {object_ref} differently"
            raise Problem(wrong, fix="Give one of them another name or namespace.")
    return new_objects


def _annotate_namespaces(stages: Sequence[Stage], annotated_namespaces: Iterable[Object]) -> list[Stage]:
    """Return the stages with the annotations of some Namespaces in their own.

    Those of these Namespaces that no stage has become a file of the stage of the instrumentations.
    """
    namespace_by_ref = {ref(namespace): namespace for namespace in annotated_namespaces}
    found_refs: set[ObjectRef] = set()
    annotated_stages = []
    for stage in stages:
        files = {}
        for name, objects in stage.files.items():
            found_refs.update(map(ref, objects))
            files[name] = [_add_annotations(manifest, namespace_by_ref.get(ref(manifest), {})) for manifest in objects]
        annotated_stages.append(replace(stage, files=files))
    missing_namespaces = [namespace for name, namespace in namespace_by_ref.items() if name not in found_refs]
    return [_add_namespace_file(stage, missing_namespaces) for stage in annotated_stages]


def _add_annotations(manifest: Object, annotated_namespace: Mapping[str, Any]) -> Object:
    """Return an object with the annotations of a Namespace; without any, it stays as it is."""
    added_annotations = mapping_at(annotated_namespace, "metadata", "annotations")
    if not added_annotations:
        return manifest
    metadata = mapping_at(manifest, "metadata")
    return {
        **manifest,
        "metadata": {**metadata, "annotations": {**mapping_at(metadata, "annotations"), **added_annotations}},
    }


def _add_namespace_file(stage: Stage, namespaces: Sequence[Object]) -> Stage:
    """Return the stage of the instrumentations with a file of Namespaces, if there are any; other stages stay."""
    if stage.name != INSTRUMENTATION:
        return stage
    return replace(stage, files={**stage.files, **_put_in_file("namespaces.yml", namespaces)})
