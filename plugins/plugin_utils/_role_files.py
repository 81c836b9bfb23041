# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and read the recipes and platforms of the roles, and those of the user. Controller only. Private.

A recipe is a folder with `recipe.yml` (its options) and `config.yml.j2` (a template of a part of a config). A platform
is a file with facts about a sort of cluster, such as platforms/eks.yml. A user may have folders of both. For example,
with `recipe_paths: [/my/recipes]`, the recipe /my/recipes/otlp_ingest stands for that of the role.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem, suggest_word
from ._otelcol import _documents, _files

_ROOT = Path(__file__).parents[2]
# The role whose recipes and platforms all collectors may use.
ROLE = _ROOT / "roles" / "otel_collector"
RECIPE_FILE = "recipe.yml"
_GENERIC_PLATFORM = "generic"
# How the paths of all files of this collection's roles begin.
_OWN_FILES_PREFIX = f"{ROLE.parent}{os.sep}"


# ── Recipes ──


def find_recipes(user_folders: Iterable[str]) -> dict[str, Path]:
    """Return the folders of recipes by name. The user's folders hide those of the role, and the first one wins.

    Raises Problem if there is no such folder.
    """
    return _merge_by_name([*(_list_recipes(Path(folder)) for folder in user_folders), _list_role_recipes()])


def _list_recipes(folder: Path) -> dict[str, Path]:
    """Return the recipes of a folder, by name. A recipe is a folder of its name."""
    return {path.name: path for path in _list_entries(folder) if (path / RECIPE_FILE).is_file()}


@cache
def _list_role_recipes() -> dict[str, Path]:
    """Return the recipes of the role, which stay as they are while a process runs."""
    return _list_recipes(ROLE / "recipes")


# ── Platforms ──


def find_platforms(user_folders: Iterable[str]) -> dict[str, Path]:
    """Return the files of platforms by name. The user's folders hide those of the role, and the first one wins.

    Raises Problem if there is no such folder.
    """
    return _merge_by_name([*(_list_platforms(Path(folder)) for folder in user_folders), _list_role_platforms()])


def read_platform(name: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the facts of a platform: the generic facts, overridden by the platform's own.

    A fact that is a mapping in both is merged. Raises Problem for a platform that there is not.
    """
    if name not in files:
        wrong = f"there is no platform '{name}'{suggest_word(name, files)}"
        raise Problem(wrong, fix=f"Platforms: {', '.join(sorted(files))}.")
    generic_facts = _read_facts(files[_GENERIC_PLATFORM])
    own_facts = _read_facts(files[name])
    facts = {**generic_facts, **own_facts, "name": name}
    for fact, value in own_facts.items():
        if isinstance(value, dict) and isinstance(generic_facts.get(fact), dict):
            facts[fact] = {**generic_facts[fact], **value}
    return facts


def _list_platforms(folder: Path) -> dict[str, Path]:
    """Return the platforms of a folder, by name. A platform is a file of its name and `.yml`."""
    return {path.stem: path for path in _list_entries(folder) if path.suffix == ".yml"}


@cache
def _list_role_platforms() -> dict[str, Path]:
    """Return the platforms of the role, which stay as they are while a process runs."""
    return _list_platforms(ROLE / "platforms")


def _read_facts(file: Path) -> dict[str, Any]:
    """Return the facts in the file of a platform. Raises Problem for a file that is no mapping."""
    facts = _documents.parse_document(load_text(file), str(file)).data or {}
    if not isinstance(facts, dict):
        fix = "Write `fact: value` for each fact that differs from generic.yml."
        raise Problem(f"{file} is not a mapping", fix=fix)
    return facts


# ── Folders and files ──


def _merge_by_name(files_of_folders: Iterable[Mapping[str, Path]]) -> dict[str, Path]:
    """Return the files of all folders. Of files with the same name, that of the first folder wins."""
    first_by_name: dict[str, Path] = {}
    for files in files_of_folders:
        for name, path in files.items():
            first_by_name.setdefault(name, path)
    return first_by_name


def _list_entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in order. Raises Problem if there is no such folder."""
    if not _files.is_path_of_kind(folder, Path.is_dir):
        raise Problem(f"the folder {folder} does not exist", fix="Correct recipe_paths or platform_paths.")
    return sorted(folder.iterdir())


def load_text(file: Path) -> str:
    """Return the text of a file; one of this collection is read once per process. Raises Problem."""
    return _read_own_text(file) if str(file).startswith(_OWN_FILES_PREFIX) else _files.read_text_file(file)


@cache
def _read_own_text(file: Path) -> str:
    """Return the text of a file of this collection, which stays as it is while a process runs."""
    return _files.read_text_file(file)
