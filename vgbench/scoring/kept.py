"""Where an evaluation keeps scores and features, and whether it looks there first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vgbench.files import cache_folder
from vgbench.scoring.feature_cache import FILE as FEATURES, FeatureCache
from vgbench.scoring.score_store import FILE as SCORES, ScoreStore


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A folder of kept scores and features."""

    folder: Path = field(default_factory=cache_folder)
    fresh: bool = False
    """Whether what is there is computed anew."""
    is_own: bool = False
    """Whether it was computed for this very evaluation, so that there is nothing to say of it."""

    def scores(self) -> ScoreStore:
        """The scores, opened."""
        return ScoreStore(self.folder / SCORES, fresh=self.fresh)

    def features(self) -> FeatureCache:
        """The features, opened."""
        return FeatureCache(self.folder / FEATURES, fresh=self.fresh)

    def absorb(self, other: Path) -> list[str]:
        """Keep what another folder holds as well; returns what went wrong."""
        problems = []
        for name, opened in ((SCORES, self.scores()), (FEATURES, self.features())):
            if (other / name).is_file():
                opened.absorb(other / name)
            problems += [opened.problem] if opened.problem else []
            opened.close()
        return problems
