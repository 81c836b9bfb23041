# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on names of attributes: what a config writes into data, and what the semantic conventions call it.

Sources: the registry of OpenTelemetry's semantic conventions, 1.27 and newer; the READMEs of resourceprocessor,
attributesprocessor, k8sattributesprocessor and transformprocessor. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.attributes.actions[0].key: info [own-attribute] 'podName' is a name of your own: the semantic
    conventions call it k8s.pod.name. Write k8s.pod.name, or write both if a dashboard needs the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.paths import Path, iter_leaves, list_at
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_REGISTRY = "https://opentelemetry.io/docs/specs/semconv/registry/attributes/"

# Attributes of the conventions, and names that people give to the same, in small letters with `_` between words.
_OWN_NAMES = {
    "cloud.account.id": ("account_id", "aws_account_id", "cloud_account_id"),
    "cloud.availability_zone": ("availability_zone", "cloud_availability_zone", "zone"),
    "cloud.region": ("aws_region", "cloud_region", "region"),
    "deployment.environment.name": ("deployment_environment", "env", "environment"),
    "host.name": ("host", "host_name", "hostname"),
    "k8s.cluster.name": ("cluster", "cluster_name", "k8s_cluster", "k8s_cluster_name", "kubernetes_cluster"),
    "k8s.container.name": ("container", "container_name", "k8s_container", "k8s_container_name"),
    "k8s.cronjob.name": ("cronjob", "k8s_cronjob", "k8s_cronjob_name"),
    "k8s.daemonset.name": ("daemonset", "k8s_daemonset", "k8s_daemonset_name"),
    "k8s.deployment.name": ("deployment", "deployment_name", "k8s_deployment", "k8s_deployment_name"),
    "k8s.namespace.name": ("k8s_namespace", "k8s_namespace_name", "kubernetes_namespace", "namespace"),
    "k8s.node.name": ("k8s_node", "k8s_node_name", "kubernetes_node", "node", "node_name"),
    "k8s.pod.name": ("k8s_pod", "k8s_pod_name", "kubernetes_pod_name", "pod", "pod_name"),
    "k8s.statefulset.name": ("k8s_statefulset", "k8s_statefulset_name", "statefulset"),
    "service.name": ("service_name",),
    "service.version": ("service_version",),
}
_CONVENTIONS = {own: convention for convention, own_names in _OWN_NAMES.items() for own in own_names}
_WRITING_ACTIONS = ("insert", "update", "upsert")
# Between the words of a name such as `pod.name`, `pod-name` or `podName`.
_END_OF_WORD = re.compile(r"[.\-]|(?<=[a-z0-9])(?=[A-Z])")
# A statement that gives an attribute a value, such as `set(resource.attributes["env"], "prod")`.
_SET_STATEMENT = re.compile(r'\bset\(\s*(?:\w+\.)*attributes\["(?P<name>[^"]+)"\]\s*,')


@dataclass(frozen=True)
class _WrittenName:
    """An attribute that a component writes, and where its settings say so."""

    name: str
    path: Path


@about(processors=["attributes", "k8sattributes", "resource", "transform"])
def own_attribute(subject: Subject) -> Iterator[Fault]:
    """Yield attributes with a name of one's own where the semantic conventions have one."""
    for part in subject.view.find_parts("processors", *_LISTER_BY_TYPE):
        written_names = list(_LISTER_BY_TYPE[part.kind](part))
        names_of_component = {written_name.name for written_name in written_names}
        for written_name in written_names:
            convention = _find_convention(written_name.name)
            # A component that writes both names does so on purpose, as the fix advises.
            if convention and convention not in names_of_component:
                message = f"'{written_name.name}' is a name of your own: the semantic conventions call it {convention}"
                fix = f"Write {convention}, or write both if a dashboard needs the other."
                yield Fault((*part.path, *written_name.path), message, fix)


def _find_convention(name: str) -> str:
    """Return what the conventions call an attribute; empty for their own names and for those that they lack."""
    snake_case_name = _END_OF_WORD.sub("_", name).lower()
    convention = _CONVENTIONS.get(snake_case_name, "")
    # The table has `host_name` for people's `hostName`, and `host.name` itself becomes the same.
    return "" if convention == name else convention


def _list_resource_names(part: StartedComponent) -> Iterator[_WrittenName]:
    yield from _list_action_names(part, "attributes")


def _list_attribute_names(part: StartedComponent) -> Iterator[_WrittenName]:
    yield from _list_action_names(part, "actions")


def _list_action_names(part: StartedComponent, key: str) -> Iterator[_WrittenName]:
    """Yield the attributes that a list of actions writes, and not those that it deletes, hashes or converts."""
    for index, action in enumerate(list_at(part.settings, key)):
        if not isinstance(action, dict) or action.get("action") not in _WRITING_ACTIONS:
            continue
        name = action.get("key")
        if isinstance(name, str):
            yield _WrittenName(name, (key, index, "key"))


def _list_extracted_names(part: StartedComponent) -> Iterator[_WrittenName]:
    """Yield the attributes that get labels and annotations of pods and of other objects."""
    for source_key in ("labels", "annotations"):
        for index, extracted in enumerate(list_at(part.settings, "extract", source_key)):
            name = extracted.get("tag_name") if isinstance(extracted, dict) else None
            if isinstance(name, str):
                yield _WrittenName(name, ("extract", source_key, index, "tag_name"))


def _list_statement_names(part: StartedComponent) -> Iterator[_WrittenName]:
    """Yield the attributes that statements of a transformation set."""
    for path, text in iter_leaves(part.settings):
        for match in _SET_STATEMENT.finditer(text) if isinstance(text, str) else ():
            yield _WrittenName(match["name"], path)


_LISTER_BY_TYPE = {
    "attributes": _list_attribute_names,
    "k8sattributes": _list_extracted_names,
    "resource": _list_resource_names,
    "transform": _list_statement_names,
}

RULES = define_rules("info", own_attribute, documentation=_REGISTRY)
