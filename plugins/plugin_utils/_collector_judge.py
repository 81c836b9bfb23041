# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what collectors count before a sync, and judge what they count after it. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._gitops.judge_pages import PASSED, WORSE, JudgedCollectors, junit_page, markdown_page
from ..module_utils._otelcol.errors import Problem, at_most
from ..module_utils._otelcol.forecast.told_collectors import host_sections
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_data import judged
from ..module_utils._waves.wave_tracks import Track, sides_of
from ._kept_figures import figures_folder, figures_path, read_figures, remove_figures, write_figures
from ._otelcol import _files
from ._wave_figures import judge_tools

_SHOWN = 10
# What tasks of playbook judge leave in the variables of each host.
READ = "__otel_judge_read"


def members(variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each host of the play has said of its collectors; one that failed before has said nothing."""
    failed = {"unread": "it failed before, see its message above"}
    hostvars = variables["hostvars"]
    return [{"host": host, "read": hostvars[host].get(READ) or failed} for host in variables["ansible_play_hosts_all"]]


def _why_unread(member: Mapping[str, Any]) -> str:
    """Return why nothing is known of a member; empty if its collectors are known."""
    read = member["read"]
    if read.get("unread"):
        return f"{member['host']} was not read: {read['unread']}"
    if not read.get("collectors"):
        return f"{member['host']} runs no collector of the inventory"
    return ""


# ── Before the sync ──


def keep(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Write what the collectors of each member count to a file of its own. Raises Problem if some could not be read.

    The file of such a member goes: earlier figures would be taken for those of now.
    """
    folder = figures_folder(arguments["path"])
    written: list[str] = []
    unread: list[str] = []
    for member in arguments["members"]:
        path = figures_path(folder, member["host"])
        reason = _why_unread(member)
        if reason:
            unread.append(reason)
            if not check:
                remove_figures(path)
        elif write_figures(path, member["read"], check=check):
            written.append(str(path))
    if unread:
        wrong = at_most(_SHOWN, unread, between="; ", last="; ")
        fix = "Nothing was kept of that. Mend it, then run it again."
        raise Problem(wrong, asked="Keep what the collectors count", fix=fix)
    return {"changed": bool(written), "written": written}


# ── After the sync ──


def judge(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return the verdict, and write the pages.

    Raises Problem if collectors do worse, if they lack data that they need, or if none of them was compared.
    """
    folder = figures_folder(arguments["path"])
    verdicts = _judged(folder, arguments["members"])
    must_have_data = arguments["without_data"] == "fail"
    page = "\n".join((markdown_page(verdicts), *host_sections(arguments.get("forecasts") or ())))
    pages = {"judge.md": page, "judge.xml": junit_page(verdicts, without_data_fails=must_have_data)}
    placed = [_files.place(folder / name, text, check) for name, text in pages.items()]
    facts = {"verdict": verdicts.result, "markdown": page}
    lacks_data = must_have_data and verdicts.result != PASSED
    if verdicts.result == WORSE or verdicts.not_compared or lacks_data:
        lines = verdicts.worse or verdicts.without_data
        wrong = at_most(_SHOWN, [line.rstrip(".") for line in lines], between="; ", last="; ")
        fix = f"{folder / 'judge.md'} has all of it."
        raise Problem(wrong, asked="Judge the collectors", fix=fix, facts=facts)
    return {"changed": any(placed), **facts}


def _judged(folder: Path, members: Sequence[Mapping[str, Any]]) -> JudgedCollectors:
    """Return the verdicts of all members by what was kept of them before."""
    before: list[Track] = []
    after: list[Track] = []
    times: list[str] = []
    for member in members:
        host = member["host"]
        figures = read_figures(folder, host)
        before += figures.tracks
        after += tracks(host, member["read"])
        if figures.when:
            times.append(f"{host}: {figures.when}")
    tools = judge_tools()
    return JudgedCollectors(
        verdicts=[judged(sides, tools) for sides in sides_of(after, before, ())],
        missing=list(_missing_lines(members)),
        kept=times,
        not_compared=_why_none_compared(before, after, members),
    )


def _missing_lines(members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the members of which nothing is known, then the collectors that another run changed."""
    yield from filter(None, map(_why_unread, members))
    for member in members:
        for name in member["read"].get("taken") or ():
            yield f"{name} on {member['host']} was changed by another run"


def _why_none_compared(
    before: Sequence[Track], after: Sequence[Track], members: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return why no collector was compared with what it was before; nothing if some were.

    A collector that is new is among others without data. One without others is a sync that was not judged.
    """
    if not members:
        return ["there is no collector"]
    if not before:
        return ["no figures were kept before the sync, so nothing was compared"]
    if not after:
        return ["no collector was read after the sync, so nothing was compared"]
    kept_names = {(track.member, track.name) for track in before}
    if not any((track.member, track.name) in kept_names for track in after):
        return ["no figures were kept of the collectors that were read after the sync, so nothing was compared"]
    kept_releases = {(track.member, track.name, track.release) for track in before}
    if all((track.member, track.name, track.release) in kept_releases for track in after):
        return ["all collectors run what they ran when the figures were kept"]
    return []
