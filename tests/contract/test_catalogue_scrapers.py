# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the scrapers of host_metrics hold for all versions alike, and are read of one at least."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import import_tools_from_checkout

with import_tools_from_checkout():
    from tools.catalogue import scrapers

SCHEMA = "$defs: {metrics_config: {type: object, properties: {%s: {type: object}}}}"


def add_version(cache: Path, version: str, metric: str) -> None:
    """Write the schema of scraper `disk` of a version, which has one metric."""
    folder = cache / f"{scrapers.RECEIVER_MODULE}@v{version}" / "internal" / "scraper" / "diskscraper"
    schema_file = folder / scrapers.SCRAPER_SCHEMA
    schema_file.parent.mkdir(parents=True)
    schema_file.write_text(SCHEMA % metric, encoding="utf-8")


def test_versions_that_the_module_cache_lacks_are_no_difference(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"has the scrapers of none of these versions: 0\.155\.0, 0\.156\.0"):
        scrapers.main(str(tmp_path), "0.155.0", "0.156.0")


def test_versions_with_other_settings_are_refused(tmp_path: Path) -> None:
    add_version(tmp_path, "0.155.0", "system.disk.io")
    add_version(tmp_path, "0.156.0", "system.disk.time")
    with pytest.raises(SystemExit, match="differ between these versions"):
        scrapers.main(str(tmp_path), "0.155.0", "0.156.0")
