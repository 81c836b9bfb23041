# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in which a node keeps the logs of a collector's pods, and the globs of receiver file_log. Private.

A pod log is such a file, `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log`. A glob is a pattern of paths. Rules on
loops ask whether a receiver reads the log of the collector itself.

Sources: BuildPodLogsDirectory in the kubelet's pkg/kubelet/kuberuntime, GenerateName in the API server's
pkg/storage/names, SafeEncodeString in apimachinery's pkg/util/rand, and bmatcuk/doublestar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LOGS_ROOT = "/var/log/pods"
LINKS_ROOT = "/var/log/containers"
# The random parts of a pod's name have digits and letters without vowels, so they do not look like a word.
_RANDOM = "[^aeiou-]"
_POD_HASH = _RANDOM * 6 + "{,?,??,???,????}"
_SUFFIX = _RANDOM * 5
_ORDINAL = "{[0-9],[0-9][0-9],[0-9][0-9][0-9]}"
# The API server cuts what comes before the random end of a name.
_LONGEST_PREFIX = 58
_LONGEST_HASH = 10
_LONGEST_GLOB, _MOST_BRACES = 2000, 50
# The tokens of a glob: `**/`, `**`, a set in brackets such as `[!a-z]`, or one character, which `\` may escape.
_TOKEN = re.compile(r"\*\*/|\*\*|\[[!^]?[^\]]{1,64}\]|\\?.", re.DOTALL)
_CHARACTER_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)


class PodLogs(NamedTuple):
    """The log files of a workload's container on all nodes.

    `mode` is `daemonset`, `deployment` or `statefulset`. For a sidecar, whose pods have other owners, and for any other
    mode, the files are not known: `file_glob` and `example_paths` are empty.
    """

    mode: str
    namespace: str
    workload: str
    container: str

    @property
    def file_glob(self) -> str:
        """The glob of these files. It matches no pod of another workload whose name starts with the same words."""
        if self.mode not in _EXAMPLE_SUFFIXES:
            return ""
        return f"{LOGS_ROOT}/{self.namespace}_{self._glob_pod_names()}_*/{self.container}/*.log"

    @property
    def example_paths(self) -> tuple[str, ...]:
        """The path of one such file, and of the link to it."""
        if self.mode not in _EXAMPLE_SUFFIXES:
            return ()
        pod = f"{self.workload}-{_EXAMPLE_SUFFIXES[self.mode]}"
        file = f"{LOGS_ROOT}/{self.namespace}_{pod}_0b1c2d3e-0000-4000-8000-000000000000/{self.container}/0.log"
        return file, f"{LINKS_ROOT}/{pod}_{self.namespace}_{self.container}-{'0' * 64}.log"

    def _glob_pod_names(self) -> str:
        """Return the glob of the names of the pods."""
        if self.mode == "statefulset":
            return f"{self.workload}-{_ORDINAL}"
        prefix = f"{self.workload}-"
        if self.mode == "daemonset":
            return prefix[:_LONGEST_PREFIX] + _SUFFIX
        if len(prefix) + _LONGEST_HASH + 1 > _LONGEST_PREFIX:
            return f"{prefix[:_LONGEST_PREFIX]}*"
        return f"{prefix}{_POD_HASH}-{_SUFFIX}"


_EXAMPLE_SUFFIXES = {"daemonset": "x2x2x", "deployment": "5c4f9d7b6d-x2x2x", "statefulset": "0"}


def glob_matches(glob: str, path: str) -> bool:
    """Whether a glob of file_log matches a path, in steps that grow with their lengths alone."""
    if len(glob) > _LONGEST_GLOB or glob.count("{") > _MOST_BRACES:
        return False
    return len(path) in _match_tokens(iter(_TOKEN.findall(glob)), {0}, path)[0]


def _match_tokens(
    tokens: Iterator[str], places: set[int], path: str, in_alternative: bool = False
) -> tuple[set[int], str]:
    """Return the places in a path at which a match of all tokens can end, and the token that ended an alternative.

    `places` are those at which the match may begin. In braces (`in_alternative`), the tokens end with `,` or `}`; else
    the second result is empty.
    """
    for token in tokens:
        if in_alternative and token in (",", "}"):
            return places, token
        if token == "{":
            places = _match_alternatives(tokens, places, path)
        else:
            places = {end for start in places for end in _match_token(token, start, path)}
    return set() if in_alternative else places, ""


def _match_alternatives(tokens: Iterator[str], places: set[int], path: str) -> set[int]:
    """Return the places at which a match of one of the alternatives in braces can end; read up to the last brace."""
    ends: set[int] = set()
    stop_token = ","
    while stop_token == ",":
        alternative_ends, stop_token = _match_tokens(tokens, places, path, True)
        ends |= alternative_ends
    return ends


def _match_token(token: str, start: int, path: str) -> Iterable[int]:
    """Return where a token of a pattern may end in a path that it begins to match at a place."""
    if token == "**/":
        slashes = [index for index in range(start, len(path)) if path[index] == "/"]
        return [start, *(index + 1 for index in slashes)]
    if token == "**":
        return range(start, len(path) + 1)
    if token == "*":
        slash = path.find("/", start)
        name_ends = len(path) if slash < 0 else slash
        return range(start, name_ends + 1)
    if start < len(path) and _matches_character(token, path[start]):
        return [start + 1]
    return []


def _matches_character(token: str, character: str) -> bool:
    """Whether a token for one character matches it: itself, `?` or a set in brackets, neither of which has slashes."""
    if token == "?":
        return character != "/"
    if token[0] == "[" and len(token) > 1:
        return character != "/" and _is_in_set(token, character)
    return token[-1] == character


def _is_in_set(token: str, character: str) -> bool:
    """Whether a set in brackets, which `!` or `^` negates, has a character."""
    is_negated = token[1:2] in ("!", "^")
    members = token[2:-1] if is_negated else token[1:-1]
    for first_character, last_character in _CHARACTER_RANGE.findall(members):
        if first_character <= character <= (last_character or first_character):
            return not is_negated
    return is_negated
