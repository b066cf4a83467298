"""Synthetic studies whose truth is known: drawn from parametric anatomy, never from a patient."""

from training.phantom.changes import Fracture, FractureKind, Variant, VariantKind
from training.phantom.chest import Phantom, make_chest_ct
from training.phantom.spec import PhantomSpec
from training.phantom.study import write_labels, write_phantom, write_series, write_truth

__all__ = [
    "Fracture",
    "FractureKind",
    "Phantom",
    "PhantomSpec",
    "Variant",
    "VariantKind",
    "make_chest_ct",
    "write_labels",
    "write_phantom",
    "write_series",
    "write_truth",
]
