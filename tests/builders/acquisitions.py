"""How scans were made, and what a site has measured on its scanners."""

from __future__ import annotations

from models.density import DensityRule
from node.domain.acquisition import Acquisition
from node.domain.calibration import CalibratedScanner, Calibration, CalibrationMethod

CALIBRATION = Calibration(
    name="QRM spring",
    method=CalibrationMethod.ASYNCHRONOUS,
    slope_mg_cm3_per_hu=0.8,
    intercept_mg_cm3=-4.0,
    standard_error_mg_cm3=3.0,
)
SCANNER = CalibratedScanner(manufacturer="Siemens*", model="Force", kvp=120.0, calibration=CALIBRATION)
FORCE_120 = Acquisition(manufacturer="SIEMENS", model="Force", kvp=120.0, kernel="Br40d\\3", contrast_agent=False)

#: A scan without contrast agent at a site that has calibrated nothing.
AT_120_KV = DensityRule(acquisition=FORCE_120)
#: The same at a site that has calibrated its scanner.
CALIBRATED = DensityRule(acquisition=FORCE_120, scanners=(SCANNER,))
