"""Celery on the GPU hosts: tasks, device, DICOM series to Volume, pipelines."""
