# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case of a rule knows beside the config, in words: the build, the deployment, other collectors, variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml


def describe_surroundings(known_inputs: Mapping[str, Any]) -> str:
    """Return what a case knows of its surroundings, such as `contrib 0.158.0, mode daemonset`; empty if nothing.

    `known_inputs` has the arguments of the rules beside the config, as `Inputs` of the library names them.
    """
    descriptions = [
        *_describe_target(known_inputs),
        *_describe_deployment(known_inputs),
        *_describe_lost_signals(known_inputs),
        *_describe_connections(known_inputs),
    ]
    return ", ".join([*descriptions, *_describe_environment(known_inputs)])


def _describe_target(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    target = known_inputs.get("target")
    if target:
        yield f"{target.distribution} {target.version}"


def _describe_deployment(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the mode of a deployment, then each field that is not as by default."""
    deployment = known_inputs.get("deployment")
    if not deployment:
        return
    yield f"mode {deployment.mode}"
    for field in fields(deployment):
        value = getattr(deployment, field.name)
        if field.name != "mode" and value != field.default:
            yield f"{field.name.replace('_', ' ')}: {_describe_value(value)}"


def _describe_lost_signals(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield which signals collectors do not receive that others send to them."""
    for pairs in known_inputs.get("unreceived", {}).values():
        signals_by_collector: dict[str, list[str]] = {}
        for collector, signal in pairs:
            signals_by_collector.setdefault(collector, []).append(signal)
        for collector, signals in signals_by_collector.items():
            yield f"collector {collector} receives no {' and no '.join(signals)}"


def _describe_connections(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors that let connections of clients stay."""
    if "unseen" not in known_inputs:
        return
    keeping_collectors = sorted(
        {collector for collectors in known_inputs["unseen"].values() for collector in collectors}
    )
    for collector in keeping_collectors:
        yield f"collector {collector} lets connections stay"
    if not keeping_collectors:
        yield "the collector ends connections after a time"


def _describe_environment(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the variables, where a case says which are known."""
    if "environment" not in known_inputs:
        return
    variables = known_inputs["environment"]
    if variables is None:
        yield "variables unknown"
    else:
        yield f"variables: {', '.join(sorted(variables)) or 'none'}"


def _describe_value(value: Any) -> str:
    """Return a field of a deployment: policies by their first rule, lists by their entries, truth by yes and no."""
    if hasattr(value, "policies"):
        first_rule = value.policies.policies[0]["spec"]["ingress"]
        return str(yaml.safe_dump(first_rule, default_flow_style=True)).strip()
    if isinstance(value, (frozenset, tuple)):
        return ", ".join(sorted(map(_describe_entry, value))) or "none"
    if isinstance(value, dict):
        return _describe_entry(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _describe_entry(entry: Any) -> str:
    """Return an entry of a list: the values of a mapping, or the parts of a tuple with slashes."""
    if isinstance(entry, dict):
        return " ".join("/".join(map(str, value)) or "''" for value in entry.values())
    if isinstance(entry, tuple):
        return "/".join(map(str, entry))
    return str(entry)
