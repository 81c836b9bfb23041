# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one Instrumentation, checked and as typed values. Private.

The fields are the inputs of role otel_instrumentation, without its prefix; its argument_specs.yml says what each means.
Actions build an `Instrumentation` with `from_options`, and `custom_resource.py` makes the custom resource of it.
Example: `languages: {python: {}}` with `collector: {name: gateway}` is an Instrumentation with one export, of Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .._kube import object_names
from .._otelcol.config.secret_kinds import secret_kind_at
from .._otelcol.config.secret_names import is_secret_name
from .._otelcol.errors import Problem
from .._otelcol.kube.text_values import check_texts
from .export_endpoints import CollectorOptions
from .exports import OPTIONS_BY_VARIABLE, CommonOptions, Export, LanguageOptions, build_export
from .samplers import build_sampler, check_propagators
from .sdk_languages import LANGUAGES

# Options whose mappings have required keys, so that their default is no mapping at all instead of an empty one.
_OPTIONAL_MAPPINGS = ("collector", "tls")
# Options with mappings in which Kubernetes takes nothing but texts as values.
_TEXT_MAPPINGS = ("labels", "annotations", "resource_attributes")
# OTEL_RESOURCE_ATTRIBUTES is a list of `key=value` with commas between them (OpenTelemetry, "Resource SDK").
_DELIMITERS = re.compile(r"[,=]")


@dataclass(frozen=True)
class Instrumentation:
    """The checked options of one Instrumentation, and what its languages export."""

    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    collector: CollectorOptions
    endpoint: str
    tls: dict[str, str]
    """May have the keys secret_name, config_map_name, ca_file, cert_file and key_file."""
    languages: dict[str, LanguageOptions]
    """The options of each language in use, by its name."""
    sampler: dict[str, str]
    """Has the keys type and argument, or none."""
    propagators: list[str]
    resource_attributes: dict[str, str]
    kubernetes_uids: bool
    labels_as_attributes: bool
    env: dict[str, Any]
    image_registry: str
    image_pull_policy: str | None
    init_container_security_context: dict[str, Any]
    namespaces: list[Any]
    """The namespaces whose pods are instrumented: each a name, or a mapping with a name and a language."""
    adopt: bool
    exports: list[Export] = field(default_factory=list)
    """What each language in use exports, in the order of LANGUAGES."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Instrumentation:
        """Return the Instrumentation that these options describe. Raises Problem for options that cannot work."""
        values: dict[str, Any] = {name: options.get(name) for name in list_option_names()}
        for name in _OPTIONAL_MAPPINGS:
            values[name] = values[name] or {}
        object_names.check_name("namespace of an Instrumentation", values["namespace"])
        object_names.check_name("name of an Instrumentation", values["name"])
        try:
            return cls._from_checked_values(values)
        except Problem as problem:
            subject = f"instrumentation '{values['name']}'"
            raise Problem(problem.wrong, asked=subject, where=problem.where, fix=problem.fix) from problem

    @classmethod
    def _from_checked_values(cls, values: dict[str, Any]) -> Instrumentation:
        """Return the Instrumentation of these values. Raises Problem for values that cannot work."""
        for name in _TEXT_MAPPINGS:
            values[name] = check_texts(name, values[name] or {})
        languages = _choose_languages(values["languages"] or {})
        if values["collector"] and values["endpoint"]:
            raise Problem("it has both `collector` and `endpoint`", fix="Remove one of them.")
        values["tls"] = _check_tls(values["tls"])
        values["sampler"] = build_sampler(values["sampler"])
        values["propagators"] = check_propagators(values["propagators"])
        _check_attributes(values["resource_attributes"])
        _check_env(values["env"])
        for language_options in languages.values():
            _check_env(language_options["env"])
        common_options = CommonOptions(
            namespace=values["namespace"],
            endpoint=values["endpoint"],
            collector=values["collector"],
            tls=values["tls"],
            env=values["env"],
        )
        exports = []
        for name, language in LANGUAGES.items():
            if name in languages:
                exports.append(build_export(language, languages[name], common_options))
        return cls(**{**values, "languages": languages, "exports": exports})

    @property
    def reference(self) -> str:
        """The value of annotations that ask for it: NAMESPACE/NAME.

        The operator also takes the value `true`, but not if the namespace has a second Instrumentation.
        """
        return f"{self.namespace}/{self.name}"


def list_option_names() -> list[str]:
    """Return the names of the options. They are all fields except `exports`, which follows from the others."""
    return [option.name for option in fields(Instrumentation) if option.name != "exports"]


def _choose_languages(requested_languages: Mapping[str, LanguageOptions | None]) -> dict[str, LanguageOptions]:
    """Return the options of the languages in use. Raises Problem if there is none.

    A language that is not in use is missing, or has None for its options.
    """
    languages = {name: options for name, options in requested_languages.items() if options is not None}
    if not languages:
        raise Problem("it has no languages", fix=f"Give `languages`, of {', '.join(LANGUAGES)}.")
    return languages


def _check_tls(tls_options: Mapping[str, Any]) -> dict[str, str]:
    """Return the given options of `tls`. Raises Problem for a set of which the operator would ignore a part.

    The name of a file is a key of the Secret or ConfigMap, or an absolute path in the container:

    | options | result |
    |---|---|
    | `secret_name: tls, ca_file: ca.crt, cert_file: tls.crt, key_file: tls.key` | taken: all are keys of the Secret |
    | `config_map_name: ca, ca_file: ca.crt` | taken |
    | `ca_file: /etc/ssl/ca.crt` | taken: a path needs neither |
    | `config_map_name: ca, cert_file: tls.crt, key_file: tls.key` | refused: a key of a client is in a Secret |
    | `ca_file: ca.crt` | refused: nothing says of what it is a key |
    """
    tls = {key: str(value) for key, value in tls_options.items() if value}
    if not tls:
        return {}
    if ("cert_file" in tls) != ("key_file" in tls):
        raise Problem("its `tls` has one of cert_file and key_file", fix="Give both, or none.")
    if "ca_file" not in tls and "cert_file" not in tls:
        raise Problem("its `tls` uses no file", fix="Give ca_file, such as ca.crt, or cert_file and key_file.")
    if "secret_name" in tls:
        return tls
    for key in ("cert_file", "key_file"):
        if _is_key(tls.get(key)):
            raise Problem(f"its `tls` has {key}, but no secret_name", fix="Give secret_name, or an absolute path.")
    if "config_map_name" not in tls and _is_key(tls.get("ca_file")):
        wrong = "its `tls` has ca_file, but no config_map_name or secret_name"
        raise Problem(wrong, fix="Give one of them, or an absolute path.")
    return tls


def _is_key(file: str | None) -> bool:
    """Return whether the name of a file is a key of a Secret or ConfigMap, and no absolute path."""
    return file is not None and not file.startswith("/")


def _check_attributes(attributes: Mapping[str, str]) -> None:
    """Raise Problem for a resource attribute with a character that separates attributes in their variable."""
    for name, value in attributes.items():
        if _DELIMITERS.search(name + value):
            wrong = f"resource attribute '{name}' has a comma or an equals sign"
            raise Problem(wrong, fix="Write %2C or %3D in its place.")


def _check_env(env: Mapping[str, Any]) -> None:
    """Raise Problem for a variable that has an option of its own, and for a secret in clear text."""
    for name, value in env.items():
        if name in OPTIONS_BY_VARIABLE:
            wrong = f"{name} stands in `env`, where it is not checked"
            raise Problem(wrong, fix=f"Give `{OPTIONS_BY_VARIABLE[name]}` of the language in its place.")
        if isinstance(value, dict):
            continue
        if is_secret_name(name) or secret_kind_at({}, (name,), str(value)):
            wrong = f"{name} stands in `env` in clear text"
            raise Problem(wrong, fix="Give it as `{secret: NAME, key: KEY}` of an existing Secret.")
