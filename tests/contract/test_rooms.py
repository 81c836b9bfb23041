# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

import pytest

from .source import ANY_MODULE, files, imports, loads, nodes, text

# From the ground up: a room imports itself and rooms before it.
ROOMS = (
    "_otelcol",
    "_host_change",
    "_kube",
    "_discovery",
    "_collector",
    "_telemetry",
    "_rollout",
    "_program",
    "_diagnose",
    "_change",
    "_identity",
    "_instrumentation",
    "_install",
    "_host",
    "_sample_app",
    "_report",
    "_waves",
    "_alerts",
    "_gitops",
    "_capture",
    "_savings",
)
# The library knows the Collector. Its rooms have an order of their own.
LIBRARY = "_otelcol"
LIBRARY_ROOMS = (
    "errors",
    "graphs",
    "traits",
    "otlp_requests",
    "bounded",
    "config",
    "yaml",
    "catalogue",
    "kube",
    "needs",
    "languages",
    "rules",
    "testing",
    "forecast",
    "migrate",
)
HOUSE = "plugins/module_utils"
CONTROLLER = "plugins/plugin_utils"
WORKER = f"{CONTROLLER}/_worker"
# What only the controller has: a module is copied to the host that it runs on, and brings neither.
OF_THE_CONTROLLER = {"yaml", "jinja2"}
# The one folder with effects that the controller uses too: it reads files, and starts programs.
READS = f"{HOUSE}/_otelcol/bounded/live"
# What reads the clock of the machine.
CLOCK = {"now", "today", "utcnow"}
# What has effects.
IMPURE = {
    "http",
    "io",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
}
INSIDE = files(f"{HOUSE}/*.py")
LIBRARY_FOLDERS = (f"{HOUSE}/{LIBRARY}/", f"{CONTROLLER}/{LIBRARY}/")


def live(path: str) -> bool:
    """Return whether a file or module has effects: its room keeps it in `live`."""
    return path.startswith(f"{HOUSE}/") and "live" in PurePosixPath(path).with_suffix("").parts


def room(path: str) -> str:
    """Return the room of a file or module: the first folder, or the file itself where it lies in none."""
    return PurePosixPath(path).relative_to(HOUSE).with_suffix("").parts[0]


def inside(path: str) -> list[str]:
    """Return the modules of the house that a file imports."""
    return [module for module in imports(path) if module.startswith(f"{HOUSE}/")]


def impure(path: str) -> list[str]:
    """Return what a file imports beside pure modules of the house and of the standard library."""
    return [
        module
        for module in imports(path)
        if IMPURE & {module, module.split(".")[0]}
        or live(module)
        or not (module.startswith(f"{HOUSE}/") or module.split(".")[0] in sys.stdlib_module_names)
    ]


def clocks(path: str) -> list[str]:
    """Return where a file reads the clock of the machine."""
    calls = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCK]


def rank(path: str) -> tuple[int, int]:
    """Return where the room of a file or module stands, and where its room of the library."""
    found = room(path)
    if found != LIBRARY:
        return ROOMS.index(found), 0
    return ROOMS.index(found), LIBRARY_ROOMS.index(library_room(path))


def library_room(path: str) -> str:
    """Return the room of the library that a file or module is in."""
    return PurePosixPath(path).relative_to(f"{HOUSE}/{LIBRARY}").with_suffix("").parts[0]


def upward(path: str) -> list[str]:
    """Return what a file imports of rooms after its own."""
    return [module for module in inside(path) if rank(module) > rank(path)]


def beyond_the_library(path: str) -> list[str]:
    """Return what a file of the library imports of the collection."""
    outside = ("plugins/", "ansible", ANY_MODULE)
    of_the_collection = [name for name in (*imports(path), *loads(path)) if name.startswith(outside)]
    return [name for name in of_the_collection if not name.startswith(LIBRARY_FOLDERS)]


def breaches(paths: Iterable[str], found: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Return what breaks a rule, by file; the files are not empty, so that the rule holds for some."""
    listed = {path: found(path) for path in paths}
    assert listed
    return {path: broken for path, broken in listed.items() if broken}


def test_a_pure_file_has_no_effects_and_no_clock() -> None:
    pure = [path for path in INSIDE if not live(path)]
    assert breaches(pure, impure) == {}
    assert breaches(pure, clocks) == {}


def of_the_controller(path: str) -> list[str]:
    """Return what a file imports that only the controller has."""
    return [name for name in imports(path) if name.split(".")[0] in OF_THE_CONTROLLER or name.startswith(CONTROLLER)]


def effects(path: str) -> list[str]:
    """Return what a file of the controller imports of files with effects, or of the parser and the templates.

    An action that does the work of its module in the worker imports what the module imports.
    """
    names = list(imports(path))
    return [name for name in names if (live(name) and WORKER not in names) or name.split(".")[0] in OF_THE_CONTROLLER]


def test_what_runs_on_a_host_brings_no_parser_and_no_templates() -> None:
    assert breaches([*filter(live, INSIDE), *files("plugins/modules/*.py")], of_the_controller) == {}


def parsers(path: str) -> list[str]:
    """Return what a file imports of the parser and the templates."""
    return [name for name in imports(path) if name.split(".")[0] in OF_THE_CONTROLLER]


def test_plugins_are_doorways_to_what_runs_on_the_controller() -> None:
    assert breaches(files("plugins/action/*.py", "plugins/filter/*.py"), effects) == {}
    assert breaches(files("plugins/inventory/*.py", "plugins/lookup/*.py"), parsers) == {}


def on_clusters(path: str) -> list[str]:
    """Return what a file imports of files with effects, without those that read files of this machine."""
    return [name for name in filter(live, imports(path)) if not name.startswith(READS)]


def test_the_controller_has_no_effect_on_a_cluster() -> None:
    assert breaches(files(f"{CONTROLLER}/*.py"), on_clusters) == {}


def test_one_file_brings_the_parser_of_yaml() -> None:
    found = [path for path in files("plugins/*.py") if "yaml" in imports(path)]
    assert found == [f"{CONTROLLER}/{LIBRARY}/_yaml.py"]


def test_the_library_imports_nothing_of_the_collection() -> None:
    library = [path for folder in LIBRARY_FOLDERS for path in files(f"{folder}*.py")]
    assert {path.split("/")[1] for path in library} == {"module_utils", "plugin_utils"}
    assert breaches(library, beyond_the_library) == {}
    assert beyond_the_library(f"{CONTROLLER}/_render.py")
    assert ANY_MODULE in beyond_the_library(f"{CONTROLLER}/_action.py")


def test_a_room_imports_rooms_before_it() -> None:
    assert breaches(INSIDE, upward) == {}


def shown_under(heading: str, page: str) -> tuple[str, ...]:
    """Return the names in the first column of the table below a heading."""
    section = page.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return tuple(re.findall(r"^\| `(_?\w+)` \|", section, re.MULTILINE))


def test_the_order_has_every_room_and_the_page_shows_it() -> None:
    assert set(ROOMS) == {room(path) for path in INSIDE}
    page = text("docs/architecture.md")
    assert shown_under("## Rooms", page) == ROOMS
    assert shown_under("## The library", page) == LIBRARY_ROOMS
    assert set(LIBRARY_ROOMS) == {library_room(path) for path in INSIDE if room(path) == LIBRARY}


def test_a_test_that_starts_ansible_is_with_the_plays() -> None:
    starts = re.compile(r"^from tests\.support(?:\.| import .*\b)(?:plays|job)\b", re.MULTILINE)
    assert breaches(files("tests/unit/*.py", "tests/contract/*.py"), lambda path: starts.findall(text(path))) == {}
    assert any(starts.search(text(path)) for path in files("tests/plays/*.py"))


def test_no_two_files_have_one_name() -> None:
    names = Counter(PurePosixPath(path).stem for path in INSIDE)
    assert [name for name, number in names.items() if number > 1] == []


def test_a_breach_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert impure(f"{HOUSE}/_kube/live/connect.py")
    assert clocks(f"{HOUSE}/_diagnose/live/reader.py")
    assert not live(f"{HOUSE}/_kube/nodes.py")
    assert room(f"{HOUSE}/_kube/nodes.py") == "_kube"
    assert library_room(f"{HOUSE}/{LIBRARY}/errors") == "errors"
    monkeypatch.setattr(sys.modules[__name__], "ROOMS", ROOMS[::-1])
    monkeypatch.setattr(sys.modules[__name__], "LIBRARY_ROOMS", LIBRARY_ROOMS[::-1])
    assert f"{HOUSE}/{LIBRARY}/errors" in upward(f"{HOUSE}/_kube/live/connect.py")
    assert f"{HOUSE}/{LIBRARY}/errors" in upward(f"{HOUSE}/{LIBRARY}/rules/findings.py")
