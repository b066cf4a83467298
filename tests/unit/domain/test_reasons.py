"""Every reason has one sentence, and it is the right one."""

from __future__ import annotations

import ast
import inspect

from node.domain import reasons
from node.domain.reasons import SENTENCES, Reason, ReasonCode


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ReasonCode)


def test_no_code_has_two_sentences_of_which_the_last_one_would_win() -> None:
    tables = [node for node in ast.walk(ast.parse(inspect.getsource(reasons))) if isinstance(node, ast.Dict)]

    keys = [ast.unparse(key) for table in tables for key in table.keys if key is not None]

    assert len(keys) == len(set(keys)) == len(ReasonCode)


def test_a_tube_voltage_is_refused_by_the_limits_that_hold() -> None:
    text = Reason(code=ReasonCode.TUBE_VOLTAGE, detail="These images have 80 kV.").text

    assert text == ("CT numbers of bone are assessed at tube voltages of 100 to 140 kV alone. These images have 80 kV.")
