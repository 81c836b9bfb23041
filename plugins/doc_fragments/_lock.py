# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of modules that compare releases and images with a lock. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The lock of an inventory."""

    DOCUMENTATION = r"""
options:
  lock_file:
    description:
      - The lock, which M(o11y.opentelemetry.release_lock) writes.
        Manifests must have its sums, and images get its digests.
      - Empty means C(otel.lock.yml) beside the inventory, if it exists. V(none) uses no lock.
    type: str
    default: ""
"""
