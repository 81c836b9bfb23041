# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what the collection needs on the controller: an ansible-core that it supports, and other collections. Private.

Each action does its work within `fail_for_missing_needs`, so that users read which command installs what is missing,
such as "the collection kubernetes.core is missing. Run: ansible-galaxy collection install kubernetes.core".
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ansible import __version__
from ansible.errors import AnsibleActionFail

from ..module_utils._otelcol.bounded.live.bounded_reads import read_file_text
from ..module_utils._otelcol.errors import Problem

# meta/runtime.yml says the same to Ansible, which only warns.
OLDEST_CORE = (2, 18)
OWN_COLLECTION = "o11y.opentelemetry"
# As galaxy.yml has them.
REQUIRED_COLLECTIONS = {"amazon.aws": ">=10.1.0", "kubernetes.core": ">=6.2.0"}


@contextmanager
def fail_for_missing_needs() -> Iterator[None]:
    """Fail the task, with the command that installs what is missing, for an old core or a missing collection."""
    refused_core = explain_refused_core(__version__)
    if refused_core is not None:
        raise AnsibleActionFail(str(refused_core))
    try:
        yield
    except ImportError as error:
        unfit_collection = _explain_unfit_collection(error)
        if unfit_collection is None:
            raise
        raise AnsibleActionFail(str(unfit_collection)) from None


class _MissingImport(NamedTuple):
    """What an ImportError names of another collection.

    For example, `ansible_collections.amazon.aws.plugins` is collection `amazon.aws` with a module inside. If there is
    no collection `amazon` at all, Python names `ansible_collections.amazon` alone.
    """

    collection: str
    has_module: bool


def _explain_unfit_collection(error: ImportError) -> Problem | None:
    """Return the Problem of a collection that cannot be imported; None if what is missing is of no collection."""
    missing_import = _read_missing_import(error)
    if missing_import is None:
        return None
    collection = missing_import.collection
    required_version = REQUIRED_COLLECTIONS.get(collection, "")
    command = "Run: ansible-galaxy collection install"
    if isinstance(error, ModuleNotFoundError) and not missing_import.has_module:
        return Problem(f"the collection {collection} is missing", fix=f"{command} {collection}")
    installed_version = _read_collection_version(f"ansible_collections.{collection}")
    if _is_older(installed_version, required_version):
        wrong = (
            f"the collection {collection} {installed_version} is too old: {OWN_COLLECTION} works with"
            f" {required_version}"
        )
        return Problem(wrong, where=str(error), fix=f"{command} '{collection}:{required_version}' --upgrade")
    wrong = f"the collection {collection} {installed_version or 'of an unknown version'} is incomplete: {error}"
    return Problem(wrong, fix=f"{command} '{collection}:{required_version}' --force")


def _read_missing_import(error: ImportError) -> _MissingImport | None:
    """Return the collection that could not be imported; None for this one, and for what is no collection."""
    # Empty parts stand for those that a short name such as `ansible_collections.amazon` does not have.
    package, namespace, name, *module_parts = [*str(error.name).split("."), "", ""]
    collection = f"{namespace}.{name}"
    if package != "ansible_collections" or collection == OWN_COLLECTION:
        return None
    known_beginning = collection.rstrip(".")  # the namespace, if it has no collection at all
    for required_collection in REQUIRED_COLLECTIONS:
        if required_collection.startswith(known_beginning):
            return _MissingImport(required_collection, any(module_parts))
    return _MissingImport(known_beginning, any(module_parts))


def _is_older(installed_version: str, required_version: str) -> bool:
    """Whether a version is below the required one, such as `>=6.2.0`. An empty one is not known, and counts as new."""
    installed_numbers = _split_version_numbers(installed_version)
    return bool(installed_numbers) and installed_numbers < _split_version_numbers(required_version)


def _split_version_numbers(version: str) -> list[int]:
    """Return the numbers of a version, such as 6, 2 and 0 of `>=6.2.0`."""
    return [int(number) for number in re.findall(r"\d+", version)]


def _read_collection_version(package: str) -> str:
    """Return the version of an installed collection; empty if its manifest does not have it."""
    try:
        manifest = read_file_text(Path(import_module(package).__path__[0], "MANIFEST.json"))
        return str(json.loads(manifest)["collection_info"]["version"])
    except (ImportError, OSError, LookupError, TypeError, ValueError):
        return ""


def explain_refused_core(version: str) -> Problem | None:
    """Return why a version of ansible-core, such as `2.16.3`, cannot run the collection; None if it can."""
    major, minor = version.split(".")[:2]
    if (int(major), int(minor)) >= OLDEST_CORE:
        return None
    oldest_version = ".".join(map(str, OLDEST_CORE))
    return Problem(
        f"ansible-core {version} is too old: o11y.opentelemetry works with {oldest_version} and later",
        fix=f"Run: {sys.executable} -m pip install 'ansible-core>={oldest_version}'",
    )
