"""Everything that speaks DICOM, SQL or to the PACS. Imports no torch."""
