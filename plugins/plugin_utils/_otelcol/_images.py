# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of Collectors: which distribution and version one has, and which one a distribution has. Controller only.

The table `distributions.yml` has a row for each distribution, with the repository of its image. `_builds.py` asks here
for the build of an image beside a config:

| image | distribution | version |
|---|---|---|
| `otel/opentelemetry-collector-contrib:0.158.0` | contrib | 0.158.0 |
| `mirror.example.com/otel/opentelemetry-collector-contrib:latest` | contrib | not known |
| `example.com/own-collector:1.0.0` | not known | |

Private.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._otelcol.config.collector_versions import parse_version
from . import _tables

# The parts of an image such as `registry/otel/collector:0.158.0@sha256:…`.
_IMAGE = re.compile(r"(?P<repository>[^@]+?)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>\S+))?\Z")
# The version with which a tag begins: `0.158.0` of `0.158.0-amd64`.
_VERSION_OF_TAG = re.compile(r"v?\d+\.\d+\.\d+")


class RecognisedImage(NamedTuple):
    """What an image has: a distribution, and its version; empty if the tag is not a version."""

    distribution: str
    version: str


def recognise_image(image: str) -> RecognisedImage | None:
    """Return what an image has; None if it is that of no known distribution.

    Only the last part of a repository counts, so that a mirror is recognised too.
    """
    match = _IMAGE.match(image)
    if not match:
        return None
    last_part = match["repository"].rpartition("/")[2]
    for distribution, row in read_distribution_rows().items():
        if last_part in _list_image_names(row):
            version = _VERSION_OF_TAG.match(match["tag"] or "")
            return RecognisedImage(distribution, version[0] if version else "")
    return None


def _list_image_names(row: Mapping[str, Any]) -> set[str]:
    """Return the last parts of the repositories that a distribution has or had."""
    repositories = (row["image"], *_older_repositories(row).values())
    return {repository_name.rpartition("/")[2] for repository_name in repositories}


def image_repository(distribution: str, version: str) -> str:
    """Return the repository of the image of a distribution's version."""
    row = read_distribution_rows()[distribution]
    for until, image in _older_repositories(row).items():
        if parse_version(version) < parse_version(until):
            return str(image)
    return str(row["image"])


def _older_repositories(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the repositories of older versions: `{"0.150.0": REPOSITORY}` is for the versions before 0.150.0."""
    return row.get("older_images") or {}


def read_distribution_rows() -> Mapping[str, Any]:
    """Return what the collection's own tables have about each distribution: its image, and its tested version."""
    rows: Mapping[str, Any] = _tables.catalogue("distributions")
    return rows


def read_tested_version(distribution: str) -> str:
    """Return the version of a distribution that this collection was tested with."""
    return str(read_distribution_rows()[distribution]["version"])
