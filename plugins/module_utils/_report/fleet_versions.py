# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions run, which are wanted, and whether they go together; and what collectors cost. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._install.releases import versions
from .._install.releases.installed import RELEASED
from .._install.releases.products import CERT_MANAGER, OPERATOR, product
from .._install.releases.versions import read, tag
from .._otelcol.config.paths import section
from .._otelcol.errors import Problem, at_most
from .._otelcol.kube.keepers import keeper
from .._otelcol.needs.quantities import parse_bytes
from .._otelcol.rules.batching import PLANNED
from .fleet_cluster import FleetCluster, FleetMember
from .fleet_host import FleetHost, programs

PRODUCTS = (CERT_MANAGER, OPERATOR)
UNREAD = "not read"
_MOST_NAMES = 5


def rows(cluster: FleetCluster, table: versions.Table) -> list[dict[str, Any]]:
    """Return a row for Kubernetes, each product, each image of collectors, and what planned versions break."""
    known = cluster.kubernetes
    first = {"what": "Kubernetes", "wanted": NOTHING, "running": known or UNREAD, "notes": [], "state": "same"}
    return [first, *(_product(cluster, name, table) for name in PRODUCTS), *_images(cluster), *_ends(cluster)]


def _product(cluster: FleetCluster, name: str, table: versions.Table) -> dict[str, Any]:
    """Return the row of a product: the version that the inventory asks for, and the one that runs."""
    asked = cluster.products.get(name) or {}
    provider = str(asked.get("provider") or "")
    wanted = ""
    wanted_text = provider or "not by this inventory"
    if provider in RELEASED:
        wanted = str(asked.get("version") or table["tested"][name])
        wanted_text = f"{wanted}, by {provider}"
    installed = cluster.installed(name)
    running_version = str(installed.get("version") or "")
    notes = list(_notes(cluster, name, running_version or wanted, table))
    state = "odd" if notes else "same"
    if wanted and installed and read(running_version) != read(wanted):
        state = "differs"
    return {
        "what": product(name).title,
        "wanted": wanted_text,
        "running": _running(installed) if installed else UNREAD,
        "notes": notes,
        "state": state,
    }


def _running(found: Mapping[str, Any]) -> str:
    """Return which version of a product runs in a cluster, and who installed it."""
    if not found.get("installed"):
        return "none"
    version = str(found.get("version") or "of unknown version")
    installer = section(found, "installer")
    who = " ".join(str(installer[key]) for key in ("by", "name") if installer.get(key))
    return f"{version}, by {who}" if who else version


def _notes(cluster: FleetCluster, name: str, text: str, table: versions.Table) -> Iterator[str]:
    """Yield what is odd about a version of a product in a cluster."""
    parsed = read(text)
    if parsed is None:
        return
    incompatible = versions.kubernetes(table, product(name), parsed, cluster.kubernetes)
    if incompatible:
        yield incompatible
    unknown = versions.unknown(table, product(name), parsed)
    if unknown:
        yield unknown
    if product(name).runs_collectors:
        yield from versions.skew(cluster.installed(name).get("resources") or (), parsed)


def _images(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for every image that collectors should have, with what they have."""
    wanted: dict[str, list[str]] = {}
    for member in cluster.members:
        image = str(member.summary.get("image") or "the operator's default")
        wanted.setdefault(image, []).append(member.id)
    for image, ids in sorted(wanted.items()):
        counts = Counter(running(cluster, collector_id) for collector_id in ids)
        running_images = sorted(counts)
        if len(counts) > 1:
            running_images = [
                f"{running_image} ({counts[running_image]} of {len(ids)})" for running_image in running_images
            ]
        whose = ids[0] if len(ids) == 1 else len(ids)
        yield {
            "what": f"Collector image of {whose}",
            "wanted": image,
            "running": "; ".join(running_images),
            "notes": [],
            "state": "same" if set(counts) <= {image, UNREAD} else "differs",
        }


def _ends(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for the collectors that a planned version of the Collector breaks, by owner."""
    for version, what, _breaks in PLANNED:
        owners: dict[str, list[str]] = {}
        broken_ids = cluster.broken.get(version, ())
        broken_members = [member for member in cluster.members if member.id in broken_ids]
        for member in broken_members:
            owners.setdefault(keeper(member.workload), []).append(member.id)
        if owners:
            by = [f"{len(ids)} of {owner} ({at_most(_MOST_NAMES, ids)})" for owner, ids in owners.items()]
            yield {
                "what": f"Collectors that {version} breaks",
                "wanted": NOTHING,
                "running": f"{len(broken_members)} of {len(cluster.members)}: {at_most(_MOST_NAMES, by)}",
                "notes": [f"Collector {version} {what}."],
                "state": "odd",
            }


def running(cluster: FleetCluster, name: str) -> str:
    """Return the image that a collector runs, `none` if it does not run, or that this was not read."""
    if not cluster.read("diagnosis"):
        return UNREAD
    return str(cluster.diagnosed.get(name, {}).get("image") or "none")


def fleet(clusters: Sequence[FleetCluster]) -> list[dict[str, Any]]:
    """Return the count of each read version in the fleet, or else of each wanted one."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cluster in clusters:
        counts["Kubernetes"][cluster.kubernetes or UNREAD] += 1
        for name in PRODUCTS:
            counts[product(name).title][_installed_version(cluster.installed(name))] += 1
        for member in cluster.members:
            counts["Collectors"][version_of(cluster, member)] += 1
        for version, ids in cluster.broken.items():
            if ids:
                counts[f"Collectors that {version} breaks"][f"in {cluster.name}"] += len(ids)
    return [{"what": what, "versions": _sorted(seen.items())} for what, seen in counts.items()]


def _installed_version(found: Mapping[str, Any]) -> str:
    """Return the version of a product in a cluster, `?` for one without a version."""
    if not found:
        return UNREAD
    if not found.get("installed"):
        return "none"
    return str(found.get("version") or "?")


def of_hosts(hosts: Sequence[FleetHost]) -> list[dict[str, Any]]:
    """Return the count of each program that collectors of hosts have, as the inventory says; nothing without hosts."""
    found = programs(hosts)
    return [{"what": "Collectors of hosts", "versions": _sorted(found.items())}] if found else []


def version_of(cluster: FleetCluster, member: FleetMember) -> str:
    """Return the version of a collector that runs, or else the wanted one, which says so."""
    image = running(cluster, member.id)
    if image != UNREAD:
        return tag(image) or image
    wanted = str(member.summary.get("image") or "the operator's image")
    return f"{tag(wanted) or wanted} wanted"


def _sorted(found: Iterable[tuple[str, int]]) -> list[Mapping[str, Any]]:
    """Return the newest version first."""

    def age(version_count: tuple[str, int]) -> tuple[Any, str]:
        version, _count = version_count
        return read(version) or (0, 0, 0), version

    newest_first = sorted(found, key=age, reverse=True)
    return [{"version": version, "count": count} for version, count in newest_first]


_GIB, _MIB = 2**30, 2**20
_COLUMNS = (
    ("cpu_request", "requests", "cpu"),
    ("memory_request", "requests", "memory"),
    ("cpu_limit", "limits", "cpu"),
    ("memory_limit", "limits", "memory"),
)
NOTHING, NO_LIMIT = "\N{EN DASH}", "no limit"
_FIXED = {"daemonset": "one on every node", "sidecar": "one in every pod that asks for it"}


def cost(member: FleetMember, pods: int | None) -> dict[str, Any]:
    """Return a row; `pods` is how many run, when that was seen."""
    each = _resources(member)
    count = _planned(member) if pods is None else pods
    total: dict[str, float] = {}
    if count is not None:
        total = {name: value * count for name, value in each.items() if value}
    ports = member.summary.get("ports") or ()
    return {
        "collector": member.id,
        "pods": _pods(member, pods),
        "count": count,
        "rules": [_rule(rule) for rule in member.rules],
        "iam_actions": list(member.summary.get("iam_actions") or ()),
        "ports": [f"{port['port']}/{port['protocol']} {port['name']}" for port in ports],
        "each": each,
        "all": {name: total.get(name) for name in each},
        "shown": {name: _shown(name, value) for name, value in each.items()},
        "total": {name: _shown(name, value) for name, value in total.items()},
    }


def _resources(member: FleetMember) -> dict[str, float | None]:
    """Return the requests and limits of one pod, in cores and bytes."""
    given = section(member.container, "resources")
    return {name: _number(section(given, part).get(what), what) for name, part, what in _COLUMNS}


def totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sums over all collectors whose number of pods is known."""
    listed = list(rows)
    counted = [row["all"] for row in listed if row["count"] is not None]
    shown = {name: _total(name, [figures[name] for figures in counted]) for name, _part, _what in _COLUMNS}
    unknown = len(listed) - len(counted)
    return {**shown, "unknown": str(unknown or "")}


def _total(name: str, values: Sequence[float | None]) -> str:
    """Return a sum as the page shows it. One pod without a limit makes the limit of all endless."""
    if name.endswith("_limit") and not all(values):
        return NO_LIMIT
    return _shown(name, sum(value or 0 for value in values))


def _planned(member: FleetMember) -> int | None:
    """Return the requested number of pods; unknown for DaemonSets and sidecars."""
    if member.mode in _FIXED:
        return None
    most = member.scaler.get("maxReplicas")
    return int(most or member.spec.get("replicas") or 1)


def _pods(member: FleetMember, seen: int | None) -> str:
    """Return how many pods a collector has and should have, in words."""
    planned = str(_planned(member))
    if member.mode in _FIXED:
        planned = _FIXED[member.mode]
    elif member.scaler:
        planned = f"{member.scaler.get('minReplicas')} to {member.scaler.get('maxReplicas')}"
    return planned if seen is None else f"{seen} running, {planned}"


def _number(quantity: Any, what: str) -> float | None:
    """Return a quantity in cores or bytes; nothing for none, or for one in a form that is not read here."""
    if quantity in (None, ""):
        return None
    text = str(quantity)
    try:
        if what == "memory":
            return float(parse_bytes(text))
        if text.endswith("m"):
            return float(text[:-1]) / 1000
        return float(text)
    except (Problem, ValueError):
        return None


def _shown(name: str, value: float | None) -> str:
    """Return a sum of cores or bytes as the page shows it."""
    if value is None:
        return NO_LIMIT if name.endswith("_limit") else NOTHING
    if name.startswith("cpu"):
        return f"{round(value * 1000)}m" if value < 1 else f"{value:.4g}"
    if value >= _GIB:
        return f"{value / _GIB:.4g} GiB"
    return f"{value / _MIB:.4g} MiB"


def _rule(rule: Mapping[str, Any]) -> str:
    """Return a rule as one reads it: what, then the verbs."""
    resources, addresses = rule.get("resources") or (), rule.get("nonResourceURLs") or ()
    what = ", ".join([*resources, *addresses])
    groups = ", ".join(filter(None, rule.get("apiGroups") or ()))
    if groups:
        what += f" ({groups})"
    verbs = ", ".join(rule.get("verbs") or ())
    return f"{what}: {verbs}"
