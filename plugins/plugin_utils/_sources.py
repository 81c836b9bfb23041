# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes, platforms and catalogue, read from disk. Controller only. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..module_utils._core.config import schema
from ..module_utils._core.config.layers import Layer
from ..module_utils._core.config.paths import dotted, leaves
from ..module_utils._core.errors import Problem, near
from ..module_utils._core.recipes import RecipeUse, check_shape
from . import _yaml

_ROOT = Path(__file__).parents[2]
ROLE = _ROOT / "roles" / "otel_collector"
CATALOGUE = Path(__file__).parent / "_data" / "catalogue"
RECIPE_FILE = "recipe.yml"
TEMPLATE_FILE = "config.yml.j2"

# Keys of an argument spec that only documentation or the role's entry point uses.
_PROSE = {"description", "short_description", "version_added", "author", "seealso"}
# Size of the cache of texts: all files of the role, rendered for a hundred different collectors.
_KEPT = 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_yaml(path: Path | str) -> Any:
    """Return the data of a YAML file. Raises Problem when it cannot be read."""
    return read_document(path).data


def read_document(path: Path | str) -> _yaml.Document:
    """Return a YAML file with the places of its paths. Raises Problem when it cannot be read."""
    return _parsed(_read(path), str(path))


@lru_cache(_KEPT)
def _parsed(text: str, name: str) -> _yaml.Document:
    """Return the document in a text. Each text is parsed once and shared: do not change the result."""
    return _yaml.load(text, name)


def _read(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # no UTF-8, or a path with a NUL
        raise Problem(f"cannot read {path}: {error}", fix="Give the path of a readable YAML file.") from error


def types_of_schema(path: str) -> dict[tuple[str, str], Any]:
    """Return types and settings in the schema of a build. Raises Problem for a file that is none."""
    found = _types(_read(path), path)
    if not found:
        wrong = f"{path} is not the JSON Schema of a Collector's config"
        raise Problem(wrong, fix="It lists types in `properties.receivers.patternProperties`, as print-schema does.")
    return found


@lru_cache(_KEPT)
def _types(text: str, name: str) -> dict[tuple[str, str], Any]:
    try:
        return schema.types_of(json.loads(text))  # such a file may have megabytes, and YAML is read slowly
    except (ValueError, RecursionError):
        return schema.types_of(_parsed(text, name).data)


@cache
def catalogue(name: str) -> Any:
    """Return a table of the catalogue, read once per process."""
    return read_yaml(CATALOGUE / f"{name}.yml")


def find(folders: Iterable[str], kind: str) -> dict[str, Path]:
    """Return the files of the user's folders and of the role's `kind` folder, by name; the user's take precedence."""
    found: dict[str, Path] = {}
    for folder in [*(Path(item) for item in folders), ROLE / kind]:
        if not folder.is_dir():
            raise Problem(f"the folder {folder} does not exist", fix="Correct recipe_paths or platform_paths.")
        for path in sorted(folder.iterdir()):
            if (path / RECIPE_FILE).is_file() or path.suffix == ".yml":
                found.setdefault(path.stem, path)
    return found


def platform(name: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the facts of a platform: the generic facts, overridden by the platform's own."""
    if name not in files:
        wrong = f"there is no platform '{name}'{near(name, files)}"
        raise Problem(wrong, fix=f"Platforms: {', '.join(sorted(files))}.")
    return {**(read_yaml(files["generic"]) or {}), **(read_yaml(files[name]) or {})}


def recipe(folder: Path) -> dict[str, Any]:
    """Return the metadata of a recipe. Raises Problem if it is incomplete."""
    described = read_yaml(folder / RECIPE_FILE)
    if isinstance(described, dict) and "summary" in described and isinstance(described.get("modes"), list):
        return described
    wrong = f"{folder / RECIPE_FILE} needs a `summary` and a list of `modes`"
    raise Problem(wrong, fix="Use a recipe of the role as a template.")


def fragment(
    use: RecipeUse, folder: Path, recipe: Mapping[str, Any], facts: Mapping[str, Any], about: Mapping[str, Any]
) -> Layer:
    """Return a recipe's config as a layer. Raises Problem for wrong options or a template that does not render."""
    options = checked(use.options, recipe.get("options") or {}, f"recipe '{use.name}'")
    template = folder / TEMPLATE_FILE
    source = _read(template)
    try:
        text = _compiled(source).render(options=options, platform=facts, collector=about)
    except Exception as error:  # a template is the user's code and can raise any exception
        line = f":{error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        wrong = f"recipe '{use.name}' does not render: {error}"
        raise Problem(wrong, where=f"{template}{line}", fix="Correct its template.") from error
    config = _parsed(text, f"{template} (rendered)").data or {}
    check_shape(f"recipe '{use.name}'", config)
    return Layer(f"recipe '{use.name}'", config, recipe=True)


class Options:
    """Documented options with their argument spec, built once for all values."""

    def __init__(self, documented: Mapping[str, Any]) -> None:
        self.documented = documented
        spec = argument_spec(documented)
        self._validator = ArgumentSpecValidator(spec)
        self._defaults = {
            name: spec[name]["default"] for name in spec if isinstance(spec[name].get("default"), (dict, list))
        }

    def validate(self, values: Mapping[str, Any]) -> ValidationResult:
        """Return values validated by Ansible, which copies the values but fills the defaults of a spec in place."""
        return self._validator.validate({**self._defaults, **values})


def checked(values: Mapping[str, Any], options: Options | Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return values in the types of documented options, with their defaults. Raises Problem naming every fault."""
    known = options if isinstance(options, Options) else Options(options)
    _check_names(values, known.documented, what, "")
    result = _validated(values, known, what)
    if result.error_messages:
        raise Problem("; ".join(result.error_messages), asked=what, fix="Correct the value.")
    validated: dict[str, Any] = result.validated_parameters
    _check_text(validated, what)
    return validated


def _validated(values: Mapping[str, Any], known: Options, what: str) -> ValidationResult:
    """Return what Ansible's validator says of values; it fails on some, such as infinity for a whole number."""
    try:
        return known.validate(values)
    except Exception:
        for name, value in values.items():
            _validated_alone(name, value, known, what)
        raise


def _validated_alone(name: str, value: Any, known: Options, what: str) -> None:
    try:
        known.validate({name: value})
    except Exception as error:
        wrong = f"option '{name}' of {what} has a value that is not valid: {error}"
        raise Problem(wrong, fix="Correct the value.") from error


def _check_text(values: Mapping[str, Any], what: str) -> None:
    """Reject half of a surrogate pair, which JSON can write and no file can hold."""
    for path, value in leaves(values):
        broken = next((part for part in (value, *path) if isinstance(part, str) and _SURROGATE.search(part)), None)
        if broken is not None:
            wrong = f"option '{dotted(path)}' of {what} has text that is not valid Unicode: {broken!r}"
            raise Problem(wrong, fix="Remove the character.")


def _check_names(values: Mapping[str, Any], spec: Mapping[str, Any], what: str, path: str) -> None:
    """Reject unknown options at any depth; Ansible's validator suggests no similar name."""
    for key, value in values.items():
        if key not in spec:
            wrong = f"{what} has no option '{path}{key}'{near(str(key), spec)}"
            raise Problem(wrong, fix=f"Options: {', '.join(sorted(spec)) or 'none'}.")
        inner = (spec[key] or {}).get("options") or {}
        for item in (value if isinstance(value, list) else [value]) if inner else ():
            if isinstance(item, Mapping):
                _check_names(item, inner, what, f"{path}{key}.")
            elif item is not None and not isinstance(item, str):  # Ansible's validator fails on these with a TypeError
                fix = f"Write a mapping of {', '.join(sorted(inner))}."
                raise Problem(f"option '{path}{key}' of {what} must be a mapping, not '{item}'", fix=fix)


def argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options as the argument spec that Ansible's validator takes, which fills in its defaults."""
    spec = {}
    for name, option in options.items():
        facts = {key: deepcopy(value) for key, value in (option or {}).items() if key not in _PROSE}
        inner = facts.pop("options", None) or facts.pop("suboptions", None)  # as documentation of modules calls them
        spec[name] = facts | ({"options": argument_spec(inner)} if inner else {})
    return spec


@lru_cache(_KEPT)
def _compiled(source: str) -> Template:
    """Return the template of a text, compiled once per process."""
    return _environment().from_string(source)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Recipes see `options`, `platform` and `collector`; any other name is an error, never empty text."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"to_json": _to_json, "given": _given}
    return environment


def _given(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value not in (None, "")}


def _to_json(value: Any) -> str:
    """JSON is YAML: what is inserted with this needs neither indentation nor quotes."""
    return json.dumps(value, default=str)
