# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target build of a config, given or recognised by its image; and its layers: recipes, then the user's. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..module_utils._collector.options import OPERATORS_IMAGE, Collector, before_port
from ..module_utils._collector.platform import facts_for
from ..module_utils._collector.quantities import BATCH_BYTES, MIB, queue_mib, request_mib
from ..module_utils._config.catalogue import SECTIONS, Catalogue
from ..module_utils._config.layers import Layer, for_version, parse_version
from ..module_utils._config.paths import Path as KeyPath
from ..module_utils._config.paths import Position, leaves, section
from ..module_utils._errors import Problem, near
from ..module_utils._validate import recipes
from ..module_utils._validate.batching import EXPORTERS_BATCH, from_version
from ..module_utils._validate.view import Target
from . import _files, _sources, _yaml

DEFAULT, ANY = "contrib", "any"
_CUSTOM = "custom"
_IMAGE = re.compile(r"(?P<repository>[^@]+?)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>\S+))?\Z")
_NUMBERS = re.compile(r"v?\d+\.\d+\.\d+")
_TAG = re.compile(r"v?\d+\.\d+\.\d+(?![\d.])")
# Distributions by the names of their programs and images, which people give as well.
_OF_PROGRAM = {
    "otelcol": "core",
    "otelcol-contrib": "contrib",
    "otelcol-k8s": "k8s",
    "otelcol-otlp": "otlp",
    "aws-otel-collector": "adot",
}
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?")


@dataclass(frozen=True)
class BuildRequest:
    """The build that the user gives; empty text means the build of the image beside the config, or else the default."""

    distribution: str = ""
    version: str = ""
    manifest: str = ""
    schema: str = ""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> BuildRequest:
        names = ("distribution", "version", "distribution_manifest", "distribution_schema")
        return cls(*(arguments[name] or "" for name in names))


_PUBLISHED: ContextVar[str] = ContextVar("published", default="")


@contextmanager
def published(path: str) -> Iterator[None]:
    """Let the tables in a file stand for the collection's own; empty text means its own."""
    token = _PUBLISHED.set(path)
    try:
        yield
    finally:
        _PUBLISHED.reset(token)


def tables() -> Catalogue:
    """Return the catalogue, read once per process. Raises Problem for a file that has none."""
    path = _PUBLISHED.get()
    return _of_text(_files.read(path), path) if path else _own_tables()


@cache
def _own_tables() -> Catalogue:
    return Catalogue.from_tables(_sources.own_tables())


@lru_cache(1)
def _of_text(text: str, path: str) -> Catalogue:
    return Catalogue.from_tables(_sources.published_tables(text, path))


def repository(distribution: str, version: str) -> str:
    """Return the repository of the image of a distribution's version."""
    row = _sources.catalogue("distributions")[distribution]
    older = (image for until, image in _older(row).items() if parse_version(version) < parse_version(until))
    return str(next(older, row["image"]))


def _older(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the repositories of older versions, each by the version before which it is the one."""
    return row.get("older_images") or {}


def recognised(image: str) -> tuple[str, str] | None:
    """Return distribution and version (empty if the tag is not a version).

    Only the last part of a repository counts, so that a mirror is recognised too.
    """
    match = _IMAGE.match(image)
    last = match["repository"].rpartition("/")[2] if match else ""
    rows = _sources.catalogue("distributions").items()
    known = ((name, image) for name, row in rows for image in (row["image"], *_older(row).values()))
    name = next((name for name, image in known if image.rpartition("/")[2] == last), None)
    version = _NUMBERS.match((match and match["tag"]) or "")
    return (name, version[0] if version else "") if name else None


def tagged(image: str, distribution: str) -> str:
    """Return the version that the tag of an official image names; empty if there is none.

    For the image of another distribution, this is the version of the Collector in it.
    """
    name, version = recognised(image) or ("", "")
    return version if name in (distribution, "") or not version else tables().collector_version(name, version)


def resolve(wanted: BuildRequest, image: str) -> Target | None:
    """Return the build that will run a config; None if it is unknown. Raises Problem for an unknown distribution.

    Without image and wishes, this is the tested version of contrib. An unrecognised image is an unknown build.
    """
    if wanted.version and not _VERSION.match(wanted.version):
        raise Problem(f"'{wanted.version}' is not a version of the Collector", fix="Write it like 0.158.0 or v0.49.0.")
    if wanted.manifest or wanted.schema:
        return _own(wanted)
    if wanted.distribution == ANY:
        return None
    seen = recognised(image) if image else None
    name = wanted.distribution or (seen[0] if seen else DEFAULT if wanted.version or not image else "")
    if not name:
        return None
    known = _sources.catalogue("distributions")
    if name not in known:
        own = "distribution_manifest or distribution_schema"
        fix = f"Distributions: {', '.join(sorted(known))}; `{ANY}` for any build; or give {own}."
        meant = _OF_PROGRAM.get(name, "")
        hint = f"; did you mean '{meant}'?" if meant in known else near(name, known)
        raise Problem(f"there is no distribution '{name}'{hint}", fix=fix)
    of_image = seen[1] if seen and seen[0] == name else ""
    own = wanted.version or of_image or ("" if seen and not wanted.distribution else str(known[name]["version"]))
    return _counted(name, own) if own else None


def _counted(name: str, own: str) -> Target:
    """Return a build by its own version, which may be one of which nobody knows yet what Collector is in it."""
    unknown = "" if tables().is_counted(name, own) else own
    return Target(tables(), name, tables().collector_version(name, own), unknown)


def label(target: Target | None, wanted: BuildRequest | None = None, image: str = "") -> str:
    """Return the name of a build for results, and why it was chosen if nothing names it."""
    if target is None:
        return "any build" if wanted and wanted.distribution == ANY else "an unknown build"
    default = " (default)" if wanted == BuildRequest() and not image else ""
    return f"{target.distribution} {target.version}{default}{_latest(target)}"


def _latest(*targets: Target) -> str:
    """Return the latest known version of the Collector in words, if a build without its own schema is newer."""
    newer = (
        one.catalogue.latest
        for one in targets
        if one.stand_in and parse_version(one.version)[:2] > parse_version(one.catalogue.latest)[:2]
    )
    known = next(newer, "")
    return known and f" (latest known: {known})"


def stand_ins(targets: Iterable[Target | None]) -> Iterator[str]:
    """Yield one warning that names all builds whose settings the catalogue knows only for another version."""
    found = [one for one in targets if one and one.stand_in]
    asked = sorted({(one.distribution, one.own or one.version): one.stand_in for one in found}.items())
    names = [f"{name} {version} (checked as {near})" for (name, version), near in asked]
    if names:
        yield (
            f"The settings of components are not all known for {', '.join(names)}{_latest(*found)}. "
            "What is found by the settings of another version is a warning that names it. "
            "If the build can print its schema, give it as `distribution_schema`."
        )


def of_collector(collector: Collector) -> tuple[Target | None, str]:
    """Return the build that will run a collector, and the version of the Collector whose names its recipes use.

    The build of a custom image is known only from a manifest or the image's name.
    Raises Problem for a manifest without the image that was built with it.
    """
    version = tables().collector_version(collector.distribution, collector.version)
    manifest, schema = collector.distribution_manifest, collector.distribution_schema
    if manifest or schema:
        if not collector.image:
            given = "distribution_manifest" if manifest else "distribution_schema"
            raise Problem(f"it has a {given}, but no `image` that was built with it", fix="Give `image` too.")
        target = resolve(BuildRequest("", "" if manifest else version, manifest, schema), "")
        return target, target.version if target else version
    if collector.image not in ("", OPERATORS_IMAGE):
        return resolve(BuildRequest(), collector.image), version
    tested = str(_sources.catalogue("distributions")[collector.distribution]["version"])
    if not _TAG.match(collector.version) or collector.version.startswith("v") != tested.startswith("v"):
        wrong, fix = f"'{collector.version}' is not a version of distribution", f"Write it in quotes like '{tested}'."
        raise Problem(f"{wrong} {collector.distribution}", fix=fix)
    return _counted(collector.distribution, collector.version) if version else None, version


def smallest_image(target: Target | None, configs: Sequence[Any]) -> str:
    """Return the image of the smallest official distribution that has all types of configs; empty when none has."""
    version = target.version if target else str(_sources.catalogue("distributions")[DEFAULT]["version"])
    used = {
        (name, str(item).partition("/")[0]) for config in configs for name in SECTIONS for item in section(config, name)
    }
    name = (target.catalogue if target else tables()).smallest_distribution(used, version) if used else None
    return f"{repository(name, version)}:{version}" if name else ""


def _own(wanted: BuildRequest) -> Target:
    """Return a build of the user's own, from its manifest, its schema, or both."""
    if not wanted.schema:
        return _from_manifest(wanted)
    types = _sources.types_of_schema(wanted.schema)
    if wanted.manifest:
        target = _from_manifest(wanted)
        catalogue = target.catalogue.with_schema(target.distribution, types, target.version)
        return replace(target, catalogue=catalogue)
    if not wanted.version:
        raise Problem(f"{wanted.schema} does not give the Collector's version", fix="Give `version`.")
    name, version = wanted.distribution or _CUSTOM, wanted.version.removeprefix("v")
    return Target(tables().with_schema(name, types, version), name, version)


def _from_manifest(wanted: BuildRequest) -> Target:
    manifest = _sources.read_yaml(wanted.manifest)
    if not isinstance(manifest, dict) or not any(isinstance(manifest.get(name), list) for name in SECTIONS):
        wrong = f"{wanted.manifest} is not a manifest of the Collector builder"
        raise Problem(wrong, fix="It lists gomod per component.")
    dist = manifest.get("dist")
    about = dist if isinstance(dist, dict) else {}
    version = wanted.version or str(about.get("otelcol_version") or "") or _newest_module(manifest)
    if not version:
        raise Problem(f"{wanted.manifest} does not give the Collector's version", fix="Give `version`.")
    name = wanted.distribution or str(about.get("name") or _CUSTOM)
    catalogue, _unknown = tables().with_manifest(name, manifest, version)
    return Target(catalogue, name, version.removeprefix("v"))


def _newest_module(manifest: Mapping[str, Any]) -> str:
    """Return the version of the Collector's own modules in a builder's manifest."""
    found = re.findall(
        r"(?:go\.opentelemetry\.io/collector|opentelemetry-collector-contrib)/\S{1,200} v(0\.\d+\.\d+)", str(manifest)
    )
    return max(found, key=lambda text: [int(part) for part in text.split(".")], default="")


BASELINE = "baseline"
_READERS = (0, 111)  # from this version on, `service.telemetry.metrics.readers` replaces the default address
_ROTATED = (0, 122)  # from this version on, the operator `container` of file_log takes names of rotated files


@dataclass(frozen=True)
class WholeRun:
    """What recipes know of all collectors of a run.

    `logs` are the globs of their logs, `organization` the values that recipe resource_attributes adds to data.
    """

    logs: Sequence[str] = ()
    organization: Sequence[str] = ()


def organization_values(collectors: Iterable[Collector]) -> tuple[str, ...]:
    """Return the texts that recipe resource_attributes of collectors adds; those of variables are not known."""
    used = [use for one in collectors for use in recipes.uses(one.recipes) if use.name == "resource_attributes"]
    given = [use.options.get("attributes") for use in used]
    texts = {str(value) for values in given if isinstance(values, Mapping) for value in values.values()}
    return tuple(sorted(text for text in texts if text and "$" not in text))


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
        layers.append(replace(layer, config=for_version(layer.config, version, tables().renames)))
    return layers


def placed(layers: list[Layer], written: Any) -> list[Layer]:
    """Return the layers of recipes with their places in the inventory, as far as Ansible knows these.

    A value that an option gives has the place of the option, all others that of the recipe. Recipes that nobody lists
    stand before those that are listed.
    """
    if not isinstance(written, (list, tuple)):
        return layers
    first = len(layers) - len(written)
    return [
        replace(layer, positions=_places(layer, written, number - first)) if number >= first else layer
        for number, layer in enumerate(layers)
    ]


def _places(layer: Layer, written: Sequence[Any], number: int) -> dict[KeyPath, Position]:
    """Return the places of what a recipe renders, by path; none if Ansible does not know where the recipe stands."""
    positions = _yaml.positions(written[number])
    whole = _yaml.place(written, number)
    if not whole.file:
        return {}
    options = {str(value): positions[path] for path, value in leaves(_yaml.plain(written[number])) if path in positions}
    given = {path: options[str(value)] for path, value in leaves(layer.config) if str(value) in options}
    return {(): whole, **given}


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
        "logs": list(run.logs),
        "organization": list(run.organization),
        "host": collector.listen_host,
        "listen": before_port(collector.listen_host),
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
    given = [use.options.get("batching") for use in recipes.uses(collector.recipes) if use.name == BASELINE]
    return given != ["processor"] and parse_version(version) >= parse_version(EXPORTERS_BATCH)


def queue_bytes(collector: Collector) -> int:
    """Return the bytes that all queues in the memory of a collector hold together, by recipe baseline."""
    given = [use.options.get("queue_mib") for use in recipes.uses(collector.recipes) if use.name == BASELINE]
    return next((int(one) for one in given if one), queue_mib(collector.memory)) * MIB


_LOG_LEVEL = "info"  # the Collector's own default, which a config need not have


def user_layers(collector: Collector, written: Any) -> list[Layer]:
    """Return the user's config: the log level first, then files, then the inventory's `written` config."""
    layers = []
    if collector.log_level != _LOG_LEVEL:
        logs = {"level": collector.log_level}
        layers.append(Layer("option log_level", {"service": {"telemetry": {"logs": logs}}}))
    for path in collector.config_files:
        document = _yaml.spread(_sources.read_document(path))
        if not isinstance(document.data, dict):
            fix = "A collector config has sections such as receivers and service."
            raise Problem(f"{path} holds no mapping", fix=fix)
        layers.append(Layer(str(path), document.data, positions=document.positions, duplicates=document.duplicates))
    if written:
        layers.append(Layer("config", _yaml.plain(collector.config), positions=_yaml.positions(written)))
    return layers


_MIB = ("limit_mib", "spike_limit_mib")


def percentages(layers: Sequence[Layer]) -> list[Layer]:
    """Return a layer that takes the MiB of recipes away where the user gives a percentage: the Collector ignores it."""
    found = [section(layer.config, "processors", "memory_limiter") for layer in layers]
    given = {key for settings in found for key, value in settings.items() if value is not None}
    if "limit_percentage" not in given or "limit_mib" in given:
        return []
    gone = {key: None for key in _MIB if not any(key in settings for settings in found)}
    return [Layer("option memory_percent", {"processors": {"memory_limiter": gone}})]
