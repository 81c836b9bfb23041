# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, URLs, networks, patterns of files, paths of XPath and conditions on requests, as the Collector reads them.

Source: net/url, net and unicode of Go, and request.go of the routing connector. Private.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_HOST = re.compile(r"[\s\\^`{|}]|%(?!25|[89A-Fa-f][0-9A-Fa-f])")
_PORT = re.compile(r"(?::\d*)?\Z")
_LARGEST_PREFIX = {4: 32, 6: 128}
# Escapes, classes of characters, and all that means itself.
_GLOB_TEXT = re.compile(r"\\.|\[(?:[!^](?:\\.|[^\]\\])+|(?:\\.|[^\]\\!^])(?:\\.|[^\]\\])*)\]|[^\\\[{}]", re.DOTALL)
_ESCAPED, _EMPTY_CLASS = re.compile(r"\\.", re.DOTALL), re.compile(r"\[!?\]")
# Steps with a name and conditions without quotes and parentheses, and the begin of a condition with an open quote.
_STEPS = re.compile(r"(?://?@?(?:\*|[A-Za-z_][\w.-]*)(?:\[[^\[\]()'\"\s]+\])*)*", re.ASCII)
_OPEN_QUOTE = re.compile(r"\[@?[\w.-]+\s*!?=\s*(?:'[^']*|\"[^\"]*)\Z", re.ASCII)
_COMPARED = re.compile(r"==|!=")
_FIELD, _FIELD_END, _QUOTED = 'request["', '"]', re.compile(r"\".*\"")


def dialed_address(target: str) -> str:
    """Return the address in the target of a gRPC client, which may begin with a scheme and an authority."""
    scheme, separator, rest = target.partition("://")
    if not separator:
        return target
    return rest if scheme in ("http", "https") else rest.partition("/")[2]


def broken_address(text: str, least: int = 0, most: int = 0) -> str:
    """Return why Go does not read a text as `host:port`; empty if it does. Ports may have a range."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        return "has no port"
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return "has too many colons; an IPv6 address stands in brackets"
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", port):
        return "has no port"
    return f"has a port that is not between {least} and {most}" if most and not least <= int(port) <= most else ""


# The names of ports that Go knows without a file of the system, which images of the Collector lack.
# Source: net/lookup.go.
_NAMED_PORTS = frozenset(
    ("domain", "ftp", "ftps", "gopher", "http", "https", "imap2", "imap3", "imaps", "pop3", "pop3s", "smtp", "ssh")
)
_LARGEST_PORT = 65535


def broken_listener(text: str, least: int = 0, most: int = _LARGEST_PORT) -> str:
    """Return why a server cannot listen on a text; empty if it can. Ports of a range above 0 have no names."""
    port = text.rpartition(":")[2]
    reasons = (
        ("://" in text, "is a URL, and a server listens on a host and a port"),
        (text.isdecimal(), "is a port without a host"),
        ("/" in port, "has a path, and a server listens on a host and a port"),
        (text.startswith("*:"), "has `*` for a host; all addresses are `0.0.0.0` or `[::]`"),
    )
    why = next((reason for holds, reason in reasons if holds), "")
    if why:
        return why
    if ":" in text and (not port or port in _NAMED_PORTS) and not least:
        return ""
    if ":" in text and port.isidentifier():
        return "names its port, which needs a number"
    return broken_address(text, least, most)


def listening_address(text: str, usual: int | None = None, host: str = "0.0.0.0") -> str:
    """Return where a server listens that was written as another text: what its text has of it, else what is usual."""
    rest = text.partition("://")[2] or text
    address = rest.partition("/")[0]
    found, _colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    if address.isdecimal():
        found, port = "", address
    number = port if port.isdecimal() and 0 < int(port[: _DIGITS + 1]) <= _LARGEST_PORT else str(usual or "PORT")
    if ":" in found and not found.startswith("["):
        found = f"[{found}]"
    is_own = found.startswith(("[", "$")) or found == "localhost" or found.replace(".", "").isdecimal()
    return f"{found if is_own else host}:{number}"


_DIGITS = len(str(_LARGEST_PORT))


def broken_url(text: str, absolute: bool = False) -> str:
    """Return why Go does not read a text as a URL; empty if it does. An `absolute` one needs a scheme or a slash."""
    address = text if absolute else text.partition("#")[0]
    if _CONTROL.search(address):
        return "it has a control character"
    if absolute and text == "*":
        return ""
    scheme = _SCHEME.match(address)
    rest = (address[scheme.end() :] if scheme else address).partition("?")[0]
    if not scheme:
        return _broken_without_scheme(rest, absolute)
    # After `mailto:` and its like, everything is allowed.
    return _broken_path(rest, scheme[1].lower(), rest.startswith("//")) if rest.startswith("/") else ""


def _broken_without_scheme(rest: str, absolute: bool) -> str:
    """Return what is wrong in a URL that begins with a host, `//host/path`, or is a path."""
    if not rest.startswith("/") and (absolute or ":" in rest.partition("/")[0]):
        return "its scheme is missing or wrong"
    has_host = rest.startswith("//") and not rest.startswith("///") and not absolute
    return _broken_path(rest, "", has_host)


def _broken_path(rest: str, scheme: str, has_host: bool) -> str:
    why = ""
    if has_host:
        host, slash, path = rest[2:].partition("/")
        why, rest = _broken_host(host.rpartition("@")[2], scheme), slash + path
    return why or ("a `%` is not followed by two hexadecimal digits" if _ESCAPES.search(rest) else "")


def _broken_host(host: str, scheme: str) -> str:
    if _NO_HOST.search(host.partition("]")[2] if host.startswith("[") else host):
        return "its host has a character that no host has"
    if host.startswith("[") and "]" not in host:
        return "its host has no closing `]`"
    colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
    port = host.rpartition("]")[2] if host.startswith("[") else host[colon:] if colon >= 0 else ""
    return "" if _PORT.match(port) else "its port is not a number"


def broken_network(text: str) -> str:
    """Return why a text is not a network in CIDR notation; empty if it is one. Go takes no zone of IPv6 here."""
    address, slash, length = text.partition("/")
    try:
        most = _LARGEST_PREFIX[ip_address(address).version]
    except ValueError:
        return f"'{address}' is not an IP address"
    if "%" in address:
        return "it has a zone"
    if not slash:
        return "it has no `/` and length"
    digits = length.lstrip("0") or length[:1]
    if not (length.isascii() and length.isdigit() and len(digits) <= len("128") and int(digits) <= most):
        return f"its length is not a number from 0 to {most}"
    return ""


def broken_request(condition: str) -> str:
    """Return why the routing connector does not read a condition of context `request`; empty if it does."""
    compared = _COMPARED.findall(condition)
    if len(compared) != 1:
        return "it has several comparisons" if compared else "it has no `==` or `!=`"
    name, value = condition.split(compared[0])
    if not any(_FIELD_END in line.partition(_FIELD)[2] for line in name.split("\n")):
        return 'the left side is not `request["NAME"]`'
    return "" if _QUOTED.search(value) else "the right side is not text in quotes"


def broken_glob(text: str) -> str:
    """Return why a text is not a pattern of files with `[…]` and `{…}`; empty if it is one."""
    place = depth = 0
    while place < len(text) and depth >= 0:
        if part := _GLOB_TEXT.match(text, place):
            place = part.end()
        elif text[place] in "{}":
            depth += 1 if text[place] == "{" else -1
            place += 1
        else:
            return "a `[` has no characters or no `]`" if text[place] == "[" else "the last backslash escapes nothing"
    return "its braces are not balanced" if depth else ""


def broken_match(text: str) -> str:
    """Return why OTTL does not read a pattern of `replace_match`; empty if it does."""
    plain = _ESCAPED.sub("x", text)
    opened = _EMPTY_CLASS.search(plain) or plain.rfind("[") > plain.rfind("]")
    return "a `[` has no characters or no `]`" if opened else ""


def broken_elements(text: str) -> str:
    """Return why a path of XPath is refused; empty if it is not, or not judged: only its first steps are read."""
    first = _STEPS.match(text)
    rest = text[first.end() :] if first else ""
    if not text.strip() or (rest in ("/", "//") and text != "/"):
        return "nothing follows the last slash" if text.strip() else "it is blank"
    if rest.startswith("[") and "]" not in rest:
        return "a `[` has no `]`"
    return "a quote is not closed" if _OPEN_QUOTE.match(rest) else ""


# Categories, their aliases, and scripts.
_CLASSES = """
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
UNICODE_CLASSES = frozenset(_CLASSES.split())
