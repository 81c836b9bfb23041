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
from .versions import after

TARGET = Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue" / "ottl.json"
MODULES = "github.com/open-telemetry/opentelemetry-collector-contrib"
VERSIONS = ("0.155.0", "0.156.0", "0.157.0", "0.158.0", "0.159.0", "0.160.0", "0.161.0")
_STRUCT = re.compile(r"type (\w+)(?:\[[^\]]*\])? struct \{(.*?)\n\}", re.DOTALL)
_FACTORY = re.compile(r"ottl\.NewFactory(?:\[[^(]*\])?\(\s*(\"?\w+\"?),\s*(?:nil|&(\w+)(?:\[[^{]*\])?\{\})")
_CONSTANT = re.compile(r'(\w+)\s*=\s*"(\w+)"')
_FIELD = re.compile(r"\s*(\w+)\s+([^/`]+)")
_SLICE = re.compile(r"(?:slicegetter\.)?\bSliceGetter\[K, (\w+)\]")  # a list, or a path behind a gate
_GROK = re.compile(r'^\s*"(\w+)":\s*(.*)', re.MULTILINE)
_IN_GROK = re.compile(r"%\{\w+:[\w.]+(?::\w+)?\}|\(\?P?<\w+>")
_KINDS = {
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


def functions(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the functions of a package with their arguments: name, kind, `?` if it is optional, and its words."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.go")) if "_test" not in path.name]
    structs = {name: body for text in texts for name, body in _STRUCT.findall(text)}
    constants = {name: value for text in texts for name, value in _CONSTANT.findall(text)}
    for text in texts:
        for quoted, struct in _FACTORY.findall(text):
            name = quoted.strip('"') if quoted.startswith('"') else constants[quoted]
            fields = [found for line in structs.get(struct, "").splitlines() if (found := _FIELD.match(line))]
            yield name, [_argument(name, found[1], found[2].strip()) for found in fields]


def _argument(function: str, field: str, written: str) -> str:
    kind = re.sub(r"\[[^\[\]]*TransformContext\]|\[K\]|ottl\.|\*", "", written)
    kind = _SLICE.sub(r"[]\1", kind)
    optional = kind.startswith("Optional[")
    kind = kind.removeprefix("Optional[").removesuffix("]") if optional else kind
    several = kind.startswith("[]")
    word = _KINDS[kind.removeprefix("[]")]
    place = f"{function}.{field}"
    word = facts.SPECIAL.get(place, word)
    return f"{field} {'list-of-' if several else ''}{word}{'?' if optional else ''}"


def grok(folder: Path) -> list[str]:
    """Return the names of grok patterns, with `*` after those that name a group."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.go"))]
    written = {name: definition for text in texts for name, definition in _GROK.findall(text)}
    return [f"{name}*" if _names_a_group(name, written) else name for name in sorted(written)]


def _names_a_group(name: str, written: dict[str, str]) -> bool:
    definition = written[name]
    used = re.findall(r"%\{(\w+)\}", definition)
    return bool(_IN_GROK.search(definition)) or any(_names_a_group(one, written) for one in used)


def rows(modules: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table."""
    yield {"exact": f"{VERSIONS[0]}..{facts.UNTIL}"}
    yield {"grok": grok(modules / facts.GROK)}
    for group, module, folder in facts.PACKAGES:
        found: dict[str, dict[str, Any]] = {}
        for version in VERSIONS:
            package = modules / f"{MODULES}/{module}@v{version}/{folder}"
            for name, arguments in functions(package) if package.is_dir() else ():
                row = found.setdefault(name, {"function": name, "in": group, "since": version})
                row["arguments"], row["until"] = arguments, after(version)
        for name, row in sorted(found.items()):
            if row["since"] == VERSIONS[0] or not facts.has_history(module):
                del row["since"]
            if row["until"] == facts.UNTIL or not facts.has_history(module):
                del row["until"]
            yield row | {"in": facts.NARROWER.get(name, group)}
    yield facts.ROUTE
    yield from facts.CONTEXTS
    yield from facts.PLACES


def main(cache: Path) -> None:
    """Write the table."""
    lines = ",\n".join(json.dumps(row) for row in rows(cache))
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
