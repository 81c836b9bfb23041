# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one collector of a host is made of, as the value that the host gets. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from .._host_change.bundle_form import CONFIG, HOSTS, UNIT
from .._host_change.guarded_groups import GUARDED_GROUPS, describe_member_rights, list_unconsented_groups
from .._host_change.host_release import check_collector_name
from .._host_change.service_environment import ServiceEnvironment
from .._otelcol.config.addresses import hosts_overlap
from .._otelcol.errors import Problem, join_at_most
from .._otelcol.needs.derive_needs import Needs
from .._otelcol.needs.listeners import Listener
from .host_credentials import HostEnvironment
from .host_needs import GUARDED, ROOT, USER, HostNeeds
from .host_options import HostCollector
from .host_program import HostProgram
from .systemd_unit import UnitRequest, render_unit_text

_SHOWN_CLASHES = 5
_CONFIG_MODE, _UNIT_MODE = "0644", "0644"
_HEALTH_TYPE = "healthcheck"
# A name of an account. Numbers and lists of names would pass by the consent for root and docker; User= and
# SupplementaryGroups= take them too. Source: systemd.exec(5).
_ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*\$?\Z")


@dataclass(frozen=True)
class HostBuild:
    """A collector of a host with its finished config, and all that follows from it.

    `composed_text` is the config as recipes and users write it, `config_text` that which reads credentials from files,
    and `shown_text` the latter with every secret masked, for differences. `host_name_lines` are lines for its file of
    hosts, `receiving_collectors` has the collectors of the inventory that get its data, and `sending_services` those of
    the host that send to it.
    """

    collector: HostCollector
    config_text: str
    composed_text: str
    shown_text: str
    listeners: tuple[Listener, ...]
    needs: Needs
    host_needs: HostNeeds
    environment: HostEnvironment
    program: HostProgram
    host_name_lines: tuple[str, ...] = ()
    receiving_collectors: tuple[Mapping[str, str], ...] = ()
    sending_services: tuple[ServiceEnvironment, ...] = ()

    def render_unit(self) -> str:
        """Return the text of the unit."""
        return render_unit_text(
            UnitRequest(self.collector, self.host_needs, self.environment, bool(self.host_name_lines))
        )


def check_host_build(build: HostBuild) -> None:
    """Raise Problem for names that a host refuses, for what it cannot give, and for rights without consent."""
    collector = build.collector
    check_collector_name(collector.name)
    _check_accounts(collector)
    secret_paths = [mount.path for mount in build.needs.mounts if mount.volume_source.keys() & {"secret", "configMap"}]
    if secret_paths:
        wrong = f"its config reads {secret_paths[0]}, which is a Secret or ConfigMap of a cluster"
        raise Problem(wrong, fix="Name files of the host in `config`, or use a credential.")
    state_root = f"{collector.state_directory}/"
    outside_folders = [path for path in build.needs.state_directories if not f"{path}/".startswith(state_root)]
    if outside_folders:
        wrong = (
            f"its config keeps state in {outside_folders[0]}, and the service may write to {collector.state_directory}"
            " alone"
        )
        raise Problem(wrong, fix=f"Write {state_root}NAME.")
    if collector.user == ROOT and ROOT not in collector.allow:
        raise Problem("`user` is root, which may do all on the host", fix="Add `allow: [root]`, or remove `user`.")
    _check_consent(collector, build.host_needs)


def _check_accounts(collector: HostCollector) -> None:
    """Raise Problem for a user or a group that is no name."""
    if collector.user and not _ACCOUNT_NAME.match(collector.user):
        raise Problem(f"`user` is '{collector.user}', which is no name of a user", fix="Write its name.")
    for group in collector.groups:
        if not _ACCOUNT_NAME.match(group):
            raise Problem(f"`groups` has '{group}', which is no name of a group", fix="List names.")


def _check_consent(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for rights like those of root without consent, and for consent that nothing uses."""
    for relaxation in needs.relaxations:
        if relaxation.setting == USER and relaxation.value != collector.user:
            fix = f"Set `user: {relaxation.value}` and `allow: [{relaxation.value}]`."
            raise Problem(relaxation.reason, fix=fix)
    for refusal in needs.refused_rights[:1]:
        wrong = f"{refusal.place} {refusal.reason}, and who may do that may do all on the host"
        raise Problem(wrong, fix=f"Add `allow: [{refusal.right}]`, or remove the component.")
    for group in list_unconsented_groups(collector.groups, collector.allow)[:1]:
        wrong = f"`groups` lists {group}, whose members may {describe_member_rights(group)}"
        raise Problem(wrong, fix=f"Add `allow: [{group}]`, or remove it.")
    used_rights = {
        *needs.list_setting_values("AmbientCapabilities"),
        *needs.list_setting_values("SupplementaryGroups"),
        *collector.groups,
        ROOT,
    }
    unused_rights = sorted(set(collector.allow) & {*GUARDED, *GUARDED_GROUPS} - used_rights)
    if unused_rights:
        wrong = f"`allow` lists {unused_rights[0]}, and no component of its config uses that"
        raise Problem(wrong, fix="Remove it.")


def check_host_collectors(builds: Sequence[HostBuild]) -> None:
    """Raise Problem if two collectors of one host have one name, or open the same port."""
    for first_build, second_build in combinations(builds, 2):
        if first_build.collector.name == second_build.collector.name:
            raise Problem(f"two collectors are named '{first_build.collector.name}'", fix="Rename one.")
        clashes = list(_find_port_clashes(first_build, second_build))
        if clashes:
            wrong = join_at_most(_SHOWN_CLASHES, clashes, "; ", "; ")
            fix = "Change an endpoint, or set `health_port` and `metrics_port` of one."
            raise Problem(wrong, asked="Two collectors share a port of the host", fix=fix)


def _find_port_clashes(first_build: HostBuild, second_build: HostBuild) -> Iterator[str]:
    """Yield the ports of a host that two collectors would open."""
    for first_listener, second_listener in product(first_build.listeners, second_build.listeners):
        if first_listener.port_and_protocol == second_listener.port_and_protocol and hosts_overlap(
            first_listener.host, second_listener.host
        ):
            yield (
                f"'{first_build.collector.name}' and '{second_build.collector.name}' both open"
                f" {first_listener.port}/{first_listener.protocol}"
            )


def build_host_bundle(build: HostBuild) -> dict[str, Any]:
    """Return the value that the host gets; `bundle_form` has its form, and docs/hosts.md describes its keys."""
    collector = build.collector
    return {
        "name": collector.name,
        "files": [
            {"path": CONFIG, "content": build.config_text, "mode": _CONFIG_MODE, **_shown_config(build)},
            {"path": UNIT, "content": build.render_unit(), "mode": _UNIT_MODE},
            *_list_names_file(build),
        ],
        "program": build.program.as_dict(),
        "credentials": [entry.as_dict() for entry in build.environment.credentials],
        "ports": [
            {"number": entry.port, "protocol": entry.protocol.lower(), "address": entry.host}
            for entry in build.listeners
        ],
        "metrics": _find_url(build.listeners, lambda entry: entry.part is None, "/metrics"),
        "health": _find_url(
            build.listeners,
            lambda entry: entry.part is not None and entry.part.kind == _HEALTH_TYPE,
            _health_path(build),
        ),
        "state": collector.state_directory,
        "watch_seconds": collector.watch_seconds,
        "ready_seconds": collector.ready_seconds,
        "keep": collector.keep,
        **_service_rows(build),
    }


def _service_rows(build: HostBuild) -> dict[str, Any]:
    """Return the services that send to the collector, if there are any."""
    rows = [
        {"unit": service.unit, "variables": service.variables, "restart": service.may_restart}
        for service in build.sending_services
    ]
    return {"services": rows} if rows else {}


def list_drop_in_files(build: HostBuild) -> Iterator[dict[str, str]]:
    """Yield the drop-ins of the services that send to the collector, as files to read."""
    for service in build.sending_services:
        yield {
            "path": f"{service.unit}.conf",
            "content": service.render_drop_in(build.collector.name),
            "mode": _UNIT_MODE,
        }


def _list_names_file(build: HostBuild) -> list[dict[str, str]]:
    """Return the file with the names of gateways, if there are any."""
    text = "".join(f"{line}\n" for line in build.host_name_lines)
    return [{"path": HOSTS, "content": text, "mode": _CONFIG_MODE}] if text else []


def _shown_config(build: HostBuild) -> dict[str, str]:
    """Return the config for differences, where it is not the config itself."""
    return {} if build.shown_text == build.config_text else {"shown": build.shown_text}


def _health_path(build: HostBuild) -> str:
    """Return the path that answers whether the Collector is healthy."""
    return build.needs.probe_path


def _find_url(listeners: Iterable[Listener], is_wanted: Callable[[Listener], bool], path: str) -> str:
    """Return where the first wanted listener answers; empty without one."""
    wanted_listener = next((candidate for candidate in listeners if is_wanted(candidate)), None)
    return f"http://{_bracket_host(wanted_listener.host)}:{wanted_listener.port}{path}" if wanted_listener else ""


def _bracket_host(address: str) -> str:
    return f"[{address.strip('[]')}]" if ":" in address else address


def summarize_host(build: HostBuild) -> dict[str, Any]:
    """Return what people read about a collector: its unit's relaxations, and what it does without."""
    collector = build.collector
    return {
        "name": collector.name,
        "service": collector.service_name,
        "config": build.composed_text,
        "program": build.program.path or f"{build.program.distribution} {build.program.version}",
        "listens": [f"{_bracket_host(entry.host)}:{entry.port}/{entry.protocol.lower()}" for entry in build.listeners],
        "relaxations": [str(entry) for entry in build.host_needs.relaxations],
        "lacking": list(build.host_needs.lacking_lines),
        "sends_to": list(build.receiving_collectors),
        "services": [_describe_service(entry) for entry in build.sending_services],
        "permissions": [f"{', '.join(grant.actions)} ({grant.source_page})" for grant in build.needs.aws_grants],
    }


def _describe_service(service: ServiceEnvironment) -> str:
    restart_text = "is restarted for that" if service.may_restart else "is not restarted"
    return f"{service.unit} sends to {service.variables['OTEL_EXPORTER_OTLP_ENDPOINT']}, and {restart_text}"


def describe_host(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that people read about a collector, of what `summarize_host` returns."""
    listens = ", ".join(summary["listens"]) or "no port"
    yield f"{summary['service']} ({summary['program']}) listens on {listens}"
    for line in summary["relaxations"]:
        yield f"{summary['name']}: its unit has {line}"
    for line in summary["permissions"]:
        yield f"{summary['name']}: its AWS role needs {line}"
    yield from describe_lacks(summary)
    for line in summary["services"]:
        yield f"{summary['name']}: {line}"


def describe_lacks(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a collector does without, and which consent gives it."""
    for line in summary["lacking"]:
        yield f"{summary['name']}: {line}"
