# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The needs of a finished config: ports, permissions, environment variables and volumes.

They come from the finished config, so a user's own config gets ports, RBAC, probes and volumes as a recipe does.
A part is a component that the config starts, see listeners.py; a used part is one with a row in component_table.py. A
grant is what AWS has to allow, see aws_policy.py. Rules are RBAC rules here. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..catalogue.port_rows import Listeners
from ..config.paths import iter_leaves, value_at
from .aws_calls import list_grants
from .aws_policy import AwsGrant
from .component_row import Rules, find_guarded_rights
from .listeners import Listener, StartedComponent, are_ports_known, find_listeners, started_parts
from .needed_mounts import Mount, find_needed_mounts
from .needed_ports import CollectorPort, find_probed_port, name_ports
from .needed_variables import NeededVariable, find_config_variables
from .used_parts import UsedPart, find_used_parts

# How components name the token of their pod: the setting `auth_type` of those that ask the API, and its folder.
_ACCOUNT_AUTHENTICATION, _ACCOUNT_FILES = "serviceAccount", "/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True)
class Needs:
    """All that a config needs from its surroundings.

    `rbac_rules` are RBAC rules, `aws_grants` what AWS has to allow. `probed_port` is the port that the kubelet asks for
    the health, None without one, and `probe_path` the path of the URL. `asks_api` says that the config may ask the API
    of Kubernetes, `has_known_ports` that it surely opens no other ports than `ports`.
    """

    ports: tuple[CollectorPort, ...]
    rbac_rules: Rules
    variables: tuple[NeededVariable, ...]
    mounts: tuple[Mount, ...]
    state_directories: tuple[str, ...]
    needs_root: bool
    probed_port: CollectorPort | None
    probe_path: str
    aws_grants: tuple[AwsGrant, ...]
    asks_api: bool
    has_known_ports: bool

    @property
    def iam_actions(self) -> tuple[str, ...]:
        """The actions of AWS that the config leads to."""
        return tuple(sorted({action for grant in self.aws_grants for action in grant.actions}))


def derive_needs(
    config: Mapping[str, Any],
    table: Listeners,
    environment: Mapping[str, str] | None = None,
    allowed_rights: Iterable[str] = (),
    is_known_type: Callable[[str, str], bool] = lambda _section, _type: True,
) -> Needs:
    """Return what this config needs; only components in use count.

    `table` has the ports that component types open, `environment` the values of variables that are known beforehand.
    `allowed_rights` names the rights that have the user's consent, such as `secrets`, see component_row.py.
    `is_known_type` gets a section and a type; a type that is not known may need the API and open ports.
    """
    derivation = _Derivation(config, table, is_known_type)
    rules = _collect_rules(derivation.needing_parts, allowed_rights)
    ports, health_part = derivation.ports, derivation.health_part
    return Needs(
        ports=tuple(ports),
        rbac_rules=rules,
        variables=tuple(derivation.find_variables()),
        mounts=tuple(find_needed_mounts(config, derivation.needing_parts)),
        state_directories=_list_state_directories(derivation.needing_parts),
        needs_root=any(row.needs_root(part.settings) for row, part in derivation.needing_parts),
        probed_port=find_probed_port(ports, derivation.listeners, health_part),
        probe_path=_probe_path(health_part),
        aws_grants=tuple(derivation.find_grants(environment or {})),
        asks_api=bool(rules) or derivation.may_ask_kubernetes_api(),
        has_known_ports=derivation.has_only_known_types and are_ports_known(config, derivation.parts, table),
    )


@dataclass(frozen=True)
class _Derivation:
    """A config with what is read off it once: its parts, what of them needs something, and where they listen."""

    config: Mapping[str, Any]
    listener_table: Listeners
    is_known_type: Callable[[str, str], bool]

    @cached_property
    def parts(self) -> list[StartedComponent]:
        """The components in use."""
        return list(started_parts(self.config))

    @cached_property
    def needing_parts(self) -> list[UsedPart]:
        """The components in use that need something, with their rows."""
        return find_used_parts(self.parts)

    @cached_property
    def listeners(self) -> list[Listener]:
        """Where the config listens, on ports whose number is known."""
        return list(find_listeners(self.config, self.parts, self.listener_table))

    @cached_property
    def ports(self) -> list[CollectorPort]:
        """The ports of the pod, by their names."""
        return name_ports(self.listeners)

    @cached_property
    def health_part(self) -> StartedComponent | None:
        """The component that tells the kubelet whether the Collector is healthy."""
        return next((part for row, part in self.needing_parts if row.serves_health), None)

    @cached_property
    def has_only_known_types(self) -> bool:
        """Whether the types and the settings of all components in use are known."""
        for part in self.parts:
            is_variable = isinstance(value_at(self.config, part.path), str)
            if is_variable or not self.is_known_type(part.section, part.type):
                return False
        return True

    def find_variables(self) -> Iterator[NeededVariable]:
        """Yield the variables that the config names, then those that components read without a reference."""
        named_variables = list(find_config_variables(self.config))
        yield from named_variables
        unnamed_names: set[str] = set()
        for row, part in self.needing_parts:
            unnamed_names.update(row.list_variables(part.settings))
        unnamed_names -= {variable.name for variable in named_variables}
        for name in sorted(unnamed_names):
            yield NeededVariable(name, (), is_optional=False)

    def find_grants(self, environment: Mapping[str, str]) -> Iterator[AwsGrant]:
        """Yield what components may call at AWS."""
        for part in self.parts:
            yield from list_grants((part.section, part.type), part.settings, self.config, environment)

    def may_ask_kubernetes_api(self) -> bool:
        """Whether the config may ask the API of Kubernetes with rights that are not derived."""
        return (
            not self.has_only_known_types
            or any(row.asks_api for row, _part in self.needing_parts)
            or _uses_account_token(self.config)
        )


def _uses_account_token(config: Mapping[str, Any]) -> bool:
    """Whether a setting names the token of the ServiceAccount, or a file beside it."""
    return any(value == _ACCOUNT_AUTHENTICATION or _ACCOUNT_FILES in str(value) for _path, value in iter_leaves(config))


def _list_state_directories(parts_in_use: Iterable[UsedPart]) -> tuple[str, ...]:
    """Return the folders in which components keep their state, each once."""
    directories: set[str] = set()
    for row, part in parts_in_use:
        directories.update(row.list_state_directories(part.settings))
    return tuple(sorted(directories))


def _probe_path(health_part: StartedComponent | None) -> str:
    """Return the path at which the kubelet asks."""
    settings = health_part.settings if health_part else {}
    return str(settings.get("path") or "/")


def derive_rules(config: Mapping[str, Any], allowed_rights: Iterable[str]) -> Rules:
    """Return the permissions that the components of a config need."""
    return _collect_rules(find_used_parts(started_parts(config)), allowed_rights)


def _collect_rules(parts_in_use: Iterable[UsedPart], allowed_rights: Iterable[str]) -> Rules:
    """Return the permissions of all components, each once and in a stable order.

    What only older versions of Kubernetes need is left out unless the user allows it.
    """
    allowed_set = set(allowed_rights)
    rules: dict[str, dict[str, Any]] = {}
    for row, part in parts_in_use:
        allowed_older_rules = [
            rule for rule in row.list_older_rules(part.settings) if find_guarded_rights(rule) <= allowed_set
        ]
        for rule in (*row.list_rules(part.settings), *allowed_older_rules):
            rules.setdefault(repr(sorted(rule.items())), rule)
    return tuple(rules[key] for key in sorted(rules))
