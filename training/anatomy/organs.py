"""Lungs and diaphragm, heart, liver, spleen, kidneys, bowel and the great vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from node.domain.geometry import Float64
from training.anatomy.canvas import Canvas, Column, Frame
from training.anatomy.labels import BOWEL_CONTENTS, Part, Side
from training.anatomy.spine import Spine
from training.anatomy.trunk import Trunk

# Sizes and places in mm for an adult of scale 1; plausible choice.
_LUMP_SIZE, _LUMP_WAVES = 0.13, 3.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """What organs are placed by: the centre line and the heights of the diaphragm and of some vertebrae, mm."""

    centre: Float64
    first_thoracic: float
    last_thoracic: float
    mid_lumbar: float
    s1: float
    scale: float

    @classmethod
    def of(cls, spine: Spine, heights: Float64) -> Site:
        """The site of a spine for the slices at the heights."""
        last = next(placed for level, placed in reversed(spine.named) if level.is_thoracic)
        top, s1 = float(last.frame.origin[0]), float(spine.sacrum[0].frame.origin[0])
        return cls(
            centre=spine.centreline(heights),
            first_thoracic=float(spine.named[0][1].frame.origin[0]),
            last_thoracic=top,
            mid_lumbar=0.5 * (top + s1),
            s1=s1,
            scale=spine.scale,
        )

    def point(self, height: float, back: float, left: float, canvas: Canvas) -> Float64:
        """A position (k, j, i), mm, from a height and offsets from the centre of the spine."""
        index = int(np.clip(round(height / canvas.spacing_mm), 0, len(self.centre) - 1))
        return np.array((height, self.centre[index, 0] + self.scale * back, self.centre[index, 1] + self.scale * left))


def paint_organs(canvas: Canvas, spine: Spine, trunk: Trunk, rng: np.random.Generator) -> None:
    """Paint what fills the cavity of a trunk, the belly first, then chest and vessels."""
    site = Site.of(spine, canvas.heights)
    _paint_bowel(canvas, site, rng)
    _paint_solid_organs(canvas, site, rng)
    _paint_lungs(canvas, site, trunk, rng)
    _paint_crura(canvas, site, rng)
    _paint_vessels(canvas, site, rng)


def _paint_blob(
    canvas: Canvas, centre: Float64, radii: tuple[float, float, float], label: int, *, lumps: Float64
) -> None:
    """An ellipsoid made uneven by waves with the phases `lumps`, (up, back, left) in radians."""
    reach = tuple(1.3 * radius for radius in radii)
    region = canvas.region(
        Frame.leaning(centre, 0.0), (-reach[0], -reach[1], -reach[2]), (reach[0], reach[1], reach[2])
    )
    axes = (region.up, region.back, region.left)
    distance = np.zeros_like(region.up)
    for axis, radius, phase in zip(axes, radii, lumps.tolist(), strict=True):
        scaled = axis / np.float32(radius)
        wave = np.float32(_LUMP_SIZE) * np.sin(np.float32(_LUMP_WAVES) * scaled + np.float32(phase))
        distance += scaled**2 + wave
    canvas.paint(region, distance < 1.0, label, over=_CAVITY)


def _paint_bowel(canvas: Canvas, site: Site, rng: np.random.Generator) -> None:
    """Loops of a wall around contents that may be gas, water or contrast."""
    for _ in range(int(rng.integers(80, 150))):
        centre = site.point(
            rng.uniform(site.s1 - 70.0, site.last_thoracic + 10.0),
            rng.uniform(-125, -26),
            rng.uniform(-105, 105),
            canvas,
        )
        up, back, left = rng.uniform(11.0, 32.0, 3)
        lumps = rng.uniform(0.0, 2.0 * np.pi, 3)
        _paint_blob(canvas, centre, (up, back, left), Part.BOWEL_WALL, lumps=lumps)
        inner = (0.85 * up, 0.85 * back, 0.85 * left)
        _paint_blob(canvas, centre, inner, int(rng.choice(BOWEL_CONTENTS)), lumps=lumps)


def _paint_solid_organs(canvas: Canvas, site: Site, rng: np.random.Generator) -> None:
    top, scale = site.last_thoracic, site.scale * rng.uniform(0.9, 1.1)
    lumps = rng.uniform(0.0, 2.0 * np.pi, (4, 3))

    def jitter(spread: float) -> float:
        return float(rng.normal(0.0, spread))

    liver = site.point(top + 2 + jitter(8), -52 + jitter(6), -76 + jitter(5), canvas)
    spleen = site.point(top + 8 + jitter(8), -14 + jitter(6), 88 + jitter(6), canvas)
    stomach = site.point(top + jitter(12), -78 + jitter(8), 48 + jitter(10), canvas)
    content = int(rng.choice(BOWEL_CONTENTS))
    _paint_blob(canvas, stomach, (40 * scale, 38 * scale, 44 * scale), Part.BOWEL_WALL, lumps=lumps[0])
    _paint_blob(canvas, stomach, (35 * scale, 33 * scale, 39 * scale), content, lumps=lumps[0])
    _paint_blob(canvas, liver, (95 * scale, 92 * scale, 95 * scale), Part.LIVER, lumps=lumps[1])
    _paint_blob(canvas, spleen, (55 * scale, 42 * scale, 34 * scale), Part.SPLEEN, lumps=lumps[2])
    for side in Side:
        height = site.mid_lumbar + 42 + jitter(10) - 8 * side.sign
        kidney = site.point(height, jitter(7) + 4, side.sign * (62 + jitter(5)), canvas)
        for radius, label in ((1.3, Part.VISCERAL_FAT), (1.0, Part.KIDNEY), (0.5, Part.RENAL_PELVIS)):
            size = radius * scale
            _paint_blob(canvas, kidney, (52 * size, 26 * size, 27 * size), label, lumps=lumps[3])


def _paint_lungs(canvas: Canvas, site: Site, trunk: Trunk, rng: np.random.Generator) -> None:
    """Fill the cavity above two domes with lung, beside a mediastinum that holds heart and airways."""
    heights, cavity = canvas.heights, trunk.cavity
    first = max(0, int((site.last_thoracic - 70.0) / canvas.spacing_mm))
    view = canvas.labels[first:]
    j = (np.arange(view.shape[1], dtype=np.float32) * np.float32(canvas.spacing_mm))[:, None]
    i = np.arange(view.shape[2], dtype=np.float32) * np.float32(canvas.spacing_mm)
    dome = site.last_thoracic + rng.uniform(55.0, 95.0)
    drops = {side: rng.uniform(70.0, 105.0) for side in Side}
    spread = rng.uniform(0.06, 0.16)
    clear, apex = rng.uniform(0.0, 4.0), site.first_thoracic + rng.uniform(-4.0, 14.0)
    for offset, height in enumerate(heights[first:]):
        index = first + offset
        forward = cavity.back[index] - j
        aside = i - site.centre[index, 1]
        drop = np.where(aside > 0, drops[Side.LEFT], drops[Side.RIGHT]).astype(np.float32)
        outwards = ((np.abs(aside) - 62.0) / cavity.half_width[index] * 1.5) ** 2
        outwards = outwards + (forward - 10.0) ** 2 / cavity.half_depth[index] ** 2
        edge = dome - drop * outwards
        # Next to the bodies the lung stands close; in front of them the mediastinum widens.
        before = np.maximum(site.centre[index, 0] + 2.0 - j, 0.0)
        width = np.interp(height, (site.last_thoracic, site.last_thoracic + 250.0), (23.0, 16.0)) * site.scale
        lung = (height > edge) & (height < apex) & (np.abs(aside) > width + clear + spread * before)
        slab = view[offset]
        slab[lung & (slab == Part.VISCERAL_FAT)] = Part.LUNG
        belly = (height > edge - 4.0) & np.isin(slab, (*BOWEL_CONTENTS, Part.BOWEL_WALL, Part.LIVER, Part.SPLEEN))
        slab[belly & lung] = Part.LUNG
    _paint_mediastinum(canvas, site, trunk, rng)


def _paint_mediastinum(canvas: Canvas, site: Site, trunk: Trunk, rng: np.random.Generator) -> None:
    scale = site.scale
    heart = site.point(site.last_thoracic + 105.0, -78.0, 28.0, canvas)
    region = canvas.region(Frame.leaning(heart, 0.4), (-60, -60, -80), (60, 60, 80))
    radii = scale * rng.uniform(0.9, 1.1, 3) * (50.0, 42.0, 58.0)
    distance = (region.up / radii[0]) ** 2 + (region.back / radii[1]) ** 2 + (region.left / radii[2]) ** 2
    canvas.paint(region, distance < 1.0, Part.HEART, over=(Part.LUNG, Part.VISCERAL_FAT))
    heights = canvas.heights
    carina = site.last_thoracic + 175.0
    tube = np.where(heights > carina, 8.5 * scale, 0.0)
    column = Column(
        back=site.centre[:, 0] - 34.0 * scale, left=site.centre[:, 1] - 3.0, half_depth=tube, half_width=tube
    )
    canvas.paint_column(column, Part.AIRWAY, over=(Part.LUNG, Part.VISCERAL_FAT, Part.MUSCLE))
    for side in Side:
        end = site.point(carina - 40.0, -38.0, side.sign * 45.0, canvas)
        start = site.point(carina, -34.0, -3.0, canvas)
        canvas.stamp_rod(start, end, (7.0 * scale, 5.0 * scale), Part.AIRWAY)
        # Vessels fan out from the hilum.
        for _ in range(14):
            tip = end + rng.normal(0.0, 1.0, 3) * (45.0, 30.0, 12.0) + np.array((0.0, 0.0, side.sign * 38.0))
            index = np.clip(np.round(tip / canvas.spacing_mm).astype(int), 0, np.array(canvas.labels.shape) - 1)
            if canvas.labels[tuple(index)] == Part.LUNG:
                canvas.stamp_rod(end, tip, (3.5, 1.6), Part.VEIN)


def _paint_crura(canvas: Canvas, site: Site, rng: np.random.Generator) -> None:
    """The legs of the diaphragm, which lie on the front of the uppermost lumbar bodies."""
    top, bottom = site.last_thoracic + 25.0, site.mid_lumbar - 5.0
    for side in Side:
        present = (canvas.heights > bottom) & (canvas.heights < top)
        thick = np.where(present, rng.uniform(2.5, 6.0) * site.scale, 0.0)
        column = Column(
            back=site.centre[:, 0] - rng.uniform(18.0, 24.0) * site.scale,
            left=site.centre[:, 1] + side.sign * rng.uniform(8.0, 18.0) * site.scale,
            half_depth=thick,
            half_width=2.0 * thick,
        )
        canvas.paint_column(column, Part.MUSCLE, over=(*_CAVITY, Part.LUNG))


def _paint_vessels(canvas: Canvas, site: Site, rng: np.random.Generator) -> None:
    heights, scale = canvas.heights, site.scale
    fork = site.mid_lumbar - 45.0
    aorta = np.where(heights > fork, np.interp(heights, (fork, site.last_thoracic + 120), (8.5, 12.5)), 0.0) * scale
    aorta = aorta * rng.uniform(0.9, 1.3)
    aside = np.interp(heights, (fork, site.last_thoracic + 100), (4.0, 17.0)) * scale * rng.uniform(0.5, 1.4)
    back = np.interp(heights, (fork, site.last_thoracic, site.last_thoracic + 100), (-29.0, -29.0, -16.0)) * scale
    centre_j, centre_i = site.centre[:, 0], site.centre[:, 1]
    arch = site.last_thoracic + 200.0
    aorta = np.where(heights < arch, aorta, 0.0)
    wall = Column(back=centre_j + back, left=centre_i + aside, half_depth=aorta + 1.5, half_width=aorta + 1.5)
    blood = Column(back=centre_j + back, left=centre_i + aside, half_depth=aorta, half_width=aorta)
    if rng.random() < 0.5:
        plaques = np.where(rng.random(len(heights)) < 0.25, 1.0, 0.0)
        speck = Column(
            back=centre_j + back - aorta, left=centre_i + aside, half_depth=2.2 * plaques, half_width=5.0 * plaques
        )
        canvas.paint_column(wall, Part.MUSCLE, over=_AROUND)
        canvas.paint_column(blood, Part.AORTA, over=_AROUND)
        canvas.paint_column(speck, Part.CALCIFICATION, over=(Part.AORTA, Part.MUSCLE))
    canvas.paint_column(blood, Part.AORTA, over=_AROUND)
    vein = np.where((heights > fork) & (heights < site.last_thoracic + 90.0), rng.uniform(8.0, 13.0), 0.0) * scale
    cava = Column(
        back=centre_j - 26.0 * scale - np.where(heights > site.last_thoracic, 10.0, 0.0),
        left=centre_i - 17.0 * scale,
        half_depth=0.8 * vein,
        half_width=vein,
    )
    canvas.paint_column(cava, Part.VEIN, over=_AROUND)
    start = site.point(fork, -29.0, 0.0, canvas)
    for side in Side:
        end = site.point(site.s1 - 60.0, -60.0, side.sign * 62.0, canvas)
        canvas.stamp_rod(start, end, (7.0 * scale, 5.5 * scale), Part.AORTA)
        canvas.stamp_rod(
            start + np.array((0.0, 9.0, -8.0)), end + np.array((0.0, 10.0, 0.0)), (7.5 * scale, 6.5 * scale), Part.VEIN
        )


#: What organs of the belly may cover.
_CAVITY = (Part.VISCERAL_FAT, Part.BOWEL_WALL, Part.KIDNEY, Part.SPLEEN, *BOWEL_CONTENTS)
_AROUND = (*_CAVITY, Part.LUNG, Part.LIVER, Part.HEART, Part.PSOAS, Part.MUSCLE, Part.AORTA)
