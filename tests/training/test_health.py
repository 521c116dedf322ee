"""What a training warns of while it runs."""

from __future__ import annotations

from vgbench.training.health import WINDOW, Watch

OBJECTIVES = {"generator": {"adversarial": 1.0, "rank": 2.0}, "discriminator": {"discriminator": 1.0}}


def said(steps: int, *, accuracy: tuple[float, float] = (0.8, 0.7), adversarial: float = 1.0, rank: float = 1.0) -> list[str]:
    watch = Watch("refine")
    losses = {"adversarial": adversarial, "rank": rank, "discriminator": 1.0}
    diagnostics = {"real_accuracy": accuracy[0], "fake_accuracy": accuracy[1]}
    return [text for step in range(1, steps + 1) for text in watch.warnings(step, losses, diagnostics, OBJECTIVES)]


def test_a_balanced_game_gives_no_warning():
    assert said(5 * WINDOW) == []


def test_a_discriminator_that_wins_outright_is_named_once():
    (text,) = said(5 * WINDOW, accuracy=(1.0, 1.0))
    assert text.startswith("Stage refine, steps 1 to 100: the discriminator wins outright")


def test_a_discriminator_that_only_says_fake_has_not_won():
    assert said(3 * WINDOW, accuracy=(0.0, 1.0)) == []


def test_a_term_that_outweighs_the_others_is_named_with_its_share_by_weight():
    (text,) = said(2 * WINDOW, rank=50.0)
    assert "'rank' makes up 99.0 % of what the generator descends (100, beside adversarial 1)" in text
    (text,) = said(2 * WINDOW, rank=-50.0)
    assert "'rank' makes up" in text


def test_nothing_is_said_before_a_window_is_full():
    assert said(WINDOW - 1, accuracy=(1.0, 1.0), rank=50.0) == []
    assert len(said(WINDOW, accuracy=(1.0, 1.0), rank=50.0)) == 2


def test_a_term_without_weight_or_alone_does_not_rule():
    watch = Watch("base")
    objectives = {"generator": {"content": 1.0, "adversarial": 0.0}, "discriminator": {"discriminator": 1.0, "r1": 0.0}}
    losses = {"content": 5.0, "adversarial": 1.0, "discriminator": 3.0}
    assert [text for step in range(300) for text in watch.warnings(step, losses, {}, objectives)] == []
