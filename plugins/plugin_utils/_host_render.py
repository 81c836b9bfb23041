# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the services of a Linux host from options. Controller only; reads files, contacts no host. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

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
from ..module_utils._host.host_hops import OF_HOSTS, GroupHop, described
from ..module_utils._host.host_needs import derive_host_needs
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_program import Releases, host_program
from ..module_utils._host.host_sdks import HostSdk, SdkReceiver, sdk_receivers, sdk_services
from ..module_utils._host.host_tls import tls_credentials
from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.config.masking import masked_tree, masker
from ..module_utils._otelcol.errors import Problem, about
from ..module_utils._otelcol.needs.listeners import listeners, started_parts
from ..module_utils._otelcol.rules.profiles import UNUSED
from ..module_utils._otelcol.rules.reports import NEVER, Checked, Report
from . import _arguments, _inventory, _origins, _sources
from ._composed_collectors import ComposedCollector, check_overlays
from ._connected_collectors import follow_groups, lone_collectors
from ._host_drafts import HostRequest, composed_host, first_secret, has_secret
from ._host_groups import ITEMS, PREFIX, InventoryGroups, unresolved
from ._host_secrets import secret_of_file
from ._inventory_addresses import hops_of
from ._judged_collectors import judged_collectors, refuse_malformed
from ._otelcol import _builds, _findings, _yaml
from ._otelcol._garbage import without_garbage_collection
from ._planned import Planned
from ._recipe_layers import Route, no_route


@without_garbage_collection()
def render_hosts(
    request: HostRequest, judgement: _findings.Judgement, warn: Callable[[str], None], fail_on: str = "error"
) -> dict[str, Any]:
    """Return a bundle for each collector of a host, and every finding. Raises Problem for findings that fail."""
    _check_named(request)
    groups = request.groups
    composed = composed_host(request, groups.for_recipe if groups else no_route)
    check_overlays(composed, request.overlay_policy)
    collectors = lone_collectors(composed)
    if groups:
        collectors = follow_groups(collectors, groups, OF_HOSTS)
    planned = judged_collectors(collectors, request.rule_paths)
    configs = _findings.checked_configs([(item.collector.name, item.findings) for item in planned], judgement)
    if fail_on != NEVER:
        _findings.conclude_report(Report(configs, fail_on=fail_on), warn, "collector" if len(configs) > 1 else "")
    refuse_malformed(planned)
    builds = _builds_of(planned, request)
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
    secret_name = first_secret(options["env"])
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
    found: list[tuple[HostCollector, Mapping[str, Any]]] = []
    for item in _composed_by(variables, unresolved):
        if isinstance(item.collector, HostCollector):
            found.append((item.collector, item.config))
    return found


def sent_by(variables: Mapping[str, Any], groups: InventoryGroups) -> list[dict[str, str]]:
    """Return the exporters of a host with these variables, and the collectors of the inventory that get their data.

    Raises Problem for a config that cannot be composed.
    """
    hops: list[GroupHop] = []
    for item in _composed_by(variables, groups.for_recipe):
        hops += hops_of(groups, item.collector, item.config)
    return described(hops)


def _composed_by(variables: Mapping[str, Any], route: Route) -> list[ComposedCollector]:
    """Return the collectors of a host with these variables, each with its config; none if they name no collector."""
    request = HostRequest.from_variables(variables)
    return composed_host(request, route) if request.names_any else []


def _check_named(request: HostRequest) -> None:
    """Raise Problem if nothing names a collector."""
    if not request.names_any:
        fix = f"Set `{ITEMS}`, or `{PREFIX}recipes` or `{PREFIX}config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)


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


def _builds_of(planned: Sequence[Planned], request: HostRequest) -> list[HostBuild]:
    """Return the builds of the collectors of a host, each with the names by which others reach it."""
    releases, groups = request.releases(), request.groups
    builds: list[HostBuild] = []
    for item in planned:
        with about(f"collector '{item.collector.name}'"):
            build = _build(item, releases)
        names = groups.names_for(item.collector) if groups else ()
        builds.append(replace(build, names=names, sends_to=tuple(item.sends_to)))
    return builds


def _build(planned: Planned, releases: Releases) -> HostBuild:
    """Return all that follows from a judged config. Raises Problem for what a host cannot give."""
    collector, tables = planned.collector, _builds.tables()
    if planned.build is None or not isinstance(collector, HostCollector):
        raise Problem("its config cannot be read", fix="Correct its findings.")
    config = planned.composed.config
    if has_secret(config):
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
