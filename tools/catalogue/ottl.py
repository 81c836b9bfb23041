# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes _data/catalogue/ottl.json: the functions of OTTL with their arguments, the paths and enums of each context.

    go mod download github.com/open-telemetry/opentelemetry-collector-contrib/{pkg/ottl,…}@v0.158.0
    python -m tools.catalogue.ottl $(go env GOMODCACHE)

Functions and their arguments are read from the structs that the functions decode, at every version in VERSIONS. Paths,
enums and words are in `ottl_facts.py`; `tests/integration/test_ottl.py` asks the real Collector for each of them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import ottl_facts as facts
from .versions import following_release

OTTL_FILE = Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue" / "ottl.json"
CONTRIB_MODULES = "github.com/open-telemetry/opentelemetry-collector-contrib"
VERSIONS = ("0.155.0", "0.156.0", "0.157.0", "0.158.0", "0.159.0", "0.160.0", "0.161.0")
_STRUCT = re.compile(r"type (\w+)(?:\[[^\]]*\])? struct \{(.*?)\n\}", re.DOTALL)
_FACTORY = re.compile(r"ottl\.NewFactory(?:\[[^(]*\])?\(\s*(\"?\w+\"?),\s*(?:nil|&(\w+)(?:\[[^{]*\])?\{\})")
_CONSTANT = re.compile(r'(\w+)\s*=\s*"(\w+)"')
_FIELD = re.compile(r"\s*(\w+)\s+([^/`]+)")
_SLICE = re.compile(r"(?:slicegetter\.)?\bSliceGetter\[K, (\w+)\]")  # a list, or a path behind a gate
_GROK = re.compile(r'^\s*"(\w+)":\s*(.*)', re.MULTILINE)
_GROK_GROUP = re.compile(r"%\{\w+:[\w.]+(?::\w+)?\}|\(\?P?<\w+>")
_KIND_OF_GETTER = {
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


def list_functions(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the functions of a package with their arguments: name, kind, `?` if it is optional, and its words."""
    source_texts = [
        path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.go")) if "_test" not in path.name
    ]
    structs: dict[str, str] = {}
    constants: dict[str, str] = {}
    for source_text in source_texts:
        structs.update(_STRUCT.findall(source_text))
        constants.update(_CONSTANT.findall(source_text))
    for source_text in source_texts:
        for written_name, struct_name in _FACTORY.findall(source_text):
            is_quoted = written_name.startswith('"')
            name = written_name.strip('"') if is_quoted else constants[written_name]
            yield name, _list_arguments(name, structs.get(struct_name, ""))


def _list_arguments(function: str, struct: str) -> list[str]:
    """Return the arguments of a function, which are the fields of a struct of Go."""
    fields = map(_FIELD.match, struct.splitlines())
    return [_format_argument(function, field[1], field[2].strip()) for field in fields if field]


def _format_argument(function: str, field: str, go_type: str) -> str:
    """Return an argument as the table has it, such as `Target path` or `Pattern list-of-text?`."""
    argument_kind = re.sub(r"\[[^\[\]]*TransformContext\]|\[K\]|ottl\.|\*", "", go_type)
    argument_kind = _SLICE.sub(r"[]\1", argument_kind)
    is_optional = argument_kind.startswith("Optional[")
    if is_optional:
        argument_kind = argument_kind.removeprefix("Optional[").removesuffix("]")
    is_list = argument_kind.startswith("[]")
    kind_word = facts.SPECIAL_KINDS.get(f"{function}.{field}", _KIND_OF_GETTER[argument_kind.removeprefix("[]")])
    return f"{field} {'list-of-' if is_list else ''}{kind_word}{'?' if is_optional else ''}"


def list_grok_patterns(folder: Path) -> list[str]:
    """Return the names of grok patterns, with `*` after those that name a group."""
    definitions: dict[str, str] = {}
    for path in sorted(folder.glob("*.go")):
        definitions.update(_GROK.findall(path.read_text(encoding="utf-8")))
    return [f"{name}*" if _names_a_group(name, definitions) else name for name in sorted(definitions)]


def _names_a_group(name: str, definitions: dict[str, str]) -> bool:
    """Whether a grok pattern, or one that it uses, names a group."""
    definition = definitions[name]
    used_names = re.findall(r"%\{(\w+)\}", definition)
    return bool(_GROK_GROUP.search(definition)) or any(_names_a_group(used, definitions) for used in used_names)


def list_rows(modules: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table."""
    yield {"exact": f"{VERSIONS[0]}..{facts.END_VERSION}"}
    yield {"grok": list_grok_patterns(modules / facts.GROK_FOLDER)}
    for group, module, folder in facts.PACKAGES:
        yield from _list_package_rows(modules, group, module, folder)
    yield facts.ROUTE_FUNCTION
    yield from facts.CONTEXTS
    yield from facts.PLACES


def _list_package_rows(modules: Path, group: str, module: str, folder: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each function of a package, with its newest arguments and the versions that have it."""
    row_of_function: dict[str, dict[str, Any]] = {}
    for version in VERSIONS:
        package = modules / f"{CONTRIB_MODULES}/{module}@v{version}/{folder}"
        if not package.is_dir():
            continue
        for name, arguments in list_functions(package):
            row = row_of_function.setdefault(name, {"function": name, "in": group, "since": version})
            row["arguments"], row["until"] = arguments, following_release(version)
    has_history = facts.has_history(module)
    for name, row in sorted(row_of_function.items()):
        if row["since"] == VERSIONS[0] or not has_history:
            del row["since"]
        if row["until"] == facts.END_VERSION or not has_history:
            del row["until"]
        yield row | {"in": facts.NARROWER_GROUPS.get(name, group)}


def main(module_cache: Path) -> None:
    """Write the table."""
    lines = ",\n".join(json.dumps(row) for row in list_rows(module_cache))
    OTTL_FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
