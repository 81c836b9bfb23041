# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a Linux host, as their options decide them, and with their configs. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from ..module_utils._collector.options import option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._host.host_deployment import host_deployment, host_variables
from ..module_utils._host.host_options import OWN, SHARED, HostCollector
from ..module_utils._host.host_program import Releases
from ..module_utils._host.host_tls import check_tls
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.errors import Problem, about
from . import _arguments, _lock_file, _origins, _sources
from ._collector_build import build_and_version
from ._composed_collectors import ComposedCollector, composed_collectors
from ._drafted import DraftedCollector, Surroundings, written_for
from ._host_groups import ITEMS, PREFIX, InventoryGroups
from ._otelcol import _tables, _yaml
from ._recipe_layers import Route
from ._render_request import SOURCES

_CLUSTER_PREFIX = "otel_collector_"
_PLATFORM = "generic"
# What differs on a host from that platform: no pod hides the system.
_HOST_FACTS = {"resource_detectors": ["env", "system"]}
# A host has no custom resource, and its deployment follows from its options alone.
_ON_HOSTS = Surroundings(
    environment=host_variables,
    deployment=lambda collector, _needs, _platform: host_deployment(collector),
    resource=lambda _build: None,
)


@dataclass(frozen=True)
class HostRequest:
    """A task's request: the collectors of one host with common defaults, the user's folders, mirror and lock.

    `unlocked` has the architectures whose archives need no sum while there is no lock. `sdks` are rows of services that
    send to the collectors.
    """

    collectors: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    recipe_paths: Sequence[str] = ()
    rule_paths: Sequence[str] = ()
    overlay_policy: Mapping[str, Any] = field(default_factory=dict)
    mirror: str = ""
    lock_file: str = ""
    groups: InventoryGroups | None = None
    unlocked: Sequence[str] = ()
    sdks: Sequence[Mapping[str, Any]] = ()

    def releases(self) -> Releases:
        """Return where archives are, and their sums in the lock. Raises Problem for a file that is no lock."""
        return Releases(self.mirror, _lock_file.read_if_given(self.lock_file), tuple(self.unlocked))

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> HostRequest:
        """Return the request of these arguments of a module."""
        options = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in options if name in arguments})

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> HostRequest:
        """Return what role otel_host asks for on a host with these variables."""
        defaults = {name: variables[PREFIX + name] for name in host_option_names() if PREFIX + name in variables}
        return cls(variables.get(ITEMS) or [], defaults, variables.get(f"{PREFIX}recipe_paths") or [])

    @property
    def names_any(self) -> bool:
        """Whether it names a collector."""
        return bool(self.collectors or any(self.defaults.get(name) for name in SOURCES))


def host_option_names() -> list[str]:
    """Return the options of a collector of a host."""
    return [*SHARED, *OWN]


def composed_host(request: HostRequest, route: Route) -> list[ComposedCollector]:
    """Return the collectors of a host with their configs; `route` resolves the groups that their recipes name.

    Raises Problem for options that cannot be used, and for a config that cannot be composed.
    """
    drafts: list[DraftedCollector] = []
    for item in request.collectors or [{}]:
        with about(f"collector '{_name_of(item, request.defaults)}'"):
            drafts.append(_drafted(item, request.defaults))
    return composed_collectors(drafts, _recipes(request.recipe_paths), route)


def _name_of(item: Mapping[str, Any], common: Mapping[str, Any]) -> str:
    """Return the name of a collector for messages, before its options are checked."""
    return str(item.get("name") or common.get("name") or "")


def _recipes(folders: Sequence[str]) -> dict[str, Any]:
    """Return the recipes: the user's take precedence, then those of hosts, then those of both."""
    return _sources.find([*folders, str(_sources.ROLE.with_name("otel_host") / "recipes")], "recipes")


def _drafted(item: Mapping[str, Any], common: Mapping[str, Any]) -> DraftedCollector:
    """Return what the options of one collector decide. Raises Problem for options that cannot be used on a host."""
    options = _options_of(item, common)
    collector = HostCollector.from_host_options(options, _of_clusters())
    _check_exposed(collector, {**common, **item})
    check_tls(collector.tls)
    target, version = build_and_version(collector)
    facts = _sources.platform(_PLATFORM, _sources.find([], "platforms"))
    return DraftedCollector(
        collector=collector,
        written=written_for(item, common),
        platform=Platform(),
        facts={**facts, **_HOST_FACTS},
        version=version,
        target=target,
        surroundings=_ON_HOSTS,
    )


def _options_of(item: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a collector in their types; without a version, that of its distribution."""
    values = {**_yaml.plain(common), **item}
    name = _arguments.named(values)
    given = {key: value for key, value in values.items() if value is not None}
    options = _arguments.checked(given, _specification(), f"collector '{name}'")
    tested = _tables.catalogue("distributions")[options["distribution"]]["version"]
    return {**options, "version": options["version"] or tested}


@cache
def _specification() -> _arguments.Options:
    """Return the options of a collector of a host, as role otel_host documents them."""
    return _arguments.Options(_sources.role_options(PREFIX, host_option_names()))


@cache
def _of_clusters() -> Mapping[str, Any]:
    """Return the defaults of the options that only clusters have."""
    names = [name for name in option_names() if name not in SHARED]
    options = _arguments.Options(_sources.role_options(_CLUSTER_PREFIX, names))
    return _arguments.checked({}, options, "role otel_collector")


def _check_exposed(collector: HostCollector, given: Mapping[str, Any]) -> None:
    """Raise Problem for a secret that would be in the unit or in the config: every user of the host can read both."""
    secret_name = first_secret(collector.env)
    if secret_name is not None:
        wrong = f"`env.{secret_name}` looks like a secret, and every user of the host can read the unit"
        raise Problem(wrong, fix="Make it a credential: `{credential: {content: TEXT}}`.")
    variables = given.get("env") or {}
    texts = [value for value in variables.values() if not isinstance(value, Mapping)]
    if _origins.decrypted([given.get("config"), texts]):
        wrong = "its `config` or `env` has a text that Ansible decrypted, and every user of the host can read both"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def first_secret(variables: Mapping[str, Any]) -> str | None:
    """Return the name of the first variable whose text is a secret, by its name or by itself; None without one."""
    for name, value in variables.items():
        if not isinstance(value, Mapping) and has_secret({name: value}):
            return name
    return None


def has_secret(data: Any) -> bool:
    """Whether there is a secret in clear text somewhere in data."""
    return next(secrets_in_objects([data], _yaml.parsed), None) is not None
