# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that runs a config: given, recognised by its image, or of the user's own manifest or schema. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.catalogue.rows import SECTIONS
from ...module_utils._otelcol.config.layers import parse_version
from ...module_utils._otelcol.config.paths import section
from ...module_utils._otelcol.errors import Problem, near
from ...module_utils._otelcol.rules.view import Target
from . import _documents, _files, _tables

DEFAULT, ANY = "contrib", "any"
_CUSTOM = "custom"
_IMAGE = re.compile(r"(?P<repository>[^@]+?)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>\S+))?\Z")
_NUMBERS = re.compile(r"v?\d+\.\d+\.\d+")
# Distributions by the names of their programs and images, which people give as well.
_OF_PROGRAM = {
    "otelcol": "core",
    "otelcol-contrib": "contrib",
    "otelcol-k8s": "k8s",
    "otelcol-otlp": "otlp",
    "aws-otel-collector": "adot",
}
# As in semantic versions, a pre-release or a build may follow.
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-+][\w.+-]+)?", re.ASCII)


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
def tables_from(path: str) -> Iterator[None]:
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
    return Catalogue.from_tables(_tables.own_tables())


@lru_cache(1)
def _of_text(text: str, path: str) -> Catalogue:
    return Catalogue.from_tables(_tables.published_tables(text, path))


def repository(distribution: str, version: str) -> str:
    """Return the repository of the image of a distribution's version."""
    row = _tables.catalogue("distributions")[distribution]
    older = (image for until, image in _older(row).items() if parse_version(version) < parse_version(until))
    return str(next(older, row["image"]))


def _older(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the repositories of older versions, each by the version before which it is the one."""
    return row.get("older_images") or {}


class Recognised(NamedTuple):
    """What an image has: a distribution, and its version; empty if the tag is not a version."""

    distribution: str
    version: str


def recognised(image: str) -> Recognised | None:
    """Return the distribution of an image; None if it is another's.

    Only the last part of a repository counts, so that a mirror is recognised too.
    """
    match = _IMAGE.match(image)
    if not match:
        return None
    last = match["repository"].rpartition("/")[2]
    for name, row in _tables.catalogue("distributions").items():
        if last in [known.rpartition("/")[2] for known in (row["image"], *_older(row).values())]:
            version = _NUMBERS.match(match["tag"] or "")
            return Recognised(name, version[0] if version else "")
    return None


def tagged_version(image: str, distribution: str) -> str:
    """Return the version that the tag of an official image names; empty if there is none.

    For the image of another distribution, this is the version of the Collector in it.
    """
    name, version = recognised(image) or ("", "")
    return version if name in (distribution, "") or not version else tables().collector_version(name, version)


def resolve_build(wanted: BuildRequest, image: str) -> Target | None:
    """Return the build that will run a config; None if it is unknown. Raises Problem for an unknown distribution.

    Without image and wishes, this is the tested version of contrib. An unrecognised image is an unknown build.
    """
    if wanted.version and not _VERSION.fullmatch(wanted.version):
        raise Problem(f"'{wanted.version}' is not a version of the Collector", fix="Write it like 0.158.0 or v0.49.0.")
    if wanted.manifest or wanted.schema:
        return _own(wanted)
    if wanted.distribution == ANY:
        return None
    seen = recognised(image) if image else None
    name = _distribution(wanted, image, seen)
    if not name:
        return None
    _check_distribution(name)
    own = wanted.version or _version_of_image(name, wanted, seen)
    return counted_build(name, own) if own else None


def _distribution(wanted: BuildRequest, image: str, seen: Recognised | None) -> str:
    """Return the distribution that is given, or that of the image; empty for an image that is another's."""
    if wanted.distribution:
        return wanted.distribution
    if seen:
        return seen.distribution
    return DEFAULT if wanted.version or not image else ""


def _check_distribution(name: str) -> None:
    known = _tables.catalogue("distributions")
    if name in known:
        return
    meant = _OF_PROGRAM.get(name, "")
    hint = f"; did you mean '{meant}'?" if meant in known else near(name, known)
    own = "distribution_manifest or distribution_schema"
    fix = f"Distributions: {', '.join(sorted(known))}; `{ANY}` for any build; or give {own}."
    raise Problem(f"there is no distribution '{name}'{hint}", fix=fix)


def _version_of_image(name: str, wanted: BuildRequest, seen: Recognised | None) -> str:
    """Return the version in an image, else the tested one; empty if the image alone says what runs, and no version."""
    if seen and seen.distribution == name and seen.version:
        return seen.version
    if seen and not wanted.distribution:
        return ""
    return str(_tables.catalogue("distributions")[name]["version"])


def counted_build(name: str, own: str) -> Target:
    """Return a build by its own version, which may be one of which nobody knows yet what Collector is in it."""
    unknown = "" if tables().is_counted(name, own) else own
    return Target(tables(), name, tables().collector_version(name, own), unknown)


def build_label(target: Target | None, wanted: BuildRequest | None = None, image: str = "") -> str:
    """Return the name of a build for results, and why it was chosen if nothing names it."""
    if target is None:
        is_any = wanted is not None and wanted.distribution == ANY
        return "any build" if is_any else "an unknown build"
    is_default = wanted == BuildRequest() and not image
    default = " (default)" if is_default else ""
    return f"{target.distribution} {target.version}{default}{_latest(target)}"


def _latest(*targets: Target) -> str:
    """Return the latest known version of the Collector in words, if a build without its own schema is newer."""
    for target in targets:
        latest = target.catalogue.latest
        is_newer = parse_version(target.version)[:2] > parse_version(latest)[:2]
        if target.stand_in and is_newer:
            return f" (latest known: {latest})" if latest else ""
    return ""


def stand_ins(targets: Iterable[Target | None]) -> Iterator[str]:
    """Yield one warning that names all builds whose settings the catalogue knows only for another version."""
    approximate = [target for target in targets if target and target.stand_in]
    versions = {(target.distribution, target.own or target.version): target.stand_in for target in approximate}
    names = [f"{name} {version} (checked as {near})" for (name, version), near in sorted(versions.items())]
    if names:
        yield (
            f"The settings of components are not all known for {', '.join(names)}{_latest(*approximate)}. "
            "What is found by the settings of another version is a warning that names it. "
            "If the build can print its schema, give it as `distribution_schema`."
        )


def smallest_image(target: Target | None, configs: Sequence[Any]) -> str:
    """Return the image of the smallest official distribution that has all types of configs; empty when none has."""
    used_types: set[tuple[str, str]] = set()
    for config in configs:
        for name in SECTIONS:
            used_types.update((name, str(component_id).partition("/")[0]) for component_id in section(config, name))
    if not used_types:
        return ""
    version = target.version if target else str(_tables.catalogue("distributions")[DEFAULT]["version"])
    catalogue = target.catalogue if target else tables()
    distribution = catalogue.smallest_distribution(used_types, version)
    return f"{repository(distribution, version)}:{version}" if distribution else ""


def _own(wanted: BuildRequest) -> Target:
    """Return a build of the user's own, from its manifest, its schema, or both."""
    if not wanted.schema:
        return _from_manifest(wanted)
    types = _tables.types_of_schema(wanted.schema)
    if wanted.manifest:
        target = _from_manifest(wanted)
        catalogue = target.catalogue.with_schema(target.distribution, types, target.version)
        return replace(target, catalogue=catalogue)
    if not wanted.version:
        raise Problem(f"{wanted.schema} does not give the Collector's version", fix="Give `version`.")
    name, version = wanted.distribution or _CUSTOM, wanted.version.removeprefix("v")
    return Target(tables().with_schema(name, types, version), name, version)


def _from_manifest(wanted: BuildRequest) -> Target:
    manifest = _documents.read_yaml(wanted.manifest)
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
