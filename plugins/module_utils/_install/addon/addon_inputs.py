# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of action release_render that an EKS add-on does not take. Private.

The action takes the inputs of all ways to install an operator. An add-on has a configuration of its own, whose keys
replace some of these inputs; others have nothing there. For example, `workloads: {manager: {replicas: 2}}`:

    an EKS add-on does not take replicas. Give it as replicaCount in the configuration of the add-on (…).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._otelcol.errors import Problem
from ..releases.customization import SCHEDULING

# Inputs of the other providers, and the key of an add-on's configuration that does the same.
# Source: the configuration schema of the add-on adot, from v0.88.0 on.
CONFIGURED_INPUTS = {
    "replicas": "replicaCount",
    "resources": "manager.resources",
    **SCHEDULING,
}
# Inputs of the other providers for which an add-on has nothing, with their defaults.
UNSUPPORTED_INPUTS: dict[str, Any] = {
    "flags": {},
    "env": {},
    "feature_gates": [],
    "watch_namespaces": [],
    "images": {},
    "certificates": "cert_manager",
    "source": "",
    "sha256": "",
}


def refuse_unsupported_inputs(inputs: Mapping[str, Any]) -> None:
    """Raise Problem for the first input that an add-on does not support.

    `inputs` are the options of the action. Those of the workload `manager` count too, as in
    `workloads: {manager: {replicas: 2}}`. One replica is the default of the add-on, so that number may be given.
    """
    given_images = {name: image for name, image in inputs["images"].items() if image}
    tuning_of_manager = inputs["workloads"].get("manager") or {}
    options = {**inputs, **tuning_of_manager, "images": given_images}
    for name, key in CONFIGURED_INPUTS.items():
        if _is_given(name, options.get(name)):
            fix = f"Give it as {key} in the configuration of the add-on (addon_configuration)."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)
    for name, default in UNSUPPORTED_INPUTS.items():
        if options.get(name, default) not in (default, None):
            fix = "Leave it out, or use another provider: the configuration of the add-on has nothing for it."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)


def _is_given(name: str, value: Any) -> bool:
    """Whether an input asks for something that is not the default: of replicas, 1 is the default."""
    return value not in (None, 1) if name == "replicas" else bool(value)


def list_registry_warnings(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning if a registry is given. It is no error, because the user may set it for all roles."""
    if inputs["image_registry"] or inputs["image_pull_secrets"]:
        yield "The images of an EKS add-on come from the registry of AWS in the region, whatever image_registry says"
