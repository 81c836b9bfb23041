# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a release as they are applied, with the changes that the user wants. Private.

Action release_render reads the published objects of cert-manager or of the operator, and calls `customize_release`.
Each object gets the label of the release. The user's options change namespaces, images, flags and sizes, and where the
certificate for webhooks comes from (webhook_certificates.py). For example, with `Customization(namespace="otel",
image_registry="mirror:5000", workloads={"manager": {"replicas": 2}})` the Deployment of the operator

    namespace opentelemetry-operator-system, image ghcr.io/open-telemetry/…/opentelemetry-operator:0.158.0
    → namespace otel, image mirror:5000/open-telemetry/…/opentelemetry-operator:0.158.0, replicas 2

`helm.py` makes the same changes with the values of a chart.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from ..._collector.manifests.variable_sources import render_variable_source
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..._otelcol.kube.text_values import text_value
from .image_references import image_name
from .lock_file import Pin, keep_unpinned
from .manifest import DEFINITION, Release, find_component, iter_client_configs, list_containers
from .pinned_images import move_images
from .webhook_certificates import INJECT_ANNOTATIONS, CertificateSource, apply_certificates

# The namespace in which the published objects of cert-manager elect a leader.
LEADER_ELECTION_NAMESPACE = "kube-system"
# The options that say on which nodes the pods of a component run, each with the field of a pod that it becomes.
SCHEDULING = {"node_selector": "nodeSelector", "tolerations": "tolerations", "affinity": "affinity"}
# The options of a component that a Subscription of OLM can have too, each with its field there.
TUNING = {"resources": "resources", **SCHEDULING}

_NewNamespaces = Mapping[str, str]
"""New names of namespaces, by the names that the release gives them: `{"opentelemetry-operator-system": "otel"}`."""


class ComponentOptions(TypedDict, total=False):
    """The user's options of one component, such as `manager`. A missing key, None or an empty value changes nothing."""

    replicas: int | None
    resources: dict[str, Any] | None
    """The resources of a container of Kubernetes."""
    flags: dict[str, Any] | None
    """Options of the command line, by their names without dashes. None takes an option of the release away."""
    env: dict[str, Any] | None
    """Environment variables: a value, or a mapping that `render_variable_source` understands."""
    node_selector: dict[str, str] | None
    tolerations: list[dict[str, Any]] | None
    affinity: dict[str, Any] | None


@dataclass(frozen=True)
class Customization:
    """The user's changes to a published release. An empty value changes nothing."""

    namespace: str = ""
    """The namespace of the product, in place of that of the release."""
    leader_election_namespace: str = ""
    """The namespace in which the product elects a leader, in place of LEADER_ELECTION_NAMESPACE."""
    image_registry: str = ""
    """The registry, or a path in one, that all images come from."""
    pin: Pin = keep_unpinned
    """Returns an image with its digest, such as `quay.io/x:1@sha256:…` for `quay.io/x:1`."""
    image_pull_secrets: Sequence[str] = ()
    """Names of Secrets, which all pods get."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Options of the main component's command line."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the main component."""
    workloads: Mapping[str, ComponentOptions] = field(default_factory=dict)
    """The options of components, by the names of the components."""
    certificates: CertificateSource = field(default_factory=CertificateSource)


def customize_release(release: Release, custom: Customization) -> list[Manifest]:
    """Return the objects of a release as they are applied. Raises Problem for a component that it does not have."""
    component_names = release.product.components
    for name in custom.workloads:
        if name not in component_names:
            wrong = f"{release.product.title} has no component '{name}'{suggest_word(name, component_names)}"
            raise Problem(wrong, fix=f"Components: {', '.join(component_names)}.")
    new_namespaces = _map_new_namespaces(release, custom)
    objects = [_customize_object(release, manifest, custom, new_namespaces) for manifest in release.objects]
    return apply_certificates(objects, custom.certificates)


# ── One object. `_customize_object` copies it, and the functions after it change that copy ──


def _map_new_namespaces(release: Release, custom: Customization) -> dict[str, str]:
    """Return the new names of those namespaces that the user renames."""
    target_namespaces = {
        release.namespace: custom.namespace,
        LEADER_ELECTION_NAMESPACE: custom.leader_election_namespace,
    }
    new_namespaces: dict[str, str] = {}
    for published_namespace, target_namespace in target_namespaces.items():
        if target_namespace and target_namespace != published_namespace:
            new_namespaces[published_namespace] = target_namespace
    return new_namespaces


def _customize_object(
    release: Release, original: Manifest, custom: Customization, new_namespaces: _NewNamespaces
) -> Manifest:
    """Return a copy of an object of a release, with the label of the release and the user's changes."""
    is_definition = original["kind"] == DEFINITION
    manifest = _copy_definition(original) if is_definition else copy.deepcopy(original)
    manifest.pop("status", None)
    metadata = manifest["metadata"]
    metadata.pop("creationTimestamp", None)
    _rename_namespaces(manifest, new_namespaces)
    labels = {RELEASE_LABEL: release.product.name}
    if manifest["kind"] in ("Namespace", DEFINITION):
        labels[OWNER_LABEL] = OWNER
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    # The name of the image tells the component, so it is found before the image moves to another registry.
    component = find_component(release.product, manifest)
    move_images(manifest, custom.image_registry, custom.pin)
    if component:
        _tune_workload(manifest, release, component, custom)
    return manifest


def _copy_definition(definition: Manifest) -> Manifest:
    """Return a copy of a definition. It shares the large parts of the original, which nothing here changes."""
    spec = dict(definition["spec"])
    if "conversion" in spec:
        spec["conversion"] = copy.deepcopy(spec["conversion"])
    return {**definition, "metadata": copy.deepcopy(definition["metadata"]), "spec": spec}


def _rename_namespaces(manifest: Manifest, new_namespaces: _NewNamespaces) -> None:
    """Rename the namespaces in an object, wherever it names one: in fields, annotations, host names and arguments."""
    if not new_namespaces:
        return
    metadata = manifest["metadata"]
    _rename_namespace_fields(manifest, new_namespaces)
    if manifest["kind"] == "Namespace" and metadata["name"] in new_namespaces:
        metadata["name"] = new_namespaces[metadata["name"]]
    _rename_annotations(metadata.get("annotations") or {}, new_namespaces)
    if manifest["kind"] == "Certificate":
        dns_names = manifest["spec"].get("dnsNames", [])
        manifest["spec"]["dnsNames"] = [_rename_host(name, new_namespaces) for name in dns_names]
    for container in list_containers(manifest):
        if container.get("args"):
            container["args"] = [_rename_flag(argument, new_namespaces) for argument in container["args"]]


def _rename_namespace_fields(manifest: Manifest, new_namespaces: _NewNamespaces) -> None:
    """Rename the field `namespace` of the object, of the subjects of a binding, and of the Services of webhooks."""
    subjects = manifest.get("subjects") or []
    services = [client["service"] for client in iter_client_configs(manifest)]
    for reference in [manifest["metadata"], *subjects, *services]:
        if reference.get("namespace") in new_namespaces:
            reference["namespace"] = new_namespaces[reference["namespace"]]


def _rename_annotations(annotations: dict[str, str], new_namespaces: _NewNamespaces) -> None:
    """Rename the namespace in annotations that name a Certificate or Secret as NAMESPACE/NAME.

    For example, `cert-manager.io/inject-ca-from: cert-manager/ca` becomes `…: certs/ca`.
    """
    for key in INJECT_ANNOTATIONS:
        namespace, slash, name = annotations.get(key, "").partition("/")
        if slash and namespace in new_namespaces:
            annotations[key] = f"{new_namespaces[namespace]}/{name}"


def _rename_host(host: str, new_namespaces: _NewNamespaces) -> str:
    """Return the host name of a Service with the new namespace: webhook.certs.svc for webhook.cert-manager.svc."""
    service, first_dot, remainder = host.partition(".")
    namespace, second_dot, domain = remainder.partition(".")
    new_namespace = new_namespaces.get(namespace, namespace)
    return f"{service}{first_dot}{new_namespace}{second_dot}{domain}"


def _rename_flag(argument: str, new_namespaces: _NewNamespaces) -> str:
    """Return an argument of a container with the new namespace, such as --leader-election-namespace=certs."""
    flag, _equals, value = argument.partition("=")
    if flag.endswith("-namespace") and value in new_namespaces:
        return f"{flag}={new_namespaces[value]}"
    return argument


def _tune_workload(deployment: Manifest, release: Release, component: str, custom: Customization) -> None:
    """Apply the user's options of a component, such as `manager`, to its Deployment."""
    product = release.product
    is_main = component == product.main_component
    options: ComponentOptions = custom.workloads.get(component) or {}
    replicas = options.get("replicas")
    if replicas is not None:
        deployment["spec"]["replicas"] = replicas
    pod_spec = deployment["spec"]["template"]["spec"]
    for option, field_name in SCHEDULING.items():
        value = options.get(option)
        if value:
            pod_spec[field_name] = value
    if custom.image_pull_secrets:
        pod_spec["imagePullSecrets"] = [{"name": secret} for secret in custom.image_pull_secrets]
    component_images = [product.components[component]]
    if is_main:
        component_images += product.image_names
    container = _find_container(pod_spec, component_images)
    _tune_container(container, options, custom, is_main=is_main)


def _find_container(pod_spec: Mapping[str, Any], image_names: Sequence[str]) -> dict[str, Any]:
    """Return the first container whose image has one of these names, such as `opentelemetry-operator`."""
    containers: Iterable[dict[str, Any]] = pod_spec["containers"]
    return next(container for container in containers if image_name(container["image"]) in image_names)


def _tune_container(
    container: dict[str, Any], options: ComponentOptions, custom: Customization, *, is_main: bool
) -> None:
    """Apply the options of a component to its container.

    The container of the main component also gets the flags and variables of the release. Those of the component win.
    """
    if options.get("resources"):
        container["resources"] = options["resources"]
    flags: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    if is_main:
        flags.update(custom.flags)
        variables.update(custom.variables)
    flags.update(options.get("flags") or {})
    variables.update(options.get("env") or {})
    container["args"] = _merge_flags(container.get("args") or [], flags)
    _set_variables(container, variables)


def _set_variables(container: dict[str, Any], variables: Mapping[str, Any]) -> None:
    """Set environment variables of a container, such as {"A": 1}. One that it has under the same name is replaced."""
    if not variables:
        return
    published_variables = container.get("env") or []
    env = [variable for variable in published_variables if variable["name"] not in variables]
    for name, value in variables.items():
        env.append({"name": name, **render_variable_source(name, value)})
    container["env"] = env


def _merge_flags(arguments: Sequence[str], flags: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a container with other values of some flags; new flags come last.

    For example, ["--v=2", "--one"] and {"v": 4, "one": None} make ["--v=4"].
    """
    kept_arguments = [argument for argument in arguments if _flag_name(argument) not in flags]
    added_arguments = [f"--{flag}={text_value(value)}" for flag, value in flags.items() if value is not None]
    return kept_arguments + added_arguments


def _flag_name(argument: str) -> str:
    """Return the name of a flag, such as `v` of the argument --v=2."""
    return argument.lstrip("-").partition("=")[0]
