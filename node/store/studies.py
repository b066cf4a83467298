"""Gives studies, series and files back from the index: the reader's side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from node.domain.acquisition import Acquisition
from node.domain.errors import Bug, TransientFailure
from node.domain.identifiers import Uid
from node.domain.selection import NoSuitableSeries, SeriesChoice
from node.domain.study import Instance, Series, Study, input_digest
from node.store.decisions import load_decisions
from node.store.engine import reading
from node.store.schema import instance


class SqlStudyReader:
    """Adapter of `node.domain.ports.StudyReader`, and what else is asked about images.

    Parameters
    ----------
    root
        The folder of the store, which files in the index are relative to.
    """

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self._root = root

    def files(self, study_uid: Uid, revision: int, series_uid: Uid) -> tuple[Path, ...]:
        """The DICOM files of a series as of a revision; see the port."""
        query = select(instance.c.file).where(
            instance.c.study_uid == study_uid,
            instance.c.revision <= revision,
            instance.c.series_uid == series_uid,
        )
        with reading(self._engine) as connection:
            files = tuple(self._root / row.file for row in connection.execute(query.order_by(instance.c.file)))
        if not files:
            raise Bug(f"the index knows no such series in revision {revision}")
        missing = sum(not file.is_file() for file in files)
        if missing:
            raise TransientFailure(f"{missing} of {len(files)} files of a series cannot be reached")
        return files

    def input_digest(self, study_uid: Uid, revision: int, series_uid: Uid) -> str:
        """What names the instances of a series as of a revision in results; see the port."""
        query = select(instance.c.digest).where(
            instance.c.study_uid == study_uid,
            instance.c.revision <= revision,
            instance.c.series_uid == series_uid,
        )
        with reading(self._engine) as connection:
            digests = connection.execute(query).scalars().all()
        if not digests:
            raise Bug(f"the index knows no such series in revision {revision}")
        return input_digest(digests)

    def acquisition(self, study_uid: Uid, revision: int, series_uid: Uid) -> Acquisition:
        """How a series was scanned, as of a revision; see the port."""
        series = self.series(study_uid, revision, series_uid)
        if series is None:
            raise Bug(f"the index knows no such series in revision {revision}")
        return Acquisition.of(series)

    def series(self, study_uid: Uid, revision: int, series_uid: Uid) -> Series | None:
        """A series as of a revision, or `None` where the index knows no such series."""
        with reading(self._engine) as connection:
            study = load_study(connection, study_uid, revision)
        found = (each for each in study.series if each.series_uid == series_uid) if study is not None else iter(())
        return next(found, None)

    def study(self, study_uid: Uid, revision: int) -> Study | None:
        """All that had arrived of a study by a revision, or `None` where the index has nothing of it."""
        with reading(self._engine) as connection:
            return load_study(connection, study_uid, revision)

    def choice(self, study_uid: Uid, revision: int, pipeline: str) -> SeriesChoice | NoSuitableSeries | None:
        """What selection decided for a pipeline when the revision was closed, or `None` before that."""
        with reading(self._engine) as connection:
            decisions = load_decisions(connection, study_uid, revision)
        return next((each.choice for each in decisions if each.pipeline == pipeline), None)


def load_study(connection: Connection, study_uid: Uid, revision: int) -> Study | None:
    """All that had arrived of a study by a revision, series and instances in the order of their identifiers."""
    query = (
        select(instance)
        .where(instance.c.study_uid == study_uid, instance.c.revision <= revision)
        .order_by(instance.c.series_uid, instance.c.sop_instance_uid)
    )
    by_series: dict[Uid, list[Instance]] = {}
    for row in connection.execute(query):
        by_series.setdefault(row.series_uid, []).append(_instance(row))
    if not by_series:
        return None
    series = (Series(series_uid=uid, instances=tuple(instances)) for uid, instances in by_series.items())
    return Study(study_uid=study_uid, revision=revision, series=tuple(series))


def _instance(row: Row[Any]) -> Instance:
    return Instance(
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        series_uid=row.series_uid,
        study_uid=row.study_uid,
        transfer_syntax=row.transfer_syntax,
        file=row.file,
        size=row.size,
        digest=row.digest,
        patient=row.patient,
        received_at=row.received_at,
        facts=row.facts,
    )
