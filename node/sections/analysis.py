"""Sections about what is made of a scan: the workers and their networks, densities, and what is urgent."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from node.domain.calibration import CalibratedScanner, Calibration, CalibrationMethod
from node.domain.networks import (
    LEAST_LEVEL_PROBABILITY,
    USUAL_LEVEL_PROBABILITY,
    BackendName,
    ClassifierChoice,
    SpineChoice,
)
from node.sections.section import Seconds, Section


class WorkerSettings(Section):
    """The Celery workers."""

    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N; never a silent other.")
    threads: int = Field(0, ge=0, description="CPU threads of the network; 0 takes all cores.")
    backend: BackendName = Field(
        BackendName.OSTEONODE, description="What sees the whole scan: our network, or that of others."
    )
    bundle: Path | None = Field(
        None, description="Model folder of what sees the whole scan; empty takes the shipped one."
    )
    body_bundle: Path | None = Field(
        None, description="Model folder of the network that sees one body finely; empty takes the shipped one."
    )
    ribs_bundle: Path | None = Field(
        None, description="Model folder of the network that sees the ribs of one vertebra; empty takes the shipped one."
    )
    level_probability: float = Field(
        USUAL_LEVEL_PROBABILITY,
        ge=LEAST_LEVEL_PROBABILITY,
        lt=1.0,
        description="How probable the name of a vertebra must be; 0.99 is a score of 0.95 where nothing is calibrated.",
    )
    classifier: bool = Field(True, description="Whether a classifier of bone density answers beside the measurement.")
    classifier_bundle: Path | None = Field(
        None, description="Model folder of that classifier; empty takes the shipped one."
    )
    release_keys: tuple[Path, ...] = Field(
        (),
        description="PEM files of the Ed25519 public keys that may release models for clinical use; without one, all "
        "models must be for research.",
    )
    lease_s: Seconds = Field(60.0, description="A worker silent for this long has lost its work.")

    @property
    def networks(self) -> SpineChoice:
        """Which networks find vertebrae, and how sure their names must be."""
        return SpineChoice(
            backend=self.backend,
            bundle=self.bundle,
            body_bundle=self.body_bundle,
            ribs_bundle=self.ribs_bundle,
            level_probability=self.level_probability,
            release_keys=self.release_keys,
        )

    @property
    def second_answer(self) -> ClassifierChoice | None:
        """Which classifier is asked; `None` for none."""
        if not self.classifier:
            return None
        return ClassifierChoice(bundle=self.classifier_bundle, release_keys=self.release_keys)


class CalibrationSettings(Section):
    """What a site has measured on one scanner: density in mg/cm3 is slope times HU plus intercept.

    The first entry that holds for a series is taken.
    """

    name: str = Field(min_length=1, description="How reports call it, such as the phantom and the month.")
    manufacturer: str = Field(description="Manufacturer (0008,0070), with * for anything; case does not matter.")
    model: str = Field(description="Manufacturer's Model Name (0008,1090), with * for anything.")
    kvp: float = Field(description="Tube voltage, 100 to 140 kV.")
    kernel: str = Field("*", description="Convolution Kernel, with * for anything.")
    slope_mg_cm3_per_hu: float = Field(description="Slope, mg/cm3 for each HU.")
    intercept_mg_cm3: float = Field(description="Intercept, mg/cm3.")
    standard_error_mg_cm3: float = Field(
        description="Standard deviation of the densities that it gives around the true ones, mg/cm3."
    )

    def scanner(self) -> CalibratedScanner:
        """The domain's own type."""
        calibration = Calibration(
            name=self.name,
            method=CalibrationMethod.ASYNCHRONOUS,  # what stands in a table was measured on another day
            slope_mg_cm3_per_hu=self.slope_mg_cm3_per_hu,
            intercept_mg_cm3=self.intercept_mg_cm3,
            standard_error_mg_cm3=self.standard_error_mg_cm3,
        )
        return CalibratedScanner(
            manufacturer=self.manufacturer,
            model=self.model,
            kvp=self.kvp,
            kernel=self.kernel,
            calibration=calibration,
        )


class DensitySettings(Section):
    """How densities are come by where no [[calibration]] holds for a scan."""

    internal_calibration: bool = Field(
        False,
        description="Whether the patient's own air, fat, muscle and blood may calibrate it, to 18 mg/cm3 at best.",
    )


class TriageSettings(Section):
    """What makes a study urgent."""

    l1_hu_below: float | None = Field(None, description="Urgent where L1's core is below this mean CT number, HU.")
