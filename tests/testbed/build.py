# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs built from Go modules, cached by content.

The key of a build covers the component's folder (go.mod and go.sum pin every module), the Go version and the flags, so
a build is never stale and never done twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.testbed import command, config
from tests.testbed.home import Home
from tests.testbed.progress import say
from tests.testbed.tasks import Task

KUBERNETES = {"1.37": "1.37.2", "1.36": "1.36.3", "1.35": "1.35.4", "1.34": "1.34.4"}
"""The versions that a cluster can have, newest first. O11Y_KUBERNETES chooses another than the newest."""
DEFAULT_KUBERNETES = next(iter(KUBERNETES))
COREDNS_VERSION = "1.12.4"
COLLECTOR_VERSION = "0.158.0"
HELM_VERSION = "3.19.5"
PROMETHEUS_VERSION = "3.13.2"
JAEGER_VERSION = "2.13.0"
GIB_TO_BUILD = 6
QUICK_FLAGS = "-gcflags=all=-dwarf=false -l"
"""No debug data (it would be stripped anyway) and no inlining: compiling takes half the time."""
GARBAGE_SETTINGS = {"GOGC": "400", "GOMEMLIMIT": "1500MiB"}
"""How the compiler collects garbage, where the user says nothing else: a fifth less CPU than by itself."""


def _choose_kubernetes_version() -> str:
    """The minor version that the environment asks for."""
    minor_version = os.environ.get("O11Y_KUBERNETES") or DEFAULT_KUBERNETES
    if minor_version not in KUBERNETES:
        raise SystemExit(
            f"O11Y_KUBERNETES={minor_version} is not a version of the testbed; it has {' '.join(KUBERNETES)}"
        )
    return minor_version


_KUBERNETES_MINOR_VERSION = _choose_kubernetes_version()
KUBERNETES_VERSION = KUBERNETES[_KUBERNETES_MINOR_VERSION]
_KUBERNETES_MODULES = (
    () if _KUBERNETES_MINOR_VERSION == DEFAULT_KUBERNETES else (f"-modfile=v{_KUBERNETES_MINOR_VERSION}.mod",)
)
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
_KUBERNETES_LDFLAGS = " ".join(
    f"-X {package}.gitVersion=v{KUBERNETES_VERSION} -X {package}.gitMajor={_MAJOR} -X {package}.gitMinor={_MINOR}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
)
_KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
_KUBERNETES_PACKAGES = tuple(f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES_PROGRAMS)
# Tools read the version as three numbers; the second pair is what charts are told without a cluster.
_HELM_LDFLAGS = " ".join(
    (
        f"-X helm.sh/helm/v3/internal/version.version=v{HELM_VERSION}",
        f"-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor={_MAJOR}",
        f"-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor={_MINOR}",
    )
)


@dataclass(frozen=True)
class Component:
    """What is built from one folder of `go/`. A higher `nice` leaves the processor to those that are needed earlier."""

    name: str
    packages: tuple[str, ...] = (".",)
    output: str = ""
    ldflags: str = ""
    nice: int = 0
    after: tuple[str, ...] = ()
    """Components that are built earlier, and whose versions of modules it takes: what they share is compiled once."""
    source: str = ""
    """The folder, where it is not of the component's name."""
    select: tuple[str, ...] = ()
    """Arguments that choose modules and files within the folder."""

    @property
    def folder(self) -> Path:
        """Its go.mod, go.sum and sources."""
        return config.GO_FOLDER / (self.source or self.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """Arguments of `go build`."""
        ldflags = ("-ldflags", f"-s -w {self.ldflags}".strip())
        return ("-trimpath", "-mod=readonly", QUICK_FLAGS, *ldflags, *self.select)


COMPONENTS = {
    component.name: component
    for component in (
        Component("kubernetes", _KUBERNETES_PACKAGES, ldflags=_KUBERNETES_LDFLAGS, select=_KUBERNETES_MODULES),
        Component("pause", output="pause"),
        Component("coredns", output="coredns", after=("kubernetes",)),
        Component("otelcol", output="otelcol-contrib", nice=10),
        # What `install` builds, while other things run.
        Component("otelcol-0.93", output="otelcol-contrib", nice=10),
        Component("helm", ("helm.sh/helm/v3/cmd/helm",), ldflags=_HELM_LDFLAGS, nice=10, after=("kubernetes",)),
        Component("cert-manager", output="cert-manager", nice=10, after=("kubernetes",)),
        Component(
            "cert-manager-1.20",
            output="cert-manager",
            nice=10,
            after=("cert-manager",),
            source="cert-manager",
            select=("-modfile=v1.20.mod", "-tags=v1_20"),
        ),
        Component(
            "prometheus",
            tuple(f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")),
            ldflags=f"-X github.com/prometheus/common/version.Version={PROMETHEUS_VERSION}",
            nice=10,
            after=("otelcol",),
            # The clouds' service discoveries would double what is compiled.
            select=("-tags=remove_all_sd,enable_dns_sd,enable_kubernetes_sd",),
        ),
        Component("jaeger", output="jaeger", nice=10, after=("otelcol",)),
    )
}
CLUSTER_COMPONENTS = ("kubernetes", "pause", "coredns", "otelcol")
"""What every cluster needs."""


def build_key(component: Component, go_version: str) -> str:
    """The content key of a build."""
    digest = hashlib.sha256()
    for key_part in (go_version, *component.packages, component.output, *component.flags):
        digest.update(key_part.encode() + b"\0")
    for file in sorted(path for path in component.folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(component.folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def go_environment() -> dict[str, str]:
    """The user's Go settings, less those that change what is built."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "GOOS": "linux"}
    return {**GARBAGE_SETTINGS, **os.environ, **fixed}


def go_version() -> str:
    """Go's version and architecture, as a part of every key."""
    version_output = command.run(
        ["go", "env", "GOVERSION", "GOARCH"], env=go_environment(), cwd=COMPONENTS["kubernetes"].folder
    )
    return " ".join(version_output.split())


@dataclass(frozen=True)
class Builds:
    """The build cache, for one version of Go."""

    home: Home
    go: str

    def program_folder(self, name: str) -> Path:
        """Where a component's programs are, or will be."""
        return self.home.builds / f"{name}-{build_key(COMPONENTS[name], self.go)}"

    def program_path(self, name: str, program: str) -> Path:
        """One program of a component."""
        return self.program_folder(name) / program

    def missing(self, names: Iterable[str] = CLUSTER_COMPONENTS) -> list[str]:
        """The components that have to be built."""
        return [name for name in names if not self.program_folder(name).exists()]

    def tasks(self, names: Collection[str] = CLUSTER_COMPONENTS) -> Iterable[Task]:
        """Download and build steps; a step whose result is there ends at once."""
        for name in names:
            component = COMPONENTS[name]
            yield Task(f"download {name}", partial(self._download, component))
            required_tasks = (
                f"download {name}",
                *(f"build {earlier}" for earlier in component.after if earlier in names),
            )
            yield Task(f"build {name}", partial(self._build, component), required_tasks)

    def _run_go(self, component: Component, log: str, *arguments: str, nice: int = 0) -> None:
        """Run `go` in the component's folder."""
        advice = "read the whole log; where modules cannot be downloaded, set GOPROXY to a proxy that has them"
        argv = command.end_with_parent(["nice", "-n", str(nice), "go", *arguments])
        command.run(argv, log=self.home.logs / log, env=go_environment(), cwd=component.folder, do=advice)

    def _download(self, component: Component) -> None:
        """Fetch the modules of the packages that are really built, before a build has to wait for them."""
        if not self.program_folder(component.name).exists():
            say(f"downloading modules of {component.name}")
            start_time = time.monotonic()
            arguments = (
                "list",
                "-mod=readonly",
                *component.select,
                "-deps",
                "-f",
                "{{.ImportPath}}",
                *component.packages,
            )
            self._run_go(component, f"download-{component.name}.log", *arguments)
            say(f"downloaded modules of {component.name} ({time.monotonic() - start_time:.0f} s)")

    def _build(self, component: Component) -> None:
        """Build it unless it is there."""

        def build_into(draft: Path) -> None:
            say(f"building {component.name}")
            start_time = time.monotonic()
            arguments = ("build", *component.flags, "-o", f"{draft}/{component.output}", *component.packages)
            self._run_go(component, f"build-{component.name}.log", *arguments, nice=component.nice)
            say(f"built {component.name} ({time.monotonic() - start_time:.0f} s)")

        self.make_folder(component.name, build_key(component, self.go), build_into)

    def make_folder(self, name: str, content_key: str, fill_folder: Callable[[Path], None]) -> Path:
        """The folder for that content key, filled as a draft and renamed: what has the final name is always whole."""
        target = self.home.builds / f"{name}-{content_key}"
        if not target.exists():
            with self.home.lock(f"build-{name}"):
                if not target.exists():
                    for stale_draft in self.home.builds.glob(f".{name}-{'[0-9a-f]' * 16}"):
                        shutil.rmtree(stale_draft)
                    draft = self.home.builds / f".{target.name}"
                    draft.mkdir()
                    fill_folder(draft)
                    draft.rename(target)
        return target
