"""A phantom in a folder: the study as DICOM, its true labels, and its truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.domain.errors import ConfigurationError
from node.domain.geometry import Affine
from training.dicom_series import TRUTH_FILE, SeriesHeader, save_ct_series, series_uids
from training.phantom.chest import Phantom
from training.phantom.truth import CORE_DEPTH_MM, TrueVertebra
from training.true_heights import EDGE_INSET_MM, Heights

#: Version of the layout of truth.json.
TRUTH_SCHEMA = "1"
STUDY_FOLDER, LABELS_FILE = "study", "labels.nii.gz"
_PARTIAL_FOLDER = "study-partial"


def check_free(folder: Path) -> None:
    """Make sure that a phantom can be written into a folder, before the time for drawing it is spent.

    Raises
    ------
    ConfigurationError
        Where the folder has a study already: two in one folder would be taken for one.
    """
    study = folder / STUDY_FOLDER
    if study.exists() and any(study.iterdir()):
        raise ConfigurationError(f"{study} has files already; choose another folder or empty it")


def write_phantom(phantom: Phantom, folder: Path, progress: Callable[[float], None] = lambda share: None) -> None:
    """Write study, labels and truth into a folder; the study is there only once everything is.

    Raises
    ------
    ConfigurationError
        Where the folder has a study already.
    """
    check_free(folder)
    partial = folder / _PARTIAL_FOLDER
    if partial.exists():
        shutil.rmtree(partial)
    write_series(phantom, partial, progress)
    write_labels(phantom, folder / LABELS_FILE)
    write_truth(phantom, folder / TRUTH_FILE)
    partial.rename(folder / STUDY_FOLDER)


def write_series(
    phantom: Phantom, folder: Path, progress: Callable[[float], None] = lambda share: None
) -> tuple[Path, ...]:
    """Write the image as a DICOM CT series into an empty folder."""
    return save_ct_series(phantom.volume, _header(phantom), folder, progress=progress)


def write_labels(phantom: Phantom, path: Path) -> None:
    """Write the true bodies as NIfTI on the image's grid: VerSe numbers, 0 elsewhere."""
    _write_nifti(phantom.labels.labels, phantom.labels.affine, path)


def write_image(phantom: Phantom, path: Path) -> None:
    """Write the image as NIfTI, whole HU."""
    _write_nifti(np.rint(phantom.volume.hu).astype(np.int16), phantom.volume.affine, path)


def _write_nifti(values: NDArray[np.generic], affine: Affine, path: Path) -> None:
    image = SimpleITK.GetImageFromArray(values)
    k, j, i = affine.spacing_mm
    image.SetSpacing((i, j, k))
    image.SetOrigin(affine.matrix[:3, 3].tolist())
    image.SetDirection(affine.directions[:, ::-1].ravel().tolist())
    SimpleITK.WriteImage(image, str(path), useCompression=True)


def write_truth(phantom: Phantom, path: Path) -> None:
    """Write the truth as JSON."""
    path.write_text(json.dumps(truth_document(phantom), indent=2) + "\n")


def truth_document(phantom: Phantom) -> dict[str, object]:
    """What truth.json says: settings, geometry, what words mean, and every vertebra that has a part in the scan."""
    uids = series_uids(phantom.volume, _header(phantom))
    return {
        "schema": TRUTH_SCHEMA,
        "kind": "chest-ct",
        "settings": asdict(phantom.spec),
        "study_uid": uids.study,
        "series_uid": uids.series,
        "frame_of_reference_uid": phantom.volume.frame_of_reference,
        "shape_kji": phantom.volume.shape,
        "spacing_mm_kji": phantom.volume.affine.spacing_mm,
        "labels_file": LABELS_FILE,
        "definitions": {
            "label": "VerSe number of the body in the labels file, where a body is as far as it is in the scan",
            "core_hu": f"mean without noise of the body's voxels more than {CORE_DEPTH_MM:g} mm below its surface, HU",
            "heights_mm": "along the body's axis in its mid-sagittal plane; middle: half way between front and rear, "
            f"anterior and posterior {EDGE_INSET_MM:g} mm inside the edges; intact: before the fracture",
            "centroid_lps_mm": "of the body's voxels in the scan",
        },
        "vertebrae": [_vertebra(vertebra) for vertebra in phantom.truth.vertebrae],
    }


def _vertebra(vertebra: TrueVertebra) -> dict[str, object]:
    fracture, variant = vertebra.fracture, vertebra.variant
    return {
        "level": vertebra.level,
        "label": vertebra.level.number,
        "whole": vertebra.is_whole,
        "centroid_lps_mm": [round(coordinate, 3) for coordinate in vertebra.centroid_lps_mm],
        "volume_mm3": round(vertebra.volume_mm3, 1),
        "core_hu": None if vertebra.core_hu is None else round(vertebra.core_hu, 2),
        "core_volume_mm3": round(vertebra.core_volume_mm3, 1),
        "heights_mm": _rounded(vertebra.heights),
        "intact_heights_mm": _rounded(vertebra.intact),
        "fracture": None if fracture is None else {"kind": fracture.kind, "percent": fracture.percent},
        "variant": None if variant is None else {"kind": variant.kind, "mm": variant.mm},
    }


def _rounded(heights: Heights) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(heights).items()}


def _header(phantom: Phantom) -> SeriesHeader:
    spec = phantom.spec
    return SeriesHeader(
        identity=repr(spec),
        patient_name=f"PHANTOM^SEED {spec.seed}",
        patient_id=f"PHANTOM-{spec.seed}",
        study_description="Synthetic chest phantom",
        series_description=f"Synthetic chest phantom {spec.slice_mm:g} mm, no patient",
        kvp=spec.kvp,
    )
