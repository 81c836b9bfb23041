# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single texts, such as URLs, sizes and durations of Prometheus, and of keys that need a gate or a setting.

Each is a key of a row of constraints.json. Private.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, at, items, section
from ..errors import near
from ..languages.formats import (
    broken_address,
    broken_glob,
    broken_listener,
    broken_url,
    dialed_address,
    listening_address,
)
from ..languages.go_names import ENCODINGS, ZONES, is_encoding, is_zone
from ..languages.regex import read_regex, refusal
from .constraints import (
    CONFLICT,
    DURATION,
    GATE,
    MISSING,
    RANGE,
    REGEX,
    WORD,
    Check,
    Found,
    key_steps,
    no_regex,
    seconds_in,
    values_of,
)
from .structure import id_problem, trimmed_id
from .subject import Fault

# The longest duration of Prometheus that is read.
_LONGEST = 40
_SPAN = re.compile(r"(?=.)(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)\Z")


def texts_at(keys: list[str], settings: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each of the keys that has a text; another type is the fault of another rule."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, str):
                yield place, value


def _prometheus_durations(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts and numbers that Prometheus does not read as a duration."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, (str, int, float)) and not _is_span(str(value)):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield DURATION, Fault(place, f"'{value}' is not a duration of Prometheus", fix)


def _is_span(text: str) -> bool:
    """Whether Prometheus reads a text as a duration."""
    return len(text) <= _LONGEST and _SPAN.match(text) is not None


def _timeouts(usual: int, settings: Any, path: Path, _row: Row) -> Found:
    """Yield timeouts above the interval: a job's own, else the global one, else the usual one."""
    common = section(settings, "global")
    shared = _seconds(common.get("scrape_interval"))
    default = f"{common['scrape_interval']} in `global`" if shared else "a minute by default"
    for place, given in _with_intervals(settings, common, path):
        own, timeout = _seconds(given.get("scrape_interval")), _seconds(given.get("scrape_timeout"))
        if own is None or timeout is None or (not own and shared is None):
            continue  # a variable has one of them
        if timeout > (own or shared or usual):
            interval = given["scrape_interval"] if own else default
            message = f"'scrape_timeout' is {given['scrape_timeout']}, more than the interval, which is {interval}"
            yield RANGE, Fault((*place, "scrape_timeout"), message, "Shorten it, or write a longer `scrape_interval`.")


def _with_intervals(settings: Any, common: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the settings that may have an interval and a timeout: the global ones, then those of each job."""
    yield (*path, "global"), common
    for index, job in enumerate(items(settings, "scrape_configs")):
        yield (*path, "scrape_configs", index), section(job)


def _seconds(value: Any) -> float | None:
    """Return a duration of Prometheus in seconds; None if it is not readable, or not known."""
    text = "" if value is None else str(value)
    if text and not _is_span(text):
        return None
    return seconds_in(text)


def _extension_ids(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts that are no id of an extension."""
    for place, text in texts_at(keys, settings, path):
        why = id_problem(trimmed_id(text))
        if why:
            what = f"'{text}' is not a component id: {why}" if text else "this is empty"
            yield WORD, Fault(place, what, "Write `type` or `type/name` of an extension, or remove the key.")


def _targets(_operand: bool, settings: Any, path: Path, _row: Row) -> Found:
    """Yield targets of Prometheus that have a path."""
    for place, text in texts_at(["targets.*"], settings, path):
        if "/" in text:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield WORD, Fault(place, "a target is a host and a port, without a path", fix)


def _addresses(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield addresses without a port; a row's `listens` has the ports that a server takes, which knows no scheme."""
    for key in keys:
        for place, text in texts_at([key], settings, path):
            yield from _wrong_address(text, place, row)
        if "listens" not in row:
            yield from _variable_without_port(at(settings, key_steps(key)), (*path, *key_steps(key)))


def _variable_without_port(whole: Any, place: Path) -> Found:
    """Yield an address to dial that begins with a variable, and ends with a domain instead of a port."""
    if isinstance(whole, str) and not whole.startswith("unix") and _ENDS_WITH_HOST.search(whole):
        yield WORD, Fault(place, f"'{whole}' has no port", f"Write `{whole}:4317`.")


def _wrong_address(address: str, place: Path, row: Row) -> Found:
    """Yield an address whose port is missing, or is none that a server takes."""
    if "listens" in row:
        why, meant = _listening(address, row["listens"])
    elif _NO_PORT.match(address):
        return
    else:
        why, meant = _dialing(address)
    if why:
        yield WORD, Fault(place, f"'{address}' {why}", f"Write `{meant}`.")


def _listening(address: str, ports: list[int]) -> tuple[str, str]:
    """Return why no server listens on a text, and what is meant; an empty text is refused where 0 is no port."""
    is_default = not address and not ports[0]
    why = "" if is_default else broken_listener(address, *ports)
    return why, listening_address(address)


def _dialing(text: str) -> tuple[str, str]:
    """Return why no client dials a text, and what is meant."""
    address = dialed_address(text)
    why = broken_address(address) if address else ""
    return why, _host_and_port(address)


def _pattern_check(pattern: str, what: str, fix: str, *, numbers: bool = False) -> Check:
    """Return a check of texts that have to match a pattern as a whole, and of numbers if the component reads texts."""
    compiled = re.compile(rf"(?:{pattern})\Z", re.DOTALL)
    read_types = (str, int, float) if numbers else (str,)

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for key in keys:
            for place, value in values_of(settings, key, path):
                if not isinstance(value, read_types):
                    continue
                text = str(value)
                if len(text) > _LONGEST_TEXT or not compiled.match(text):
                    yield WORD, Fault(place, f"'{text}' is {what}" if text else "this is empty", fix)

    return check


def _name_check(is_known: Callable[[str], bool], known: Collection[str], what: str, fix: str) -> Check:
    """Return a check of texts that are a name, of which the known ones are suggested."""

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for place, text in texts_at(keys, settings, path):
            if not is_known(text):
                yield WORD, Fault(place, f"'{text}' is {what}{near(text, known)}", fix)

    return check


def _host_and_port(address: str) -> str:
    """Return the host of an address, or of a URL, with its port; with the usual one if it has none."""
    place = _SCHEME.sub("", address).partition("/")[0].rpartition("@")[2]  # a URL may begin with a user
    host, colon, port = place.partition(":")
    return f"{host}:{port}" if colon and port.isdigit() else f"{host}:4317"


_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# A variable may bring scheme, host and port; a domain after the last one has none.
_ENDS_WITH_HOST = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
_NO_PORT = re.compile(r"unix|passthrough|vsock|xds|(?!https?://|dns:///)[a-z]+://")


def repeated_names(value: Any, here: Path) -> Found:
    """Yield names that a list of names with values has twice; the names of headers have their case in it."""
    if not isinstance(value, list):
        return
    seen: set[str] = set()
    for index, pair in enumerate(value):
        name = (pair.get("name") or "") if isinstance(pair, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            place = (*here, index, "name") if "name" in pair else (*here, index)
            yield WORD, Fault(place, f"'{name}' is the name of another item too", "Remove one of the two.")
        seen.add(name)


def _urls(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield texts that Go does not read as a URL."""
    for place, text in texts_at(keys, settings, path):
        why = broken_url(text, "absolute" in row)
        if why:
            yield WORD, Fault(place, f"this is not a URL: {why}", "Write `http://HOST:PORT`.")


def _file_patterns(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield texts that are no pattern of files."""
    for place, text in texts_at(keys, settings, path):
        why = broken_glob(text)
        if why:
            yield WORD, Fault(place, f"'{text}' is not a pattern of files: {why}", r"Write `\\[` for a bracket.")


def _gates(gates: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield settings that are refused unless a feature gate allows them."""
    for key, gate in gates.items():
        for place, value in values_of(settings, key, path):
            if value:
                fix = f"Start the Collector with `--feature-gates={gate}`."
                yield GATE, Fault(place, f"'{key}' needs the feature gate {gate}", fix, severity="warning")


def _enabled_needs(table: dict[str, list[str]], settings: Any, path: Path, _row: Row) -> Found:
    """Yield metrics that are enabled without the setting that they need."""
    for key, metrics in table.items():
        if at(settings, (key,)):
            continue
        for metric in metrics:
            if at(settings, ("metrics", metric, "enabled")) is True:
                yield MISSING, Fault((*path, "metrics", metric), f"'{metric}' needs '{key}'", f"Add `{key}`.")


def _groups(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield expressions without a named group, and in rows with `all_named` those with another group too."""
    for place, text in texts_at(keys, settings, path):
        refused, groups = read_regex(text.replace("$$", "$"))
        unnamed = [start for start, is_named in groups if not is_named]
        if refused:
            yield REGEX, no_regex(place, refused)
        elif len(unnamed) == len(groups):
            fix = "Write `(?P<NAME>…)` around each part that becomes an attribute."
            yield REGEX, Fault(place, "this regular expression has no named group", fix)
        elif unnamed and "all_named" in row:
            fix = "Write `(?P<NAME>…)` for an attribute, and `(?:…)` where only a group is meant."
            why = "this regular expression has a group without a name"
            offset = 0 if "$$" in text else unnamed[0]
            yield REGEX, Fault(place, why, fix, offset=offset)


def _unsupported(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield settings that a component has, and does not support."""
    where = f" in pipelines of {row['signals']}" if "signals" in row else ""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if value:
                why = f"this component does not support '{key}'{where}"
                yield "unknown-field", Fault(place, why, f"Remove `{key}`.")


def _reserved(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    """Yield words that a setting must not be; the row says why."""
    why, fix = row.get("why", "is always there"), row.get("fix", "Remove it.")
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            if value in words:
                yield CONFLICT, Fault(place, f"'{value}' {why}", fix)


def _named_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield mappings by name, such as metrics, in which one has no name."""
    for key in keys:
        if "" in section(section(settings), key):
            yield MISSING, Fault((*path, key), "one of these has no name", "Write its name before the colon.")


def _pem(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield certificates and keys that have no block of PEM; a path of a file is the usual one."""
    for key in keys:
        for place, text in texts_at([key], settings, path):
            if text and not _is_pem(text):
                file = key.removesuffix("_pem") + "_file"
                fix = f"Write the text with `-----BEGIN …-----`, or `{file}: FILE`."
                yield WORD, Fault(place, "this is no text in the format PEM", fix)


def _is_pem(text: str) -> bool:
    """Whether a text has blocks of PEM whose content begins as ASN.1 does: a sequence."""
    return any(_decoded(block).startswith(_SEQUENCE) for block in _pem_blocks(text))


def _pem_blocks(text: str) -> Iterator[str]:
    """Yield what stands between the lines that begin and end a block of PEM."""
    for part in text.split("-----BEGIN ")[1:]:
        _label, _dashes, rest = part.partition("-----")
        content, end, _after = rest.partition("-----END ")
        if end:
            yield content


def _decoded(block: str) -> bytes:
    """Return the bytes of a block of PEM; nothing if it is not in base64. Its headers, such as DEK-Info, are left."""
    lines = [line for line in block.split() if ":" not in line]
    try:
        return b64decode("".join(lines), validate=True)
    except ValueError:
        return b""


def _text_encoding(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield encodings such as `text_utf-8` whose second part is no encoding of text."""
    for place, text in texts_at(keys, settings, path):
        if not text.startswith("text_"):
            continue
        name = text.removeprefix("text_")
        if name and not is_encoding(name):
            fix = "Write a name such as `text_utf-8`."
            yield WORD, Fault(place, f"'{name}' is not an encoding of text{near(name, ENCODINGS)}", fix)


def _topics(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield topics that are no regular expression, where one of them begins with `^`: then all of them are one."""
    for key in keys:
        topics = list(texts_at([key], settings, path))
        if not any(topic.startswith("^") for _place, topic in topics):
            continue
        for place, topic in topics:
            refused = refusal(topic.replace("$$", "$"))
            if refused:
                yield REGEX, no_regex(place, refused)


_LONGEST_TEXT = 4096
_SEQUENCE = b"\x30"


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "bytes": _pattern_check(
        r"\d+\.?\d*\s*([kKmMgGtTpP]i?[bB])?", "not a number of bytes", "Write a number with a unit, such as `1MiB`."
    ),
    "units": _pattern_check(
        r"0|((\d+\.?\d*|\.\d+)([KMGTPE]i?)?B)+", "not a size", "Write a size such as `10MB`.", numbers=True
    ),
    "paths": _pattern_check(
        r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)",
        "not a path of target files",
        "Write a path that ends with `.json` or `.yml`; only its last part has `*`.",
        numbers=True,
    ),
    "filled": _pattern_check(".+", "empty", "Write a value, or remove the key."),
    "zone": _name_check(is_zone, ZONES, "not a time zone", "Write a name such as `UTC` or `Europe/Zurich`."),
    "encoding": _name_check(
        is_encoding, ENCODINGS, "not an encoding of text", "Write a name such as `utf-8` or `latin1`."
    ),
    "service": _pattern_check(
        r"([^.]+(\.[^.]*|\.[^.]+\.svc\..*)?)?",
        "not a Service",
        "Write `NAME.NAMESPACE`, or `NAME.NAMESPACE.svc.cluster.local`.",
    ),
    "last_star": _pattern_check(
        r"[^*]*(\*[^/]*)?", "not a path of files", "Write `*` only after the last slash.", numbers=True
    ),
    "octal": _pattern_check("0*[0-7]{0,3}", "not a mode of files", "Write octal digits such as `'0755'`."),
    "starred": _pattern_check(
        r"[^*]+\*[^*]*", "not a path with one `*` after its begin", "Write a path such as `/a/*/b`."
    ),
    "schema": _pattern_check(
        r"(?i:https?)://[^/?#]+(/[^?#]*)?/\d+\.\d+\.\d+([?#].*)?",
        "not the URL of a version of a schema",
        "Write a URL such as `https://opentelemetry.io/schemas/1.26.0`.",
    ),
    "named": _named_keys,
    "kafka_version": _pattern_check(
        r"(?:v?\d+\.\d+(?:\.\d+){0,2})?", "not a version of Kafka", "Write a version such as `3.9.0`.", numbers=True
    ),
    "letter": _pattern_check(r"(\$\$|.)?", "more than one character", "Write one character."),
    "url": _urls,
    "gate": _gates,
    "globs": _file_patterns,
    "http": _pattern_check("(?i:https?):.*", "not a URL with `http://` or `https://`", "Write `http://HOST:PORT`."),
    "web": _pattern_check(
        r"(?i:https?)://[^/?#].*", "not a URL with `http://` or `https://`", "Write `http://HOST:PORT`."
    ),
    "port": _addresses,
    "pem": _pem,
    "topics": _topics,
    "text_encoding": _text_encoding,
    "broker": _pattern_check(r"[^:]*(:\d+)?|.*:.*:.*", "no address with a port of digits", "Write `HOST:PORT`."),
    "unbroken": _pattern_check(r"\S*", "no address: it has a blank", "Write `http://HOST:PORT`."),
    "sink": _pattern_check(
        r"(?i:file)://.*|(?![A-Za-z][\w+.-]*://).+",
        "no place for logs: only files, stdout and stderr are one",
        "Write `stderr`, `stdout` or the path of a file.",
    ),
    "reader_host": _pattern_check(
        r"[^\s/:]*|\[?[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(%\w+)?\]?",
        "no host: it has no scheme, path or port",
        "Write the host alone, such as `0.0.0.0`; `port` stands beside it.",
    ),
    "label_key": _pattern_check(
        r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?",
        "no key of a Kubernetes label",
        "Write a key such as `app.kubernetes.io/name`.",
    ),
    "label_value": _pattern_check(
        r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", "no value of a Kubernetes label", "Write a value such as `shop-1`."
    ),
    "url_path": _pattern_check(r"[^\s{}]*", "no path of a URL: blanks and braces have a meaning", "Write `/v1/NAME`."),
    "slashed": _pattern_check("/.*", "no path of a URL", "Begin it with a slash: `/health`."),
    "span": _prometheus_durations,
    "ids": _extension_ids,
    "groups": _groups,
    "unsupported": _unsupported,
    "words_not": _reserved,
}
CHECKS: dict[str, Check] = {"timeouts": _timeouts, "targets": _targets, "enabled_needs": _enabled_needs}
