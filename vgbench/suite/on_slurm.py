"""Jobs as the elements of one array job of Slurm, written and submitted through submitit; nobody waits for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vgbench.errors import ConfigError, RunError
from vgbench.suite.jobs import Job
from vgbench.suite.planning import SuitePlan
from vgbench.suite.sending import Resources, sent_suite

_OURS = {"cpus_per_task": "--cpus", "gpus_per_node": "--gpus", "array_parallelism": "--jobs", "job_name": "the suite's name"}
"""Parameter that follows from an option → that option."""


class Submitted(NamedTuple):
    """An array job that was submitted."""

    number: str
    script: str
    """The file of it."""


def submit(
    plan: SuitePlan, jobs: Sequence[Job], resources: Resources, n_jobs: int, checkpoint_every: int, parameters: Mapping[str, Any]
) -> Submitted:
    """Submit an array job with an element for each job.

    parameters: of `submitit.SlurmExecutor.update_parameters`, such as partition, time (minutes) or account.

    ConfigError: submitit is not installed, or a parameter.  RunError: there is no Slurm here, or it refuses.
    """
    try:
        from submitit import SlurmExecutor
    except ImportError as error:
        raise ConfigError("--on slurm needs submitit, which is not installed: pip install 'vgbench[slurm]'.") from error
    for name in parameters.keys() & _OURS.keys():
        raise ConfigError(f"--slurm {name}=…: that follows from {_OURS[name]}.")
    folder = plan.setup.runs.absolute() / "suites" / plan.loaded.suite.name / "slurm"
    sent = sent_suite(plan, resources, checkpoint_every)
    try:
        executor = SlurmExecutor(folder)
    except RuntimeError as error:
        raise RunError("--on slurm: there is no srun on the path, so this is no machine that submits to Slurm.") from error
    own = {"cpus_per_task": resources.cpus, "array_parallelism": n_jobs, "job_name": f"vgbench-{plan.loaded.suite.name}"}
    own |= {"gpus_per_node": math.ceil(resources.gpus)} if resources.gpus else {}
    try:
        executor.update_parameters(**own, **parameters)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"--slurm: {str(error).strip()}") from error
    try:
        submitted = executor.map_array(sent.do, jobs)
    except Exception as error:  # submitit raises whatever sbatch said, in errors of its own
        raise RunError(f"Slurm refused the array job: {error}") from error
    number = str(submitted[0].job_id).partition("_")[0]
    return Submitted(number, str(submitted[0].paths.submission_file))
