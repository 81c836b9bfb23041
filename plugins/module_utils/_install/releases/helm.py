# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's changes to a release, as values of the Helm charts of cert-manager and the operator. Private.

Action release_render calls `build_chart_values` for the provider helm. `customization.py` makes the same changes to the
objects of a manifest. For example, two replicas of the operator's manager from a registry of the user:

    additionalLabels: {o11y.opentelemetry/release: opentelemetry-operator}
    manager: {image: {repository: registry.example/open-telemetry/opentelemetry-operator/opentelemetry-operator}}
    replicaCount: 2
    …

Values of cert-manager's controller are at the top of its chart, those of its other components in a section each. The
operator's chart has the number and the nodes of the pods at the top, and their container in the section `manager`.
Source: values.yaml of the charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._collector.manifests.variable_sources import render_variable_source
from ..._collector.options import replace_registry
from ..._instrumentation.sdk_languages import LANGUAGES
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.text_values import text_value
from .customization import SCHEDULING, ComponentOptions, Customization
from .products import CERT_MANAGER, OPERATOR, Product
from .version_numbers import Version
from .webhook_certificates import GENERATED, ISSUER

Values = dict[str, Any]

# The images of cert-manager's chart, as they are published.
_CONTROLLER_IMAGE = "quay.io/jetstack/cert-manager-controller"
# By the section of the values that has the image.
_SECTION_IMAGES = {
    "webhook": "quay.io/jetstack/cert-manager-webhook",
    "cainjector": "quay.io/jetstack/cert-manager-cainjector",
    "acmesolver": "quay.io/jetstack/cert-manager-acmesolver",
}
# The sections of components, which are components of option `workloads` too.
_COMPONENT_SECTIONS = ("webhook", "cainjector")
_OPERATOR_IMAGE = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator"
# The keys in section `manager` of the images that the operator starts; those of SDKs are in a section of their own.
_STARTED_IMAGE_KEYS = {
    "collector": "collectorImage",
    "target_allocator": "targetAllocatorImage",
    "opamp_bridge": "opampBridgeImage",
}


class _ChartImage(NamedTuple):
    """An image as the operator's chart takes it: it joins both with a colon."""

    repository: str
    tag: str
    """With the digest, if the image has one: `0.158.0@sha256:…`."""


def build_chart_values(product: Product, custom: Customization, images: Mapping[str, str], version: Version) -> Values:
    """Return the values of the product's chart. Values that the user gives for the chart replace them later.

    `images` has the images that the operator starts, by the names of compatibility.yml.
    """
    if product.name == CERT_MANAGER:
        return _build_cert_manager_values(custom, version)
    return _build_operator_values(custom, images, version)


# ── cert-manager ──


def _build_cert_manager_values(custom: Customization, version: Version) -> Values:
    """Return the values of cert-manager's chart. Its components are the controller, the webhook and the cainjector."""
    chart_values: Values = {
        "crds": {"enabled": True},
        "startupapicheck": {"enabled": False},
        "global": _build_global_values(custom),
        **_build_cert_manager_image(_CONTROLLER_IMAGE, custom, version),
    }
    for section, image in _SECTION_IMAGES.items():
        image_values = _build_cert_manager_image(image, custom, version)
        if image_values:
            chart_values[section] = image_values
    chart_values.update(_build_cert_manager_component("controller", custom))
    for section in _COMPONENT_SECTIONS:
        image_values = chart_values.get(section, {})
        chart_values[section] = {**image_values, **_build_cert_manager_component(section, custom)}
    return chart_values


def _build_global_values(custom: Customization) -> Values:
    """Return what counts for all components of cert-manager."""
    global_values: Values = {"commonLabels": {RELEASE_LABEL: CERT_MANAGER}}
    if custom.image_pull_secrets:
        global_values["imagePullSecrets"] = _name_secrets(custom.image_pull_secrets)
    if custom.leader_election_namespace:
        global_values["leaderElection"] = {"namespace": custom.leader_election_namespace}
    return global_values


def _build_cert_manager_image(image: str, custom: Customization, version: Version) -> Values:
    """Return where an image comes from, such as `{"image": {"digest": "sha256:…"}}`; empty if the chart knows it."""
    fields: Values = {}
    if custom.image_registry:
        fields["repository"] = replace_registry(image, custom.image_registry)
    digest = custom.pin(f"{image}:{version.tag}").partition("@")[2]
    if digest:
        fields["digest"] = digest
    return {"image": fields} if fields else {}


def _build_cert_manager_component(component: str, custom: Customization) -> Values:
    """Return the options of a component. Its section has the pod and its container."""
    options = custom.workloads.get(component) or {}
    return {**_build_pod_values(options), **_build_container_values(component, options, (), "extraEnv")}


# ── The operator ──


def _build_operator_values(custom: Customization, images: Mapping[str, str], version: Version) -> Values:
    """Return the values of the operator's chart. Its one component is the manager."""
    options = custom.workloads.get("manager") or {}
    chart_values: Values = {
        "additionalLabels": {RELEASE_LABEL: OPERATOR},
        "manager": _build_manager_values(custom, images, version, options),
        # Otherwise uninstalling the release deletes the collectors of all users.
        "crds": {"annotations": {"helm.sh/resource-policy": "keep"}},
    }
    if custom.image_pull_secrets:
        chart_values["imagePullSecrets"] = _name_secrets(custom.image_pull_secrets)
    chart_values.update(_build_pod_values(options))
    chart_values["admissionWebhooks"] = _build_webhook_values(custom)
    return chart_values


def _build_manager_values(
    custom: Customization, images: Mapping[str, str], version: Version, options: ComponentOptions
) -> Values:
    """Return section `manager`: the operator's image, the images that it starts, and its container.

    The flags of the component win over those of the release.
    """
    own_flags = options.get("flags") or {}
    release_flags = {name: value for name, value in custom.flags.items() if name not in own_flags}
    flag_values = _build_flag_values(release_flags)
    manager = {**_build_operator_image(custom, version), **_build_started_images(images), **flag_values}
    if custom.variables:
        manager["env"] = dict(custom.variables)
    release_arguments = flag_values.get("extraArgs", ())
    return {**manager, **_build_container_values("manager", options, release_arguments, "extraEnvs")}


def _build_operator_image(custom: Customization, version: Version) -> Values:
    """Return the image of the operator if it differs from that of the chart."""
    pinned_image = replace_registry(custom.pin(f"{_OPERATOR_IMAGE}:{version}"), custom.image_registry)
    chart_image = _parse_chart_image(pinned_image)
    fields: Values = {}
    if custom.image_registry:
        fields["repository"] = chart_image.repository
    if "@" in chart_image.tag:
        fields["tag"] = chart_image.tag
    return {"image": fields} if fields else {}


def _build_started_images(images: Mapping[str, str]) -> Values:
    """Return the images that the operator starts: each by its key, those of SDKs by their fields in one section."""
    image_values: Values = {}
    for name, image in images.items():
        fields = _parse_chart_image(image)._asdict()
        if name in LANGUAGES:
            image_values.setdefault("autoInstrumentationImage", {})[LANGUAGES[name].field] = fields
        else:
            image_values[_STARTED_IMAGE_KEYS[name]] = fields
    return image_values


def _build_flag_values(flags: Mapping[str, str]) -> Values:
    """Return the flags of the operator. Feature gates have a field of their own in the chart, and so have images.

    For example, `{"feature-gates": "-a,+b", "v": "4"}` makes
    `{"featureGatesMap": {"a": False, "b": True}, "extraArgs": ["--v=4"]}`.
    """
    flag_values: Values = {}
    gates = flags.get("feature-gates", "")
    if gates:
        flag_values["featureGatesMap"] = {gate.lstrip("+-"): not gate.startswith("-") for gate in gates.split(",")}
    arguments = []
    for name, value in flags.items():
        has_field = name == "feature-gates" or name.endswith("-image")
        if not has_field:
            arguments.append(f"--{name}={value}")
    if arguments:
        flag_values["extraArgs"] = arguments
    return flag_values


def _build_webhook_values(custom: Customization) -> Values:
    """Return where the certificate comes from. One that the chart generates stays when the chart is upgraded."""
    if custom.certificates.source == GENERATED:
        return {"certManager": {"enabled": False}, "autoGenerateCert": {"enabled": True, "recreate": False}}
    cert_manager: Values = {"enabled": True}
    if custom.certificates.source == ISSUER and custom.certificates.issuer:
        cert_manager["issuerRef"] = dict(custom.certificates.issuer)
    return {"certManager": cert_manager}


def _parse_chart_image(image: str) -> _ChartImage:
    """Return the parts of an image. A digest stays with the tag."""
    name, at_sign, digest = image.partition("@")
    repository, _colon, tag = name.rpartition(":")
    return _ChartImage(repository, f"{tag}{at_sign}{digest}")


# ── Both charts ──


def _build_pod_values(options: ComponentOptions) -> Values:
    """Return how many pods a component has, and on which nodes they run."""
    pod_values: Values = {}
    if options.get("replicas") is not None:
        pod_values["replicaCount"] = options["replicas"]
    for option, key in SCHEDULING.items():
        value = options.get(option)
        if value:
            pod_values[key] = value
    return pod_values


def _build_container_values(
    component: str, options: ComponentOptions, release_arguments: Iterable[str], variables_key: str
) -> Values:
    """Return the resources, the arguments and the variables of a component's container.

    Its flags follow the `release_arguments`. The charts have different keys for the list of variables. Raises Problem
    for a flag that a chart cannot take away.
    """
    container_values: Values = {}
    if options.get("resources"):
        container_values["resources"] = options["resources"]
    arguments = _build_arguments(component, options.get("flags") or {})
    if arguments:
        container_values["extraArgs"] = [*release_arguments, *arguments]
    variables = options.get("env") or {}
    if variables:
        container_values[variables_key] = [
            {"name": name, **render_variable_source(name, value)} for name, value in variables.items()
        ]
    return container_values


def _build_arguments(component: str, flags: Mapping[str, Any]) -> list[str]:
    """Return flags as arguments of a component: `{"v": 4}` makes `["--v=4"]`.

    Raises Problem for a flag with None, which takes it away in a manifest, and cannot do so in a chart.
    """
    removed_flags = [name for name, value in flags.items() if value is None]
    if removed_flags:
        wrong = f"option 'workloads.{component}.flags' takes {', '.join(removed_flags)} away, which a chart cannot do"
        raise Problem(wrong, fix="Give a value, or use provider manifest.")
    return [f"--{name}={text_value(value)}" for name, value in flags.items()]


def _name_secrets(secret_names: Iterable[str]) -> list[dict[str, str]]:
    return [{"name": name} for name in secret_names]
