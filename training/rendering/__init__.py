"""From labels to CT numbers: deformation, materials, texture and the scanner."""
