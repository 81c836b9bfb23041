# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the key `when` of a user's own rule: to which configs the rule applies. Private.

For example, `when: {modes: [daemonset], versions: 0.110.0..0.150.0, components: [exporters.otlp]}` becomes a `When` of
user_rules.py with these three fields. user_rule_builder.py calls `read_when`. Faults are reported to the part, see
user_rule_parts.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..catalogue.rows import SECTION_ORDER
from ..catalogue.version_ranges import parse_ranges
from ..config.paths import PIPELINE_SIGNALS
from ..errors import suggest_word
from ..traits import kind_of
from .user_path_check import KnownPaths
from .user_rule_parts import RulePart
from .user_rules import When

WHEN_KEYS = ("modes", "distributions", "versions", "components", "pipelines")
_DEPLOYMENT_MODES = ("daemonset", "deployment", "sidecar", "statefulset")
# One version, such as `0.110.0`.
_VERSION = r"\d{1,4}\.\d{1,4}\.\d{1,4}"
# One or more ranges with blanks between them: `0.110.0..0.131.0 0.152.0..`.
_VERSIONS = re.compile(rf"{_VERSION}\.\.(?:{_VERSION})?(?: {_VERSION}\.\.(?:{_VERSION})?)*\Z", re.ASCII)
_FIX_OF_VERSIONS = "Write `0.110.0..` for this one and later ones, `0.110.0..0.150.0` for those before 0.150.0."


def read_when(part: RulePart, known_paths: KnownPaths | None) -> When:
    """Return what the part `when` says.

    `known_paths` has the types and distributions that it may name; None for a rule that may name any.
    """
    part.check_keys(WHEN_KEYS)
    return _WhenReader(part, known_paths).read()


@dataclass(frozen=True)
class _WhenReader:
    """Reads the part `when`; each method reads one of its keys."""

    part: RulePart
    known_paths: KnownPaths | None

    def read(self) -> When:
        """Return what all keys say."""
        components = self._read_components()
        distributions = self.known_paths.catalogue.distributions if self.known_paths is not None else ()
        return When(
            modes=self.part.read_texts("modes", _DEPLOYMENT_MODES),
            distributions=self.part.read_texts("distributions", distributions),
            versions=self._read_version_range(),
            components=components,
            pipelines=self._read_pipelines(),
        )

    def _read_components(self) -> tuple[tuple[str, str], ...]:
        """Return section and kind of each component that `components` names; a kind has no underscores."""
        if "components" not in self.part:
            return ()
        components: list[tuple[str, str]] = []
        for text in self.part.read_texts("components", self._list_all_types()):
            section_name, _dot, kind = text.partition(".")
            components.append((section_name, kind_of(kind)))
        return tuple(components)

    def _list_all_types(self) -> Collection[str]:
        """Return all that `components` may name, such as `exporters.otlp`; empty if it may name anything."""
        if self.known_paths is None:
            return ()
        types = self.known_paths.types_by_section
        return [f"{section_name}.{kind}" for section_name in SECTION_ORDER for kind in types[section_name]]

    def _read_version_range(self) -> str:
        """Return the ranges of versions; one without a version in it is reported."""
        versions = self.part.read_text_value("versions")
        if not versions:
            return ""
        if not _VERSIONS.match(versions):
            self.part.at("versions").add_fault(f"'{versions}' is no range of versions", _FIX_OF_VERSIONS)
            return ""
        for since, before in parse_ranges(versions):
            if before and before <= since:
                self.part.at("versions").add_fault(
                    f"no version is in '{versions}': its end is not behind its begin", _FIX_OF_VERSIONS
                )
        return versions

    def _read_pipelines(self) -> tuple[str, ...]:
        """Return the names of pipelines, such as `traces/*`; one that no signal fits is reported."""
        names = self.part.read_texts("pipelines")
        for pipeline_index, name in enumerate(names):
            signal = name.partition("/")[0]
            if not any(fnmatchcase(known_signal, signal) for known_signal in PIPELINE_SIGNALS):
                fix = f"A name begins with one of {', '.join(PIPELINE_SIGNALS)}; `*` in it is any text."
                self.part.at("pipelines", pipeline_index).add_fault(
                    f"no pipeline is called '{name}'{suggest_word(signal, PIPELINE_SIGNALS)}", fix
                )
        return names
