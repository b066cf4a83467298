"""Results as DICOM objects: segmentation, structured report, key object selection; and as `result.json`."""
