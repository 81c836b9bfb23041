# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of the rows in tables of the catalogue, `_data/catalogue/*.json`. The files of this room read them.

Rows of `constraints` and `ottl` have keys of their own for each kind of row, so they stay mappings. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

# The key `in` is a word of Python, so the rows with it cannot be written as classes with a body. It has the range of
# versions of each distribution with the row, such as `contrib: 0.110.0..`.
ComponentRow = TypedDict(
    "ComponentRow",
    {
        "in": Mapping[str, str],
        "section": str,
        "type": str,
        "module": str,
        "stability": Mapping[str, Mapping[str, str]],
        "was": NotRequired[str],
        "since": NotRequired[str],
        "alias": NotRequired[bool],
        "guessed": NotRequired[bool],
    },
)
"""A row of `components`: a type of a section, such as `receivers` and `otlp`.

`stability` has the levels of its signals by the version that brought them, such as `0.110.0: {metrics: beta}`. A type
that was renamed has its older name as `was` and the version of the rename as `since`. The older name stays valid unless
`alias` is false.
"""


class RemovalRow(TypedDict):
    """A row of `removals`: a type that left the official builds.

    `gone` is the first version without it, `use` the section/type that replaces it, and `how` an instruction.
    """

    section: str
    type: str
    gone: str
    use: str | None
    how: str


class GapRow(TypedDict):
    """A row of gaps: no source shows the metadata of these modules from version `since` to before `until`."""

    module: str
    since: str
    until: str


ProviderRow = TypedDict("ProviderRow", {"in": Mapping[str, str], "scheme": str})
"""A row of `providers`: a scheme of `${scheme:…}`, and the ranges of versions that have it."""


class ReferenceRow(TypedDict):
    """A row of `references`: the path `key` in the settings of a type names an extension or a pipeline.

    `*` as section or type stands for all of them. `to` is what the key names, such as `extensions`. With `lax`, the key
    may also have a built-in name.
    """

    section: str
    type: str
    key: str
    to: str
    lax: NotRequired[bool]


class FieldRow(TypedDict):
    """A row of `fields`: the settings of a type in some versions. fields.py has an example.

    `fields` has what each setting takes, as field_grammar.py says. `exact` has the ranges of versions whose settings
    these are, and `more` the paths of settings that some of these versions have in addition, by a range. `doubt` says
    what the settings are known by, if not by the version itself. `Catalogue` adds it to a row that stands for another
    version, with this version as `near`, and makes rows without `exact` for types of a user's schema.
    """

    section: str
    type: str
    fields: Any
    exact: NotRequired[str]
    more: NotRequired[Mapping[str, Sequence[str]]]
    doubt: NotRequired[str]
    near: NotRequired[str]


class PortRow(TypedDict):
    """A row of `ports`: a port that a type opens. `ListenerRow` says what the keys mean."""

    section: str
    type: str
    name: str
    key: NotRequired[str]
    port: int | None
    protocol: str
    app_protocol: NotRequired[str]
    when: NotRequired[str]
    exposed: NotRequired[bool]
    host_key: NotRequired[str]
    host: NotRequired[str]
    checked: NotRequired[bool]
    sockets: NotRequired[bool]
