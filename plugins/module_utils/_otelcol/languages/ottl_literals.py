# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single functions of OTTL refuse in literals: expressions, patterns, networks, formats, lengths. Private.

ottl_arguments.py asks here for each call of a text. Of `IsInCIDR(ip, ["10.0.0.0"])`, the argument `"10.0.0.0"` is
refused with the reason `'10.0.0.0' is not a network: it has no `/` and length` and the fix `Write a network such as
`10.0.0.0/8`.` Arguments are by their names in Go, such as `PatternDefinitions`.

A grok pattern is a text such as `%{IP:client}`, in which each reference stands for a regular expression with a name.
Source: pkg/ottl/ottlfuncs of opentelemetry-collector-contrib, and github.com/elastic/go-grok.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..errors import suggest_word
from .formats import find_match_fault, find_network_fault, find_xpath_fault
from .go_names import ENCODINGS, ZONES, is_encoding, is_time_zone
from .ottl_syntax import Value, ValueKind, unquote_text
from .regex import find_regex_refusal

GivenArguments = Mapping[str, Value]
"""The arguments of a call by their names in Go."""


class RefusedArgument(NamedTuple):
    """An argument that a function refuses."""

    value: Value
    why: str
    fix: str


class LiteralFault(NamedTuple):
    """What is wrong in a literal, and what to write instead; the fix is empty if nothing better is known."""

    why: str
    fix: str


RefusedArguments = Iterator[RefusedArgument]

# A directive of the format of a time, such as `%Y`.
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
# `%{PATTERN}`, `%{PATTERN:name}` and `%{PATTERN:name:type}`. Groups: the pattern, the name.
_GROK_REFERENCE = re.compile(r"%\{(\w+)(?::([\w.]+)(?::\w+)?)?\}", re.ASCII)
_NAMED_GROUP = re.compile(r"\(\?P?<")
_LONGEST_PATTERN = 50_000  # the longest text made of grok patterns that is judged
# How many bytes the ID of each function has.
_BYTES_OF_ID = {"TraceID": 16, "SpanID": 8, "ProfileID": 16}
# The encodings that are no character sets. Source: func_decode.go.
_BASE_ENCODINGS = ("base64", "base64-raw", "base64-raw-url", "base64-url")
# The defaults of ParseKeyValue and ToKeyValueString: between a key and its value, and between pairs.
_DELIMITER_IN_PAIR = "="
_DELIMITER_OF_PAIRS = " "


def find_literal_faults(kind: str, text: str) -> Iterator[LiteralFault]:
    """Yield what is wrong in a literal of a kind, and what to write instead.

    A kind is `regex`, `glob` or `time-format`; nothing is wrong in literals of other kinds.
    """
    if kind == "regex":
        refused_regex = find_regex_refusal(text.replace("$$", "$"))
        if refused_regex:
            yield LiteralFault(f"Go refuses this regular expression: {refused_regex.reason}", "")
    elif kind == "glob":
        fault = find_match_fault(text)
        if fault:
            yield LiteralFault(f"'{text}' is not a pattern: {fault}", "Write `\\\\[`.")
    elif kind == "time-format":
        fault = _find_format_fault(text)
        if fault:
            yield LiteralFault(fault, "Write directives such as `%Y-%m-%d %H:%M:%S`.")


def _find_format_fault(text: str) -> str:
    """Return why a text is no format of a time; empty if it is one."""
    for directive in _DIRECTIVE.finditer(text):
        if directive[1] not in _DIRECTIVES:
            return f"`{directive[0]}` is no directive of a time"
    if not text:
        return "the format of a time is empty"
    if re.search("[0-9]", text):
        return "the format of a time may have no digits"
    return ""


def find_refused_arguments(
    grok_patterns: Mapping[str, str], call: Value, given_arguments: GivenArguments
) -> RefusedArguments:
    """Yield what a function refuses in its arguments. `grok_patterns` has the known grok patterns."""
    if call.text == "ExtractGrokPatterns":
        yield from _refuse_grok(grok_patterns, given_arguments)
    if call.text in CHECKS:
        yield from CHECKS[call.text](call, given_arguments)


def _literal_text(value: Value | None) -> str | None:
    """Return the text of a literal; None for all other values, and for a literal with a wrong escape."""
    if value is None or value.kind != ValueKind.STRING:
        return None
    return unquote_text(value.text)


def _literal_number(value: Value | None) -> int | None:
    """Return the whole number of a literal without a sign; None for all other values."""
    if value is None or value.kind != ValueKind.INT or value.has_sign:
        return None
    return int(value.text)


def _refuse_grok(known_patterns: Mapping[str, str], given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a definition of a pattern that is none, or else why go-grok refuses the pattern."""
    definitions = given_arguments.get("PatternDefinitions")
    patterns = dict(known_patterns)
    for _name, definition_value in definitions.arguments if definitions else ():
        name, separator, definition = (_literal_text(definition_value) or "").partition("=")
        if not separator or ":" in name:
            why = "this is not the definition of a pattern"
            yield RefusedArgument(definition_value, why, "Write `NAME=REGEX`, without `:` in the name.")
            return
        patterns[name] = definition
    pattern = given_arguments.get("Pattern")
    text = _literal_text(pattern)
    if pattern is None or text is None:
        return
    only_named = given_arguments.get("NamedCapturesOnly")
    is_bare = only_named is not None and only_named.text == "true"
    for why, fix in _find_grok_faults(text.replace("$$", "$"), patterns, is_bare):
        yield RefusedArgument(pattern, why, fix)


def _find_grok_faults(text: str, regex_by_pattern: Mapping[str, str], only_named: bool) -> Iterator[LiteralFault]:
    """Yield why go-grok refuses a pattern; with `only_named`, patterns without a name of their own make no group.

    Nothing is yielded for a pattern that becomes too long when its references are replaced.
    """
    deepest_level = len(regex_by_pattern) + 1  # more are a circle
    for _level in range(deepest_level):
        names = [reference[1] for reference in _GROK_REFERENCE.finditer(text)]
        unknown_names = [name for name in names if name not in regex_by_pattern]
        if unknown_names:
            why = f"there is no grok pattern '{unknown_names[0]}'{suggest_word(unknown_names[0], regex_by_pattern)}"
            yield LiteralFault(why, "Define it in `pattern_definitions`.")
            return
        added_length = sum(len(regex_by_pattern[name]) for name in names)
        if len(text) + added_length > _LONGEST_PATTERN:
            return
        text = _GROK_REFERENCE.sub(lambda reference: _make_grok_group(reference, regex_by_pattern, only_named), text)
    if _GROK_REFERENCE.search(text):
        yield LiteralFault("grok patterns refer to each other in a circle", "Change `pattern_definitions`.")
        return
    refused_regex = find_regex_refusal(text)
    if refused_regex:
        yield LiteralFault(f"Go refuses the regular expression of this grok pattern: {refused_regex.reason}", "")
    elif only_named and not _NAMED_GROUP.search(text):
        yield LiteralFault("this grok pattern names no group", "Write `%{PATTERN:NAME}`.")


def _make_grok_group(reference: re.Match[str], regex_by_pattern: Mapping[str, str], only_named: bool) -> str:
    """Return the group that go-grok makes of a reference to a pattern, with its own name or that of the pattern."""
    pattern_name, own_name = reference[1], reference[2]
    regex = regex_by_pattern[pattern_name]
    if own_name:
        return f"(?P<{own_name.replace('.', '___')}>{regex})"
    if only_named:
        return f"({regex})"
    return f"(?P<{pattern_name}>{regex})"


def _refuse_networks(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield networks that are none, up to the first one that is not known."""
    networks = given_arguments.get("Networks")
    for _name, value in networks.arguments if networks else ():
        network = _literal_text(value)
        if network is None:  # the Collector reads the rest when it runs
            return
        fault = find_network_fault(network)
        if fault:
            yield RefusedArgument(
                value, f"'{network}' is not a network: {fault}", "Write a network such as `10.0.0.0/8`."
            )


def _refuse_delimiters(call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield empty delimiters, and that both delimiters are the same; they have defaults."""
    key_delimiter, pair_delimiter = given_arguments.get("Delimiter"), given_arguments.get("PairDelimiter")
    for delimiter in (key_delimiter, pair_delimiter):
        if delimiter and _literal_text(delimiter) == "":
            yield RefusedArgument(delimiter, "a delimiter is empty", "Write a delimiter, or leave it out.")
    key_delimiter_text = _literal_text(key_delimiter) if key_delimiter else _DELIMITER_IN_PAIR
    pair_delimiter_text = _literal_text(pair_delimiter) if pair_delimiter else _DELIMITER_OF_PAIRS
    if key_delimiter_text and key_delimiter_text == pair_delimiter_text:
        culprit = pair_delimiter or key_delimiter or call
        yield RefusedArgument(culprit, "the delimiter of pairs and the one of keys are the same", "Choose another one.")


def _refuse_column_delimiters(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield delimiters of columns that are not one character."""
    for name in ("Delimiter", "HeaderDelimiter"):
        text = _literal_text(given_arguments.get(name))
        if text is not None and len(text) != 1:
            yield RefusedArgument(
                given_arguments[name], "a delimiter is one character", "Write one character, such as `,`."
            )


def _refuse_key_limit(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield more priority keys than the limit lets through."""
    limit, keys = _literal_number(given_arguments.get("Limit")), given_arguments.get("PriorityKeys")
    if limit is not None and keys and len(keys.arguments) > limit:
        yield RefusedArgument(
            keys, f"{len(keys.arguments)} priority keys are more than the limit {limit}", "Set a higher limit."
        )


def _refuse_marker(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a marker that has more bytes than the limit, which is one of bytes."""
    limit = _literal_number(given_arguments.get("Limit"))
    marker = _literal_text(given_arguments.get("TruncationMarker"))
    if limit is not None and marker and len(marker.encode()) > limit:
        yield RefusedArgument(
            given_arguments["TruncationMarker"], f"the marker is longer than the limit {limit}", "Set a higher limit."
        )


def _refuse_depth(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a depth of zero."""
    if _literal_number(given_arguments.get("Depth")) == 0:
        yield RefusedArgument(given_arguments["Depth"], "the depth is at least 1", "Write a depth, or leave it out.")


def _refuse_empty_append(call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a call of `append` without a value."""
    if "Target" in given_arguments and not {"Value", "Values"} & set(given_arguments):
        yield RefusedArgument(call, "'append' has nothing to append", "Add `value` or `values`.")


def _refuse_encoding(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield the name of an encoding that the Collector does not know."""
    name = _literal_text(given_arguments.get("Encoding"))
    if name is not None and name not in _BASE_ENCODINGS and not is_encoding(name):
        why = f"'{name}' is not an encoding of text{suggest_word(name, (*_BASE_ENCODINGS, *ENCODINGS))}"
        yield RefusedArgument(given_arguments["Encoding"], why, "Write a name such as `utf-8` or `base64`.")


def _refuse_location(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield the name of a time zone that Go does not know."""
    name = _literal_text(given_arguments.get("Location"))
    if name is not None and not is_time_zone(name):
        why = f"'{name}' is not a time zone{suggest_word(name, ZONES)}"
        yield RefusedArgument(given_arguments["Location"], why, "Write a name such as `UTC`.")


def _refuse_xpath(call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a path of XPath that is none; an empty one is the default of functions that convert."""
    text = _literal_text(given_arguments.get("XPath"))
    is_default = text == "" and call.text.startswith("Convert")
    if text is None or is_default:
        return
    fault = find_xpath_fault(text)
    if fault:
        yield RefusedArgument(
            given_arguments["XPath"], f"this is not a path of XPath: {fault}", "Write a path such as `/a/b[@c='d']`."
        )


def _refuse_empty_values(_call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield an empty list of values."""
    values = given_arguments.get("Values")
    if values and values.kind == ValueKind.LIST and not values.arguments:
        yield RefusedArgument(values, "the list is empty", "Write at least one value.")


def _refuse_id(call: Value, given_arguments: GivenArguments) -> RefusedArguments:
    """Yield a literal that has not as many bytes as the ID, and not twice as many hexadecimal digits."""
    target = given_arguments.get("Target")
    content = _literal_bytes(target)
    if target is None or content is None:
        return
    size = _BYTES_OF_ID[call.text]
    digits = 2 * size
    is_hexadecimal = len(content) == digits and all(chr(byte) in string.hexdigits for byte in content)
    if len(content) != size and not is_hexadecimal:
        yield RefusedArgument(
            target, f"an ID of {call.text} has {size} bytes", f"Write `0x` and {digits} hexadecimal digits."
        )


def _literal_bytes(value: Value | None) -> bytes | None:
    """Return what a literal of a text or of bytes, such as `0x0a`, stands for; None for all other values."""
    if value is None:
        return None
    if value.kind == ValueKind.STRING:
        return (_literal_text(value) or "").encode()
    if value.kind == ValueKind.BYTES:
        return bytes.fromhex(value.text.removeprefix("0x"))
    return None


CHECKS: dict[str, Callable[[Value, GivenArguments], RefusedArguments]] = {
    "IsInCIDR": _refuse_networks,
    "ParseKeyValue": _refuse_delimiters,
    "ToKeyValueString": _refuse_delimiters,
    "ParseCSV": _refuse_column_delimiters,
    "limit": _refuse_key_limit,
    "truncate_all": _refuse_marker,
    "flatten": _refuse_depth,
    "append": _refuse_empty_append,
    "Coalesce": _refuse_empty_values,
    "Decode": _refuse_encoding,
    "Time": _refuse_location,
    **dict.fromkeys(("GetXML", "InsertXML", "RemoveXML"), _refuse_xpath),
    **dict.fromkeys(("ConvertAttributesToElementsXML", "ConvertTextToElementsXML"), _refuse_xpath),
    **dict.fromkeys(_BYTES_OF_ID, _refuse_id),
}
