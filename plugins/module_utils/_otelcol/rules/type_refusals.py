# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a build rejects the type of a component: another name, another section, a removal or an unknown type. Private.

To refuse a type is to stop at the start with an error, as the Collector does. components.py calls `find_type_refusal`
for each component of a config. For example, `bacth` in the section `processors` is refused with this message:

    contrib 0.158.0 has no processor 'bacth'; did you mean 'batch'?

A doubt says why the catalogue may be wrong about the build, see build_facts.py; then the refusal is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.rows import OFFICIAL_BUILDS, SECTION_ORDER
from ..config.collector_versions import parse_version
from ..errors import find_nearest, suggest_word
from .build_facts import Build
from .rule_definitions import SEVERITY_OF_RULE

# How alike a word and its misspelling are at least, between 0 and 1: `bacth` and `batch`.
_MISSPELT_LIKENESS = 0.8
_FIX_FOR_OWN_BUILDS = "If your build has it, give `distribution_manifest` or `distribution_schema`."


@dataclass(frozen=True)
class TypeRefusal:
    """Why a build rejects a type."""

    rule: str
    """The id of the rule that reports it."""
    message: str
    fix: str
    severity: str = SEVERITY_OF_RULE
    """`warning` if the catalogue is not certain."""


def find_type_refusal(build: Build, section_name: str, kind: str) -> TypeRefusal | None:
    """Return why a build rejects a type of a section; None if it has the type."""
    if (section_name, kind) not in build.refusal_by_type:
        build.refusal_by_type[section_name, kind] = (
            None if build.find_component(section_name, kind) else _find_first_refusal(build, section_name, kind)
        )
    refusal: TypeRefusal | None = build.refusal_by_type[section_name, kind]
    return refusal


def _find_first_refusal(build: Build, section_name: str, kind: str) -> TypeRefusal:
    """Return why a build lacks a type: the first reason that fits.

    Each `_refuse_…` function returns a refusal if its reason fits, else None. `_refuse_unknown_type` always fits.
    """
    for find_refusal in (_refuse_newer_name, _refuse_older_name, _refuse_removed_type, _refuse_wrong_section):
        refusal = find_refusal(build, section_name, kind)
        if refusal:
            return refusal
    return _refuse_unknown_type(build, section_name, kind)


def _refuse_newer_name(build: Build, section_name: str, kind: str) -> TypeRefusal | None:
    """Return the refusal of a name that only later versions know, if the build has the type under the older name."""
    type_rename = build.catalogue.find_rename(section_name, kind)
    if type_rename is None or kind != type_rename.new_name:
        return None
    # A name that any distribution of this version knows is not newer than the version.
    is_name_of_version = bool(build.catalogue.list_distributions_with(section_name, kind, build.version))
    if is_name_of_version or not build.find_component(section_name, type_rename.old_name):
        return None
    message = (
        f"{build.name} knows '{kind}' as '{type_rename.old_name}'; the new name exists since"
        f" {type_rename.since_version}"
    )
    return TypeRefusal("newer-name", message, f"Write `{type_rename.old_name}`.")


def _refuse_older_name(build: Build, section_name: str, kind: str) -> TypeRefusal | None:
    """Return the refusal of an older name, if the build has the type under the newer name alone."""
    type_rename = build.catalogue.find_rename(section_name, kind)
    if (
        type_rename is None
        or kind != type_rename.old_name
        or not build.find_component(section_name, type_rename.new_name)
    ):
        return None
    message = (
        f"'{kind}' is called '{type_rename.new_name}' since {type_rename.since_version}, and {build.name} rejects the"
        " older name"
    )
    return TypeRefusal("removed-component", message, f"Write `{type_rename.new_name}`.")


def _refuse_removed_type(build: Build, section_name: str, kind: str) -> TypeRefusal | None:
    """Return the refusal of a type that the official builds no longer have, with what took its place."""
    removal = build.catalogue.find_removal(section_name, kind)
    if removal is None or parse_version(build.version) < parse_version(removal.gone_since):
        return None
    use_hint = ""
    if removal.replacement:
        section, _slash, other_type = removal.replacement.partition("/")
        use_hint = f" Use `{other_type}` in `{section}`."
    message = f"'{kind}' was removed from the official builds in {removal.gone_since}"
    return TypeRefusal(
        "removed-component",
        message,
        f"{removal.instruction}{use_hint}",
        _choose_severity_if_unsure(build, section_name),
    )


def _refuse_wrong_section(build: Build, section_name: str, kind: str) -> TypeRefusal | None:
    """Return the refusal of a type that belongs to another section, if no build has it in this one."""
    other_sections = [
        section for section in SECTION_ORDER if section != section_name and build.find_component(section, kind)
    ]
    if not other_sections or build.catalogue.is_known(section_name, kind):
        return None
    message = f"'{kind}' is not a type of {section_name}, but of {' and '.join(other_sections)}"
    return TypeRefusal(
        "wrong-class", message, f"Move it to `{other_sections[0]}`.", _choose_severity_if_unsure(build, section_name)
    )


def _refuse_unknown_type(build: Build, section_name: str, kind: str) -> TypeRefusal:
    """Return the refusal of a type that the build does not have, with the nearest name or the builds that have it."""
    builds_with_type = build.catalogue.list_distributions_with(section_name, kind, build.version)
    severity = _choose_severity_of_unknown(build, section_name, kind)
    doubt_note = f" ({build.doubt})" if severity else ""
    near_name_hint = "" if builds_with_type else suggest_word(kind, build.list_types(section_name))
    message = f"{build.name} has no {section_name[:-1]} '{kind}'{near_name_hint}{doubt_note}"
    if builds_with_type:
        fix = f"Available in: {', '.join(builds_with_type)}."
    elif build.catalogue.is_known(section_name, kind):
        fix = f"No official build of this version has it; use another version, or a custom build. {_FIX_FOR_OWN_BUILDS}"
    else:
        fix = "" if near_name_hint else _FIX_FOR_OWN_BUILDS
    return TypeRefusal("unknown-component", message, fix, severity)


def _choose_severity_if_unsure(build: Build, section_name: str) -> str:
    """Return `warning` if nobody knows all components of the build, else the severity of the rule."""
    if section_name in build.sections_of_unknown_modules:
        return "warning"
    is_released = build.catalogue.is_released(build.distribution) and not build.build_version
    return "warning" if build.doubt and not is_released else SEVERITY_OF_RULE


def _choose_severity_of_unknown(build: Build, section_name: str, kind: str) -> str:
    """Return `warning` for a type that a build may have, though the catalogue says no; else the severity of the rule.

    If the catalogue does not know the release, that release may have types that the one before has not:

    - a type that the catalogue knows may be among them, but not if another official build has it
    - a type that no release has may be among them if the release is newer than all known ones, and if the name does not
      look like a misspelt one
    """
    catalogue = build.catalogue
    unsure_severity = _choose_severity_if_unsure(build, section_name)
    if unsure_severity or not build.doubt:
        return unsure_severity
    if catalogue.is_known(section_name, kind):
        may_be_added = build.distribution not in OFFICIAL_BUILDS or not catalogue.is_listed(section_name, kind)
        return "warning" if may_be_added or build.is_before_known_versions else SEVERITY_OF_RULE
    is_future = parse_version(build.version) > parse_version(catalogue.newest_release)
    if not is_future:
        return SEVERITY_OF_RULE
    is_misspelt = bool(find_nearest(kind, build.list_types(section_name), _MISSPELT_LIKENESS))
    return SEVERITY_OF_RULE if is_misspelt else "warning"
