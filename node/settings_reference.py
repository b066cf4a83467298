"""The reference page of the settings, made from the settings themselves: `python -m node.settings_reference`."""

from __future__ import annotations

import sys
import types
import typing

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from node.settings import CONFIG_VARIABLE, Settings

_HEAD = f"""# Settings

The node reads a TOML file, named by the environment variable `{CONFIG_VARIABLE}`, else `osteonode.toml` in the working
folder where it exists. An environment variable overrides a key: `OSTEONODE_LISTEN__PORT=104`. Unknown keys are errors.

This page is made from the code by `python -m node.settings_reference`.
"""


def settings_page() -> str:
    """The page as Markdown."""
    parts = [_HEAD, _table("At the top level", Settings, plain=True)]
    for name, field in Settings.model_fields.items():
        section, repeated = _section(field)
        if section is not None:
            heading = f"`[[{name}]]`, may be repeated" if repeated else f"`[{name}]`"
            parts.append(_table(f"{heading}: {_sentence(section)}", section))
    return "\n".join(parts)


def _table(heading: str, model: type[BaseModel], *, plain: bool = False) -> str:
    rows = [f"## {heading}\n", "| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if plain and _section(field)[0] is not None:
            continue
        rows.append(f"| `{name}` | {_default(field)} | {field.description} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    value = field.default
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "`" + text.replace("|", "\\|") + "`"


def _section(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The model of a section, and whether the section may be repeated."""
    annotation = field.annotation
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return (annotation, False) if issubclass(annotation, BaseModel) else (None, False)
    inner = typing.get_args(annotation)
    if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
        return inner[0], True
    return None, False


def _sentence(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n", maxsplit=1)[0].rstrip(".")


if __name__ == "__main__":
    sys.stdout.write(settings_page())
