# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build each collector and let the rules judge it: the last of the stages that `_render.py` draws. Private.

The build (`CollectorBuild`) says what is deployed for a config: the ports, the Secrets, the hash of the config and so
on. The rules look at both. For example, for a pipeline without an exporter the collector has a finding
`service.pipelines.traces: error …`, and `_findings.py` decides later whether that ends the run.

`_render.py` calls this file for collectors of clusters, and `_host_render.py` for those of Linux hosts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.config_size import check_config_size
from ..module_utils._collector.options import Collector
from ..module_utils._identity.identity import may_have_credentials
from ..module_utils._otelcol.config.layers import ComposedConfig
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.needs import derive_needs
from ..module_utils._otelcol.rules import structure
from ..module_utils._otelcol.rules.build_facts import TargetBuild
from ..module_utils._otelcol.rules.findings import Finding, mask_findings, run_rules
from ..module_utils._otelcol.rules.rules import lint_config
from ..module_utils._otelcol.rules.subject import Deployment, Subject
from ..module_utils._otelcol.rules.user_rules import UserRules
from ._linked_collectors import LinkedCollector
from ._otelcol import _builds, _findings, _tables, _yaml


@dataclass(frozen=True)
class JudgedCollector:
    """A collector with its config, the build that follows from it, and what the rules find in both."""

    collector: Collector
    """Its options."""
    composed_config: ComposedConfig
    build: CollectorBuild | None
    """What is deployed; None for a malformed config, from which nothing follows but findings."""
    findings: tuple[Finding, ...]
    target: TargetBuild | None = None
    """The build of the Collector that the rules judge for; None if the catalogue does not know it."""
    receivers_by_exporter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The collectors of the run that each exporter sends to, as NAMESPACE/NAME."""
    sends_to: Sequence[Mapping[str, str]] = ()
    """The collectors of other hosts and clusters that get its data, with keys `exporter`, `place`, `collector`."""

    @property
    def qualified_name(self) -> str:
        """The namespace and the name of the collector."""
        return f"{self.collector.namespace}/{self.collector.name}"


def judge_collectors(collectors: Sequence[LinkedCollector], rule_paths: Sequence[str]) -> list[JudgedCollector]:
    """Return collectors with their builds and what the rules find in them.

    `rule_paths` are the files with the user's own rules. Findings raise nothing here.
    """
    own_rules = _findings.load_own_rules(rule_paths)
    judged_collectors: list[JudgedCollector] = []
    for linked in collectors:
        with prefix_problems(f"collector '{linked.collector.name}'"):
            judged_collectors.append(_judge_collector(linked, own_rules))
    return judged_collectors


def refuse_malformed(collectors: Iterable[JudgedCollector]) -> None:
    """Raise Problem for collectors whose configs are malformed: nothing can be rendered of these."""
    malformed_lines: list[str] = []
    for judged in collectors:
        faults = [finding for finding in judged.findings if finding.rule in structure.MALFORMED_RULES]
        malformed_lines += [f"collector '{judged.collector.name}', {fault}" for fault in faults]
    if malformed_lines:
        raise Problem("; ".join(malformed_lines), asked="Render collectors from malformed configs")


def _judge_collector(linked: LinkedCollector, own_rules: UserRules) -> JudgedCollector:
    """Return a collector with its build and its findings. A malformed config has no build.

    | config | build | the rules see the build |
    |---|---|---|
    | `receivers` is a list: malformed | None | no |
    | has a section `recievers`: another fault of the structure | made | no |
    | without a fault of the structure | made | yes |
    """
    structure_faults = run_rules(structure.RULES, Subject(linked.config))
    is_malformed = any(fault.rule in structure.MALFORMED_RULES for fault in structure_faults)
    build = None if is_malformed else _build_collector(linked)
    # Such a fault may hide from the build what the config needs: without the receivers below `recievers`, no port is
    # open. Findings about that would only repeat the fault in other words.
    build_for_rules = None if structure_faults else build
    subject = _build_subject(linked, build_for_rules)
    findings = mask_findings(lint_config(subject, own_rules), linked.config, subject.view.suspected_secrets)
    return JudgedCollector(
        collector=linked.collector,
        composed_config=linked.composed_config,
        build=build,
        findings=tuple(findings),
        target=linked.resolved.target,
        receivers_by_exporter=linked.receivers_by_exporter,
        sends_to=linked.sends_to,
    )


# ── The build ──


def _build_collector(linked: LinkedCollector) -> CollectorBuild:
    """Return the build of a config. Raises Problem for a config that is too large for a ConfigMap."""
    config = linked.config
    config_text = _yaml.dump(config)
    # Here and not after the rules, which take long for a config that is too large.
    check_config_size(linked.collector.name, config, config_text)
    tables = _builds.load_catalogue()
    needs = derive_needs.derive_needs(
        config,
        tables.listeners,
        environment=linked.collector.known_environment,
        allowed_rights=linked.collector.allow,
        is_known_type=tables.is_known,
    )
    resolved = linked.resolved
    return CollectorBuild(
        collector=linked.collector,
        needs=needs,
        config=config,
        config_text=config_text,
        config_hash=hashlib.sha256(_yaml.to_canonical_text(config).encode()).hexdigest(),
        image=resolved.image,
        run_as_user=resolved.run_as_user,
        platform=resolved.platform,
        collector_version=resolved.version,
        host_names=tuple(linked.hosts_file_lines),
    )


# ── What the rules look at ──


def _build_subject(linked: LinkedCollector, build: CollectorBuild | None) -> Subject:
    """Return what the rules look at. Without a build, they know no ports, mounts, rights and custom resources."""
    resolved, neighbours = linked.resolved, linked.neighbour_facts
    duplicate_keys = [duplicate for layer in linked.composed_config.layers for duplicate in layer.duplicates]
    return Subject(
        config=linked.config,
        locate=linked.composed_config.locate,
        duplicate_keys=tuple(duplicate_keys),
        variable_names=resolved.runtime.list_variables(linked.collector),
        target=resolved.target,
        deployment=_describe_deployment(linked, build),
        custom_resource=resolved.runtime.build_custom_resource(build) if build else None,
        listeners=_builds.load_catalogue().listeners,
        operator_kinds=_tables.read_operator_kinds(),
        literal_variables=linked.collector.known_environment,
        object_notes=linked.collector.notes,
        decrypted_values=resolved.written_options.decrypted,
        printers_by_exporter=neighbours.printers_by_exporter,
        incomplete_senders=neighbours.incomplete_senders,
        complete_routing_keys=neighbours.complete_routing_keys,
        unreceived_signals=neighbours.unreceived_signals,
        unseen_collectors=neighbours.unseen_collectors,
        receiving_collectors=neighbours.receiving_collectors,
        annotated_scrapes=neighbours.annotated_scrapes,
        node_choice=linked.collector.nodes,
    )


def _describe_deployment(linked: LinkedCollector, build: CollectorBuild | None) -> Deployment:
    """Return how a collector is deployed, as far as its options and its build say."""
    resolved = linked.resolved
    needs = build.needs if build else None
    deployment = resolved.runtime.build_deployment(linked.collector, needs, resolved.platform)
    return replace(
        deployment,
        asks_for_storage=resolved.asks_for_storage,
        unidentified_calls=_list_unidentified_actions(linked, build),
    )


def _list_unidentified_actions(linked: LinkedCollector, build: CollectorBuild | None) -> tuple[str, ...]:
    """Return the AWS actions of a collector to which nothing that is known gives credentials."""
    if build is None or linked.resolved.has_identity or may_have_credentials(linked.collector):
        return ()
    actions: set[str] = set()
    for grant in build.needs.aws_grants:
        actions.update(grant.actions)
    return tuple(sorted(actions))
