# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors with the builds that follow from their configs, and what the rules find in both. Private."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..module_utils._collector.manifests.build import CollectorBuild
from ..module_utils._collector.manifests.config_size import check_config_size
from ..module_utils._identity.identity import may_have_credentials
from ..module_utils._otelcol.errors import Problem, about
from ..module_utils._otelcol.needs import derive_needs
from ..module_utils._otelcol.rules import structure
from ..module_utils._otelcol.rules.rules import lint
from ..module_utils._otelcol.rules.subject import Deployment, Subject, masked_findings, run_rules
from ..module_utils._otelcol.rules.user_rules import UserRules
from ._connected_collectors import ConnectedCollector
from ._otelcol import _builds, _findings, _tables, _yaml
from ._planned import Planned


def judged_collectors(collectors: Sequence[ConnectedCollector], rule_paths: Sequence[str]) -> list[Planned]:
    """Return collectors with their builds and what the rules find in them; `rule_paths` have the user's own rules."""
    own_rules = _findings.own_rules(rule_paths)
    judged: list[Planned] = []
    for item in collectors:
        with about(f"collector '{item.collector.name}'"):
            judged.append(_judged(item, own_rules))
    return judged


def refuse_malformed(planned: Iterable[Planned]) -> None:
    """Raise Problem for configs of which nothing can follow."""
    malformed: list[str] = []
    for item in planned:
        faults = [finding for finding in item.findings if finding.rule in structure.MALFORMED]
        malformed += [f"collector '{item.collector.name}', {fault}" for fault in faults]
    if malformed:
        raise Problem("; ".join(malformed), asked="Render collectors from malformed configs")


def _judged(item: ConnectedCollector, own_rules: UserRules) -> Planned:
    """Return a collector with its build and its findings. Of a malformed config follows no build."""
    faults = run_rules(structure.RULES, Subject(item.config))
    is_malformed = any(fault.rule in structure.MALFORMED for fault in faults)
    build = None if is_malformed else _build(item)
    subject = _subject_of(item, None if faults else build)
    findings = masked_findings(lint(subject, own_rules), item.config, subject.view.suspects)
    return Planned(
        item.collector, item.composed, build, tuple(findings), item.drafted.target, item.receivers, item.sends_to
    )


def _build(item: ConnectedCollector) -> CollectorBuild:
    """Return what follows from a config. Raises Problem for a config that no ConfigMap holds."""
    config, config_text = item.config, _yaml.dump(item.config)
    check_config_size(
        item.collector.name, config, config_text
    )  # before the rules, which take long for one that is too large
    tables = _builds.tables()
    needs = derive_needs.derived_needs(
        config, tables.listeners, item.collector.known_environment, item.collector.allow, tables.known
    )
    return CollectorBuild(
        collector=item.collector,
        needs=needs,
        config=config,
        config_text=config_text,
        config_hash=hashlib.sha256(_yaml.canonical(config).encode()).hexdigest(),
        image=item.drafted.image,
        run_as_user=item.drafted.user,
        platform=item.drafted.platform,
        collector_version=item.drafted.version,
        host_names=tuple(item.names),
    )


def _subject_of(item: ConnectedCollector, build: CollectorBuild | None) -> Subject:
    """Return what the rules look at; without a build, as of a config with faults, they know less."""
    drafted, around, surroundings = item.drafted, item.around, item.drafted.surroundings
    return Subject(
        item.config,
        item.composed.locate,
        duplicates=tuple(pair for layer in item.composed.layers for pair in layer.duplicates),
        environment=surroundings.environment(item.collector),
        target=drafted.target,
        deployment=_deployment_of(item, build),
        resource=surroundings.resource(build) if build else None,
        listeners=_builds.tables().listeners,
        operator_kinds=_tables.operator_kinds(),
        literals=item.collector.known_environment,
        notes=item.collector.notes,
        decrypted=drafted.written.decrypted,
        printers=around.printers,
        senders=around.senders,
        routing=around.routing,
        unreceived=around.unreceived,
        unseen=around.unseen,
        receiving=around.receiving,
        scraping=around.scraping,
        nodes=item.collector.nodes,
    )


def _deployment_of(item: ConnectedCollector, build: CollectorBuild | None) -> Deployment:
    """Return where a collector runs, as far as its options and its build say."""
    drafted = item.drafted
    deployment = drafted.surroundings.deployment(item.collector, build.needs if build else None, drafted.platform)
    return replace(
        deployment, asks_for_storage=drafted.asks_for_storage, unidentified=_unidentified_actions(item, build)
    )


def _unidentified_actions(item: ConnectedCollector, build: CollectorBuild | None) -> tuple[str, ...]:
    """Return the AWS actions of a collector to which nothing that is known gives credentials."""
    if build is None or item.drafted.has_identity or may_have_credentials(item.collector):
        return ()
    actions: set[str] = set()
    for grant in build.needs.grants:
        actions.update(grant.actions)
    return tuple(sorted(actions))
