#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of collector_forecast; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_forecast
short_description: Forecast, before a change is made, how it changes what the collectors of a cluster or host send
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.site) with the variable C(forecast_limits), before anything is applied,
    and by the playbooks C(render) and C(judge) for their pages.
  - Compares each collector of the inventory with what it was before. For each one whose config or image changes and
    which has a capture, it does what M(o11y.opentelemetry.pipeline_forecast) does.
  - A collector that changes and has no capture is warned of. One that was not there before has nothing to be
    compared with, and is named.
  - A forecast that cannot be made, such as with a broken capture or without a Collector, counts as a failure.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.build
  - o11y.opentelemetry._forecast
  - o11y.opentelemetry._forecast.change
  - o11y.opentelemetry._forecast.host
options:
  collectors:
    description:
      - The rendered collectors of the inventory, as M(o11y.opentelemetry.otel_render) returns them; each with C(name),
        C(namespace), C(kind), C(config) and C(image).
      - With O(host_running), those of a Linux host, as M(o11y.opentelemetry.host_render) returns them.
    type: list
    elements: dict
    required: true
  manifests:
    description:
      - The objects of the inventory, as M(o11y.opentelemetry.otel_render) returns them. They show which resources of
        the operator do not change, though the operator has added to their configs. Without them, each collector of the
        operator has a forecast.
    type: list
    elements: dict
    default: []
  captures:
    description:
      - The folder with a capture C(NAMESPACE.NAME) for each collector, as playbook C(o11y.opentelemetry.capture)
        writes them for a host. That of a collector of a Linux host is C(NAME).
    type: path
    required: true
  resources:
    description:
      - The objects of the cluster, as M(o11y.opentelemetry.collector_info) returns them. The configs that run there are
        those of before. This, O(gitops_path), O(kept_path) or O(host_running) is required.
    type: list
    elements: dict
  gitops_path:
    description:
      - The folder of M(o11y.opentelemetry.gitops_render). The configs in the files of O(host) there are those of
        before.
    type: str
  kept_path:
    description:
      - The folder in which M(o11y.opentelemetry.collector_judge) has kept figures. The configs in the file of O(host)
        there are those of before. Secrets are masked in them.
    type: str
  without_capture:
    description: Whether a collector that changes without a capture is warned of, or fails the task.
    type: str
    choices: [warn, fail]
    default: warn
  fail_on:
    description:
      - V(limit) fails the task if a limit is passed, or if a forecast could not be made. With V(never), RV(failure)
        says so instead.
    type: str
    choices: [limit, never]
    default: limit
attributes:
  diff_mode: {details: "The module writes nothing."}
seealso:
  - module: o11y.opentelemetry.pipeline_forecast
  - module: o11y.opentelemetry.telemetry_capture
"""

EXAMPLES = r"""
- name: Stop a change that loses the name of a service
  o11y.opentelemetry.collector_forecast:
    collectors: "{{ otel_collector_rendered.collectors }}"
    manifests: "{{ otel_collector_rendered.manifests }}"
    resources: "{{ running.resources }}"
    captures: "captures/{{ inventory_hostname }}"
    limits: {bytes: +20%, lost_attributes: [service.name]}
"""

RETURN = r"""
forecasts:
  description:
    - What M(o11y.opentelemetry.pipeline_forecast) returns, for each collector that changes and has a capture.
  returned: always
  type: list
  elements: dict
  sample: []
unknown:
  description: Collectors that change without a forecast, each with C(collector) and C(why).
  returned: always
  type: list
  elements: dict
  sample: []
report: {description: The forecasts as text; empty if no collector changes., returned: always, type: str, sample: ""}
markdown:
  description: The forecasts for a page; empty if no collector changes.
  returned: always
  type: str
  sample: ""
failure: {description: Why the change must not be made; empty if it may., returned: always, type: str, sample: ""}
"""
