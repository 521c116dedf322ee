"""As much at once as a device has memory for: a batch, or a clip's frames, in halves where it has too little."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from vgbench.devices import is_out_of_memory
from vgbench.errors import OutOfMemory

Result = TypeVar("Result")


class Portions:
    """How many of something a device takes at once: all, until its memory does not suffice; then half as many, from then on."""

    def __init__(self, of: str, note: Callable[[str], None], *, least: int = 1) -> None:
        """of: what is counted, for messages, such as "clips".  note: told of each halving.  least: no fewer are tried."""
        self._of, self._note, self._least = of, note, least
        self._most: int | None = None

    def of_batch(self, n: int, work: Callable[[slice], Iterable[Result] | None]) -> list[Result]:
        """What `work` gives for n things, portion by portion; a portion that does not fit is done again in halves.

        OutOfMemory: not even the least fits.
        """
        results: list[Result] = []
        start = 0
        while start < n:
            begin, most = start, min(n - start, self._most or n)
            done = self._tried(most, lambda count, begin=begin: list(work(slice(begin, begin + count)) or ()))  # type: ignore[misc]
            if done is not None:
                results += done
                start += most
        return results

    def of_whole(self, n: int, work: Callable[[int], Result]) -> Result:
        """What `work` gives when told how many of n things to take at once.  OutOfMemory: not even the least fits."""
        while True:
            done = self._tried(min(n, self._most or n), work)
            if done is not None:
                return done

    def _tried(self, n: int, work: Callable[[int], Result]) -> Result | None:
        """What `work` gives for so many; None where they were too many, and fewer are to be tried.  OutOfMemory: there are none fewer."""
        try:
            return work(n)
        except (OutOfMemory, RuntimeError, MemoryError) as error:
            if not isinstance(error, OutOfMemory) and not is_out_of_memory(error):
                raise
            reason = str(error).strip().split("\n")[0].rstrip(".")
            if n <= self._least:
                way = f"That was with {n} {self._of} at once, the least there is; take another device, or smaller clips."
                raise OutOfMemory(f"{reason}. {way}") from error
        # Outside of the handler, whose exception holds what was computed.
        self._most = max(self._least, n // 2)
        _release()
        self._note(f"The memory did not suffice for {n} {self._of} at once; from here on it is {self._most}. ({reason})")
        return None


def _release() -> None:
    """Give what torch keeps of a GPU's memory back, so that smaller pieces find room."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
