# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/ottl.json, what the Collector knows of OTTL, the OpenTelemetry Transformation Language.

    go mod download github.com/open-telemetry/opentelemetry-collector-contrib/{pkg/ottl,…}@v0.158.0
    python -m tools.catalogue.ottl $(go env GOMODCACHE)

The table has the functions with their arguments, the paths and enums of each context, and the places of texts. The
functions are read here, at every version in VERSIONS: each decodes its arguments into a struct of Go. All else is in
`ottl_facts.py`. `python -m tools.catalogue` calls `main`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import ottl_facts as facts
from .versions import following_release

OTTL_FILE = Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue" / "ottl.json"
CONTRIB_MODULES = "github.com/open-telemetry/opentelemetry-collector-contrib"
VERSIONS = ("0.155.0", "0.156.0", "0.157.0", "0.158.0", "0.159.0", "0.160.0", "0.161.0")
# A struct of Go, such as `type SetArguments[K any] struct { … }`: its name, and the lines of its fields.
_STRUCT = re.compile(r"type (\w+)(?:\[[^\]]*\])? struct \{(.*?)\n\}", re.DOTALL)
# What makes a function known, such as `ottl.NewFactory("set", &SetArguments[K]{}, …)`: its name, in quotes or as a
# constant, and its struct.
_FACTORY = re.compile(r"ottl\.NewFactory(?:\[[^(]*\])?\(\s*(\"?\w+\"?),\s*(?:nil|&(\w+)(?:\[[^{]*\])?\{\})")
# A constant with a text, such as `isMatchFuncName = "IsMatch"`.
_CONSTANT = re.compile(r'(\w+)\s*=\s*"(\w+)"')
# A field of a struct, such as `Target ottl.Setter[K]`: its name and its type.
_FIELD = re.compile(r"\s*(?P<name>\w+)\s+(?P<type>[^/`]+)")
# The type of a list that may be given as a path too, behind a feature gate.
_SLICE = re.compile(r"(?:slicegetter\.)?\bSliceGetter\[K, (\w+)\]")
# What a type has besides: the context, the package, and the mark of a pointer.
_TYPE_DETAILS = re.compile(r"\[[^\[\]]*TransformContext\]|\[K\]|ottl\.|\*")
# A grok pattern by its name, such as `"DATA": ".*?",`.
_GROK = re.compile(r'^\s*"(\w+)":\s*(.*)', re.MULTILINE)
# A part of a grok pattern with a name of its own, such as `%{WORD:method}` or `(?P<method>`.
_GROK_GROUP = re.compile(r"%\{\w+:[\w.]+(?::\w+)?\}|\(\?P?<\w+>")
# What the table calls an argument, by its Go type.
_KIND_BY_GO_TYPE = {
    "GetSetter": "path",
    "Setter": "path",
    "PMapGetSetter": "path",
    "PSliceGetSetter": "path",
    "Getter": "any",
    "FunctionGetter": "function",
    "LambdaExpression": "lambda",
    "string": "literal-text",
    "int64": "literal-int",
    "float64": "literal-float",
    "bool": "literal-bool",
    "StringGetter": "text",
    "StringLikeGetter": "text-like",
    "IntGetter": "int",
    "IntLikeGetter": "int-like",
    "FloatGetter": "float",
    "FloatLikeGetter": "float-like",
    "BoolGetter": "bool",
    "BoolLikeGetter": "bool-like",
    "PMapGetter": "map",
    "PSliceGetter": "list",
    "TimeGetter": "time",
    "DurationGetter": "duration",
    "ByteSliceLikeGetter": "bytes-like",
}


class FoundFunction(NamedTuple):
    """A function of a package, and its arguments as the table has them, such as `Target path`."""

    name: str
    arguments: list[str]


def main(module_cache: Path) -> None:
    """Write the table."""
    lines = ",\n".join(json.dumps(row) for row in list_rows(module_cache))
    OTTL_FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def list_rows(modules: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the table, each of which has other keys: README.md and `ottl_facts.py` say which."""
    yield {"exact": f"{VERSIONS[0]}..{facts.END_VERSION}"}
    yield {"grok": list_grok_patterns(modules / facts.GROK_FOLDER)}
    for package in facts.PACKAGES:
        yield from _list_package_rows(modules, package)
    yield facts.ROUTE_FUNCTION
    yield from facts.CONTEXTS
    yield from facts.PLACES


# ── Functions ──


def _list_package_rows(modules: Path, package: facts.Package) -> Iterator[dict[str, Any]]:
    """Yield a row for each function of a package, by name, with its newest arguments.

    `since` and `until` bound the versions that have the function. A bound is left out if it is that of the whole table,
    or if not all versions of the package are read.
    """
    row_by_function: dict[str, dict[str, Any]] = {}
    for version in VERSIONS:
        folder = modules / f"{CONTRIB_MODULES}/{package.module}@v{version}/{package.folder}"
        if not folder.is_dir():
            continue
        for function in list_functions(folder):
            new_row = {"function": function.name, "in": package.group, "since": version}
            row = row_by_function.setdefault(function.name, new_row)
            row["arguments"], row["until"] = function.arguments, following_release(version)
    has_history = facts.has_history(package.module)
    for name, row in sorted(row_by_function.items()):
        if row["since"] == VERSIONS[0] or not has_history:
            del row["since"]
        if row["until"] == facts.END_VERSION or not has_history:
            del row["until"]
        yield row | {"in": facts.NARROWER_GROUPS.get(name, package.group)}


def list_functions(folder: Path) -> Iterator[FoundFunction]:
    """Yield the functions of the package in a folder."""
    source_texts: list[str] = []
    for path in sorted(folder.glob("*.go")):
        if "_test" not in path.name:
            source_texts.append(path.read_text(encoding="utf-8"))
    struct_by_name: dict[str, str] = {}
    text_by_constant: dict[str, str] = {}
    for source_text in source_texts:
        struct_by_name.update(_STRUCT.findall(source_text))
        text_by_constant.update(_CONSTANT.findall(source_text))
    for source_text in source_texts:
        for written_name, struct_name in _FACTORY.findall(source_text):
            is_quoted = written_name.startswith('"')
            name = written_name.strip('"') if is_quoted else text_by_constant[written_name]
            yield FoundFunction(name, _list_arguments(name, struct_by_name.get(struct_name, "")))


def _list_arguments(function: str, struct: str) -> list[str]:
    """Return the arguments of a function, given the lines of the fields of its struct."""
    arguments: list[str] = []
    for line in struct.splitlines():
        field = _FIELD.match(line)
        if field:
            arguments.append(_format_argument(function, field["name"], field["type"].strip()))
    return arguments


def _format_argument(function: str, name: str, go_type: str) -> str:
    """Return an argument as the table has it, such as `Target path` or `Pattern list-of-text?`; `?` is optional."""
    bare_type = _SLICE.sub(r"[]\1", _TYPE_DETAILS.sub("", go_type))
    is_optional = bare_type.startswith("Optional[")
    if is_optional:
        bare_type = bare_type.removeprefix("Optional[").removesuffix("]")
    is_list = bare_type.startswith("[]")
    item_kind = _KIND_BY_GO_TYPE[bare_type.removeprefix("[]")]
    kind = facts.SPECIAL_KINDS.get(f"{function}.{name}", item_kind)
    return f"{name} {'list-of-' if is_list else ''}{kind}{'?' if is_optional else ''}"


# ── Grok patterns ──


def list_grok_patterns(folder: Path) -> list[str]:
    """Return the names of grok patterns, with `*` after those that name a group."""
    definitions: dict[str, str] = {}
    for path in sorted(folder.glob("*.go")):
        definitions.update(_GROK.findall(path.read_text(encoding="utf-8")))
    return [f"{name}*" if _names_a_group(name, definitions) else name for name in sorted(definitions)]


def _names_a_group(name: str, definitions: Mapping[str, str]) -> bool:
    """Whether a grok pattern, or one that it uses, names a group."""
    definition = definitions[name]
    if _GROK_GROUP.search(definition):
        return True
    used_names = re.findall(r"%\{(\w+)\}", definition)
    return any(_names_a_group(used_name, definitions) for used_name in used_names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
