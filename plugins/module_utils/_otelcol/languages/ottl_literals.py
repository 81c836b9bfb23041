# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Collector refuses in literals of OTTL: expressions, patterns, networks, formats, lengths. Private.

ottl_arguments.py asks here for each text in quotes and for each call. There are two kinds of faults:

- `find_literal_faults` judges a literal by the kind of the argument, whatever the function: a `regex` is no regular
  expression.
- `find_argument_faults` judges the arguments of single functions, by `_FAULT_FINDERS`. Of `IsInCIDR(ip, ["10.0.0.0"])`,
  it yields the argument `"10.0.0.0"`, the reason `'10.0.0.0' is not a network: it has no `/` and length`, and the fix
  `Write a network such as `10.0.0.0/8`.`

Only literals are judged: what a path or a converter returns is known when the Collector runs. Arguments are by their
names in Go, such as `PatternDefinitions`. Source: pkg/ottl/ottlfuncs of opentelemetry-collector-contrib.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..config.variable_references import unescape_dollars
from ..errors import suggest_word
from .formats import find_match_fault, find_network_fault, find_xpath_fault
from .go_encodings import ENCODINGS, is_encoding
from .go_time_zones import ZONES, is_time_zone
from .grok_patterns import LiteralFault, find_grok_fault
from .ottl_syntax import Value, ValueKind, unquote_text
from .regex import find_regex_refusal

GivenArguments = Mapping[str, Value]
"""The arguments of a call by their names in Go."""


class ArgumentFault(NamedTuple):
    """An argument that a function refuses, or the call itself if an argument is missing."""

    value: Value
    why: str
    fix: str


ArgumentFaults = Iterator[ArgumentFault]

# A directive of the format of a time, such as `%Y`.
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
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
        refused_regex = find_regex_refusal(unescape_dollars(text))
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


def find_argument_faults(
    grok_patterns: Mapping[str, str], call: Value, given_arguments: GivenArguments
) -> ArgumentFaults:
    """Yield what a function refuses in its arguments. `grok_patterns` has the regular expressions of known patterns."""
    if call.text == "ExtractGrokPatterns":  # not in the table, since only it needs the known patterns
        yield from _find_grok_faults(grok_patterns, given_arguments)
    if call.text in _FAULT_FINDERS:
        yield from _FAULT_FINDERS[call.text](call, given_arguments)


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


def _find_grok_faults(known_patterns: Mapping[str, str], given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a definition of a pattern that is none, or else why go-grok refuses the pattern."""
    definitions = given_arguments.get("PatternDefinitions")
    patterns = dict(known_patterns)
    for _name, definition_value in definitions.arguments if definitions else ():
        name, separator, definition = (_literal_text(definition_value) or "").partition("=")
        if not separator or ":" in name:
            why = "this is not the definition of a pattern"
            yield ArgumentFault(definition_value, why, "Write `NAME=REGEX`, without `:` in the name.")
            return
        patterns[name] = definition
    pattern = given_arguments.get("Pattern")
    text = _literal_text(pattern)
    if pattern is None or text is None:
        return
    only_named_value = given_arguments.get("NamedCapturesOnly")
    only_named = only_named_value is not None and only_named_value.text == "true"
    fault = find_grok_fault(unescape_dollars(text), patterns, only_named)
    if fault:
        yield ArgumentFault(pattern, fault.why, fault.fix)


def _find_network_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield networks that are none, up to the first item that is no literal."""
    networks = given_arguments.get("Networks")
    for _name, value in networks.arguments if networks else ():
        network = _literal_text(value)
        if network is None:  # with a path or converter in the list, the Collector reads all that follows when it runs
            return
        fault = find_network_fault(network)
        if fault:
            yield ArgumentFault(
                value, f"'{network}' is not a network: {fault}", "Write a network such as `10.0.0.0/8`."
            )


def _find_delimiter_faults(call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield empty delimiters, and that both delimiters are the same; they have defaults."""
    key_delimiter, pair_delimiter = given_arguments.get("Delimiter"), given_arguments.get("PairDelimiter")
    for delimiter in (key_delimiter, pair_delimiter):
        if delimiter and _literal_text(delimiter) == "":
            yield ArgumentFault(delimiter, "a delimiter is empty", "Write a delimiter, or leave it out.")
    key_delimiter_text = _literal_text(key_delimiter) if key_delimiter else _DELIMITER_IN_PAIR
    pair_delimiter_text = _literal_text(pair_delimiter) if pair_delimiter else _DELIMITER_OF_PAIRS
    if key_delimiter_text and key_delimiter_text == pair_delimiter_text:
        culprit = pair_delimiter or key_delimiter or call
        yield ArgumentFault(culprit, "the delimiter of pairs and the one of keys are the same", "Choose another one.")


def _find_column_delimiter_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield delimiters of columns that are not one character."""
    for name in ("Delimiter", "HeaderDelimiter"):
        text = _literal_text(given_arguments.get(name))
        if text is not None and len(text) != 1:
            yield ArgumentFault(
                given_arguments[name], "a delimiter is one character", "Write one character, such as `,`."
            )


def _find_key_limit_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield more priority keys than the limit lets through."""
    limit, keys = _literal_number(given_arguments.get("Limit")), given_arguments.get("PriorityKeys")
    if limit is not None and keys and len(keys.arguments) > limit:
        yield ArgumentFault(
            keys, f"{len(keys.arguments)} priority keys are more than the limit {limit}", "Set a higher limit."
        )


def _find_marker_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a marker that has more bytes than the limit, which is one of bytes."""
    limit = _literal_number(given_arguments.get("Limit"))
    marker = _literal_text(given_arguments.get("TruncationMarker"))
    if limit is not None and marker and len(marker.encode()) > limit:
        yield ArgumentFault(
            given_arguments["TruncationMarker"], f"the marker is longer than the limit {limit}", "Set a higher limit."
        )


def _find_depth_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a depth of zero."""
    if _literal_number(given_arguments.get("Depth")) == 0:
        yield ArgumentFault(given_arguments["Depth"], "the depth is at least 1", "Write a depth, or leave it out.")


def _find_append_faults(call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a call of `append` without a value."""
    if "Target" in given_arguments and not {"Value", "Values"} & set(given_arguments):
        yield ArgumentFault(call, "'append' has nothing to append", "Add `value` or `values`.")


def _find_encoding_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield the name of an encoding that the Collector does not know."""
    name = _literal_text(given_arguments.get("Encoding"))
    if name is not None and name not in _BASE_ENCODINGS and not is_encoding(name):
        why = f"'{name}' is not an encoding of text{suggest_word(name, (*_BASE_ENCODINGS, *ENCODINGS))}"
        yield ArgumentFault(given_arguments["Encoding"], why, "Write a name such as `utf-8` or `base64`.")


def _find_location_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield the name of a time zone that Go does not know."""
    name = _literal_text(given_arguments.get("Location"))
    if name is not None and not is_time_zone(name):
        why = f"'{name}' is not a time zone{suggest_word(name, ZONES)}"
        yield ArgumentFault(given_arguments["Location"], why, "Write a name such as `UTC`.")


def _find_xpath_faults(call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a path of XPath that is none; an empty one is the default of functions that convert."""
    text = _literal_text(given_arguments.get("XPath"))
    is_default = text == "" and call.text.startswith("Convert")
    if text is None or is_default:
        return
    fault = find_xpath_fault(text)
    if fault:
        yield ArgumentFault(
            given_arguments["XPath"], f"this is not a path of XPath: {fault}", "Write a path such as `/a/b[@c='d']`."
        )


def _find_empty_value_faults(_call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield an empty list of values."""
    values = given_arguments.get("Values")
    if values and values.kind == ValueKind.LIST and not values.arguments:
        yield ArgumentFault(values, "the list is empty", "Write at least one value.")


def _find_id_faults(call: Value, given_arguments: GivenArguments) -> ArgumentFaults:
    """Yield a literal that has not as many bytes as the ID, and not twice as many hexadecimal digits."""
    target = given_arguments.get("Target")
    content = _literal_bytes(target)
    if target is None or content is None:
        return
    size = _BYTES_OF_ID[call.text]
    digits = 2 * size
    is_hexadecimal = len(content) == digits and all(chr(byte) in string.hexdigits for byte in content)
    if len(content) != size and not is_hexadecimal:
        yield ArgumentFault(
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


# What finds the faults in the arguments of each function.
_FAULT_FINDERS: dict[str, Callable[[Value, GivenArguments], ArgumentFaults]] = {
    "IsInCIDR": _find_network_faults,
    "ParseKeyValue": _find_delimiter_faults,
    "ToKeyValueString": _find_delimiter_faults,
    "ParseCSV": _find_column_delimiter_faults,
    "limit": _find_key_limit_faults,
    "truncate_all": _find_marker_faults,
    "flatten": _find_depth_faults,
    "append": _find_append_faults,
    "Coalesce": _find_empty_value_faults,
    "Decode": _find_encoding_faults,
    "Time": _find_location_faults,
    **dict.fromkeys(("GetXML", "InsertXML", "RemoveXML"), _find_xpath_faults),
    **dict.fromkeys(("ConvertAttributesToElementsXML", "ConvertTextToElementsXML"), _find_xpath_faults),
    **dict.fromkeys(_BYTES_OF_ID, _find_id_faults),
}
