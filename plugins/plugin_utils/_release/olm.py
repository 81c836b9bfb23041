# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider olm of a product: from inputs to a Subscription, or to its removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._install.olm import olm_decision, olm_objects
from ...module_utils._install.olm.olm_decision import AUTOMATIC, MANUAL, OlmRequest
from ...module_utils._install.releases import release_decision, removal
from ...module_utils._install.releases.customization import TUNING
from ...module_utils._install.releases.installed import OLM
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_decision import ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import read
from ...module_utils._instrumentation.sdk_languages import LANGUAGES
from ...module_utils._otelcol.errors import Problem
from .. import _arguments

OPTIONS: dict[str, dict[str, Any]] = {
    "package": {"type": "str", "required": True},
    "channel": {"type": "str", "default": ""},
    "source": {"type": "str", "required": True},
    "source_namespace": {"type": "str", "required": True},
    "csv": {"type": "str", "default": ""},
    "approval": {"type": "str", "choices": [AUTOMATIC, MANUAL], "default": AUTOMATIC},
    "operator_group": {"type": "str", "default": ""},
    "namespace": {"type": "str", "default": ""},
}
# Options of release_render that a Subscription does not support, and their alternatives.
_REFUSED = {
    "version": "otel_operator_olm_csv pins a version",
    "source": "the catalog has the bundle",
    "flags": "otel_operator_env sets what has a variable",
    "replicas": "the bundle sets the number",
    "watch_namespaces": "the bundle is for all namespaces",
    "image_pull_secrets": "the cluster's pull secret applies",
}
# The operator reads these images, and its feature gates, from variables (internal/config/env.go of its sources).
_IMAGES = {
    "collector": "RELATED_IMAGE_COLLECTOR",
    "target_allocator": "RELATED_IMAGE_TARGET_ALLOCATOR",
    "opamp_bridge": "RELATED_IMAGE_OPERATOR_OPAMP_BRIDGE",
    **{name: f"RELATED_IMAGE_AUTO_INSTRUMENTATION_{name.upper()}" for name in LANGUAGES},
}


def present(product: Product, arguments: Mapping[str, Any], table: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the decision on the product. Raises Problem if it is impossible or forbidden."""
    request = _request(product, arguments)
    found = _found(request, arguments)
    _refuse(arguments)
    asked = ReleaseRequest(
        product=product,
        provider=OLM,
        namespace=request.namespace,
        foreign=arguments["foreign"],
        strict=arguments["compatibility"] == "refuse",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )
    decision = release_decision.decide(asked, found, table)
    if decision.provider == release_decision.EXISTING:
        return {**decision.result, "version": found["version"], "namespace": found["namespace"], "olm": {}}
    plan = olm_decision.plan(request, {**arguments["olm_found"], "kubernetes": found["kubernetes"]})
    version = olm_objects.read_csv(plan.csv).version
    checked = release_decision.decide(replace(asked, version=read(version)), found, table)
    return {
        **release_decision.Decision(plan.action, OLM, plan.message, checked.warnings).result,
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


def absent(product: Product, arguments: Mapping[str, Any], check: bool) -> RemovalPlan:
    """Return the objects to remove. Raises Problem if the product is still in use."""
    request = _request(product, arguments)
    found, olm = _found(request, arguments), arguments["olm_found"]
    mine = olm_objects.with_versions(request.namespace, request.package, found, olm)
    gone = removal.removal(product, mine, arguments["others"], arguments["remove_definitions"], check=check)
    others = olm_objects.neighbours(request.namespace, olm)
    if gone.action == "remove" and others:
        names = ", ".join(f"{neighbour['namespace']}/{neighbour['name']}" for neighbour in others)
        gone.warnings.append(f"The OperatorGroup stays, since {names} needs it")
    return gone


def _found(request: OlmRequest, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the installed releases, with what the Subscription of this collection brought as its own."""
    if arguments["olm_found"] is None or arguments["installed"] is None:
        wrong = "the provider olm needs the installed releases and the state of OLM"
        raise Problem(wrong, fix="Give the results of release_info (installed) and olm_info (olm_found).")
    return olm_objects.as_ours(request.namespace, request.package, arguments["installed"], arguments["olm_found"])


def _request(product: Product, arguments: Mapping[str, Any]) -> OlmRequest:
    if not product.in_olm:
        raise Problem(f"no known catalog contains {product.title}", fix="Use another provider.")
    given = _arguments.checked(arguments["olm"], OPTIONS, "olm")
    namespace = olm_decision.namespace_for(given["package"], given["namespace"])
    return OlmRequest(**{**given, "namespace": namespace, "config": _config(arguments)})


def _refuse(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for options that a Subscription does not support."""
    tuning = arguments["workloads"].get("manager") or {}
    given = {**arguments, "flags": tuning.get("flags"), "replicas": tuning.get("replicas") not in (None, 1)}
    others = [f"{name} ({instead})" for name, instead in _REFUSED.items() if given.get(name)]
    if others:
        wrong = f"a Subscription does not support {', '.join(others)}"
        raise Problem(wrong, asked=olm_decision.ASKED, fix="Omit these options, or use another provider.")


def _config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the Subscription changes in the operator's Deployment."""
    tuning = arguments["workloads"].get("manager") or {}
    config = {key: tuning[name] for name, key in TUNING.items() if tuning.get(name)}
    variables = {**_own_variables(arguments), **(tuning.get("env") or {})}
    if variables:
        config["env"] = [{"name": name, "value": str(value)} for name, value in sorted(variables.items())]
    return config


def _own_variables(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that give the operator its images and feature gates."""
    variables: dict[str, str] = {}
    for name, image in arguments["images"].items():
        if image and name in _IMAGES:
            variables[_IMAGES[name]] = image
    if arguments["feature_gates"]:
        variables["FEATURE_GATES"] = ",".join(arguments["feature_gates"])
    return variables
