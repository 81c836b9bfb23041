# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection needs on the controller: a core that it supports, and other collections. Private."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from ansible import __version__
from ansible.errors import AnsibleActionFail

from ..module_utils._otelcol.bounded.live.bounded_reads import file_text
from ..module_utils._otelcol.errors import Problem

# meta/runtime.yml says the same to Ansible, which only warns.
OLDEST = (2, 18)
OWN = "o11y.opentelemetry"
# As galaxy.yml has them.
COLLECTIONS = {"amazon.aws": ">=10.1.0", "kubernetes.core": ">=6.2.0"}


@contextmanager
def needed() -> Iterator[None]:
    """Fail the task, with the command that installs what is missing, for an old core or a missing collection."""
    if (found := refused(__version__)) is not None:
        raise AnsibleActionFail(str(found))
    try:
        yield
    except ImportError as error:
        if (found := _unfit(error)) is None:
            raise
        raise AnsibleActionFail(str(found)) from None


def _unfit(error: ImportError) -> Problem | None:
    """Return what is wrong with another collection that cannot be imported; nothing for what is no collection."""
    package, namespace, collection, *parts = [*str(error.name).split("."), "", ""]
    if package != "ansible_collections" or f"{namespace}.{collection}" == OWN:
        return None
    # A namespace without any collection is missing as such.
    name = f"{namespace}.{collection}".rstrip(".")
    name = next((one for one in COLLECTIONS if one.startswith(name)), name)
    wanted, command = COLLECTIONS.get(name, ""), "Run: ansible-galaxy collection install"
    if isinstance(error, ModuleNotFoundError) and not any(parts):
        return Problem(f"the collection {name} is missing", fix=f"{command} {name}")
    version = _version(f"ansible_collections.{name}")
    if (found := _numbers(version)) and found < _numbers(wanted):
        wrong = f"the collection {name} {version} is too old: {OWN} works with {wanted}"
        return Problem(wrong, where=str(error), fix=f"{command} '{name}:{wanted}' --upgrade")
    wrong = f"the collection {name} {version or 'of an unknown version'} is incomplete: {error}"
    return Problem(wrong, fix=f"{command} '{name}:{wanted}' --force")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _version(package: str) -> str:
    """Return the version of an installed collection, empty if it does not say."""
    try:
        manifest = file_text(Path(import_module(package).__path__[0], "MANIFEST.json"))
        return str(json.loads(manifest)["collection_info"]["version"])
    except (ImportError, OSError, LookupError, TypeError, ValueError):
        return ""


def refused(version: str) -> Problem | None:
    """Return why this version of ansible-core cannot run the collection, or None."""
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
        return None
    oldest = ".".join(map(str, OLDEST))
    return Problem(
        f"ansible-core {version} is too old: o11y.opentelemetry works with {oldest} and later",
        fix=f"Run: {sys.executable} -m pip install 'ansible-core>={oldest}'",
    )
