# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a config, paths into it, nodes with their positions, addresses, and references to variables. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

Path = tuple["str | int", ...]
Config = Mapping[str, Any]
_SCALARS = (str, int, float, type(None))  # asked first, for they are most
_TREES = (dict, list, tuple, Mapping)


@dataclass(frozen=True, order=True)
class Position:
    """A place in a source: file (or a description of it), line and column, both from 1; 0 where unknown.

    `inside` returns how many lines and columns a character of the text at this place is away; no column is unknown.
    `spelled` returns a scalar without quotes as the source has it, or an empty text.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    inside: Callable[[int], tuple[int, int | None]] | None = field(default=None, compare=False, repr=False)
    spelled: Callable[[], str] = field(default=str, compare=False, repr=False)

    def within(self, offset: int) -> Position:
        """Return the place of a character of the text that stands here."""
        lines, columns = self.inside(offset) if self.inside else (0, 0)
        return Position(self.file, self.line + lines, 0 if columns is None else self.column + columns)

    def __str__(self) -> str:
        """Return `file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


def dotted(path: Path) -> str:
    """Return the path as people write it: `service.pipelines.traces.exporters[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def at(config: Any, path: Path, default: Any = None) -> Any:
    """Return the value at a path, or the default where the path leads nowhere."""
    try:
        for part in path:
            if isinstance(config, dict) and part not in config:  # most paths end so, and an exception takes longer
                return default
            config = config[part]
    except (KeyError, IndexError, TypeError):
        return default
    return config


def section(config: Any, *path: str) -> dict[str, Any]:
    """Return the mapping at a path; an empty one where there is none or it is no mapping."""
    for part in path:
        config = config.get(part) if isinstance(config, dict) else at(config, (part,))
    return config if isinstance(config, dict) else {}


def items(config: Any, *path: str) -> list[Any]:
    """Return the list at a path; an empty one where there is none or it is no list."""
    value = at(config, path)
    return value if isinstance(value, list) else []


def mappings(config: Any, *path: str) -> list[dict[str, Any]]:
    """Return the items of the list at a path that are mappings; a file may have anything."""
    return [item for item in items(config, *path) if isinstance(item, dict)]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar below a value with its path, in order; iterative, so that depth cannot exhaust the stack."""
    stack = [(path, _children(value))] if isinstance(value, _TREES) else []
    if not stack:
        yield path, value
    while stack:
        here, children = stack[-1]
        for key, item in children:
            if isinstance(item, _SCALARS) or not isinstance(item, _TREES):
                yield (*here, key), item
            else:
                stack.append(((*here, key), _children(item)))
                break
        else:
            stack.pop()


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return the keys of a mapping, or the indexes of a list, each with what stands there."""
    return iter(enumerate(value) if isinstance(value, (list, tuple)) else value.items())


SECTIONS = ("receivers", "processors", "connectors", "exporters", "extensions")

# The parts of a pipeline, and the sections in which their ids are defined: a connector stands where a receiver or an
# exporter may.
ROLES = {
    "receivers": ("receivers", "connectors"),
    "processors": ("processors",),
    "exporters": ("exporters", "connectors"),
}


Mark = tuple[int, int]  # line and column, both from 0

SCALAR, MAPPING, SEQUENCE, ALIAS = "scalar", "mapping", "sequence", "alias"
LITERAL, FOLDED = "|", ">"
# What ends a line for a YAML parser, and all of it but what ends most lines.
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_RARE_ENDS = "\r\x85\u2028\u2029"


@dataclass(slots=True)
class Node:
    """A scalar, mapping or sequence; an alias is a node of its own, whose value is what it stands for.

    `value` is text, a list of pairs, a list of nodes or a node. `style` is a scalar's quote or block sign, or `flow`.
    `first` and `final` are the parser's marks: where a node starts and ends is asked of few nodes.
    """

    kind: str
    value: Any
    first: Any
    final: Any
    style: str = ""
    tag: str = ""

    @property
    def start(self) -> Mark:
        """Return where this node starts."""
        return self.first.line, self.first.column

    @property
    def end(self) -> Mark:
        """Return where this node ends."""
        return self.final.line, self.final.column

    def text(self) -> str:
        """Return a scalar without quotes as it is spelled."""
        return "" if self.style else str(self.value)

    def last(self) -> Mark:
        """Return where the last thing in this node ends; a block has no end sign of its own."""
        node = self
        while node.value and node.style != "flow":
            if node.kind == MAPPING:
                _key, node = node.value[-1]
            elif node.kind == SEQUENCE:
                node = node.value[-1]
            else:
                break
        return node.end


def resolve_alias(node: Node) -> Node:
    """Return what an alias stands for, or the node itself."""
    return node.value if node.kind == ALIAS else node


def find_node(
    node: Node, path: Path, read: Callable[[Node], Any], seen: dict[int, dict[Any, tuple[Node, Node]]] | None = None
) -> tuple[Node | None, Node] | None:
    """Return the key node (None in a list) and the value node at a path; aliases and merged keys lead nowhere.

    `read` gives the data of a key, `seen` keeps the keys of each mapping for the next search in the same tree.
    """
    pairs_by_mapping = {} if seen is None else seen
    key_node, inner = None, node
    for part in path:
        if inner.kind == SEQUENCE and isinstance(part, int):
            if part >= len(inner.value):
                return None
            key_node, inner = None, inner.value[part]
            continue
        if id(inner) not in pairs_by_mapping:
            pairs = inner.value if inner.kind == MAPPING else []
            pairs_by_mapping[id(inner)] = {read(key): (key, value) for key, value in pairs}
        pair = pairs_by_mapping[id(inner)].get(part)
        if pair is None:
            return None
        key_node, inner = pair
    return key_node, inner


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as a YAML parser counts them, without their ends."""
    return LINE_END.split(text) if any(end in text for end in _RARE_ENDS) else text.split("\n")


LOCALHOST = "localhost"
# The IP families by their names in Kubernetes.
IPV4, IPV6 = "IPv4", "IPv6"
ANY_IPV4 = "0.0.0.0"
ANY = ("", ANY_IPV4, "::")
LARGEST_PORT = 65535
_DIGITS = len(str(LARGEST_PORT))
_DESTINATION = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):///?)?(?:[^/?#\\\s]*@)?(\[[^\]]*\]|[^:/?#\\\s]*)")
# `gateway.monitoring` is a Service and its namespace, `example.com` is not: by the length of the last label.
_SERVICE_AND_NAMESPACE = 2
_LONGEST_USUAL_DOMAIN = 5
_LARGEST_AMOUNT = 1e18
_INSIDE = (".svc", ".local", ".internal", ".localdomain")


def address(endpoint: Any) -> tuple[str, int | None]:
    """Return host and port of `host:port`; no port where it is none, or is known only when the collector runs."""
    host, _colon, digits = str(endpoint).rpartition(":")
    is_number = digits.isdecimal() and len(digits) <= _DIGITS
    if is_number and 0 < int(digits) <= LARGEST_PORT:
        return host.strip("[]"), int(digits)
    return host.strip("[]"), None


def is_loopback(host: str) -> bool:
    """Whether only the same pod or machine reaches a host."""
    return host in (LOCALHOST, "::1") or host.startswith("127.")


def hosts_overlap(one: str, two: str) -> bool:
    """Whether two hosts share an address; `0.0.0.0` is every address but those of IPv6, which have colons."""
    hosts = {LOCALHOST if host == "127.0.0.1" else host for host in (one, two)}
    is_same = len(hosts) == 1
    is_every_address = bool(hosts & {"", "::"})
    if is_same or is_every_address:
        return True
    return ANY_IPV4 in hosts and not any(map(_is_ipv6, hosts))


def _is_ipv6(host: str) -> bool:
    """Whether a host is an address of IPv6; a variable with a default has a colon too."""
    return ":" in host and "$" not in host


def destination(endpoint: Any) -> tuple[str, str]:
    """Return scheme and host that an endpoint sends to, each empty where unknown; a variable is unknown."""
    match = _DESTINATION.match(endpoint) if isinstance(endpoint, str) else None
    if match is None:
        return "", ""
    scheme, host = (match[1] or "").lower(), match[2].strip("[]").lower()
    is_unknown = "$" in host or scheme == "unix"
    return scheme, "" if is_unknown else host


def is_inside(host: str) -> bool:
    """Whether a host's name is in the cluster or the private network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return _is_name_inside(host)


def _is_name_inside(host: str) -> bool:
    """Whether a name is of the cluster or the private network: without a domain, or with one that is used there."""
    if host.endswith(_INSIDE) or ".svc." in host:
        return True
    labels = host.split(".")
    if len(labels) == 1:
        return True
    return len(labels) == _SERVICE_AND_NAMESPACE and len(labels[-1]) > _LONGEST_USUAL_DOMAIN


def amount(text: str) -> float:
    """Return the number in a text, such as a sample of a metric; 0 if it is none or beyond all counts."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return number if abs(number) < _LARGEST_AMOUNT else 0


# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`; `$$` is a literal dollar.
# Source: confmap/expand.go and confmap/provider/envprovider.
REFERENCE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-(?:[^}$]|\$(?!\{))*)?\}")


def without_references(value: Any, known: Mapping[str, str], unknown: str) -> Any:
    """Return a tree in which references are replaced: by what is known, by their default, or by `unknown`."""
    if isinstance(value, dict):
        return {key: without_references(item, known, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [without_references(item, known, unknown) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        default = unknown if match[2] is None else match[2].removeprefix(":-")
        return known.get(match[1], default)

    return REFERENCE.sub(replaced, value)
