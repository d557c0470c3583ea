"""`netspec train` with `--overfit-batch`, `--dry-run` or `--profile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netspec.cli.commands.training.processes import ProcessOptions
from netspec.cli.options import option_group
from netspec.cli.output import print_once, print_report
from netspec.language.diagnostics import fail
from netspec.language.record import Frozen
from netspec.training.loop.callback import Callback, Several

if TYPE_CHECKING:
    from netspec.analysis.first_aid.profile import Profile
    from netspec.spec.compilation import Compilation


class FirstAidOptions(Frozen):
    """Which first aid the command line asks for."""

    overfit_batch: bool = False
    dry_run: bool = False
    profile: bool = False
    profile_to: str | None = None

    @property
    def option(self) -> str:
        """The option that takes the place of a training, as it is written; empty: none."""
        return "--overfit-batch" if self.overfit_batch else "--dry-run" if self.dry_run else ""

    @property
    def profiles(self) -> str:
        """The option that asks for a profile, as it is written; empty: none."""
        return "--profile-to" if self.profile_to is not None else "--profile" if self.profile else ""

    def check(self, group: ProcessOptions, **others: Any) -> None:
        """Refuse what cannot be combined.

        Args:
            group: the options for several processes.
            others: `resume`, `run_folder` and `sweep`, as they are given.

        Raises:
            CompileError: NS657.
        """
        from netspec.analysis.first_aid.errors import NotTogether

        asked = [option for option in ("--overfit-batch" * self.overfit_batch, "--dry-run" * self.dry_run) if option]
        asked += [self.profiles] if self.profiles else []
        if len(asked) > 1:
            raise fail(NotTogether(case="first aid", option=asked[0], other=asked[1]))
        given = {"resume": "run", "run_folder": "run", "sweep": "sweep"}
        for name, case in given.items():
            if self.option and others[name]:
                other = f"--{name.replace('_', '-')}"
                raise fail(NotTogether(case=case, option=self.option, other=other))
        if asked and group.several:
            raise fail(NotTogether(case="processes", option=asked[0], other=group.several))

    def following(self, reporter: Callback, as_json: bool) -> Callback:
        """The reporter, with a profile before the first step where one is asked for.

        Raises:
            CompileError: its file exists (NS658).
        """
        if not self.profiles:
            return reporter
        from netspec.analysis.first_aid.profile import Profiler

        def tell(profile: Profile) -> None:
            print_report(profile, profile.record(), as_json)

        return Several([Profiler(self.profile_to, tell), reporter])

    def run(self, spec: Compilation, as_json: bool) -> int:
        """Print the result of what is asked for; the exit status, 1 where the batch was not learned."""
        spec.check()
        from netspec.analysis.first_aid.dry_run import dry_run
        from netspec.analysis.first_aid.first_of import first_of
        from netspec.analysis.first_aid.overfit import overfit
        from netspec.spec.experiment import load_init, prepare

        prepared = load_init(first_of(prepare(spec)))
        print_once(spec.problems.warnings, prepared.warnings)
        name = spec.source.name
        found = overfit(prepared, name=name) if self.overfit_batch else dry_run(prepared, name=name)
        print_report(found, found.record(), as_json)
        return int(not found.is_good)


first_aid_options = option_group(
    "first_aid",
    FirstAidOptions,
    click.option(
        "--overfit-batch",
        is_flag=True,
        help="Only memorize one batch; where that fails, say what prevents it, with exit status 1.",
    ),
    click.option("--dry-run", is_flag=True, help="Only do one step of everything, with times and memory."),
    click.option(
        "--profile", is_flag=True, help="Trace some steps first, for Perfetto, and show the time of each layer."
    ),
    click.option("--profile-to", metavar="FILE", help="The same, with the trace in this new file (.json.gz)."),
)
"""`--overfit-batch`, `--dry-run` and `--profile`: the command gets them as `first_aid`, a `FirstAidOptions`."""
