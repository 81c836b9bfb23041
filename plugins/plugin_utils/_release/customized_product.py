# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of release_render change in a release: its customization, or values of its chart. Controller only.

`own_release.py` calls it for a product that this collection applies, or gives to Helm. For example, with
`workloads: {manager: {replicas: 2}}` the Deployment of the manager gets two replicas: by a `Customization` of the
published manifest, or by the value `replicaCount: 2` of the chart. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from ...module_utils._install.releases import helm, lock_file, pinned_images
from ...module_utils._install.releases.customization import ComponentOptions, Customization
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version
from ...module_utils._install.releases.webhook_certificates import CertificateSource, IssuerReference
from .. import _arguments
from .._shape_checks import check_shapes
from .release_arguments import ReleaseArguments
from .release_tables import read_tables

# The suboptions of each workload in option `workloads`.
_TUNING_OPTIONS = {
    "replicas": {"type": "int"},
    "resources": {"type": "dict"},
    "flags": {"type": "dict"},
    "env": {"type": "dict"},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
}
# The suboptions of option `issuer`.
_ISSUER_OPTIONS = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["Issuer", "ClusterIssuer"], "default": "Issuer"},
    "group": {"type": "str", "default": "cert-manager.io"},
}


class CustomizedProduct(NamedTuple):
    """What to change in a release, and the images that the product itself starts.

    `started_images` has the default image of each kind of pod that the operator makes, such as `collector`, by name. It
    is empty for a product that starts no pods.
    """

    customization: Customization
    started_images: dict[str, str]


def customize_product(
    product: Product, target: Version, arguments: ReleaseArguments, inventory_lock: lock_file.Lock | None
) -> CustomizedProduct:
    """Return what the options change in a version of a product. Raises Problem for wrong options."""
    operator_images = pinned_images.OperatorImages({}, {})
    if product.starts_pods:
        operator_images = _choose_operator_images(target, arguments, inventory_lock)
    variables: dict[str, str] = {}
    if arguments["watch_namespaces"]:
        variables["WATCH_NAMESPACE"] = ",".join(arguments["watch_namespaces"])
    tuning_by_workload = _read_tuning(arguments)
    certificate_source = _read_certificate_source(arguments)
    customization = Customization(
        namespace=arguments["namespace"],
        leader_election_namespace=arguments["leader_election_namespace"],
        image_registry=arguments["image_registry"],
        pin=inventory_lock.pin_image if inventory_lock else lock_file.keep_unpinned,
        image_pull_secrets=arguments["image_pull_secrets"],
        flags=operator_images.flags,
        variables=variables,
        workloads=tuning_by_workload,
        certificates=certificate_source if product.takes_certificates else CertificateSource(),
    )
    return CustomizedProduct(customization, operator_images.started_images)


def _choose_operator_images(
    target: Version, arguments: ReleaseArguments, inventory_lock: lock_file.Lock | None
) -> pinned_images.OperatorImages:
    """Return the images that the operator starts, and its flags, which name these images and the feature gates."""
    own_images = {name: image for name, image in arguments["images"].items() if image}
    # Images that no object of the inventory needs are not locked.
    pin = inventory_lock.add_known_digest if inventory_lock else lock_file.keep_unpinned
    operator_images = pinned_images.choose_operator_images(
        str(target), arguments["image_registry"], own_images, read_tables(), pin
    )
    if arguments["feature_gates"]:
        operator_images.flags["feature-gates"] = ",".join(arguments["feature_gates"])
    return operator_images


def _read_tuning(arguments: ReleaseArguments) -> dict[str, ComponentOptions]:
    """Return the tuning of each workload, by its name. Raises Problem for unknown or wrong suboptions."""
    workload_specs = {name: {"type": "dict"} for name in arguments["workloads"]}
    check_shapes(arguments["workloads"], workload_specs, "workloads")
    tuning_by_workload: dict[str, ComponentOptions] = {}
    for name, values in arguments["workloads"].items():
        tuning = _arguments.validate_values(values, _TUNING_OPTIONS, f"workloads.{name}")
        tuning_by_workload[name] = cast(ComponentOptions, tuning)
    return tuning_by_workload


def _read_certificate_source(arguments: ReleaseArguments) -> CertificateSource:
    """Return where the certificate of the webhooks comes from. Raises Problem for a wrong issuer."""
    issuer: IssuerReference = {}
    if arguments["issuer"]:
        issuer = cast(IssuerReference, _arguments.validate_values(arguments["issuer"], _ISSUER_OPTIONS, "issuer"))
    return CertificateSource(arguments["certificates"], issuer, arguments["ca_bundle"])


# ── The values of a Helm chart ──


def build_chart_values(
    product: Product, target: Version, arguments: ReleaseArguments, customized: CustomizedProduct
) -> dict[str, Any]:
    """Return the values of the chart that make the same changes, with the user's own values on top."""
    chart_images = _select_chart_images(arguments, customized.started_images)
    base_values = helm.build_chart_values(product, customized.customization, chart_images, target)
    return _merge_values(base_values, arguments["helm_values"])


def _select_chart_images(arguments: ReleaseArguments, started_images: Mapping[str, str]) -> dict[str, str]:
    """Return the images that the chart's values must set: those that differ from its defaults.

    All differ with another registry. Else those do that the inventory names, and those with a digest of the lock.
    """
    if arguments["image_registry"]:
        return dict(started_images)
    chart_images: dict[str, str] = {}
    for name, image in started_images.items():
        has_digest = "@" in image
        if arguments["images"].get(name) or has_digest:
            chart_images[name] = image
    return chart_images


def _merge_values(base_values: Mapping[str, Any], user_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base values with the user's on top; mappings are merged at any depth."""
    merged_values = dict(base_values)
    for key, user_value in user_values.items():
        base_value = merged_values.get(key)
        if isinstance(user_value, Mapping) and isinstance(base_value, Mapping):
            merged_values[key] = _merge_values(base_value, user_value)
        else:
            merged_values[key] = user_value
    return merged_values
