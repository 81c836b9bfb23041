# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a page of HTML for tests: its elements, what a browser would fetch or run, and tags that are not closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID_ELEMENTS = {"meta", "link", "input", "br", "img", "hr"}
"""Elements without an end tag. Source: "Void elements" in the HTML standard, as far as the report uses them."""
LOADING_ATTRIBUTES = ("src", "srcset", "poster", "data", "background", "xlink:href", "action", "formaction")
"""Attributes whose value a browser would fetch or run. Links, which wait for a click, are not among them."""


@dataclass
class Element:
    """A start tag, with the text up to its end tag."""

    name: str
    attributes: dict[str, str]
    """Values by name; an attribute without a value has an empty one."""
    text: str = ""
    """The text of the element and of all elements in it."""


@dataclass
class Page(HTMLParser):
    """A page, as far as it was fed; `parse_page` feeds and closes it."""

    elements: list[Element] = field(default_factory=list)
    """Every element in the order of the start tags."""
    faults: list[str] = field(default_factory=list)
    """Every tag that is not closed as it should be."""
    open_elements: list[Element] = field(default_factory=list)
    """The elements whose end tag has not come yet, the outermost first."""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element; HTMLParser calls this."""
        element = self._add(tag, attrs)
        if tag not in VOID_ELEMENTS:
            self.open_elements.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element that ends with its start tag (`<path/>`); HTMLParser calls this."""
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, or note that another one is open; HTMLParser calls this."""
        innermost = self.open_elements[-1].name if self.open_elements else "nothing"
        if tag == innermost:
            self.open_elements.pop()
        else:
            self.faults.append(f"</{tag}> where {innermost} is open")

    def handle_data(self, data: str) -> None:
        """Add text to all open elements; HTMLParser calls this."""
        for element in self.open_elements:
            element.text += data

    def _add(self, tag: str, attributes: list[tuple[str, str | None]]) -> Element:
        element = Element(tag, {name: value or "" for name, value in attributes})
        self.elements.append(element)
        return element

    def find_elements(self, *names: str) -> list[Element]:
        """Return the elements with these names."""
        return [element for element in self.elements if element.name in names]

    @property
    def ids(self) -> list[str]:
        """The values of all attributes `id`."""
        return self._values("id")

    @property
    def links(self) -> list[str]:
        """The values of all attributes `href`."""
        return self._values("href")

    @property
    def loaded_addresses(self) -> list[str]:
        """The values of all attributes that a browser would fetch or run."""
        return self._values(*LOADING_ATTRIBUTES)

    @property
    def script_attributes(self) -> list[str]:
        """The names of all attributes with a script, such as `onclick`."""
        names: list[str] = []
        for element in self.elements:
            names += [name for name in element.attributes if name.startswith("on")]
        return names

    def _values(self, *names: str) -> list[str]:
        """Return the values of attributes with these names, element by element."""
        values: list[str] = []
        for element in self.elements:
            values += [element.attributes[name] for name in names if name in element.attributes]
        return values


def parse_page(text: str) -> Page:
    """Return a page. An element that is still open at its end is one of its faults."""
    page = Page()
    page.feed(text)
    page.close()
    page.faults += [f"<{element.name}> is never closed" for element in page.open_elements]
    return page
