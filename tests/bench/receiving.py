"""How fast 400 CT images are received, beside Orthanc: `python -m tests.bench.receiving`.

DCMTK's storescu sends 400 images of 512x512 with one association and with four, to the node's listener (durable, SQLite
index) and to Orthanc (SQLite, its file synced), in turns on the same disk, each time into an empty store. Then the
memory of a listener process is looked at that has received one object of 1 GB.
"""

from __future__ import annotations

import argparse
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from node.domain.identifiers import AETitle
from node.domain.ports import InstanceIndex
from node.domain.pseudonym import Pseudonymizer
from node.receive.service import Parts, serve
from node.receive.settings import ListenerSettings
from node.receive.statuses import StoreStatus
from node.store.engine import open_engine
from node.store.instances import SqlInstanceIndex
from node.store.upgrade import upgrade
from tests import peers
from tests.integration.raw_association import DATA, DATA_LAST, RawAssociation
from tests.integration.senders import encoded

IMAGES = 400
ROUNDS = 10
ASSOCIATIONS = (1, 4)
SIZE = 512
GIGABYTE = 1 << 30
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
AE_TITLE = "OSTEONODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A running receiver: where it listens, and the process whose CPU time counts, with its children."""

    port: int
    aet: str
    process_id: int


@dataclass(slots=True, kw_only=True)
class Measured:
    """What the rounds gave: images a second, and CPU milliseconds an image."""

    rate: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def main() -> int:
    """Print the table, or, as a child of this program, listen."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--listen", type=Path, help="listen with the store in this folder")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--folder", type=Path, help="folder on the disk to measure; the temporary one by default")
    chosen = arguments.parse_args()
    if chosen.listen is not None:
        _listen(chosen.listen, chosen.port, chosen.processes)
        return 0
    with tempfile.TemporaryDirectory(prefix="osteonode-receiving-", dir=chosen.folder) as folder:
        sys.stdout.write(_table(_measure(Path(folder), chosen.rounds, chosen.processes)))
        peak_mb = _peak_memory_mb(Path(folder))
        sys.stdout.write(f"\nPeak memory of the listener process that received an object of 1 GB: {peak_mb:.0f} MB.\n")
    return 0


def _table(measured: dict[tuple[str, int], Measured]) -> str:
    lines = ["| associations | OsteoNode, images/s | Orthanc, images/s | ratio | OsteoNode, CPU ms | Orthanc, CPU ms |"]
    lines.append("|---|---|---|---|---|---|")
    for count in ASSOCIATIONS:
        own, orthanc = measured["OsteoNode", count], measured["Orthanc", count]
        # the ratio of each pair, since both of a pair met the same load of the machine
        ratio = median(ours / theirs for ours, theirs in zip(own.rate, orthanc.rate, strict=True))
        lines.append(
            f"| {count} | {median(own.rate):.0f} | {median(orthanc.rate):.0f} | {ratio:.2f} "
            f"| {median(own.cpu_ms):.1f} | {median(orthanc.cpu_ms):.1f} |"
        )
    return "\n".join(lines) + "\n"


def _measure(folder: Path, rounds: int, processes: int) -> dict[tuple[str, int], Measured]:
    images = folder / "images"
    _make_images(images)
    measured = {(name, count): Measured() for name in ("OsteoNode", "Orthanc") for count in ASSOCIATIONS}
    for number in range(rounds):
        for count in ASSOCIATIONS:
            for name in ("OsteoNode", "Orthanc") if number % 2 else ("Orthanc", "OsteoNode"):
                # stores are removed in the end: freed blocks that a disk discards would slow down the next receiver
                store = Path(tempfile.mkdtemp(dir=folder))
                receiver = _own(store, processes) if name == "OsteoNode" else _orthanc(store)
                with receiver as running:
                    os.sync()
                    _send_all(running, images, count, measured[name, count])
        sys.stderr.write(f"round {number + 1} of {rounds}\n")
    return measured


def _send_all(receiver: Receiver, images: Path, associations: int, measured: Measured) -> None:
    environment = os.environ | {"TCP_NODELAY": "1"}
    program = peers.require_dcmtk("storescu")
    cpu_before = _cpu_s(receiver.process_id)
    began = time.perf_counter()
    senders = [
        subprocess.Popen(
            [program, "-pdu", "131072", "-aec", receiver.aet, "+sd", "127.0.0.1", str(receiver.port), str(part)],
            env=environment,
        )
        for part in _parts(images, associations)
    ]
    failed = [sender.args for sender in senders if sender.wait() != 0]
    seconds = time.perf_counter() - began
    if failed:
        raise SystemExit(f"storescu failed: {failed}")
    measured.rate.append(IMAGES / seconds)
    measured.cpu_ms.append((_cpu_s(receiver.process_id) - cpu_before) * 1000 / IMAGES)


def _peak_memory_mb(folder: Path) -> float:
    """Largest resident size of the process that receives a multi-frame object of 1 GB."""
    head = _image(0, study=generate_uid(), series=generate_uid(), frame=generate_uid())
    head.SOPClassUID, head.NumberOfFrames = ENHANCED_CT, GIGABYTE // (2 * SIZE * SIZE)
    del head.PixelData
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, GIGABYTE)
    sent = replace(encoded(head), content=encoded(head).content + pixels)
    piece = bytes(1 << 17)
    with tempfile.TemporaryDirectory(dir=folder) as store, _own(Path(store), 1) as receiver:
        with RawAssociation(receiver.port, [(ENHANCED_CT, ExplicitVRLittleEndian)]) as association:
            context = association.begin(sent)
            association.send(context, DATA, sent.content)
            for number in range(1, 1 + GIGABYTE // len(piece)):
                association.send(context, DATA_LAST if number * len(piece) == GIGABYTE else DATA, piece)
            if association.status() != StoreStatus.SUCCESS:
                raise SystemExit("the large object was refused")
        return max(_peak_mb(process_id) for process_id in _descendants(receiver.process_id))


def _peak_mb(process_id: int) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _parts(images: Path, count: int) -> tuple[Path, ...]:
    return (images / "all",) if count == 1 else tuple(images / f"part{number}" for number in range(count))


@contextmanager
def _own(folder: Path, processes: int) -> Iterator[Receiver]:
    port = peers.free_port()
    command = [sys.executable, "-m", "tests.bench.receiving", "--listen", str(folder)]
    command += ["--port", str(port), "--processes", str(processes)]
    ready = folder / "ready"
    with peers.running(command, log=folder / "listener.log") as process:
        peers.wait_until(lambda: ready.exists() or process.poll() is not None, "the listener to be ready")
        if process.poll() is not None:
            raise SystemExit((folder / "listener.log").read_text())
        yield Receiver(port=port, aet=AE_TITLE, process_id=process.pid)


@contextmanager
def _orthanc(folder: Path) -> Iterator[Receiver]:
    with peers.orthanc_server(folder / "orthanc") as server:
        (process_id,) = (
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if str(server.folder).encode() in _read(entry / "cmdline")
        )
        yield Receiver(port=server.dicom_port, aet=server.aet, process_id=process_id)


def _listen(folder: Path, port: int, processes: int) -> None:
    url = f"sqlite:///{folder / 'index.sqlite'}"
    upgrade(open_engine(url))
    settings = ListenerSettings(
        store=folder / "store", ae_title=AETitle(AE_TITLE), port=port, processes=processes, min_free_bytes=0
    )
    parts = Parts(make_index=partial(_index, url), pseudonymizer=Pseudonymizer(b"benchmark-key-16"))
    serve(settings, parts, on_ready=lambda port: (folder / "ready").touch())


def _index(url: str) -> InstanceIndex:
    return SqlInstanceIndex(open_engine(url))


def _cpu_s(process_id: int) -> float:
    """CPU time of a process and its descendants up to now, s."""
    stats = (_stat(each) for each in _descendants(process_id))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats if fields) / os.sysconf("SC_CLK_TCK")


def _descendants(process_id: int) -> set[int]:
    """A process and those that it started."""
    found = {process_id}
    for each in sorted(int(entry.name) for entry in Path("/proc").glob("[0-9]*")):
        fields = _stat(each)
        if fields and int(fields[1]) in found:
            found.add(each)
    return found


def _stat(process_id: int) -> list[bytes]:
    """The fields behind the name: state, parent and so on (proc(5)); empty where the process is gone."""
    return _read(Path(f"/proc/{process_id}/stat")).rpartition(b") ")[2].split()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _make_images(folder: Path) -> None:
    """One series, in `all`, and its quarters as links, in `part0` to `part3`."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for name in ("all", *(f"part{number}" for number in range(4))):
        (folder / name).mkdir(parents=True)
    for number in range(IMAGES):
        file = folder / "all" / f"{number:04}.dcm"
        _image(number, study=study, series=series, frame=frame).save_as(file, enforce_file_format=True)
        (folder / f"part{number * 4 // IMAGES}" / file.name).hardlink_to(file)


def _image(number: int, *, study: str, series: str, frame: str) -> Dataset:
    """An axial slice: an ellipse of tissue with a bone in it, in air, int16 HU."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Modality, image.Manufacturer, image.ManufacturerModelName = "CT", "Synthetic", "Bench"
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = "Bench^One", "B1", "19500101", "O"
    image.StudyDate = image.SeriesDate = image.ContentDate = "20260101"
    image.StudyTime = image.SeriesTime = image.ContentTime = "120000"
    image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "1", "A1", ""
    image.SeriesDescription, image.BodyPartExamined = "Thorax 1.0 soft", "CHEST"
    image.SeriesNumber, image.InstanceNumber, image.AcquisitionNumber = 1, number + 1, 1
    image.KVP, image.SliceThickness, image.ConvolutionKernel, image.GantryDetectorTilt = 120, 1.0, "B30f", 0
    image.PixelSpacing, image.ImageOrientationPatient = [0.7, 0.7], [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [-179.2, -179.2, float(number)]
    image.Rows = image.Columns = SIZE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "HU"
    image.WindowCenter, image.WindowWidth = 40, 400
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    body, bone = x**2 / 0.7 + y**2 / 0.4 < 1, x**2 + (y - 0.3) ** 2 < 0.01
    hu = np.where(bone, 200 + number % 50, np.where(body, 40 + 20 * x, -1000)).astype("<i2")
    image.PixelData = hu.tobytes()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


if __name__ == "__main__":
    sys.exit(main())
