# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's changes to a release, as values of the Helm charts of cert-manager and the operator. Private.

Action release_render calls `build_chart_values` for the provider helm. `customization.py` makes the same changes to the
objects of a manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..._collector.manifests.pod import variable_source
from ..._collector.options import replace_registry
from ..._instrumentation.sdk_languages import LANGUAGES
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL, text_value
from .customization import GENERATED, ISSUER, SCHEDULING, ComponentOptions, Customization
from .products import CERT_MANAGER, OPERATOR, Product
from .version_numbers import Version

Values = dict[str, Any]

# Where the values of each component of cert-manager are in its chart. Those of the controller are at the top.
_SECTION_PATHS: dict[str, tuple[str, ...]] = {"controller": (), "webhook": ("webhook",), "cainjector": ("cainjector",)}
# The published image of each section of the same chart.
_REPOSITORIES = {
    (): "quay.io/jetstack/cert-manager-controller",
    ("webhook",): "quay.io/jetstack/cert-manager-webhook",
    ("cainjector",): "quay.io/jetstack/cert-manager-cainjector",
    ("acmesolver",): "quay.io/jetstack/cert-manager-acmesolver",
}
_OPERATOR_IMAGE = "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator"
# Where the images that the operator starts are in its chart, below `manager`.
_OPERATOR_IMAGES: dict[str, tuple[str, ...]] = {
    "collector": ("collectorImage",),
    "target_allocator": ("targetAllocatorImage",),
    "opamp_bridge": ("opampBridgeImage",),
    **{name: ("autoInstrumentationImage", language.field) for name, language in LANGUAGES.items()},
}


class _ComponentSections(NamedTuple):
    """The sections of a chart's values that are about one component. Source: values.yaml of the charts."""

    name: str
    """The name of the component in option `workloads`, such as `manager`."""
    pod: Values
    """It has the number of the pods, and the nodes that they run on."""
    container: Values
    """It has the resources, the flags and the variables of the container. It may be the same section."""
    variables_key: str
    """The key of the list of variables in `container`."""


def build_chart_values(product: Product, custom: Customization, images: Mapping[str, str], version: Version) -> Values:
    """Return the values of the product's chart. Values that the user gives for the chart replace them later.

    `images` has the images that the operator starts, by the names of compatibility.yml.
    """
    return _VALUE_BUILDERS[product.name](custom, images, version)


def _cert_manager_values(custom: Customization, _images: Mapping[str, str], version: Version) -> Values:
    """Return the values of cert-manager's chart. Its components are the controller, the webhook and the cainjector."""
    chart_values: Values = {"crds": {"enabled": True}, "startupapicheck": {"enabled": False}}
    global_values: Values = {"commonLabels": {RELEASE_LABEL: CERT_MANAGER}}
    if custom.image_pull_secrets:
        global_values["imagePullSecrets"] = [{"name": name} for name in custom.image_pull_secrets]
    if custom.leader_election_namespace:
        global_values["leaderElection"] = {"namespace": custom.leader_election_namespace}
    chart_values["global"] = global_values
    for path, image in _REPOSITORIES.items():
        _name, _at_sign, digest = custom.pin(f"{image}:{version.tag}").partition("@")
        if custom.image_registry:
            _section_at(chart_values, (*path, "image"))["repository"] = replace_registry(image, custom.image_registry)
        if digest:
            _section_at(chart_values, (*path, "image"))["digest"] = digest
    for component, path in _SECTION_PATHS.items():
        section = _section_at(chart_values, path)
        sections = _ComponentSections(component, pod=section, container=section, variables_key="extraEnv")
        _set_component_options(sections, custom.workloads.get(component) or {})
    return chart_values


def _operator_values(custom: Customization, images: Mapping[str, str], version: Version) -> Values:
    """Return the values of the operator's chart. Its one component is the manager."""
    manager: Values = {}
    chart_values: Values = {"additionalLabels": {RELEASE_LABEL: OPERATOR}, "manager": manager}
    # Otherwise uninstalling the release deletes the collectors of all users.
    chart_values["crds"] = {"annotations": {"helm.sh/resource-policy": "keep"}}
    if custom.image_pull_secrets:
        chart_values["imagePullSecrets"] = [{"name": name} for name in custom.image_pull_secrets]
    manager.update(_manager_image_values(custom, version))
    for name, image in images.items():
        repository, tag = _split_repository_and_tag(image)
        _section_at(manager, _OPERATOR_IMAGES[name]).update(repository=repository, tag=tag)
    options = custom.workloads.get("manager") or {}
    own_flags = options.get("flags") or {}
    manager.update(_manager_flag_values({name: value for name, value in custom.flags.items() if name not in own_flags}))
    if custom.variables:
        manager["env"] = dict(custom.variables)
    sections = _ComponentSections("manager", pod=chart_values, container=manager, variables_key="extraEnvs")
    _set_component_options(sections, options)
    chart_values["admissionWebhooks"] = _webhook_values(custom)
    return chart_values


def _manager_flag_values(flags: Mapping[str, str]) -> Values:
    """Return the flags of the operator. Feature gates have a field of their own in the chart, and so have images."""
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


def _manager_image_values(custom: Customization, version: Version) -> Values:
    """Return the image of the operator if it differs from that of the chart."""
    image = replace_registry(custom.pin(f"{_OPERATOR_IMAGE}:{version}"), custom.image_registry)
    repository, tag = _split_repository_and_tag(image)
    fields: Values = {}
    if custom.image_registry:
        fields["repository"] = repository
    if "@" in tag:
        fields["tag"] = tag
    return {"image": fields} if fields else {}


def _split_repository_and_tag(image: str) -> tuple[str, str]:
    """Return repository and tag of an image. A digest stays with the tag, because the chart joins both with a colon."""
    name, at_sign, digest = image.partition("@")
    repository, _colon, tag = name.rpartition(":")
    return repository, f"{tag}{at_sign}{digest}"


def _webhook_values(custom: Customization) -> Values:
    """Return where the certificate comes from. One that the chart generates stays when the chart is upgraded."""
    if custom.certificates.source == GENERATED:
        return {"certManager": {"enabled": False}, "autoGenerateCert": {"enabled": True, "recreate": False}}
    cert_manager: Values = {"enabled": True}
    if custom.certificates.source == ISSUER and custom.certificates.issuer:
        cert_manager["issuerRef"] = dict(custom.certificates.issuer)
    return {"certManager": cert_manager}


def _set_component_options(sections: _ComponentSections, options: ComponentOptions) -> None:
    """Set the options of a component in its sections. Raises Problem for a flag that a chart cannot take away."""
    if options.get("replicas") is not None:
        sections.pod["replicaCount"] = options["replicas"]
    for option, key in SCHEDULING.items():
        value = options.get(option)
        if value:
            sections.pod[key] = value
    if options.get("resources"):
        sections.container["resources"] = options["resources"]
    _add_flags(sections, options.get("flags") or {})
    variables = options.get("env") or {}
    if variables:
        sections.container[sections.variables_key] = [
            {"name": name, **variable_source(name, value)} for name, value in variables.items()
        ]


def _add_flags(sections: _ComponentSections, flags: Mapping[str, Any]) -> None:
    """Add flags to the arguments of a component. Raises Problem for None, since a chart cannot take a flag away."""
    removed_flags = [name for name, value in flags.items() if value is None]
    if removed_flags:
        wrong = (
            f"option 'workloads.{sections.name}.flags' takes {', '.join(removed_flags)} away, which a chart cannot do"
        )
        raise Problem(wrong, fix="Give a value, or use provider manifest.")
    added_arguments = [f"--{name}={text_value(value)}" for name, value in flags.items()]
    if added_arguments:
        sections.container["extraArgs"] = [*sections.container.get("extraArgs", ()), *added_arguments]


def _section_at(section: Values, path: tuple[str, ...]) -> Values:
    """Return the section at a path of the values. A section that is not there is made."""
    for key in path:
        section = section.setdefault(key, {})
    return section


_VALUE_BUILDERS: dict[str, Callable[[Customization, Mapping[str, str], Version], Values]] = {
    CERT_MANAGER: _cert_manager_values,
    OPERATOR: _operator_values,
}
