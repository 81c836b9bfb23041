# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The builds that cases are judged for, by the committed catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.view import Target

_FOLDER = Path(__file__).parents[6] / "plugins" / "plugin_utils" / "_data" / "catalogue"
CATALOGUE = Catalogue.from_tables(
    {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _FOLDER.glob("*.json")}
)


def on(distribution: str, version: str) -> dict[str, Any]:
    """Return what a subject needs to be judged for a build."""
    return {"target": Target(CATALOGUE, distribution, version)}


NOW = on("contrib", "0.158.0")
LATER = on("contrib", "0.170.0")
OLD = on("contrib", "0.115.0")
REDHAT = on("redhat", "0.135.0")
SMALL = on("k8s", "0.158.0")
FOREIGN = on("acme", "0.158.0")
_OWN, _ = CATALOGUE.with_manifest("own", {"receivers": [{"gomod": "example.org/acmereceiver v1.0.0"}]}, "0.158.0")
OWN: dict[str, Any] = {"target": Target(_OWN, "own", "0.158.0")}
