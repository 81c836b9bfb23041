# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what collectors count before a sync, and judge what they count after it. Private."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    folder = _folder(arguments)
    written: list[str] = []
    unread: list[str] = []
    for member in arguments["members"]:
        path, reason = _path(folder, member["host"]), _unread(member)
        if reason:
            unread.append(reason)
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
    """Return the verdict, and write the pages.

    Raises Problem if collectors do worse, if they lack data that they need, or if none of them was compared.
    """
    folder = _folder(arguments)
    verdicts = _judged(folder, arguments["members"])
    must_have_data = arguments["without_data"] == "fail"
    page = "\n".join((markdown_page(verdicts), *host_sections(arguments.get("forecasts") or ())))
    pages = {"judge.md": page, "judge.xml": junit_page(verdicts, without_data_fails=must_have_data)}
    placed = [_files.place(folder / name, text, check) for name, text in pages.items()]
    lacks_data = must_have_data and verdicts.result != PASSED
    if verdicts.result == WORSE or verdicts.not_compared or lacks_data:
        lines = verdicts.worse or verdicts.without_data
        wrong = at_most(_SHOWN, [line.rstrip(".") for line in lines], between="; ", last="; ")
        fix = f"{folder / 'judge.md'} has all of it."
        raise Problem(wrong, asked=_ASKED, fix=fix, facts={"verdict": verdicts.result, "markdown": page})
    return {"changed": any(placed), "verdict": verdicts.result, "markdown": page}


def _folder(arguments: Mapping[str, Any]) -> Path:
    return Path(_files.named(arguments["path"]).expanduser().resolve())


def _path(folder: Path, host: str) -> Path:
    """Return the file of a member. Raises Problem for a name that would lead out of the folder."""
    if host in (".", "..") or "/" in host:
        fix = "Rename the host in the inventory."
        raise Problem(f"host '{host}' has a name that no file can have", asked=_ASKED, fix=fix)
    return folder / f"{host}.json"


def _unread(member: Mapping[str, Any]) -> str:
    """Return why nothing is known of a member; empty if its collectors are known."""
    read = member["read"]
    if read.get("unread"):
        return f"{member['host']} was not read: {read['unread']}"
    if not read.get("collectors"):
        return f"{member['host']} runs no collector of the inventory"
    return ""


def _judged(folder: Path, members: Sequence[Mapping[str, Any]]) -> JudgedCollectors:
    """Return the verdicts of all members by what was kept of them before."""
    before: list[Track] = []
    after: list[Track] = []
    times: list[str] = []
    kept = {member["host"]: _kept(folder, member["host"]) for member in members}
    for host, figures in kept.items():
        before += tracks(host, figures)
        if figures.get("kept"):
            times.append(f"{host}: {figures['kept']}")
    for member in members:
        after += tracks(member["host"], member["read"])
    tools = judge_tools()
    verdicts = [judged(sides, tools) for sides in sides_of(after, before, ())]
    return JudgedCollectors(verdicts, _without_figures(members), tuple(times), _not_compared(before, after, members))


def _without_figures(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the members of which nothing is known, then the collectors that another run changed."""
    unread = [reason for member in members if (reason := _unread(member))]
    taken: list[str] = []
    for member in members:
        for name in member["read"].get("taken") or ():
            taken.append(f"{name} on {member['host']} was changed by another run")
    return [*unread, *taken]


def _not_compared(before: Sequence[Track], after: Sequence[Track], members: Sequence[Any]) -> list[str]:
    """Return why no collector was compared; nothing if some were."""
    if not members:
        return ["there is no collector"]
    if not before:
        return ["no figures were kept before the sync, so nothing was compared"]
    if not after:
        return ["no collector was read after the sync, so nothing was compared"]
    earlier = {(track.member, track.name, track.release) for track in before}
    same = [(track.member, track.name, track.release) in earlier for track in after]
    return ["all collectors run what they ran when the figures were kept"] if all(same) else []


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
