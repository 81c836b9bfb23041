# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build of a collector of the inventory, and the layers of its config: recipes, then the user's. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..module_utils._collector import recipes
from ..module_utils._collector.critical.critical_use import apart
from ..module_utils._collector.options import HEALTH_PORT, METRICS_PORT, OPERATORS_IMAGE, Collector, before_port
from ..module_utils._collector.platform import facts_for
from ..module_utils._host.host_tls import client_tls, server_tls
from ..module_utils._otelcol.config.layers import Composed, Layer, for_version, parse_version
from ..module_utils._otelcol.config.paths import Path as KeyPath
from ..module_utils._otelcol.config.paths import Position, leaves, section
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.quantities import BATCH_BYTES, MIB, queue_mib, request_mib
from ..module_utils._otelcol.rules.batching import EXPORTERS_BATCH, from_version
from ..module_utils._otelcol.rules.view import Target
from . import _origins, _sources
from ._otelcol import _builds, _documents, _overlays, _tables, _yaml
from ._otelcol._build_request import BuildRequest

_TAG = re.compile(r"v?\d+\.\d+\.\d+(?![\d.])")


def of_collector(collector: Collector) -> tuple[Target | None, str]:
    """Return the build that will run a collector, and the version of the Collector whose names its recipes use.

    The build of a custom image is known only from a manifest or the image's name.
    Raises Problem for a manifest without the image that was built with it.
    """
    version = _builds.tables().collector_version(collector.distribution, collector.version)
    manifest, schema = collector.distribution_manifest, collector.distribution_schema
    if manifest or schema:
        if not collector.image:
            given = "distribution_manifest" if manifest else "distribution_schema"
            raise Problem(f"it has a {given}, but no `image` that was built with it", fix="Give `image` too.")
        target = _builds.resolve_build(BuildRequest("", "" if manifest else version, manifest, schema), "")
        return target, target.version if target else version
    if collector.image not in ("", OPERATORS_IMAGE):
        return _builds.resolve_build(BuildRequest(), collector.image), version
    tested = str(_tables.catalogue("distributions")[collector.distribution]["version"])
    if not _TAG.match(collector.version) or collector.version.startswith("v") != tested.startswith("v"):
        wrong, fix = f"'{collector.version}' is not a version of distribution", f"Write it in quotes like '{tested}'."
        raise Problem(f"{wrong} {collector.distribution}", fix=fix)
    return _builds.counted_build(collector.distribution, collector.version) if version else None, version


BASELINE = "baseline"
_READERS = (0, 111)  # from this version on, `service.telemetry.metrics.readers` replaces the default address
_ROTATED = (0, 122)  # from this version on, the operator `container` of file_log takes names of rotated files


Route = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


def no_route(_collector: Collector, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raise Problem: no inventory says which hosts a group has."""
    wrong = f"`to: {options.get('to')}` names hosts of an inventory, and there is none"
    raise Problem(wrong, fix="Set `endpoint`, or `service` for trace_balancing.")


@dataclass(frozen=True)
class WholeRun:
    """What recipes know of all collectors of a run.

    `logs` are the globs of their logs, `organization` the values that recipe resource_attributes adds to data. `route`
    returns how a collector reaches the group of the inventory that options of a recipe name. `critical` are the places
    of the critical components that collectors of the run scrape.
    """

    logs: Sequence[str] = ()
    organization: Sequence[str] = ()
    route: Route = no_route
    critical: Sequence[Mapping[str, Any]] = ()


def organization_values(collectors: Iterable[Collector]) -> tuple[str, ...]:
    """Return the texts that recipe resource_attributes of collectors adds; those of variables are not known."""
    texts = set[str]()
    for collector in collectors:
        for use in recipes.uses(collector.recipes):
            if use.name == "resource_attributes":
                texts.update(map(str, section(use.options, "attributes").values()))
    known = {text for text in texts if text and "$" not in text}
    return tuple(sorted(known))


def recipe_layers(
    collector: Collector,
    version: str,
    facts: Mapping[str, Any],
    folders: Mapping[str, Path],
    *,
    run: WholeRun = WholeRun(),
    target: Target | None = None,
) -> list[Layer]:
    """Return the layers of a collector's recipes from these folders, with the component names of this version.

    `target` is the build, if the catalogue knows it.
    """
    used = recipes.uses(collector.recipes)
    if not used:
        return []
    if BASELINE not in (use.name for use in used):
        used.insert(0, recipes.RecipeUse(BASELINE, {}))
    for use in used:
        recipes.check_known(use, folders)
    described = {use.name: _sources.recipe(folders[use.name]) for use in used}
    recipes.check_requires(used, described)
    about, facts = _about(collector, version, run, target), facts_for(collector, facts)
    layers = []
    for use in used:
        recipes.check_mode(use, described[use.name], collector.mode)
        layer = _sources.fragment(use, folders[use.name], described[use.name], facts, about)
        layers.append(replace(layer, config=for_version(layer.config, version, _builds.tables().renames)))
    return layers


def placed(layers: list[Layer], written: Any) -> list[Layer]:
    """Return the layers of recipes with their places in the inventory, as far as Ansible knows these.

    A value that an option gives has the place of the option, all others that of the recipe. Recipes that nobody lists
    stand before those that are listed.
    """
    if not isinstance(written, (list, tuple)):
        return layers
    first = len(layers) - len(written)
    with_places: list[Layer] = []
    for index, layer in enumerate(layers, start=-first):
        is_listed = index >= 0
        with_places.append(replace(layer, positions=_places(layer, written, index)) if is_listed else layer)
    return with_places


def _places(layer: Layer, written: Sequence[Any], number: int) -> dict[KeyPath, Position]:
    """Return the places of what a recipe renders, by path; none if Ansible does not know where the recipe stands."""
    recipe_place = _origins.place(written, number)
    if not recipe_place.file:
        return {}
    positions = _origins.positions(written[number])
    place_of_text: dict[str, Position] = {}
    for path, value in leaves(_yaml.plain(written[number])):
        if path in positions:
            place_of_text[str(value)] = positions[path]
    places: dict[KeyPath, Position] = {(): recipe_place}
    for path, value in leaves(layer.config):
        if str(value) in place_of_text:
            places[path] = place_of_text[str(value)]
    return places


def _about(collector: Collector, version: str, run: WholeRun, target: Target | None) -> dict[str, Any]:
    """Return the facts about a collector that recipes can use."""
    memory = collector.memory
    return {
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "alone": collector.is_alone,
        "allocated": collector.is_allocated,
        "container": collector.logs.container,
        "recipes": {use.name: use.options for use in recipes.uses(collector.recipes)},
        "logs": list(run.logs),
        "organization": list(run.organization),
        "critical_pods": apart(run.critical),
        "route": partial(run.route, collector),
        "client_tls": partial(client_tls, collector),
        "server_tls": partial(server_tls, collector),
        "host": collector.listen_host,
        "listen": before_port(collector.listen_host),
        "own_host": collector.own_host,
        "own_listen": before_port(collector.own_host),
        "health_port": getattr(collector, "health_port", HEALTH_PORT),
        "metrics_port": getattr(collector, "metrics_port", METRICS_PORT),
        "state": collector.state_directory,
        "limit_mib": memory.limit_mib,
        "spike_limit_mib": memory.spike_limit_mib,
        "export_timeout": f"{collector.export_seconds}s",
        "metrics_readers": not version or parse_version(version) >= _READERS,
        "rotated_logs": not version or parse_version(version) >= _ROTATED,
        "request_mib": request_mib(collector.memory_limit),
        "batch_bytes": BATCH_BYTES,
        "splits": splits(target),
        "exporters_batch": bool(version) and in_exporters(collector, version),
    }


def splits(target: Target | None) -> bool:
    """Whether the exporters of a build split what is too large for a receiver."""
    return from_version(target, EXPORTERS_BATCH)


def in_exporters(collector: Collector, version: str) -> bool:
    """Whether recipe baseline leaves batches to the exporters, where they can make them."""
    if _baseline_options(collector, "batching") == ["processor"]:
        return False
    return parse_version(version) >= parse_version(EXPORTERS_BATCH)


def queue_bytes(collector: Collector) -> int:
    """Return the bytes that all queues in the memory of a collector hold together, by recipe baseline."""
    for given_mib in _baseline_options(collector, "queue_mib"):
        if given_mib:
            return int(given_mib) * MIB
    return queue_mib(collector.memory) * MIB


def _baseline_options(collector: Collector, option: str) -> list[Any]:
    """Return what a collector gives recipe baseline as an option, once for each use; None where it gives nothing."""
    return [use.options.get(option) for use in recipes.uses(collector.recipes) if use.name == BASELINE]


_OPTION = "option "  # how the names of layers begin that options make


def check_overlays(composed: Composed, option: Mapping[str, Any]) -> None:
    """Raise Problem if the user's layers after the baseline touch what the option `overlay_policy` does not allow.

    The baseline is recipes, options and the files that the policy lists, wherever they stand among the layers.
    """
    _overlays.check_layers([layer for layer in composed.layers if not layer.recipe and not _is_option(layer)], option)


def _is_option(layer: Layer) -> bool:
    """Whether an option made a layer. A file may have any name, and has places."""
    return layer.name.startswith(_OPTION) and not layer.positions


_LOG_LEVEL = "info"  # the Collector's own default, which a config need not have


def user_layers(collector: Collector, written: Any) -> list[Layer]:
    """Return the user's config: the log level first, then files, then the inventory's `written` config."""
    layers = []
    if collector.log_level != _LOG_LEVEL:
        logs = {"level": collector.log_level}
        layers.append(Layer("option log_level", {"service": {"telemetry": {"logs": logs}}}))
    for path in collector.config_files:
        document = _yaml.spread_document(_documents.read_document(path))
        if not isinstance(document.data, dict):
            fix = "A collector config has sections such as receivers and service."
            raise Problem(f"{path} holds no mapping", fix=fix)
        layers.append(Layer(str(path), document.data, positions=document.positions, duplicates=document.duplicates))
    if written:
        layers.append(Layer(_overlays.INLINE, _yaml.plain(collector.config), positions=_origins.positions(written)))
    return layers


_MIB = ("limit_mib", "spike_limit_mib")


def percentages(layers: Sequence[Layer]) -> list[Layer]:
    """Return a layer that takes the MiB of recipes away where the user gives a percentage: the Collector ignores it."""
    named: set[str] = set()
    with_value: set[str] = set()
    for layer in layers:
        for key, value in section(layer.config, "processors", "memory_limiter").items():
            named.add(key)
            if value is not None:
                with_value.add(key)
    if "limit_percentage" not in with_value or "limit_mib" in with_value:
        return []
    removed = {key: None for key in _MIB if key not in named}
    return [Layer("option memory_percent", {"processors": {"memory_limiter": removed}})]
