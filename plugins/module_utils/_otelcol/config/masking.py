# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret is: by the name of a setting or header, by the shape of a text. The rules and every mask use this.

Sources: the settings that the Collector types as opaque (`_data/catalogue/opaque.json`), and what vendors call their
credentials.
All patterns take linear time: logs and configs are the text of others. Private.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from math import log2
from typing import Any, NamedTuple
from urllib.parse import quote

from ..errors import LONGEST, MASK, cleaned
from .paths import Path, at, leaves

# The end of a name in lower case, with underscores between its words. `ca_secret` and its like name a Secret.
_KEY = re.compile(
    r"(?:\A|_)(?:pass(?:word|wd|phrase)?|pwd|(?<!\Aca_)(?<!\Atls_)(?<!\Aclient_ca_)(?<!\Aclient_tls_)"
    r"(?<!\Aimage_pull_)secret|(?<!pagination_)(?<!next_)token|apikey|credentials?|authorization"
    r"|(?:api|app|application|access|account|auth|client_certificate|encryption|ingest|ingestion|instrumentation"
    r"|integration|license|private|secret|shared|shared_access|signing|storage|write)_?key"
    r"|(?:shared_access|x_amz)_signature|connection_?string|key_pem|client_key_data|dsn)\Z|\A(?:cookie|bearer|pat)\Z"
)
# An environment variable whose name ends in _KEY.
_VARIABLE = re.compile(r"\A(?!(?:.*_)?(?:PARTITION|PRIMARY|PUBLIC|ROUTING|SORT)_KEY\Z)[A-Z][A-Z0-9_]*_KEY\Z")
_HEADER = re.compile(r"\Ax-.*-key\Z|(?:\A|-)(?:auth|cookie|team)\Z")
# What headers say that are no login: about the content, and where in the backend data goes.
_HARMLESS_HEADER = re.compile(
    r"\A(?:accept|cache-control|connection|host|origin|referer|stream-name|user-agent|traceparent|tracestate"
    r"|x-requested-with|x-b3-.*|x-forwarded-.*|.*-trace-id)\Z|(?:\A|-)(?:app|application|charset|cluster|collection|database|db-name|dataset|encoding"
    r"|env|environment|group|index|language|length|name|namespace|org|organi[sz]ation|orgid|pipeline|protocol|project|region|schema"
    r"|service|site|source|stream|table|table-name|tenant|type|version|(?:account|cluster|org|project|tenant)-?id)\Z"
)
# A value that may be a login: words and names of places, which stand elsewhere too, are none.
_RANDOM_TEXT = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}\Z")
_HEADERS = re.compile(r"(?:\A|_)headers\Z")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-./\s]")
# Settings of databases, and lists of headers. They are secrets only with a password inside.
_SOURCES = ("dsn", "datasource", "data_source", "connection", "connection_string")

# What receiver azure_monitor has for `credentials`. Source: contrib's azuremonitorreceiver/config.go.
_WAYS_TO_LOG_IN = ("service_principal", "workload_identity", "managed_identity", "default_credentials")

_REFERENCE = re.compile(r"\$\{|\$[A-Za-z_]\w*\Z")
_PLACEHOLDER = re.compile(
    r"<.*>\Z|\*+\Z|[\[(]?(?:FILTERED|HIDDEN|MASKED|REDACTED|REMOVED|SANITIZED)[\])]?\Z|(?-i:VALUE)\Z|(?:\.{3,}|…)\Z"
    r"|x{3,}\Z|0{8}-(?:0{4}-){3}0{12}\Z|__\w+__\Z|\{\{.*\}\}\Z|todo\Z"
    r"|change[-_ ]?(?:me|it)\Z|(?:replace|insert|your)[-_ ]\S*\Z|placeholder\Z",
    re.DOTALL | re.IGNORECASE,
)
SCHEME = re.compile(r"(?:Bearer|Basic|Token|Api-?Key|Api-?Token|Splunk)\s{1,4}", re.IGNORECASE)
_NO_VALUES = ("true", "false", "null", "nil", "none", "yes", "no", "")
_HASHED = re.compile(r"[^:\s]*:(\$|\{)")
_SHORT, _LONG, _RANDOM, _INDENT = 8, 20, 32, 80
_SHORTEST_VALUE = 4  # of an attribute that is named like a secret: `x` and `***` hide one
_SHORTEST = 15  # of a secret by its shape, without a sign that separates it from a name
_LONGEST, _LONGEST_KEPT = 128, 512  # a name; a text that is searched once for all its places
_ENTROPY, _DIGITS, _CHANGES = 4.2, 4, 6
_DIGIT, _CAPITAL, _SMALL = "digit", "capital", "small"


class Shape(NamedTuple):
    """A secret by its shape; the first group, or all of the match, is the secret. No text without `sign` has one."""

    what: str
    sign: str
    pattern: re.Pattern[str]


_SHAPES = (
    Shape(
        "a private key",
        "-----BEGIN",
        re.compile(
            r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?"
        ),
    ),
    Shape("a password in a URL", "@", re.compile(r"://[^/?#\s@:]*:([^/?#\s@]+)@")),
    Shape("a token in a URL", "@", re.compile(r"://((?=[A-Za-z_-]{0,64}[0-9])[\w-]{16,})@")),
    Shape(
        "a password in a data source",
        "@",
        re.compile(r"(?<![\w.])[\w.]{1,64}:((?:\$\{[^{}\s]{1,128}\}|[^\s:@/$]|\$(?!\{)){1,256})@(?:tcp|unix)\("),
    ),
    Shape(
        "a token in a URL",
        "sumologic.com",
        re.compile(r"sumologic\.com/receiver/v1/(?:http|otlp|prometheus)/([\w=%+-]{16,})"),
    ),
    Shape("a token in a URL", "hooks.slack.com", re.compile(r"hooks\.slack\.com/services/\w{1,32}/\w{1,32}/(\w{8,})")),
    Shape("a token in a URL", "webhook.office.com", re.compile(r"\.webhook\.office\.com/webhookb2/([\w@/-]{16,})")),
    Shape("a token in a URL", "=", re.compile(r"[?&](?:sig|signature)=([\w%+/=-]{8,})", re.IGNORECASE)),
    Shape("a token in a URL", "=", re.compile(r"[?&](?:key|code|auth)=((?=[A-Za-z_-]{0,64}[0-9])[\w%-]{12,})")),
    Shape(
        "a token",
        "",
        re.compile(
            r"(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{16,}"
            r"|xox[abprs]-[\w-]{10,}|dt0[a-z]\d\d\.[A-Z0-9]{8,}\.[A-Z0-9]{16,}|gl(?:c|sa)_[\w=+/]{20,}|hvs\.[\w-]{20,}"
            r"|AIza[\w-]{35}|NRA[KA]-[A-Z0-9]{20,}|[0-9a-f]{36}NRAL|hc[ab]\w{2}_[a-z0-9]{20,}|sntrys_[\w=+/]{20,}"
            r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})(?![\w-])"
        ),
    ),
)
# A statement of OTTL that gives an attribute a value.
_SET = re.compile(
    r"\bset\(\s{0,8}[\w.]{1,80}\[\s{0,8}\"([^\"]{1,128})\"\s{0,8}\]\s{0,8},\s{0,8}\"([^\"\\]{4,256})\"\s{0,8}\)"
)
ATTRIBUTE, DEFAULT = "attribute ", "the default of "
# A variable with a default, which is all of a value.
_DEFAULT = re.compile(r"\$\{(?:env:)?[A-Za-z_]\w{0,127}:-([^${}]{4,256})\}\Z")
_NAME = re.compile(r"(?<!\w)(?<!\w-)([A-Za-z][\w-]{1,60})([\"']?\s{0,2}(?:=(?!=)|:(?!/))\s{0,2}[\"'\[]{0,2})")
_VALUE = re.compile(r"[^\s\"'&;,<>\])}=][^\s\"'&;,<>\])}]*")
_LINE = re.compile(r"[^\S\n]*(?=\n|\Z)")
_RUN = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+_-]{32,}={0,2}(?![\w+/=.-])")

RANDOM = "a random text like a key"


class Secret(NamedTuple):
    """A secret in a text, and what it is."""

    start: int
    end: int
    what: str


def is_secret_name(name: str) -> bool:
    """Whether a setting, header or environment variable of this name holds a secret."""
    return _is_secret_name(name[:_LONGEST])


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return bool(_KEY.search(_WORDS.sub("_", name).lower()) or _VARIABLE.search(name))


def is_secret_header(name: str) -> bool:
    """Whether a header of this name holds a credential: `authorization`, `x-api-key`, `cookie`."""
    return is_secret_name(name) or bool(_HEADER.search(_as_header(name)))


def _as_header(name: str) -> str:
    """Return a name as HTTP/2 spells headers."""
    return name.lower().replace("_", "-")


def _may_log_in(path: Path, name: str, value: str) -> bool:
    """Whether a header that a client sends may be a login of a name that nobody here knows."""
    if not _RANDOM_TEXT.match(value) or _HARMLESS_HEADER.search(_as_header(name)):
        return False
    is_of_answers = any(str(key).endswith(("_header", "response_headers")) for key in path)
    return not is_of_answers


def is_literal(value: str) -> bool:
    """Whether a value is itself: no reference to a variable, no placeholder, not empty."""
    text = value.strip()
    if text.lower() in _NO_VALUES or _REFERENCE.search(text):
        return False
    return not is_placeholder(text)


def is_placeholder(value: str) -> bool:
    """Whether a value only holds the place of a secret, as `CHANGEME` or `Basic ...`."""
    return bool(_PLACEHOLDER.match(_without_scheme(value.strip())))


@lru_cache(maxsize=4096)
def _may_hold_secret(end: Path) -> bool:
    """Whether secrets may be at the end of a path, whatever is before; an item of a list has the name of the list."""
    if not end:
        return False
    is_item = isinstance(end[-1], int)
    before, last = ("", end[0]) if is_item else (end[0], end[-1])
    if not isinstance(last, str) or last in ("value", "key", "inline") or _HEADERS.search(str(before)):
        return True
    return is_secret_name(last) or is_secret_name(last.removesuffix("s"))


class Suspect(NamedTuple):
    """A scalar that may hold a secret: by the name of its setting, or by the shapes of what is in its text."""

    path: Path
    value: Any
    text: str
    shapes: tuple[Secret, ...]


def suspects_among(found: Iterable[tuple[Path, Any]]) -> Iterator[Suspect]:
    """Yield the few leaves of a config that may hold a secret; who looks for secrets need not look at the others."""
    for path, value in found:
        if not path or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        is_long = isinstance(value, str) and len(value) > _LONGEST_KEPT
        suspicion = _suspicion.__wrapped__ if is_long else _suspicion  # configs repeat most short texts
        if text_and_shapes := suspicion(path[-2:], value):
            yield Suspect(path, value, *text_and_shapes)


@lru_cache(maxsize=8192, typed=True)
def _suspicion(end: Path, value: Any) -> tuple[str, tuple[Secret, ...]] | None:
    """Return a scalar as text and the shapes of secrets in it, if there may be a secret at the end of a path."""
    text = text_of(value)
    shapes = () if _is_short(text) else tuple(secrets_of(text, pairs=_is_source(end)))
    if shapes or _may_hold_secret(end):
        return text, shapes
    return None


def secret_at(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value; an empty string if it is no secret or comes from a variable."""
    for suspect in suspects_among([(path, value)]):
        return what_is(config, suspect)
    return ""


def what_is(config: Any, suspect: Suspect) -> str:
    """Return the kind of secret that a suspect is; an empty string if it is none or comes from a variable."""
    kinds = [secret.what for secret in suspect.shapes]
    for kind in kinds:
        if kind != RANDOM:
            return kind
    kind_by_name = ""
    if _may_hold_secret(suspect.path[-2:]):
        kind_by_name = _by_name(config, suspect.path, suspect.text)
    if kind_by_name:
        return kind_by_name
    return RANDOM if kinds else ""


def _by_name(config: Any, path: Path, value: str) -> str:
    """Return the kind of secret of a value by the names around it; empty if it is none or comes from a variable."""
    if _is_users(path):
        return "a password" if any(_has_clear_password(line) for line in value.splitlines()) else ""
    what = _secret_name_at(config, path, value)
    if not what:
        return ""
    plain = _without_scheme(value)
    if _default_of(plain):
        return f"{DEFAULT}{what}"
    return what if is_literal(plain) else ""


def _without_scheme(value: str) -> str:
    """Return the value of a header without a word such as `Bearer` before it."""
    return SCHEME.sub("", value, count=1)


def _has_clear_password(line: str) -> bool:
    """Whether a line of htpasswd has a password that is not hashed."""
    return ":" in line and not _HASHED.match(line) and is_literal(line)


def _secret_name_at(config: Any, path: Path, value: str) -> str:
    """Return in words the header, attribute or setting that a value is; empty if others than secrets are named so."""
    header = header_at(config, path)
    if header:
        return f"header {header.lower()}" if is_secret_header(header) else ""
    attribute = attribute_at(config, path)
    if attribute or _is_reference(config, path):
        return f"{ATTRIBUTE}{attribute}" if _is_secret_attribute(attribute, value) else ""
    if is_secret_key(path) and not _is_place(path, value):
        return f"`{_setting(path)[-1]}`"
    return ""


def _is_secret_attribute(name: str, value: str) -> bool:
    """Whether an attribute is named like a secret, and long enough not to hide one."""
    return is_secret_name(name) and len(value) >= _SHORTEST_VALUE


def _default_of(value: str) -> str:
    """Return the default of the variable that a value is; empty if there is none, or if it is a placeholder."""
    match = _DEFAULT.match(value)
    return match[1] if match and is_literal(match[1]) else ""


def is_secret_key(path: Path) -> bool:
    """Whether the last key of a path usually holds a secret, or a list of them. A data source may be without one."""
    # A key that is a float would be the same as an index for the cache.
    return bool(path) and isinstance(path[-1], (str, int)) and _is_secret_key(path[-3:])


@lru_cache(maxsize=4096)
def _is_secret_key(path: Path) -> bool:
    path = _setting(path)
    if not isinstance(path[-1], str):
        return False
    return path[-2:] == ("api", "key") or (is_secret_name(path[-1]) and not _is_source(path))


def _setting(path: Path) -> Path:
    """Return the path of a setting; for an item of a list such as `tokens`, that of one `token`."""
    if len(path) > 1 and isinstance(path[-1], int) and isinstance(path[-2], str):
        return (*path[:-2], path[-2].removesuffix("s"))
    return path


def _is_source(path: Path) -> bool:
    return bool(path) and _ends_as_source(str(path[-1])[-_LONGEST:])


@lru_cache(maxsize=4096)
def _ends_as_source(name: str) -> bool:
    return _WORDS.sub("_", name).lower().endswith((*_SOURCES, "_headers", "headers_list"))


def _is_place(path: Path, value: str) -> bool:
    """Whether credentials are only named: by the file that has them, or by the way to get them."""
    named = value.startswith(("/", "./", "~/")) or value in _WAYS_TO_LOG_IN
    return named and str(path[-1]).lower().startswith("credential")


def header_at(config: Any, path: Path) -> str:
    """Return the name of the header at a path; empty if there is none.

    That is `headers.NAME`, `headers[0].value` or `required_header.value`; `response_headers` holds headers too.
    """
    if not path:
        return ""
    last = path[-1]
    before, parent = ("", "", *path)[-3:-1]
    if isinstance(last, str) and _HEADERS.search(str(parent)):
        return last
    has_value = last == "value" and (_HEADERS.search(str(before)) or str(parent).endswith("_header"))
    if not has_value:
        return ""
    name = at(config, (*path[:-1], "key")) or at(config, (*path[:-1], "name"))
    return name if isinstance(name, str) else ""


def attribute_at(config: Any, path: Path) -> str:
    """Return the name of the attribute whose value is at a path, as in `{key: NAME, value: VALUE}`; empty if none."""
    name = at(config, (*path[:-1], "key")) if path[-1:] == ("value",) else ""
    return name if isinstance(name, str) else ""


def _is_reference(config: Any, path: Path) -> bool:
    """Whether a name of a Secret is at a path: that of `{secret: NAME, key: KEY}` in `env`."""
    if path[-1:] != ("secret",) or not str(("", "", *path)[-3]).endswith("env"):
        return False
    around = at(config, path[:-1])
    return isinstance(around, dict) and "key" in around and around.keys() <= {"secret", "key", "optional"}


def secrets_in(config: Any, known: Iterable[Suspect] | None = None) -> set[str]:
    """Return every value of a config that is a secret in clear text; `known` are its suspects, if somebody has them."""
    candidates: set[str] = set()
    suspects = suspects_among(leaves(config)) if known is None else known
    for suspect in suspects:
        if isinstance(suspect.value, (str, int)):
            candidates.update(_secret_texts(config, suspect))
    return {text for text in candidates if is_literal(text) and not SCHEME.fullmatch(f"{text} ")}


def _secret_texts(config: Any, suspect: Suspect) -> Iterator[str]:
    """Yield what of a suspect may be a secret: by its name, as a login that it may be, and by its shapes."""
    path, text = suspect.path, suspect.text
    if _is_named(config, path, text):
        yield from _secret_parts(path, text)
    elif header := header_at(config, path):
        default = _default_of(text)
        if _may_log_in(path, header, default or text):
            yield text
            yield default
    for secret in suspect.shapes:
        yield text[secret.start : secret.end]


def _secret_parts(path: Path, text: str) -> Iterator[str]:
    """Yield a secret and the parts of it that others may show alone: words, a default, passwords of users."""
    yield text
    yield from text.split()
    yield _default_of(_without_scheme(text))
    if _is_users(path):
        for line in text.splitlines():
            yield line.partition(":")[2]


def _is_named(config: Any, path: Path, text: str) -> bool:
    """Whether a value is a secret by the name of its header, attribute or setting."""
    if header := header_at(config, path):
        return is_secret_header(header)
    if attribute := attribute_at(config, path):
        return _is_secret_attribute(attribute, text)
    if _is_place(path, text) or _is_reference(config, path):
        return False
    return _names_secret(path)


def secrets_in_objects(objects: Any, parse: Callable[[str], Any] = lambda _text: None) -> Iterator[str]:
    """Yield the secrets of Kubernetes objects: by name, as the value of a variable, and inside of texts.

    `parse` reads the YAML of the configs in ConfigMaps and custom resources, and returns None for other text.
    """
    yield from secrets_in(objects)
    for path, value in leaves(objects):
        if not isinstance(value, str) or not path:
            continue
        name = str(at(objects, (*path[:-1], "name"))) if path[-1] == "value" else ""
        if (is_secret_name(name) or _follows_flag(objects, path)) and is_literal(value):
            yield value
        if _may_be_config(path, value):
            yield from secrets_in(parse(value))
        for secret in secrets_of(value, pairs=_may_have_pairs(path, name, value)):
            yield value[secret.start : secret.end]


def _may_be_config(path: Path, text: str) -> bool:
    """Whether a text of an object may be a config: several lines of a ConfigMap or a custom resource."""
    return "\n" in text and (path[-2:-1] == ("data",) or path[-1] == "config")


def _may_have_pairs(path: Path, name: str, value: str) -> bool:
    """Whether a text of an object may hold `NAME=VALUE`: several lines, flags, data sources and annotations may."""
    return "\n" in value or value.startswith("--") or _is_source((name,)) or path[-2:-1] == ("annotations",)


def _follows_flag(objects: Any, path: Path) -> bool:
    """Whether a value is the argument after one such as `--token`."""
    if not isinstance(path[-1], int) or path[-1] == 0:
        return False
    flag = at(objects, (*path[:-1], path[-1] - 1))
    return isinstance(flag, str) and flag.startswith("-") and is_secret_name(flag.lstrip("-"))


def text_of(value: Any) -> str:
    """Return a scalar as text."""
    try:
        return str(value)
    except ValueError:  # a number of thousands of digits
        return hex(value)


def _names_secret(path: Path) -> bool:
    """Whether the names of a path are those of a secret, of a data source or of users with passwords."""
    if not _may_hold_secret(path[-2:]):
        return False
    keys = tuple(part for part in path if isinstance(part, str))
    return is_secret_key(path) or is_secret_key(keys) or keys[-1:] == ("dsn",) or _is_users(path)


def _is_users(path: Path) -> bool:
    """Whether a value has users with their passwords, as a file of htpasswd does."""
    return path[-2:] == ("htpasswd", "inline")


def is_secret(path: Path, text: str) -> bool:
    """Whether a value is a secret, or has one inside: then no part of it is shown."""
    if is_secret_header(header_at(None, path)) or _names_secret(path):
        return True
    return any(True for _secret in secrets_of(text))


def secrets_of(text: str, *, pairs: bool = True) -> Iterable[Secret]:
    """Return the secrets in a text by their shapes; `pairs` adds `NAME=VALUE` and `NAME: VALUE` anywhere in it."""
    if _is_short(text):
        return ()
    if len(text) > _LONGEST_KEPT:
        return _all_secrets_of(text, pairs)
    return _secrets_of(text, pairs)  # manifests repeat most short texts: labels, names, images


def _is_short(text: str) -> bool:
    """Whether a text is too short for a secret that has a shape."""
    return len(text) < _SHORTEST and "=" not in text and ":" not in text


def _all_secrets_of(text: str, pairs: bool) -> Iterator[Secret]:
    yield from _by_shape(text, pairs=pairs)
    yield from _random(text)


@lru_cache(maxsize=4096)
def _secrets_of(text: str, pairs: bool) -> tuple[Secret, ...]:
    return tuple(_all_secrets_of(text, pairs))


def _by_shape(text: str, *, pairs: bool) -> Iterator[Secret]:
    """Yield the secrets of a known shape, those that a statement of OTTL sets, and those after their names."""
    for shape in _SHAPES:
        if shape.sign in text:
            yield from _shaped(text, shape)
    if "set(" in text:
        for match in _SET.finditer(text):
            if is_secret_name(match[1]) and is_literal(match[2]):
                yield Secret(*match.span(2), f"{ATTRIBUTE}{match[1]}")
    yield from _paired(text, pairs)


def _shaped(text: str, shape: Shape) -> Iterator[Secret]:
    """Yield the secrets of one shape."""
    group = 1 if shape.pattern.groups else 0
    for match in shape.pattern.finditer(text):
        start, end = match.span(group)
        if is_literal(text[start:end]):
            yield Secret(start, end, shape.what)


def _paired(text: str, pairs: bool) -> Iterator[Secret]:
    """Yield the secrets after their names."""
    if "=" not in text and ":" not in text:
        return
    end_before = 0
    for name in _NAME.finditer(text):
        if name.start() < end_before or not _holds_secret(name[1]):
            continue
        if not pairs and not _is_in_query(text, name):
            continue
        first = _value_start(text, name)
        scheme = SCHEME.match(text, first)
        value = _VALUE.match(text, scheme.end() if scheme else first)
        if not value:
            continue
        end_before = value.end()
        if _is_value(text, name, value, bool(scheme)):
            what = "a token in a URL" if "=" in name[2] else f"`{name[1]}`"
            yield Secret(*value.span(), what)


def _is_in_query(text: str, name: re.Match[str]) -> bool:
    """Whether a name stands in the query of a URL, or is one of a connection string."""
    before = text[max(name.start() - 1, 0) : name.start()]
    return "=" in name[2] and (before in ("?", "&", ";") or _is_connection(name[1]))


def _value_start(text: str, name: re.Match[str]) -> int:
    """Return where the value of a name begins. The default of a variable, `${env:NAME:-VALUE}`, follows a dash."""
    # With its bounds: a slice would copy all of the text before each name, which takes the square of the time.
    is_variable = text.endswith(("${", "${env:"), 0, name.start())
    return name.end() + (is_variable and text.startswith("-", name.end()))


@lru_cache(maxsize=4096)
def _holds_secret(name: str) -> bool:
    return is_secret_header(name) and name.lower() not in ("team", "auth", *_SOURCES)


def _is_connection(name: str) -> bool:
    return name.lower() in ("sharedaccesskey", "accountkey", "sharedaccesssignature", "instrumentationkey")


def _is_value(text: str, name: re.Match[str], found: re.Match[str], scheme: bool) -> bool:
    """Whether what follows a name is a value. After `NAME: ` prose may follow, unless it is alone in its line."""
    value = found[0]
    if not is_literal(value) or _is_place((name[1],), value):
        return False
    prose_may_follow = ":" in name[2] and name[2].endswith(" ")
    if not prose_may_follow or scheme or len(value) >= _LONG:
        return True
    if len(value) >= _SHORT and any(sign.isdigit() for sign in value):
        return True
    return _is_alone(text, name.start(), found.end())


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands in the line of a name and its value, but for the dash of a list."""
    first = max(start - _INDENT, 0)
    newline = text.rfind("\n", first, start)
    if newline < 0 and first > 0:
        return False
    before = text[max(newline + 1, first) : start]
    return not before.strip(" -") and bool(_LINE.match(text, end))


def _random(text: str) -> Iterator[Secret]:
    """Yield long texts of random letters and digits; hashes and UUIDs, which have no capitals, are none."""
    if len(text) < _RANDOM:
        return
    for match in _RUN.finditer(text):
        run = match[0].rstrip("=")
        has_capitals = run != run.lower()
        if has_capitals and _is_mixed(run) and _entropy(run) >= _ENTROPY:
            yield Secret(*match.span(), RANDOM)


def _is_mixed(run: str) -> bool:
    """Whether capitals, small letters and digits alternate, as in a key, and not as in a name with a number."""
    kinds = [_kind_of_sign(sign) for sign in run]
    changes = sum(one != other for one, other in pairwise(kinds) if _DIGIT in (one, other))
    if set(kinds) != {_DIGIT, _CAPITAL, _SMALL}:
        return False
    return kinds.count(_DIGIT) >= _DIGITS and changes >= _CHANGES


def _kind_of_sign(sign: str) -> str:
    """Return whether a sign of a run is a digit, a capital or something else, which counts as a small letter."""
    if sign.isdigit():
        return _DIGIT
    return _CAPITAL if sign.isupper() else _SMALL


def _entropy(run: str) -> float:
    """Return Shannon's entropy of a text, in bits for each sign."""
    return -sum(count / len(run) * log2(count / len(run)) for count in Counter(run).values())


def concealed(text: str, replace: Callable[[str], str] = lambda _secret: MASK) -> str:
    """Return a text, such as a line of a log, in which what has the shape of a secret is replaced."""
    secrets = sorted(secrets_of(text))
    if not secrets:  # as most texts
        return text
    parts, end_before = [], 0
    for start, end, _what in secrets:
        if end > end_before:
            begin = max(start, end_before)
            parts += [text[end_before:begin], replace(text[begin:end])]
            end_before = end
    return "".join((*parts, text[end_before:]))


def quoted(value: Any, longest: int = LONGEST, mask: Callable[[str], str] = concealed) -> Any:
    """Return text of others, or a tree of it, as `cleaned` does, masked before: a cut secret is not recognised."""
    return cleaned(masked_tree(value, mask), longest)


_HEAD = 3  # of a secret: by so many characters it is looked for
_UNMISTAKABLE = 12  # characters: no part of a word in a message; a shorter secret is one only as a word of its own
_WORD = re.compile(r"\w")


_NAME_GOES_ON = re.compile(r"[-/]|\.\w")


class _KnownSecrets:
    """Secrets that are known, found by how they begin: the time does not grow with their number."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.all: set[str] = set()
        for secret in secrets:
            self.all.update(spelling for spelling in _spellings(secret) if spelling)
        lengths: dict[str, set[int]] = {}
        for secret in self.all:
            lengths.setdefault(secret[:_HEAD], set()).add(len(secret))
        self.lengths = {head: sorted(of_head, reverse=True) for head, of_head in lengths.items()}
        self.starts = self._pattern_of_starts() if self.all else None

    def _pattern_of_starts(self) -> re.Pattern[str]:
        """Return where a secret may begin: at the begin of a word, or anywhere for one that is unmistakable."""
        anywhere = _heads((secret for secret in self.all if len(secret) >= _UNMISTAKABLE), _HEAD)
        or_anywhere = f"|(?={anywhere})" if anywhere else ""
        return re.compile(rf"(?<!\w){_heads(self.all, 1)}{or_anywhere}")

    def end(self, text: str, start: int) -> int:
        """Return where the longest secret that begins here ends, 0 if none does."""
        for size in range(_HEAD, 0, -1):
            for length in self.lengths.get(text[start : start + size], ()):
                end = start + length
                if text[start:end] in self.all and self._stands_alone(text, start, end):
                    return end
        return 0

    def _stands_alone(self, text: str, start: int, end: int) -> bool:
        """Whether a secret there is no part of a word or of a name; a long one is a secret everywhere."""
        if end - start >= _UNMISTAKABLE:
            return True
        is_glued = (start > 0 and _WORD.match(text, start - 1)) or _WORD.match(text, end)
        return not is_glued and not _is_part_of_a_name(text, start, end)


def _is_part_of_a_name(text: str, start: int, end: int) -> bool:
    """Whether a short word, such as the password `otel`, is part of the name of a file, an object or a host there."""
    if not text[start:end].isalpha():
        return False
    follows_a_name = start > 0 and text[start - 1] in "-/"
    return follows_a_name or bool(_NAME_GOES_ON.match(text, end))


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as texts hold it: in clear, in a URL, and between the quotes of YAML and JSON."""
    yield from (secret, quote(secret, safe=""), secret.replace("'", "''"))
    for is_ascii in (False, True):
        escaped = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield from (escaped, re.sub(r"\\u00(..)", lambda match: rf"\x{match[1].upper()}", escaped))


def _heads(secrets: Iterable[str], places: int) -> str:
    """Return the signs that stand at each of the first places, as sets of a regular expression."""
    columns = zip(*(secret[:places] for secret in secrets), strict=False)
    return "".join(f"[{''.join(sorted(map(re.escape, set(column))))}]" for column in columns)


def salted(salt: str) -> Callable[[str], str]:
    """Return what hides a secret so that equal ones stay equal; the salt protects short ones from guessing."""
    return lambda secret: "***" + hashlib.sha256(f"{salt}{secret}".encode()).hexdigest()[:8]


def masked_tree(tree: Any, mask: Callable[[str], str]) -> Any:
    """Return a tree in which each scalar is masked; one that the mask leaves as it is keeps its type."""
    if isinstance(tree, dict):
        return {key: masked_tree(value, mask) for key, value in tree.items()}
    if isinstance(tree, list):
        return [masked_tree(value, mask) for value in tree]
    if tree is None or isinstance(tree, bool):
        return tree
    text = text_of(tree)
    shown = mask(text)
    return tree if shown == text else shown


def masker(secrets: Iterable[str], replace: Callable[[str], str] = lambda _secret: MASK) -> Callable[[str], str]:
    """Return what replaces these secrets, the longest first, and what has the shape of one."""
    known = _KnownSecrets(secrets)

    @lru_cache(maxsize=1024)
    def mask(text: str) -> str:
        """Many findings have the same fix."""
        if not known.starts:
            return concealed(text, replace)
        parts, end_before = [], 0
        for match in known.starts.finditer(text):
            if match.start() < end_before:
                continue
            end = known.end(text, match.start())
            if end:
                parts += [text[end_before : match.start()], replace(text[match.start() : end])]
                end_before = end
        return concealed("".join((*parts, text[end_before:])), replace)

    return mask
