# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, URLs, networks, patterns of files, paths of XPath and conditions on requests, as the Collector reads them.

Source: net/url, net and unicode of Go, and request.go of the routing connector. Private.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_SCHEME_PATTERN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# `%` without two hexadecimal digits behind it.
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
# What Go refuses in a host: these signs, and codes of ASCII but for `%25`.
_NO_HOST_CHARACTER = re.compile(r"[\s\\^`{|}]|%(?!25|[89A-Fa-f][0-9A-Fa-f])")
_PORT_PATTERN = re.compile(r"(?::\d*)?\Z")
_LARGEST_PREFIX = {4: 32, 6: 128}
# Escapes, classes of characters, and all that means itself.
_GLOB_TEXT = re.compile(r"\\.|\[(?:[!^](?:\\.|[^\]\\])+|(?:\\.|[^\]\\!^])(?:\\.|[^\]\\])*)\]|[^\\\[{}]", re.DOTALL)
_ESCAPED, _EMPTY_CLASS = re.compile(r"\\.", re.DOTALL), re.compile(r"\[!?\]")
# Steps with a name and conditions without quotes and parentheses, and the begin of a condition with an open quote.
_STEPS = re.compile(r"(?://?@?(?:\*|[A-Za-z_][\w.-]*)(?:\[[^\[\]()'\"\s]+\])*)*", re.ASCII)
_OPEN_QUOTE = re.compile(r"\[@?[\w.-]+\s*!?=\s*(?:'[^']*|\"[^\"]*)\Z", re.ASCII)
_COMPARED = re.compile(r"==|!=")
_FIELD, _FIELD_END, _QUOTED = 'request["', '"]', re.compile(r"\".*\"")


def extract_dialed_address(target: str) -> str:
    """Return the address in the target of a gRPC client, which may begin with a scheme and an authority."""
    scheme, separator, remainder = target.partition("://")
    if not separator:
        return target
    return remainder if scheme in ("http", "https") else remainder.partition("/")[2]


def find_address_fault(text: str, lowest_port: int = 0, highest_port: int = 0) -> str:
    """Return why Go does not read a text as `host:port`; empty if it does. Ports may have a range."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        return "has no port"
    is_in_brackets = host.startswith("[") and host.endswith("]")
    if ":" in host and not is_in_brackets:
        return "has too many colons; an IPv6 address stands in brackets"
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", port):
        return "has no port"
    if highest_port and not lowest_port <= int(port) <= highest_port:
        return f"has a port that is not between {lowest_port} and {highest_port}"
    return ""


# The names of ports that Go knows without a file of the system, which images of the Collector lack.
# Source: net/lookup.go.
_NAMED_PORTS = frozenset(
    ("domain", "ftp", "ftps", "gopher", "http", "https", "imap2", "imap3", "imaps", "pop3", "pop3s", "smtp", "ssh")
)
_LARGEST_PORT = 65535


def find_listener_fault(text: str, lowest_port: int = 0, highest_port: int = _LARGEST_PORT) -> str:
    """Return why a server cannot listen on a text; empty if it can. Ports of a range above 0 have no names."""
    port = text.rpartition(":")[2]
    fault = _find_host_and_port_fault(text, port)
    if fault:
        return fault
    if ":" in text:
        is_chosen_by_go = not port or port in _NAMED_PORTS
        if is_chosen_by_go and not lowest_port:
            return ""
        if port.isidentifier():
            return "names its port, which needs a number"
    return find_address_fault(text, lowest_port, highest_port)


def _find_host_and_port_fault(text: str, port: str) -> str:
    """Return what a text is instead of a host and a port; empty if it may be both."""
    if "://" in text:
        return "is a URL, and a server listens on a host and a port"
    if text.isdecimal():
        return "is a port without a host"
    if "/" in port:
        return "has a path, and a server listens on a host and a port"
    if text.startswith("*:"):
        return "has `*` for a host; all addresses are `0.0.0.0` or `[::]`"
    return ""


def suggest_listening_address(text: str, usual_port: int | None = None, host: str = "0.0.0.0") -> str:
    """Return an address to listen on in place of a wrong text: the host and port that the text has, else usual ones."""
    without_scheme = text.partition("://")[2] or text
    address = without_scheme.partition("/")[0]
    if address.isdecimal():
        own_host, port = "", address
    elif ":" in address and not address.endswith("]"):
        own_host, _colon, port = address.rpartition(":")
    else:
        own_host, port = address, ""
    if ":" in own_host and not own_host.startswith("["):
        own_host = f"[{own_host}]"
    shown_port = port if _is_port(port) else str(usual_port or "PORT")
    return f"{own_host if _can_be_listened_on(own_host) else host}:{shown_port}"


def _is_port(text: str) -> bool:
    """Whether a text is the number of a port; only as many digits are read as a port may have, and one more."""
    return text.isdecimal() and 0 < int(text[: _PORT_DIGITS + 1]) <= _LARGEST_PORT


def _can_be_listened_on(host: str) -> bool:
    """Whether a server can listen on a host: an IP address, a variable or localhost."""
    return host.startswith(("[", "$")) or host == "localhost" or host.replace(".", "").isdecimal()


_PORT_DIGITS = len(str(_LARGEST_PORT))


def find_url_fault(text: str, must_be_absolute: bool = False) -> str:
    """Return why Go does not read a text as a URL; empty if it does.

    An `must_be_absolute` one needs a scheme or a slash.
    """
    address = text if must_be_absolute else text.partition("#")[0]
    if _CONTROL_CHARACTER.search(address):
        return "it has a control character"
    if must_be_absolute and text == "*":
        return ""
    scheme_match = _SCHEME_PATTERN.match(address)
    if not scheme_match:
        return _find_schemeless_url_fault(address.partition("?")[0], must_be_absolute)
    behind_scheme = address[scheme_match.end() :].partition("?")[0]
    if not behind_scheme.startswith("/"):
        return ""  # after `mailto:` and its like, everything is allowed
    return _find_path_fault(behind_scheme, scheme_match[1].lower(), behind_scheme.startswith("//"))


def _find_schemeless_url_fault(url: str, must_be_absolute: bool) -> str:
    """Return what is wrong in a URL that begins with a host, `//host/path`, or is a path."""
    begins_with_slash = url.startswith("/")
    if not begins_with_slash and (must_be_absolute or ":" in url.partition("/")[0]):
        return "its scheme is missing or wrong"
    has_host = url.startswith("//") and not url.startswith("///") and not must_be_absolute
    return _find_path_fault(url, "", has_host)


def _find_path_fault(host_and_path: str, scheme: str, has_host: bool) -> str:
    """Return what is wrong in a path, and in the host before it."""
    path = host_and_path
    if has_host:
        host, slash, remainder = host_and_path[2:].partition("/")
        path = slash + remainder
        fault = _find_host_fault(host.rpartition("@")[2], scheme)
        if fault:
            return fault
    return "a `%` is not followed by two hexadecimal digits" if _BROKEN_ESCAPE.search(path) else ""


def _find_host_fault(host: str, scheme: str) -> str:
    """Return what is wrong in a host and its port; an IPv6 address stands in brackets."""
    is_in_brackets = host.startswith("[")
    outside_brackets = host.partition("]")[2] if is_in_brackets else host
    if _NO_HOST_CHARACTER.search(outside_brackets):
        return "its host has a character that no host has"
    if is_in_brackets and "]" not in host:
        return "its host has no closing `]`"
    port = host.rpartition("]")[2] if is_in_brackets else _cut_from_port_colon(host, scheme)
    return "" if _PORT_PATTERN.match(port) else "its port is not a number"


def _cut_from_port_colon(host: str, scheme: str) -> str:
    """Return what begins at the colon before the port: for HTTP the first one, else the last."""
    colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
    return host[colon:] if colon >= 0 else ""


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
    if not any(_FIELD_END in line.partition(_FIELD)[2] for line in left_side.split("\n")):
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


# By how many levels a brace goes deeper.
_DEPTH_BY_BRACE = {"{": 1, "}": -1}


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


# Categories, their aliases, and scripts.
_UNICODE_CLASS_NAMES = """
ASCII Adlam Ahom Anatolian_Hieroglyphs Any Arabic Armenian Assigned Avestan Balinese Bamum Bassa_Vah Batak Bengali
Beria_Erfe Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid C Canadian_Aboriginal Carian Cased_Letter
Caucasian_Albanian Cc Cf Chakma Cham Cherokee Chorasmian Close_Punctuation Cn Co Combining_Mark Common
Connector_Punctuation Control Coptic Cs Cuneiform Currency_Symbol Cypriot Cypro_Minoan Cyrillic Dash_Punctuation
Decimal_Number Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Enclosing_Mark
Ethiopic Final_Punctuation Format Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi
Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited
Initial_Punctuation Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai L LC Lao Latin Lepcha Letter Letter_Number Limbu
Line_Separator Linear_A Linear_B Lisu Ll Lm Lo Lowercase_Letter Lt Lu Lycian Lydian M Mahajani Makasar Malayalam
Mandaic Manichaean Marchen Mark Masaram_Gondi Math_Symbol Mc Me Medefaidrin Meetei_Mayek Mende_Kikakui
Meroitic_Cursive Meroitic_Hieroglyphs Miao Mn Modi Modifier_Letter Modifier_Symbol Mongolian Mro Multani Myanmar N
Nabataean Nag_Mundari Nandinagari Nd New_Tai_Lue Newa Nko Nl No Nonspacing_Mark Number Nushu Nyiakeng_Puachue_Hmong
Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Open_Punctuation Oriya Osage Osmanya Other Other_Letter Other_Number
Other_Punctuation Other_Symbol P Pahawh_Hmong Palmyrene Paragraph_Separator Pau_Cin_Hau Pc Pd Pe Pf Phags_Pa
Phoenician Pi Po Private_Use Ps Psalter_Pahlavi Punctuation Rejang Runic S Samaritan Saurashtra Sc Separator Sharada
Shavian Siddham Sidetic SignWriting Sinhala Sk Sm So Sogdian Sora_Sompeng Soyombo Space_Separator Spacing_Mark
Sundanese Sunuwar Surrogate Syloti_Nagri Symbol Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Tai_Yo Takri Tamil
Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Titlecase_Letter Todhri Tolong_Siki Toto Tulu_Tigalari
Ugaritic Unassigned Uppercase_Letter Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Z Zanabazar_Square Zl Zp Zs cntrl
digit punct
"""
UNICODE_CLASSES = frozenset(_UNICODE_CLASS_NAMES.split())
