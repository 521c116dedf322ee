"""Whatever has happened to a file, a reader gives what it promises or refuses it in a sentence; `benchmarks/fuzz.py` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from vgbench.errors import VgbenchError

from .damage import KINDS, Damage
from .specimens import SPECIMENS, Specimen

DAMAGES = st.builds(
    Damage,
    kind=st.sampled_from(KINDS),
    place=st.floats(0, 1, exclude_max=True) | st.floats(0, 0.1) | st.floats(0.9, 1, exclude_max=True),
    length=st.sampled_from([1, 2, 16, 256]),
    seed=st.integers(0, 2**16),
)


@pytest.fixture
def whole(request, tmp_path, monkeypatch):
    """A specimen, the path of its file, and what reading it gives."""
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    specimen: Specimen = request.param
    folder = tmp_path / "specimen"
    folder.mkdir()
    path = specimen.make(folder)
    return specimen, path, path.read_bytes(), specimen.read(path)


@pytest.mark.parametrize("whole", SPECIMENS, indirect=True, ids=[specimen.name for specimen in SPECIMENS])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGES)
def test_a_damaged_file_is_refused_or_read_as_promised(whole, damage):
    specimen, path, data, expected = whole
    found = read_damaged(specimen, path, damage.done_to(data))
    if specimen.promise == "same" or (specimen.promise == "whole if cut" and damage.kind == "cut"):
        assert found in (None, expected)


def read_damaged(specimen: Specimen, path: Path, data: bytes):
    """What the specimen's reader makes of these bytes; None where it refuses them in a sentence."""
    path.write_bytes(data)
    try:
        return specimen.read(path)
    except VgbenchError:
        return None


@pytest.mark.parametrize("whole", SPECIMENS, indirect=True, ids=[specimen.name for specimen in SPECIMENS])
def test_an_empty_file_is_refused(whole):
    specimen, path, _, _ = whole
    assert read_damaged(specimen, path, b"") is None
