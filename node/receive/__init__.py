"""The DICOM listener: who may send, what is stored, and what is answered."""
