"""Words stay on the page, and what does not fit is said to be missing."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.measurement_words import Line, Tone
from models.page_text import CUT_OFF, width_of, write_lines

#: The lower half of a page of 1000 by 500 pixels.
PART = (0.1, 0.0, 0.8, 0.5)


@pytest.fixture
def page() -> Figure:
    figure = Figure(figsize=(10.0, 5.0), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def written(page: Figure) -> list[str]:
    return [text.get_text() for text in page.texts]


# Of one kind of letters each, narrow and wide: a mean width would let the wide ones leave the page.
@pytest.mark.parametrize("word", ["ill", "MWMW", "mg/cm3", "contradict"])
def test_no_line_is_wider_than_its_part_of_the_page(page: Figure, word: str) -> None:
    write_lines(page, [Line(text=" ".join([word] * 60))], PART)

    assert len(page.texts) > 1 or word == "ill"
    assert all(text.get_window_extent().x1 <= 900.0 for text in page.texts)
    assert " ".join(written(page)) == " ".join([word] * 60)


def test_lines_that_all_fit_are_all_written(page: Figure) -> None:
    lines = [Line(text="Osteopenia range", tone=Tone.NUMBER), Line(text="Mean."), Line(text="Limits.", tone=Tone.SMALL)]

    write_lines(page, lines, PART)

    assert written(page) == ["Osteopenia range", "Mean.", "Limits."]


@pytest.mark.parametrize("count", [20, 40])
def test_what_does_not_fit_is_said_to_be_in_the_report(page: Figure, count: int) -> None:
    write_lines(page, [Line(text=f"Line {number}.") for number in range(count)], PART)

    *told, last = page.texts
    assert last.get_text() == CUT_OFF
    assert [text.get_text() for text in told] == [f"Line {number}." for number in range(len(told))]
    assert 0 < len(told) < count
    assert last.get_window_extent().y0 >= 0.0


def test_measuring_a_text_leaves_nothing_on_the_page(page: Figure) -> None:
    assert width_of(page, "wider", 10.0) > width_of(page, "wide", 10.0) > 0.0
    assert not page.texts


def test_a_name_with_dollar_signs_is_no_formula(page: Figure) -> None:
    write_lines(page, [Line(text=r"Its name is $\frac{$ .")], PART)

    page.canvas.draw()

    assert written(page) == [r"Its name is $\frac{$ ."]
