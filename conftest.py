"""Each test process computes with its share of the cores: where threads outnumber cores, torch takes several times as long."""

from __future__ import annotations

import os

workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))  # read when torch is imported
