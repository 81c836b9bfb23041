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
from ..config.paths import Path, at, section
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


def _span(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, (str, int, float)) and not (len(str(value)) <= _LONGEST and _SPAN.match(str(value))):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield DURATION, Fault(place, f"'{value}' is not a duration of Prometheus", fix)


def _timeouts(usual: int, settings: Any, path: Path, _row: Row) -> Found:
    """Yield timeouts above the interval: a job's own, else the global one, else the usual one."""
    common, jobs = section(settings, "global"), section(settings).get("scrape_configs")
    shared = _seconds(common.get("scrape_interval"))
    default = f"{common['scrape_interval']} in `global`" if shared else "a minute by default"
    places: list[tuple[Path, dict[str, Any]]] = [((*path, "global"), common)]
    if isinstance(jobs, list):
        places += [((*path, "scrape_configs", index), section(job)) for index, job in enumerate(jobs)]
    for place, given in places:
        own, timeout = _seconds(given.get("scrape_interval")), _seconds(given.get("scrape_timeout"))
        if own is None or timeout is None or (not own and shared is None):
            continue  # a variable has one of them
        if timeout > (own or shared or usual):
            interval = given["scrape_interval"] if own else default
            message = f"'scrape_timeout' is {given['scrape_timeout']}, more than the interval, which is {interval}"
            yield RANGE, Fault((*place, "scrape_timeout"), message, "Shorten it, or write a longer `scrape_interval`.")


def _seconds(value: Any) -> float | None:
    """Return a duration of Prometheus in seconds; None if it is not readable, or not known."""
    text = "" if value is None else str(value)
    if text and not (len(text) <= _LONGEST and _SPAN.match(text)):
        return None
    return seconds_in(text)


def _ids(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            why = id_problem(trimmed_id(value)) if isinstance(value, str) else ""
            if why:
                what = f"'{value}' is not a component id: {why}" if value else "this is empty"
                yield WORD, Fault(place, what, "Write `type` or `type/name` of an extension, or remove the key.")


def _targets(_wanted: bool, settings: Any, path: Path, _row: Row) -> Found:
    for place, value in values_of(settings, "targets.*", path):
        if isinstance(value, str) and "/" in value:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield WORD, Fault(place, "a target is a host and a port, without a path", fix)


def _port(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield addresses without a port; a row's `listens` has the ports that a server takes, which knows no scheme."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, str):
                yield from _port_of(value, place, row)
        whole = at(settings, key_steps(key))
        is_dialed = isinstance(whole, str) and not whole.startswith("unix") and "listens" not in row
        if is_dialed and _ENDS_WITH_HOST.search(whole):
            yield WORD, Fault((*path, *key_steps(key)), f"'{whole}' has no port", f"Write `{whole}:4317`.")


def _port_of(address: str, place: Path, row: Row) -> Found:
    """Yield an address whose port is missing, or is none that a server takes."""
    if "listens" in row:
        why, meant = _listening(address, row["listens"])
    elif _NO_PORT.match(address):
        return
    else:
        why, meant = _dialing(address)
    if why:
        yield WORD, Fault(place, f"'{address}' {why}", f"Write `{meant}`.")


def _listening(value: str, ports: list[int]) -> tuple[str, str]:
    """Return why no server listens on a text, and what is meant; an empty text is refused where 0 is no port."""
    return (broken_listener(value, *ports) if value or ports[0] else ""), listening_address(value)


def _dialing(value: str) -> tuple[str, str]:
    """Return why no client dials a text, and what is meant."""
    address = dialed_address(value)
    return (broken_address(address) if address else ""), _host_and_port(address)


def _host_and_port(address: str) -> str:
    """Return the host of an address, or of a URL, with its port; with the usual one if it has none."""
    place = _SCHEME.sub("", address).partition("/")[0].rpartition("@")[2]  # a URL may begin with a user
    host, colon, port = place.partition(":")
    return f"{host}:{port}" if colon and port.isdigit() else f"{host}:4317"


_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# A variable may bring scheme, host and port; a domain after the last one has none.
_ENDS_WITH_HOST = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
_NO_PORT = re.compile(r"unix|passthrough|vsock|xds|(?!https?://|dns:///)[a-z]+://")


def _matching(pattern: str, what: str, fix: str, *, numbers: bool = False) -> Check:
    """Return a check of texts that have to match a pattern as a whole, and of numbers if the component reads texts."""
    compiled = re.compile(rf"(?:{pattern})\Z", re.DOTALL)

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for key in keys:
            for place, value in values_of(settings, key, path):
                text = str(value) if isinstance(value, str) or (numbers and isinstance(value, (int, float))) else None
                if text is not None and not (len(text) <= _LONGEST_TEXT and compiled.match(text)):
                    yield WORD, Fault(place, f"'{text}' is {what}" if text else "this is empty", fix)

    return check


def _named(is_known: Callable[[str], bool], known: Collection[str], what: str, fix: str) -> Check:
    """Return a check of texts that are a name, of which the known ones are suggested."""

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for key in keys:
            for place, value in values_of(settings, key, path):
                if isinstance(value, str) and not is_known(value):
                    yield WORD, Fault(place, f"'{value}' is {what}{near(value, known)}", fix)

    return check


def repeated_names(value: Any, here: Path) -> Found:
    """Yield names that a list of names with values has twice; the names of headers have their case in it."""
    seen: set[str] = set()
    for index, item in enumerate(value if isinstance(value, list) else ()):
        name = (item.get("name") or "") if isinstance(item, dict) else None
        if isinstance(name, str) and name in seen:
            place = (*here, index, "name") if "name" in item else (*here, index)
            yield WORD, Fault(place, f"'{name}' is the name of another item too", "Remove one of the two.")
        elif isinstance(name, str):
            seen.add(name)


def _urls(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            why = broken_url(value, "absolute" in row) if isinstance(value, str) else ""
            if why:
                yield WORD, Fault(place, f"this is not a URL: {why}", "Write `http://HOST:PORT`.")


def _files(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            why = broken_glob(value) if isinstance(value, str) else ""
            if why:
                yield WORD, Fault(place, f"'{value}' is not a pattern of files: {why}", r"Write `\\[` for a bracket.")


def _gates(gates: dict[str, str], settings: Any, path: Path, _row: Row) -> Found:
    for key, gate in gates.items():
        for place, value in values_of(settings, key, path):
            if value:
                fix = f"Start the Collector with `--feature-gates={gate}`."
                yield GATE, Fault(place, f"'{key}' needs the feature gate {gate}", fix, severity="warning")


def _enabled_needs(table: dict[str, list[str]], settings: Any, path: Path, _row: Row) -> Found:
    """Yield metrics that are enabled without the setting that they need."""
    for key, metrics in table.items():
        for metric in metrics if not at(settings, (key,)) else ():
            if at(settings, ("metrics", metric, "enabled")) is True:
                yield MISSING, Fault((*path, "metrics", metric), f"'{metric}' needs '{key}'", f"Add `{key}`.")


def _groups(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield expressions without a named group, and in rows with `all_named` those with another group too."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if not isinstance(value, str):
                continue
            refused, found = read_regex(value.replace("$$", "$"))
            other = next((start for start, named in found if not named), None) if "all_named" in row else None
            if refused:
                yield REGEX, no_regex(place, refused)
            elif not any(named for _start, named in found):
                fix = "Write `(?P<NAME>…)` around each part that becomes an attribute."
                yield REGEX, Fault(place, "this regular expression has no named group", fix)
            elif other is not None:
                fix = "Write `(?P<NAME>…)` for an attribute, and `(?:…)` where only a group is meant."
                why = "this regular expression has a group without a name"
                yield REGEX, Fault(place, why, fix, offset=0 if "$$" in value else other)


def _unsupported(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    where = f" in pipelines of {row['signals']}" if "signals" in row else ""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if value:
                yield (
                    "unknown-field",
                    Fault(place, f"this component does not support '{key}'{where}", f"Remove `{key}`."),
                )


def _reserved(table: dict[str, list[str]], settings: Any, path: Path, row: Row) -> Found:
    for key, words in table.items():
        for place, value in values_of(settings, key, path):
            if value in words:
                yield (
                    CONFLICT,
                    Fault(place, f"'{value}' {row.get('why', 'is always there')}", row.get("fix", "Remove it.")),
                )


def _named_keys(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield mappings by name, such as metrics, in which one has no name."""
    for key in keys:
        if "" in section(section(settings), key):
            yield MISSING, Fault((*path, key), "one of these has no name", "Write its name before the colon.")


def _pem(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield certificates and keys that have no block of PEM; a path of a file is the usual one."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, str) and value and not _is_pem(value):
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
    for key in keys:
        for place, value in values_of(settings, key, path):
            name = value.partition("_")[2] if isinstance(value, str) and value.startswith("text_") else ""
            if name and not is_encoding(name):
                fix = "Write a name such as `text_utf-8`."
                yield WORD, Fault(place, f"'{name}' is not an encoding of text{near(name, ENCODINGS)}", fix)


def _topics(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield topics that are no regular expression, where one of them begins with `^`: then all of them are one."""
    for key in keys:
        named = [(place, value) for place, value in values_of(settings, key, path) if isinstance(value, str)]
        for place, value in named if any(value.startswith("^") for _place, value in named) else ():
            if refused := refusal(value.replace("$$", "$")):
                yield REGEX, no_regex(place, refused)


_LONGEST_TEXT = 4096
_SEQUENCE = b"\x30"


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "bytes": _matching(
        r"\d+\.?\d*\s*([kKmMgGtTpP]i?[bB])?", "not a number of bytes", "Write a number with a unit, such as `1MiB`."
    ),
    "units": _matching(
        r"0|((\d+\.?\d*|\.\d+)([KMGTPE]i?)?B)+", "not a size", "Write a size such as `10MB`.", numbers=True
    ),
    "paths": _matching(
        r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)",
        "not a path of target files",
        "Write a path that ends with `.json` or `.yml`; only its last part has `*`.",
        numbers=True,
    ),
    "filled": _matching(".+", "empty", "Write a value, or remove the key."),
    "zone": _named(is_zone, ZONES, "not a time zone", "Write a name such as `UTC` or `Europe/Zurich`."),
    "encoding": _named(is_encoding, ENCODINGS, "not an encoding of text", "Write a name such as `utf-8` or `latin1`."),
    "service": _matching(
        r"([^.]+(\.[^.]*|\.[^.]+\.svc\..*)?)?",
        "not a Service",
        "Write `NAME.NAMESPACE`, or `NAME.NAMESPACE.svc.cluster.local`.",
    ),
    "last_star": _matching(
        r"[^*]*(\*[^/]*)?", "not a path of files", "Write `*` only after the last slash.", numbers=True
    ),
    "octal": _matching("0*[0-7]{0,3}", "not a mode of files", "Write octal digits such as `'0755'`."),
    "starred": _matching(r"[^*]+\*[^*]*", "not a path with one `*` after its begin", "Write a path such as `/a/*/b`."),
    "schema": _matching(
        r"(?i:https?)://[^/?#]+(/[^?#]*)?/\d+\.\d+\.\d+([?#].*)?",
        "not the URL of a version of a schema",
        "Write a URL such as `https://opentelemetry.io/schemas/1.26.0`.",
    ),
    "named": _named_keys,
    "kafka_version": _matching(
        r"(?:v?\d+\.\d+(?:\.\d+){0,2})?", "not a version of Kafka", "Write a version such as `3.9.0`.", numbers=True
    ),
    "letter": _matching(r"(\$\$|.)?", "more than one character", "Write one character."),
    "url": _urls,
    "gate": _gates,
    "globs": _files,
    "http": _matching("(?i:https?):.*", "not a URL with `http://` or `https://`", "Write `http://HOST:PORT`."),
    "web": _matching(r"(?i:https?)://[^/?#].*", "not a URL with `http://` or `https://`", "Write `http://HOST:PORT`."),
    "port": _port,
    "pem": _pem,
    "topics": _topics,
    "text_encoding": _text_encoding,
    "broker": _matching(r"[^:]*(:\d+)?|.*:.*:.*", "no address with a port of digits", "Write `HOST:PORT`."),
    "unbroken": _matching(r"\S*", "no address: it has a blank", "Write `http://HOST:PORT`."),
    "sink": _matching(
        r"(?i:file)://.*|(?![A-Za-z][\w+.-]*://).+",
        "no place for logs: only files, stdout and stderr are one",
        "Write `stderr`, `stdout` or the path of a file.",
    ),
    "reader_host": _matching(
        r"[^\s/:]*|\[?[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(%\w+)?\]?",
        "no host: it has no scheme, path or port",
        "Write the host alone, such as `0.0.0.0`; `port` stands beside it.",
    ),
    "label_key": _matching(
        r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?",
        "no key of a Kubernetes label",
        "Write a key such as `app.kubernetes.io/name`.",
    ),
    "label_value": _matching(
        r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", "no value of a Kubernetes label", "Write a value such as `shop-1`."
    ),
    "url_path": _matching(r"[^\s{}]*", "no path of a URL: blanks and braces have a meaning", "Write `/v1/NAME`."),
    "slashed": _matching("/.*", "no path of a URL", "Begin it with a slash: `/health`."),
    "span": _span,
    "ids": _ids,
    "groups": _groups,
    "unsupported": _unsupported,
    "words_not": _reserved,
}
CHECKS: dict[str, Check] = {"timeouts": _timeouts, "targets": _targets, "enabled_needs": _enabled_needs}
