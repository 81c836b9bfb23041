# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of a YAML parser to nodes, in linear time and with bounded depth, and scalars as go-yaml reads them.

The parser is given: PyYAML is on the controller, and on a host only where it is installed. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from ..config.paths import Position
from ..config.source_nodes import ALIAS, MAPPING, SCALAR, SEQUENCE, Mark, Node
from ..errors import Problem

# Deeper than any config; a schema in a CustomResourceDefinition has about 60 levels.
DEEPEST = 150
INVALID = "this is not valid YAML"

# Python writes numbers of at most 4,300 digits in decimal; no setting has a tenth of that.
_LARGEST_NUMBER = 10**400

# Ansible marks text that holds no template; it is text here too. `!` alone says that a value is text.
_TAGS_OF_TEXT = ("!", "!unsafe")
VAULT_TAGS = ("!vault", "!vault-encrypted")
# What ansible-vault encrypts begins with it.
VAULT_HEADER = "$ANSIBLE_VAULT;"
ENCRYPTED = "Nothing decrypts it here: docs/start.md shows the way of a value from a vault to a Secret."

# Tags that other programs know: CloudFormation, GitLab, Home Assistant and others. An error shows no other tag, and no
# alias: it may be a password that begins with `!` or `*` and lacks its quotes.
_OF_OTHERS = frozenset(
    f"!{name}"
    for name in (
        *("Base64", "Cidr", "Condition", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Not"),
        *("Or", "And", "Ref", "Select", "Split", "Sub", "Transform", "ENV", "env", "include", "reference", "secret"),
    )
)
_NAME = re.compile(r"(?<=tag handle) '[^'\n]*'")  # in an error of the parser
_NEEDS_QUOTES = "Put a text that begins with `!`, `*` or `&` in quotes."

_TAG = "tag:yaml.org,2002:"
_TEXT = _TAG + "str"
# The tags that YAML itself has, which `!!` stands before. Source: https://yaml.org/type/
_TAGS_OF_YAML = frozenset(
    _TAG + name
    for name in (
        *("binary", "bool", "float", "int", "map", "merge", "null", "omap", "pairs", "seq", "set", "str", "timestamp"),
    )
)

# The scalars of YAML 1.2's core schema, as go-yaml resolves them; `yes`, `on` and `1:30` are text there. It ignores `_`
# behind the first digit of a number, and takes signs before all numbers, and prefixes in both cases. Source: what
# `otelcol-contrib print-config` of 0.158.0 answers.
SCALARS = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:[0-9][0-9_]*|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|0[bB][01_]+)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_BY_FIRST: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _name, _pattern, _first in SCALARS:
    for _character in _first:
        _BY_FIRST.setdefault(_character, []).append((_name, re.compile(rf"\A(?:{_pattern})\Z")))


class Invalid(Problem):
    """Invalid YAML, with the position of the error."""

    def __init__(self, why: str, position: Position, fix: str) -> None:
        self.position = position
        super().__init__(f"{INVALID}: {why}", where=str(position), fix=fix)


def compose(yaml: Any, text: str, file: str, strict: bool = False) -> Iterator[Node | None]:
    """Yield the root of every document in this text, as PyYAML parses it.

    Raises Problem with file, line and column when it is no YAML; if strict, also for encrypted values and tags that
    nothing here knows.
    """
    # libyaml is not everywhere; the pure parser is slower. Neither takes a subclass of str, as Ansible has them.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from _Composer(yaml, file, strict).documents(iter(loader(str.__str__(text)).get_event, None))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        why = _TAB if mark and _has_tab(text, mark) else _NAME.sub("", str(error.problem))
        raise Invalid(why, where, "Correct it there, or just before.") from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise Invalid(str(error), Position(file), "Save it as UTF-8 text.") from error


_TAB = "a tab stands where YAML takes blanks alone"


def _has_tab(text: str, mark: Any) -> bool:
    """Whether the character at a place of a text is a tab."""
    line = next(islice(text.splitlines(), mark.line, None), "")
    return line[mark.column : mark.column + 1] == "\t"


def refused_text(why: str, file: str, mark: Mark) -> Invalid:
    """Return the Problem of a text whose size or structure exceeds a limit."""
    return Invalid(why, _place(file, mark), "Correct it there, or just before.")


def _place(file: str, mark: Mark) -> Position:
    return Position(file, mark[0] + 1, mark[1] + 1)


class _Composer:
    """Builds trees from events with its own stack, so that no input exhausts the interpreter's stack.

    A mapping that is still open has its keys and values in one list.
    """

    def __init__(self, yaml: Any, file: str, strict: bool) -> None:
        self.yaml, self.file, self.strict = yaml, file, strict
        self.open: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.roots: list[Node] = []
        self.inside = self.roots  # the list of the innermost open node

    def documents(self, events: Iterator[Any]) -> Iterator[Node | None]:
        scalar, end = self.yaml.ScalarEvent, self.yaml.DocumentEndEvent
        handlers: dict[Any, Callable[[Any], None]] = {
            self.yaml.MappingStartEvent: partial(self._start, MAPPING),
            self.yaml.SequenceStartEvent: partial(self._start, SEQUENCE),
            self.yaml.MappingEndEvent: self._end,
            self.yaml.SequenceEndEvent: self._end,
            self.yaml.AliasEvent: self._alias,
        }
        for event in events:
            kind = type(event)
            if kind is scalar:  # as most
                style = event.style or ""
                if event.tag:
                    self._check_tag(event)
                    self._check_value(event)
                tag = event.tag or ("" if style or event.implicit[0] else _TEXT)
                node = Node(SCALAR, event.value, event.start_mark, event.end_mark, style, tag)
                self.inside.append(node)
                if event.anchor:
                    self.anchors[event.anchor] = node
            elif kind in handlers:
                handlers[kind](event)
            elif kind is end:
                yield self.roots.pop() if self.roots else None
                self.anchors = {}

    def _start(self, kind: str, event: Any) -> None:
        mark = event.start_mark
        self._check_tag(event)
        if len(self.open) >= DEEPEST:
            raise refused_text(f"it nests deeper than {DEEPEST} levels", self.file, (mark.line, mark.column))
        node = Node(kind, [], mark, mark, "flow" if event.flow_style else "")
        self.inside.append(node)
        if event.anchor:
            self.anchors[event.anchor] = node
        self.open.append(node)
        self.inside = node.value

    def _check_tag(self, event: Any) -> None:
        """Refuse a value that only Ansible decrypts, and a tag that means something to another program."""
        tag, mark = event.tag or "", event.start_mark
        if not self.strict or not tag or tag in _TAGS_OF_TEXT or tag in _TAGS_OF_YAML:
            return
        position = Position(self.file, mark.line + 1, mark.column + 1)
        if tag in VAULT_TAGS:
            raise Invalid(f"the value is encrypted ({tag})", position, ENCRYPTED)
        if tag in _OF_OTHERS:
            raise Invalid(f"the tag {tag} is unknown", position, "Write the value that it stands for.")
        raise Invalid("a tag is unknown", position, f"{_NEEDS_QUOTES} Write the value that a tag stands for.")

    def _check_value(self, event: Any) -> None:
        """Refuse a value that is not what its tag says, such as `!!int x`, as go-yaml does."""
        fits = _TYPES.get(event.tag)
        if self.strict and fits and not isinstance(plain(event.value), fits):
            name = event.tag.removeprefix(_TAG)
            mark = (event.start_mark.line, event.start_mark.column)
            wrong = f"a value has the tag !!{name}, and is no {name}"
            raise Invalid(wrong, _place(self.file, mark), "Remove the tag, or correct the value.")

    def _end(self, event: Any) -> None:
        node = self.open.pop()
        node.final = event.end_mark
        if node.kind == MAPPING:
            parts = iter(node.value)
            node.value = list(zip(parts, parts, strict=True))
        self.inside = self.open[-1].value if self.open else self.roots

    def _alias(self, event: Any) -> None:
        target = self.anchors.get(event.anchor)
        node = Node(ALIAS, target, event.start_mark, event.end_mark)
        if target is None:
            raise Invalid("an alias has no anchor", _place(self.file, node.start), _NEEDS_QUOTES)
        if any(one is target for one in self.open):
            raise refused_text("a part of it contains itself", self.file, node.start)
        self.inside.append(node)


# What a value without its tag may be, by the tag.
_TYPES: dict[str, tuple[type, ...]] = {
    _TAG + "null": (type(None),),
    _TAG + "bool": (bool,),
    _TAG + "int": (int,),
    _TAG + "float": (int, float),
}


def scalar(node: Node) -> Any:
    if node.tag:
        return _converted(node.tag.removeprefix(_TAG), node.value)
    return node.value if node.style else plain(node.value)


@lru_cache(maxsize=4096)
def plain(text: str) -> Any:
    """Return what a text without quotes and tag stands for; configs repeat most of them."""
    if not text:
        return None
    kind = next((name for name, pattern in _BY_FIRST.get(text[0], ()) if pattern.match(text)), "")
    return _converted(kind, text)


def _converted(kind: str, text: str) -> Any:
    try:
        return _CONVERT[kind](text) if kind in _CONVERT else text
    except ValueError:  # a wrong tag in a text of Ansible, or a number with too many digits
        return text


def _integer(text: str) -> float | str:
    """Return a decimal number, or one with a prefix: 0x, 0o or 0b.

    For go-yaml, a leading zero is YAML 1.1's octal too, and a number that is none because of an 8 or 9 is a float.
    """
    digits = text.replace("_", "")
    if not re.fullmatch(r"[-+]?0[0-9]+", digits):
        return short_number(int(digits, 0), text)
    if "8" in digits or "9" in digits:
        return short_number(float(digits), text)
    return short_number(int(digits, 8), text)


def short_number(number: float, text: str) -> float | str:
    """Return a number, or the text of one that has more digits than Python writes in decimal."""
    return number if abs(number) < _LARGEST_NUMBER else text


def _float(text: str) -> float:
    """Return a number with a fraction or an exponent, infinity, or what is no number."""
    return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


_CONVERT: dict[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
}
