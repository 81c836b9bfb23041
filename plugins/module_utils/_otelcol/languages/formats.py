# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small formats of settings: networks, patterns of files, XPath, and conditions on requests. Private.

Each function returns why the Collector refuses a text, and an empty text if it does not:
`find_network_fault("10.0.0.0")` is `it has no `/` and length`. Rules and ottl_literals.py ask here. Source: packages
net and unicode of Go, and request.go of the routing connector.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

# The longest prefix of a network, by the version of IP.
_LARGEST_PREFIX = {4: 32, 6: 128}
# Of a pattern of files: an escape, a class of characters, or a character that means itself.
_GLOB_TEXT = re.compile(r"\\.|\[(?:[!^](?:\\.|[^\]\\])+|(?:\\.|[^\]\\!^])(?:\\.|[^\]\\])*)\]|[^\\\[{}]", re.DOTALL)
# By how many levels a brace goes deeper.
_DEPTH_BY_BRACE = {"{": 1, "}": -1}
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_EMPTY_CLASS = re.compile(r"\[!?\]")
# Steps of XPath with a name and conditions without quotes and parentheses, such as `//a/@b[c]`.
_STEPS = re.compile(r"(?://?@?(?:\*|[A-Za-z_][\w.-]*)(?:\[[^\[\]()'\"\s]+\])*)*", re.ASCII)
# The begin of a condition with an open quote, such as `[@id='x`.
_OPEN_QUOTE = re.compile(r"\[@?[\w.-]+\s*!?=\s*(?:'[^']*|\"[^\"]*)\Z", re.ASCII)
# The parts of a condition on a request: `request["X-Tenant"] == "acme"`.
_COMPARED = re.compile(r"==|!=")
_FIELD_BEGIN = 'request["'
_FIELD_END = '"]'
_QUOTED = re.compile(r"\".*\"")


def find_network_fault(text: str) -> str:
    """Return why a text is not a network in CIDR notation; empty if it is one. Go takes no zone of IPv6 here."""
    address, slash, length = text.partition("/")
    try:
        largest_length = _LARGEST_PREFIX[ip_address(address).version]
    except ValueError:
        return f"'{address}' is not an IP address"
    if "%" in address:
        return "it has a zone"
    if not slash:
        return "it has no `/` and length"
    return "" if _is_number_up_to(largest_length, length) else f"its length is not a number from 0 to {largest_length}"


def _is_number_up_to(largest: int, text: str) -> bool:
    """Whether a text has the digits of a number from 0 to another one; a long text is not read."""
    if not text.isascii() or not text.isdigit():
        return False
    digits = text.lstrip("0") or "0"
    return len(digits) <= len(str(max(_LARGEST_PREFIX.values()))) and int(digits) <= largest


def find_request_fault(condition: str) -> str:
    """Return why the routing connector does not read a condition of context `request`; empty if it does."""
    comparisons = _COMPARED.findall(condition)
    if not comparisons:
        return "it has no `==` or `!=`"
    if len(comparisons) > 1:
        return "it has several comparisons"
    left_side, right_side = condition.split(comparisons[0])
    if not any(_FIELD_END in line.partition(_FIELD_BEGIN)[2] for line in left_side.split("\n")):
        return 'the left side is not `request["NAME"]`'
    return "" if _QUOTED.search(right_side) else "the right side is not text in quotes"


def find_glob_fault(text: str) -> str:
    """Return why a text is not a pattern of files with `[…]` and `{…}`; empty if it is one."""
    position = depth = 0
    while position < len(text) and depth >= 0:
        part_match = _GLOB_TEXT.match(text, position)
        if part_match:
            position = part_match.end()
            continue
        sign = text[position]
        if sign not in _DEPTH_BY_BRACE:
            return "a `[` has no characters or no `]`" if sign == "[" else "the last backslash escapes nothing"
        depth += _DEPTH_BY_BRACE[sign]
        position += 1
    return "its braces are not balanced" if depth else ""


def find_match_fault(text: str) -> str:
    """Return why OTTL does not read a pattern of `replace_match`; empty if it does."""
    unescaped = _ESCAPED.sub("x", text)
    is_open = unescaped.rfind("[") > unescaped.rfind("]")
    return "a `[` has no characters or no `]`" if is_open or _EMPTY_CLASS.search(unescaped) else ""


def find_xpath_fault(text: str) -> str:
    """Return why a path of XPath is refused; empty if it is not, or not judged: only its first steps are read."""
    if not text.strip():
        return "it is blank"
    first_steps = _STEPS.match(text)
    unread_rest = text[first_steps.end() :] if first_steps else ""
    if unread_rest in ("/", "//") and text != "/":
        return "nothing follows the last slash"
    if unread_rest.startswith("[") and "]" not in unread_rest:
        return "a `[` has no `]`"
    return "a quote is not closed" if _OPEN_QUOTE.match(unread_rest) else ""
