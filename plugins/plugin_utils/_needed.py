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
    if (problem := explain_refused_core(__version__)) is not None:
        raise AnsibleActionFail(str(problem))
    try:
        yield
    except ImportError as error:
        if (problem := _explain_unfit_collection(error)) is None:
            raise
        raise AnsibleActionFail(str(problem)) from None


def _explain_unfit_collection(error: ImportError) -> Problem | None:
    """Return what is wrong with another collection that cannot be imported; nothing for what is no collection."""
    package, namespace, collection, *module_parts = [*str(error.name).split("."), "", ""]
    if package != "ansible_collections" or f"{namespace}.{collection}" == OWN_COLLECTION:
        return None
    # A namespace without any collection is missing as such.
    collection_name = f"{namespace}.{collection}".rstrip(".")
    collection_name = next(
        (supported_name for supported_name in REQUIRED_COLLECTIONS if supported_name.startswith(collection_name)),
        collection_name,
    )
    required_version, command = REQUIRED_COLLECTIONS.get(collection_name, ""), "Run: ansible-galaxy collection install"
    if isinstance(error, ModuleNotFoundError) and not any(module_parts):
        return Problem(f"the collection {collection_name} is missing", fix=f"{command} {collection_name}")
    installed_version = _read_collection_version(f"ansible_collections.{collection_name}")
    if (installed_numbers := _split_version_numbers(installed_version)) and installed_numbers < _split_version_numbers(
        required_version
    ):
        wrong = (
            f"the collection {collection_name} {installed_version} is too old: {OWN_COLLECTION} works with"
            f" {required_version}"
        )
        return Problem(wrong, where=str(error), fix=f"{command} '{collection_name}:{required_version}' --upgrade")
    wrong = f"the collection {collection_name} {installed_version or 'of an unknown version'} is incomplete: {error}"
    return Problem(wrong, fix=f"{command} '{collection_name}:{required_version}' --force")


def _split_version_numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _read_collection_version(package: str) -> str:
    """Return the version of an installed collection, empty if it does not say."""
    try:
        manifest = read_file_text(Path(import_module(package).__path__[0], "MANIFEST.json"))
        return str(json.loads(manifest)["collection_info"]["version"])
    except (ImportError, OSError, LookupError, TypeError, ValueError):
        return ""


def explain_refused_core(version: str) -> Problem | None:
    """Return why this version of ansible-core cannot run the collection, or None."""
    if tuple(int(number_text) for number_text in version.split(".")[:2]) >= OLDEST_CORE:
        return None
    oldest_version = ".".join(map(str, OLDEST_CORE))
    return Problem(
        f"ansible-core {version} is too old: o11y.opentelemetry works with {oldest_version} and later",
        fix=f"Run: {sys.executable} -m pip install 'ansible-core>={oldest_version}'",
    )
