# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a release as they are applied, with the changes that the user wants. Private.

Action release_render calls `customize_release`. It gives the objects the label of the release, other namespaces,
images, flags and sizes, and the chosen source of the certificate for webhooks. `helm.py` says the same in values of a
chart.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from ..._collector.manifests.pod import variable_source
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL, text_value
from ..._otelcol.kube.objects import Manifest
from .image_references import image_name
from .lock_file import Pin, keep_unpinned
from .manifest import DEFINITION, Release, find_component, iter_client_configs, list_containers
from .pinned_images import move_images

# The namespace in which releases of cert-manager elect a leader.
LEADER_ELECTION_NAMESPACE = "kube-system"
# Where the certificate for webhooks comes from.
# The release's own Issuer, of cert-manager.
CERT_MANAGER = "cert_manager"
# An Issuer of the user.
ISSUER = "issuer"
# This collection (module webhook_certificate).
GENERATED = "generated"
# The objects into which cert-manager writes a CA: those that name the Certificate, or the Secret, as NAMESPACE/NAME.
# Source: cert-manager's documentation, "CA Injector".
INJECT_ANNOTATION = "cert-manager.io/inject-ca-from"
GENERATED_SECRET = "opentelemetry-operator-generated-certificate"
# The options that say on which nodes the pods of a component run, each with the field of a pod that it becomes.
SCHEDULING = {"node_selector": "nodeSelector", "tolerations": "tolerations", "affinity": "affinity"}
# The options of a component that a Subscription of OLM can have too, each with its field there.
TUNING = {"resources": "resources", **SCHEDULING}
_INJECT_ANNOTATIONS = (INJECT_ANNOTATION, "cert-manager.io/inject-ca-from-secret")
# New names of namespaces, by the names that the release gives them.
_NewNamespaces = Mapping[str, str]


class ComponentOptions(TypedDict, total=False):
    """The user's options of one component, such as `manager`. A missing key, None or an empty value changes nothing."""

    replicas: int | None
    resources: dict[str, Any] | None
    """The resources of a container of Kubernetes."""
    flags: dict[str, Any] | None
    """Options of the command line, by their names without dashes. None takes an option of the release away."""
    env: dict[str, Any] | None
    """Environment variables: a value, or a mapping that `variable_source` understands."""
    node_selector: dict[str, str] | None
    tolerations: list[dict[str, Any]] | None
    affinity: dict[str, Any] | None


class IssuerReference(TypedDict, total=False):
    """An Issuer or ClusterIssuer of cert-manager."""

    name: str
    kind: str
    group: str


@dataclass(frozen=True)
class CertificateSource:
    """Where the certificate for webhooks comes from."""

    source: str = CERT_MANAGER
    """CERT_MANAGER, ISSUER or GENERATED."""
    issuer: IssuerReference = field(default_factory=IssuerReference)
    """The user's Issuer, for ISSUER."""
    ca_bundle: str = ""
    """The CA of the generated certificate as PEM, for GENERATED; empty until it is generated."""


@dataclass(frozen=True)
class Customization:
    """The user's changes to a published release. An empty value changes nothing."""

    namespace: str = ""
    """The namespace of the product, in place of that of the release."""
    leader_election_namespace: str = ""
    """The namespace in which it elects a leader, in place of LEADER_ELECTION_NAMESPACE."""
    image_registry: str = ""
    """The registry, or a path in one, that all images come from."""
    pin: Pin = keep_unpinned
    """Returns an image with its digest."""
    image_pull_secrets: Sequence[str] = ()
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


def apply_certificates(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects of a release with the certificate from the chosen source."""
    return _CERTIFICATE_CHANGES[certificates.source](objects, certificates)


def list_webhook_hosts(objects: Iterable[Manifest]) -> list[str]:
    """Return the host names by which the API server calls the webhooks of these objects, such as hook.ns.svc."""
    services = set()
    for manifest in objects:
        for client in iter_client_configs(manifest):
            service = client.get("service")
            if service:
                services.add((service["name"], service["namespace"]))
    host_names = []
    for name, namespace in sorted(services):
        short_name = f"{name}.{namespace}.svc"
        host_names += [short_name, f"{short_name}.cluster.local"]
    return host_names


# ── Namespaces, images and sizes ──


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
    """Return one object of a release with its labels, names, images and options."""
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
    """Rename the namespace of an object, and the namespaces of all objects that it refers to."""
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
    for holder in [manifest["metadata"], *subjects, *services]:
        if holder.get("namespace") in new_namespaces:
            holder["namespace"] = new_namespaces[holder["namespace"]]


def _rename_annotations(annotations: dict[str, str], new_namespaces: _NewNamespaces) -> None:
    """Rename the namespace in annotations that name a Certificate or Secret as NAMESPACE/NAME."""
    for key in _INJECT_ANNOTATIONS:
        namespace, slash, name = annotations.get(key, "").partition("/")
        if slash and namespace in new_namespaces:
            annotations[key] = f"{new_namespaces[namespace]}/{name}"


def _rename_host(host: str, new_namespaces: _NewNamespaces) -> str:
    """Return the host name of a Service, such as webhook.cert-manager.svc, with the new namespace."""
    service, first_dot, remainder = host.partition(".")
    namespace, second_dot, domain = remainder.partition(".")
    new_namespace = new_namespaces.get(namespace, namespace)
    return f"{service}{first_dot}{new_namespace}{second_dot}{domain}"


def _rename_flag(argument: str, new_namespaces: _NewNamespaces) -> str:
    """Return an argument of a container, such as --leader-election-namespace=kube-system, with the new namespace."""
    flag, _equals, value = argument.partition("=")
    if flag.endswith("-namespace") and value in new_namespaces:
        return f"{flag}={new_namespaces[value]}"
    return argument


def _tune_workload(deployment: Manifest, release: Release, component: str, custom: Customization) -> None:
    """Apply the options of a component to its Deployment."""
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
    """Return the first container whose image has one of these names."""
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
    """Set environment variables of a container. A variable that it has under the same name is replaced."""
    if not variables:
        return
    published_variables = container.get("env") or []
    env = [variable for variable in published_variables if variable["name"] not in variables]
    for name, value in variables.items():
        env.append({"name": name, **variable_source(name, value)})
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


# ── Certificates ──


def _keep_published(objects: Sequence[Manifest], _certificates: CertificateSource) -> list[Manifest]:
    """Return the objects as they are: the Issuer of the release signs its Certificates."""
    return list(objects)


def _use_issuer(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without the Issuer of the release. The Issuer of the user signs the Certificates instead.

    Raises Problem if that Issuer has no name.
    """
    if not certificates.issuer.get("name"):
        fix = "Give the name of an Issuer of that namespace, or of a ClusterIssuer."
        raise Problem("the issuer has no name", fix=fix)
    given_fields = {key: value for key, value in certificates.issuer.items() if value}
    reference = {"group": "cert-manager.io", "kind": "Issuer", **given_fields}
    kept_objects = [manifest for manifest in objects if manifest["kind"] != "Issuer"]
    for manifest in kept_objects:
        if manifest["kind"] == "Certificate":
            manifest["spec"]["issuerRef"] = reference
    return kept_objects


def _use_generated_secret(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without those of cert-manager.

    Workloads mount the generated Secret. The API server trusts its CA at the webhooks, once it is known.
    """
    certificate_secrets = {manifest["spec"]["secretName"] for manifest in objects if manifest["kind"] == "Certificate"}
    bundle = base64.b64encode(certificates.ca_bundle.encode()).decode()
    kept_objects = [manifest for manifest in objects if manifest["kind"] not in ("Certificate", "Issuer")]
    for manifest in kept_objects:
        annotations = manifest["metadata"].get("annotations") or {}
        annotations.pop(INJECT_ANNOTATION, None)
        if not annotations:
            manifest["metadata"].pop("annotations", None)
        if bundle:
            for client in iter_client_configs(manifest):
                client["caBundle"] = bundle
        _mount_generated_secret(manifest, certificate_secrets)
    return kept_objects


def _mount_generated_secret(manifest: Manifest, certificate_secrets: set[str]) -> None:
    """Let the pods of a workload mount the generated Secret in place of one that cert-manager would make."""
    if not list_containers(manifest):
        return
    for volume in manifest["spec"]["template"]["spec"].get("volumes") or []:
        if volume.get("secret", {}).get("secretName") in certificate_secrets:
            volume["secret"]["secretName"] = GENERATED_SECRET


_CERTIFICATE_CHANGES = {CERT_MANAGER: _keep_published, ISSUER: _use_issuer, GENERATED: _use_generated_secret}
