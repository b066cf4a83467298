"""The names of features: `<image>_<class>_<feature>`, as pyradiomics writes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from models.radiomics.definition import RadiomicsDefinition
from models.radiomics.filters import ORIGINAL, image_types
from models.radiomics.library import CLASSES, SHAPE
from node.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureName:
    """One feature of one image."""

    image: str
    group: str
    feature: str

    def __str__(self) -> str:
        return f"{self.image}_{self.group}_{self.feature}"

    @classmethod
    def parse(cls, text: str) -> FeatureName:
        """The feature that a name stands for.

        Raises
        ------
        ValueError
            Where it has another form.
        """
        image, group, feature = text.split("_")
        return cls(image=image, group=group, feature=feature)


@cache
def all_features(definition: RadiomicsDefinition) -> tuple[str, ...]:
    """The names of all features: those of the outline once, the others of every image."""
    names = [FeatureName(image=ORIGINAL, group=SHAPE, feature=feature) for feature in _features(SHAPE)]
    for image in image_types(definition):
        names += [
            FeatureName(image=image, group=group, feature=feature)
            for group in CLASSES
            if group != SHAPE
            for feature in _features(group)
        ]
    return tuple(str(name) for name in names)


def check_known(names: Iterable[str], definition: RadiomicsDefinition) -> None:
    """Make sure that every name is one of `all_features`.

    Raises
    ------
    ConfigurationError
        Where one is not.
    """
    unknown = sorted(set(names) - set(all_features(definition)))
    if unknown:
        told = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise ConfigurationError(f"the extractor of features knows no {told}")


def _features(group: str) -> list[str]:
    return [name for name, deprecated in sorted(CLASSES[group].getFeatureNames().items()) if not deprecated]
