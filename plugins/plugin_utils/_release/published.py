# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a published release or chart, and compare it with the lock and with known releases. Controller only. Private.

A manifest that is not what was locked, that has another version, or that may do more in the cluster than known releases
of the product, is refused. For example, a manifest of cert-manager v1.18.0 with another SHA-256 than the lock has ends
the run before anything is applied. `own_release.py` reads the release that it applies with it, and `release_mirror.py`
those that it copies.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._install.releases import lock_file, manifest, privileges
from ...module_utils._install.releases.image_references import image_name
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .._otelcol import _documents, _tables
from .chart_on_disk import ChartOnDisk
from .fetched_manifest import FetchedManifest, fetch_manifest, parse_documents
from .release_arguments import ManifestOptions
from .release_origins import list_origins

_DATA = Path(__file__).parents[1] / "_data"
_LOCK_HINT = f"to lock it, run `{lock_file.LOCK_COMMAND}`"


class PublishedRelease(NamedTuple):
    """A release with its published manifest."""

    release: manifest.Release
    manifest_bytes: bytes
    origin: str
    """The path or the address that the manifest was read from. An address may have a password: never show it."""
    warnings: list[str]
    trust_note: str
    """Says that no checksum was expected; empty if one was."""

    @property
    def checksum(self) -> str:
        """The SHA-256 of the manifest."""
        return compute_checksum(self.manifest_bytes)


class ChartRow(NamedTuple):
    """What a lock has of a chart."""

    name: str
    checksum: str
    """Empty for a chart that is not on disk."""
    origin: str
    """The path or the reference of the chart, without a password."""

    def as_dict(self) -> dict[str, str]:
        """Return the row as release_mirror returns it and release_lock takes it."""
        return {"name": self.name, "sum": self.checksum, "from": self.origin}


@cache
def read_tables() -> Any:
    """Return the tables of `compatibility.yml`, such as `tested`, with two more.

    `builds` has, by image, the Collector version of each version of a distribution that counts its own versions.
    `privileges` has what known releases of each product may do.
    """
    builds: dict[str, Any] = {}
    for distribution in _tables.catalogue("distributions").values():
        if "collector_versions" in distribution:
            builds[image_name(distribution["image"])] = distribution["collector_versions"]
    privileges_by_product = _documents.read_yaml(_DATA / "privileges.yml")
    compatibility = _documents.read_yaml(_DATA / "compatibility.yml")
    return {**compatibility, "builds": builds, "privileges": privileges_by_product}


def compute_checksum(content: bytes) -> str:
    """Return the SHA-256 of a content, in the form `sha256:HEX`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def release_name(product: Product, target: Version) -> str:
    """Return the name of a release in a lock, such as `cert-manager v1.18.0`."""
    return f"{product.name} {target.tag}"


def build_chart_row(product: Product, reference: str, chart: ChartOnDisk | None) -> ChartRow:
    """Return the row of a chart in a lock. `chart` is None if it is not on disk, and `reference` names it then."""
    if chart is None:
        return ChartRow(f"the chart of {product.title}", "", strip_credentials(reference) or "its repository")
    return ChartRow(f"{product.name} {chart.version}", chart.checksum, chart.path)


def verify_chart(row: ChartRow, lock: lock_file.Lock) -> None:
    """Raise Problem for another chart than the one that is locked."""
    lock.verify_sum(lock_file.CHARTS, row.name, row.checksum, row.origin)


def describe_unlocked_chart(row: ChartRow) -> str:
    """Return the note that no lock says which chart to expect."""
    return f"the chart {row.name} is trusted as read, {row.checksum} from {row.origin}; {_LOCK_HINT}"


def read_release(
    product: Product, target: Version, options: ManifestOptions, lock: lock_file.Lock | None
) -> PublishedRelease:
    """Return a version of a product with its manifest.

    Raises Problem if the manifest is of another version, if its checksum is not the expected one, or if the release may
    do more than known releases of the product, unless `allow_privileges` accepts that.

    The order of the steps protects the cluster:

    1. The bytes are compared with the sums of option `sha256` and of the lock before anything parses them.
    2. The version is compared, since the next step would let an older release pass: the known privileges are those of
       all known releases.
    3. The privileges are compared, also with a sum. A sum says that the manifest is the one that was locked, and not
       what it may do in the cluster.
    """
    activity = _describe_activity(product, target)
    name = release_name(product, target)
    verified = _fetch_verified(product, target, options, lock)
    fetched = verified.fetched
    shown_origin = strip_credentials(fetched.origin)
    documents = parse_documents(fetched.content, activity, fetched.origin)
    release = manifest.read_release(product, documents, shown_origin)
    if release.version != target:
        fix = f"Ask for {release.version.tag}, or give the manifest of {target.tag}."
        raise Problem(f"it has version {release.version}", asked=activity, where=shown_origin, fix=fix)
    known_privileges = read_tables()["privileges"][product.name]
    unused_lines = privileges.compare_privileges(release, known_privileges, options["allow_privileges"], shown_origin)
    warnings = [f"allow_privileges has a line that {name} does not need: {line}" for line in unused_lines]
    trust_note = ""
    if not verified.had_expected_sum:
        trust_note = f"{name} is trusted as read, {compute_checksum(fetched.content)} from {shown_origin}; {_LOCK_HINT}"
    return PublishedRelease(release, fetched.content, fetched.origin, warnings, trust_note)


class _VerifiedManifest(NamedTuple):
    """A manifest that has the expected sum, if one was expected of it."""

    fetched: FetchedManifest
    had_expected_sum: bool


def _fetch_verified(
    product: Product, target: Version, options: ManifestOptions, lock: lock_file.Lock | None
) -> _VerifiedManifest:
    """Return the manifest of a version. Raises Problem if it has another sum than the expected one."""
    name = release_name(product, target)
    origins = list_origins(product, target, options["source"], options["mirror"])
    has_expected_sum = bool(options["sha256"] or (lock and lock.find_checksum(lock_file.MANIFESTS, name)))
    activity = _describe_activity(product, target)
    # With a sum, a connection may protect nothing: what anybody on the way changes is refused below, or by
    # `fetch_manifest` itself.
    fetched = fetch_manifest(origins, options["sha256"], activity, may_be_unprotected=has_expected_sum)
    if lock:
        lock.verify_sum(lock_file.MANIFESTS, name, compute_checksum(fetched.content), fetched.origin)
    return _VerifiedManifest(fetched, has_expected_sum)


def _describe_activity(product: Product, target: Version) -> str:
    """Return what messages say was tried."""
    return f"Read the release {target.tag} of {product.title}"
