"""From the last image to the results in the PACS: `python -m tests.bench.result_latency [--rounds N]`.

A synthetic chest CT of about 400 slices of 512x512 is sent by DCMTK to a whole node that sends to a real Orthanc.
The quiet period is what the site chooses and networks are what the device can do, so both are taken out: what is left
is the node's own time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pydicom import dcmread
from sqlalchemy import select

from node.domain.errors import Bug
from node.domain.identifiers import Uid
from node.domain.work import Stage
from node.store.engine import open_engine, reading
from node.store.results import ResultReader
from node.store.schema import instance, work
from tests import peers
from tests.faults.flow import SentStudy, is_settled, send
from tests.node_process import QUICK, NodeProcess, node_running, orthanc_destination
from training.phantom import PhantomSpec, make_chest_ct, write_series

#: T6 to L3 in slices this thin are about 400 of them.
SLICE_MM = 0.72
QUIET_S = float(QUICK["OSTEONODE_COMPLETENESS__STUDY_QUIET_S"])
OWN, WITHOUT_SEGMENTATION = "own time", "own time less segmentation"
LOOK_S = 0.5
PHASES = ("load", "segment", "infer", "measure", "classify", "encode", "deliver")


def main() -> int:
    """Run the rounds and print the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=10)
    count = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make_chest_ct(PhantomSpec(seed=7, slice_mm=SLICE_MM))
        write_series(made, folder / "source")
        with (
            peers.orthanc_server(folder / "orthanc") as orthanc,
            node_running(folder / "node", destinations=[orthanc_destination(orthanc)]) as node,
        ):
            told = [_round(node, folder, number) for number in range(count + 1)][1:]  # the first one loads the model
    slices = made.volume.shape[0]
    sys.stdout.write(f"{slices} slices of 512x512, {count} studies after one that warms up; seconds.\n\n")
    sys.stdout.write("| | minimum | median | maximum |\n|---|---|---|---|\n")
    for phase in (OWN, WITHOUT_SEGMENTATION, *PHASES):
        values = [each[phase] for each in told]
        figures = (min(values), statistics.median(values), max(values))
        sys.stdout.write(f"| {phase} | " + " | ".join(f"{value:.2f}" for value in figures) + " |\n")
    sys.stdout.write(
        f"\n{OWN}: from the last image to the last object in the PACS, less the quiet period, `infer`, the\n"
        "networks' part of `segment`, and `classify`, the classifier's. Segmentation also puts the scan on the\n"
        "network's grid, and finds, names and cuts out the bodies in what the network said.\n"
    )
    return 0


def _round(node: NodeProcess, folder: Path, number: int) -> dict[str, float]:
    study = _renamed(folder / "source", folder / f"study{number}", number)
    send(node, study)
    while not is_settled(node, study):
        time.sleep(LOOK_S)  # a look costs the node a part of its two cores
    engine = open_engine(f"sqlite:///{node.home / 'index.sqlite'}")
    result = ResultReader(engine).study_result(Uid(study.study_uid))
    if result is None:
        raise Bug("a settled study must have a result")
    with reading(engine) as connection:
        images = select(instance.c.received_at).where(instance.c.study_uid == study.study_uid)
        last = max(connection.execute(images).scalars())
        sent = select(work.c.ended_at).where(work.c.study_uid == study.study_uid, work.c.stage == Stage.DELIVER)
        end = max(connection.execute(sent).scalars())
    timings = result.timings_s
    whole = (end - last).total_seconds() - QUIET_S
    return {
        OWN: whole - timings["infer"] - timings["classify"],
        WITHOUT_SEGMENTATION: whole - timings["segment"] - timings["classify"],
        **{phase: timings[phase] for phase in PHASES},
    }


def _renamed(source: Path, target: Path, number: int) -> SentStudy:
    """The same images as another study."""
    target.mkdir()
    images = set()
    for file in sorted(source.glob("*.dcm")):
        image = dcmread(file)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            setattr(image, keyword, f"{getattr(image, keyword)[:58]}.{number}".replace("..", "."))
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(target / file.name)
        images.add(str(image.SOPInstanceUID))
    return SentStudy(folder=target, study_uid=str(image.StudyInstanceUID), images=frozenset(images))


if __name__ == "__main__":
    sys.exit(main())
