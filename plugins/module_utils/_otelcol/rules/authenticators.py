# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the extensions that components name: a server needs an authenticator that checks requests, a client one that
signs them, and a queue a storage.

Sources: the Collector's config/configauth (`requested authenticator is not a server authenticator`) and, of each
extension, which interfaces of extension/extensionauth it has. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalogue.port_rows import Listeners
from ..config.paths import Path, at, leaves, section
from ..traits import EXTENSIONS, Trait, traits_of, types_that
from .subject import Fault, Subject, rules
from .view import Part, kind_of

CHECKS_REQUESTS, SIGNS_REQUESTS, NEITHER = "checks", "signs", "neither"
_END: Path = ("auth", "authenticator")
_SIDES = {Trait.CHECKS_REQUESTS: CHECKS_REQUESTS, Trait.SIGNS_REQUESTS: SIGNS_REQUESTS}
_QUEUE: Path = ("sending_queue", "storage")
_OWN: Path = ("storage",)  # of receivers, such as file_log
_NO_AUTHENTICATOR = types_that(EXTENSIONS, Trait.STANDS_ALONE, Trait.STORES)
_NO_STORAGE = types_that(EXTENSIONS, Trait.STANDS_ALONE, *_SIDES)
_NO_MIDDLEWARE = {*_NO_AUTHENTICATOR, *_NO_STORAGE}
_STEPS = 3  # from `middlewares` to an `id`
_FIXES = {
    CHECKS_REQUESTS: "Name an extension that checks requests: oidc, bearertokenauth, or basicauth with `htpasswd`.",
    SIGNS_REQUESTS: "Name an extension that signs requests: oauth2client, bearertokenauth, or basicauth with "
    "`client_auth`.",
}


def wrong_authenticator(subject: Subject) -> Iterator[Fault]:
    """Yield authenticators of the other side, with which the Collector does not start; `otelcol validate` takes them.

    A server is where a component listens; every other authenticator of an exporter is a client's.
    """
    extensions = section(subject.config, "extensions")
    for part in subject.view.parts:
        for path, name in _authenticators(part):
            needed = _needed(part, path, subject.listeners)
            side = _side(name, extensions.get(name)) if name in extensions else ""
            if needed and side == NEITHER:
                yield Fault((*part.path, *path), f"extension '{name}' is not an authenticator", _FIXES[needed])
            elif needed and side and side != needed:
                who = "a server needs one that checks them" if needed == CHECKS_REQUESTS else "a client signs its own"
                message = f"extension '{name}' {side} requests, and {who}"
                # load_balancing starts its exporters when it needs them, and goes on without.
                severity = "warning" if part.section == "exporters" and path != _END else ""
                yield Fault((*part.path, *path), message, _FIXES[needed], severity=severity)


def wrong_storage(subject: Subject) -> Iterator[Fault]:
    """Yield queues whose storage is an extension that stores nothing; `otelcol validate` takes them.

    Source: the Collector's extension/xextension/storage (`requested extension is not a storage extension`).
    """
    for part in subject.view.parts:
        for path, value in leaves(part.settings):
            is_storage = path == _QUEUE or (path == _OWN and part.section == "receivers")
            if is_storage and isinstance(value, str) and kind_of(value.strip()) in _NO_STORAGE:
                fix = "Name an extension that stores data, such as file_storage."
                yield Fault((*part.path, *path), f"extension '{value}' stores no data", fix)


def wrong_middleware(subject: Subject) -> Iterator[Fault]:
    """Yield middlewares that are extensions of another kind, with which the Collector does not start.

    Source: the Collector's config/configmiddleware (`requested extension is not an HTTP client middleware`).
    """
    for part in subject.view.parts:
        for path, value in leaves(part.settings):
            is_middleware = len(path) >= _STEPS and path[-1] == "id" and path[-_STEPS] == "middlewares"
            if is_middleware and isinstance(value, str) and kind_of(value.strip()) in _NO_MIDDLEWARE:
                fix = "Remove it from `middlewares`; an authenticator stands in `auth`."
                yield Fault((*part.path, *path), f"extension '{value}' is not a middleware", fix)


def _authenticators(part: Part) -> Iterator[tuple[Path, str]]:
    for path, value in leaves(part.settings):
        if path[-2:] == _END and isinstance(value, str):
            yield path, value.strip()


def _needed(part: Part, path: Path, listeners: Listeners) -> str:
    """Return what the authenticator at a path has to do; empty text if nobody knows."""
    served = (row.path[:-1] for row in listeners.get((part.section, part.type), ()))
    if path[:-2] in served:
        return CHECKS_REQUESTS
    return SIGNS_REQUESTS if part.section == "exporters" else ""


def _side(name: str, settings: Any) -> str:
    """Return what an extension does with requests; empty text for both, or if nobody knows.

    basicauth has the side that its settings say.
    """
    if kind_of(name) == "basicauth" and isinstance(settings, dict):
        given = [key for key in ("htpasswd", "client_auth") if at(settings, (key,)) is not None]
        return {"htpasswd": CHECKS_REQUESTS, "client_auth": SIGNS_REQUESTS}[given[0]] if len(given) == 1 else ""
    if kind_of(name) in _NO_AUTHENTICATOR:
        return NEITHER
    known = traits_of(EXTENSIONS, name)
    sides = [side for trait, side in _SIDES.items() if trait in known]
    return sides[0] if len(sides) == 1 else ""


_AUTHENTICATION = "https://opentelemetry.io/docs/collector/configuration/#authentication"
_STORAGE = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/storage"
_MIDDLEWARE = "https://github.com/open-telemetry/opentelemetry-collector/tree/main/extension/extensionmiddleware"
RULES = (
    *rules("error", wrong_authenticator, documentation=_AUTHENTICATION),
    *rules("error", wrong_storage, documentation=_STORAGE),
    *rules("error", wrong_middleware, documentation=_MIDDLEWARE),
)
