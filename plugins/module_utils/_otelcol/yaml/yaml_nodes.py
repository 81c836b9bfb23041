# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tree of nodes a YAML text is: events of a YAML parser to nodes, in linear time and with bounded depth.

The text `a: [1, *b]` becomes a mapping, whose value is a list of pairs. The pair has the scalar `a` and a sequence,
whose value is the list of a scalar and an alias. `go_scalars.py` says what a scalar stands for.

The parser is given: PyYAML is on the controller, and on a host only where it is installed. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..config.source_nodes import ALIAS, FLOW, MAPPING, SCALAR, SEQUENCE, Node
from .go_scalars import TAG_PREFIX
from .yaml_errors import check_tag, check_tagged_value, explain_parser_error, refuse_missing_anchor, refuse_text

# Deeper than any config; a schema in a CustomResourceDefinition has about 60 levels.
DEEPEST_NODE = 150
_TAG_OF_TEXT = f"{TAG_PREFIX}str"


def read_document_roots(yaml: Any, text: str, file: str, is_strict: bool = False) -> Iterator[Node | None]:
    """Yield the root of every document in this text, as PyYAML parses it; None for an empty document.

    Raises InvalidYaml with file, line and column when it is no YAML; if strict, also for encrypted values and tags that
    nothing here knows.
    """
    # libyaml is not everywhere; the pure parser is slower. Neither takes a subclass of str, as Ansible has them.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events = iter(loader(str.__str__(text)).get_event, None)  # `get_event` returns None behind the last one
        yield from _TreeBuilder(yaml, file, is_strict).iterate_roots(events)
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise explain_parser_error(error, text, file) from error


class _TreeBuilder:
    """Builds trees from events with its own stack, so that no input exhausts the interpreter's stack.

    A mapping that is still open has its keys and values in one list.
    """

    def __init__(self, yaml: Any, file: str, is_strict: bool) -> None:
        self.yaml, self.file, self.strict = yaml, file, is_strict
        self.roots: list[Node] = []
        self.open_nodes: list[Node] = []
        """The mappings and sequences around the next node, the outermost first."""
        self.siblings = self.roots
        """The list that gets the next node: that of the innermost open node, or that of the roots."""
        self.anchors: dict[str, Node] = {}

    def iterate_roots(self, events: Iterator[Any]) -> Iterator[Node | None]:
        """Yield the root of each document of these events; None for an empty document."""
        handlers: dict[type, Callable[[Any], None]] = {
            self.yaml.ScalarEvent: self._add_scalar,
            self.yaml.MappingStartEvent: partial(self._open_node, MAPPING),
            self.yaml.SequenceStartEvent: partial(self._open_node, SEQUENCE),
            self.yaml.MappingEndEvent: self._close_node,
            self.yaml.SequenceEndEvent: self._close_node,
            self.yaml.AliasEvent: self._add_alias,
        }
        for event in events:
            handle = handlers.get(type(event))
            if handle:
                handle(event)
            elif isinstance(event, self.yaml.DocumentEndEvent):
                yield self.roots.pop() if self.roots else None
                self.anchors = {}

    def _add_scalar(self, event: Any) -> None:
        """Add a scalar. One without a tag that the parser does not take as plain is a text."""
        if event.tag and self.strict:
            check_tag(event, self.file)
            check_tagged_value(event, self.file)
        style = event.style or ""
        is_plain = event.implicit[0]
        tag = event.tag or ("" if style or is_plain else _TAG_OF_TEXT)
        self._add_node(Node(SCALAR, event.value, event.start_mark, event.end_mark, style, tag), event.anchor)

    def _open_node(self, node_kind: str, event: Any) -> None:
        """Add a mapping or a sequence, which gets the nodes up to its end."""
        if self.strict:
            check_tag(event, self.file)
        mark = event.start_mark
        node = Node(node_kind, [], mark, mark, FLOW if event.flow_style else "")
        if len(self.open_nodes) >= DEEPEST_NODE:
            raise refuse_text(f"it nests deeper than {DEEPEST_NODE} levels", self.file, node.start)
        self._add_node(node, event.anchor)
        self.open_nodes.append(node)
        self.siblings = node.value

    def _add_node(self, node: Node, anchor: str | None) -> None:
        """Add a node to the innermost open node, and keep it for the aliases of its anchor."""
        self.siblings.append(node)
        if anchor:
            self.anchors[anchor] = node

    def _close_node(self, event: Any) -> None:
        """End the innermost open node. The keys and values of a mapping become pairs."""
        node = self.open_nodes.pop()
        node.end_mark = event.end_mark
        if node.kind == MAPPING:
            keys_and_values = iter(node.value)
            # `zip` takes from one iterator by turns: `k1, v1, k2, v2` become `(k1, v1), (k2, v2)`.
            node.value = list(zip(keys_and_values, keys_and_values, strict=True))
        self.siblings = self.open_nodes[-1].value if self.open_nodes else self.roots

    def _add_alias(self, event: Any) -> None:
        """Add an alias of a node. Raises InvalidYaml for one without an anchor, or of a node around it."""
        target = self.anchors.get(event.anchor)
        if target is None:
            raise refuse_missing_anchor(self.file, event.start_mark)
        node = Node(ALIAS, target, event.start_mark, event.end_mark)
        if any(open_node is target for open_node in self.open_nodes):
            raise refuse_text("a part of it contains itself", self.file, node.start)
        self.siblings.append(node)
