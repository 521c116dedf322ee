"""Every job of a suite belongs to exactly one of the parts that it is cut into."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from vgbench.errors import ConfigError, UnknownName
from vgbench.suite.jobs import Job, jobs_of, part_of, selected
from vgbench.suite.suite import Member, load_suite


@given(st.lists(st.text("abc", min_size=1, max_size=3), unique=True), st.lists(st.integers(0, 99), unique=True), st.integers(1, 9))
def test_parts_cover_each_job_once_and_are_equal_but_for_one(names, seeds, parts):
    jobs = [Job(member=Member(name=name, generator="x"), seed=seed) for seed in seeds for name in names]
    cut = [selected(jobs, f"{number}/{parts}") for number in range(1, parts + 1)]
    assert sorted(job.name for part in cut for job in part) == sorted(job.name for job in jobs)
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


@given(st.integers(-3, 12), st.integers(-3, 12))
def test_only_parts_that_there_are_can_be_asked_for(number, parts):
    if 1 <= number <= parts:
        assert list(part_of(range(parts), number, parts)) == [number - 1]
    else:
        with pytest.raises(ConfigError, match=f"{number}/{parts}: parts are numbered from 1 to"):
            part_of(range(5), number, parts)


def test_what_is_not_trained_has_one_job_and_the_rest_one_for_each_seed(write_suite):
    jobs = jobs_of(load_suite(write_suite()))
    assert [job.name for job in jobs] == ["copy-first", "static", "mdgan/0", "mdgan/1"]
    assert [job.name for job in selected(jobs, "mdgan")] == ["mdgan/0", "mdgan/1"]
    assert [job.name for job in selected(jobs, "mdgan/1, static")] == ["static", "mdgan/1"]
    assert selected(jobs, None) == jobs


def test_a_name_that_is_no_members_has_the_nearest_one(write_suite):
    jobs = jobs_of(load_suite(write_suite()))
    with pytest.raises(UnknownName, match=r"Unknown member of this suite 'mdgn'. Did you mean mdgan\?"):
        selected(jobs, "mdgn")
    with pytest.raises(ConfigError, match="--select: name members, or write i/n"):
        selected(jobs, " , ")
    with pytest.raises(ConfigError, match="--select 5/4: parts are numbered from 1 to 4"):
        selected(jobs, "5/4")
