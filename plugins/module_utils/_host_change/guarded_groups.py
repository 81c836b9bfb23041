# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of a host whose members may do what is root's alone, so that a collector in one needs consent. Private.

The controller refuses them in the option `groups` of a collector, unless the option `allow` has them too. The host
refuses them among the groups of a user whom the option `user` names, unless the unit names them: such groups were in
`groups`, so they have passed the controller. Python 3.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# The source of several groups.
DEBIAN_SOURCE = "https://wiki.debian.org/SystemGroups"


class _GuardedGroup(NamedTuple):
    """Why a group is guarded."""

    member_rights: str
    """What its members may do, as the end of the sentence `its members may …`."""
    source: str
    """Where that is documented."""


_RIGHTS_AND_SOURCES = {
    "admin": ("become root by sudo", "/etc/sudoers of Ubuntu before 12.04, which later releases still have"),
    "disk": ("read and write every disk", DEBIAN_SOURCE),
    "docker": ("do all on the host", "https://docs.docker.com/engine/install/linux-postinstall/"),
    "incus": ("start containers, on some hosts with the disks of the host", "https://linuxcontainers.org/incus/docs/"),
    "incus-admin": ("do all on the host", "https://linuxcontainers.org/incus/docs/main/explanation/security/"),
    "kmem": ("read the memory of the kernel", DEBIAN_SOURCE),
    "libvirt": ("start machines with the disks of the host", "https://wiki.debian.org/KVM"),
    "lxd": ("do all on the host", "https://documentation.ubuntu.com/lxd/latest/explanation/security/"),
    "microk8s": ("administer the cluster of the host", "https://microk8s.io/docs/getting-started"),
    "root": ("change files of the group root", DEBIAN_SOURCE),
    "shadow": ("read the passwords of all users", DEBIAN_SOURCE),
    "staff": ("write /usr/local, from which root runs programs", DEBIAN_SOURCE),
    "sudo": ("become root by sudo", DEBIAN_SOURCE),
    "wheel": ("become root by sudo", "https://docs.fedoraproject.org/en-US/quick-docs/adding_user_to_sudoers_file/"),
}


GUARDED_GROUPS = {name: _GuardedGroup(*row) for name, row in _RIGHTS_AND_SOURCES.items()}


def list_unconsented_groups(groups: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """Return the guarded groups that nobody has consented to. `allowed` has the groups with consent."""
    return sorted((set(groups) & set(GUARDED_GROUPS)) - set(allowed))


def describe_member_rights(group: str) -> str:
    """Return in words what the members of a group may do."""
    return GUARDED_GROUPS[group].member_rights
