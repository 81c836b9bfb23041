# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that runs a config: given, recognised by its image, or of the user's own. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.catalogue.rows import SECTIONS
from ...module_utils._otelcol.config.layers import full_version, parse_version
from ...module_utils._otelcol.config.paths import section
from ...module_utils._otelcol.errors import Problem, near
from ...module_utils._otelcol.rules.view import Target
from . import _files, _tables
from ._build_request import BuildRequest
from ._own_builds import users_build

DEFAULT, ANY = "contrib", "any"
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
    return _catalogue_in(_files.read(path), path) if path else _own_tables()


@cache
def _own_tables() -> Catalogue:
    return Catalogue.from_tables(_tables.own_tables())


@lru_cache(1)
def _catalogue_in(text: str, path: str) -> Catalogue:
    return Catalogue.from_tables(_tables.published_tables(text, path))


def repository(distribution: str, version: str) -> str:
    """Return the repository of the image of a distribution's version."""
    row = _tables.catalogue("distributions")[distribution]
    for until, image in _images_until(row).items():
        if parse_version(version) < parse_version(until):
            return str(image)
    return str(row["image"])


def _images_until(row: Mapping[str, Any]) -> Mapping[str, str]:
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
        known_images = (row["image"], *_images_until(row).values())
        if last in [known.rpartition("/")[2] for known in known_images]:
            version = _NUMBERS.match(match["tag"] or "")
            return Recognised(name, version[0] if version else "")
    return None


def tagged_version(image: str, distribution: str) -> str:
    """Return the version that the tag of an official image names; empty if there is none.

    For the image of another distribution, this is the version of the Collector in it.
    """
    seen = recognised(image)
    if not seen or not seen.version:
        return ""
    if seen.distribution == distribution:
        return seen.version
    return tables().collector_version(seen.distribution, seen.version)


def resolve_build(wanted: BuildRequest, image: str) -> Target | None:
    """Return the build that will run a config; None if it is unknown. Raises Problem for an unknown distribution.

    Without image and wishes, this is the tested version of contrib. An unrecognised image is an unknown build.
    """
    if wanted.version and not _VERSION.fullmatch(wanted.version):
        raise Problem(f"'{wanted.version}' is not a version of the Collector", fix="Write it like 0.158.0 or v0.49.0.")
    wanted = replace(wanted, version=full_version(wanted.version))
    if wanted.manifest or wanted.schema:
        return users_build(wanted, tables())
    if wanted.distribution == ANY:
        return None
    seen = recognised(image) if image else None
    name = _distribution(wanted, image, seen)
    if not name:
        return None
    _check_distribution(name)
    version = wanted.version or _version_for(name, seen, is_given=bool(wanted.distribution))
    return counted_build(name, version) if version else None


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
    of_own_build = "distribution_manifest or distribution_schema"
    fix = f"Distributions: {', '.join(sorted(known))}; `{ANY}` for any build; or give {of_own_build}."
    raise Problem(f"there is no distribution '{name}'{hint}", fix=fix)


def _version_for(name: str, seen: Recognised | None, *, is_given: bool) -> str:
    """Return the version of a distribution that no option gives; empty text if it is unknown.

    `is_given` says that an option gives the distribution.
    """
    if seen and seen.distribution == name and seen.version:
        return seen.version
    # The image alone says what runs, and its tag is no version, such as `latest`.
    if seen and not is_given:
        return ""
    # No image that is recognised: the version with which the collection is tested.
    return str(_tables.catalogue("distributions")[name]["version"])


def counted_build(name: str, own_version: str) -> Target:
    """Return a build by its own version, which may be one of which nobody knows yet what Collector is in it."""
    catalogue = tables()
    is_known = catalogue.is_counted(name, own_version)
    own = "" if is_known else own_version
    return Target(catalogue, name, catalogue.collector_version(name, own_version), own)


def build_label(target: Target | None, wanted: BuildRequest | None = None, image: str = "") -> str:
    """Return the name of a build for results, and why it was chosen if nothing names it."""
    if target is None:
        is_any = wanted is not None and wanted.distribution == ANY
        return "any build" if is_any else "an unknown build"
    is_default = wanted == BuildRequest() and not image
    default = " (default)" if is_default else ""
    return f"{target.distribution} {target.version}{default}{_latest_known_words(target)}"


def _latest_known_words(*targets: Target) -> str:
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
            f"The settings of components are not all known for {', '.join(names)}{_latest_known_words(*approximate)}. "
            "What is found by the settings of another version is a warning that names it. "
            "If the build can print its schema, give it as `distribution_schema`."
        )


def smallest_image(target: Target | None, configs: Sequence[Any]) -> str:
    """Return the image of the smallest official distribution that has all types of configs; empty when none has."""
    used_types = {used_type for config in configs for used_type in _types_in(config)}
    if not used_types:
        return ""
    version = target.version if target else str(_tables.catalogue("distributions")[DEFAULT]["version"])
    catalogue = target.catalogue if target else tables()
    distribution = catalogue.smallest_distribution(used_types, version)
    return f"{repository(distribution, version)}:{version}" if distribution else ""


def _types_in(config: Any) -> Iterator[tuple[str, str]]:
    """Yield the section and the type of each component of a config."""
    for name in SECTIONS:
        for component_id in section(config, name):
            yield name, str(component_id).partition("/")[0]
