"""The private codes as a page of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from node.encode import concepts, exclusion_codes
from node.encode.concepts import PRIVATE_SCHEME, PRIVATE_SCHEME_VERSION, Concept, Origin

_HEAD = f"""# Private codes

The coding scheme `{PRIVATE_SCHEME}`, version {PRIVATE_SCHEME_VERSION}, holds what no standard code was found for.
Every object names it in its Coding Scheme Identification Sequence (0008,0110). A value that was given once never means
anything else.

| value | meaning |
|---|---|
"""


def every_concept() -> tuple[Concept, ...]:
    """All concepts that the node writes, each once."""
    found = {concept.code: concept for module in (concepts, exclusion_codes) for concept in _concepts_in(module)}
    return tuple(found.values())


def _concepts_in(module: ModuleType) -> Iterator[Concept]:
    for value in vars(module).values():
        members = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        yield from (member for member in members if isinstance(member, Concept))


def code_table_text() -> str:
    """The content of `docs/reference/private-codes.md`."""
    private = sorted(concept.code for concept in every_concept() if concept.origin is Origin.PRIVATE)
    return _HEAD + "".join(f"| {code.value} | {code.meaning} |\n" for code in private)
