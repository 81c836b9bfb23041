# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that run on the controller share. Private.

A module takes a fragment by its name in lower case, such as `o11y.opentelemetry._controller.lock`.

| fragment | for modules that |
|---|---|
| DOCUMENTATION | have an action that does the work |
| LOCK | read manifests and images that a lock can fix |
| BUILD | have to know which Collector a config is for |
| INPUTS | render collectors to apply or to judge them |
| COLLECTORS | render those of clusters |
| RENDERING | return what they render, and fail for errors in it |
| RULES, POLICY | judge configs by rules and by the policy for overlays |
| DIAGNOSIS | diagnose collectors that run |
"""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of their actions, and options for locks, builds of the Collector, collectors, rules and diagnosis."""

    DOCUMENTATION = r"""
attributes:
  check_mode: {description: "Changes nothing in check mode, and predicts the changes.", support: full}
  diff_mode: {description: "Returns the difference, also in check mode.", support: none}
  platform: {description: Supported operating systems., support: full, platforms: all}
  action: {description: An action plugin does the work on the controller., support: full}
  async: {description: Supports C(async)., support: none}
  bypass_host_loop: {description: "Runs once for all hosts, also without C(run_once).", support: none}
"""

    LOCK = r"""
options:
  lock_file:
    description:
      - The lock, which M(o11y.opentelemetry.release_lock) writes.
        Manifests must have its sums, and images get its digests.
      - Empty means C(otel.lock.yml) beside the inventory, if it exists. V(none) uses no lock.
    type: str
    default: ""
"""

    BUILD = r"""
options:
  distribution:
    description:
      - The distribution of the Collector, such as V(contrib), V(core), V(k8s), V(otlp), V(adot) or V(redhat).
        Without it the image beside a config determines it, in an OpenTelemetryCollector or in a workload that
        mounts the ConfigMap. Without such an image it is V(contrib).
      - M(o11y.opentelemetry.pipeline_validate) also takes V(any), for which rules that need the build report nothing.
    type: str
  version:
    description:
      - The version of the distribution, such as V(0.158.0) or, for V(adot), V(v0.49.0). Without it the image beside a
        config determines it; without such an image it is the tested version.
    type: str
  distribution_manifest:
    description: Path of a manifest of the OpenTelemetry Collector Builder, for your own distribution.
    type: path
  distribution_schema:
    description:
      - Path of the JSON Schema of the whole config of your own distribution, as a Collector prints it that can
        (C(print-schema)). It says exactly which components there are. Settings of components that the collection does
        not know are checked too, as warnings.
      - Give O(version) too, unless O(distribution_manifest) has it.
    type: path
"""

    INPUTS = r"""
options:
  defaults:
    description: Options of all O(collectors). Without O(collectors), they are the options of the only collector.
    type: dict
    default: {}
  recipe_paths: {description: Your recipe folders that take precedence., type: list, elements: path, default: []}
"""

    COLLECTORS = r"""
options:
  collectors:
    description: The collectors, with options of role P(o11y.opentelemetry.otel_collector#role) without prefix.
    type: list
    elements: dict
    default: []
  platform_paths: {description: Your platform folders that take precedence., type: list, elements: path, default: []}
  identity_annotations:
    description:
      - Annotations of service accounts for permissions at AWS, by C(NAMESPACE/NAME), as role
        P(o11y.opentelemetry.otel_identity#role) returns them. A change replaces the pods.
    type: dict
    default: {}
  has_identity:
    description:
      - Whether collectors may get AWS credentials in a way that these options do not show. If V(false), the rule
        C(missing-identity) warns of collectors that call AWS while nothing gives them credentials.
    type: bool
    default: true
    version_added: 1.1.0
"""

    RULES = r"""
options:
  profile:
    description: The strictness of the rules.
    choices: [default, development, production]
    type: str
    default: default
  severities:
    description: Severities by rule, V(error), V(warning), V(info) or V(off), that override O(profile).
    type: dict
    default: {}
  suppressions:
    description: Findings to suppress, each with C(rule), C(reason) and an optional C(path) with C(*) for any text.
    type: list
    elements: dict
    default: []
  rule_paths:
    description:
      - Files with your own rules in YAML, or folders of them. They find faults as the rules of this collection do.
      - A fault in such a file, and an example in it that does not hold, fail the task. See docs/own_rules.md.
    type: list
    elements: path
    default: []
    version_added: 1.1.0
"""

    POLICY = r"""
options:
  overlay_policy:
    description:
      - What layers of config after the baseline may touch, C(sections), types of C(components) and C(paths). The
        baseline is recipes, options and the files of C(baseline). A breach fails the task. See docs/overlay_policy.md.
      - Module M(o11y.opentelemetry.pipeline_validate) judges files too, if C(merge) makes parts of one config of them.
      - An empty policy allows everything.
    type: dict
    default: {}
    version_added: 1.1.0
"""

    RENDERING = r"""
options:
  fail_on:
    description:
      - Whether errors in configs fail the task. With V(never) they are only returned as RV(findings).
        Invalid YAML always fails the task.
    choices: [error, never]
    type: str
    default: error
"""

    DIAGNOSIS = r"""
options:
  fail_on:
    description:
      - The least severity of a problem that fails the task. With V(error) and V(warning), a collector of a cluster
        fails it too if neither its workload nor its custom resource could be read. So does a list without a
        collector.
    type: str
    choices: [error, warning, never]
    default: never
  only:
    description:
      - The names of collectors that are diagnosed, as C(NAME) or C(NAMESPACE/NAME). Others are left out, also
        those that the inventory does not list. A name that no collector has fails the task. Without names, all are
        diagnosed.
    type: list
    elements: str
    default: []
    version_added: 1.1.0
"""
