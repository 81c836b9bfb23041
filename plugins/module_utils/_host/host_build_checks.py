# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check collectors of a host before the host gets them: names, ports, folders, and rights like those of root. Private.

`_host_build.py` of plugin_utils calls `check_host_build` for each collector, and `_host_render.py` calls
`check_host_collectors` for all of one host. Consent is the option `allow` of a collector: without it, a collector gets
no right by which it may do what root may do. For example, `groups: [docker]` is refused with

    `groups` lists docker, whose members may do all on the host. Add `allow: [docker]`, or remove it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from posixpath import normpath

from .._host_change.guarded_groups import GUARDED_GROUPS, describe_member_rights, list_unconsented_groups
from .._host_change.host_release import check_collector_name
from .._otelcol.config.addresses import hosts_overlap
from .._otelcol.errors import Problem, join_at_most
from .._otelcol.needs.derive_needs import Needs
from .component_rows import GUARDED, ROOT, USER
from .host_build import HostBuild
from .host_needs import HostNeeds
from .host_options import HostCollector

# How many clashes of ports a message names.
_SHOWN_CLASHES = 5
# The name of a user or a group. User= and SupplementaryGroups= take numbers and lists of names too, and those would
# evade the consent for root and docker. Source: systemd.exec(5).
_ACCOUNT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*\$?\Z")


def check_host_build(build: HostBuild) -> None:
    """Raise Problem for a collector that the host would refuse, or that has rights without the user's consent."""
    collector = build.collector
    check_collector_name(collector.name)
    _check_accounts(collector)
    _check_own_ports(collector)
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


def _check_own_ports(collector: HostCollector) -> None:
    """Raise Problem for a port of the collector that nobody could ask, because the system would choose its number."""
    for option, port in (("health_port", collector.health_port), ("metrics_port", collector.metrics_port)):
        if port == 0:
            wrong = f"`{option}` is 0, which lets the system choose a port, and no run would know it"
            raise Problem(wrong, fix="Write a number from 1 to 65535.")


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
        if not f"{normpath(folder)}/".startswith(state_root):
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
        wrong = f"{refusal.component} {refusal.reason}, and who may do that may do all on the host"
        raise Problem(wrong, fix=f"Add `allow: [{refusal.right}]`, or remove the component.")
    for group in list_unconsented_groups(collector.groups, collector.allow):
        wrong = f"`groups` lists {group}, whose members may {describe_member_rights(group)}"
        raise Problem(wrong, fix=f"Add `allow: [{group}]`, or remove it.")


def _check_unused_consent(collector: HostCollector, needs: HostNeeds) -> None:
    """Raise Problem for a consent that nothing uses: a component that is added later would have it unasked."""
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
