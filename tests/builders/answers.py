"""What a classifier of bone density may say."""

from __future__ import annotations

from dataclasses import replace

from node.domain.classifier import ClassifierAnswer, ClassifierMethod
from node.domain.finding import CtBoneFindings
from node.domain.provenance import IntendedUse, ModelIdentity

MODEL = ModelIdentity(name="bmd-screening", version="0.1.0", weights_sha256="f" * 64, intended_use=IntendedUse.RESEARCH)

NORMAL, OSTEOPENIA, OSTEOPOROSIS = (0.8, 0.15, 0.05), (0.1, 0.8, 0.1), (0.02, 0.08, 0.9)


def answer(
    probabilities: tuple[float, float, float],
    *,
    method: ClassifierMethod = ClassifierMethod.L1_L2,
    calibrated: bool = True,
) -> ClassifierAnswer:
    """In the order normal, osteopenia, osteoporosis."""
    return ClassifierAnswer(probabilities=probabilities, method=method, model=MODEL, calibrated=calibrated)


def with_answer(findings: CtBoneFindings, said: ClassifierAnswer) -> CtBoneFindings:
    """The same findings of a scan that a classifier has seen as well."""
    if findings.screening is None:
        raise ValueError("findings must have a screening that the answer stands beside")
    screening = replace(findings.screening, answer=said)
    reasons = () if screening.indeterminate is None else (screening.indeterminate,)
    return replace(findings, screening=screening, reasons=(*findings.reasons, *reasons))
