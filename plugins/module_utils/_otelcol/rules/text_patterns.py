# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of texts that have to match a pattern as a whole, such as sizes and paths, or to be a known name. Private.

Each is a key of a row of constraints.json, see constraints.py. `OF_GIVEN` below has them by key. For example, the row
`{"at": "receivers.file_log", "bytes": ["max_log_size"]}` finds of `max_log_size: 10M`:

    '10M' is not a number of bytes. Write a number with a unit, such as `1MiB`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path
from ..errors import suggest_word
from ..languages.go_encodings import ENCODINGS, is_encoding
from ..languages.go_time_zones import ZONES, is_time_zone
from .constraints import UNKNOWN_VALUE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_texts, find_values
from .rule_definitions import Fault

# Longer texts match no pattern, so that no text takes long.
_LONGEST_TEXT = 4096


def _make_pattern_check(pattern: str, mismatch: str, fix: str, *, takes_numbers: bool = False) -> ConstraintCheck:
    """Return a check of texts that have to match a pattern as a whole.

    `mismatch` says in the message what a text that does not match is: `not a size`. With `takes_numbers`, the component
    reads a number as a text, so that it has to match too.
    """
    whole_pattern = re.compile(rf"(?:{pattern})\Z", re.DOTALL)
    read_types = (str, int, float) if takes_numbers else (str,)

    def check_texts(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
        for key in keys:
            for value_path, value in find_values(settings, key, path):
                if not isinstance(value, read_types):
                    continue
                text = str(value)
                if len(text) > _LONGEST_TEXT or not whole_pattern.match(text):
                    message = f"'{text}' is {mismatch}" if text else "this is empty"
                    yield RuleFault(UNKNOWN_VALUE, Fault(value_path, message, fix))

    return check_texts


def _make_name_check(
    is_known: Callable[[str], bool], known_names: Collection[str], mismatch: str, fix: str
) -> ConstraintCheck:
    """Return a check of texts that have to be a name; `known_names` are those that a message may suggest."""

    def check_names(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
        for value_path, text in find_texts(keys, settings, path):
            if not is_known(text):
                message = f"'{text}' is {mismatch}{suggest_word(text, known_names)}"
                yield RuleFault(UNKNOWN_VALUE, Fault(value_path, message, fix))

    return check_names


# These find nothing where none of their keys is given. The comment above each has texts that match.
OF_GIVEN: dict[str, ConstraintCheck] = {
    # `1048576`, `1.5 MiB`, `10kb`
    "bytes": _make_pattern_check(
        r"\d+\.?\d*\s*([kKmMgGtTpP]i?[bB])?",
        "not a number of bytes",
        "Write a number with a unit, such as `1MiB`.",
    ),
    # `0`, `10MB`, `1GiB512MB`
    "units": _make_pattern_check(
        r"0|((\d+\.?\d*|\.\d+)([KMGTPE]i?)?B)+",
        "not a size",
        "Write a size such as `10MB`.",
        takes_numbers=True,
    ),
    # `/etc/targets/*.yml`, `/etc/targets.json`
    "paths": _make_pattern_check(
        r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)",
        "not a path of target files",
        "Write a path that ends with `.json` or `.yml`; only its last part has `*`.",
        takes_numbers=True,
    ),
    # any text but an empty one
    "filled": _make_pattern_check(
        ".+",
        "empty",
        "Write a value, or remove the key.",
    ),
    # `Europe/Zurich`
    "zone": _make_name_check(
        is_time_zone,
        ZONES,
        "not a time zone",
        "Write a name such as `UTC` or `Europe/Zurich`.",
    ),
    # `utf-8`
    "encoding": _make_name_check(
        is_encoding,
        ENCODINGS,
        "not an encoding of text",
        "Write a name such as `utf-8` or `latin1`.",
    ),
    # `backend`, `backend.shop`, `backend.shop.svc.cluster.local`
    "service": _make_pattern_check(
        r"([^.]+(\.[^.]*|\.[^.]+\.svc\..*)?)?",
        "not a Service",
        "Write `NAME.NAMESPACE`, or `NAME.NAMESPACE.svc.cluster.local`.",
    ),
    # `/etc/rules`, `/etc/rules/a-*.yml`
    "last_star": _make_pattern_check(
        r"[^*]*(\*[^/]*)?",
        "not a path of files",
        "Write `*` only after the last slash.",
        takes_numbers=True,
    ),
    # `0755`, `644`
    "octal": _make_pattern_check(
        "0*[0-7]{0,3}",
        "not a mode of files",
        "Write octal digits such as `'0755'`.",
    ),
    # `/data/*/traces`
    "starred": _make_pattern_check(
        r"[^*]+\*[^*]*",
        "not a path with one `*` after its begin",
        "Write a path such as `/a/*/b`.",
    ),
    # `https://opentelemetry.io/schemas/1.26.0`
    "schema": _make_pattern_check(
        r"(?i:https?)://[^/?#]+(/[^?#]*)?/\d+\.\d+\.\d+([?#].*)?",
        "not the URL of a version of a schema",
        "Write a URL such as `https://opentelemetry.io/schemas/1.26.0`.",
    ),
    # `3.9.0`, `v2.8`
    "kafka_version": _make_pattern_check(
        r"(?:v?\d+\.\d+(?:\.\d+){0,2})?",
        "not a version of Kafka",
        "Write a version such as `3.9.0`.",
        takes_numbers=True,
    ),
    # `,`, and `$$`, which is one dollar sign for the Collector
    "letter": _make_pattern_check(
        r"(\$\$|.)?",
        "more than one character",
        "Write one character.",
    ),
    # `http://collector:4318`, and `http:` alone
    "http": _make_pattern_check(
        "(?i:https?):.*",
        "not a URL with `http://` or `https://`",
        "Write `http://HOST:PORT`.",
    ),
    # `http://collector:4318`, but not `http:` alone
    "web": _make_pattern_check(
        r"(?i:https?)://[^/?#].*",
        "not a URL with `http://` or `https://`",
        "Write `http://HOST:PORT`.",
    ),
    # `kafka`, `kafka:9092`, `::1`
    "broker": _make_pattern_check(
        r"[^:]*(:\d+)?|.*:.*:.*",
        "no address with a port of digits",
        "Write `HOST:PORT`.",
    ),
    # any text without blanks
    "unbroken": _make_pattern_check(
        r"\S*",
        "no address: it has a blank",
        "Write `http://HOST:PORT`.",
    ),
    # `stderr`, `/var/log/otel.log`, `file:///var/log/otel.log`, but no other scheme
    "sink": _make_pattern_check(
        r"(?i:file)://.*|(?![A-Za-z][\w+.-]*://).+",
        "no place for logs: only files, stdout and stderr are one",
        "Write `stderr`, `stdout` or the path of a file.",
    ),
    # `0.0.0.0`, `localhost`, `::1`, `[fe80::1%eth0]`
    "reader_host": _make_pattern_check(
        r"[^\s/:]*|\[?[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(%\w+)?\]?",
        "no host: it has no scheme, path or port",
        "Write the host alone, such as `0.0.0.0`; `port` stands beside it.",
    ),
    # `app.kubernetes.io/name`, `app`
    "label_key": _make_pattern_check(
        r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?",
        "no key of a Kubernetes label",
        "Write a key such as `app.kubernetes.io/name`.",
    ),
    # `shop-1`
    "label_value": _make_pattern_check(
        r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?",
        "no value of a Kubernetes label",
        "Write a value such as `shop-1`.",
    ),
    # `/v1/traces`
    "url_path": _make_pattern_check(
        r"[^\s{}]*",
        "no path of a URL: blanks and braces have a meaning",
        "Write `/v1/NAME`.",
    ),
    # `/health`
    "slashed": _make_pattern_check(
        "/.*",
        "no path of a URL",
        "Begin it with a slash: `/health`.",
    ),
}
