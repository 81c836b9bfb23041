# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert-manager, built from its Go module: one program as three images, and a release made with its chart."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.testbed import command, images
from tests.testbed.build import COMPONENTS, KUBERNETES_VERSION, Builds, build_key, go_environment
from tests.testbed.image import Image
from tests.testbed.mirror import Release

PRODUCT = "cert-manager"
MODULE = "github.com/cert-manager/cert-manager"
PROGRAM_PARTS = ("controller", "webhook", "cainjector")
CHART_VALUES = "crds.enabled=true,creator=static,startupapicheck.enabled=false"
"""As upstream renders its release manifest; the check after an installation is a job with one more image."""
NAMESPACE_MANIFEST = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {PRODUCT}\n"


@dataclass(frozen=True)
class Edition:
    """A version, and the component that builds it."""

    component: str
    version: str

    def find_release(self, mirror: Path) -> Release:
        """Its place in the mirror."""
        return Release(mirror, PRODUCT, self.version)

    def build_images(self, builds: Builds) -> dict[str, Image]:
        """Three images of one layer: the program does what the name says under which it is started."""
        program = "/app/cmd/cert-manager"
        files = images.with_certificates({program: builds.program_path(self.component, "cert-manager")})
        program_links = {f"/app/cmd/{part_name}/{part_name}": "../cert-manager" for part_name in PROGRAM_PARTS}
        return {
            f"cert-manager-{part_name}": Image(
                f"quay.io/jetstack/cert-manager-{part_name}:v{self.version}",
                files,
                program_links,
                entrypoint=(f"/app/cmd/{part_name}/{part_name}",),
                user="1000",
            )
            for part_name in PROGRAM_PARTS
        }

    def prepare(self, builds: Builds, mirror: Path) -> None:
        """Make sure that the mirror has the release."""
        self.find_release(mirror).prepare(builds.home, self._content_key(builds), partial(self._fill_release, builds))

    def _content_key(self, builds: Builds) -> str:
        """What the release is made of: the builds of cert-manager and helm, and this file."""
        file_digest = hashlib.sha256(Path(__file__).read_bytes())
        build_keys = [build_key(COMPONENTS[name], builds.go) for name in (self.component, "helm")]
        return "-".join([*build_keys, KUBERNETES_VERSION, file_digest.hexdigest()[:16]])

    def _fill_release(self, builds: Builds, folder: Path) -> None:
        """Chart, manifest and images of the release."""
        chart = self._copy_chart(folder)
        helm = [str(builds.program_path("helm", "helm")), "template", PRODUCT, str(chart), f"--namespace={PRODUCT}"]
        rendered_manifest = command.run([*helm, f"--kube-version={KUBERNETES_VERSION}", f"--set={CHART_VALUES}"])
        (folder / f"{PRODUCT}.yaml").write_text(
            f"{NAMESPACE_MANIFEST}---\n{rendered_manifest.removeprefix('---').lstrip()}"
        )
        (folder / "images").mkdir()
        for name, image in self.build_images(builds).items():
            (folder / "images" / f"{name}.tar").symlink_to(
                images.pack_described_image(f"{name}-{self.version}", image, builds)
            )

    def _copy_chart(self, folder: Path) -> Path:
        """The chart of the module, with the versions that upstream sets when it releases."""
        component = COMPONENTS[self.component]
        list_command = ["go", "list", "-mod=readonly", *component.select, "-m", "-f", "{{.Dir}}", MODULE]
        module_folder = command.run(list_command, env=go_environment(), cwd=component.folder).strip()
        chart = folder / "chart" / PRODUCT
        shutil.copytree(Path(module_folder) / "deploy/charts/cert-manager", chart, copy_function=shutil.copyfile)
        for path in (chart, *chart.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only
        if (template := chart / "Chart.template.yaml").exists():
            template.rename(chart / "Chart.yaml")  # its name until 1.20
        chart_text = (chart / "Chart.yaml").read_text()
        (chart / "Chart.yaml").write_text(chart_text.replace("v0.0.0", f"v{self.version}"))
        return chart
