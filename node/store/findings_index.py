"""Which findings the node keeps, with the header facts of the series that they are of."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Engine, select

from node.artefacts import FINDINGS
from node.domain.study import ImageFacts
from node.domain.work import CT_BONE, Artefact
from node.store.engine import reading
from node.store.schema import artefact, instance, work


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFindings:
    """The findings file of a study's newest analysis, facts of an image of its series, and when that arrived."""

    artefact: Artefact
    facts: ImageFacts
    received_at: datetime.datetime


class FindingsIndex:
    """Looks up findings of all studies."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> tuple[KeptFindings, ...]:
        """One entry a study that the pipeline `ct-bone` has analysed: that of its newest revision."""
        query = (
            select(work.c.study_uid, work.c.series_uid, artefact)
            .join(work, work.c.work_id == artefact.c.work_id)
            .where(artefact.c.name == FINDINGS, work.c.pipeline == CT_BONE, work.c.series_uid.is_not(None))
            .order_by(work.c.study_uid, work.c.revision, work.c.work_id)
        )
        kept = []
        with reading(self._engine) as connection:
            newest = {row.study_uid: row for row in connection.execute(query)}
            for row in newest.values():
                first = connection.execute(
                    select(instance.c.facts, instance.c.received_at)
                    .where(instance.c.study_uid == row.study_uid, instance.c.series_uid == row.series_uid)
                    .order_by(instance.c.sop_instance_uid)
                    .limit(1)
                ).first()
                if first is not None:
                    file = Artefact(name=row.name, file=row.file, digest=row.digest, size=row.size)
                    kept.append(KeptFindings(artefact=file, facts=first.facts, received_at=first.received_at))
        return tuple(kept)
