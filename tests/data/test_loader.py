"""Reading ahead gives every item once and in order, and ends well wherever it is given up."""

from __future__ import annotations

import threading

import pytest

from vgbench.data.loader import read_ahead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    assert list(read_ahead(range(20), lambda number: number * number, workers=workers, ahead=2)) == [
        number * number for number in range(20)
    ]


def test_it_may_be_given_up_in_one_of_its_own_threads():
    """As where the garbage collector runs in a thread that reads."""
    ended = threading.Event()
    problems: list[BaseException] = []

    def read(number):
        if number == 2:
            begun.wait(5)
            try:
                batches.close()
            except BaseException as problem:
                problems.append(problem)
            ended.set()
        return number

    begun = threading.Event()
    batches = read_ahead(range(9), read, workers=1, ahead=2)
    assert next(batches) == 0
    begun.set()
    assert ended.wait(5)
    assert not problems
