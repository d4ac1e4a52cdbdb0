"""Kinds 8-14: two cities, aurora, starry night, nebula, two planets."""

import numpy as np

from .canvas import (
    LINE,
    SIDE,
    X,
    Y,
    cloudy,
    curve,
    disc,
    firs,
    gradient,
    inside,
    land,
    over,
    pick,
    rgb,
    sea,
    smooth,
    stars,
    streaks,
    vary,
)

CELL = 8  # houses and windows keep to multiples of 8 pixels: two to a cell of the code map


def windows(img, glow, rng, x0, x1, y0, y1, share, warm):
    """Lit windows of one house, in few steps of brightness; whole floors or columns tend to be
    lit together.
    """
    rows, cols = (y1 - y0) // CELL, (x1 - x0) // CELL
    floor, column = rng.random((rows, 1)), rng.random((1, cols))
    on = (0.5 * rng.random((rows, cols)) + 0.3 * floor + 0.2 * column) < share
    for i, j in zip(*np.nonzero(on)):
        y, x = y0 + i * CELL, x0 + j * CELL
        level = 1.0 if (i * 3 + j * 5) % 4 else 0.7
        img[y + 2 : y + 6, x + 2 : x + 6] = warm * level
        glow[y : y + CELL, x : x + CELL] += level


def skyline(img, rng, horizon, share, body, warm, low, high):
    """Houses side by side, some with a stepped top or a mast; returns the picture and the glow of
    its windows.
    """
    img, glow = img.copy(), np.zeros((SIDE, SIDE), np.float32)
    foot, x = int(horizon * SIDE), -int(rng.integers(0, 3)) * CELL
    while x < SIDE:
        w = int(rng.integers(3, 7)) * CELL
        y0 = foot - CELL * int(rng.integers(low, high))
        a, b = max(x, 0), min(x + w, SIDE)
        if b - a >= CELL:
            shade = body * rng.uniform(0.88, 1.12)
            img[y0:foot, a:b] = shade
            style = rng.integers(0, 4)
            if style == 1 and w >= 4 * CELL:
                img[y0 - CELL : y0, max(x + CELL, 0) : max(min(x + w - CELL, SIDE), 0)] = shade
            if style == 2 and 0 < x + w // 2 < SIDE - 2:
                img[y0 - 14 : y0, x + w // 2 - 1 : x + w // 2 + 1] = shade
            if share > 0:
                windows(img, glow, rng, a, b, y0 + 4, foot, share * rng.uniform(0.6, 1.3), warm)
        x += w if rng.random() < 0.75 else w + CELL
    return img, glow


def soften(a, width):
    """Box blur, both ways, of a glow layer."""
    k = np.ones(width, np.float32) / width
    p = width // 2
    for axis in (0, 1):
        a = np.apply_along_axis(lambda v: np.convolve(np.pad(v, p, 'edge'), k, 'valid'), axis, a)
    return a


def city(rng, sky, far, near, warm, share, night):
    horizon = pick(rng, (25, 26, 27)) * CELL / SIDE
    img = gradient(
        [
            (0, vary(rng, sky[0], 0.02)),
            (0.45, vary(rng, sky[1], 0.02)),
            (horizon, vary(rng, sky[2], 0.02)),
        ],
        Y,
    )
    if night:
        img = stars(img, rng, 0.08, 0.35)
    else:
        img = streaks(
            img, rng, vary(rng, sky[1] * 0.5 + sky[0] * 0.5), rng.integers(0, 4), 0.08, 0.4
        )
    if rng.random() < 0.6:
        light = rgb(240, 240, 226) if night else rgb(255, 226, 170)
        img = disc(
            img,
            rng.uniform(0.12, 0.88),
            rng.uniform(0.12, 0.3) if night else rng.uniform(0.35, 0.6),
            rng.uniform(0.045, 0.075),
            light,
            0.16,
            light,
        )
    img, _ = skyline(img, rng, horizon, 0.0, far, warm, 8, 17)
    img, glow = skyline(img, rng, horizon, share, near, warm, 4, 12)
    img = img + warm * (soften(glow, 9) * 0.16)[..., None]
    return sea(img, rng, horizon, near * 0.8, 0.5, 0.0, warm, 0.8)


def city_at_dusk(rng):
    sky = pick(
        rng,
        [
            (rgb(56, 62, 134), rgb(212, 116, 132), rgb(255, 194, 120)),
            (rgb(70, 50, 120), rgb(230, 110, 104), rgb(255, 170, 110)),
            (rgb(60, 90, 150), rgb(190, 150, 170), rgb(255, 210, 160)),
        ],
    )
    far = sky[1] * 0.45 + sky[0] * 0.35
    return city(rng, sky, far, vary(rng, rgb(44, 32, 62), 0.015), rgb(255, 214, 130), 0.34, False)


def city_at_night(rng):
    sky = pick(
        rng,
        [
            (rgb(8, 10, 30), rgb(24, 26, 66), rgb(58, 52, 106)),
            (rgb(6, 16, 30), rgb(14, 40, 66), rgb(36, 78, 104)),
            (rgb(18, 8, 32), rgb(50, 22, 66), rgb(104, 50, 96)),
        ],
    )
    return city(
        rng,
        sky,
        sky[1] * 0.75 + sky[2] * 0.15,
        vary(rng, rgb(10, 11, 24), 0.008),
        pick(rng, [rgb(255, 220, 140), rgb(255, 236, 190), rgb(190, 226, 255)]),
        0.44,
        True,
    )


def aurora(rng):
    img = gradient(
        [
            (0, rgb(6, 10, 30)),
            (
                0.85,
                vary(rng, pick(rng, [rgb(20, 48, 70), rgb(40, 34, 76), rgb(14, 58, 62)]), 0.015),
            ),
        ],
        Y,
    )
    img = stars(img, rng, 0.1, 0.7)
    for _ in range(int(rng.integers(1, 4))):
        foot = rng.uniform(0.34, 0.6) + 0.2 * (curve(rng, 2, 1.0, 0.8) - 0.5)
        rays = 0.5 + 0.5 * curve(rng, 8, 0.5)
        d = foot[None] - Y
        a = (
            np.where(
                d > 0,
                np.exp(-np.clip(d, 0, 1) / (0.05 + 0.19 * rays[None])),
                np.exp(np.clip(d, -1, 0) / 0.02),
            )
            * rays[None]
            * rng.uniform(0.55, 0.95)
        )
        low, high = pick(
            rng,
            [
                (rgb(70, 245, 150), rgb(120, 70, 200)),
                (rgb(60, 230, 190), rgb(60, 90, 220)),
                (rgb(120, 240, 110), rgb(210, 70, 150)),
            ],
        )
        img = (
            img
            + gradient([(0, vary(rng, low)), (0.16, low * 0.8), (0.42, high)], np.clip(d, 0, 1))
            * a[..., None]
        )
    dark = rgb(10, 18, 30)
    img = land(img, 0.86 - 0.14 * curve(rng, 5), dark * 1.9, dark)
    return (
        firs(img, rng, 0.98, rng.uniform(0.12, 0.2), dark * 0.45, int(rng.integers(8, 14)))
        if rng.random() < 0.5
        else land(img, 0.97 - 0.09 * curve(rng, 4), dark * 0.6)
    )


def starry_night(rng):
    low = pick(rng, [rgb(36, 54, 110), rgb(70, 50, 110), rgb(28, 76, 104)])
    img = gradient([(0, rgb(8, 10, 32)), (0.9, vary(rng, low))], Y)
    a, o = rng.uniform(-1.2, 1.2), rng.uniform(0.3, 0.65)
    d = (X - 0.5) * np.cos(a) + (Y - o) * np.sin(a)
    band = np.exp(-((d / 0.14) ** 2)) * (0.3 + 0.7 * cloudy(rng, 6))
    img = (
        img
        + pick(rng, [rgb(150, 150, 200), rgb(180, 140, 180), rgb(130, 170, 190)])
        * (band * 0.6)[..., None]
    )
    img = (
        img * (1 - 0.6 * smooth(0.5, 0.85, cloudy(rng, 5)) * np.exp(-((d / 0.07) ** 2)))[..., None]
    )
    img = stars(img, rng, 0.22, 0.9)
    dark = rgb(5, 7, 16)
    if rng.random() < 0.55:
        return firs(img, rng, 0.95, rng.uniform(0.2, 0.32), dark, int(rng.integers(5, 10)))
    img = land(img, 0.88 - 0.16 * curve(rng, 4), low * 0.3 + dark * 0.5)
    return land(img, 1.0 - 0.1 * curve(rng, 4), dark)


def nebula(rng):
    a, b = pick(
        rng,
        [
            (rgb(236, 76, 130), rgb(66, 96, 226)),
            (rgb(255, 146, 66), rgb(44, 150, 196)),
            (rgb(156, 76, 236), rgb(60, 206, 206)),
            (rgb(246, 96, 66), rgb(126, 66, 206)),
            (rgb(90, 220, 140), rgb(50, 90, 200)),
        ],
    )
    a, b = vary(rng, a), vary(rng, b)
    n, m, dark = cloudy(rng, 10, 1.8), cloudy(rng, 4, 1.6), cloudy(rng, 8, 1.7)
    r = np.hypot(X - rng.uniform(0.35, 0.65), Y - rng.uniform(0.35, 0.65))
    dense = smooth(0.2, 0.95, n + 0.45 * (0.45 - r))
    img = rgb(8, 7, 20) + dense[..., None] * (a + (b - a) * smooth(0.3, 0.7, m)[..., None])
    img = img + rgb(255, 236, 216) * (smooth(0.7, 1.1, n + 0.4 * (0.4 - r)) * 0.5)[..., None]
    img = img * (1 - 0.7 * smooth(0.62, 0.9, dark))[..., None]
    return stars(img, rng, 0.1, halo=2.0)


def space(rng, share=0.1):
    img = gradient(
        [
            (0, vary(rng, rgb(6, 7, 18), 0.01)),
            (1, vary(rng, pick(rng, [rgb(10, 10, 28), rgb(24, 12, 34), rgb(6, 22, 32)]), 0.008)),
        ],
        Y,
    )
    return stars(img, rng, share)


def sphere(cx, cy, r, lx, ly):
    """Local coordinates, light from (lx, ly) and coverage of a ball."""
    x, y = (X - cx) / r, (Y - cy) / r
    z = np.sqrt(np.clip(1 - x * x - y * y, 0, 1))
    light = np.clip(x * lx + y * ly + z * np.sqrt(max(1 - lx * lx - ly * ly, 0.05)), 0, 1)
    return x, y, light, inside(np.hypot(X - cx, Y - cy) - r)


def rocky_planet(rng):
    cx, cy, r = rng.uniform(0.38, 0.62), rng.uniform(0.4, 0.6), rng.uniform(0.24, 0.36)
    img = space(rng)
    x, y, light, mask = sphere(cx, cy, r, rng.uniform(-0.7, 0.7), rng.uniform(-0.6, 0.3))
    n = cloudy(rng, 6, 1.5)
    kind = rng.integers(0, 4)
    if kind == 0:
        body = gradient(
            [
                (0, rgb(18, 60, 130)),
                (0.5, rgb(34, 106, 180)),
                (0.52, rgb(196, 182, 126)),
                (0.56, rgb(66, 128, 58)),
                (0.9, rgb(120, 110, 76)),
            ],
            n,
        )
        body = over(body, rgb(250, 252, 255), smooth(0.6, 0.8, cloudy(rng, 6, 1.5, 2)) * 0.9)
        rim = rgb(110, 170, 255)
    else:
        dark, mid, high, rim = (
            (rgb(104, 46, 28), rgb(196, 104, 60), rgb(238, 180, 124), rgb(255, 170, 120)),
            (rgb(70, 70, 78), rgb(140, 138, 140), rgb(206, 204, 200), rgb(90, 90, 104)),
            (rgb(60, 40, 90), rgb(126, 90, 160), rgb(206, 180, 222), rgb(170, 130, 255)),
        )[kind - 1]
        body = gradient([(0, dark), (0.45, mid), (0.55, mid * 1.06), (1, high)], n)
        for _ in range(int(rng.integers(3, 7))):
            u, v, s = rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(0.09, 0.2)
            bowl = np.hypot(x - u, y - v)
            body = over(body, dark, 0.6 * smooth(s, s * 0.7, bowl))
            body = over(body, high, 0.55 * np.exp(-(((bowl - s) / 0.03) ** 2)))
    img = over(img, body * (0.04 + 1.05 * light)[..., None], mask)
    away = np.abs(np.hypot(X - cx, Y - cy) / r - 1)
    return img + rim * (np.exp(-away * 20) * (0.15 + 0.85 * light) * 0.5)[..., None]


def ringed_planet(rng):
    img = space(rng)
    cx, cy, r = rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(0.17, 0.23)
    x, y, light, mask = sphere(cx, cy, r, rng.uniform(-0.6, 0.6), rng.uniform(-0.5, 0.2))
    tilt, flat = rng.uniform(-0.5, 0.5), rng.uniform(0.2, 0.4)
    u, v = (X - cx) * np.cos(tilt) + (Y - cy) * np.sin(tilt), -(X - cx) * np.sin(tilt) + (
        Y - cy
    ) * np.cos(tilt)
    light_c, dark_c = pick(
        rng,
        [
            (rgb(236, 206, 156), rgb(166, 116, 76)),
            (rgb(196, 220, 232), rgb(92, 142, 180)),
            (rgb(234, 186, 200), rgb(154, 96, 136)),
            (rgb(190, 226, 190), rgb(84, 140, 120)),
        ],
    )
    bands = curve(rng, 5, 0.6)
    lat = np.clip((v / r + 1) / 2, 0, 1)
    body = dark_c + (light_c - dark_c) * np.interp(lat, LINE, bands)[..., None]
    rr = np.hypot(u, v / flat) / r
    gap = rng.uniform(1.65, 2.0)
    ring = (
        smooth(1.32, 1.38, rr)
        * smooth(2.32, 2.24, rr)
        * (1 - 0.8 * np.exp(-(((rr - gap) / 0.05) ** 2)))
        * 0.92
    )
    colour = vary(rng, light_c * 0.75 + 0.2)
    shade = colour * (0.8 + 0.2 * np.cos(6 * (rr - gap)))[..., None]
    img = over(img, shade, np.where(v < 0, ring, 0))
    img = over(img, body * (0.05 + 1.0 * light)[..., None], mask)
    return over(img, shade, np.where(v >= 0, ring, 0))
