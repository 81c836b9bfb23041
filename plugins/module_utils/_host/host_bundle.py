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
from .._host_change.guarded_groups import GUARDED_GROUPS, unconsented, what_members_may
from .._host_change.host_release import checked_name
from .._host_change.service_environment import ServiceEnvironment
from .._otelcol.config.addresses import hosts_overlap
from .._otelcol.errors import Problem, at_most
from .._otelcol.needs.derive_needs import Needs
from .._otelcol.needs.listeners import Listener
from .host_credentials import HostEnvironment
from .host_needs import GUARDED, ROOT, USER, HostNeeds
from .host_options import HostCollector
from .host_program import HostProgram
from .systemd_unit import UnitRequest, unit_text

_SHOWN = 5
_CONFIG_MODE, _UNIT_MODE = "0644", "0644"
_HEALTH = "healthcheck"
# A name of an account. Numbers and lists of names would pass by the consent for root and docker; User= and
# SupplementaryGroups= take them too. Source: systemd.exec(5).
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*\$?\Z")


@dataclass(frozen=True)
class HostBuild:
    """A collector of a host with its finished config, and all that follows from it.

    `composed_text` is the config as recipes and users write it, `config_text` that which reads credentials from files,
    and `shown_text` the latter with every secret masked, for differences. `names` are lines for its file of hosts,
    `sends_to` has the collectors of the inventory that get its data, and `services` those of the host that send to it.
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
    names: tuple[str, ...] = ()
    sends_to: tuple[Mapping[str, str], ...] = ()
    services: tuple[ServiceEnvironment, ...] = ()

    def unit(self) -> str:
        """Return the text of the unit."""
        return unit_text(UnitRequest(self.collector, self.host_needs, self.environment, bool(self.names)))


def check_host(build: HostBuild) -> None:
    """Raise Problem for names that a host refuses, for what it cannot give, and for rights without consent."""
    collector = build.collector
    checked_name(collector.name)
    _check_accounts(collector)
    secrets = [mount.path for mount in build.needs.mounts if mount.source.keys() & {"secret", "configMap"}]
    if secrets:
        wrong = f"its config reads {secrets[0]}, which is a Secret or ConfigMap of a cluster"
        raise Problem(wrong, fix="Name files of the host in `config`, or use a credential.")
    root = f"{collector.state_directory}/"
    outside = [path for path in build.needs.state_directories if not f"{path}/".startswith(root)]
    if outside:
        wrong = (
            f"its config keeps state in {outside[0]}, and the service may write to {collector.state_directory} alone"
        )
        raise Problem(wrong, fix=f"Write {root}NAME.")
    if collector.user == ROOT and ROOT not in collector.allow:
        raise Problem("`user` is root, which may do all on the host", fix="Add `allow: [root]`, or remove `user`.")
    _check_consent(collector, build.host_needs)


def _check_accounts(collector: HostCollector) -> None:
    """Raise Problem for a user or a group that is no name."""
    if collector.user and not _ACCOUNT.match(collector.user):
        raise Problem(f"`user` is '{collector.user}', which is no name of a user", fix="Write its name.")
    for group in collector.groups:
        if not _ACCOUNT.match(group):
            raise Problem(f"`groups` has '{group}', which is no name of a group", fix="List names.")


def _check_consent(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for rights like those of root without consent, and for consent that nothing uses."""
    for relaxation in needs.relaxations:
        if relaxation.setting == USER and relaxation.value != collector.user:
            fix = f"Set `user: {relaxation.value}` and `allow: [{relaxation.value}]`."
            raise Problem(relaxation.because, fix=fix)
    for missing in needs.refused[:1]:
        wrong = f"{missing.place} {missing.reason}, and who may do that may do all on the host"
        raise Problem(wrong, fix=f"Add `allow: [{missing.right}]`, or remove the component.")
    for group in unconsented(collector.groups, collector.allow)[:1]:
        wrong = f"`groups` lists {group}, whose members may {what_members_may(group)}"
        raise Problem(wrong, fix=f"Add `allow: [{group}]`, or remove it.")
    used = {*needs.values("AmbientCapabilities"), *needs.values("SupplementaryGroups"), *collector.groups, ROOT}
    unused = sorted(set(collector.allow) & {*GUARDED, *GUARDED_GROUPS} - used)
    if unused:
        wrong = f"`allow` lists {unused[0]}, and no component of its config uses that"
        raise Problem(wrong, fix="Remove it.")


def check_together(builds: Sequence[HostBuild]) -> None:
    """Raise Problem if two collectors of one host have one name, or open the same port."""
    for one, two in combinations(builds, 2):
        if one.collector.name == two.collector.name:
            raise Problem(f"two collectors are named '{one.collector.name}'", fix="Rename one.")
        clashes = list(_port_clashes(one, two))
        if clashes:
            wrong = at_most(_SHOWN, clashes, "; ", "; ")
            fix = "Change an endpoint, or set `health_port` and `metrics_port` of one."
            raise Problem(wrong, asked="Two collectors share a port of the host", fix=fix)


def _port_clashes(one: HostBuild, two: HostBuild) -> Iterator[str]:
    """Yield the ports of a host that two collectors would open."""
    for port, other in product(one.listeners, two.listeners):
        if port.end == other.end and hosts_overlap(port.host, other.host):
            yield f"'{one.collector.name}' and '{two.collector.name}' both open {port.port}/{port.protocol}"


def host_bundle(build: HostBuild) -> dict[str, Any]:
    """Return the value that the host gets; `bundle_form` has its form, and docs/hosts.md describes its keys."""
    collector = build.collector
    return {
        "name": collector.name,
        "files": [
            {"path": CONFIG, "content": build.config_text, "mode": _CONFIG_MODE, **_shown(build)},
            {"path": UNIT, "content": build.unit(), "mode": _UNIT_MODE},
            *_names_file(build),
        ],
        "program": build.program.as_dict(),
        "credentials": [one.as_dict() for one in build.environment.credentials],
        "ports": [
            {"number": one.port, "protocol": one.protocol.lower(), "address": one.host} for one in build.listeners
        ],
        "metrics": _url(build.listeners, lambda one: one.part is None, "/metrics"),
        "health": _url(build.listeners, lambda one: one.part is not None and one.part.kind == _HEALTH, _path(build)),
        "state": collector.state_directory,
        "watch_seconds": collector.watch_seconds,
        "ready_seconds": collector.ready_seconds,
        "keep": collector.keep,
        **_services(build),
    }


def _services(build: HostBuild) -> dict[str, Any]:
    """Return the services that send to the collector, if there are any."""
    rows = [{"unit": one.unit, "variables": one.variables, "restart": one.restart} for one in build.services]
    return {"services": rows} if rows else {}


def drop_in_files(build: HostBuild) -> Iterator[dict[str, str]]:
    """Yield the drop-ins of the services that send to the collector, as files to read."""
    for one in build.services:
        yield {"path": f"{one.unit}.conf", "content": one.text(build.collector.name), "mode": _UNIT_MODE}


def _names_file(build: HostBuild) -> list[dict[str, str]]:
    """Return the file with the names of gateways, if there are any."""
    text = "".join(f"{line}\n" for line in build.names)
    return [{"path": HOSTS, "content": text, "mode": _CONFIG_MODE}] if text else []


def _shown(build: HostBuild) -> dict[str, str]:
    """Return the config for differences, where it is not the config itself."""
    return {} if build.shown_text == build.config_text else {"shown": build.shown_text}


def _path(build: HostBuild) -> str:
    """Return the path that answers whether the Collector is healthy."""
    return build.needs.probe_path


def _url(listeners: Iterable[Listener], wanted: Callable[[Listener], bool], path: str) -> str:
    """Return where the first wanted listener answers; empty without one."""
    found = next((one for one in listeners if wanted(one)), None)
    return f"http://{_host(found.host)}:{found.port}{path}" if found else ""


def _host(address: str) -> str:
    return f"[{address.strip('[]')}]" if ":" in address else address


def host_summary(build: HostBuild) -> dict[str, Any]:
    """Return what people read about a collector: its unit's relaxations, and what it does without."""
    collector = build.collector
    return {
        "name": collector.name,
        "service": collector.service_name,
        "config": build.composed_text,
        "program": build.program.path or f"{build.program.distribution} {build.program.version}",
        "listens": [f"{_host(one.host)}:{one.port}/{one.protocol.lower()}" for one in build.listeners],
        "relaxations": [str(one) for one in build.host_needs.relaxations],
        "lacking": list(build.host_needs.lacking),
        "sends_to": list(build.sends_to),
        "services": [_sends(one) for one in build.services],
        "permissions": [f"{', '.join(grant.actions)} ({grant.source})" for grant in build.needs.grants],
    }


def _sends(service: ServiceEnvironment) -> str:
    end = "is restarted for that" if service.restart else "is not restarted"
    return f"{service.unit} sends to {service.variables['OTEL_EXPORTER_OTLP_ENDPOINT']}, and {end}"


def host_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that people read about a collector, of what `host_summary` returns."""
    listens = ", ".join(summary["listens"]) or "no port"
    yield f"{summary['service']} ({summary['program']}) listens on {listens}"
    for line in summary["relaxations"]:
        yield f"{summary['name']}: its unit has {line}"
    for line in summary["permissions"]:
        yield f"{summary['name']}: its AWS role needs {line}"
    yield from lacking_lines(summary)
    for line in summary["services"]:
        yield f"{summary['name']}: {line}"


def lacking_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a collector does without, and which consent gives it."""
    for line in summary["lacking"]:
        yield f"{summary['name']}: {line}"
