# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the settings of the scrapers of receiver host_metrics to the row of constraints.json that is about them.

    python -m tools.catalogue.scrapers $(go env GOMODCACHE) 0.155.0 0.158.0 0.159.0

The first argument is the module cache of Go, the others are versions of the receiver. `python -m tools.catalogue` calls
`main` too. The row, shortened:

    {"at": "receivers.host_metrics.scrapers",
     "fields": {"...": "?", "disk": {"metrics": {"system.disk.io": {"enabled": "b"}}, "include": {"...": "?"}}}}

It says that scraper `disk` takes the keys `metrics` and `include`, that `enabled` is true or false (`b`), and that
other scrapers (`...`) take anything (`?`). README.md explains this notation; `dsif` in it is a duration.

Other settings of components are asked of the Collector. It does not tell those of scrapers, because the receiver
decodes each scraper by itself. So metrics and resource attributes are read here from the `config.schema.yaml` that
mdatagen writes for each scraper, and all other settings are written below by hand, from the scraper's `config.go`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.build_schema import read_component_settings

from . import fields_facts as facts

_CONSTRAINTS_FILE = facts.FIELDS_FILE.with_name("constraints.json")
# Where the settings are in a config: the value of `at` in the row.
_PLACE = "receivers.host_metrics.scrapers"
# The receiver in the module cache, and the file in the folder of each of its scrapers.
RECEIVER_MODULE = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
SCRAPER_SCHEMA = "internal/metadata/config.schema.yaml"

# ── Settings by hand ──

# A filter takes any keys here: other rows of constraints.json say which.
_FILTER_SETTINGS = {"...": "?"}
# What the scraper `filesystem` has filters for, each with `include_` and `exclude_` before it.
_FILTERED_BY_FILESYSTEM = ("devices", "fs_types", "mount_points")
# The errors that the scraper `process` leaves out of its log, each with `mute_process_` before it.
_ERRORS_MUTED_BY_PROCESS = ("all_errors", "cgroup_error", "exe_error", "io_error", "name_error", "user_error")
_SETTINGS_BY_SCRAPER: dict[str, dict[str, Any]] = {
    "disk": {"include": _FILTER_SETTINGS, "exclude": _FILTER_SETTINGS},
    "filesystem": {
        "include_virtual_filesystems": "b",
        **{f"include_{kind}": _FILTER_SETTINGS for kind in _FILTERED_BY_FILESYSTEM},
        **{f"exclude_{kind}": _FILTER_SETTINGS for kind in _FILTERED_BY_FILESYSTEM},
    },
    "load": {"cpu_average": "b"},
    "network": {"include": _FILTER_SETTINGS, "exclude": _FILTER_SETTINGS},
    "process": {
        **{f"mute_process_{error}": "b" for error in _ERRORS_MUTED_BY_PROCESS},
        "include": _FILTER_SETTINGS,
        "exclude": _FILTER_SETTINGS,
        "scrape_process_delay": "dsif",
    },
}


def main(cache: str, *versions: str) -> None:
    """Write the row, which holds for all versions alike. Raises SystemExit as `read_common_settings` does."""
    scraper_settings = read_common_settings(Path(cache), versions)
    rows = json.loads(_CONSTRAINTS_FILE.read_text(encoding="utf-8"))
    other_rows = [row for row in rows if row["at"] != _PLACE or "fields" not in row]
    new_row = {"at": _PLACE, "fields": {"...": "?", **scraper_settings}}
    lines = ",\n".join(json.dumps(row) for row in (*other_rows, new_row))
    _CONSTRAINTS_FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_common_settings(cache: Path, versions: Sequence[str]) -> dict[str, Any]:
    """Return the settings of each scraper, by its name, that all versions in the module cache have.

    Versions that the cache lacks are left out. Raises SystemExit if the settings differ between the others, or if there
    is none.
    """
    known_settings: list[dict[str, Any]] = []
    for version in versions:
        version_settings = _read_scrapers(cache, version)
        if version_settings:
            known_settings.append(version_settings)
    if not known_settings:
        raise SystemExit(f"the module cache {cache} has the scrapers of none of these versions: {', '.join(versions)}")
    if any(settings != known_settings[0] for settings in known_settings):
        raise SystemExit("the scrapers differ between these versions: give each range a row with `exact`")
    return known_settings[0]


def _read_scrapers(cache: Path, version: str) -> dict[str, Any]:
    """Return the settings of each scraper of a version by its name; nothing if the module is not in the cache."""
    folders = (cache / f"{RECEIVER_MODULE}@v{version}" / "internal" / "scraper").glob("*scraper")
    settings_by_scraper: dict[str, Any] = {}
    for folder in sorted(folders):
        name = folder.name.removesuffix("scraper")
        settings_by_scraper[name] = _read_schema(folder) | _SETTINGS_BY_SCRAPER.get(name, {})
    return settings_by_scraper


def _read_schema(folder: Path) -> dict[str, Any]:
    """Return the metrics and resource attributes in the schema of a scraper, whose folder is such as `diskscraper`."""
    definitions = yaml.load((folder / SCRAPER_SCHEMA).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["$defs"]
    settings = {"metrics": read_component_settings(definitions["metrics_config"])}
    attribute_definition = definitions.get("resource_attributes_config")
    if attribute_definition:
        settings["resource_attributes"] = read_component_settings(attribute_definition)
    return settings


if __name__ == "__main__":
    main(*sys.argv[1:])
