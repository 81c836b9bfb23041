#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what runs OpenTelemetry Collectors in a cluster, with their configs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_info
short_description: Read what runs OpenTelemetry Collectors in a cluster
version_added: 0.1.0
description:
  - Lists the objects of all namespaces that run collectors or hold their configs, whoever made them, as
    M(o11y.opentelemetry.pipeline_validate) and M(o11y.opentelemetry.pipeline_migrate) take them.
  - ConfigMaps of others may hold what is secret, so use C(no_log) with it.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
seealso:
  - module: o11y.opentelemetry.pipeline_validate
  - module: o11y.opentelemetry.collector_diagnose
"""

EXAMPLES = r"""
- name: Read what runs collectors
  o11y.opentelemetry.collector_info:
  no_log: true
  register: running

- name: Check it
  o11y.opentelemetry.pipeline_validate:
    config: "{{ running.resources }}"
    version: 0.158.0
"""

RETURN = r"""
resources:
  description:
    - The DaemonSets, Deployments, StatefulSets, ConfigMaps and OpenTelemetryCollectors of all namespaces, as the API
      server has them.
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.diagnose.targets import run_collector_info


def main() -> None:
    """Read."""
    run_collector_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC, supports_check_mode=True))


if __name__ == "__main__":
    main()
