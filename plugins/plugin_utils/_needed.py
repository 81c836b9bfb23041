# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection needs on the controller: a core that it supports, and other collections. Private."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ansible import __version__
from ansible.errors import AnsibleActionFail

from ..module_utils._core.errors import Problem

# meta/runtime.yml says the same to Ansible, which only warns.
OLDEST = (2, 18)


@contextmanager
def needed() -> Iterator[None]:
    """Fail the task, with the command that installs what is missing, for an old core or a missing collection."""
    if (found := refused(__version__)) is not None:
        raise AnsibleActionFail(str(found))
    try:
        yield
    except ModuleNotFoundError as error:
        package, *parts = str(error.name).split(".")
        if package != "ansible_collections":
            raise
        # A namespace without any collection is missing as such.
        name = ".".join(parts[:2]) if len(parts) > 1 else {"kubernetes": "kubernetes.core"}.get(parts[0], parts[0])
        fix = f"Run: ansible-galaxy collection install {name}"
        raise AnsibleActionFail(str(Problem(f"the collection {name} is missing", fix=fix))) from None


def refused(version: str) -> Problem | None:
    """Return why this version of ansible-core cannot run the collection, or None."""
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
        return None
    oldest = ".".join(map(str, OLDEST))
    return Problem(
        f"ansible-core {version} is too old: o11y.opentelemetry works with {oldest} and later",
        fix=f"Run: {sys.executable} -m pip install 'ansible-core>={oldest}'",
    )
