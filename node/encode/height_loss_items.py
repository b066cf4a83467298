"""The height loss of a vertebral body in a report: a number with its uncertainty, the shape, and Genant's grade."""

from __future__ import annotations

from node.domain.height_loss import GenantGrade, HeightLoss
from node.domain.whole_numbers import whole
from node.encode.concepts import (
    DEFORMITY,
    DEFORMITY_OF,
    GENANT_GRADE,
    GENANT_GRADE_ALSO_POSSIBLE,
    GENANT_GRADE_OF,
    Concept,
)


def height_loss_statements(loss: HeightLoss | None) -> list[tuple[Concept, Concept]]:
    """Names and values of what is coded: the grade, others that are as possible, and the shape of a fracture."""
    if loss is None:
        return []
    also = [(GENANT_GRADE_ALSO_POSSIBLE, GENANT_GRADE_OF[grade]) for grade in loss.also_possible]
    shape = [(DEFORMITY, DEFORMITY_OF[loss.deformity])] if loss.is_fracture else []
    return [(GENANT_GRADE, GENANT_GRADE_OF[loss.grade]), *also, *shape]


def height_loss_sentence(loss: HeightLoss | None) -> str:
    """For people, where the grade is not sure; else empty."""
    if loss is None or not loss.also_possible:
        return ""
    others = " or ".join(str(int(grade)) for grade in loss.also_possible)
    percent = whole(loss.percent, GenantGrade.of)
    return (
        f"Height loss {percent} % (standard uncertainty {loss.standard_uncertainty:.0f}) is near a limit: "
        f"Genant grade {int(loss.grade)}, maybe {others}."
    )
