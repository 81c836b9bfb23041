# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a Linux host, as their options decide them, and with their configs. Private.

`_host_render.py` and `_host_flows.py` call `compose_host_collectors`. A draft is a collector whose options are read and
checked, and that has no config yet (`DraftedCollector` in _drafted.py). A composed collector has its config, and no
rule has judged it (_composed_collectors.py). The written options are the texts of the user with their places
(`WrittenOptions`). The surroundings are what rules learn of the place where it runs (`RuleSurroundings`). A route says
how a collector reaches a group of hosts that a recipe names (`Route` in _recipe_layers.py). The twin of this file for
clusters is `_cluster_drafts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from ..module_utils._collector.options import list_option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._host.host_deployment import describe_deployment, list_host_variables
from ..module_utils._host.host_options import HOST_OPTIONS, SHARED_OPTIONS, HostCollector
from ..module_utils._host.host_program import Releases
from ..module_utils._host.host_tls import check_tls_option
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import Problem, prefix_problems
from . import _arguments, _lock_file, _origins, _sources
from ._collector_build import find_build_and_version
from ._composed_collectors import ComposedCollector, compose_collectors
from ._drafted import DraftedCollector, RuleSurroundings, read_written_options
from ._host_groups import COLLECTORS_VARIABLE, PREFIX, InventoryGroups
from ._otelcol import _tables, _yaml
from ._recipe_layers import Route
from ._render_request import SOURCES

_CLUSTER_PREFIX = "otel_collector_"
_PLATFORM_NAME = "generic"
# What differs on a host from that platform: no pod hides the system.
_HOST_FACTS = {"resource_detectors": ["env", "system"]}
# A host has no custom resource, and its deployment follows from its options alone.
_ON_HOSTS = RuleSurroundings(
    list_variables=list_host_variables,
    build_deployment=lambda collector, _needs, _platform: describe_deployment(collector),
    build_resource=lambda _build: None,
)


@dataclass(frozen=True)
class HostRequest:
    """A task's request: the collectors of one host with common defaults, the user's folders, mirror and lock.

    Most fields are the options of module host_render, and have their names.
    """

    collectors: Sequence[Mapping[str, Any]]
    """The options of each collector by name, as `otel_host_collectors` lists them."""
    defaults: Mapping[str, Any]
    """The common options by name. An option of a collector hides the common one."""
    recipe_paths: Sequence[str] = ()
    rule_paths: Sequence[str] = ()
    overlay_policy: Mapping[str, Any] = field(default_factory=dict)
    mirror: str = ""
    """Where archives are instead of the internet; empty without a mirror."""
    lock_file: str = ""
    """The path of the lock file; empty without one."""
    groups: InventoryGroups | None = None
    """The groups of the inventory; None if there is no inventory, so that a recipe can name no group."""
    unlocked: Sequence[str] = ()
    """The architectures whose archives need no sum while there is no lock."""
    sdks: Sequence[Mapping[str, Any]] = ()
    """Rows of services of the host that send to the collectors."""

    def find_releases(self) -> Releases:
        """Return where archives are, and their sums in the lock. Raises Problem for a file that is no lock."""
        return Releases(self.mirror, _lock_file.read_lock_if_given(self.lock_file), tuple(self.unlocked))

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> HostRequest:
        """Return the request of these arguments of a module; those that are no field are left out."""
        options = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in options if name in arguments})

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> HostRequest:
        """Return what role otel_host asks for on a host with these variables, such as `otel_host_collectors`.

        The request has only what the config follows from: no rules, no mirror and no groups.
        """
        defaults = {name: variables[PREFIX + name] for name in list_host_option_names() if PREFIX + name in variables}
        return cls(variables.get(COLLECTORS_VARIABLE) or [], defaults, variables.get(f"{PREFIX}recipe_paths") or [])

    @property
    def names_any(self) -> bool:
        """Whether it names a collector."""
        return bool(self.collectors or any(self.defaults.get(name) for name in SOURCES))


def list_host_option_names() -> list[str]:
    """Return the options of a collector of a host."""
    return [*SHARED_OPTIONS, *HOST_OPTIONS]


def compose_host_collectors(request: HostRequest, route: Route) -> list[ComposedCollector]:
    """Return the collectors of a host with their configs; `route` resolves the groups that their recipes name.

    Without a list of collectors, the common options are those of the one collector. Raises Problem for options that
    cannot be used, and for a config that cannot be composed.
    """
    drafts: list[DraftedCollector] = []
    for collector_item in request.collectors or [{}]:
        with prefix_problems(f"collector '{_name_for_messages(collector_item, request.defaults)}'"):
            drafts.append(_draft_collector(collector_item, request.defaults))
    return compose_collectors(drafts, _find_recipes(request.recipe_paths), route)


def _name_for_messages(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> str:
    """Return the name of a collector for messages, before its options are checked."""
    return str(collector_item.get("name") or common_options.get("name") or "")


def _find_recipes(folders: Sequence[str]) -> dict[str, Any]:
    """Return the path of each recipe by its name. Folders of the user come first, then those of the roles."""
    return _sources.find_files([*folders, str(_sources.ROLE.with_name("otel_host") / "recipes")], "recipes")


def _draft_collector(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> DraftedCollector:
    """Return the draft of one collector. Raises Problem for options that cannot be used on a host."""
    options = _read_options(collector_item, common_options)
    collector = HostCollector.from_host_options(options, _defaults_of_cluster_options())
    _check_exposed_secrets(collector, {**common_options, **collector_item})
    check_tls_option(collector.tls)
    target, version = find_build_and_version(collector)
    platform_facts = _sources.read_platform(_PLATFORM_NAME, _sources.find_files([], "platforms"))
    return DraftedCollector(
        collector=collector,
        written_options=read_written_options(collector_item, common_options),
        platform=Platform(),
        platform_facts={**platform_facts, **_HOST_FACTS},
        version=version,
        target=target,
        surroundings=_ON_HOSTS,
    )


def _read_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a collector in their types. Without a version, they get that of the distribution.

    Raises Problem for an option that does not exist, and for a value of another type.
    """
    values = {**_yaml.strip_ansible_types(common_options), **collector_item}
    name = _arguments.describe_name(values)
    given_options = {key: value for key, value in values.items() if value is not None}
    options = _arguments.validate_values(given_options, _documented_options(), f"collector '{name}'")
    tested_version = _tables.catalogue("distributions")[options["distribution"]]["version"]
    return {**options, "version": options["version"] or tested_version}


@cache
def _documented_options() -> _arguments.DocumentedOptions:
    """Return the options of a collector of a host, as role otel_host documents them."""
    return _arguments.DocumentedOptions(_sources.read_role_options(PREFIX, list_host_option_names()))


@cache
def _defaults_of_cluster_options() -> Mapping[str, Any]:
    """Return the defaults of the options that only clusters have: a collector of a host has these fields too."""
    cluster_option_names = [name for name in list_option_names() if name not in SHARED_OPTIONS]
    options = _arguments.DocumentedOptions(_sources.read_role_options(_CLUSTER_PREFIX, cluster_option_names))
    return _arguments.validate_values({}, options, "role otel_collector")


def _check_exposed_secrets(collector: HostCollector, given_options: Mapping[str, Any]) -> None:
    """Raise Problem for a secret that would be in the unit or in the config: every user of the host can read both."""
    secret_name = find_first_secret(collector.env)
    if secret_name is not None:
        wrong = f"`env.{secret_name}` looks like a secret, and every user of the host can read the unit"
        raise Problem(wrong, fix="Make it a credential: `{credential: {content: TEXT}}`.")
    variables = given_options.get("env") or {}
    plain_texts = [value for value in variables.values() if not isinstance(value, Mapping)]
    if _origins.find_decrypted_texts([given_options.get("config"), plain_texts]):
        wrong = "its `config` or `env` has a text that Ansible decrypted, and every user of the host can read both"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def find_first_secret(variables: Mapping[str, Any]) -> str | None:
    """Return the name of the first variable whose text is a secret, by its name or by itself; None without one."""
    for name, value in variables.items():
        if not isinstance(value, Mapping) and has_secret({name: value}):
            return name
    return None


def has_secret(data: Any) -> bool:
    """Whether there is a secret in clear text somewhere in data."""
    return next(find_secrets_in_objects([data], _yaml.parse_or_none), None) is not None
