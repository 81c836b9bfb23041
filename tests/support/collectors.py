# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Collectors that the testbed has built."""

from __future__ import annotations

import os
from pathlib import Path

# A build of another version has its version before the hash.
_FOLDER = f"otelcol-{'[0-9a-f]' * 16}"


def find_newest_build() -> Path | None:
    """Return the newest Collector of the current version that the testbed has built."""
    return _find_newest(_FOLDER)


def find_build_of_version(version: str) -> Path | None:
    """Return the newest Collector of an earlier version that the testbed has built."""
    return _find_newest(f"otelcol-{version}-*")


def _find_newest(folder_pattern: str) -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "o11y-testbed"
    home = Path(os.environ.get("O11Y_TESTBED_HOME") or cache)
    programs = [path for path in home.glob(f"builds/{folder_pattern}/otelcol-contrib") if os.access(path, os.X_OK)]
    return max(programs, key=lambda path: path.stat().st_mtime, default=None)
