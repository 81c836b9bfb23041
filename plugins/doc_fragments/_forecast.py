# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that replay a capture share. Private.

A capture is telemetry that a collector received, in files, and a replay sends it to a Collector on the controller.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Options of a replay.

    CHANGE has those of modules that compare the replays of before and after a change, HOST those of modules that know
    collectors of Linux hosts.
    """

    DOCUMENTATION = r"""
options:
  receivers:
    description: >-
      Receivers by signal, where several take the same signal, such as C({metrics: prometheus}).
    type: dict
    default: {}
  binary:
    description:
      - Path of a Collector on the controller.
      - V(auto) uses the distribution's program on C(PATH) if it has the requested version.
    type: str
    default: auto
  isolation:
    description: Whether each Collector runs in namespaces of its own. See M(o11y.opentelemetry.pipeline_test).
    type: str
    choices: [auto, required, none]
    default: auto
"""
    CHANGE = r"""
options:
  limits:
    description:
      - What the change may do to what each exporter sends of each signal. A limit that is passed fails the task.
      - C(items), C(bytes) and C(series) take a change or a list of changes, such as V(+20%) or V(-10%). C(series) also
        takes a number, such as V(100k).
      - C(lost_attributes) lists attributes that must not get lost, neither on all items nor on some.
    type: dict
    default: {}
  prices:
    description:
      - Your prices. C(gib) is for a GiB as it is sent, C(million_spans), C(million_points) and C(million_log_records)
        are for items, C(thousand_series) is for a month of a thousand series.
    type: dict
    default: {}
  currency: {description: The name of the currency of O(prices)., type: str, default: ""}
  tenant_attribute: {description: The attribute of resources that names a tenant., type: str, default: ""}
  host_running:
    description:
      - The collectors of a Linux host, as M(o11y.opentelemetry.host_wave) returns them. The configs that run there are
        those of before. Secrets are masked in them.
    type: list
    elements: dict
  before_binary: {description: Path of the Collector of before. By default O(binary)., type: str, default: ""}
"""
    HOST = r"""
options:
  host_files:
    description:
      - The files of collectors of a Linux host, as M(o11y.opentelemetry.host_render) returns them. Then O(collectors)
        are those of that module too.
    type: list
    elements: dict
    default: []
  host: {description: The host of the inventory., type: str, default: ""}
"""
