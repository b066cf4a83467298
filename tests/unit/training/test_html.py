"""Tables of pages."""

from __future__ import annotations

from training.html import html_table
from training.table import Table


def test_a_line_breaks_before_an_interval_and_not_within() -> None:
    page = html_table(Table(head=("", "AUC"), rows=(("all", "0.991 (0.982 to 0.995)"),)))

    assert "0.991 (0.982\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.995)" in page


def test_a_sentence_breaks_wherever_it_must() -> None:
    sentence = "nothing can be told of so few scans (three of them)"

    assert sentence in html_table(Table(head=("", "AUC"), rows=(("all", sentence),)))
