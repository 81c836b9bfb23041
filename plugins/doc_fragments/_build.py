# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for a build of the Collector. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """Which build of the Collector runs the configs."""

    DOCUMENTATION = r"""
options:
  distribution:
    description:
      - The distribution of the Collector, such as V(contrib), V(core), V(k8s), V(otlp), V(adot) or V(redhat).
        Without it the image beside a config determines it, in an OpenTelemetryCollector or in a workload that
        mounts the ConfigMap.
    type: str
  version:
    description:
      - The version of the distribution, such as V(0.158.0) or, for V(adot), V(v0.49.0). Without it the image beside a
        config determines it; with O(distribution) alone it is the tested version.
    type: str
  distribution_manifest:
    description: Path of a manifest of the OpenTelemetry Collector Builder, for your own distribution.
    type: path
"""
