"""Jobs side by side on this machine, its threads divided among them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType

from vgbench.suite.jobs import Job
from vgbench.suite.progress import Watch
from vgbench.suite.worker import Outcome, Processes, Worker

_LOOK_SECONDS = 1.0


def cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_each(n_jobs: int) -> dict[str, str]:
    """The environment of each of so many processes side by side: they share the threads there are; a single one has all."""
    if n_jobs == 1:
        return {}
    own = os.environ.get("OMP_NUM_THREADS", "")
    threads = max(1, (int(own) if own.isdecimal() and int(own) else cores()) // n_jobs)
    return {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}


def do_locally(jobs: Sequence[Job], worker: Worker, n_jobs: int, watch: Watch) -> Iterator[Outcome]:
    """The outcomes of jobs as they end, `n_jobs` of them at a time; the watch looks meanwhile.

    Ctrl-C and SIGTERM let each command save what it has; then KeyboardInterrupt is raised.
    """
    with _ending_on_signals(worker.processes) as was_ended, ThreadPoolExecutor(n_jobs, thread_name_prefix="vgbench-suite") as pool:
        waiting = {pool.submit(worker.do, job) for job in jobs}
        while waiting:
            ready, waiting = wait(waiting, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            watch.look()
            for one in ready:
                yield one.result()
    if was_ended.is_set():
        raise KeyboardInterrupt


@contextmanager
def _ending_on_signals(processes: Processes) -> Iterator[threading.Event]:
    """Within the block SIGINT and SIGTERM end the commands at work, and start no more."""
    was_ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        was_ended.set()
        processes.end()

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)} if is_main else {}
    try:
        yield was_ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
