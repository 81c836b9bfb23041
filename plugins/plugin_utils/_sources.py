# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes, platforms and catalogue, read from disk. Controller only. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache, lru_cache, reduce
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..module_utils._collector.needs.derive_needs import SECRETS_ROOT
from ..module_utils._config import build_schema
from ..module_utils._config.catalogue import FORMAT, TABLES
from ..module_utils._config.layers import Layer
from ..module_utils._errors import Problem, near
from ..module_utils._kube.service_names import headless_address
from ..module_utils._validate.elasticsearch_documents import is_data_stream
from ..module_utils._validate.recipes import RecipeUse, check_options, check_shape
from . import _files, _yaml
from ._arguments import checked

_ROOT = Path(__file__).parents[2]
ROLE = _ROOT / "roles" / "otel_collector"
CATALOGUE = Path(__file__).parent / "_data" / "catalogue"
RECIPE_FILE = "recipe.yml"
TEMPLATE_FILE = "config.yml.j2"

_WORKSPACE_ID = re.compile(r"ws-[0-9A-Za-z-]+\Z")
_WRITE = "/api/v1/remote_write"

# Size of the cache of texts: all files of the role, rendered for a hundred different collectors.
_KEPT = 1024


def read_yaml(path: Path | str) -> Any:
    """Return the data of a YAML file. Raises Problem when it cannot be read."""
    return read_document(path).data


def read_document(path: Path | str) -> _yaml.Document:
    """Return a YAML file with the places of its paths. Raises Problem when it cannot be read."""
    return _parsed(_files.read(path), str(path))


@lru_cache(_KEPT)
def _parsed(text: str, name: str) -> _yaml.Document:
    """Return the document in a text. Each text is parsed once and shared: do not change the result."""
    return _yaml.load(text, name)


def own_tables() -> dict[str, Any]:
    """Return the collection's tables of Collectors by name."""
    return {file.stem: json.loads(_files.read(file)) for file in CATALOGUE.glob("*.json")}


@cache
def operator_kinds() -> Mapping[str, Any]:
    """Return the fields of the operator's custom resources, read once per process."""
    found: Mapping[str, Any] = json.loads(_files.read(CATALOGUE.parent / "operator_kinds.json"))
    return found


def published_tables(text: str, path: str) -> dict[str, Any]:
    """Return the tables in a file that a newer version of the collection published. Raises Problem if it is none."""
    try:
        found = json.loads(text)
        tables = found["tables"] if found["format"] == FORMAT and set(TABLES) <= set(found["tables"]) else None
    except (ValueError, RecursionError, TypeError, KeyError):
        tables = None
    if tables is None:
        wrong = f"{path} is not a catalogue of Collectors that this version of the collection can read"
        raise Problem(
            wrong, fix="Write it with `python -m tools.catalogue.bundle FILE` of a newer checkout, or update."
        )
    return dict(tables)


def types_of_schema(path: str) -> dict[tuple[str, str], Any]:
    """Return types and settings in the schema of a build. Raises Problem for a file that is none."""
    found = _types(_files.read(path), path)
    if not found:
        wrong = f"{path} is not the JSON Schema of a Collector's config"
        raise Problem(wrong, fix="It lists types in `properties.receivers.patternProperties`, as print-schema does.")
    return found


@lru_cache(_KEPT)
def _types(text: str, name: str) -> dict[tuple[str, str], Any]:
    try:
        return build_schema.types_of(json.loads(text))  # such a file may have megabytes, and YAML is read slowly
    except (ValueError, RecursionError):
        return build_schema.types_of(_parsed(text, name).data)


def role_options(prefix: str, names: Iterable[str]) -> dict[str, Any]:
    """Return options of the role whose variables have this prefix, as its argument specs document them."""
    spec = documented(prefix.removesuffix("_"))
    return {name: spec[prefix + name] for name in names}


def roles() -> list[str]:
    """Return the roles of this collection, which document their options."""
    return sorted(path.parent.parent.name for path in ROLE.parent.glob("*/meta/argument_specs.yml"))


def documented(role: str) -> dict[str, Any]:
    """Return all options of a role, as its argument specs document them."""
    spec: dict[str, Any] = read_yaml(ROLE.with_name(role) / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    return dict(spec["options"])


@cache
def catalogue(name: str) -> Any:
    """Return a table of the catalogue, read once per process."""
    return read_yaml(CATALOGUE / f"{name}.yml")


def find(folders: Iterable[str], kind: str) -> dict[str, Path]:
    """Return the files of the user's folders and of the role's `kind` folder, by name; the user's take precedence."""
    found: dict[str, Path] = {}
    for files in [*(_files_in(Path(item)) for item in folders), _of_role(kind)]:
        for name, path in files.items():
            found.setdefault(name, path)
    return found


@cache
def _of_role(kind: str) -> dict[str, Path]:
    """Return the role's own files, which stay as they are while a process runs."""
    return _files_in(ROLE / kind)


def _files_in(folder: Path) -> dict[str, Path]:
    if not _files.is_there(folder, Path.is_dir):
        raise Problem(f"the folder {folder} does not exist", fix="Correct recipe_paths or platform_paths.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if (path / RECIPE_FILE).is_file() or path.suffix == ".yml":
            found.setdefault(path.stem, path)
    return found


def platform(name: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the facts of a platform: the generic facts, overridden by the platform's own."""
    if name not in files:
        wrong = f"there is no platform '{name}'{near(name, files)}"
        raise Problem(wrong, fix=f"Platforms: {', '.join(sorted(files))}.")
    generic, own = read_yaml(files["generic"]) or {}, read_yaml(files[name]) or {}
    both = {key for key, value in own.items() if isinstance(value, dict) and isinstance(generic.get(key), dict)}
    parts = {key: {**generic[key], **own[key]} for key in both}
    return {**generic, **own, **parts, "name": name}


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
    options = checked(use.options, recipe.get("options") or {}, f"recipe '{use.name}'", one_line=False)
    check_options(use.name, options, recipe.get("options") or {})
    template = folder / TEMPLATE_FILE
    source = _files.read(template)
    try:
        text = _compiled(source).render(options=options, platform=facts, collector=about)
    except Problem as error:
        raise Problem(f"recipe '{use.name}': {error.wrong}", fix=error.fix) from error
    except Exception as error:  # a template is the user's code and can raise any exception
        line = f":{error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        wrong = f"recipe '{use.name}' does not render: {error}"
        raise Problem(wrong, where=f"{template}{line}", fix="Correct its template.") from error
    config = _parsed(text, f"{template} (rendered)").data or {}
    check_shape(f"recipe '{use.name}'", config)
    return Layer(f"recipe '{use.name}'", config, recipe=True)


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
    environment.filters |= {"to_json": _to_json, "given": _given, "without": _without, "client_tls": _client_tls}
    environment.filters |= {"any_of": _any_of, "once": _once, "pairs": _pairs, "of_namespaces": _of_namespaces}
    environment.filters |= {"headless": headless_address, "places": _places, "and_rotated": _and_rotated}
    environment.filters |= {"document_mapping": _document_mapping, "whole_values": _whole_values}
    environment.filters |= {"workspace_address": _workspace_address}
    return environment


def _given(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value not in (None, "")}


def _client_tls(authority: str | None, own: str | None, reload: str = "") -> dict[str, Any]:
    """Return TLS settings of a client for the Secret of the CA and that of its certificate, which is read again."""
    files = {"ca_file": (authority, "ca.crt"), "cert_file": (own, "tls.crt"), "key_file": (own, "tls.key")}
    found = {name: f"{SECRETS_ROOT}/{secret}/{key}" for name, (secret, key) in files.items() if secret}
    return _given({**found, "reload_interval": reload or (own and "1m")})


def _document_mapping(wanted: str, index: str | None, date_suffix: bool) -> str:
    """Return the mapping of documents in Elasticsearch; `auto` is for data streams only where documents go to those."""
    if wanted != "auto":
        return wanted
    return "none" if date_suffix or (index and not is_data_stream(index)) else "otel"


def _workspace_address(workspace: str, region: str) -> str:
    """Return where a workspace of Amazon Managed Service for Prometheus is written to. Raises Problem for its alias.

    An id begins with `ws-`, as in Amazon's API. Only Amazon knows which id has an alias.
    """
    if "://" not in workspace and "${" not in workspace and not _WORKSPACE_ID.match(workspace):
        find = f"aws amp list-workspaces --region {region} --alias {workspace}"
        fix = f"Give its id, `ws-…`, or its URL: `{find} --query 'workspaces[].workspaceId'` shows the id."
        raise Problem(f"`workspace: {workspace}` is neither an id of a workspace nor a URL", fix=fix)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    place = f"https://aps-workspaces.{region}.{domain}/workspaces/{workspace}"
    return (workspace if "://" in workspace else place).rstrip("/").removesuffix(_WRITE) + _WRITE


def _whole_values(texts: Iterable[str]) -> list[str]:
    """Return a regular expression (RE2) for each text, which matches nothing but the whole of it."""
    return [rf"\A{re.escape(text)}\z" for text in texts]


def _without(url: str, *ends: str) -> str:
    """Return a URL without these ends of its path, which an exporter or the template adds; another one as it is."""
    found = reduce(str.removesuffix, ends, url.rstrip("/"))
    return url if found == url.rstrip("/") else found


def _any_of(values: Iterable[str], path: str) -> str:
    """Return a condition of OTTL: a path has one of these values."""
    return " or ".join(f"{path} == {json.dumps(value)}" for value in values)


def _pairs(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as the telemetry of the service takes it: a list of names and values."""
    return [{"name": name, "value": value} for name, value in mapping.items()]


def _of_namespaces(namespaces: Iterable[str], glob: str) -> list[str]:
    """Return the globs of the log files of these namespaces, out of the glob of all: a folder begins with one."""
    return [glob.replace("/*/", f"/{name}_*/", 1) for name in namespaces]


def _places(
    names: Iterable[str], platform: Mapping[str, Any], addresses: Mapping[str, Any], unverified: Iterable[str] = ()
) -> dict[str, Any]:
    """Return where each component has its metrics; addresses replace discovery. Raises Problem for those without."""
    known, wanted = platform["control_plane"], dict.fromkeys(names)
    served = {name: place for name, place in known.items() if place}
    for name in wanted:
        if name not in served and name not in addresses:
            fix = f"Set `addresses`, or `components` out of {', '.join(served)}."
            raise Problem(f"platform '{platform['name']}' serves no metrics of {name}", fix=fix)
    _check_unverified(unverified, wanted, platform)
    for name, given in addresses.items():
        if name not in wanted:
            raise Problem(f"`addresses` has {name}, which is not scraped", fix="Add it to `components`, or remove it.")
        if not isinstance(given, list) or not given:
            raise Problem(f"`addresses` of {name} is not a list", fix=f"Write `{name}: [HOST:PORT]`.")
    return {
        name: {**(known[name] or {}), **({"addresses": addresses[name]} if name in addresses else {})}
        for name in wanted
    }


def _check_unverified(names: Iterable[str], wanted: Container[str], platform: Mapping[str, Any]) -> None:
    """Raise Problem for components whose certificate is not looked at, or is the API server's."""
    for name in names:
        if name not in wanted:
            fix = "Add it to `components`, or remove it."
            raise Problem(f"`skip_verify` has {name}, which is not scraped", fix=fix)
        if "addresses" in (platform["control_plane"][name] or {}):
            wrong = f"`skip_verify` has {name}, which the API server serves on '{platform['name']}'"
            raise Problem(wrong, fix="Remove it.")


# The kubelet adds the time to the name of a file that it rotates, and later compresses it under another name.
_ROTATED = "{,.????????-??????}"


def _and_rotated(globs: Iterable[str], known: bool) -> list[str]:
    """Return globs that also match the file that was rotated last, where the Collector knows such names."""
    return [f"{glob}{_ROTATED}" if known and glob.endswith(".log") else glob for glob in globs]


def _once(rows: Sequence[Mapping[str, Any]], key: str) -> Sequence[Mapping[str, Any]]:
    """Return rows in which a key, or the items of its list, has no value twice. Raises Problem for one that does."""
    found = [value for row in rows for value in (row[key] if isinstance(row[key], list) else [row[key]])]
    twice = next((value for index, value in enumerate(found) if value in found[:index]), None)
    if twice is not None:
        raise Problem(f"'{twice}' is there twice in `{key}`", fix="Keep one of the two.")
    return rows


def _to_json(value: Any) -> str:
    """JSON is YAML: what is inserted with this needs neither indentation nor quotes."""
    return json.dumps(value, default=str)
