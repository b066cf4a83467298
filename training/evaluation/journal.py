"""Scores of an evaluation that is under way: it takes an hour or more, and one that was stopped goes on from here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.spine import SpineModel
from node.domain.errors import InputRejected
from training.evaluation.scores import CaseScore

_NAME = "under-way.jsonl"

#: Rises whenever scores say something that those of before did not.
_FORM = 1

_SCORED = TypeAdapter(tuple[str, CaseScore])


class Journal:
    """What was scored so far, a line each, in a file that begins with what was judged.

    Parameters
    ----------
    folder
        Of the report; the file is removed with `finish`.
    model
        What is judged: its networks, its level model, and how sure names must be.

    Raises
    ------
    InputRejected
        Where the folder holds what was scored with another model, or a file that is no journal.
    """

    def __init__(self, folder: Path, model: SpineModel) -> None:
        self._path = folder / _NAME
        head = _head(model)
        folder.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            self._path.write_text(head, encoding="utf-8")
        lines = self._whole_lines()
        if not lines or lines[0] != head:
            raise InputRejected(
                f"{self._path} holds scores of an evaluation that was stopped, of other networks or of names that "
                "must be more or less sure; finish that one, choose another folder, or remove the file"
            )
        try:
            self.done = dict(_SCORED.validate_json(line) for line in lines[1:])
        except ValidationError as error:
            raise InputRejected(f"{self._path} cannot be read as scores; remove it to begin anew") from error

    def add(self, key: str, score: CaseScore) -> None:
        """Keep the score of a case; `key` tells it from others."""
        with self._path.open("ab") as file:
            file.write(_SCORED.dump_json((key, score)) + b"\n")
        self.done[key] = score

    def finish(self) -> None:
        """Remove the file: the report is there."""
        self._path.unlink()

    def _whole_lines(self) -> list[str]:
        """All lines; a last one that was cut when its writer was killed is cut off."""
        written = self._path.read_bytes()
        whole = written[: written.rfind(b"\n") + 1]
        if len(whole) < len(written):
            self._path.write_bytes(whole)
        return whole.decode("utf-8").splitlines(keepends=True)


def _head(model: SpineModel) -> str:
    judged = {
        "form": _FORM,
        "models": [asdict(identity) for identity in model.identities],
        "level_probability": model.levels.asked,
    }
    return json.dumps(judged) + "\n"
