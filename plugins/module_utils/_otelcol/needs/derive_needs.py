# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The needs of a finished config: ports, permissions, environment variables, volumes, and calls to AWS. Private.

They come from the finished config, so a user's own config gets ports, RBAC, probes and volumes as a recipe does. For

    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}, k8s_cluster: {}}

started by a pipeline, `derive_needs` returns port 4317 with the name otlp-grpc, and RBAC rules to read nodes, pods and
other objects. Only components that the config starts count (started_components.py): component_table.py has what their
types need, listeners.py which ports they open, aws_calls.py what they call at AWS. Variables, and tokens of accounts,
count wherever the config names them. Rules are RBAC rules here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.port_rows import Listeners
from ..config.paths import iter_leaves, value_at
from .aws_calls import list_grants
from .aws_grants import AwsGrant
from .component_needs import Rules, find_guarded_rights
from .components_with_needs import ComponentWithNeeds, find_components_with_needs
from .listeners import are_ports_known, find_listeners
from .needed_mounts import Mount, find_needed_mounts
from .needed_ports import CollectorPort, find_probed_port, name_ports
from .needed_variables import NeededVariable, find_config_variables
from .started_components import StartedComponent, list_started_components

# How components name the token of their pod: the setting `auth_type` of those that ask the API, and the token's folder.
_ACCOUNT_AUTHENTICATION = "serviceAccount"
_ACCOUNT_FILES = "/secrets/kubernetes.io/serviceaccount"

TypeCheck = Callable[[str, str], bool]
"""Gets a section and a type, and returns whether the type is known."""


@dataclass(frozen=True)
class Needs:
    """All that a config needs of the pod, of Kubernetes and of AWS."""

    ports: tuple[CollectorPort, ...]
    rbac_rules: Rules
    variables: tuple[NeededVariable, ...]
    mounts: tuple[Mount, ...]
    state_directories: tuple[str, ...]
    """The folders that must outlive the pod."""
    needs_root: bool
    probed_port: CollectorPort | None
    """The port that the kubelet asks for the health; None without one."""
    probe_path: str
    """The path of the URL that the kubelet asks."""
    aws_grants: tuple[AwsGrant, ...]
    """What AWS has to allow."""
    asks_api: bool
    """Whether the config may ask the API of Kubernetes."""
    has_known_ports: bool
    """Whether the config surely opens no other ports than `ports`."""

    @property
    def iam_actions(self) -> tuple[str, ...]:
        """The actions of AWS that the config leads to."""
        actions: set[str] = set()
        for grant in self.aws_grants:
            actions.update(grant.actions)
        return tuple(sorted(actions))


def _know_every_type(_section_name: str, _type_name: str) -> bool:
    """Return that a type is known: the default of a `TypeCheck`."""
    return True


def derive_needs(
    config: Mapping[str, Any],
    table: Listeners,
    *,
    environment: Mapping[str, str] | None = None,
    allowed_rights: Iterable[str] = (),
    is_known_type: TypeCheck = _know_every_type,
) -> Needs:
    """Return what this config needs.

    `table` has the ports that component types open, `environment` the values of variables that are known beforehand.
    `allowed_rights` names the rights that have the user's consent, such as `secrets`, see component_needs.py. A type
    that is not known may need the API and open ports.
    """
    components = list(list_started_components(config))
    components_with_needs = find_components_with_needs(components)
    listeners = list(find_listeners(config, components, table))
    ports = name_ports(listeners)
    health_component = _find_health_component(components_with_needs)
    has_only_known_types = _has_only_known_types(config, components, is_known_type)
    rules = _collect_rules(components_with_needs, allowed_rights)
    may_ask_api = not has_only_known_types or _may_ask_kubernetes_api(config, components_with_needs)
    return Needs(
        ports=tuple(ports),
        rbac_rules=rules,
        variables=tuple(_find_variables(config, components_with_needs)),
        mounts=tuple(find_needed_mounts(config, components_with_needs)),
        state_directories=_list_state_directories(components_with_needs),
        needs_root=any(needs.needs_root(component.settings) for needs, component in components_with_needs),
        probed_port=find_probed_port(ports, listeners, health_component),
        probe_path=_read_probe_path(health_component),
        aws_grants=tuple(_find_grants(config, components, environment or {})),
        asks_api=bool(rules) or may_ask_api,
        has_known_ports=has_only_known_types and are_ports_known(config, components, table),
    )


def derive_rules(config: Mapping[str, Any], allowed_rights: Iterable[str]) -> Rules:
    """Return the RBAC rules that the started components of a config need."""
    return _collect_rules(find_components_with_needs(list_started_components(config)), allowed_rights)


def _collect_rules(components: Iterable[ComponentWithNeeds], allowed_rights: Iterable[str]) -> Rules:
    """Return the RBAC rules of all components, each once and in a stable order."""
    rights_with_consent = set(allowed_rights)
    rule_by_text: dict[str, dict[str, Any]] = {}
    for component_with_needs in components:
        for rule in _list_granted_rules(component_with_needs, rights_with_consent):
            rule_by_text.setdefault(repr(sorted(rule.items())), rule)
    return tuple(rule_by_text[text] for text in sorted(rule_by_text))


def _list_granted_rules(
    component_with_needs: ComponentWithNeeds, rights_with_consent: set[str]
) -> Iterator[dict[str, Any]]:
    """Yield the RBAC rules of one component, first those that any version of Kubernetes needs.

    A rule that only older versions need is left out if it has a right that lacks the user's consent.
    """
    needs, component = component_with_needs
    yield from needs.list_rules(component.settings)
    for older_rule in needs.list_older_rules(component.settings):
        if find_guarded_rights(older_rule) <= rights_with_consent:
            yield older_rule


def _find_health_component(components: Iterable[ComponentWithNeeds]) -> StartedComponent | None:
    """Return the component that tells the kubelet whether the Collector is healthy."""
    for needs, component in components:
        if needs.serves_health:
            return component
    return None


def _read_probe_path(health_component: StartedComponent | None) -> str:
    """Return the path of the URL that the kubelet asks; `/` if the component has none."""
    settings = health_component.settings if health_component else {}
    return str(settings.get("path") or "/")


def _has_only_known_types(
    config: Mapping[str, Any], components: Sequence[StartedComponent], is_known_type: TypeCheck
) -> bool:
    """Whether the types and the settings of all started components are known; a variable hides settings."""
    for component in components:
        is_variable = isinstance(value_at(config, component.path), str)
        if is_variable or not is_known_type(component.section, component.type):
            return False
    return True


def _may_ask_kubernetes_api(config: Mapping[str, Any], components: Iterable[ComponentWithNeeds]) -> bool:
    """Whether components may ask the API of Kubernetes with rights that are not derived."""
    return any(needs.asks_api for needs, _component in components) or _uses_account_token(config)


def _uses_account_token(config: Mapping[str, Any]) -> bool:
    """Whether a setting names the token of the ServiceAccount, or a file beside it."""
    return any(value == _ACCOUNT_AUTHENTICATION or _ACCOUNT_FILES in str(value) for _path, value in iter_leaves(config))


def _find_variables(config: Mapping[str, Any], components: Iterable[ComponentWithNeeds]) -> Iterator[NeededVariable]:
    """Yield the variables that the config names, then those that components read without a reference."""
    named_variables = list(find_config_variables(config))
    yield from named_variables
    unnamed_names: set[str] = set()
    for needs, component in components:
        unnamed_names.update(needs.list_variables(component.settings))
    unnamed_names -= {variable.name for variable in named_variables}
    for name in sorted(unnamed_names):
        yield NeededVariable(name, (), is_optional=False)


def _list_state_directories(components: Iterable[ComponentWithNeeds]) -> tuple[str, ...]:
    """Return the folders in which components keep their state, each once."""
    directories: set[str] = set()
    for needs, component in components:
        directories.update(needs.list_state_directories(component.settings))
    return tuple(sorted(directories))


def _find_grants(
    config: Mapping[str, Any], components: Iterable[StartedComponent], environment: Mapping[str, str]
) -> Iterator[AwsGrant]:
    """Yield what started components may call at AWS."""
    for component in components:
        yield from list_grants((component.section, component.type), component.settings, config, environment)
