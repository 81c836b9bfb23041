# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes in words what is known beside the config of a case of a rule, for the examples in docs/rules.md.

That is the build, where the collector runs, what other collectors do, and which variables are set. The page shows it in
brackets, as in `Wrong (contrib 0.158.0, mode daemonset, host network: yes):`. `examples.py` calls `describe_context`
for each case that it shows or compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml

from .project import import_plugin_module

# The verb of a field that is true or false.
_VERB = re.compile(r"^(?:has|is|uses)_")


def describe_context(known_inputs: Mapping[str, Any]) -> str:
    """Return what is known beside a config, such as `contrib 0.158.0, mode daemonset`; empty if nothing is.

    `known_inputs` has the values that a case gives for fields of Subject in rules/subject.py, by their names:

    | field | its value | described as |
    |---|---|---|
    | target | a TargetBuild | contrib 0.158.0 |
    | deployment | a Deployment | mode daemonset, host network: yes |
    | unreceived_signals | by exporter: `{"otlp/a": (("b", "logs"),)}` | collector b receives no logs |
    | unseen_collectors | by exporter: `{"otlp/a": ("b",)}` | collector b lets connections stay |
    | variable_names | names of variables; None if nobody knows them | variables: TOKEN |
    """
    descriptions = [
        *_describe_target(known_inputs),
        *_describe_deployment(known_inputs),
        *_describe_lost_signals(known_inputs),
        *_describe_connections(known_inputs),
        *_describe_environment(known_inputs),
    ]
    return ", ".join(descriptions)


def _describe_target(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the distribution and the version of the build."""
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
            yield f"{_name_field(field.name)}: {_describe_value(value)}"


def _name_field(name: str) -> str:
    """Return the name of a field in words, without its verb: `host network` of `uses_host_network`."""
    return _VERB.sub("", name).replace("_", " ")


def _describe_lost_signals(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield, for each collector that others send to, the signals that it does not receive."""
    for lost_signals in known_inputs.get("unreceived_signals", {}).values():
        signals_by_collector: dict[str, list[str]] = {}
        for collector, signal in lost_signals:
            signals_by_collector.setdefault(collector, []).append(signal)
        for collector, signals in signals_by_collector.items():
            yield f"collector {collector} receives no {' and no '.join(signals)}"


def _describe_connections(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors that let connections of clients stay, or that there is none."""
    if "unseen_collectors" not in known_inputs:
        return
    keeping_collectors: set[str] = set()
    for collectors in known_inputs["unseen_collectors"].values():
        keeping_collectors.update(collectors)
    for collector in sorted(keeping_collectors):
        yield f"collector {collector} lets connections stay"
    if not keeping_collectors:
        yield "the collector ends connections after a time"


def _describe_environment(known_inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the variables that are set, if the case says which; `variables unknown` if it says None."""
    if "variable_names" not in known_inputs:
        return
    variables = known_inputs["variable_names"]
    if variables is None:
        yield "variables unknown"
    else:
        yield f"variables: {', '.join(sorted(variables)) or 'none'}"


def _describe_value(value: Any) -> str:
    """Return the value of a field of a deployment in words.

    Lists stand as their entries, and truth as yes or no. Of network policies, the ingress rules of the first one stand
    there: no case of a rule has several.
    """
    if isinstance(value, import_plugin_module("module_utils._otelcol.rules.subject").Ingress):
        rules_of_first_policy = value.policies.policies[0]["spec"]["ingress"]
        return str(yaml.safe_dump(rules_of_first_policy, default_flow_style=True)).strip()
    if isinstance(value, (frozenset, tuple)):
        return ", ".join(sorted(map(_describe_entry, value))) or "none"
    if isinstance(value, dict):
        return _describe_entry(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _describe_entry(entry: Any) -> str:
    """Return an entry of a list in words: the lists of an RBAC rule, or the parts of a tuple with slashes.

    `{apiGroups: [""], resources: [pods], verbs: [get, list]}` becomes `'' pods get/list`, and `(4317, TCP)` `4317/TCP`.
    """
    if isinstance(entry, dict):
        joined_lists = ["/".join(map(str, words)) for words in entry.values()]
        return " ".join(joined_words or "''" for joined_words in joined_lists)
    if isinstance(entry, tuple):
        return "/".join(map(str, entry))
    return str(entry)
