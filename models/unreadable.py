"""What is wrong with a file that does not follow its format."""

from __future__ import annotations

from pydantic import ValidationError

#: Errors that are listed one by one: a file of another kind has as many as it has keys.
_LISTED = 5


def what_is_wrong(error: ValidationError) -> str:
    """Which keys are wrong and how, without what stood there."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in errors[:_LISTED]]
    more = len(errors) - len(told)
    return "; ".join((*told, *((f"and {more} more",) if more else ())))
