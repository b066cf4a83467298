"""Waiting for a study, with a line that says where it stands."""

from __future__ import annotations

import time

from rich.console import Console
from rich.status import Status as Spinner

from node.domain.errors import TransientFailure
from node.domain.identifiers import Uid
from node.domain.state import SETTLED, StudyState
from node.domain.work import Stage
from node.store.why import StudyExplanation
from node.wiring import Questions

_POLL_S = 0.1
_FINISHED = frozenset({StudyState.DONE, StudyState.FAILED})

_WORDS = {
    Stage.SEGMENT: "finding the vertebrae",
    Stage.SCREEN_BMD: "measuring",
    Stage.ENCODE: "writing DICOM objects",
    Stage.DELIVER: "sending the results",
    Stage.PICTURE: "drawing the picture",
    Stage.ENCODE_PICTURE: "writing the picture as a DICOM object",
    Stage.DELIVER_PICTURE: "sending the picture",
}


def follow(questions: Questions, study: Uid, *, timeout_s: float, console: Console) -> None:
    """Return once nothing of the study waits for anything any more.

    Raises
    ------
    TransientFailure
        Where that takes longer than the time-out; the message says what the study waits for.
    """
    deadline = time.monotonic() + timeout_s
    with console.status("sent") as spinner:
        while not _is_over(explanation := questions.explainer.explain(study, now=questions.now())):
            _tell(spinner, explanation)
            if time.monotonic() > deadline:
                raise TransientFailure(f"no result within {timeout_s:.0f} s; the study waits: {_where(explanation)}")
            time.sleep(_POLL_S)


def _is_over(explanation: StudyExplanation | None) -> bool:
    """Whether the results are there, and the pictures, which no result waits for."""
    if explanation is None or explanation.state not in _FINISHED:
        return False
    return all(each.work.state in SETTLED for each in explanation.revisions[-1].work)


def _tell(spinner: Spinner, explanation: StudyExplanation | None) -> None:
    spinner.update(_where(explanation))


def _where(explanation: StudyExplanation | None) -> str:
    """Where a study stands, in a few words."""
    if explanation is None:
        return "nothing has arrived"
    newest = explanation.revisions[-1]
    if newest.wait is not None:
        return newest.wait.waits_for
    for each in newest.work:
        if each.work.state not in SETTLED:
            return f"{_WORDS[each.work.item.stage]} ({each.work.state})"
    return "finishing"
