"""What `netspec show` reports of several devices: the options `--mesh`, `--devices` and those beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.options import SpecOptions, choose_device
from netspec.display.text import line_width
from netspec.language.text import wrap_lines

if TYPE_CHECKING:
    from netspec.spec.compilation import Compilation


@dataclass(frozen=True)
class Scale:
    """The options of `netspec show` about several devices, as they were given."""

    mesh: str | None
    devices: int | None
    device_memory: str | None
    simulate: bool

    def check_usage(self, *, is_memory: bool, is_plan: bool) -> None:
        """Raises click.UsageError for options that need others."""
        if (self.mesh or self.devices) and not (is_memory or is_plan):
            raise click.UsageError("--mesh and --devices need --memory or --stage plan")
        if self.device_memory is not None and (self.devices is None or self.mesh is not None or not is_memory):
            raise click.UsageError("--device-memory needs --memory --devices N, without --mesh")
        if self.simulate and not is_memory:
            raise click.UsageError("--simulate needs --memory with a mesh")

    def added_to(self, given: SpecOptions) -> SpecOptions:
        """The settings of the spec with those of the options."""
        is_search = self.devices is not None and self.mesh is None
        return given.with_settings(mesh=self.mesh, devices=None if is_search else self.devices)

    def applies_to(self, spec: Compilation) -> bool:
        """Whether several devices are asked for, here or in the spec.

        Raises:
            click.UsageError: they are not, but they would be simulated.
        """
        has_mesh = self.devices is not None or spec.train.mesh is not None or spec.train.devices is not None
        if self.simulate and not has_mesh:
            raise click.UsageError("--simulate needs a mesh, such as --mesh 'data(4)', or --devices N")
        return has_mesh

    def report(self, spec: Compilation, *, is_plan: bool, as_json: bool) -> str | dict[str, Any]:
        """The plan of a mesh, or the mesh that is recommended."""
        choose_device("cpu")  # shapes need no other, which would reserve its memory
        found = self._parts(spec, is_plan=is_plan)
        if not as_json:
            return wrap_lines("\n\n".join(text for text, _ in found), line_width())
        return {name: value for _, record in found for name, value in record.items()}

    def _parts(self, spec: Compilation, *, is_plan: bool) -> list[tuple[str, dict[str, Any]]]:
        """Each part of the report, as text and as plain data."""
        from netspec.analysis.scaling import text
        from netspec.analysis.scaling.plan import plan_step
        from netspec.analysis.scaling.recommend import device_memory, recommend
        from netspec.analysis.scaling.step_shapes import step_shapes
        from netspec.training.distributed.mesh import mesh_of

        width = line_width()
        available = None if self.device_memory is None else device_memory(self.device_memory)
        shapes = step_shapes(spec)
        mesh = mesh_of(spec.train.devices, spec.train.mesh)
        if self.devices is not None and self.mesh is None:
            recommended = recommend(shapes, self.devices, available)
            plan = recommended.best
            parts = [(text.recommendation_text(recommended, width), recommended.as_json())]
            if is_plan:
                parts = [(text.plan_text(plan, width), plan.as_json())]
        else:
            assert mesh is not None
            plan = plan_step(shapes, mesh)
            shown = text.plan_text(plan, width) if is_plan else text.memory_text(plan, width)
            parts = [(shown, plan.as_json())]
        if self.simulate:
            from netspec.analysis.scaling.simulate import simulate

            (simulated,) = simulate(spec, [plan.mesh])
            compared = plan_step(shapes, plan.mesh, for_cpu=True)
            parts.append((text.simulated_text(compared, simulated, width), {"simulated": simulated.as_json()}))
        return parts
