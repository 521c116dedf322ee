"""Each test process computes with its share of the cores: where threads outnumber cores, torch takes several times as long."""

from __future__ import annotations

import os

workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT")  # unset in the process that starts them, which they inherit from
if workers is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))  # read when torch is imported
