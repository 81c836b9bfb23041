# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that runs a config: given, recognised by its image, or of the user's own. Private.

A build is a distribution in a version, such as contrib 0.158.0; a `TargetBuild` names it (build_facts.py). None as a
target means that the build is unknown or may be any, so rules that depend on it find nothing. Validations, migrations
and tests ask `resolve_build`, whose docstring has a table; an example is the image
`otel/opentelemetry-collector-contrib:0.158.0`, which is contrib 0.158.0.

An own build is made by the user, see `_own_builds.py`. A distribution may count versions by itself, as ADOT does: its
own version v0.49.0 has another version of the Collector in it. The tested version is the one that this collection was
tested with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from ...module_utils._otelcol.catalogue.builds import ADOT, ADOT_PROGRAM, PROGRAM_BY_DISTRIBUTION
from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.config.collector_versions import complete_version, parse_version
from ...module_utils._otelcol.config.paths import SECTIONS, mapping_at
from ...module_utils._otelcol.errors import Problem, suggest_word
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from . import _files, _images, _tables
from ._build_request import BuildRequest
from ._own_builds import resolve_own_build

DEFAULT = "contrib"
"""The distribution of a config if nothing says another one."""
ANY = "any"
"""The value of the option `distribution` by which no build counts."""
# Distributions by the names of their programs and images, which people give as well.
_DISTRIBUTION_BY_PROGRAM = {program: distribution for distribution, program in PROGRAM_BY_DISTRIBUTION.items()}
_DISTRIBUTION_BY_PROGRAM[ADOT_PROGRAM] = ADOT
# A version that a user gives. As in semantic versions, a pre-release or a build may follow.
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-+][\w.+-]+)?", re.ASCII)
# The file with published tables of the catalogue; empty for the tables of this collection.
_TABLES_PATH: ContextVar[str] = ContextVar("published", default="")


@contextmanager
def use_tables_from(path: str) -> Iterator[None]:
    """Let the tables in a file stand for the collection's own; empty text means its own."""
    token = _TABLES_PATH.set(path)
    try:
        yield
    finally:
        _TABLES_PATH.reset(token)


def load_catalogue() -> Catalogue:
    """Return the catalogue, read once per process. Raises Problem for a file that has none."""
    path = _TABLES_PATH.get()
    return _parse_catalogue(_files.read_text_file(path), path) if path else _load_own_catalogue()


@cache
def _load_own_catalogue() -> Catalogue:
    """Return the catalogue of this collection's own tables."""
    return Catalogue.from_tables(_tables.read_own_tables())


@lru_cache(1)
def _parse_catalogue(text: str, path: str) -> Catalogue:
    """Return the catalogue of published tables. Raises Problem for a text that has none."""
    return Catalogue.from_tables(_tables.parse_published_tables(text, path))


def version_in_tag(image: str, distribution: str) -> str:
    """Return the version that the tag of an official image names; empty if there is none.

    For the image of another distribution, this is the version of the Collector in it.
    """
    image_build = _images.recognise_image(image)
    if not image_build or not image_build.version:
        return ""
    if image_build.distribution == distribution:
        return image_build.version
    return load_catalogue().find_collector_version(image_build.distribution, image_build.version)


def resolve_build(request: BuildRequest, image: str) -> TargetBuild | None:
    """Return the build that will run a config; None if it is unknown.

    What the options give takes precedence over what the image says:

    | the options give | the image | the build |
    |---|---|---|
    | a manifest or a schema | any | the user's own |
    | `any` | any | unknown |
    | distribution and version | any | these |
    | a distribution | of it, with a version | its version of the image |
    | a distribution | any other, or none | its tested version |
    | a version | recognised | that version of its distribution |
    | a version | none, or not recognised | that version of contrib |
    | nothing | recognised, with a version | the image's |
    | nothing | recognised, without a version | unknown |
    | nothing | not recognised | unknown |
    | nothing | none | the tested version of contrib |

    Raises Problem for a version that is none, and for an unknown distribution.
    """
    if request.version and not _VERSION.fullmatch(request.version):
        raise Problem(f"'{request.version}' is not a version of the Collector", fix="Write it like 0.158.0 or v0.49.0.")
    request = replace(request, version=complete_version(request.version))
    if request.manifest or request.schema:
        return resolve_own_build(request, load_catalogue())
    if request.distribution == ANY:
        return None
    image_build = _images.recognise_image(image) if image else None
    distribution = _choose_distribution(request, image, image_build)
    if not distribution:
        return None
    _check_distribution(distribution)
    version = request.version or _choose_version(request, distribution, image_build)
    return find_build(distribution, version) if version else None


def _choose_distribution(request: BuildRequest, image: str, image_build: _images.RecognisedImage | None) -> str:
    """Return the distribution that is given, or that of the image; empty if only an unrecognised image is given."""
    if request.distribution:
        return request.distribution
    if image_build:
        return image_build.distribution
    return DEFAULT if request.version or not image else ""


def _choose_version(request: BuildRequest, distribution: str, image_build: _images.RecognisedImage | None) -> str:
    """Return the version of the image, or the tested one; empty if the image alone counts, and has none."""
    if image_build and image_build.distribution == distribution and image_build.version:
        return image_build.version
    only_image_counts = image_build is not None and not request.distribution
    return "" if only_image_counts else _images.read_tested_version(distribution)


def _check_distribution(name: str) -> None:
    """Raise Problem for a distribution that the tables do not have, with the one that is meant."""
    known_rows = _images.read_distribution_rows()
    if name in known_rows:
        return
    program_distribution = _DISTRIBUTION_BY_PROGRAM.get(name, "")
    hint = (
        f"; did you mean '{program_distribution}'?"
        if program_distribution in known_rows
        else suggest_word(name, known_rows)
    )
    own_build_options = "distribution_manifest or distribution_schema"
    fix = f"Distributions: {', '.join(sorted(known_rows))}; `{ANY}` for any build; or give {own_build_options}."
    raise Problem(f"there is no distribution '{name}'{hint}", fix=fix)


def find_build(name: str, own_version: str) -> TargetBuild:
    """Return a build by its own version.

    If the tables do not know yet which Collector is in it, the nearest known one stands for it.
    """
    catalogue = load_catalogue()
    is_known = catalogue.is_counted(name, own_version)
    unknown_version = "" if is_known else own_version
    return TargetBuild(catalogue, name, catalogue.find_collector_version(name, own_version), unknown_version)


def build_label(target: TargetBuild | None, request: BuildRequest | None = None, image: str = "") -> str:
    """Return the name of a build for results, and why it was chosen if nothing names it."""
    if target is None:
        is_any = request is not None and request.distribution == ANY
        return "any build" if is_any else "an unknown build"
    is_default = request == BuildRequest() and not image
    default = " (default)" if is_default else ""
    return f"{target.distribution} {target.version}{default}{_describe_latest_known(target)}"


def _describe_latest_known(*targets: TargetBuild) -> str:
    """Return the latest known version of the Collector in words, if a build without its own schema is newer."""
    for target in targets:
        latest = target.catalogue.newest_release
        is_newer = parse_version(target.version)[:2] > parse_version(latest)[:2]
        if target.stand_in_version and is_newer:
            return f" (latest known: {latest})" if latest else ""
    return ""


def list_stand_in_warnings(targets: Iterable[TargetBuild | None]) -> Iterator[str]:
    """Yield one warning that names all builds whose settings the catalogue knows only for another version.

    That version stands in for the build: `contrib 0.161.0 (checked as 0.160.0)`.
    """
    approximate = [target for target in targets if target and target.stand_in_version]
    stand_in_by_build = {}
    for target in approximate:
        build = (target.distribution, target.build_version or target.version)
        stand_in_by_build[build] = target.stand_in_version
    build_labels = []
    for (name, version), stand_in in sorted(stand_in_by_build.items()):
        build_labels.append(f"{name} {version} (checked as {stand_in})")
    if build_labels:
        yield (
            "The settings of components are not all known for"
            f" {', '.join(build_labels)}{_describe_latest_known(*approximate)}. What is found by the settings of"
            " another version is a warning that names it. If the build can print its schema, give it as"
            " `distribution_schema`."
        )


def find_smallest_image(target: TargetBuild | None, configs: Sequence[Any]) -> str:
    """Return the image of the smallest official distribution that has all types of configs; empty when none has."""
    used_types = {used_type for config in configs for used_type in _iter_component_types(config)}
    if not used_types:
        return ""
    version = target.version if target else _images.read_tested_version(DEFAULT)
    catalogue = target.catalogue if target else load_catalogue()
    distribution = catalogue.find_smallest_distribution(used_types, version)
    return f"{_images.image_repository(distribution, version)}:{version}" if distribution else ""


def _iter_component_types(config: Any) -> Iterator[tuple[str, str]]:
    """Yield the section and the type of each component of a config."""
    for name in SECTIONS:
        for component_id in mapping_at(config, name):
            yield name, str(component_id).partition("/")[0]
