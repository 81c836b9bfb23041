# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider olm of a product: from inputs to a Subscription, or to its removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._install.olm import olm_decision, olm_objects
from ...module_utils._install.olm.olm_decision import AUTOMATIC_APPROVAL, MANUAL_APPROVAL, OlmRequest
from ...module_utils._install.releases import release_decision, removal
from ...module_utils._install.releases.customization import TUNING
from ...module_utils._install.releases.installed import OLM
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_decision import ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import parse_version
from ...module_utils._instrumentation.sdk_languages import LANGUAGES
from ...module_utils._otelcol.errors import Problem
from .. import _arguments

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
# Options of release_render that a Subscription does not support, and their alternatives.
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
    product: Product, arguments: Mapping[str, Any], table: Mapping[str, Any], check: bool
) -> dict[str, Any]:
    """Return the decision on a product that a Subscription installs. Raises Problem if it is impossible or forbidden.

    `table` are the tested versions. The result has the keys of a decision, `version`, `namespace`, and `olm`: what to
    apply and to wait for, empty if another owner's installation stays.
    """
    request = _build_request(product, arguments)
    installed = _read_installed(request, arguments)
    _refuse_unsupported(arguments)
    release_request = ReleaseRequest(
        product=product,
        provider=OLM,
        namespace=request.namespace,
        foreign=arguments["foreign"],
        strict=arguments["compatibility"] == "refuse",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )
    decision = release_decision.decide_release(release_request, installed, table)
    if decision.provider == release_decision.EXISTING:
        return {
            **decision.result_fields,
            "version": installed["version"],
            "namespace": installed["namespace"],
            "olm": {},
        }
    plan = olm_decision.plan_installation(request, {**arguments["olm_found"], "kubernetes": installed["kubernetes"]})
    version = olm_objects.parse_csv_name(plan.csv).version
    versioned_decision = release_decision.decide_release(
        replace(release_request, version=parse_version(version)), installed, table
    )
    return {
        **release_decision.Decision(plan.action, OLM, plan.message, versioned_decision.warnings).result_fields,
        "version": version,
        "namespace": request.namespace,
        "olm": {
            "manifests": plan.manifests,
            "namespace": request.namespace,
            "subscription": plan.subscription,
            "csv": plan.csv,
            "approval": request.approval,
        },
    }


def plan_removal(product: Product, arguments: Mapping[str, Any], check: bool) -> RemovalPlan:
    """Return the objects of a Subscription to remove. Raises Problem if the product is still in use."""
    request = _build_request(product, arguments)
    installed, olm_state = _read_installed(request, arguments), arguments["olm_found"]
    own_release = olm_objects.add_versions(request.namespace, request.package, installed, olm_state)
    removal_plan = removal.plan_removal(
        product, own_release, arguments["others"], arguments["remove_definitions"], check=check
    )
    neighbours = olm_objects.list_other_subscriptions(request.namespace, olm_state)
    if removal_plan.action == "remove" and neighbours:
        names = ", ".join(f"{neighbour['namespace']}/{neighbour['name']}" for neighbour in neighbours)
        removal_plan.warnings.append(f"The OperatorGroup stays, since {names} needs it")
    return removal_plan


def _read_installed(request: OlmRequest, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the installed releases, with what the Subscription of this collection brought as its own."""
    if arguments["olm_found"] is None or arguments["installed"] is None:
        wrong = "the provider olm needs the installed releases and the state of OLM"
        raise Problem(wrong, fix="Give the results of release_info (installed) and olm_info (olm_found).")
    return olm_objects.mark_own_objects(
        request.namespace, request.package, arguments["installed"], arguments["olm_found"]
    )


def _build_request(product: Product, arguments: Mapping[str, Any]) -> OlmRequest:
    if not product.is_in_olm:
        raise Problem(f"no known catalog contains {product.title}", fix="Use another provider.")
    olm_options = _arguments.validate_values(arguments["olm"], OPTIONS, "olm")
    namespace = olm_decision.choose_namespace(olm_options["package"], olm_options["namespace"])
    return OlmRequest(**{**olm_options, "namespace": namespace, "config": _build_config(arguments)})


def _refuse_unsupported(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for options that a Subscription does not support."""
    tuning = arguments["workloads"].get("manager") or {}
    set_options = {**arguments, "flags": tuning.get("flags"), "replicas": tuning.get("replicas") not in (None, 1)}
    unsupported = [
        f"{name} ({alternative})" for name, alternative in _UNSUPPORTED_OPTIONS.items() if set_options.get(name)
    ]
    if unsupported:
        wrong = f"a Subscription does not support {', '.join(unsupported)}"
        raise Problem(wrong, asked=olm_decision.TASK, fix="Omit these options, or use another provider.")


def _build_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the Subscription changes in the operator's Deployment."""
    tuning = arguments["workloads"].get("manager") or {}
    config = {key: tuning[name] for name, key in TUNING.items() if tuning.get(name)}
    variables = {**_build_variables(arguments), **(tuning.get("env") or {})}
    if variables:
        config["env"] = [{"name": name, "value": str(value)} for name, value in sorted(variables.items())]
    return config


def _build_variables(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that give the operator its images and feature gates."""
    variables: dict[str, str] = {}
    for name, image in arguments["images"].items():
        if image and name in _IMAGE_VARIABLES:
            variables[_IMAGE_VARIABLES[name]] = image
    if arguments["feature_gates"]:
        variables["FEATURE_GATES"] = ",".join(arguments["feature_gates"])
    return variables
