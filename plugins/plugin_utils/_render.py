# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the user asked for to configs and manifests. Controller only; reads files, touches no cluster. Private."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from ..module_utils._core.aws import identity, policy
from ..module_utils._core.backends.table import BACKENDS
from ..module_utils._core.collector import platform
from ..module_utils._core.collector.collector import Collector, Distribution, image_of
from ..module_utils._core.collector.names import COLLECTOR_LABEL, MANAGED_BY
from ..module_utils._core.collector.platform import Place
from ..module_utils._core.config.compose import compose
from ..module_utils._core.config.layers import Composed
from ..module_utils._core.errors import Problem
from ..module_utils._core.lint import deployed
from ..module_utils._core.lint.finding import Finding
from ..module_utils._core.lint.rules import lint
from ..module_utils._core.lint.subject import Subject, Target
from ..module_utils._core.manifests.build import Build
from ..module_utils._core.manifests.pod import volumes
from ..module_utils._core.needs import derive
from ..module_utils._core.probe.probe import probe
from . import _judge, _layers, _sources, _target, _yaml

_PREFIX = "otel_collector_"
_MALFORMED = ("invalid-id", "not-a-list", "not-a-mapping")


@dataclass(frozen=True)
class Request:
    """What a task asks for: collectors with common defaults, and folders of the user's own."""

    collectors: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    recipe_paths: Sequence[str] = ()
    platform_paths: Sequence[str] = ()
    identity_annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """A collector with its composed config and what the rules say of it."""

    collector: Collector
    distribution: Distribution
    run_as_user: int | None
    place: Place
    composed: Composed
    findings: list[Finding]


def plan(request: Request) -> list[Planned]:
    """Return every collector with its config and findings. Raises Problem for input that gives no config at all."""
    return [_plan(item, request) for item in request.collectors or [{}]]


def bundle(planned: Sequence[Planned], judgement: _judge.Judgement | None = None) -> dict[str, Any]:
    """Return all manifests, and what later stages need of each collector. Raises Problem on any error finding.

    An error that the judgement accepts, or takes for less, is none; but nothing follows from a malformed config.
    """
    findings = [finding for item in planned for finding in item.findings]
    left = (judgement or _judge.Judgement()).judge(findings).kept
    malformed = [finding for finding in findings if finding.rule in _MALFORMED]
    refuse([*malformed, *(finding for finding in left if finding.rule not in _MALFORMED)])
    builds = [_placed(item) for item in planned]
    deployed.check([deployed.Member(build.collector, build.needs.ports) for build in builds])
    manifests = deployed.union(manifest for build in builds for manifest in _manifests(build))
    return {
        "manifests": manifests,
        "collectors": [_summary(build) for build in builds],
        "workloads": [workload(build.collector) for build in builds],
        "probes": [found for found in map(_probe, planned, builds) if found],
        "service_accounts": identity.accounts((build.collector, build.needs.grants) for build in builds),
        "prune_selector": _ours(build.collector.name for build in builds),
    }


def _ours(collectors: Iterable[str]) -> str:
    """Return what selects the objects that we made for these collectors, not what the operator labels alike."""
    return f"{COLLECTOR_LABEL} in ({','.join(sorted(collectors))}),app.kubernetes.io/managed-by={MANAGED_BY}"


def _manifests(build: Build) -> list[dict[str, Any]]:
    return BACKENDS[build.collector.backend].manifests(build)


def _probe(item: Planned, build: Build) -> dict[str, Any] | None:
    return probe(build, item.composed.config)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise Problem with every error finding; nothing is applied then."""
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        raise Problem(
            "\n".join(f"  {line}" for line in errors), asked=f"the collector config has {count}, nothing was applied:\n"
        )


def workload(collector: Collector) -> dict[str, str]:
    """Return the workload of a collector, as waits and probes name it."""
    kind = BACKENDS[collector.backend].kind(collector)
    return {"kind": kind, "namespace": collector.namespace, "name": collector.name}


def _plan(item: Mapping[str, Any], request: Request) -> Planned:
    options = _options({**request.defaults, **item})
    distribution, collector_version = _distribution(options)
    facts = _sources.platform(options["platform"], request.platform_paths)
    where = Place.from_facts(options["platform"], facts)
    collector = Collector.from_options(platform.settled(options, where))
    collector = identity.stamped(collector, request.identity_annotations)
    BACKENDS[collector.backend].check(collector)
    target = _built(collector, distribution, collector_version)
    collector_version = target.version if target and collector.distribution_manifest else collector_version
    written = item.get("config") or request.defaults.get("config") or {}
    layers = [
        *_layers.of_recipes(collector, collector_version, facts, request.recipe_paths),
        *_layers.of_user(collector, written),
    ]
    composed = compose(layers)
    runs = deployed.deployment(collector, composed.config, where)
    user = distribution.user if facts["run_as_user"] == "image" else facts["run_as_user"]
    planned = Planned(collector, distribution, user, where, composed, [])
    subject = Subject(
        composed.config,
        composed.locate,
        duplicates=tuple(pair for layer in layers for pair in layer.duplicates),
        environment=deployed.environment(collector),
        target=target,
        deployment=runs,
        resource=BACKENDS[collector.backend].resource(_build(planned)) if runs.is_understood else None,
    )
    return replace(planned, findings=lint(subject))


def _options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a collector's options in their types; the role's argument_specs.yml is the one place that has those."""
    name = values.get("name") or "without a name"
    given = {key: value for key, value in values.items() if value is not None}
    return _sources.checked(given, _specification(), f"collector '{name}'")


@cache
def _specification() -> dict[str, Any]:
    spec = _sources.read_yaml(_sources.ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return {item.name: spec[_PREFIX + item.name] for item in fields(Collector)}


def _distribution(options: dict[str, Any]) -> tuple[Distribution, str]:
    """Return the distribution, and the version of the Collector inside it; fills in the version that is tested."""
    name = options["distribution"]
    row = _sources.catalogue("distributions")[name]
    options["version"] = options["version"] or row["version"]
    inside = _target.tables().collector_version(name, options["version"])
    return Distribution(name, row["image"], row["user"]), inside


def _built(collector: Collector, distribution: Distribution, version: str) -> Target | None:
    """Return the build that will run; of an image of the user's own, only when a manifest or its name says which it is.

    Raises Problem for a manifest without the image that was built with it.
    """
    if collector.distribution_manifest:
        if not collector.image:
            raise Problem(
                f"collector '{collector.name}' has a distribution_manifest, but no image that was built with it",
                fix="Give `image` too.",
            )
        return _target.resolve(_target.Wanted(manifest=collector.distribution_manifest), "")
    if collector.image:
        return _target.resolve(_target.Wanted(), collector.image)
    return Target(_target.tables(), distribution.name, version) if version else None


def _build(item: Planned) -> Build:
    config = item.composed.config
    return Build(
        collector=item.collector,
        needs=derive.derive(config, identity.environment(item.collector)),
        config=config,
        config_text=_yaml.dump(config),
        config_hash=hashlib.sha256(_canonical(config).encode()).hexdigest(),
        image=image_of(item.collector, item.distribution),
        run_as_user=item.run_as_user,
        place=item.place,
    )


def _placed(item: Planned) -> Build:
    """Return the build of a collector. Raises Problem for one that its place cannot have."""
    build = _build(item)
    platform.check(item.place, item.collector, volumes(build), bool(build.exposed))
    return build


def _canonical(config: Any) -> str:
    """Return the same text for configs that mean the same: the order of keys means nothing, their types do."""

    def by_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {repr(key): by_text(item) for key, item in value.items()}
        return [by_text(item) for item in value] if isinstance(value, list) else value

    return json.dumps(by_text(config), sort_keys=True)


def _summary(build: Build) -> dict[str, Any]:
    collector = build.collector
    return {
        **workload(collector),
        "mode": collector.mode,
        "backend": collector.backend,
        "config": build.config_text,
        "config_hash": build.config_hash,
        "image": build.image,
        "selector": collector.selector_text,
        "ports": [{"name": port.name, "port": port.number, "protocol": port.protocol} for port in build.exposed],
        "iam_actions": list(build.needs.iam_actions),
        "iam_statements": policy.statements(build.needs.grants),
    }
