#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of host_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_render
short_description: Render collector configs and the systemd units of a Linux host
version_added: 1.1.0
description:
  - Composes the config of each collector of a host from recipes and your own config, checks it, derives the
    capabilities, groups, credentials and relaxations of the sandbox that it needs, and renders its systemd unit.
  - Reads files on the controller and contacts no host.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._controller
  - o11y.opentelemetry._controller.inputs
  - o11y.opentelemetry._controller.rules
  - o11y.opentelemetry._controller.policy
  - o11y.opentelemetry._controller.rendering
options:
  collectors:
    description: The collectors, with options of role P(o11y.opentelemetry.otel_host#role) without prefix.
    type: list
    elements: dict
    default: []
  sdks:
    description:
      - Services of the host whose SDKs send to one of the O(collectors), with the options of C(otel_host_sdks) of
        role P(o11y.opentelemetry.otel_host#role).
    type: list
    elements: dict
    default: []
  variables_prefix:
    description:
      - Takes each option that O(defaults) lacks from the variable of its name with this prefix, if there is one, such
        as C(otel_host_memory_limit) for V(otel_host_).
    type: str
    default: ""
  mirror:
    description:
      - Folder or URL of a release mirror, which has the archive of a program as
        C(opentelemetry-collector-releases/vVERSION/PROGRAM_VERSION_linux_ARCHITECTURE.tar.gz). Empty means the
        downloads on GitHub.
    type: str
    default: ""
  lock_file:
    description:
      - Lock with the sums of programs. Empty means C(otel.lock.yml) beside the inventory, if it exists. V(none) uses
        no lock.
    type: str
    default: ""
  unlocked:
    description:
      - Architectures of the hosts whose archives need no sum as long as there is no lock, for a run that is to find the
        sums. C(bundles) then has archives that no host accepts.
    type: list
    elements: str
    choices: [amd64, arm64]
    default: []
seealso:
  - module: o11y.opentelemetry.otel_render
"""

EXAMPLES = r"""
- name: Render an agent that sends to a gateway
  o11y.opentelemetry.host_render:
    collectors:
      - name: agent
        program: {path: /usr/bin/otelcol-contrib}
        recipes:
          - otlp_ingest
          - otlp_forward: {endpoint: "gateway.example.com:4317"}
  register: rendered
"""

RETURN = r"""
bundles:
  description: What each collector is made of, as the host gets it. docs/hosts.md describes the keys.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the collector., type: str}
    files:
      description: Config and unit, each with path, content and mode, and C(shown) where differences mask a text.
      type: list
      elements: dict
    program: {description: The program that runs it., type: dict}
    credentials: {description: "Its secrets, each with name, and content or path.", type: list, elements: dict}
    ports: {description: "The ports that it opens, each with number, protocol and address.", type: list, elements: dict}
    metrics: {description: URL of its own metrics on the host., type: str}
    health: {description: URL of its health on the host., type: str}
    state: {description: Folder of its state., type: str}
    watch_seconds: {description: How long a change is watched., type: int}
    ready_seconds: {description: How long it may take to be ready., type: int}
    keep: {description: How many releases stay on the host., type: int}
    services:
      description: "The services that send to it, if there are any, each with unit, variables and restart."
      type: list
      elements: dict
bundle_of: {description: "The same, by the name of the collector.", returned: success, type: dict}
names: {description: The names of the collectors in their order., returned: success, type: list, elements: str}
files:
  description:
    - All files of all collectors, and the drop-ins of services that send to them, with the name of the collector before
      their paths. They have no secret.
  returned: success
  type: list
  elements: dict
collectors:
  description: The collectors, for people.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the collector., type: str}
    service: {description: Name of its unit., type: str}
    config: {description: "Its finished config, as YAML, before credentials are read from files.", type: str}
    program: {description: Its program., type: str}
    listens: {description: The addresses on which it listens., type: list, elements: str}
    relaxations:
      description: "What its unit allows beyond the strict sandbox, with the component that needs each."
      type: list
      elements: str
    permissions:
      description: "The actions that it calls at AWS, with the component that calls them."
      type: list
      elements: str
    sends_to:
      description:
        - The collectors of the inventory that get its data, each with C(exporter), C(place), which is a host or a
          cluster, and C(collector).
      type: list
      elements: dict
    lacking: {description: "What it does without, and the consent that would change that.", type: list, elements: str}
    services: {description: The services that send to it., type: list, elements: str}
lacking:
  description: What collectors do without, and the consent that would change that, as lines for people.
  returned: success
  type: list
  elements: str
summary:
  description: The collectors with their addresses and relaxations, as lines for people.
  returned: success
  type: list
  elements: str
programs:
  description: The archives of releases that the collectors need, for a lock or a mirror.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name of the archive., type: str, sample: otelcol-contrib_0.158.0_linux_amd64.tar.gz}
    path: {description: Its path in a release mirror., type: str}
    origin: {description: "Where it is now, a file of the controller or a URL.", type: str}
    published: {description: Where its release has it., type: str}
    sum: {description: "Its sum, C(sha256:SUM), or empty if none is known.", type: str}
findings:
  description: Findings by C(collector), as M(o11y.opentelemetry.pipeline_validate) returns them.
  returned: success
  type: list
  elements: dict
has_secrets:
  description: >-
    Whether the bundles hold secrets in clear text. Then Ansible hides this result from output and logs,
    and later tasks still read it.
  returned: success
  type: bool
"""
