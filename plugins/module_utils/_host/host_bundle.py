# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the bundle of a collector of a host, the value that the host gets, and check what it is made of. Private.

Module host_render calls this file: `_host_build.py` makes a `HostBuild` and checks it, and `_host_render.py` renders
bundles and what people read about them. Consent is the option `allow` of a collector: rights like those of root that
the user grants. A relaxation is a setting of the unit that is less strict than the sandbox (see host_needs.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypedDict

from .._host_change.bundle_form import CONFIG, HOSTS, UNIT, BundleFile, BundlePort, BundleService, HostBundle
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
# The name of a user or a group. User= and SupplementaryGroups= take numbers and lists of names too, and those would
# evade the consent for root and docker. Source: systemd.exec(5).
_ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*\$?\Z")


@dataclass(frozen=True)
class HostBuild:
    """A collector of a host with its finished config, and all that follows from it."""

    collector: HostCollector
    config_text: str
    """The config that the service reads, with credentials in files."""
    composed_text: str
    """The config as recipes and users write it, with credentials in variables."""
    shown_text: str
    """`config_text` without secrets, for differences."""
    listeners: tuple[Listener, ...]
    needs: Needs
    host_needs: HostNeeds
    environment: HostEnvironment
    program: HostProgram
    host_name_lines: tuple[str, ...] = ()
    """Lines for the service's file of hosts, which name gateways."""
    receiving_collectors: tuple[Mapping[str, str], ...] = ()
    """The collectors of the inventory that get its data, each with `exporter`, `place` and `collector`."""
    sending_services: tuple[ServiceEnvironment, ...] = ()
    """The services of the host that send to it."""

    def render_unit(self) -> str:
        """Return the text of the unit."""
        has_host_names = bool(self.host_name_lines)
        return render_unit_text(UnitRequest(self.collector, self.host_needs, self.environment, has_host_names))


# ── Checks ──


def check_host_build(build: HostBuild) -> None:
    """Raise Problem for a collector that the host would refuse, or that has rights without the user's consent."""
    collector = build.collector
    check_collector_name(collector.name)
    _check_accounts(collector)
    _check_mounts(build.needs)
    _check_state_folders(collector, build.needs)
    if collector.user == ROOT and ROOT not in collector.allow:
        raise Problem("`user` is root, which may do all on the host", fix="Add `allow: [root]`, or remove `user`.")
    _check_needed_user(collector, build.host_needs)
    _check_consent(collector, build.host_needs)
    _check_unused_consent(collector, build.host_needs)


def _check_accounts(collector: HostCollector) -> None:
    """Raise Problem for a user or a group that is no name."""
    if collector.user and not _ACCOUNT_NAME.match(collector.user):
        raise Problem(f"`user` is '{collector.user}', which is no name of a user", fix="Write its name.")
    for group in collector.groups:
        if not _ACCOUNT_NAME.match(group):
            raise Problem(f"`groups` has '{group}', which is no name of a group", fix="List names.")


def _check_mounts(needs: Needs) -> None:
    """Raise Problem for a config that reads an object of a cluster."""
    for mount in needs.mounts:
        if "secret" in mount.volume_source or "configMap" in mount.volume_source:
            wrong = f"its config reads {mount.path}, which is a Secret or ConfigMap of a cluster"
            raise Problem(wrong, fix="Name files of the host in `config`, or use a credential.")


def _check_state_folders(collector: HostCollector, needs: Needs) -> None:
    """Raise Problem for a config that keeps state outside of the collector's state folder."""
    state_root = f"{collector.state_directory}/"
    for folder in needs.state_directories:
        if not f"{folder}/".startswith(state_root):
            wrong = (
                f"its config keeps state in {folder}, and the service may write to {collector.state_directory} alone"
            )
            raise Problem(wrong, fix=f"Write {state_root}NAME.")


def _check_needed_user(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for a component that needs another user."""
    for relaxation in needs.relaxations:
        if relaxation.setting == USER and relaxation.value != collector.user:
            fix = f"Set `user: {relaxation.value}` and `allow: [{relaxation.value}]`."
            raise Problem(relaxation.reason, fix=fix)


def _check_consent(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for rights like those of root to which the user has not consented."""
    for refusal in needs.refused_rights:
        wrong = f"{refusal.place} {refusal.reason}, and who may do that may do all on the host"
        raise Problem(wrong, fix=f"Add `allow: [{refusal.right}]`, or remove the component.")
    for group in list_unconsented_groups(collector.groups, collector.allow):
        wrong = f"`groups` lists {group}, whose members may {describe_member_rights(group)}"
        raise Problem(wrong, fix=f"Add `allow: [{group}]`, or remove it.")


def _check_unused_consent(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for a consent that nothing uses."""
    used_rights = {
        *needs.list_setting_values("AmbientCapabilities"),
        *needs.list_setting_values("SupplementaryGroups"),
        *collector.groups,
        ROOT,
    }
    rights_that_need_consent = {*GUARDED, *GUARDED_GROUPS}
    for right in sorted(collector.allow):
        if right in rights_that_need_consent and right not in used_rights:
            wrong = f"`allow` lists {right}, and no component of its config uses that"
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
    """Yield a line for each port of the host that two collectors would open."""
    names = f"'{first_build.collector.name}' and '{second_build.collector.name}'"
    for first_listener, second_listener in product(first_build.listeners, second_build.listeners):
        has_same_port = first_listener.port_and_protocol == second_listener.port_and_protocol
        if has_same_port and hosts_overlap(first_listener.host, second_listener.host):
            yield f"{names} both open {first_listener.port}/{first_listener.protocol}"


# ── The bundle ──


def build_host_bundle(build: HostBuild) -> HostBundle:
    """Return the bundle of a collector."""
    collector = build.collector
    bundle: HostBundle = {
        "name": collector.name,
        "files": _build_files(build),
        "program": build.program.as_dict(),
        "credentials": [credential.as_dict() for credential in build.environment.credentials],
        "ports": [_build_port(listener) for listener in build.listeners],
        "metrics": _find_metrics_url(build),
        "health": _find_health_url(build),
        "state": collector.state_directory,
        "watch_seconds": collector.watch_seconds,
        "ready_seconds": collector.ready_seconds,
        "keep": collector.keep,
    }
    if build.sending_services:
        bundle["services"] = [_build_service(service) for service in build.sending_services]
    return bundle


def _build_files(build: HostBuild) -> list[BundleFile]:
    """Return the config, the unit, and the file with the names of gateways if there are any."""
    config: BundleFile = {"path": CONFIG, "content": build.config_text, "mode": _CONFIG_MODE}
    if build.shown_text != build.config_text:
        config["shown"] = build.shown_text
    files: list[BundleFile] = [config, {"path": UNIT, "content": build.render_unit(), "mode": _UNIT_MODE}]
    if build.host_name_lines:
        names_text = "".join(f"{line}\n" for line in build.host_name_lines)
        files.append({"path": HOSTS, "content": names_text, "mode": _CONFIG_MODE})
    return files


def list_drop_in_files(build: HostBuild) -> Iterator[BundleFile]:
    """Yield the drop-ins of the services that send to the collector, as files that people read."""
    for service in build.sending_services:
        drop_in_text = service.render_drop_in(build.collector.name)
        yield {"path": f"{service.unit}.conf", "content": drop_in_text, "mode": _UNIT_MODE}


def _build_port(listener: Listener) -> BundlePort:
    return {"number": listener.port, "protocol": listener.protocol.lower(), "address": listener.host}


def _build_service(service: ServiceEnvironment) -> BundleService:
    return {"unit": service.unit, "variables": dict(service.variables), "restart": service.may_restart}


def _find_metrics_url(build: HostBuild) -> str:
    """Return the URL of the collector's own metrics; empty without them.

    The service itself serves them, so their listener belongs to no component: its `part` is None.
    """
    for listener in build.listeners:
        if listener.part is None:
            return _build_url(listener, "/metrics")
    return ""


def _find_health_url(build: HostBuild) -> str:
    """Return the URL of the extension health_check; empty without it."""
    for listener in build.listeners:
        if listener.part is not None and listener.part.kind == _HEALTH_TYPE:
            return _build_url(listener, build.needs.probe_path)
    return ""


def _build_url(listener: Listener, path: str) -> str:
    return f"http://{_bracket_host(listener.host)}:{listener.port}{path}"


def _bracket_host(address: str) -> str:
    """Return an address as URLs have it: one of IPv6 is in brackets."""
    return f"[{address.strip('[]')}]" if ":" in address else address


# ── What people read ──


class HostSummary(TypedDict):
    """What people read about a collector, as module host_render returns it."""

    name: str
    service: str
    """The name of its unit."""
    config: str
    """The config as recipes and users write it."""
    program: str
    """The path of its program, or its distribution and version."""
    listens: list[str]
    """Its ports, as `127.0.0.1:4317/tcp`."""
    relaxations: list[str]
    """The settings of its unit that are less strict than the sandbox, with the reasons."""
    lacking: list[str]
    """What it does without, and which consent gives it."""
    sends_to: list[Mapping[str, str]]
    """The collectors of the inventory that get its data."""
    services: list[str]
    """The services of the host that send to it."""
    permissions: list[str]
    """The actions that its AWS role must allow."""


def summarize_host(build: HostBuild) -> HostSummary:
    """Return what people read about a collector."""
    collector = build.collector
    listen_texts = []
    for listener in build.listeners:
        listen_texts.append(f"{_bracket_host(listener.host)}:{listener.port}/{listener.protocol.lower()}")
    return {
        "name": collector.name,
        "service": collector.service_name,
        "config": build.composed_text,
        "program": build.program.path or f"{build.program.distribution} {build.program.version}",
        "listens": listen_texts,
        "relaxations": [str(relaxation) for relaxation in build.host_needs.relaxations],
        "lacking": list(build.host_needs.lacking_lines),
        "sends_to": list(build.receiving_collectors),
        "services": [_describe_service(service) for service in build.sending_services],
        "permissions": [f"{', '.join(grant.actions)} ({grant.source_page})" for grant in build.needs.aws_grants],
    }


def _describe_service(service: ServiceEnvironment) -> str:
    restart_text = "is restarted for that" if service.may_restart else "is not restarted"
    return f"{service.unit} sends to {service.variables['OTEL_EXPORTER_OTLP_ENDPOINT']}, and {restart_text}"


def describe_host(summary: HostSummary) -> Iterator[str]:
    """Yield the lines that people read about a collector."""
    listens = ", ".join(summary["listens"]) or "no port"
    yield f"{summary['service']} ({summary['program']}) listens on {listens}"
    for line in summary["relaxations"]:
        yield f"{summary['name']}: its unit has {line}"
    for line in summary["permissions"]:
        yield f"{summary['name']}: its AWS role needs {line}"
    yield from describe_lacks(summary)
    for line in summary["services"]:
        yield f"{summary['name']}: {line}"


def describe_lacks(summary: HostSummary) -> Iterator[str]:
    """Yield the lines on what a collector does without, and which consent gives it."""
    for line in summary["lacking"]:
        yield f"{summary['name']}: {line}"
