# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Customised releases: labels, namespaces, flags, sizes and certificates. Private."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._collector.manifests.pod import variable_source
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL, text_value
from ..._otelcol.kube.objects import Manifest
from .image_references import image_name
from .lock_file import Pin, keep_unpinned
from .manifest import DEFINITION, Release, find_component, iter_client_configs, list_containers
from .pinned_images import move_images

LEADER_ELECTION_NAMESPACE = "kube-system"
CERT_MANAGER, ISSUER, GENERATED = "cert_manager", "issuer", "generated"
INJECT_ANNOTATION = "cert-manager.io/inject-ca-from"
GENERATED_SECRET = "opentelemetry-operator-generated-certificate"
# Where pods of a component run: inputs, and the fields of a pod.
SCHEDULING = {"node_selector": "nodeSelector", "tolerations": "tolerations", "affinity": "affinity"}
TUNING = {"resources": "resources", **SCHEDULING}
_INJECT_ANNOTATIONS = (INJECT_ANNOTATION, "cert-manager.io/inject-ca-from-secret")


@dataclass(frozen=True)
class CertificateSource:
    """The source of the certificate; `ca_bundle` is PEM, and known only after generation."""

    source: str = CERT_MANAGER
    issuer: Mapping[str, Any] = field(default_factory=dict)
    ca_bundle: str = ""


@dataclass(frozen=True)
class Customization:
    """The user's changes to a published release."""

    namespace: str = ""
    leader_election_namespace: str = ""
    image_registry: str = ""
    pin: Pin = keep_unpinned
    image_pull_secrets: Sequence[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    workloads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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


def _map_new_namespaces(release: Release, custom: Customization) -> dict[str, str]:
    """Return the namespaces that get another name, by the name that the release gives them."""
    target_namespaces = {
        release.namespace: custom.namespace,
        LEADER_ELECTION_NAMESPACE: custom.leader_election_namespace,
    }
    return {
        published_namespace: target_namespace
        for published_namespace, target_namespace in target_namespaces.items()
        if target_namespace and target_namespace != published_namespace
    }


def _customize_object(
    release: Release, original: Manifest, custom: Customization, new_namespaces: Mapping[str, str]
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
    name = find_component(release.product, manifest)
    move_images(manifest, custom.image_registry, custom.pin)
    if name:
        _tune_workload(manifest, release, name, custom)
    return manifest


def _copy_definition(definition: Manifest) -> Manifest:
    """Return a copy of a large object of which only metadata and conversion change; it shares the rest."""
    spec = dict(definition["spec"])
    if "conversion" in spec:
        spec["conversion"] = copy.deepcopy(spec["conversion"])
    return {**definition, "metadata": copy.deepcopy(definition["metadata"]), "spec": spec}


def _rename_namespaces(manifest: Manifest, new_namespaces: Mapping[str, str]) -> None:
    """Put an object, and all that it refers to, into namespaces of other names."""
    if not new_namespaces:
        return
    metadata = manifest["metadata"]
    _rename_namespace_fields(manifest, new_namespaces)
    if manifest["kind"] == "Namespace":
        metadata["name"] = new_namespaces.get(metadata["name"], metadata["name"])
    _rename_annotations(metadata.get("annotations") or {}, new_namespaces)
    if manifest["kind"] == "Certificate":
        dns_names = manifest["spec"].get("dnsNames", [])
        manifest["spec"]["dnsNames"] = [_rename_host(name, new_namespaces) for name in dns_names]
    for container in list_containers(manifest):
        if container.get("args"):
            container["args"] = [_rename_flag(argument, new_namespaces) for argument in container["args"]]


def _rename_namespace_fields(manifest: Manifest, new_namespaces: Mapping[str, str]) -> None:
    """Rename the fields `namespace`: of the object, of who gets its rights, and of the Services that it calls."""
    subjects = manifest.get("subjects") or []
    services = [client["service"] for client in iter_client_configs(manifest)]
    for holder in [manifest["metadata"], *subjects, *services]:
        if holder.get("namespace") in new_namespaces:
            holder["namespace"] = new_namespaces[holder["namespace"]]


def _rename_annotations(annotations: dict[str, str], new_namespaces: Mapping[str, str]) -> None:
    """Rename the namespace in annotations that name a Certificate or Secret as NAMESPACE/NAME."""
    for key in _INJECT_ANNOTATIONS:
        namespace, slash, name = annotations.get(key, "").partition("/")
        if slash and namespace in new_namespaces:
            annotations[key] = f"{new_namespaces[namespace]}/{name}"


def _rename_host(host: str, new_namespaces: Mapping[str, str]) -> str:
    """Return the name of a Service, such as webhook.cert-manager.svc, with the new namespace."""
    service, first_dot, remainder = host.partition(".")
    namespace, second_dot, domain = remainder.partition(".")
    return f"{service}{first_dot}{new_namespaces.get(namespace, namespace)}{second_dot}{domain}"


def _rename_flag(argument: str, new_namespaces: Mapping[str, str]) -> str:
    """Return an argument such as --leader-election-namespace=kube-system with the new namespace."""
    flag, _equals, value = argument.partition("=")
    if flag.endswith("-namespace") and value in new_namespaces:
        return f"{flag}={new_namespaces[value]}"
    return argument


def _tune_workload(manifest: Manifest, release: Release, name: str, custom: Customization) -> None:
    """Apply the options of a component to its Deployment."""
    options = custom.workloads.get(name) or {}
    if options.get("replicas") is not None:
        manifest["spec"]["replicas"] = options["replicas"]
    pod = manifest["spec"]["template"]["spec"]
    scheduling = {key: options[option] for option, key in SCHEDULING.items() if options.get(option)}
    pod.update(scheduling)
    if custom.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in custom.image_pull_secrets]
    is_main = name == release.product.main_component
    images = [release.product.components[name], *(release.product.image_names if is_main else ())]
    container = next(candidate for candidate in pod["containers"] if image_name(candidate["image"]) in images)
    _tune_container(container, options, custom, is_main=is_main)


def _tune_container(
    container: dict[str, Any], options: Mapping[str, Any], custom: Customization, *, is_main: bool
) -> None:
    """Apply the options of a component to its container. Flags and variables of the release are for its main one."""
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
    """Set environment variables of a container in place of those that it has under these names."""
    if not variables:
        return
    published_variables = container.get("env") or []
    env = [variable for variable in published_variables if variable["name"] not in variables]
    for name, value in variables.items():
        env.append({"name": name, **variable_source(name, value)})
    container["env"] = env


def _merge_flags(arguments: Sequence[str], flags: Mapping[str, Any]) -> list[str]:
    """Return arguments with other values of some flags; new flags come last."""
    kept_arguments = [argument for argument in arguments if argument.lstrip("-").partition("=")[0] not in flags]
    added_arguments = [f"--{flag}={text_value(value)}" for flag, value in flags.items() if value is not None]
    return kept_arguments + added_arguments


def apply_certificates(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects of a release with the certificate from the chosen source."""
    return _CERTIFICATE_CHANGES[certificates.source](objects, certificates)


def _keep_published(objects: Sequence[Manifest], _certificates: CertificateSource) -> list[Manifest]:
    return list(objects)


def _use_issuer(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without their own Issuer: the given one signs their Certificates."""
    if not certificates.issuer.get("name"):
        fix = "Give the name of an Issuer of that namespace, or of a ClusterIssuer."
        raise Problem("the issuer has no name", fix=fix)
    reference = {"group": "cert-manager.io", "kind": "Issuer"}
    reference.update({key: value for key, value in certificates.issuer.items() if value})
    kept_objects = [manifest for manifest in objects if manifest["kind"] != "Issuer"]
    for manifest in kept_objects:
        if manifest["kind"] == "Certificate":
            manifest["spec"]["issuerRef"] = reference
    return kept_objects


def _use_generated_secret(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without those of cert-manager: they mount the generated Secret, and trust its CA."""
    secrets = {manifest["spec"]["secretName"] for manifest in objects if manifest["kind"] == "Certificate"}
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
        _mount_generated_secret(manifest, secrets)
    return kept_objects


def _mount_generated_secret(manifest: Manifest, secrets: set[str]) -> None:
    """Mount the generated Secret instead of cert-manager's Secret."""
    if not list_containers(manifest):
        return
    for volume in manifest["spec"]["template"]["spec"].get("volumes") or []:
        if volume.get("secret", {}).get("secretName") in secrets:
            volume["secret"]["secretName"] = GENERATED_SECRET


def list_webhook_hosts(objects: Iterable[Manifest]) -> list[str]:
    """Return the names under which the API server calls the webhooks of these objects."""
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


_CERTIFICATE_CHANGES = {CERT_MANAGER: _keep_published, ISSUER: _use_issuer, GENERATED: _use_generated_secret}
