# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the extensions that components name: authenticators, storages and middlewares.

A server needs an authenticator that checks requests, a client one that signs them, and a queue a storage. What an
extension may do, and what is wrong with it as the authenticator of an exporter, which is a client:

| extension | may | message for an exporter |
|---|---|---|
| oauth2client | sign | |
| oidc | check | extension 'oidc' checks requests, and a client signs its own |
| bearertokenauth, or one that nobody knows | sign and check | |
| zpages | neither | extension 'zpages' is not an authenticator |

Sources: the Collector's config/configauth (`requested authenticator is not a server authenticator`) and, of each
extension, which interfaces of extension/extensionauth it has. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.file_log.storage: error [wrong-storage] extension 'health_check' stores no data. Name an extension
    that stores data, such as file_storage.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from ..catalogue.port_rows import Listeners
from ..config.paths import Path, iter_leaves, mapping_at
from ..needs.started_components import StartedComponent
from ..traits import EXTENSIONS, Trait, kind_of, traits_of, types_with_traits
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules
from .subject import Subject, once_per_subject

_AUTHENTICATION = "https://opentelemetry.io/docs/collector/configuration/#authentication"
_STORAGE = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/storage"
_MIDDLEWARE = "https://github.com/open-telemetry/opentelemetry-collector/tree/main/extension/extensionmiddleware"

# The keys under which settings may name an extension. `NamedExtension` says which of them do.
_LAST_KEYS = ("authenticator", "storage", "id")
# How the path of an authenticator ends, at any depth: `protocols.grpc.auth.authenticator`.
_AUTHENTICATOR_END: Path = ("auth", "authenticator")


class _Side(Enum):
    """The side of a connection at which an authenticator works. The value is what it does with requests there."""

    SERVER = "checks"
    CLIENT = "signs"


_BOTH_SIDES = frozenset(_Side)
_OTHER_SIDE = {_Side.SERVER: _Side.CLIENT, _Side.CLIENT: _Side.SERVER}
_SIDE_BY_TRAIT = {Trait.CHECKS_REQUESTS: _Side.SERVER, Trait.SIGNS_REQUESTS: _Side.CLIENT}
# An extension basicauth works at one side only, by the settings that it has.
_SIDE_BY_BASICAUTH_KEY = {"htpasswd": _Side.SERVER, "client_auth": _Side.CLIENT}
_REASON_BY_SIDE = {
    _Side.SERVER: "a server needs one that checks them",
    _Side.CLIENT: "a client signs its own",
}
_FIX_BY_SIDE = {
    _Side.SERVER: "Name an extension that checks requests: oidc, bearertokenauth, or basicauth with `htpasswd`.",
    _Side.CLIENT: "Name an extension that signs requests: oauth2client, bearertokenauth, or basicauth with "
    "`client_auth`.",
}

# The types of extensions that are certainly no authenticators, no storages and no middlewares: those that have one of
# these traits. No extension of the table has two of these purposes. A type that the table lacks, such as one of the
# user's own build, may be anything.
_NO_AUTHENTICATORS = types_with_traits(EXTENSIONS, Trait.STANDS_ALONE, Trait.STORES)
_NO_STORAGES = types_with_traits(EXTENSIONS, Trait.STANDS_ALONE, Trait.CHECKS_REQUESTS, Trait.SIGNS_REQUESTS)
_NO_MIDDLEWARES = {*_NO_AUTHENTICATORS, *_NO_STORAGES}


class NamedExtension(NamedTuple):
    """A text in the settings of a started component that may name an extension."""

    part: StartedComponent
    setting_path: Path
    """The path below the settings of the component."""
    extension_text: str

    @property
    def config_path(self) -> Path:
        """Where the text stands in the config."""
        return (*self.part.path, *self.setting_path)

    @property
    def extension_id(self) -> str:
        """The id of the extension as the Collector reads it: without white space around it."""
        return self.extension_text.strip()

    @property
    def extension_kind(self) -> str:
        """The type of the extension that the text names."""
        return kind_of(self.extension_id)

    @property
    def is_authenticator(self) -> bool:
        """Whether the setting names an authenticator: `auth.authenticator`, at any depth."""
        return self.setting_path[-2:] == _AUTHENTICATOR_END

    @property
    def is_storage(self) -> bool:
        """Whether the setting names a storage: `sending_queue.storage`, or `storage` of a receiver such as file_log."""
        if self.setting_path == ("sending_queue", "storage"):
            return True
        return self.setting_path == ("storage",) and self.part.section == "receivers"

    @property
    def is_middleware(self) -> bool:
        """Whether the setting names a middleware: `middlewares[0].id`, at any depth."""
        return self.setting_path[-1] == "id" and self.setting_path[-3:-2] == ("middlewares",)


@once_per_subject
def _find_named_extensions(subject: Subject) -> Iterator[NamedExtension]:
    """Yield the texts in the settings of started components whose key says that they may name an extension."""
    for part in subject.view.started_components:
        for path, value in iter_leaves(part.settings):
            if isinstance(value, str) and path[-1] in _LAST_KEYS:
                yield NamedExtension(part, path, value)


def wrong_authenticator(subject: Subject) -> Iterator[Fault]:
    """Yield authenticators of the other side, with which the Collector does not start; `otelcol validate` takes them.

    A server is where a component listens; every other authenticator of an exporter is a client's.
    """
    extensions = mapping_at(subject.config, "extensions")
    for named_extension in _find_named_extensions(subject):
        extension_id = named_extension.extension_id
        # Rule undefined-extension (references.py) reports the id of an extension that the config does not have.
        if not named_extension.is_authenticator or extension_id not in extensions:
            continue
        needed_side = _find_needed_side(named_extension, subject.listeners)
        possible_sides = _find_possible_sides(extension_id, extensions[extension_id])
        if needed_side is None or needed_side in possible_sides:
            continue
        if possible_sides:
            yield _describe_wrong_side(named_extension, needed_side)
        else:
            message = f"extension '{extension_id}' is not an authenticator"
            yield Fault(named_extension.config_path, message, _FIX_BY_SIDE[needed_side])


def _find_needed_side(named_extension: NamedExtension, listeners: Listeners) -> _Side | None:
    """Return the side of the settings that name an authenticator; None if nobody knows it.

    They are those of a server if they have the endpoint of a listener too. For example, the table of listeners has
    `protocols.grpc.endpoint` for receiver otlp, so `protocols.grpc.auth.authenticator` is that of a server.
    """
    path_of_settings = named_extension.setting_path[: -len(_AUTHENTICATOR_END)]
    part = named_extension.part
    for row in listeners.get((part.section, part.type), ()):
        path_of_endpoint_settings = row.path[:-1]
        if path_of_endpoint_settings == path_of_settings:
            return _Side.SERVER
    # A receiver or an extension may be a client too: receivers that scrape sign their requests.
    return _Side.CLIENT if part.section == "exporters" else None


def _find_possible_sides(extension_id: str, settings: Any) -> frozenset[_Side]:
    """Return the sides at which an extension may work: none if it is certainly no authenticator.

    Where nothing tells the side, it may be both.
    """
    extension_type = kind_of(extension_id)
    if extension_type == "basicauth" and isinstance(settings, dict):
        given_sides = [side for key, side in _SIDE_BY_BASICAUTH_KEY.items() if settings.get(key) is not None]
        return frozenset(given_sides) or _BOTH_SIDES
    if extension_type in _NO_AUTHENTICATORS:
        return frozenset()
    known_traits = traits_of(EXTENSIONS, extension_id)
    return frozenset(side for trait, side in _SIDE_BY_TRAIT.items() if trait in known_traits) or _BOTH_SIDES


def _describe_wrong_side(named_extension: NamedExtension, needed_side: _Side) -> Fault:
    """Return the fault of an authenticator that works at the other side than the one that is needed."""
    what_it_does = _OTHER_SIDE[needed_side].value
    message = f"extension '{named_extension.extension_id}' {what_it_does} requests, and {_REASON_BY_SIDE[needed_side]}"
    # load_balancing starts its exporters when it needs them, and goes on without.
    is_of_inner_exporter = (
        named_extension.part.section == "exporters" and named_extension.setting_path != _AUTHENTICATOR_END
    )
    severity = "warning" if is_of_inner_exporter else SEVERITY_OF_RULE
    return Fault(named_extension.config_path, message, _FIX_BY_SIDE[needed_side], severity=severity)


def wrong_storage(subject: Subject) -> Iterator[Fault]:
    """Yield queues whose storage is an extension that stores nothing; `otelcol validate` takes them.

    Source: the Collector's extension/xextension/storage (`requested extension is not a storage extension`).
    """
    for named_extension in _find_named_extensions(subject):
        if named_extension.is_storage and named_extension.extension_kind in _NO_STORAGES:
            message = f"extension '{named_extension.extension_text}' stores no data"
            fix = "Name an extension that stores data, such as file_storage."
            yield Fault(named_extension.config_path, message, fix)


def wrong_middleware(subject: Subject) -> Iterator[Fault]:
    """Yield middlewares that are extensions of another kind, with which the Collector does not start.

    Source: the Collector's config/configmiddleware (`requested extension is not an HTTP client middleware`).
    """
    for named_extension in _find_named_extensions(subject):
        if named_extension.is_middleware and named_extension.extension_kind in _NO_MIDDLEWARES:
            message = f"extension '{named_extension.extension_text}' is not a middleware"
            fix = "Remove it from `middlewares`; an authenticator stands in `auth`."
            yield Fault(named_extension.config_path, message, fix)


RULES = (
    *define_rules("error", wrong_authenticator, documentation=_AUTHENTICATION),
    *define_rules("error", wrong_storage, documentation=_STORAGE),
    *define_rules("error", wrong_middleware, documentation=_MIDDLEWARE),
)
