"""The scans of a study of bone density: where they lie, whose they are, and what quantitative CT says of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from node.domain.bone_category import PLAUSIBLE_MG_CM3, BoneCategory
from training.cohort.rows import ManifestRejected, Problem, Row, existing, number, one_of, read_rows

_NEEDED = ("image", "patient", "site")
COLUMNS = (
    *_NEEDED,
    "mask",
    "qct_mg_cm3",
    "class",
    "measured_mg_cm3",
    "scanner",
    "sex",
    "age",
    "kvp",
    "kernel",
    "contrast",
    "cohort",
    "synthetic",
)

#: A value as near to 0 as this is none in mg/cm3 but one in g/cm3.
_NO_MG_CM3_BELOW = 1.0

#: What the project's own drawn scans call their scanner: in headers, and in manifests from before there was a column.
_DRAWING_SCANNERS = ("Synthetic First Family", "Synthetic Phantom")

#: Older people there are none.
OLDEST_YEARS = 120.0
_LEAST_KVP, _MOST_KVP = 60.0, 160.0


class Sex(StrEnum):
    """Patient's Sex (0010,0040)."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "O"


class Cohort(StrEnum):
    """What a scan is for. Nothing of `TEST`, `EXTERNAL` and `PROSPECTIVE` is looked at before a model is final."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    EXTERNAL = "external"
    PROSPECTIVE = "prospective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A row of the manifest.

    Parameters
    ----------
    row
        Its number in the file.
    image
        Folder of DICOM files, a NIfTI file, or a case of the screening classifier (`NAME.npz`), which holds its masks.
    mask
        Bodies of its vertebrae in VerSe numbers; `None` where the node's own segmentation is to be used.
    patient, site
        Pseudonyms that the manifest gives.
    category
        What quantitative CT says; from `qct_mg_cm3` where that is given.
    qct_mg_cm3
        Mean trabecular density of L1 and L2, mg/cm3.
    measured_mg_cm3
        What the node measured in the same scan, mg/cm3, to be compared with it.
    kvp, kernel, contrast, scanner, sex, age_years
        `None` where the manifest does not tell; read from DICOM where there is some.
    cohort
        `None` where it is to be shared out.
    synthetic
        Whether it was drawn and shows nobody; `None` where the manifest does not tell.
    """

    row: int
    image: Path
    mask: Path | None
    patient: str
    site: str
    category: BoneCategory
    qct_mg_cm3: float | None = None
    measured_mg_cm3: float | None = None
    scanner: str | None = None
    sex: Sex | None = None
    age_years: float | None = None
    kvp: float | None = None
    kernel: str | None = None
    contrast: bool | None = None
    cohort: Cohort | None = None
    synthetic: bool | None = None

    @property
    def is_synthetic(self) -> bool:
        """Whether it shows nobody: as the manifest tells, or else where its scanner is one of the project's own."""
        if self.synthetic is not None:
            return self.synthetic
        return self.scanner is not None and self.scanner.startswith(_DRAWING_SCANNERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a row names that says something wrong elsewhere: its files can be looked at all the same."""

    row: int
    image: Path
    mask: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What stands in a manifest: the scans of its sound rows, the files of its other ones, and what is wrong."""

    scans: tuple[Scan, ...]
    others: tuple[Files, ...]
    problems: tuple[Problem, ...]


def list_scans(path: Path) -> Listed:
    """All rows of a manifest; paths in it are relative to its folder.

    Raises
    ------
    InputRejected
        Where the file or its header cannot be used.
    """
    rows = read_rows(path, needed=_NEEDED, allowed=COLUMNS)
    read = [_scan(row, path.parent) for row in rows]
    scans = tuple(each for each in read if isinstance(each, Scan))
    problems = [problem for row in rows for problem in row.problems]
    problems += [*_repeated(scans), *_spelled_twice(scans), *in_two_cohorts(scans)]
    return Listed(scans=scans, others=tuple(each for each in read if isinstance(each, Files)), problems=tuple(problems))


def read_manifest(path: Path) -> tuple[Scan, ...]:
    """All scans of a manifest without errors, see `list_scans`.

    Raises
    ------
    InputRejected
        Where the file or its header cannot be used.
    ManifestRejected
        Where rows are wrong: every problem with its row.
    """
    listed = list_scans(path)
    if listed.problems:
        raise ManifestRejected(path.name, listed.problems)
    return listed.scans


def _scan(row: Row, folder: Path) -> Scan | Files | None:
    """The scan of a row; its files alone where something in it is wrong, which the row tells."""
    image, mask = row.path("image", folder), row.optional("mask", partial(existing, folder))
    patient, site = row.text("patient"), row.text("site")
    qct = row.optional("qct_mg_cm3", _qct)
    category = _agreed(row, qct, row.optional("class", partial(one_of, BoneCategory)))
    measured = row.optional("measured_mg_cm3", _qct)
    scanner, kernel = row.optional("scanner", str), row.optional("kernel", str)
    sex, age = row.optional("sex", partial(one_of, Sex)), row.optional("age", _age)
    kvp, contrast = row.optional("kvp", _kvp), row.optional("contrast", _yes_or_no)
    cohort, synthetic = row.optional("cohort", partial(one_of, Cohort)), row.optional("synthetic", _yes_or_no)
    if row.problems or image is None or category is None:
        return None if image is None else Files(row=row.number, image=image, mask=mask)
    return Scan(
        row=row.number,
        image=image,
        mask=mask,
        patient=patient,
        site=site,
        category=category,
        qct_mg_cm3=qct,
        measured_mg_cm3=measured,
        scanner=scanner,
        sex=sex,
        age_years=age,
        kvp=kvp,
        kernel=kernel,
        contrast=contrast,
        cohort=cohort,
        synthetic=synthetic,
    )


def _agreed(row: Row, qct: float | None, told: BoneCategory | None) -> BoneCategory | None:
    if qct is None:
        if told is None and not row.problems:
            row.refuse("qct_mg_cm3", "either qct_mg_cm3 or class is needed")
        return told
    category = BoneCategory.of(qct)
    if told is not None and told is not category:
        row.refuse("class", f"is {told}, but {qct:g} mg/cm3 is {category}")
    return category


def _qct(text: str) -> float:
    value = number(text)
    if abs(value) < _NO_MG_CM3_BELOW and value:
        raise ValueError(f"{text} looks like g/cm3; give mg/cm3, a thousand times as much")
    least, most = PLAUSIBLE_MG_CM3
    if not least <= value <= most:
        raise ValueError(f"must be {least:g} to {most:g} mg/cm3, got {text}")
    return value


def _age(text: str) -> float:
    value = number(text)
    if not 0.0 <= value <= OLDEST_YEARS:
        raise ValueError(f"must be 0 to {OLDEST_YEARS:g} years, got {text}")
    return value


def _kvp(text: str) -> float:
    value = number(text)
    if not _LEAST_KVP <= value <= _MOST_KVP:
        raise ValueError(f"must be {_LEAST_KVP:g} to {_MOST_KVP:g} kV, got {text}")
    return value


def _yes_or_no(text: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise ValueError(f"must be yes or no, got {text!r}")
    return text.lower() == "yes"


def _repeated(scans: Sequence[Scan]) -> Iterator[Problem]:
    """Images that are listed twice, or lie in the folder of another one."""
    first: dict[Path, int] = {}
    for scan in scans:
        earlier = first.setdefault(scan.image.resolve(), scan.row)
        if earlier != scan.row:
            yield Problem(row=scan.row, column="image", what=f"is the image of row {earlier} again")
    for scan in scans:
        outer = next((first[folder] for folder in scan.image.resolve().parents if folder in first), None)
        if outer is not None:
            yield Problem(row=scan.row, column="image", what=f"lies in the folder of the image of row {outer}")


def _spelled_twice(scans: Sequence[Scan]) -> Iterator[Problem]:
    """Spellings that differ in capitals or in how letters are composed may be one patient in two cohorts."""
    first: dict[str, Scan] = {}
    for scan in scans:
        earlier = first.setdefault(unicodedata.normalize("NFKC", scan.patient).casefold(), scan)
        if earlier.patient != scan.patient:
            what = f"{scan.patient} is spelled {earlier.patient} in row {earlier.row}"
            yield Problem(row=scan.row, column="patient", what=what)


def in_two_cohorts(scans: Sequence[Scan]) -> Iterator[Problem]:
    """A patient who is in two cohorts is learned by heart in one and met again in the other."""
    first: dict[str, Scan] = {}
    for scan in scans:
        earlier = first.setdefault(scan.patient, scan)
        if earlier.cohort is not scan.cohort:
            what = (
                f"patient {scan.patient} is in cohort {_named(scan)}, and in row {earlier.row} in {_named(earlier)}; "
                "give all scans of a patient one cohort"
            )
            yield Problem(row=scan.row, column="cohort", what=what)


def _named(scan: Scan) -> str:
    return "none" if scan.cohort is None else str(scan.cohort)
