# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of what is known of releases, such as which versions work together. Controller only. Private.

They stand in the files of the folder `_data`, and in the catalogue of Collectors. For example,
`read_tables()["tested"]["cert-manager"]` is the version that is installed if the user asks for none.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ...module_utils._install.releases.image_references import image_name
from .._otelcol import _documents, _tables

_DATA = Path(__file__).parents[1] / "_data"


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
