# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the services of a Linux host from options. Controller only; reads files, contacts no host. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any

from ..module_utils._collector.options import option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._host.host_bundle import (
    HostBuild,
    check_host,
    check_together,
    drop_in_files,
    host_bundle,
    host_lines,
    host_summary,
    lacking_lines,
)
from ..module_utils._host.host_credentials import host_environment, read_from_files
from ..module_utils._host.host_deployment import host_deployment, host_variables
from ..module_utils._host.host_hops import OF_HOSTS, described
from ..module_utils._host.host_needs import derive_host_needs
from ..module_utils._host.host_options import OWN, SHARED, HostCollector
from ..module_utils._host.host_program import Releases, host_program
from ..module_utils._host.host_sdks import HostSdk, SdkReceiver, sdk_receivers, sdk_services
from ..module_utils._host.host_tls import check_tls, tls_credentials
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.errors import Problem, about
from ..module_utils._otelcol.needs.listeners import listeners, started_parts
from ..module_utils._otelcol.rules.profiles import UNUSED
from ..module_utils._otelcol.rules.reports import NEVER, Checked, Report
from . import _arguments, _collector_layers, _inventory, _lock_file, _origins, _render, _sources
from ._host_groups import ITEMS, PREFIX, InventoryGroups, unresolved
from ._host_secrets import secret_of_file
from ._inventory_addresses import hops_of
from ._otelcol import _builds, _findings, _tables, _yaml
from ._otelcol._garbage import without_garbage_collection
from ._planned import Planned

_CLUSTER_PREFIX = "otel_collector_"
_PLATFORM = "generic"
# What differs on a host from that platform: no pod hides the system.
_HOST_FACTS = {"resource_detectors": ["env", "system"]}
# A host has no custom resource, and its deployment follows from its options alone.
_ON_HOSTS = _render.Surroundings(
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
        return Releases(self.mirror, _lock_file.find(self.lock_file), tuple(self.unlocked))

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> HostRequest:
        """Return the request of these arguments of a module."""
        names = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in names if name in arguments})

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> HostRequest:
        """Return what role otel_host asks for on a host with these variables."""
        defaults = {name: variables[PREFIX + name] for name in host_option_names() if PREFIX + name in variables}
        return cls(variables.get(ITEMS) or [], defaults, variables.get(f"{PREFIX}recipe_paths") or [])

    @property
    def names_any(self) -> bool:
        """Whether it names a collector."""
        return bool(self.collectors or any(self.defaults.get(name) for name in _render.SOURCES))


def host_option_names() -> list[str]:
    """Return the options of a collector of a host."""
    return [*SHARED, *OWN]


@without_garbage_collection()
def render_hosts(
    request: HostRequest, judgement: _findings.Judgement, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return a bundle for each collector of a host, and every finding. Raises Problem for findings that fail."""
    _check_named(request)
    drafts = _drafts(request)
    groups = request.groups
    route = groups.for_recipe if groups else _collector_layers.no_route
    _render.compose_drafts(drafts, _recipes(request.recipe_paths), route)
    _render.check_overlays(drafts, request.overlay_policy)
    for draft in drafts if groups else ():
        _render.about_collector(draft.collector.name, _render.follow_groups, draft, groups, OF_HOSTS)
    planned = _render.judged(drafts, request.rule_paths)
    configs = _findings.checked_configs([(item.collector.name, item.findings) for item in planned], judgement)
    if fail_on != NEVER:
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    _render.refuse_malformed(planned)
    releases = request.releases()
    builds = [
        replace(
            _render.about_collector(item.collector.name, _build, item, releases),
            names=groups.names_for(item.collector) if groups else (),
            sends_to=tuple(item.sends_to),
        )
        for item in planned
    ]
    check_together(builds)
    return {**_bundles(_with_services(builds, request.sdks)), "findings": _reported(configs)}


def _with_services(builds: Sequence[HostBuild], rows: Sequence[Mapping[str, Any]]) -> list[HostBuild]:
    """Return the collectors with the services of the host that send to them."""
    with about(f"`{PREFIX}sdks`"):
        collectors: list[str] = []
        receivers: list[SdkReceiver] = []
        for build in builds:
            collectors.append(build.collector.name)
            receivers += sdk_receivers(build.collector.name, build.listeners)
        services = sdk_services([_sdk(row) for row in rows], collectors, receivers)
    return [replace(build, services=tuple(services[build.collector.name])) for build in builds]


def _sdk(row: Mapping[str, Any]) -> HostSdk:
    """Return a row of services. Raises Problem for one with a secret: every user of the host can read a unit."""
    options = _arguments.checked(row, _options_of_sdks(), f"a row of {PREFIX}sdks")
    secret_name = _first_secret(options["env"])
    if secret_name is not None or _origins.decrypted(row):
        what = f"`env.{secret_name}` looks like a secret" if secret_name else "a text is one that Ansible decrypted"
        fix = "Give secrets to the collector, as credentials. Its services need none."
        raise Problem(f"{what}, and every user of the host can read the environment of a unit", fix=fix)
    return HostSdk.from_options(options)


@cache
def _options_of_sdks() -> _arguments.Options:
    """Return what a row of services may have, by the documentation of role otel_host."""
    return _arguments.Options(_sources.role_options(PREFIX, ["sdks"])["sdks"]["options"])


def read_shared() -> None:
    """Read what a render of every host needs, and keep it in this process: options, names, tables and some recipes."""
    _inventory.check_names({ITEMS: None})
    recipes = ["otlp_ingest", "host_metrics", "journald_logs", {"otlp_forward": {"endpoint": "localhost:4317"}}]
    common = {"name": "any", "recipes": recipes}
    judgement = _findings.Judgement.from_arguments({"profile": "", "severities": {}, "suppressions": ()})
    render_hosts(HostRequest([common], {"program": {"path": "/usr/bin/otelcol"}}), judgement, lambda _text: None)


def composed_alone(variables: Mapping[str, Any]) -> list[tuple[HostCollector, Mapping[str, Any]]]:
    """Return the collectors of a host with these variables, and their configs, in which groups are not resolved."""
    drafts = _composed_drafts(variables, unresolved)
    return [(draft.collector, draft.composed.config) for draft in drafts if isinstance(draft.collector, HostCollector)]


def sent_by(variables: Mapping[str, Any], groups: InventoryGroups) -> list[dict[str, str]]:
    """Return the exporters of a host with these variables, and the collectors of the inventory that get their data.

    Raises Problem for a config that cannot be composed.
    """
    drafts = _composed_drafts(variables, groups.for_recipe)
    hops = [hop for draft in drafts for hop in hops_of(groups, draft.collector, draft.composed.config)]
    return described(hops)


def _composed_drafts(variables: Mapping[str, Any], route: _collector_layers.Route) -> list[_render.Draft]:
    """Return the collectors of a host with these variables, each with its config; none if they name no collector."""
    request = HostRequest.from_variables(variables)
    drafts = _drafts(request) if request.names_any else []
    _render.compose_drafts(drafts, _recipes(request.recipe_paths), route)
    return drafts


def _check_named(request: HostRequest) -> None:
    """Raise Problem if nothing names a collector."""
    if not request.names_any:
        fix = f"Set `{ITEMS}`, or `{PREFIX}recipes` or `{PREFIX}config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)


def _drafts(request: HostRequest) -> list[_render.Draft]:
    """Return the collectors with what their options decide."""
    defaults = request.defaults
    return [
        _render.about_collector(_named(item, defaults), _draft, item, defaults) for item in request.collectors or [{}]
    ]


def _bundles(builds: Sequence[HostBuild]) -> dict[str, Any]:
    """Return what hosts get, and what people read, of all collectors."""
    bundles: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    programs: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for build in builds:
        bundle = host_bundle(build)
        bundles.append(bundle)
        for file in (*bundle["files"], *drop_in_files(build)):
            files.append({**file, "path": f"{build.collector.name}/{file['path']}"})
        programs += [asdict(archive) for archive in build.program.released]
        summaries.append(host_summary(build))
    return {
        "bundles": bundles,
        "bundle_of": {bundle["name"]: bundle for bundle in bundles},
        "names": [bundle["name"] for bundle in bundles],
        "files": files,
        "collectors": summaries,
        "summary": [line for summary in summaries for line in host_lines(summary)],
        "lacking": [line for summary in summaries for line in lacking_lines(summary)],
        "programs": programs,
    }


def _reported(configs: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return the findings of all collectors, without those about suppressions that nothing needs."""
    reported: list[dict[str, Any]] = []
    for config in configs:
        for finding in config.findings:
            if finding.rule != UNUSED:
                reported.append({**finding.as_dict(), "collector": config.name})
    return reported


def _named(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the name of a collector for messages, before its options are checked."""
    return str(item.get("name") or defaults.get("name") or "")


def _recipes(folders: Sequence[str]) -> dict[str, Any]:
    """Return the recipes: the user's take precedence, then those of hosts, then those of both."""
    return _sources.find([*folders, str(_sources.ROLE.with_name("otel_host") / "recipes")], "recipes")


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


def _draft(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> _render.Draft:
    """Return what the options of one collector decide."""
    both = {**_yaml.plain(defaults), **item}
    name = _arguments.named(both)
    given = {key: value for key, value in both.items() if value is not None}
    options = _arguments.checked(given, _specification(), f"collector '{name}'")
    row = _tables.catalogue("distributions")[options["distribution"]]
    options = {**options, "version": options["version"] or row["version"]}
    collector = HostCollector.from_host_options(options, _of_clusters())
    # As among the options, a key of the item hides the common one, also with null.
    written = {**defaults, **item}
    _check_exposed(collector, written)
    check_tls(collector.tls)
    target, version = _collector_layers.of_collector(collector)
    facts = {**_sources.platform(_PLATFORM, _sources.find([], "platforms")), **_HOST_FACTS}
    draft = _render.Draft(collector, Platform(), facts, version, target, "", None, surroundings=_ON_HOSTS)
    draft.own_config = written.get("config") or {}
    draft.own_recipes = written.get("recipes") or []
    draft.decrypted = _origins.decrypted([draft.own_config, written.get("env")])
    return draft


def _check_exposed(collector: HostCollector, given: Mapping[str, Any]) -> None:
    """Raise Problem for a secret that would be in the unit or in the config: every user of the host can read both."""
    secret_name = _first_secret(collector.env)
    if secret_name is not None:
        wrong = f"`env.{secret_name}` looks like a secret, and every user of the host can read the unit"
        raise Problem(wrong, fix="Make it a credential: `{credential: {content: TEXT}}`.")
    variables = given.get("env") or {}
    texts = [value for value in variables.values() if not isinstance(value, Mapping)]
    if _origins.decrypted([given.get("config"), texts]):
        wrong = "its `config` or `env` has a text that Ansible decrypted, and every user of the host can read both"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")


def _first_secret(variables: Mapping[str, Any]) -> str | None:
    """Return the name of the first variable whose text is a secret, by its name or by itself; None without one."""
    for name, value in variables.items():
        if not isinstance(value, Mapping) and _has_secret({name: value}):
            return name
    return None


def _has_secret(data: Any) -> bool:
    """Whether there is a secret in clear text somewhere in data."""
    return next(secrets_in_objects([data], _yaml.parsed), None) is not None


def _build(planned: Planned, releases: Releases) -> HostBuild:
    """Return all that follows from a judged config. Raises Problem for what a host cannot give."""
    collector, tables = planned.collector, _builds.tables()
    if planned.build is None or not isinstance(collector, HostCollector):
        raise Problem("its config cannot be read", fix="Correct its findings.")
    config = planned.composed.config
    if _has_secret(config):
        wrong = "its config has a secret in clear text, and every user of the host can read the config"
        raise Problem(wrong, fix="Put it into `env` as a credential, and write ${env:NAME} in the config.")
    environment = host_environment(collector.env, secret_of_file)
    on_host = read_from_files(config, environment.credentials)
    certificates = tls_credentials(collector.tls, planned.build.config_text, secret_of_file)
    environment = replace(environment, credentials=(*environment.credentials, *certificates))
    opened = tuple(listeners(config, started_parts(config), tables.listeners))
    build = HostBuild(
        collector=collector,
        composed_text=planned.build.config_text,
        config_text=_yaml.dump(on_host),
        shown_text=_yaml.dump(masked_tree(on_host, masker(secrets_in_objects([on_host], _yaml.parsed)))),
        listeners=opened,
        needs=planned.build.needs,
        host_needs=derive_host_needs(config, opened, collector.allow),
        environment=environment,
        program=host_program(collector.program or {}, collector.distribution, collector.version, releases),
    )
    check_host(build)
    return build
