# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to images: their names, their tags, and the form that every tool takes. Private.

A reference is `[REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]`. For example, of `ghcr.io:443/otel/operator:0.140.0@sha256:ab`
the name is `operator`, the tag `0.140.0`, the repository `ghcr.io:443/otel/operator`, and the unambiguous reference
`ghcr.io:443/otel/operator@sha256:ab`.
"""

from __future__ import annotations

import re

# The parts of a reference. Source: reference/regexp.go of github.com/distribution/reference.
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])"
_REGISTRY = rf"{_HOST}(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH = rf"{_PATH_PART}(?:/{_PATH_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?P<name>(?:{_REGISTRY}/)?{_PATH})(?::{_TAG})?(?:@{_DIGEST})?\Z")
# How long the name of an image may be, with its registry.
_LONGEST_NAME = 255


def is_image_reference(text: str) -> bool:
    """Return whether a text has the form of a reference, so that a tool takes it."""
    match = _REFERENCE.match(text)
    return match is not None and len(match["name"]) <= _LONGEST_NAME


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
