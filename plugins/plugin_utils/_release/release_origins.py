# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release may be: in files, in mirrors and at addresses, of which some protect nothing. Controller only.
Private.

An origin is the path of a file or an address. Nobody on the way can change what an address with `https://` has. With
`http://` anybody can, so such a one is refused unless the SHA-256 of the content is known before.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version
from ...module_utils._otelcol.errors import Problem, strip_credentials

# Addresses whose content nobody on the way can change.
_SAFE_SCHEMES = ("https://", "file://")


def list_origins(product: Product, version: Version, source: str, mirror: str) -> list[str]:
    """Return the origins at which the manifest may be, the first one that has it counts.

    For example, a mirror `/srv/mirror` may have `/srv/mirror/cert-manager/v1.18.0/cert-manager.yaml`, or the same below
    `1.18.0`.
    """
    if source:
        return [source]
    if not mirror:
        return [f"{product.download_url}/{version.tag}/{product.manifest}"]
    root = mirror.rstrip("/")
    return [f"{root}/{product.name}/{name}/{product.manifest}" for name in (version.tag, str(version))]


def is_address(origin: str) -> bool:
    """Whether an origin is an address such as `https://…`, and not the path of a file."""
    return "://" in origin


def is_protected(address: str) -> bool:
    """Whether nobody on the way can change what an address has."""
    return address.lower().startswith(_SAFE_SCHEMES)


def find_unprotected(origins: Sequence[str]) -> str:
    """Return the first address at which anybody on the way can change the content; empty without one."""
    for origin in origins:
        if is_address(origin) and not is_protected(origin):
            return origin
    return ""


def check_protection(origins: Sequence[str], activity: str) -> None:
    """Raise Problem for an address at which anybody on the way can change the manifest."""
    unprotected_address = find_unprotected(origins)
    if unprotected_address:
        wrong = "the connection does not protect the manifest, and no SHA-256 is expected of it"
        fix = "Use https, give the SHA-256 of the published manifest (sha256), or lock the inventory."
        raise Problem(wrong, asked=activity, where=strip_credentials(unprotected_address), fix=fix)
