#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what runs OpenTelemetry Collectors in a cluster, with their configs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_info
short_description: Read the OpenTelemetry Collectors of a cluster
version_added: 1.0.0
description:
  - Lists the objects of all namespaces and owners that run collectors, hold their configs, or open or shut their ports,
    as M(o11y.opentelemetry.pipeline_validate) and M(o11y.opentelemetry.pipeline_migrate) take them.
  - ConfigMaps of other owners may contain secrets, so set C(no_log).
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.collector_diagnose
"""

EXAMPLES = r"""
- name: Read the collectors
  o11y.opentelemetry.collector_info:
  no_log: true
  register: running

- name: Validate their configs
  o11y.opentelemetry.pipeline_validate:
    config: "{{ running.resources }}"
    version: 0.158.0
"""

RETURN = r"""
resources:
  description:
    - The DaemonSets, Deployments, StatefulSets, ConfigMaps, Services, OpenTelemetryCollectors and NetworkPolicies of
      all namespaces.
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.collector_info import (
    run_collector_info,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_collector_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC, supports_check_mode=True))


if __name__ == "__main__":
    main()
