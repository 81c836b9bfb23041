# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of HTML, read as a browser does: what it is made of, without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "hr"}
# What a browser would fetch, or run.
LOADS = ("src", "srcset", "poster", "data", "background", "xlink:href", "action", "formaction")


@dataclass
class Element:
    """A start tag, with all text that is between it and its end."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element in its order, and every tag that is not closed as it should be."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].name != tag:
            self.faults.append(f"</{tag}> where {self.open[-1].name if self.open else 'nothing'} is open")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *names: str) -> list[Element]:
        return [element for element in self.elements if element.name in names]

    @property
    def ids(self) -> list[str]:
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]

    @property
    def links(self) -> list[str]:
        return [element.attributes["href"] for element in self.elements if "href" in element.attributes]

    @property
    def loads(self) -> list[str]:
        return [element.attributes[name] for element in self.elements for name in LOADS if name in element.attributes]

    @property
    def handlers(self) -> list[str]:
        return [name for element in self.elements for name in element.attributes if name.startswith("on")]


def read(text: str) -> Page:
    """Return a page; all that was opened must be closed."""
    page = Page()
    page.feed(text)
    page.close()
    page.faults += [f"<{element.name}> is never closed" for element in page.open]
    return page
