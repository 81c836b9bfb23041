#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture a bounded sample of what collectors get."""

from __future__ import annotations

DOCUMENTATION = r"""
module: telemetry_capture
short_description: Capture a bounded sample of what collectors get
version_added: 1.1.0
description:
  - Called by the playbook C(o11y.opentelemetry.capture). Runs on the controller, which gets the folders.
  - Puts a pod of the same config beside the pods of a Deployment, a StatefulSet or a DaemonSet. Its Services send the
    pod its share of the load, and the pod sends on to the same backends, so no record is lost or doubled. Workloads
    stay unchanged.
  - The pod belongs to a Job that the task removes at its end. If the task is killed, Kubernetes ends the Job.
  - Values are masked in memory, before anything is written to a disk, unless O(values=keep).
  - Receivers that read by themselves, such as C(prometheus), C(kubelet_stats) and C(file_log), do not run in the pod.
    A DaemonSet to which no Service leads, a sidecar and a Linux host get no such pod; O(files) captures what their
    exporter C(file) wrote.
  - A capture is a folder with C(manifest.json) and a file of OTLP JSON lines for each signal, packed with gzip. It is
    written whole or not at all. If nothing came in, the task fails.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Asks the server whether it would take the Job, or reads the files, and writes nothing."}
options:
  collectors:
    description:
      - Collectors from RV(o11y.opentelemetry.otel_render#module:workloads).
      - A collector that no pod can be put beside is in RV(not_captured). It fails the task if O(only) names it, or if
        nothing else was captured.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      name: {description: The name of the workload or of the custom resource., type: str, required: true}
      kind: {description: The kind. By default a custom resource takes precedence over a workload., type: str}
  only:
    description: The names of collectors that are captured, as C(NAME) or C(NAMESPACE/NAME). By default all.
    type: list
    elements: str
    default: []
  files:
    description:
      - Files on the controller that are captured instead of collectors, of exporter C(file) or of others. Each line is
        a request as OTLP JSON, or the whole file is one. Files may be packed with gzip.
      - O(seconds) does not apply to files, and O(only) is refused beside them.
    type: list
    elements: path
    default: []
  files_of:
    description:
      - The collector that O(files) are of, as C(NAME) for one of a Linux host, or as C(NAMESPACE/NAME). The folder of
        the capture is C(NAME) or C(NAMESPACE.NAME) then, else C(files).
    type: str
    default: ""
  path: {description: The folder of the captures., type: path, required: true}
  folder: {description: The folder below O(path) for the captures of this host., type: str, default: ""}
  seconds: {description: "For how long a pod captures, in seconds.", type: float, default: 60}
  records:
    description: After how many spans, data points and log records a capture ends.
    type: int
    default: 100000
  bytes:
    description: After how many bytes of OTLP JSON, before masking, a capture ends.
    type: int
    default: 16777216
  values:
    description:
      - What becomes of values of attributes, bodies of logs, names of spans and descriptions.
      - With V(hash), each value is replaced by a mask of the same length, from which nobody can compute the value.
        Equal values have equal masks. Names of attributes, and values that the semantic conventions enumerate, are not
        masked. Of the body of a log, the template is not masked.
      - With V(keep), values are not masked, except headers of requests, values under names of secrets, and texts that
        look like secrets. This needs V(values) in O(allow).
    type: str
    choices: [hash, keep]
    default: hash
  keep:
    description: Names of attributes whose values stay, such as C(service.name). A name that nothing has is warned of.
    type: list
    elements: str
    default: []
  allow:
    description:
      - What you consent to. V(values) is O(values=keep).
      - V(state) is a capture at a collector that decides by records that it saw before, such as with
        C(tail_sampling) or C(span_metrics). The pod takes a share of them, so traces are split and counters start anew.
    type: list
    elements: str
    choices: [state, values]
    default: []
  reader_image:
    description: Image with C(sh), C(dd), C(wc), and either busybox's C(httpd) or C(python3).
    type: str
    default: docker.io/library/busybox:1.37
  run_as_user:
    description:
      - User of the container that hands out what the pod gets, if the pod has none. V(0) leaves the choice to the
        cluster, as OpenShift wants it.
    type: int
    default: 10001
  node:
    description:
      - The node on which the pod runs. By default Kubernetes chooses one. If the Services of a DaemonSet keep clients
        on their node, the capture has what the clients of this node send.
    type: str
    default: ""
  timeout_seconds: {description: "How long the pod may take to become ready, in seconds.", type: float, default: 120}
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.collector_info
"""

EXAMPLES = r"""
- name: Capture what the gateway gets in a minute
  o11y.opentelemetry.telemetry_capture:
    collectors: [{namespace: opentelemetry, name: gateway}]
    path: captures
    keep: [service.name]

- name: Capture what the agents of hosts have written
  o11y.opentelemetry.telemetry_capture:
    files: [web1/traces.jsonl, web1/logs.jsonl]
    path: captures
"""

RETURN = r"""
captures:
  description: The manifest of each capture.
  returned: always
  type: list
  elements: dict
  contains:
    path: {description: The folder., returned: always, type: str, sample: captures/eu/opentelemetry.gateway}
    records: {description: "How many spans, data points and log records it has.", returned: success, type: int}
    ended_by: {description: "V(seconds), V(records), V(bytes), or the end of the files.", returned: success, type: str}
    signals: {description: "The file, the size and the rates of each signal.", returned: success, type: dict}
not_captured: {description: "Collectors that no pod can be put beside, and why.", returned: success, type: list}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_task import (
    ARGUMENTS,
    run_capture,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_capture(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
