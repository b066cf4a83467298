"""Who goes where by lot: by the patient alone as far as that leaves no cohort without a category."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from node.domain.bone_category import BoneCategory
from training.cohort.manifest import Cohort


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much of the patients each cohort gets; the others are for training.

    Parameters
    ----------
    seed
        Chance follows from it.
    validation, test
        0 to 1 together.
    """

    seed: int
    validation: float
    test: float

    @property
    def wanted(self) -> tuple[Cohort, ...]:
        """The cohorts that are to have patients, those first that a training cannot do without."""
        others = ((Cohort.VALIDATION, self.validation), (Cohort.TEST, self.test))
        return (Cohort.TRAINING, *(cohort for cohort, share in others if share > 0.0))

    def place(self, patient: str) -> float:
        """Where a patient comes to lie between 0 and 1, by the seed and the patient alone."""
        digest = hashlib.sha256(f"{self.seed}\x1f{patient}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2.0**64

    def drawn(self, patient: str) -> Cohort:
        """The cohort of that place."""
        place = self.place(patient)
        if place < self.test:
            return Cohort.TEST
        return Cohort.VALIDATION if place < self.test + self.validation else Cohort.TRAINING

    def away(self, patient: str, cohort: Cohort) -> float:
        """How far a patient lies from a cohort, 0 inside it."""
        low, high = {
            Cohort.TEST: (0.0, self.test),
            Cohort.VALIDATION: (self.test, self.test + self.validation),
            Cohort.TRAINING: (self.test + self.validation, 1.0),
        }[cohort]
        place = self.place(patient)
        return max(low - place, place - high, 0.0)


def draw_cohorts(
    categories: Mapping[str, BoneCategory], given: Mapping[str, Cohort], shares: Shares
) -> dict[str, Cohort]:
    """The cohort of every patient who has none yet.

    Everybody goes where seed and patient say. Where chance then left a cohort without a category, or without anybody,
    the patient who lies nearest to it moves there from one that has others to spare; training may take the last one of
    a category.

    Parameters
    ----------
    categories
        Of all patients, those with a cohort included.
    given
        Cohorts that stay as they are.
    """
    cohorts = {patient: shares.drawn(patient) for patient in categories if patient not in given}
    draw = _Draw(categories=categories, given=given, shares=shares, cohorts=cohorts)
    for category in BoneCategory:
        for cohort in shares.wanted:
            draw.complete(cohort, category)
    for cohort in shares.wanted:
        draw.people(cohort)
    return cohorts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Draw:
    """A draw that is under way; `cohorts` are those of the patients who may be moved, and change."""

    categories: Mapping[str, BoneCategory]
    given: Mapping[str, Cohort]
    shares: Shares
    cohorts: dict[str, Cohort]

    def complete(self, cohort: Cohort, category: BoneCategory) -> None:
        """Move somebody of a category into a cohort that has none of it."""
        counts = self._counts()
        if counts[cohort, category]:
            return
        of_category = (patient for patient in self.cohorts if self.categories[patient] is category)
        self._move(
            (
                patient
                for patient in of_category
                if counts[self.cohorts[patient], category] > 1 or cohort is Cohort.TRAINING
            ),
            cohort,
        )

    def people(self, cohort: Cohort) -> None:
        """Move somebody into a cohort that is empty; no category leaves the training for that."""
        counts = self._counts()
        whole = Counter({where: sum(counts[where, each] for each in BoneCategory) for where in Cohort})
        if whole[cohort]:
            return
        self._move(
            (
                patient
                for patient, where in self.cohorts.items()
                if whole[where] > 1 and (where is not Cohort.TRAINING or counts[where, self.categories[patient]] > 1)
            ),
            cohort,
        )

    def _counts(self) -> Counter[tuple[Cohort, BoneCategory]]:
        everybody = {**self.given, **self.cohorts}
        return Counter((where, self.categories[patient]) for patient, where in everybody.items())

    def _move(self, patients: Iterable[str], cohort: Cohort) -> None:
        nearest = min(patients, key=lambda patient: (self.shares.away(patient, cohort), patient), default=None)
        if nearest is not None:
            self.cohorts[nearest] = cohort
