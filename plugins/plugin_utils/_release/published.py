# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a published release, and compare it with the lock and with known releases. Controller only. Private.

A manifest that is not what was locked, that has another version, or that may do more in the cluster than known releases
of the product, is refused. For example, a manifest of cert-manager v1.18.0 with another SHA-256 than the lock has ends
the run before anything is applied. `own_release.py` reads the release that it applies with it, and `release_mirror.py`
those that it copies.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from ...module_utils._install.releases import lock_file, manifest, privileges
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .fetched_manifest import FetchedManifest, fetch_manifest, parse_documents
from .release_arguments import ManifestOptions
from .release_origins import list_origins
from .release_tables import read_tables


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


def compute_checksum(content: bytes) -> str:
    """Return the SHA-256 of a content, in the form `sha256:HEX`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def release_name(product: Product, target: Version) -> str:
    """Return the name of a release in a lock, such as `cert-manager v1.18.0`."""
    return f"{product.name} {target.tag}"


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
    release = manifest.read_release(product, parse_documents(fetched.content, activity, fetched.origin), shown_origin)
    if release.version != target:
        fix = f"Ask for {release.version.tag}, or give the manifest of {target.tag}."
        raise Problem(f"it has version {release.version}", asked=activity, where=shown_origin, fix=fix)
    unused_lines = privileges.compare_privileges(
        release, read_tables()["privileges"][product.name], options["allow_privileges"], shown_origin
    )
    trust_note = ""
    if not verified.had_expected_sum:
        trust_note = (
            f"{name} is trusted as read, {compute_checksum(fetched.content)} from {shown_origin}; {lock_file.LOCK_HINT}"
        )
    return PublishedRelease(
        release=release,
        manifest_bytes=fetched.content,
        origin=fetched.origin,
        warnings=[f"allow_privileges has a line that {name} does not need: {line}" for line in unused_lines],
        trust_note=trust_note,
    )


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
