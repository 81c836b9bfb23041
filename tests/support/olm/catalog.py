# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalog of the tests says: packages, channels, versions, and what is to go wrong.

    {"state": "READY", "message": "",
     "packages": {"opentelemetry-product": {"default": "stable", "channels": {"stable": ["a.v1.0.0", "a.v1.1.0"]}}},
     "versions": {"a.v1.1.0": {"replaces": "a.v1.0.0", "skips": [], "needs": ["b.v2.0.0"], "release": "v0.158.0",
                               "image": "…", "trouble": {"at": "csv", "phase": "Failed", "reason": "…",
                                                         "message": "…"}}}}

The last version of a channel is its newest. `trouble.at` is one of resolve, unpack, plan and csv. With `release` the
real operator of that release is installed from the release mirror, where it is there; else a program that sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_KEY = "catalog.json"
PACKAGES_API = "packages.operators.coreos.com/v1"
MODES = ("OwnNamespace", "SingleNamespace", "MultiNamespace")


@dataclass(frozen=True)
class Catalog:
    """One catalog."""

    namespace: str
    name: str
    content: Mapping[str, Any]

    @classmethod
    def read(cls, source: Mapping[str, Any], data: Mapping[str, Any] | None) -> Catalog:
        """Read what its ConfigMap says; without one it does not answer."""
        text = ((data or {}).get("data") or {}).get(CONTENT_KEY)
        content = json.loads(text) if text else {"state": "TRANSIENT_FAILURE", "message": "it has no content"}
        return cls(source["metadata"]["namespace"], source["metadata"]["name"], content)

    @property
    def connection_state(self) -> str:
        """What the connection to it is like."""
        return str(self.content.get("state", "READY"))

    def list_channel_versions(self, package: str, channel: str) -> list[str]:
        """Return the versions of a channel, the newest last."""
        package_facts = (self.content.get("packages") or {}).get(package) or {}
        return list((package_facts.get("channels") or {}).get(channel or package_facts.get("default")) or [])

    def find_version(self, name: str) -> dict[str, Any]:
        """Return what is said of a version."""
        return dict((self.content.get("versions") or {}).get(name) or {})

    def find_trouble(self, name: str, step: str) -> dict[str, Any] | None:
        """Return what is to go wrong with a version at a step."""
        trouble = self.find_version(name).get("trouble")
        return trouble if trouble and trouble["at"] == step else None

    def find_next_version(self, versions: list[str], installed: str, starting_version: str) -> str:
        """Return the version that comes next; empty if none does.

        `versions` are those of the channel, the newest last. The first one to install is `starting_version`, or the
        newest without it. After that comes the newest that may follow the installed one.
        """
        if installed:
            candidates = [name for name in versions if installed in self._list_predecessors(name)]
        elif starting_version:
            candidates = [starting_version] if starting_version in versions else []
        else:
            candidates = versions
        return candidates[-1] if candidates else ""

    def _list_predecessors(self, name: str) -> list[str]:
        """Return the versions that a version may follow."""
        version_facts = self.find_version(name)
        return [version_facts.get("replaces", ""), *version_facts.get("skips", [])]

    def build_package_manifests(self) -> list[dict[str, Any]]:
        """Return the PackageManifests that the package server would show."""
        return [
            self._build_package_manifest(name, package)
            for name, package in (self.content.get("packages") or {}).items()
        ]

    def _build_package_manifest(self, name: str, package: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": PACKAGES_API,
            "kind": "PackageManifest",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {"catalog": self.name, "catalog-namespace": self.namespace},
            },
            "status": {
                "packageName": name,
                "catalogSource": self.name,
                "catalogSourceNamespace": self.namespace,
                "defaultChannel": package["default"],
                "channels": [self._build_channel(*entry) for entry in package["channels"].items()],
            },
        }

    def _build_channel(self, name: str, versions: list[str]) -> dict[str, Any]:
        newest = versions[-1]
        modes = [{"type": mode, "supported": False} for mode in MODES]
        return {
            "name": name,
            "currentCSV": newest,
            "currentCSVDesc": {
                "version": version_number(newest),
                "minKubeVersion": self.find_version(newest).get("kubernetes", "1.25.0"),
                "installModes": [*modes, {"type": "AllNamespaces", "supported": True}],
            },
            "entries": [{"name": version, "version": version_number(version)} for version in reversed(versions)],
        }


def version_number(name: str) -> str:
    """Return the version in a name."""
    return name.partition(".v")[2]
