"""Readings of tissues by scanner and day, from all findings that the node keeps: without identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from node.artefacts import findings_from_bytes
from node.domain.contrast import ContrastPhase
from node.domain.drift import Drift, Scanner, ScannerReading, find_drift
from node.domain.errors import TransientFailure
from node.domain.finding import CtBoneFindings
from node.domain.ports import ArtefactStore
from node.domain.pseudonym import Pseudonymizer
from node.domain.reference_tissues import ReferenceTissue
from node.domain.study import ImageFacts
from node.store.findings_index import KeptFindings

#: Digits of a device's pseudonym in a chart.
_DEVICE_DIGITS = 6


def scanner_readings(
    kept: Iterable[KeptFindings], artefacts: ArtefactStore, pseudonyms: Pseudonymizer
) -> Iterator[ScannerReading]:
    """What every study read; files that were removed are passed over.

    The day is that of the scan, or the one on which it arrived where the headers do not say it.
    """
    for each in kept:
        try:
            content = artefacts.read(each.artefact)
        except TransientFailure:
            continue
        scanner = _scanner(each.facts, pseudonyms)
        day = each.facts.scanned_on or each.received_at.date()
        for tissue, hu in _values(findings_from_bytes(content).findings):
            yield ScannerReading(scanner=scanner, day=day, tissue=tissue, hu=hu)


def drifts(readings: Iterable[ScannerReading]) -> dict[Scanner, tuple[Drift, ...]]:
    """What the readings say of every scanner, tissue by tissue, scanners with the most readings first."""
    by_scanner: dict[Scanner, list[ScannerReading]] = {}
    for reading in readings:
        by_scanner.setdefault(reading.scanner, []).append(reading)
    ordered = sorted(by_scanner.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {scanner: _of_tissues(own) for scanner, own in ordered}


def _of_tissues(readings: Sequence[ScannerReading]) -> tuple[Drift, ...]:
    return tuple(
        find_drift(tissue, [(each.day, each.hu) for each in readings if each.tissue is tissue])
        for tissue in ReferenceTissue
    )


def _values(findings: CtBoneFindings) -> Iterator[tuple[ReferenceTissue, float]]:
    """Blood and muscle with contrast agent say nothing of the scanner."""
    if findings.references is None:
        return
    native = findings.contrast is ContrastPhase.NATIVE
    for tissue in ReferenceTissue:
        reading = findings.references.reading(tissue)
        if reading is not None and (native or tissue in {ReferenceTissue.AIR, ReferenceTissue.FAT}):
            yield tissue, reading.mean_hu


def _scanner(facts: ImageFacts, pseudonyms: Pseudonymizer) -> Scanner:
    serial = facts.device_serial
    return Scanner(
        manufacturer=facts.manufacturer or "",
        model=facts.model or "",
        device=pseudonyms.of(serial)[:_DEVICE_DIGITS] if serial else "",
        kvp=facts.kvp or 0.0,
        kernel=facts.kernel or "",
    )
