# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the settings of the scrapers of receiver host_metrics to the row of constraints.json that is about them.

    python -m tools.catalogue.scrapers $(go env GOMODCACHE) 0.155.0 0.158.0 0.159.0

The receiver's decoder does not show these settings, because each scraper is decoded by itself. Metrics and resource
attributes come from the `config.schema.yaml` that mdatagen writes for each scraper. All other settings are written here
by hand, from the scraper's `config.go`. The first argument is the module cache of Go, the others are versions of the
receiver.

Settings are in the notation of fields.json, see README.md. Of that, this file uses `b` (true or false), `dsif` (a
duration: text or a number), `?` (anything), and the key `...` (other keys are valid too).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.build_schema import read_component_settings

from . import fields_facts as facts

_CONSTRAINTS_FILE = facts.FIELDS_FILE.with_name("constraints.json")
_PLACE = "receivers.host_metrics.scrapers"
_MODULE = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
_SCHEMA = "internal/metadata/config.schema.yaml"
# A filter takes any keys here: other rows of constraints.json say which.
_FILTER_SETTINGS = {"...": "?"}
# What the scraper `filesystem` has filters for, each with `include_` and `exclude_` before it.
_FILTERED_BY_FILESYSTEM = ("devices", "fs_types", "mount_points")
# The errors that the scraper `process` leaves out of its log, each with `mute_process_` before it.
_ERRORS_MUTED_BY_PROCESS = ("all_errors", "cgroup_error", "exe_error", "io_error", "name_error", "user_error")
_OWN_SETTINGS: dict[str, dict[str, Any]] = {
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


def read_scraper_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the scraper in a folder such as `diskscraper`, in the notation of fields.json."""
    definitions = yaml.load((folder / _SCHEMA).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["$defs"]
    scraper_settings = {"metrics": read_component_settings(definitions["metrics_config"])}
    attribute_definition = definitions.get("resource_attributes_config")
    if attribute_definition:
        scraper_settings["resource_attributes"] = read_component_settings(attribute_definition)
    return scraper_settings | _OWN_SETTINGS.get(_scraper_name(folder), {})


def _scraper_name(folder: Path) -> str:
    """Return the name of the scraper in a folder, such as `disk`."""
    return folder.name.removesuffix("scraper")


def read_scrapers(cache: Path, version: str) -> dict[str, Any]:
    """Return the settings of each scraper of a version by its name; nothing if the module is not in the cache."""
    folders = (cache / f"{_MODULE}@v{version}" / "internal" / "scraper").glob("*scraper")
    return {_scraper_name(folder): read_scraper_settings(folder) for folder in sorted(folders)}


def main(cache: str, *versions: str) -> None:
    """Write the row, which holds for all versions alike.

    Raises SystemExit if the settings differ between the versions, or if the module cache has none of the versions.
    """
    known_settings: list[dict[str, Any]] = []
    for version in versions:
        version_settings = read_scrapers(Path(cache), version)
        if version_settings:
            known_settings.append(version_settings)
    if not known_settings:
        raise SystemExit(f"the module cache {cache} has the scrapers of none of these versions: {', '.join(versions)}")
    if any(settings != known_settings[0] for settings in known_settings):
        raise SystemExit("the scrapers differ between these versions: give each range a row with `exact`")
    rows = json.loads(_CONSTRAINTS_FILE.read_text(encoding="utf-8"))
    other_rows = [row for row in rows if row["at"] != _PLACE or "fields" not in row]
    rows = [*other_rows, {"at": _PLACE, "fields": {"...": "?", **known_settings[0]}}]
    _CONSTRAINTS_FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
