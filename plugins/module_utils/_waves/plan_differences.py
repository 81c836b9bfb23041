# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell what a wave would change. Members with the same change are one group, whose change is told once.

Module wave_gate returns these lines in check mode (`_wave_gate.py` of plugin_utils). A member is a cluster or a Linux
host. For example:

    2 clusters: eu, us
      ConfigMap gateway-…
      @@ -1,2 +1,2 @@
       exporters:
      -  debug: {}
      +  otlp: {endpoint: "backend:4317"}

The changes of two members count as the same even if these things differ, since they follow from the member: names of
ConfigMaps that end with a hash of the config, annotations with such a hash, the namespace of an object, the namespace
at the start of a release (`obs.agent`, which ClusterRoles have as their name), and the marks that stand for hidden
secrets. Private.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff

from .._collector.manifests.pod import HASH_ANNOTATION
from .._otelcol.errors import join_at_most
from .._otelcol.kube.names import RELEASE_LABEL, SPEC_HASH

# What the name of a ConfigMap begins with in a difference.
_CONFIG_MAP = "ConfigMap "
# How many members of a group are named.
_SHOWN_MEMBERS = 10
# How many unchanged lines are shown around each changed one.
_CONTEXT_LINES = 2
# A unified diff begins with two lines, the names of both sides.
_NAME_LINES = 2
# What `make_salted_replacer` of _otelcol/config/masking.py makes of a secret, such as `***1a2b3c4d`.
_HIDDEN_SECRET = re.compile(r"\*{3}[0-9a-f]{8}\b")
# The annotations with a hash of the config or of a pod.
_HASH_FIELDS = (f"{HASH_ANNOTATION}:", f"{SPEC_HASH}:")
# The label of an object with the release that it is of, such as `obs.agent`: the namespace and the name of a collector.
_RELEASE_LINE = re.compile(rf"^ *{re.escape(RELEASE_LABEL)}: '?([\w.-]+)'?$", re.MULTILINE)
# A line that names an object or a release. Other lines, such as one of a config, may have the same text by chance.
_NAMING_LINE = re.compile(rf" *(?:- )?(?:name|{re.escape(RELEASE_LABEL)}): ")
# The end of the name of a ConfigMap with a config. Source: `_HASH_DIGITS` of _collector/manifests/build.py.
_HASH_DIGITS = re.compile(r"[0-9a-f]{10}\Z")


@dataclass(frozen=True)
class Difference:
    """An object or a file before and after a change, as text; empty where it does not exist."""

    name: str
    text_before: str
    text_after: str


@dataclass(frozen=True)
class MemberChange:
    """What would change on a cluster or a Linux host."""

    member: str
    differences: Sequence[Difference]
    other_changes: Sequence[str] = ()
    """Lines about changes without a difference of texts, such as a restart."""


def list_change_lines(changes: Iterable[MemberChange], noun: str, *, with_new_objects: bool) -> Iterator[str]:
    """Yield a line with the members of each group, and then the lines of its change.

    `noun` names one member, such as `cluster`. With `with_new_objects`, new objects are shown with their text.
    """
    groups_by_lines: dict[tuple[str, ...], list[MemberChange]] = {}
    for change in changes:
        # Compared without context: the lines around the same change may differ between members.
        lines = tuple(_list_member_lines(change, shows_new_text=with_new_objects, context=0))
        groups_by_lines.setdefault(lines, []).append(change)
    for group in groups_by_lines.values():
        plural = "" if len(group) == 1 else "s"
        member_names = [member_change.member for member_change in group]
        yield f"{len(group)} {noun}{plural}: {join_at_most(_SHOWN_MEMBERS, member_names)}"
        for line in _list_member_lines(group[0], shows_new_text=with_new_objects, context=_CONTEXT_LINES):
            yield f"  {line}"


def _list_member_lines(change: MemberChange, *, shows_new_text: bool, context: int) -> Iterator[str]:
    """Yield the lines of the change of one member.

    `context` is how many unchanged lines stand around each changed one. With `shows_new_text`, new objects have their
    text.
    """
    neutral_texts = _NeutralTexts(
        set(_list_config_names(change.differences)), _map_neutral_releases(change.differences)
    )
    for difference in map(_hide_namespace_of_new_object, change.differences):
        text_before = neutral_texts.make_neutral(difference.text_before)
        text_after = neutral_texts.make_neutral(difference.text_after)
        name = neutral_texts.make_name_neutral(_remove_namespace(difference.name))
        yield from _list_difference_lines(name, text_before, text_after, shows_new_text=shows_new_text, context=context)
    yield from change.other_changes


def _hide_namespace_of_new_object(difference: Difference) -> Difference:
    """Return a difference with `namespace: …` for each line of a new object that has the object's own namespace.

    That of a ClusterRoleBinding is the namespace of its release. Other objects keep these lines, because a namespace
    that changes inside an object is a change.
    """
    is_file_of_host = difference.name.startswith("/")
    namespace = difference.name.partition(" ")[2].rpartition("/")[0] or _find_release_namespace(difference.text_after)
    if difference.text_before or is_file_of_host or not namespace:
        return difference
    namespace_line = re.compile(rf"^( *(?:- )?namespace: '?){re.escape(namespace)}('?)$", re.MULTILINE)
    return replace(difference, text_after=namespace_line.sub(r"\1…\2", difference.text_after))


def _find_release_namespace(text: str) -> str:
    """Return the namespace of the release that an object is of; empty if it is of none."""
    release_line = _RELEASE_LINE.search(text)
    namespace, dot, _name = release_line[1].partition(".") if release_line else ("", "", "")
    return namespace if dot else ""


def _remove_namespace(name: str) -> str:
    """Return the name of an object without its namespace: `Service gateway` for `Service obs/gateway`.

    A file of a host keeps its path.
    """
    if name.startswith("/"):
        return name
    kind, _space, path = name.partition(" ")
    return f"{kind} {path.rpartition('/')[2]}" if path else name


def _list_config_names(differences: Iterable[Difference]) -> Iterator[str]:
    """Yield the names of the ConfigMaps with a config, without the hash at their end: of `gateway-1f0c…` `gateway`."""
    for difference in differences:
        name, _dash, hash_digits = _remove_namespace(difference.name).rpartition("-")
        if name.startswith(_CONFIG_MAP) and _HASH_DIGITS.match(hash_digits):
            yield name[len(_CONFIG_MAP) :]


def _map_neutral_releases(differences: Iterable[Difference]) -> dict[str, str]:
    """Return the releases of a member, each with its text without the namespace: of `obs.agent` `….agent`.

    Releases that differ in their namespace alone are left out: an object that goes from one to the other has changed.
    """
    releases_by_text: dict[str, set[str]] = {}
    for difference in differences:
        for release in _RELEASE_LINE.findall(f"{difference.text_before}\n{difference.text_after}"):
            _namespace, dot, name = release.partition(".")
            if dot:
                releases_by_text.setdefault(f"….{name}", set()).add(release)
    return {releases.pop(): text for text, releases in releases_by_text.items() if len(releases) == 1}


def _list_difference_lines(
    name: str, text_before: str, text_after: str, *, shows_new_text: bool, context: int
) -> Iterator[str]:
    """Yield the name of an object or a file and the lines of its difference.

    Without context, the lines `@@ -1,7 +1,8 @@` with places are left out, since places differ between members.
    """
    if not text_after:
        yield f"{name} would be deleted"
    elif not (text_before or shows_new_text):
        yield f"{name} would be created"
    else:
        diff_lines = list(unified_diff(text_before.splitlines(), text_after.splitlines(), n=context, lineterm=""))
        if diff_lines:
            yield name
        for line in diff_lines[_NAME_LINES:]:
            if context or not line.startswith("@@"):
                yield line


class _NeutralTexts:
    """The texts of one member without what differs between members whose configs change alike.

    `config_names` are the names of ConfigMaps without their hash, and `neutral_releases` has releases with their texts
    without a namespace. Each hidden secret of the member gets a number, the same wherever it stands: `***1a2b3c4d`
    becomes `***1`.
    """

    def __init__(self, config_names: Collection[str], neutral_releases: Mapping[str, str]) -> None:
        self._config_names = config_names
        self._neutral_releases = neutral_releases
        self._number_by_secret: dict[str, int] = {}

    def make_neutral(self, text: str) -> str:
        """Return a text with numbers for secrets, and without fields of hashes.

        It has `…` for hashes in names, and for the namespaces of releases in lines that name an object or a release.
        """
        for config_name in self._config_names:
            text = re.sub(rf"\b{re.escape(config_name)}-[0-9a-f]{{10}}\b", f"{config_name}-…", text)
        numbered_text = _HIDDEN_SECRET.sub(self._number_secret, text)
        kept_lines = []
        for line in numbered_text.splitlines():
            if not line.lstrip().startswith(_HASH_FIELDS):
                kept_lines.append(self._hide_namespaces_of_releases(line) if _NAMING_LINE.match(line) else line)
        return "\n".join(kept_lines)

    def make_name_neutral(self, name: str) -> str:
        """Return the name of an object as `make_neutral` does, with `…` for the namespaces of releases."""
        return self._hide_namespaces_of_releases(self.make_neutral(name))

    def _hide_namespaces_of_releases(self, text: str) -> str:
        """Return a text with `….agent` for the release `obs.agent`."""
        for release, neutral_release in self._neutral_releases.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(release)}(?![\w.])", neutral_release, text)
        return text

    def _number_secret(self, hidden_secret: re.Match[str]) -> str:
        number = self._number_by_secret.setdefault(hidden_secret[0], len(self._number_by_secret) + 1)
        return f"***{number}"


def read_differences(rows: Iterable[Mapping[str, str]]) -> list[Difference]:
    """Return the differences in the result of a task, which has them in the form of Ansible's option --diff."""
    return [Difference(str(row["after_header"]), str(row["before"] or ""), str(row["after"] or "")) for row in rows]
