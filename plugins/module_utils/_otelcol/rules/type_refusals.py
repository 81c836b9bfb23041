# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a build rejects the type of a component: another name, another section, a removal, or a type that it lacks.

Private.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.rows import OFFICIAL, SECTIONS
from ..config.layers import parse_version
from ..errors import near, nearest
from .build_facts import Build

_MISSPELT = 0.8  # so alike are a word and the same with a slip: `bacth` and `batch`
_WAY_OUT = "If your build has it, give `distribution_manifest` or `distribution_schema`."


@dataclass(frozen=True)
class TypeRefusal:
    """Why a build rejects a type; `severity` if the catalogue is not certain."""

    rule: str
    message: str
    fix: str
    severity: str = ""


def type_refusal(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return why a build rejects a type of a section; None if it has the type."""
    if (name, kind) not in build.refusals:
        build.refusals[name, kind] = None if build.find(name, kind) else _reason_to_refuse(build, name, kind)
    refusal: TypeRefusal | None = build.refusals[name, kind]
    return refusal


def _reason_to_refuse(build: Build, name: str, kind: str) -> TypeRefusal:
    """Return why a build lacks a type: the first reason that fits."""
    for reason in (_newer_name, _older_name, _removed, _wrong_class):
        refusal = reason(build, name, kind)
        if refusal:
            return refusal
    return _unknown_type(build, name, kind)


def _newer_name(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that a later version gave a type this name, if the build has it under the older one."""
    renamed = build.catalogue.rename(name, kind)
    if renamed is None or kind != renamed.new or build.catalogue.available_in(name, kind, build.version):
        return None
    if not build.find(name, renamed.old):
        return None
    message = f"{build.name} knows '{kind}' as '{renamed.old}'; the new name exists since {renamed.since}"
    return TypeRefusal("newer-name", message, f"Write `{renamed.old}`.")


def _older_name(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that this is the older name of a type, if the build has it under the newer one."""
    renamed = build.catalogue.rename(name, kind)
    if renamed is None or kind != renamed.old or not build.find(name, renamed.new):
        return None
    message = f"'{kind}' is called '{renamed.new}' since {renamed.since}, and {build.name} rejects the older name"
    return TypeRefusal("removed-component", message, f"Write `{renamed.new}`.")


def _removed(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that the official builds no longer have a type, and what took its place."""
    removal = build.catalogue.removal(name, kind)
    if removal is None or parse_version(build.version) < parse_version(removal.gone):
        return None
    use = ""
    if removal.use:
        section, _slash, other = removal.use.partition("/")
        use = f" Use `{other}` in `{section}`."
    message = f"'{kind}' was removed from the official builds in {removal.gone}"
    return TypeRefusal("removed-component", message, f"{removal.how}{use}", _severity_if_unsure(build, name))


def _wrong_class(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that a type belongs to another section, if no build has it in this one."""
    elsewhere = [section for section in SECTIONS if section != name and build.find(section, kind)]
    if not elsewhere or build.catalogue.known(name, kind):
        return None
    message = f"'{kind}' is not a type of {name}, but of {' and '.join(elsewhere)}"
    return TypeRefusal("wrong-class", message, f"Move it to `{elsewhere[0]}`.", _severity_if_unsure(build, name))


def _unknown_type(build: Build, name: str, kind: str) -> TypeRefusal:
    """Return that a build has no such type, with the nearest name, or with the builds that have it."""
    available = build.catalogue.available_in(name, kind, build.version)
    severity = _severity_of_unknown(build, name, kind)
    note = f" ({build.doubt})" if severity else ""
    hint = "" if available else near(kind, build.types(name))
    message = f"{build.name} has no {name[:-1]} '{kind}'{hint}{note}"
    if available:
        fix = f"Available in: {', '.join(available)}."
    elif build.catalogue.known(name, kind):
        fix = f"No official build of this version has it; use another version, or a custom build. {_WAY_OUT}"
    else:
        fix = "" if hint else _WAY_OUT
    return TypeRefusal("unknown-component", message, fix, severity)


def _severity_if_unsure(build: Build, name: str) -> str:
    """Return `warning` if nobody knows all that the build consists of."""
    if name in build.unknown_modules:
        return "warning"
    is_released = build.catalogue.ships(build.distribution) and not build.own
    return "warning" if build.doubt and not is_released else ""


def _severity_of_unknown(build: Build, name: str, kind: str) -> str:
    """Return `warning` for a type that a build lacks as far as the catalogue knows, but may have.

    The list of a release that the catalogue lacks may have more types than the one before. Not among them: what no
    release has, but for a type of a release that nobody knows yet, and what the other official builds have.
    """
    catalogue = build.catalogue
    unsure = _severity_if_unsure(build, name)
    if unsure or not build.doubt:
        return unsure
    if catalogue.known(name, kind):
        may_be_added = build.distribution not in OFFICIAL or not catalogue.is_listed(name, kind)
        return "warning" if may_be_added or build.is_before_all else ""
    is_future = parse_version(build.version) > parse_version(catalogue.latest)
    if not is_future:
        return ""
    is_misspelt = bool(nearest(kind, build.types(name), _MISSPELT))
    return "" if is_misspelt else "warning"
