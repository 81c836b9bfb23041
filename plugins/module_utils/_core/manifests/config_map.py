# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ConfigMap with the finished config. Private."""

from __future__ import annotations

from .build import Build, Manifest, frame

KEY = "config"
FILE = "config.yaml"


def config_map(build: Build) -> Manifest:
    """Return the ConfigMap; its one key is mounted as a file."""
    return frame(build, "v1", "ConfigMap", data={KEY: build.config_text})
