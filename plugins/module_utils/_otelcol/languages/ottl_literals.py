# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single functions of OTTL refuse in literals: regular expressions, grok patterns, networks, formats, lengths.

Source: pkg/ottl/ottlfuncs of opentelemetry-collector-contrib, and github.com/elastic/go-grok. Private.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping

from ..errors import near
from . import ottl_syntax
from .formats import broken_elements, broken_match, broken_network
from .go_names import ENCODINGS, ZONES, is_encoding, is_zone
from .ottl_syntax import Value, text_of
from .regex import refusal

Given = Mapping[str, Value]
Wrong = Iterator[tuple[Value, str, str]]

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_GROK = re.compile(r"%\{(\w+)(?::([\w.]+)(?::\w+)?)?\}", re.ASCII)
_NAMED = re.compile(r"\(\?P?<")
_LONGEST = 50_000  # the longest text made of grok patterns that is judged
# How many bytes the ID of each function has.
_BYTES = {"TraceID": 16, "SpanID": 8, "ProfileID": 16}
# The encodings that are no character sets. Source: func_decode.go.
_BASES = ("base64", "base64-raw", "base64-raw-url", "base64-url")
# The defaults of ParseKeyValue and ToKeyValueString: between a key and its value, and between pairs.
_DELIMITER_IN_PAIR = "="
_DELIMITER_OF_PAIRS = " "


def broken_literal(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in a literal of a kind, and what to write instead.

    A kind is `regex`, `glob` or `time-format`; nothing is wrong in literals of other kinds.
    """
    if kind == "regex":
        refused = refusal(text.replace("$$", "$"))
        if refused:
            yield f"Go refuses this regular expression: {refused.why}", ""
    elif kind == "glob":
        why = broken_match(text)
        if why:
            yield f"'{text}' is not a pattern: {why}", "Write `\\\\[`."
    elif kind == "time-format":
        why = _broken_format(text)
        if why:
            yield why, "Write directives such as `%Y-%m-%d %H:%M:%S`."


def _broken_format(text: str) -> str:
    """Return why a text is no format of a time; empty if it is one."""
    for directive in _DIRECTIVE.finditer(text):
        if directive[1] not in _DIRECTIVES:
            return f"`{directive[0]}` is no directive of a time"
    if not text:
        return "the format of a time is empty"
    if re.search("[0-9]", text):
        return "the format of a time may have no digits"
    return ""


def refused_together(grok: Mapping[str, str], call: Value, given: Given) -> Wrong:
    """Yield what a function refuses in its arguments, by their names in Go; `grok` has the known grok patterns."""
    if call.text == "ExtractGrokPatterns":
        yield from _grok(grok, given)
    if call.text in CHECKS:
        yield from CHECKS[call.text](call, given)


def _text(value: Value | None) -> str | None:
    """Return the text of a literal; None for all other values, and for a literal with a wrong escape."""
    if value is None or value.kind != ottl_syntax.STRING:
        return None
    return text_of(value.text)


def _number(value: Value | None) -> int | None:
    """Return the whole number of a literal without a sign; None for all other values."""
    if value is None or value.kind != ottl_syntax.INT or value.signed:
        return None
    return int(value.text)


def _grok(known: Mapping[str, str], given: Given) -> Wrong:
    """Yield a definition of a pattern that is none, or else why go-grok refuses the pattern."""
    definitions = given.get("PatternDefinitions")
    patterns = dict(known)
    for _name, defining in definitions.arguments if definitions else ():
        name, sign, definition = (_text(defining) or "").partition("=")
        if not sign or ":" in name:
            yield defining, "this is not the definition of a pattern", "Write `NAME=REGEX`, without `:` in the name."
            return
        patterns[name] = definition
    pattern = given.get("Pattern")
    text = _text(pattern)
    if pattern is None or text is None:
        return
    only_named = given.get("NamedCapturesOnly")
    is_bare = only_named is not None and only_named.text == "true"
    for why, fix in _refused_grok(text.replace("$$", "$"), patterns, is_bare):
        yield pattern, why, fix


def _refused_grok(text: str, known: Mapping[str, str], is_bare: bool) -> Iterator[tuple[str, str]]:
    """Yield why go-grok refuses a pattern; with `is_bare`, patterns without a name of their own make no group.

    Nothing is yielded for a pattern that becomes too long when its references are replaced.
    """
    most_levels = len(known) + 1  # more are a circle
    for _level in range(most_levels):
        names = [reference[1] for reference in _GROK.finditer(text)]
        unknown = [name for name in names if name not in known]
        if unknown:
            why = f"there is no grok pattern '{unknown[0]}'{near(unknown[0], known)}"
            yield why, "Define it in `pattern_definitions`."
            return
        added_length = sum(len(known[name]) for name in names)
        if len(text) + added_length > _LONGEST:
            return
        text = _GROK.sub(lambda reference: _group(reference, known, is_bare), text)
    if _GROK.search(text):
        yield "grok patterns refer to each other in a circle", "Change `pattern_definitions`."
        return
    refused = refusal(text)
    if refused:
        yield f"Go refuses the regular expression of this grok pattern: {refused.why}", ""
    elif is_bare and not _NAMED.search(text):
        yield "this grok pattern names no group", "Write `%{PATTERN:NAME}`."


def _group(reference: re.Match[str], known: Mapping[str, str], is_bare: bool) -> str:
    """Return the group that go-grok makes of a reference to a pattern, with its own name or that of the pattern."""
    pattern_name, own_name = reference[1], reference[2]
    regex = known[pattern_name]
    if own_name:
        return f"(?P<{own_name.replace('.', '___')}>{regex})"
    if is_bare:
        return f"({regex})"
    return f"(?P<{pattern_name}>{regex})"


def _networks(_call: Value, given: Given) -> Wrong:
    """Yield networks that are none, up to the first one that is not known."""
    networks = given.get("Networks")
    for _name, value in networks.arguments if networks else ():
        network = _text(value)
        if network is None:  # the Collector reads the rest when it runs
            return
        why = broken_network(network)
        if why:
            yield value, f"'{network}' is not a network: {why}", "Write a network such as `10.0.0.0/8`."


def _delimiters(call: Value, given: Given) -> Wrong:
    """Yield empty delimiters, and that both delimiters are the same; they have defaults."""
    in_pair, of_pairs = given.get("Delimiter"), given.get("PairDelimiter")
    for delimiter in (in_pair, of_pairs):
        if delimiter and _text(delimiter) == "":
            yield delimiter, "a delimiter is empty", "Write a delimiter, or leave it out."
    text_in_pair = _text(in_pair) if in_pair else _DELIMITER_IN_PAIR
    text_of_pairs = _text(of_pairs) if of_pairs else _DELIMITER_OF_PAIRS
    if text_in_pair and text_in_pair == text_of_pairs:
        place = of_pairs or in_pair or call
        yield place, "the delimiter of pairs and the one of keys are the same", "Choose another one."


def _columns(_call: Value, given: Given) -> Wrong:
    """Yield delimiters of columns that are not one character."""
    for name in ("Delimiter", "HeaderDelimiter"):
        text = _text(given.get(name))
        if text is not None and len(text) != 1:
            yield given[name], "a delimiter is one character", "Write one character, such as `,`."


def _limit(_call: Value, given: Given) -> Wrong:
    """Yield more priority keys than the limit lets through."""
    most, keys = _number(given.get("Limit")), given.get("PriorityKeys")
    if most is not None and keys and len(keys.arguments) > most:
        yield keys, f"{len(keys.arguments)} priority keys are more than the limit {most}", "Set a higher limit."


def _marker(_call: Value, given: Given) -> Wrong:
    """Yield a marker that has more bytes than the limit, which is one of bytes."""
    most, marker = _number(given.get("Limit")), _text(given.get("TruncationMarker"))
    if most is not None and marker and len(marker.encode()) > most:
        yield given["TruncationMarker"], f"the marker is longer than the limit {most}", "Set a higher limit."


def _depth(_call: Value, given: Given) -> Wrong:
    """Yield a depth of zero."""
    if _number(given.get("Depth")) == 0:
        yield given["Depth"], "the depth is at least 1", "Write a depth, or leave it out."


def _appended(call: Value, given: Given) -> Wrong:
    """Yield a call of `append` without a value."""
    if "Target" in given and not {"Value", "Values"} & set(given):
        yield call, "'append' has nothing to append", "Add `value` or `values`."


def _encoding(_call: Value, given: Given) -> Wrong:
    """Yield the name of an encoding that the Collector does not know."""
    name = _text(given.get("Encoding"))
    if name is not None and name not in _BASES and not is_encoding(name):
        why = f"'{name}' is not an encoding of text{near(name, (*_BASES, *ENCODINGS))}"
        yield given["Encoding"], why, "Write a name such as `utf-8` or `base64`."


def _location(_call: Value, given: Given) -> Wrong:
    """Yield the name of a time zone that Go does not know."""
    name = _text(given.get("Location"))
    if name is not None and not is_zone(name):
        yield given["Location"], f"'{name}' is not a time zone{near(name, ZONES)}", "Write a name such as `UTC`."


def _elements(call: Value, given: Given) -> Wrong:
    """Yield a path of XPath that is none; an empty one is the default of functions that convert."""
    text = _text(given.get("XPath"))
    is_default = text == "" and call.text.startswith("Convert")
    if text is None or is_default:
        return
    why = broken_elements(text)
    if why:
        yield given["XPath"], f"this is not a path of XPath: {why}", "Write a path such as `/a/b[@c='d']`."


def _values(_call: Value, given: Given) -> Wrong:
    """Yield an empty list of values."""
    values = given.get("Values")
    if values and values.kind == ottl_syntax.LIST and not values.arguments:
        yield values, "the list is empty", "Write at least one value."


def _id(call: Value, given: Given) -> Wrong:
    """Yield a literal that has not as many bytes as the ID, and not twice as many hexadecimal digits."""
    target = given.get("Target")
    content = _bytes(target)
    if target is None or content is None:
        return
    size = _BYTES[call.text]
    digits = 2 * size
    is_hexadecimal = len(content) == digits and all(chr(byte) in string.hexdigits for byte in content)
    if len(content) != size and not is_hexadecimal:
        yield target, f"an ID of {call.text} has {size} bytes", f"Write `0x` and {digits} hexadecimal digits."


def _bytes(value: Value | None) -> bytes | None:
    """Return what a literal of a text or of bytes, such as `0x0a`, stands for; None for all other values."""
    if value is None:
        return None
    if value.kind == ottl_syntax.STRING:
        return (_text(value) or "").encode()
    if value.kind == ottl_syntax.BYTES:
        return bytes.fromhex(value.text.removeprefix("0x"))
    return None


CHECKS: dict[str, Callable[[Value, Given], Wrong]] = {
    "IsInCIDR": _networks,
    "ParseKeyValue": _delimiters,
    "ToKeyValueString": _delimiters,
    "ParseCSV": _columns,
    "limit": _limit,
    "truncate_all": _marker,
    "flatten": _depth,
    "append": _appended,
    "Coalesce": _values,
    "Decode": _encoding,
    "Time": _location,
    **dict.fromkeys(("GetXML", "InsertXML", "RemoveXML"), _elements),
    **dict.fromkeys(("ConvertAttributesToElementsXML", "ConvertTextToElementsXML"), _elements),
    **dict.fromkeys(_BYTES, _id),
}
