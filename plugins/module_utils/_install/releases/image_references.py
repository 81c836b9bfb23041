# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to images: their names, their tags, and the form that every tool takes. Private.

A reference is `[REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]`. For example, of `ghcr.io:443/otel/operator:0.140.0@sha256:ab`
the name is `operator`, the tag `0.140.0`, the repository `ghcr.io:443/otel/operator`, and the unambiguous reference
`ghcr.io:443/otel/operator@sha256:ab`.
"""

from __future__ import annotations


def image_name(image: str) -> str:
    """Return the last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def read_image_tag(image: str) -> str:
    """Return the tag of an image reference; a colon before a registry's port does not count."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def read_image_repository(image: str) -> str:
    """Return an image without tag and digest."""
    return _strip_tag(image.partition("@")[0])


def unambiguous_reference(image: str) -> str:
    """Return a reference that names one thing: of tag and digest the digest counts, and tools refuse both."""
    name, at_sign, digest = image.partition("@")
    return f"{_strip_tag(name)}@{digest}" if at_sign else image


def _strip_tag(name: str) -> str:
    """Return a name without its tag. A colon before the last slash is that of a port."""
    last_part = name.rpartition("/")[2]
    return name.removesuffix(last_part) + last_part.partition(":")[0]
