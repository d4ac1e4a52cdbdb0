"""Kinds 4-7 and 15: hills, mountains, dunes, a forest in the mist, a volcano."""

import numpy as np

from .canvas import (
    LINE,
    X,
    Y,
    cloudy,
    cumulus,
    curve,
    disc,
    firs,
    gradient,
    inside,
    land,
    over,
    pick,
    rgb,
    smooth,
    streaks,
    vary,
    zigzag,
)


def green_hills(rng):
    top, low = pick(
        rng,
        [
            (rgb(74, 148, 222), rgb(214, 236, 248)),
            (rgb(98, 178, 226), rgb(240, 244, 220)),
            (rgb(120, 150, 210), rgb(250, 224, 196)),
        ],
    )
    img = gradient([(0, vary(rng, top)), (0.6, vary(rng, low))], Y)
    if rng.random() < 0.4:
        img = disc(
            img,
            rng.uniform(0.15, 0.85),
            rng.uniform(0.12, 0.35),
            rng.uniform(0.045, 0.065),
            rgb(255, 252, 226),
            0.2,
            rgb(255, 244, 200),
        )
    img = cumulus(img, rng, rgb(255, 255, 255), rgb(206, 220, 234), rng.integers(1, 4), 0.14, 0.38)
    n = int(rng.integers(3, 6))
    near, far = (
        vary(rng, pick(rng, [rgb(54, 122, 40), rgb(86, 138, 36), rgb(36, 108, 62)])),
        low * 0.5 + rgb(120, 178, 150) * 0.5,
    )
    for i, base in enumerate(np.linspace(rng.uniform(0.54, 0.64), 1.02, n)):
        t = (i + 1) / n
        crest = base - rng.uniform(0.09, 0.17) * curve(rng, 3, 1.3, 0.5 + 0.5 * (1 - t))
        body = far + (near - far) * t**0.8
        if i and rng.random() < 0.6:
            img = grove(img, rng, crest, body * 0.62, 0.018 + 0.02 * t)
        img = land(img, crest, body * 1.16, body * 0.8)
    return img


def grove(img, rng, crest, colour, size):
    """A few round trees on the skyline."""
    at = rng.uniform(0.05, 0.95)
    for _ in range(int(rng.integers(2, 6))):
        x = np.clip(at + rng.uniform(-0.12, 0.12), 0, 0.999)
        r = size * rng.uniform(0.8, 1.3)
        img = over(
            img, colour, inside(np.hypot(X - x, (Y - crest[int(x * 256)] + r * 0.7) * 0.85) - r)
        )
    return img


def mountain(img, rng, px, py, foot, slope, rock, snow, light, snow_depth):
    """One peak of two facets: a lit and a shaded side, parted by a crooked ridge, with snow down
    to a jagged line.
    """
    height = foot - py
    t = (Y - py) / height
    left = (
        px
        - slope * (1 + 0.25 * rng.uniform(-1, 1)) * (Y - py)
        + zigzag(rng, t, 6, 0.02) * smooth(0, 0.15, t)
    )
    right = (
        px
        + slope * (1 + 0.25 * rng.uniform(-1, 1)) * (Y - py)
        + zigzag(rng, t, 6, 0.02) * smooth(0, 0.15, t)
    )
    mask = inside(np.maximum(np.maximum(left - X, X - right), py - Y))
    ridge = px + zigzag(rng, t, 5, 0.05) * smooth(0, 0.3, t) + 0.05 * light * t
    lit = inside((X - ridge) * light)[..., None]
    line = snow_depth + 0.07 * (np.abs(((X - px) * 11) % 1 - 0.5) * 4 - 1) + zigzag(rng, X, 8, 0.06)
    white = smooth(0.03, -0.03, t - line)[..., None]
    stone = rock * (0.66 + 0.5 * lit)
    cap = snow * np.array((0.70, 0.77, 0.90), np.float32) * (1 - lit) + snow * lit
    return over(img, stone + (cap - stone) * white, mask)


def snow_mountains(rng):
    top, low = pick(
        rng,
        [
            (rgb(48, 106, 184), rgb(204, 226, 244)),
            (rgb(96, 120, 190), rgb(250, 214, 196)),
            (rgb(70, 160, 206), rgb(226, 242, 240)),
        ],
    )
    img = gradient([(0, vary(rng, top)), (0.7, vary(rng, low))], Y)
    img = cumulus(img, rng, rgb(255, 255, 255), rgb(206, 218, 234), rng.integers(0, 3), 0.12, 0.3)
    light = pick(rng, (-1.0, 1.0))
    rock = vary(rng, pick(rng, [rgb(92, 100, 124), rgb(112, 98, 104), rgb(84, 104, 112)]))
    for layer, (n, y0, y1) in enumerate(((3, 0.36, 0.48), (int(rng.integers(1, 4)), 0.16, 0.36))):
        haze = 0.55 if layer == 0 else 0.0
        stone, snow = (
            rock + (low - rock) * haze,
            rgb(252, 253, 255) + (low - rgb(252, 253, 255)) * haze,
        )
        slots = (np.arange(n) + 0.5 + rng.uniform(-0.3, 0.3, n)) / n
        for k in rng.permutation(n):
            img = mountain(
                img,
                rng,
                slots[k],
                rng.uniform(y0, y1),
                0.9,
                rng.uniform(0.55, 0.85),
                stone,
                snow,
                light,
                rng.uniform(0.35, 0.6),
            )
    green = vary(rng, pick(rng, [rgb(30, 66, 56), rgb(44, 84, 52), rgb(36, 56, 72)]))
    img = land(img, 0.86 - 0.08 * curve(rng, 3), green * 1.25 + low * 0.08, green, 0.12)
    if rng.random() < 0.5:
        return firs(img, rng, 1.0, rng.uniform(0.12, 0.2), green * 0.55, int(rng.integers(9, 15)))
    return land(img, 0.98 - 0.08 * curve(rng, 3), green * 0.8, green * 0.55, 0.12)


def desert_dunes(rng):
    top, low = pick(
        rng,
        [
            (rgb(84, 150, 214), rgb(242, 224, 188)),
            (rgb(210, 120, 96), rgb(255, 214, 150)),
            (rgb(70, 70, 130), rgb(240, 160, 130)),
        ],
    )
    img = gradient([(0, vary(rng, top)), (0.58, vary(rng, low))], Y)
    if rng.random() < 0.6:
        img = disc(
            img,
            rng.uniform(0.15, 0.85),
            rng.uniform(0.16, 0.46),
            rng.uniform(0.05, 0.08),
            rgb(255, 248, 220),
            0.22,
            rgb(255, 226, 170),
        )
    n = int(rng.integers(3, 6))
    lit, dark = vary(
        rng, pick(rng, [rgb(242, 190, 116), rgb(232, 158, 96), rgb(246, 206, 150)]), 0.02
    ), vary(rng, rgb(150, 84, 62), 0.02)
    side = pick(rng, (-1.0, 1.0))
    for i, base in enumerate(np.linspace(rng.uniform(0.56, 0.64), 1.04, n)):
        haze = (1 - (i + 1) / n) * 0.6
        top_line = base - rng.uniform(0.1, 0.2) * curve(rng, 2, 1.0, 0.55 + 0.35 * (1 - i / n))
        peak = LINE[np.argmin(top_line)]
        fall = np.clip((Y - top_line.min()) / 0.35, 0, 1)
        crest = peak + side * (0.34 * fall**1.4 + 0.05 * np.sin(5.5 * fall + rng.uniform(0, 1)))
        shade = smooth(-0.008, 0.008, (crest - X) * side)
        body = dark + (lit - dark) * (1 - shade * 0.85)[..., None]
        body = body * (1.05 - 0.25 * np.clip((Y - top_line[None]) / 0.3, 0, 1))[..., None]
        img = over(img, body + (low - body) * haze, inside(top_line[None] - Y))
    return img


def misty_forest(rng):
    top, mist = pick(
        rng,
        [
            (rgb(150, 176, 190), rgb(220, 230, 230)),
            (rgb(190, 180, 190), rgb(246, 226, 206)),
            (rgb(130, 170, 168), rgb(208, 230, 216)),
            (rgb(120, 134, 170), rgb(204, 206, 226)),
        ],
    )
    top, mist = vary(rng, top), vary(rng, mist)
    img = gradient([(0, top), (0.65, mist)], Y)
    if rng.random() < 0.5:
        img = disc(
            img,
            rng.uniform(0.2, 0.8),
            rng.uniform(0.14, 0.36),
            rng.uniform(0.05, 0.08),
            mist * 0.4 + 0.6,
            0.12,
            mist,
        )
    near = vary(rng, pick(rng, [rgb(16, 44, 40), rgb(30, 36, 52), rgb(20, 50, 32)]), 0.015)
    n = 4
    for i in range(n):
        t = (i + 1) / n
        base = 0.5 + 0.15 * i
        img = firs(img, rng, base, 0.17 + 0.1 * i, mist + (near - mist) * t**1.25, 10 - i)
        fog = smooth(base - 0.1, base + 0.09, Y) * (0.75 * (1 - t))
        img = over(img, mist, fog)
    return img


def volcano(rng):
    top, low = pick(
        rng,
        [
            (rgb(26, 16, 32), rgb(140, 48, 40)),
            (rgb(20, 22, 44), rgb(110, 60, 84)),
            (rgb(44, 20, 24), rgb(200, 96, 48)),
        ],
    )
    img = gradient([(0, vary(rng, top, 0.02)), (0.75, vary(rng, low))], Y)
    px, py, w = rng.uniform(0.32, 0.68), rng.uniform(0.32, 0.46), rng.uniform(0.6, 0.85)
    rise = np.clip(py - Y, 0, 1)
    drift = px + rng.uniform(-0.6, 0.6) * rise + 0.04 * np.sin(9 * rise + rng.uniform(0, 6))
    width = 0.05 + 0.45 * rise
    puff = (
        smooth(1.1, 0.2, np.abs(X - drift) / width)
        * (Y < py + 0.03)
        * (0.35 + 0.65 * cloudy(rng, 5))
    )
    heat = np.exp(-rise / 0.1)[..., None]
    img = over(img, vary(rng, rgb(84, 66, 72)) * (1 - heat) + rgb(255, 150, 60) * heat, puff * 0.9)
    img = img + rgb(255, 96, 30) * (0.5 * np.exp(-np.hypot(X - px, Y - py) / 0.09))[..., None]
    behind = land(img, 0.84 - 0.12 * curve(rng, 4), low * 0.35 + rgb(20, 14, 22) * 0.65)
    d = np.abs(LINE - px)
    cone = py + np.clip(d - 0.05, 0, 1) ** 0.88 * (0.85 / w) + zigzag(rng, LINE, 14, 0.008)
    rock = (
        rgb(40, 32, 40)
        * (
            0.75
            + 0.55
            * smooth(0.12, -0.12, (X - px - zigzag(rng, Y, 7, 0.05)) * pick(rng, (-1.0, 1.0)))
        )[..., None]
    )
    img = over(behind, rock, inside(cone[None] - Y))
    for _ in range(int(rng.integers(2, 5))):
        way = (
            px
            + rng.uniform(-0.03, 0.03)
            + np.clip(Y - py, 0, 1) * rng.uniform(-0.55, 0.55)
            + 0.02 * np.sin(14 * Y + rng.uniform(0, 6)) * smooth(py, py + 0.2, Y)
        )
        far = np.abs(X - way)
        on = inside(cone[None] - Y) * smooth(py + rng.uniform(0.3, 0.6), py, Y)
        img = (
            img
            + (
                rgb(255, 70, 14) * (0.45 * np.exp(-far / 0.03))[..., None]
                + rgb(255, 170, 60) * np.exp(-((far / 0.011) ** 2))[..., None]
            )
            * on[..., None]
        )
    return img
