# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ConfigMap with the config of a collector, and how its pods mount the config as a file. Private.

A new config is a new ConfigMap. Pods of the revision before, and `kubectl rollout undo`, still find theirs. For
example, `gateway-0123456789` has the key `config`, and the container finds it as `/conf/config.yaml`.
"""

from __future__ import annotations

from typing import Any

from .build import CollectorBuild, Manifest, frame_manifest

# The path of the config in the container.
CONFIG_DIRECTORY = "/conf"
_CONFIG_FILE = "config.yaml"
CONFIG_PATH = f"{CONFIG_DIRECTORY}/{_CONFIG_FILE}"
_CONFIG_KEY = "config"
_CONFIG_VOLUME = "config"


def render_config_map(build: CollectorBuild) -> Manifest:
    """Return the ConfigMap of this very config; its one key is mounted as a file."""
    return frame_manifest(
        build, "v1", "ConfigMap", name=build.config_name, immutable=True, data={_CONFIG_KEY: build.config_text}
    )


def render_config_volume(build: CollectorBuild) -> dict[str, Any]:
    """Return the volume with the config. Its one file is the one key of the ConfigMap."""
    source = {"name": build.config_name, "items": [{"key": _CONFIG_KEY, "path": _CONFIG_FILE}]}
    return {"name": _CONFIG_VOLUME, "configMap": source}


def render_config_mount() -> dict[str, Any]:
    """Return where the container mounts the config."""
    return {"name": _CONFIG_VOLUME, "mountPath": CONFIG_DIRECTORY, "readOnly": True}
