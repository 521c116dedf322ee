"""docs/metrics.md says what the cards say."""

from __future__ import annotations

from pathlib import Path

from vgbench.metrics.catalogue import BUNDLES, metric_specs
from vgbench.metrics.page import page, reported_by, write_page

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_document_is_what_the_cards_give():
    assert DOCUMENT.read_text(encoding="utf-8") == page(metric_specs()), "run: make docs"


def test_every_variant_and_every_text_of_its_card_is_on_the_page(tmp_path):
    write_page(tmp_path / "metrics.md")
    text = (tmp_path / "metrics.md").read_text().replace("\\", "")
    for spec in metric_specs():
        assert f"`{spec.id}`" in text
        assert all(said in text for said in spec.card.values() if said != "–"), spec.id


def test_a_peer_is_named_beside_what_it_reports():
    assert reported_by("psnr@frame") == "openstl, common-metrics, skimage"
    assert all(reported_by(metric) for bundle in BUNDLES.values() for metric in bundle)
