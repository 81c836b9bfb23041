# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider olm of module release_render: a Subscription of OLM installs the operator. Controller only. Private.

OLM is the Operator Lifecycle Manager. A CSV (ClusterServiceVersion) is one version of an operator in its catalogs, such
as opentelemetry-operator.v0.140.0, and a Subscription asks for one. `render.py` calls `decide_installation` and
`plan_removal`. For example, in a cluster without the operator, the first returns the Subscription, its Namespace and
its OperatorGroup as manifests, and the CSV for which role otel_operator then waits.

Two decisions meet here. `release_decision` is the same for every provider: whether the installation that is there may
be changed at all. `olm_decision` is of OLM alone: which CSV, channel and approval the Subscription has.
`ProviderDecision` has what follows from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ...module_utils._install.olm import csv_names, olm_decision, olm_removal
from ...module_utils._install.olm.olm_decision import OlmPlan
from ...module_utils._install.olm.olm_objects import FoundOlm
from ...module_utils._install.olm.olm_request import AUTOMATIC_APPROVAL, MANUAL_APPROVAL, OlmRequest
from ...module_utils._install.releases import release_decision, removal
from ...module_utils._install.releases.customization import TUNING
from ...module_utils._install.releases.installed import OLM, FoundRelease
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_request import EXISTING, ReleaseDecision, ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import parse_release_version
from ...module_utils._instrumentation.sdk_languages import LANGUAGES
from ...module_utils._otelcol.errors import Problem
from .. import _arguments
from .release_arguments import ProviderDecision, ReleaseArguments, SubscriptionRow

# The suboptions of option `olm` of release_render.
OPTIONS: dict[str, dict[str, Any]] = {
    "package": {"type": "str", "required": True},
    "channel": {"type": "str", "default": ""},
    "source": {"type": "str", "required": True},
    "source_namespace": {"type": "str", "required": True},
    "csv": {"type": "str", "default": ""},
    "approval": {"type": "str", "choices": [AUTOMATIC_APPROVAL, MANUAL_APPROVAL], "default": AUTOMATIC_APPROVAL},
    "operator_group": {"type": "str", "default": ""},
    "namespace": {"type": "str", "default": ""},
}
# What a Subscription does not support, and the alternatives: options of release_render, and `flags` and `replicas` of
# the tuning of workload `manager`. This `source` is the one of a manifest; that of option `olm` is a catalog.
_UNSUPPORTED_OPTIONS = {
    "version": "otel_operator_olm_csv pins a version",
    "source": "the catalog has the bundle",
    "flags": "otel_operator_env sets what has a variable",
    "replicas": "the bundle sets the number",
    "watch_namespaces": "the bundle is for all namespaces",
    "image_pull_secrets": "the cluster's pull secret applies",
}
# The operator reads these images, and its feature gates, from variables (internal/config/env.go of its sources).
_IMAGE_VARIABLES = {
    "collector": "RELATED_IMAGE_COLLECTOR",
    "target_allocator": "RELATED_IMAGE_TARGET_ALLOCATOR",
    "opamp_bridge": "RELATED_IMAGE_OPERATOR_OPAMP_BRIDGE",
    **{name: f"RELATED_IMAGE_AUTO_INSTRUMENTATION_{name.upper()}" for name in LANGUAGES},
}


def decide_installation(
    product: Product, arguments: ReleaseArguments, table: Mapping[str, Any], check: bool
) -> ProviderDecision:
    """Return the decision on the Subscription of a product. Raises Problem if it is impossible or forbidden.

    `table` has the tested versions, as `read_tables` returns them.
    """
    olm_request = _build_olm_request(product, arguments)
    cluster_state = _read_cluster_state(olm_request, arguments)
    installed = cluster_state.installed
    _refuse_unsupported(arguments)
    release_request = _build_release_request(product, olm_request.namespace, arguments, check)
    # Before the plan of OLM, which refuses a package that no catalog has: the operator of another owner that stays
    # needs no Subscription.
    decision = release_decision.decide_release(release_request, installed, table)
    if decision.provider == EXISTING:
        return ProviderDecision(decision, installed["version"], installed["namespace"], subscription_facts={})
    plan = olm_decision.plan_installation(olm_request, cluster_state.found_olm, installed["kubernetes"])
    version = csv_names.parse_csv_name(plan.csv).version
    # Once more, since only the plan knows the version: with it, a version that does not fit the cluster is refused, or
    # warned of. What to do is what the plan says, whose action is about the Subscription.
    versioned_request = replace(release_request, version=parse_release_version(version))
    warnings = release_decision.decide_release(versioned_request, installed, table).warnings
    return ProviderDecision(
        decision=ReleaseDecision(plan.action, OLM, plan.message, warnings),
        version=version,
        namespace=olm_request.namespace,
        subscription_facts=_describe_subscription(olm_request, plan),
    )


def _build_release_request(
    product: Product, namespace: str, arguments: ReleaseArguments, check: bool
) -> ReleaseRequest:
    """Return the request of a task, still without the version, which OLM and its catalogs decide."""
    return ReleaseRequest(
        product=product,
        provider=OLM,
        namespace=namespace,
        other_owner_policy=arguments["foreign"],
        strict=arguments["compatibility"] == "refuse",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )


def _describe_subscription(olm_request: OlmRequest, plan: OlmPlan) -> SubscriptionRow:
    """Return what role otel_operator applies and waits for."""
    return {
        "manifests": plan.manifests,
        "namespace": olm_request.namespace,
        "subscription": plan.subscription,
        "csv": plan.csv,
        "approval": olm_request.approval,
    }


def plan_removal(product: Product, arguments: ReleaseArguments, check: bool) -> RemovalPlan:
    """Return the objects of a Subscription to remove. Raises Problem if the product is still in use."""
    olm_request = _build_olm_request(product, arguments)
    cluster_state = _read_cluster_state(olm_request, arguments)
    found_release = olm_removal.choose_objects_to_remove(
        olm_request.namespace, olm_request.package, cluster_state.installed, cluster_state.found_olm
    )
    others_policy = arguments["others"]  # what to do about objects of others that use the product
    removal_plan = removal.plan_removal(
        product, found_release, others_policy, arguments["remove_definitions"], check=check
    )
    other_subscriptions = olm_removal.list_other_subscriptions(olm_request.namespace, cluster_state.found_olm)
    if removal_plan.action == "remove" and other_subscriptions:
        names = ", ".join(f"{subscription['namespace']}/{subscription['name']}" for subscription in other_subscriptions)
        removal_plan.warnings.append(f"The OperatorGroup stays, since {names} needs it")
    unclaimed_versions = olm_removal.list_unclaimed_versions(
        olm_request.namespace, olm_request.package, cluster_state.found_olm
    )
    for version in unclaimed_versions:
        removal_plan.warnings.append(
            f"ClusterServiceVersion {version} stays: no Subscription or OperatorGroup of this collection shows that it"
            " belongs to this collection, so it may be of somebody else. If nobody needs it, delete it."
        )
    return removal_plan


class _ClusterState(NamedTuple):
    """What earlier tasks have read of the cluster."""

    installed: FoundRelease
    """The result of release_info, in which the objects of our Subscription count as ours."""
    found_olm: FoundOlm
    """The result of olm_info, which is option `olm_found`."""


def _read_cluster_state(olm_request: OlmRequest, arguments: ReleaseArguments) -> _ClusterState:
    """Return the state of the cluster. Raises Problem if the task does not give it."""
    installed, found_olm = arguments["installed"], arguments["olm_found"]
    if found_olm is None or installed is None:
        wrong = "the provider olm needs the installed releases and the state of OLM"
        raise Problem(wrong, fix="Give the results of release_info (installed) and olm_info (olm_found).")
    marked_release = olm_removal.mark_own_objects(olm_request.namespace, olm_request.package, installed, found_olm)
    return _ClusterState(marked_release, found_olm)


def _build_olm_request(product: Product, arguments: ReleaseArguments) -> OlmRequest:
    """Return the request to OLM. Raises Problem for a product without catalog, and for wrong suboptions of `olm`."""
    if not product.is_in_olm:
        raise Problem(f"no known catalog contains {product.title}", fix="Use another provider.")
    olm_options = _arguments.validate_values(arguments["olm"], OPTIONS, "olm")
    namespace = olm_decision.choose_namespace(olm_options["package"], olm_options["namespace"])
    return OlmRequest(**{**olm_options, "namespace": namespace, "config": _build_config(arguments)})


def _refuse_unsupported(arguments: ReleaseArguments) -> None:
    """Raise Problem for options that a Subscription does not support."""
    tuning = _read_manager_tuning(arguments)
    is_other_number_than_of_bundle = tuning.get("replicas") not in (None, 1)  # the bundle has one replica
    given_options = {**arguments, "flags": tuning.get("flags"), "replicas": is_other_number_than_of_bundle}
    unsupported_lines: list[str] = []
    for name, alternative in _UNSUPPORTED_OPTIONS.items():
        if given_options.get(name):
            unsupported_lines.append(f"{name} ({alternative})")
    if unsupported_lines:
        wrong = f"a Subscription does not support {', '.join(unsupported_lines)}"
        raise Problem(wrong, asked=olm_decision.TASK, fix="Omit these options, or use another provider.")


def _read_manager_tuning(arguments: ReleaseArguments) -> Mapping[str, Any]:
    """Return the tuning of the operator's own workload; empty if the inventory tunes nothing of it."""
    return arguments["workloads"].get("manager") or {}


def _build_config(arguments: ReleaseArguments) -> dict[str, Any]:
    """Return `spec.config` of the Subscription, by which OLM changes the operator's Deployment."""
    tuning = _read_manager_tuning(arguments)
    config = {key: tuning[name] for name, key in TUNING.items() if tuning.get(name)}
    variables = {**_build_variables(arguments), **(tuning.get("env") or {})}
    if variables:
        config["env"] = [{"name": name, "value": str(value)} for name, value in sorted(variables.items())]
    return config


def _build_variables(arguments: ReleaseArguments) -> dict[str, str]:
    """Return the variables that give the operator its images and feature gates."""
    variables: dict[str, str] = {}
    for name, image in arguments["images"].items():
        if image and name in _IMAGE_VARIABLES:
            variables[_IMAGE_VARIABLES[name]] = image
    if arguments["feature_gates"]:
        variables["FEATURE_GATES"] = ",".join(arguments["feature_gates"])
    return variables
