"""What all sections of the settings are: checked, frozen, and without unknown keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A section: a table of the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
