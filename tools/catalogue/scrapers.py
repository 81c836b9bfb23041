# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the settings of the scrapers of host_metrics to the row of constraints.json that is about them.

The decoder of the receiver does not show them, since it reads each scraper by itself. Metrics and resource attributes
are those of the `config.schema.yaml` that mdatagen writes for each scraper; the rest is in the scraper's `config.go`.

    python -m tools.catalogue.scrapers $(go env GOMODCACHE) 0.155.0 0.158.0 0.159.0
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.build_schema import settings_of

from . import fields_facts as facts

_TARGET = facts.TARGET.with_name("constraints.json")
_PLACE = "receivers.host_metrics.scrapers"
_MODULE = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
_SCHEMA = "internal/metadata/config.schema.yaml"
# From config.go of each scraper; what a filter may be, other rows of the table say.
_MUTED = ("all_errors", "cgroup_error", "exe_error", "io_error", "name_error", "user_error")
_FILTER, _MATCHES = {"...": "?"}, ("devices", "fs_types", "mount_points")
_OWN: dict[str, dict[str, Any]] = {
    "disk": {"include": _FILTER, "exclude": _FILTER},
    "filesystem": {
        "include_virtual_filesystems": "b",
        **{f"{way}_{what}": _FILTER for way in ("include", "exclude") for what in _MATCHES},
    },
    "load": {"cpu_average": "b"},
    "network": {"include": _FILTER, "exclude": _FILTER},
    "process": {
        **dict.fromkeys((f"mute_process_{what}" for what in _MUTED), "b"),
        **{"include": _FILTER, "exclude": _FILTER, "scrape_process_delay": "dsif"},
    },
}


def settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the scraper in a folder such as `diskscraper`, in the notation of fields.json."""
    defined = yaml.load((folder / _SCHEMA).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["$defs"]
    found = {"metrics": settings_of(defined["metrics_config"])}
    attributes = defined.get("resource_attributes_config")
    if attributes:
        found["resource_attributes"] = settings_of(attributes)
    return found | _OWN.get(_name(folder), {})


def _name(folder: Path) -> str:
    return folder.name.removesuffix("scraper")


def scrapers(cache: Path, version: str) -> dict[str, Any]:
    """Return the settings of each scraper of a version by its name; nothing if the module is not in the cache."""
    folders = (cache / f"{_MODULE}@v{version}" / "internal" / "scraper").glob("*scraper")
    return {_name(folder): settings(folder) for folder in sorted(folders)}


def main(cache: str, *versions: str) -> None:
    """Write the row. Raises SystemExit unless all versions that are at hand have the same settings, and one is."""
    found = [at_hand for version in versions if (at_hand := scrapers(Path(cache), version))]
    if not found or any(other != found[0] for other in found):
        raise SystemExit("the scrapers differ between these versions: give each range a row with `exact`")
    rows = json.loads(_TARGET.read_text(encoding="utf-8"))
    kept = [row for row in rows if row["at"] != _PLACE or "fields" not in row]
    rows = [*kept, {"at": _PLACE, "fields": {"...": "?", **found[0]}}]
    _TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
