# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which Collector is meant, for pipeline_validate and pipeline_migrate. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, said once."""

    DOCUMENTATION = r"""
options:
  distribution:
    description:
      - The distribution of the Collector that runs the configs, such as V(contrib), V(core), V(k8s), V(otlp), V(adot)
        or V(redhat).
      - Without it, the image that stands beside a config says it, in an OpenTelemetryCollector or in the workload that
        mounts a ConfigMap.
    type: str
  version:
    description:
      - The version of the distribution, such as V(0.158.0) or, of V(adot), V(v0.49.0).
      - Without it, the image that stands beside a config says it. With O(distribution) alone it is the version that
        this collection is tested with.
    type: str
  distribution_manifest:
    description: Path of a manifest of the OpenTelemetry Collector Builder, for a distribution of your own.
    type: path
"""
