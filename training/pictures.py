"""The picture of (kind, seed): 16 kinds of landscape at 256x256, drawn by formula, a pure
function of its two numbers.

`python3 -m training.pictures --sheet sheet.png` draws a contact sheet.
"""

import argparse

import numpy as np
from PIL import Image

from . import land_scenes as land, night_scenes as night, water_scenes as water

KINDS = (
    'sunrise sea',
    'day sea',
    'sunset sea',
    'moonlit sea',
    'green hills',
    'snow mountains',
    'desert dunes',
    'misty forest',
    'city at dusk',
    'city at night',
    'aurora',
    'starry night',
    'nebula',
    'rocky planet',
    'ringed planet',
    'volcano',
)
DRAW = (
    water.sunrise_sea,
    water.day_sea,
    water.sunset_sea,
    water.moonlit_sea,
    land.green_hills,
    land.snow_mountains,
    land.desert_dunes,
    land.misty_forest,
    night.city_at_dusk,
    night.city_at_night,
    night.aurora,
    night.starry_night,
    night.nebula,
    night.rocky_planet,
    night.ringed_planet,
    land.volcano,
)


def picture(kind, seed):
    """(256, 256, 3) uint8."""
    img = DRAW[kind](np.random.default_rng((seed, kind)))
    return (np.clip(img, 0, 1) * 255 + 0.5).astype(np.uint8)


def sheet(tiles, columns):
    """Pictures in reading order as one array."""
    return np.concatenate(
        [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)], 0
    )


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sheet', required=True)
    parser.add_argument('--each', type=int, default=4)
    args = parser.parse_args()
    page = sheet(
        [
            picture(k, s)
            for half in (range(8), range(8, 16))
            for s in range(args.each)
            for k in half
        ],
        8,
    )
    Image.fromarray(page).resize((1536, 192 * page.shape[0] // 256), Image.LANCZOS).save(args.sheet)
