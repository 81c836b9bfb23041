# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published release: read, compared with the lock, and compared with other releases. Controller only. Private."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._core.errors import Problem, shown
from ...module_utils._core.releases import lock, manifest, privileges
from ...module_utils._core.releases.products import Product
from ...module_utils._core.releases.versions import Version, image_name
from .. import _sources
from . import source

_DATA = Path(__file__).parents[1] / "_data"
_LOCK = f"to lock it, run `{lock.LOCK_IT}`"


class Published(NamedTuple):
    """A release with its published manifest, its notes, and whether a checksum was expected."""

    release: manifest.Release
    content: bytes
    where: str
    warnings: list[str]
    trusted: str

    @property
    def sum(self) -> str:
        return checksum(self.content)


@cache
def table() -> Any:
    """Return the tested versions, the Collector version of distributions with their own versions, and privileges."""
    own = (build for build in _sources.catalogue("distributions").values() if "collector_versions" in build)
    builds = {image_name(build["image"]): build["collector_versions"] for build in own}
    known = {"builds": builds, "privileges": _sources.read_yaml(_DATA / "privileges.yml")}
    return {**_sources.read_yaml(_DATA / "compatibility.yml"), **known}


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def named(product: Product, target: Version) -> str:
    return f"{product.name} {target.tag}"


def chart_row(product: Product, reference: str, found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the row of a chart in a lock; a chart that is not on disk has no sum."""
    if found is None:
        return {"name": f"the chart of {product.title}", "sum": "", "from": shown(reference) or "its repository"}
    return {"name": f"{product.name} {found['version']}", "sum": found["sum"], "from": found["path"]}


def trusted_chart(row: Mapping[str, str], locked: lock.Lock | None) -> str:
    """Return what to say about a chart without a lock. Raises Problem for another chart than the locked one."""
    if locked is None:
        return f"the chart {row['name']} is trusted as read, {row['sum']} from {row['from']}; {_LOCK}"
    locked.verify(lock.CHARTS, row["name"], row["sum"], row["from"])
    return ""


def read(product: Product, target: Version, options: Mapping[str, Any], locked: lock.Lock | None) -> Published:
    """Return a release. Raises Problem for one that is not the requested, the locked, or a harmless one."""
    asked = f"Read the release {target.tag} of {product.title}"
    tried = source.origins(product, target, options["source"], options["mirror"])
    name = named(product, target)
    expected = options["sha256"] or (locked.expected(lock.MANIFESTS, name) if locked else "")
    where, content = source.fetch(tried, options["sha256"], asked, plain=bool(expected))
    if locked:
        locked.verify(lock.MANIFESTS, name, checksum(content), where)
    found = manifest.release(product, source.documents(content, asked, where), shown(where))
    if found.version != target:
        fix = f"Ask for {found.version.tag}, or give the manifest of {target.tag}."
        raise Problem(f"it has version {found.version}", asked=asked, where=shown(where), fix=fix)
    known = table()["privileges"][product.name]
    unused = privileges.compare(found, known, options["allow_privileges"], shown(where))
    warnings = [f"allow_privileges has a line that {name} does not need: {line}" for line in unused]
    trusted = "" if expected else f"{name} is trusted as read, {checksum(content)} from {shown(where)}; {_LOCK}"
    return Published(found, content, where, warnings, trusted)
