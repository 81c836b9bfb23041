# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module collector_judge: keep what collectors count before a sync, and judge what they count after it. Private.

A sync is a change that another tool, such as Argo CD, applies from Git. Playbook judge calls the module first with
`keep`, and again after the sync. Then the pages judge.md and judge.xml say whether collectors do worse than before.

A member is a host of the play: a cluster, or a Linux host. Its figures are what its collectors counted. To keep them is
to write them to a file. A `Track` has the readings of one collector (wave_tracks.py). Tracks of before and of after are
compared as in waves (wave_judgement.py), such as "agent on web1: [exports_fail] exporters/otlp_grpc: 12 of 40 spans
failed".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._gitops.judge_pages import PASSED, WORSE, JudgedCollectors, render_junit_page, render_markdown_page
from ..module_utils._otelcol.errors import Problem, join_at_most
from ..module_utils._otelcol.forecast.changed_collectors import render_host_sections
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_judgement import judge_sides
from ..module_utils._waves.wave_tracks import Track, group_sides
from ._kept_figures import figures_path, read_figures, remove_figures, resolve_figures_folder, write_figures
from ._otelcol import _files
from ._wave_figures import build_judge_tools

_SHOWN_LINES = 10
# What tasks of playbook judge leave in the variables of each host.
READING_VARIABLE = "__otel_judge_read"


def list_members(variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each host of the play, with the keys `host` and `read`.

    `read` is the result of the task that read its collectors. Its key `unread` says why that failed.
    """
    failed_reading = {"unread": "it failed before, see its message above"}
    hostvars = variables["hostvars"]
    return [
        {"host": host, "read": hostvars[host].get(READING_VARIABLE) or failed_reading}
        for host in variables["ansible_play_hosts_all"]
    ]


def _explain_unread(member: Mapping[str, Any]) -> str:
    """Return why nothing is known of a member; empty if its collectors are known."""
    reading = member["read"]
    if reading.get("unread"):
        return f"{member['host']} was not read: {reading['unread']}"
    if not reading.get("collectors"):
        no_collector = f"{member['host']} runs no collector of the inventory"
        return join_at_most(_SHOWN_LINES, _list_unseen_collectors(member), between="; ", last="; ") or no_collector
    return ""


def _list_unseen_collectors(member: Mapping[str, Any]) -> list[str]:
    """Return the collectors of a member that could not be read, each with the reason, such as a missing right."""
    unseen_rows = member["read"].get("unseen") or ()
    return [f"{row['name']} on {member['host']} was not read: {row['why']}" for row in unseen_rows]


# ── Before the sync ──


def keep_figures(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Write what the collectors of each member count to a file of its own. Raises Problem if some could not be read.

    The file of such a member goes: earlier figures would be taken for those of now.
    """
    folder = resolve_figures_folder(arguments["path"])
    written_paths: list[str] = []
    unread_reasons: list[str] = []
    for member in arguments["members"]:
        figures_file = figures_path(folder, member["host"])
        reason = _explain_unread(member)
        if reason:
            unread_reasons.append(reason)
            if not check:
                remove_figures(figures_file)
        elif write_figures(figures_file, member["read"], is_check_mode=check):
            written_paths.append(str(figures_file))
    if unread_reasons:
        wrong = join_at_most(_SHOWN_LINES, unread_reasons, between="; ", last="; ")
        fix = "Nothing was kept of that. Mend it, then run it again."
        raise Problem(wrong, asked="Keep what the collectors count", fix=fix)
    return {"changed": bool(written_paths), "written": written_paths}


# ── After the sync ──


def judge_collectors(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return the verdict, and write the pages.

    Raises Problem if collectors do worse, if they lack data that they need, or if none of them was compared.
    """
    folder = resolve_figures_folder(arguments["path"])
    verdicts = _judge_members(folder, arguments["members"])
    must_have_data = arguments["without_data"] == "fail"
    markdown = "\n".join((render_markdown_page(verdicts), *render_host_sections(arguments.get("forecasts") or ())))
    texts_by_file = {"judge.md": markdown, "judge.xml": render_junit_page(verdicts, without_data_fails=must_have_data)}
    changed_flags = [_files.write_or_check(folder / name, text, check) for name, text in texts_by_file.items()]
    result_facts = {"verdict": verdicts.verdict_word, "markdown": markdown}
    lacks_required_data = must_have_data and verdicts.verdict_word != PASSED
    if verdicts.verdict_word == WORSE or verdicts.uncompared_reasons or lacks_required_data:
        reason_lines = verdicts.worse_lines or verdicts.unjudged_lines
        wrong = join_at_most(_SHOWN_LINES, [line.rstrip(".") for line in reason_lines], between="; ", last="; ")
        fix = f"{folder / 'judge.md'} has all of it."
        raise Problem(wrong, asked="Judge the collectors", fix=fix, facts=result_facts)
    return {"changed": any(changed_flags), **result_facts}


def _judge_members(folder: Path, members: Sequence[Mapping[str, Any]]) -> JudgedCollectors:
    """Return the verdicts of all members by what was kept of them before."""
    tracks_before: list[Track] = []
    tracks_after: list[Track] = []
    kept_times: list[str] = []
    for member in members:
        host = member["host"]
        figures = read_figures(folder, host)
        tracks_before += figures.tracks
        tracks_after += read_tracks(host, member["read"])
        if figures.kept_time:
            kept_times.append(f"{host}: {figures.kept_time}")
    tools = build_judge_tools()
    # Compared with before alone: nobody knows which collectors a sync leaves unchanged, as those of later waves are.
    compared_sides = group_sides(tracks_after, tracks_before, unchanged_tracks=())
    return JudgedCollectors(
        verdicts=[judge_sides(sides, tools) for sides in compared_sides],
        missing_reasons=list(_list_missing_collectors(members)),
        kept_times=kept_times,
        uncompared_reasons=_explain_no_comparison(tracks_before, tracks_after, members),
    )


def _list_missing_collectors(members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the members of which nothing is known, then collectors that were not read or were changed."""
    yield from filter(None, map(_explain_unread, members))
    for member in members:
        if member["read"].get("collectors"):  # else it is among those above
            yield from _list_unseen_collectors(member)
        for name in member["read"].get("taken") or ():
            yield f"{name} on {member['host']} was changed by another run"


def _explain_no_comparison(
    tracks_before: Sequence[Track], tracks_after: Sequence[Track], members: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return why no collector was compared with what it was before; nothing if some were.

    A collector that is new is among others without data. One without others is a sync that was not judged.
    """
    if not members:
        return ["there is no collector"]
    if not tracks_before:
        return ["no figures were kept before the sync, so nothing was compared"]
    if not tracks_after:
        return ["no collector was read after the sync, so nothing was compared"]
    kept_names = {(track.member, track.name) for track in tracks_before}
    if not any((track.member, track.name) in kept_names for track in tracks_after):
        return ["no figures were kept of the collectors that were read after the sync, so nothing was compared"]
    kept_releases = {track.collector_release for track in tracks_before}
    if all(track.collector_release in kept_releases for track in tracks_after):
        return ["all collectors run what they ran when the figures were kept"]
    return []
