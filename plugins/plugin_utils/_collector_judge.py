# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what collectors count before a sync, and judge what they count after it. Private."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..module_utils._gitops.judge_pages import PASSED, WORSE, JudgedCollectors, junit_page, markdown_page
from ..module_utils._otelcol.errors import Problem, at_most
from ..module_utils._otelcol.forecast.told_collectors import host_sections
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_data import Track, judged, sides_of
from ._otelcol import _files
from ._wave_gate import judge_tools

_ASKED, _KEEP = "Judge the collectors", "Keep what the collectors count"
_SHOWN = 10
# What tasks of playbook judge leave in the variables of each host.
READ = "__otel_judge_read"


def members(variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each host of the play has said of its collectors; one that failed before has said nothing."""
    failed = {"unread": "it failed before, see its message above"}
    hostvars = variables["hostvars"]
    return [{"host": host, "read": hostvars[host].get(READ) or failed} for host in variables["ansible_play_hosts_all"]]


def keep(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Write what the collectors of each member count to a file of its own. Raises Problem if some could not be read.

    The file of such a member goes: earlier figures would be taken for those of now.
    """
    folder, written, unread = _folder(arguments), list[str](), list[str]()
    for member in arguments["members"]:
        path, why = _path(folder, member["host"]), _unread(member)
        if why:
            unread.append(why)
            if not check:
                path.unlink(missing_ok=True)
            continue
        kept = {"kept": _now(), "collectors": member["read"]["collectors"]}
        if _files.place(path, json.dumps(kept, sort_keys=True) + "\n", check):
            written.append(str(path))
    if unread:
        wrong = at_most(_SHOWN, unread, between="; ", last="; ")
        raise Problem(wrong, asked=_KEEP, fix="Nothing was kept of that. Mend it, then run it again.")
    return {"changed": bool(written), "written": written}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def judge(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return the verdict, and write the pages. Raises Problem if collectors do worse, or lack data that they need."""
    folder = _folder(arguments)
    found = _judged(folder, arguments["members"])
    must_have_data = arguments["without_data"] == "fail"
    page = "\n".join((markdown_page(found), *host_sections(arguments.get("forecasts") or ())))
    pages = {"judge.md": page, "judge.xml": junit_page(found, without_data_fails=must_have_data)}
    placed = [_files.place(folder / name, text, check) for name, text in pages.items()]
    if found.result == WORSE or (found.result != PASSED and must_have_data):
        lines = found.worse or found.without_data or ["there is no collector"]
        wrong = at_most(_SHOWN, [line.rstrip(".") for line in lines], between="; ", last="; ")
        fix = f"{folder / 'judge.md'} has all of it."
        raise Problem(wrong, asked=_ASKED, fix=fix, facts={"verdict": found.result, "markdown": page})
    return {"changed": any(placed), "verdict": found.result, "markdown": page}


def _folder(arguments: Mapping[str, Any]) -> Path:
    return Path(_files.named(arguments["path"]).expanduser().resolve())


def _path(folder: Path, host: str) -> Path:
    """Return the file of a member. Raises Problem for a name that would lead out of the folder."""
    if host in (".", "..") or "/" in host:
        fix = "Rename the host in the inventory."
        raise Problem(f"host '{host}' has a name that no file can have", asked=_ASKED, fix=fix)
    return folder / f"{host}.json"


def _unread(member: Mapping[str, Any]) -> str:
    """Return why nothing is known of a member."""
    read = member["read"]
    if read.get("unread"):
        return f"{member['host']} was not read: {read['unread']}"
    return "" if read.get("collectors") else f"{member['host']} runs no collector of the inventory"


def _judged(folder: Path, members: Sequence[Mapping[str, Any]]) -> JudgedCollectors:
    """Return the verdicts of all members by what was kept of them before."""
    kept = {member["host"]: _kept(folder, member["host"]) for member in members}
    missing = [why for member in members if (why := _unread(member))]
    missing += [f"{name} on {one['host']} was changed by another run" for one in members for name in _taken(one)]
    after = [track for member in members for track in tracks(member["host"], member["read"])]
    before = [track for host, figures in kept.items() for track in tracks(host, figures)]
    missing += _unchanged(before, after)
    tools = judge_tools()
    verdicts = [judged(sides, tools) for sides in sides_of(after, before, ())]
    times = tuple(f"{host}: {figures['kept']}" for host, figures in kept.items() if figures.get("kept"))
    return JudgedCollectors(verdicts, missing, times)


def _unchanged(before: Iterable[Track], after: Sequence[Track]) -> list[str]:
    """Return that nothing has changed since the figures were kept, if so: then no sync was judged."""
    earlier = {(track.member, track.name, track.release) for track in before}
    same = [(track.member, track.name, track.release) in earlier for track in after]
    return ["all collectors run what they ran when the figures were kept"] if same and all(same) else []


def _taken(member: Mapping[str, Any]) -> Iterable[str]:
    return member["read"].get("taken") or ()


def _kept(folder: Path, host: str) -> dict[str, Any]:
    """Return what was kept of a member; nothing without a file. Raises Problem for a file that is none of these."""
    path = _path(folder, host)
    if not path.exists():
        return {}
    try:
        figures = json.loads(_files.read(path))
        list(tracks(host, figures))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        fix = "Remove it, and keep the figures again before the next sync."
        raise Problem(f"{path} is no file of kept figures", asked=_ASKED, fix=fix) from error
    return dict(figures)


def kept_configs(folder: Path, host: str) -> dict[str, Any]:
    """Return the configs that collectors of a member had when their figures were kept, by NAMESPACE/NAME.

    Raises Problem for a file that is none of kept figures.
    """
    return {track.name: track.config for track in tracks(host, _kept(folder, host))}
