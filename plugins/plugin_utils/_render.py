# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render configs and manifests from options. Controller only; reads files, contacts no cluster. Private."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ..module_utils._collector import conflicts, deployed, platform, request_bytes
from ..module_utils._collector.backends import BACKENDS
from ..module_utils._collector.critical import critical_use
from ..module_utils._collector.manifests import service_account
from ..module_utils._collector.manifests.build import CollectorBuild, check_size
from ..module_utils._collector.manifests.pod import volumes
from ..module_utils._collector.options import OPERATORS_IMAGE, Collector, Distribution, image_of, option_names
from ..module_utils._collector.platform import Platform
from ..module_utils._host import host_hops
from ..module_utils._identity import identity
from ..module_utils._install.releases import lock_file
from ..module_utils._install.releases.lock_file import Pin, unpinned
from ..module_utils._otelcol.config.compose import compose
from ..module_utils._otelcol.config.layers import Composed
from ..module_utils._otelcol.config.paths import at
from ..module_utils._otelcol.errors import Problem, about
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.objects import Manifest
from ..module_utils._otelcol.needs import derive_needs
from ..module_utils._otelcol.needs.derive_needs import Needs
from ..module_utils._otelcol.rules import structure
from ..module_utils._otelcol.rules.data_flow import Hop, asked_for_pods, routes_between
from ..module_utils._otelcol.rules.rules import lint
from ..module_utils._otelcol.rules.subject import (
    Deployment,
    Subject,
    masked_findings,
    run_rules,
)
from ..module_utils._otelcol.rules.user_rules import UserRules
from ..module_utils._otelcol.rules.view import Target
from . import _arguments, _collector_layers, _inventory_addresses, _origins, _sources
from ._around import Around
from ._host_groups import InventoryGroups
from ._otelcol import _builds, _findings, _tables, _yaml
from ._planned import Bundle, Planned

_PREFIX = "otel_collector_"
_BATCH = ("processors", "batch")
# What gives a collector its config.
SOURCES = ("recipes", "config", "config_files")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Request:
    """A task's request: collectors with common defaults, the user's folders, and the hosts of the inventory.

    `critical_components` are those that the cluster has, by name; None if nobody looked.
    """

    collectors: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    recipe_paths: Sequence[str] = ()
    platform_paths: Sequence[str] = ()
    identity_annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Whether collectors may get AWS credentials in a way that this request does not show.
    has_identity: bool = True
    pin: Pin = unpinned
    rule_paths: Sequence[str] = ()
    overlay_policy: Mapping[str, Any] = field(default_factory=dict)
    groups: InventoryGroups | None = None
    critical_components: Sequence[str] | None = None

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Request:
        """Return the request of these arguments of a module."""
        names = [option.name for option in fields(cls)]
        return cls(**{name: arguments[name] for name in names if name in arguments})


def _custom_resource(build: CollectorBuild) -> Manifest | None:
    return BACKENDS[build.collector.backend].resource(build)


@dataclass(frozen=True)
class Surroundings:
    """What the rules learn of the place that a collector runs in: its variables, its deployment and its resource."""

    environment: Callable[[Any], frozenset[str]] = deployed.environment
    deployment: Callable[[Any, Needs | None, Platform], Deployment] = deployed.deployment
    resource: Callable[[CollectorBuild], Manifest | None] = _custom_resource


IN_CLUSTERS = Surroundings()


@dataclass
class Draft:
    """One collector in the making: what its options decide, and what each stage of `plan` adds."""

    collector: Collector
    platform: Platform
    facts: Mapping[str, Any]
    version: str
    target: Target | None
    image: str
    user: int | None
    own_config: Any = None
    own_recipes: Any = None
    decrypted: frozenset[str] = frozenset()
    asks_for_storage: bool = False
    has_identity: bool = True
    composed: Composed = field(default_factory=lambda: Composed({}, ()))
    around: Around = field(default_factory=Around)
    receivers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names: Sequence[str] = ()
    sends_to: Sequence[Mapping[str, str]] = ()
    surroundings: Surroundings = field(default_factory=lambda: IN_CLUSTERS)


def plan(request: Request) -> list[Planned]:
    """Return every collector with its config, build and findings. Raises Problem for input that names no collector."""
    if not request.collectors and not any(request.defaults.get(name) for name in SOURCES):
        fix = "Set `otel_collectors`, or `otel_collector_recipes` or `otel_collector_config` for a single collector."
        raise Problem("the inventory names no collector for this host", fix=fix)
    drafts, groups = _drafts(request), request.groups
    route = groups.for_recipe if groups else _collector_layers.no_route
    compose_drafts(drafts, _sources.find(request.recipe_paths, "recipes"), route)
    check_overlays(drafts, request.overlay_policy)
    _connect(drafts)
    for draft in drafts if groups else ():
        about_collector(draft.collector.name, follow_groups, draft, groups, host_hops.OF_CLUSTERS)
    return judged(drafts, request.rule_paths)


def composed(request: Request, route: _collector_layers.Route) -> list[tuple[Collector, Mapping[str, Any]]]:
    """Return the collectors of a request and their configs, which no rule has judged."""
    drafts = _drafts(request)
    compose_drafts(drafts, _sources.find(request.recipe_paths, "recipes"), route)
    return [(draft.collector, draft.composed.config) for draft in drafts]


def judged(drafts: Sequence[Draft], rule_paths: Sequence[str]) -> list[Planned]:
    """Return composed drafts with their builds and what the rules find in them."""
    own = _findings.own_rules(rule_paths)
    return [about_collector(draft.collector.name, _planned, draft, own) for draft in drafts]


def _drafts(request: Request) -> list[Draft]:
    """Return the collectors with what their options decide."""
    platforms = _sources.find(request.platform_paths, "platforms")
    # Plain values are quick to copy for each collector. Positions are read from the config alone.
    defaults = {**_yaml.plain(request.defaults), "recipes": request.defaults.get("recipes")}
    # Storage that is common to all collectors is for those that keep state.
    alone = {} if request.collectors else request.defaults
    drafts = []
    for item in request.collectors or [{}]:
        common = {key: defaults[key] for key in defaults.keys() - item.keys()}
        options = _options({**item, **common})  # the keys of items stay, which know their positions
        draft = about_collector(options["name"], _draft, options, platforms, request)
        # As among the options, a key of the item hides the common one, also with null.
        written = {**request.defaults, **item}
        draft.own_config = written.get("config") or {}
        draft.own_recipes = written.get("recipes") or []
        draft.decrypted = _origins.decrypted([draft.own_config, written.get("env")])
        draft.asks_for_storage = bool({**alone, **item}.get("storage"))
        drafts.append(draft)
    collectors = [draft.collector for draft in drafts]
    critical_use.check_once(
        critical_use.Scraping(collector.name, collector.nodes, collector.recipes) for collector in collectors
    )
    return drafts


def compose_drafts(
    drafts: Sequence[Draft], recipes: Mapping[str, Path], route: _collector_layers.Route = _collector_layers.no_route
) -> None:
    """Add the config of each collector; a recipe that reads logs leaves out those of all collectors.

    `route` returns how a collector reaches the group that options of a recipe name.
    """
    whole = _collector_layers.WholeRun(
        logs=tuple(sorted({draft.collector.logs.glob for draft in drafts} - {""})),
        organization=_collector_layers.organization_values(draft.collector for draft in drafts),
        route=route,
        critical=tuple(place for draft in drafts for place in _critical_places(draft)),
    )
    for draft in drafts:
        draft.composed = about_collector(draft.collector.name, _composed, draft, recipes, whole)


def _critical_places(draft: Draft) -> list[dict[str, Any]]:
    """Return where the critical components are that a collector scrapes."""
    collector = draft.collector
    use = critical_use.used(collector.recipes)
    if not use:
        return []
    names, changed = critical_use.components(collector.recipes), use.options.get("places") or {}
    work = critical_use.places
    return about_collector(collector.name, work, names, changed, draft.facts, collector.is_alone)


def check_overlays(drafts: Iterable[Draft], policy: Mapping[str, Any]) -> None:
    """Raise Problem if an overlay of a composed draft touches what the option `overlay_policy` does not allow."""
    for draft in drafts if policy else ():
        about_collector(draft.collector.name, _collector_layers.check_overlays, draft.composed, policy)


def _hop(collector: Collector, config: Any) -> Hop:
    """Return a collector as one that others send to; the operator may make Services of its own."""
    name = collector.name
    children = names.of_operator(name) if collector.backend == "operator" else ()
    services = {name, names.headless(name), *children}
    return Hop(name, collector.namespace, services, config, collector.logs, collector.nodes)


def _connect(drafts: Sequence[Draft]) -> None:
    """Add what each collector has to do with the others: the rules judge it, and a change follows the flow of data."""
    hops = [_hop(draft.collector, draft.composed.config) for draft in drafts]
    for draft, is_asked_for_pods in zip(drafts, asked_for_pods(hops), strict=True):
        if is_asked_for_pods and draft.collector.mode != "sidecar":
            draft.collector = replace(draft.collector, service={**draft.collector.service, "headless": True})
    routes = routes_between(hops)
    places = [f"{draft.collector.namespace}/{draft.collector.name}" for draft in drafts]
    for draft, around, route in zip(drafts, Around.of_each(hops, routes), routes, strict=True):
        draft.around = around
        draft.receivers = {exporter: [places[to] for to in sorted(receivers)] for exporter, receivers in route.items()}


def follow_groups(draft: Draft, groups: InventoryGroups, fixes: host_hops.TlsFixes) -> None:
    """Let the rules know the gateways on hosts that get the data of a collector, and the collector their names.

    Raises Problem for TLS on one side alone.
    """
    hops = _inventory_addresses.hops_of(groups, draft.collector, draft.composed.config)
    host_hops.check_hops(hops, fixes)
    around, unreceived = draft.around, host_hops.unreceived_by(draft.composed.config, hops)
    draft.around = replace(
        around,
        receiving={**around.receiving, **host_hops.receiving_by(hops)},
        unreceived={**around.unreceived, **unreceived},
    )
    draft.names, draft.sends_to = groups.names_for(draft.collector), host_hops.described(hops)


def bundle(planned: Sequence[Planned]) -> dict[str, Any]:
    """Return all manifests, and what later stages need of each collector.

    Raises Problem for a malformed config, for a collector that its platform cannot run, and for two that clash.
    """
    refuse_malformed(planned)
    builds = service_account.owned([item.build for item in planned if item.build])
    for build in builds:
        platform.check(build.platform, build.collector, volumes(build), bool(build.exposed))
    conflicts.check([conflicts.Member(build.collector, build.needs.ports) for build in builds])
    made = (
        about_collector(build.collector.name, BACKENDS[build.collector.backend].manifests, build) for build in builds
    )
    manifests = conflicts.union(manifest for of_collector in made for manifest in of_collector)
    return Bundle(planned, builds, manifests).as_dict()


def refuse_malformed(planned: Iterable[Planned]) -> None:
    """Raise Problem for configs of which nothing can follow."""
    malformed: list[str] = []
    for item in planned:
        faults = [finding for finding in item.findings if finding.rule in structure.MALFORMED]
        malformed += [f"collector '{item.collector.name}', {fault}" for fault in faults]
    if malformed:
        raise Problem("; ".join(malformed), asked="Render collectors from malformed configs")


def about_collector(name: str, work: Callable[..., _Made], *parts: Any) -> _Made:
    """Return what the work makes of the parts; its Problem names the collector."""
    with about(f"collector '{name}'"):
        return work(*parts)


def _composed(draft: Draft, recipes: Mapping[str, Path], whole: _collector_layers.WholeRun) -> Composed:
    """Return the config of a collector. With recipes, this run decides the sizes of its batches, and its retries."""
    of_recipes = _collector_layers.recipe_layers(
        draft.collector, draft.version, draft.facts, recipes, run=whole, target=draft.target
    )
    of_recipes = _collector_layers.placed(of_recipes, draft.own_recipes)
    own = _collector_layers.user_layers(draft.collector, draft.own_config)
    if not of_recipes:
        return compose(own)
    composed = compose([*of_recipes, *_collector_layers.percentages(own), *own])
    config = request_bytes.retried_without_end(composed.config)
    if draft.target and _collector_layers.splits(draft.target):
        room = _collector_layers.queue_bytes(draft.collector)
        moves = _collector_layers.in_exporters(draft.collector, draft.target.version)
        chosen = any(at(layer.config, _BATCH) is not None for layer in own)
        config = request_bytes.by_bytes(config, draft.target, room, moves, chosen=chosen)
    return replace(composed, config=config)


def _planned(draft: Draft, own: UserRules) -> Planned:
    collector, composed = draft.collector, draft.composed
    faults = run_rules(structure.RULES, Subject(composed.config))
    build = None if any(fault.rule in structure.MALFORMED for fault in faults) else _build(draft, composed.config)
    understood = None if faults else build
    subject = Subject(
        composed.config,
        composed.locate,
        duplicates=tuple(pair for layer in composed.layers for pair in layer.duplicates),
        environment=draft.surroundings.environment(collector),
        target=draft.target,
        deployment=replace(
            draft.surroundings.deployment(collector, understood.needs if understood else None, draft.platform),
            asks_for_storage=draft.asks_for_storage,
            unidentified=_unidentified(draft, understood),
        ),
        resource=draft.surroundings.resource(understood) if understood else None,
        listeners=_builds.tables().listeners,
        operator_kinds=_tables.operator_kinds(),
        literals={name: str(value) for name, value in collector.env.items() if isinstance(value, (str, int))},
        notes=collector.notes,
        decrypted=draft.decrypted,
        printers=draft.around.printers,
        senders=draft.around.senders,
        routing=draft.around.routing,
        unreceived=draft.around.unreceived,
        unseen=draft.around.unseen,
        receiving=draft.around.receiving,
        scraping=draft.around.scraping,
        nodes=collector.nodes,
    )
    findings = tuple(masked_findings(lint(subject, own), composed.config, subject.view.suspects))
    return Planned(collector, composed, build, findings, draft.target, draft.receivers, draft.sends_to)


def _unidentified(draft: Draft, build: CollectorBuild | None) -> tuple[str, ...]:
    """Return the AWS actions of a collector to which nothing that is known gives credentials."""
    if build is None or draft.has_identity or identity.may_have_credentials(draft.collector):
        return ()
    return tuple(sorted({action for grant in build.needs.grants for action in grant.actions}))


def _draft(options: Mapping[str, Any], platforms: Mapping[str, Path], request: Request) -> Draft:
    """Return what the options decide. Raises Problem for what the backend, the platform or the catalogue lacks."""
    facts = _sources.platform(options["platform"], platforms)
    row = _tables.catalogue("distributions")[options["distribution"]]
    tagged = _builds.tagged_version(options["image"], options["distribution"])
    options = {**options, "version": options["version"] or tagged or row["version"]}
    images = ("target_allocator",) if options["image"] == OPERATORS_IMAGE else ("image", "target_allocator")
    options = lock_file.with_pins(options, images, request.pin)
    where = Platform.from_facts(options["platform"], facts)
    collector = Collector.from_options(platform.settled(options, where))
    collector = identity.stamped(collector, request.identity_annotations)
    settled = critical_use.settled(collector.recipes, request.critical_components, facts, collector.is_alone)
    collector = replace(collector, recipes=settled)
    BACKENDS[collector.backend].check(collector)
    target, version = _collector_layers.of_collector(collector)
    repository = _builds.repository(options["distribution"], collector.version)
    distribution = Distribution(options["distribution"], repository, row["user"])
    user = distribution.user if facts["run_as_user"] == "image" else facts["run_as_user"]
    image = image_of(collector, distribution, request.pin)
    return Draft(collector, where, facts, version, target, image, user, has_identity=request.has_identity)


def _options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collector's options in their types; the role's argument_specs.yml is the one place that has those."""
    name = _arguments.named(values)
    given = {key: value for key, value in values.items() if value is not None}
    return _arguments.checked(given, _specification(), f"collector '{name}'")


@cache
def _specification() -> _arguments.Options:
    return _arguments.Options(_sources.role_options(_PREFIX, option_names()))


def _build(draft: Draft, config: dict[str, Any]) -> CollectorBuild:
    tables, collector, text = _builds.tables(), draft.collector, _yaml.dump(config)
    check_size(collector.name, config, text)  # before the rules, which take long for a config that is too large
    return CollectorBuild(
        collector=collector,
        needs=derive_needs.derived_needs(
            config, tables.listeners, identity.environment(collector), collector.allow, tables.known
        ),
        config=config,
        config_text=text,
        config_hash=hashlib.sha256(_yaml.canonical(config).encode()).hexdigest(),
        image=draft.image,
        run_as_user=draft.user,
        platform=draft.platform,
        collector_version=draft.version,
        host_names=tuple(draft.names),
    )
