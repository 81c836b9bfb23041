#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the Collector's program out of images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: collector_program
short_description: Take the Collector's program out of its image
version_added: 1.1.0
description:
  - Copies the program of a Collector's image to this machine, for M(o11y.opentelemetry.pipeline_test) and
    M(o11y.opentelemetry.pipeline_validate), where neither C(PATH) nor a download has it.
  - A Job in the cluster runs the image, with a smallest config, beside a container that hands out the program. The Job
    is removed at the end; if the run is interrupted, Kubernetes ends it after ten minutes and removes it.
  - A program that O(dest) has is used as it is. Remove it if its tag has moved.
  - The program then runs on this machine. Use a namespace in which only people whom you trust may change pods.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
options:
  images: {description: The images., type: list, elements: str, required: true}
  namespace:
    description:
      - Namespace for the Job. It must exist. The account may create and delete Jobs, list pods and events, and get
        C(pods/proxy) there.
    type: str
    required: true
  dest: {description: Folder for the programs. Created if missing., type: path, required: true}
  reader_image:
    description: Image with C(sh), C(grep), C(gzip), and either busybox's C(httpd) or C(python3).
    type: str
    default: docker.io/library/busybox:1.37
  pull_secrets: {description: Names of pull secrets in the namespace., type: list, elements: str, default: []}
  run_as_user:
    description: User of both containers. V(0) leaves the choice to the cluster, as OpenShift wants it.
    type: int
    default: 10001
  timeout_seconds: {description: "How long the pod of an image may take, in seconds.", type: float, default: 300}
seealso:
  - module: o11y.opentelemetry.pipeline_test
"""

EXAMPLES = r"""
- name: Take the Collector out of its image
  o11y.opentelemetry.collector_program:
    images: [docker.io/otel/opentelemetry-collector-contrib:0.158.0]
    namespace: ci
    dest: ~/.cache/collectors
  register: taken

- name: Run the tests with it
  o11y.opentelemetry.pipeline_test:
    paths: [tests/collectors]
    programs: "{{ taken.programs }}"
"""

RETURN = r"""
programs:
  description: The path of the program of each image.
  returned: success
  type: dict
  sample: {"otel/opentelemetry-collector-contrib:0.158.0": /home/me/.cache/collectors/contrib-0.158.0-0a1b2c3d}
msg: {description: How many programs there are., returned: success, type: str, sample: "1 there, 1 new"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._program.live.collector_program import (
    MODULE_ARGUMENTS,
    run_programs,
)


def main() -> None:
    run_programs(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | MODULE_ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
