# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors with the builds that follow from their configs, and what the rules find in both. Private.

A connected collector has a config and knows its neighbours (`_connected_collectors.py`). A build is what is deployed
(manifests/build.py). A planned collector has both, and the findings (`_planned.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.config_size import check_config_size
from ..module_utils._identity.identity import may_have_credentials
from ..module_utils._otelcol.errors import Problem, prefix_problems
from ..module_utils._otelcol.needs import derive_needs
from ..module_utils._otelcol.rules import structure
from ..module_utils._otelcol.rules.findings import mask_findings, run_rules
from ..module_utils._otelcol.rules.rules import lint_config
from ..module_utils._otelcol.rules.subject import Deployment, Subject
from ..module_utils._otelcol.rules.user_rules import UserRules
from ._connected_collectors import ConnectedCollector
from ._otelcol import _builds, _findings, _tables, _yaml
from ._planned import Planned


def judge_collectors(collectors: Sequence[ConnectedCollector], rule_paths: Sequence[str]) -> list[Planned]:
    """Return collectors with their builds and what the rules find in them; `rule_paths` have the user's own rules."""
    own_rules = _findings.load_own_rules(rule_paths)
    planned_collectors: list[Planned] = []
    for connected in collectors:
        with prefix_problems(f"collector '{connected.collector.name}'"):
            planned_collectors.append(_judge_collector(connected, own_rules))
    return planned_collectors


def refuse_malformed(planned: Iterable[Planned]) -> None:
    """Raise Problem for configs of which nothing can follow."""
    malformed_lines: list[str] = []
    for planned_collector in planned:
        faults = [finding for finding in planned_collector.findings if finding.rule in structure.MALFORMED_RULES]
        malformed_lines += [f"collector '{planned_collector.collector.name}', {fault}" for fault in faults]
    if malformed_lines:
        raise Problem("; ".join(malformed_lines), asked="Render collectors from malformed configs")


def _judge_collector(connected: ConnectedCollector, own_rules: UserRules) -> Planned:
    """Return a collector with its build and its findings. Of a malformed config follows no build."""
    faults = run_rules(structure.RULES, Subject(connected.config))
    is_malformed = any(fault.rule in structure.MALFORMED_RULES for fault in faults)
    build = None if is_malformed else _build_collector(connected)
    subject = _build_subject(connected, None if faults else build)
    findings = mask_findings(lint_config(subject, own_rules), connected.config, subject.view.suspected_secrets)
    return Planned(
        connected.collector,
        connected.composed_config,
        build,
        tuple(findings),
        connected.draft.target,
        connected.receivers_by_exporter,
        connected.sends_to,
    )


def _build_collector(connected: ConnectedCollector) -> CollectorBuild:
    """Return the build of a config. Raises Problem for a config that is too large for a ConfigMap."""
    config, config_text = connected.config, _yaml.dump(connected.config)
    check_config_size(
        connected.collector.name, config, config_text
    )  # before the rules, which take long for one that is too large
    tables = _builds.load_catalogue()
    needs = derive_needs.derive_needs(
        config, tables.listeners, connected.collector.known_environment, connected.collector.allow, tables.is_known
    )
    return CollectorBuild(
        collector=connected.collector,
        needs=needs,
        config=config,
        config_text=config_text,
        config_hash=hashlib.sha256(_yaml.to_canonical_text(config).encode()).hexdigest(),
        image=connected.draft.image,
        run_as_user=connected.draft.run_as_user,
        platform=connected.draft.platform,
        collector_version=connected.draft.version,
        host_names=tuple(connected.reachable_names),
    )


def _build_subject(connected: ConnectedCollector, build: CollectorBuild | None) -> Subject:
    """Return what the rules look at. Without a build, as for a config with faults, the rules know less."""
    drafted, around, surroundings = connected.draft, connected.surroundings, connected.draft.surroundings
    return Subject(
        connected.config,
        connected.composed_config.locate,
        duplicates=tuple(duplicate for layer in connected.composed_config.layers for duplicate in layer.duplicates),
        environment=surroundings.list_variables(connected.collector),
        target=drafted.target,
        deployment=_describe_deployment(connected, build),
        resource=surroundings.build_resource(build) if build else None,
        listeners=_builds.load_catalogue().listeners,
        operator_kinds=_tables.read_operator_kinds(),
        literals=connected.collector.known_environment,
        notes=connected.collector.notes,
        decrypted=drafted.written_options.decrypted,
        printers=around.printers,
        senders=around.senders,
        routing=around.routing,
        unreceived=around.unreceived,
        unseen=around.unseen,
        receiving=around.receiving,
        scraping=around.scraping,
        nodes=connected.collector.nodes,
    )


def _describe_deployment(connected: ConnectedCollector, build: CollectorBuild | None) -> Deployment:
    """Return where a collector runs, as far as its options and its build say."""
    drafted = connected.draft
    deployment = drafted.surroundings.build_deployment(
        connected.collector, build.needs if build else None, drafted.platform
    )
    return replace(
        deployment, asks_for_storage=drafted.asks_for_storage, unidentified=_list_unidentified_actions(connected, build)
    )


def _list_unidentified_actions(connected: ConnectedCollector, build: CollectorBuild | None) -> tuple[str, ...]:
    """Return the AWS actions of a collector to which nothing that is known gives credentials."""
    if build is None or connected.draft.has_identity or may_have_credentials(connected.collector):
        return ()
    actions: set[str] = set()
    for grant in build.needs.aws_grants:
        actions.update(grant.actions)
    return tuple(sorted(actions))
