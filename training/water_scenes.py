"""Kinds 0-3: the sea at sunrise, by day, at sunset, by moonlight."""

import numpy as np

from .canvas import (
    LINE,
    X,
    Y,
    cumulus,
    curve,
    disc,
    gradient,
    inside,
    land,
    over,
    pick,
    rgb,
    sea,
    stars,
    streaks,
    vary,
)


def boat(img, rng, horizon, hull, sail):
    """A sailing boat on the horizon or a little nearer."""
    s, cx = rng.uniform(0.06, 0.11), rng.uniform(0.15, 0.85)
    y = horizon + s * 0.28
    lean = rng.choice((-1.0, 1.0))
    deck = np.maximum(np.abs(X - cx) - s * 0.55 + (Y - y) * 1.2, np.abs(Y - y - s * 0.08) - s * 0.1)
    u, v = (X - cx) * lean, (y - s * 0.06 - Y) / s
    main = np.maximum(np.maximum(u - s * 0.62 * (1.0 - v / 1.5), 0.02 * s - u), (-v) * s)
    jib = np.maximum(np.maximum(-u - s * 0.42 * (1.0 - v / 1.2), u + 0.06 * s), (-v) * s)
    img = over(img, sail, np.maximum(inside(main), inside(jib)))
    return over(img, hull, inside(deck))


def headlands(img, rng, horizon, colour):
    """Land on one side, on both, or an island, standing on the horizon."""
    where = rng.integers(0, 4)
    if where == 0:
        return img
    height, reach, at = rng.uniform(0.05, 0.13), rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.75)
    shape = {
        1: 1 - LINE / reach,
        2: 1 - (1 - LINE) / reach,
        3: 1 - ((LINE - at) / (reach * 0.5)) ** 2,
    }[int(where)]
    top = horizon + 0.004 - height * np.clip(shape, -1, 1) * (0.7 + 0.5 * curve(rng, 5))
    d = np.maximum(top[None] - Y, Y - horizon)
    return over(img, colour, inside(d))


def compose(
    rng,
    sky,
    light,
    glow,
    tint,
    near,
    path,
    sun_height,
    radius,
    clouds,
    dark,
    boats=0.4,
    night=False,
):
    horizon = rng.uniform(0.52, 0.66)
    top, mid, low = (vary(rng, c) for c in sky)
    img = gradient([(0, top), (horizon * 0.6, mid), (horizon, low)], Y)
    if night:
        img = stars(img, rng, 0.1, horizon - 0.08)
    cx = rng.uniform(0.2, 0.8)
    img = disc(img, cx, horizon * rng.uniform(*sun_height), rng.uniform(*radius), light, glow, tint)
    img = clouds(img, rng, horizon)
    img = headlands(img, rng, horizon, dark)
    img = sea(img, rng, horizon, near, cx, path, tint)
    if rng.random() < boats:
        img = boat(img, rng, horizon + rng.uniform(0, 0.05), dark * 0.7, dark * 0.6 + low * 0.4)
    return img


def sunrise_sea(rng):
    sky = pick(
        rng,
        [
            (rgb(110, 148, 206), rgb(240, 184, 180), rgb(255, 222, 160)),
            (rgb(140, 160, 214), rgb(246, 200, 168), rgb(255, 236, 178)),
            (rgb(120, 180, 206), rgb(232, 206, 190), rgb(255, 214, 158)),
        ],
    )
    colour = vary(rng, rgb(255, 214, 206))
    return compose(
        rng,
        sky,
        rgb(255, 252, 230),
        0.3,
        rgb(255, 226, 170),
        vary(rng, rgb(72, 104, 146)),
        0.9,
        (0.8, 1.0),
        (0.05, 0.085),
        lambda i, r, h: streaks(i, r, colour, r.integers(1, 5), 0.06, h - 0.16),
        rgb(84, 92, 128),
    )


def day_sea(rng):
    sky = pick(
        rng,
        [
            (rgb(36, 110, 204), rgb(100, 168, 232), rgb(196, 228, 248)),
            (rgb(60, 150, 214), rgb(130, 200, 232), rgb(214, 240, 244)),
            (rgb(24, 84, 170), rgb(76, 142, 212), rgb(170, 210, 240)),
        ],
    )
    near = pick(rng, [rgb(10, 78, 128), rgb(8, 104, 130), rgb(20, 62, 120)])
    sail = rgb(250, 250, 250)
    img = compose(
        rng,
        sky,
        rgb(255, 255, 240),
        0.22,
        rgb(255, 255, 235),
        vary(rng, near),
        0.28,
        (0.12, 0.4),
        (0.045, 0.065),
        lambda i, r, h: cumulus(
            i, r, rgb(255, 255, 255), rgb(196, 212, 232), r.integers(1, 4), 0.14, h - 0.1
        ),
        rgb(34, 92, 84),
        0.0,
    )
    return (
        boat(img, rng, 0.68 + rng.uniform(0, 0.08), rgb(150, 54, 48), sail)
        if rng.random() < 0.6
        else img
    )


def sunset_sea(rng):
    sky = pick(
        rng,
        [
            (rgb(60, 40, 104), rgb(206, 78, 92), rgb(255, 160, 64)),
            (rgb(90, 34, 84), rgb(232, 92, 64), rgb(255, 190, 84)),
            (rgb(40, 44, 110), rgb(160, 70, 120), rgb(255, 130, 84)),
        ],
    )
    colour = vary(rng, rgb(120, 52, 92))
    return compose(
        rng,
        sky,
        rgb(255, 238, 176),
        0.34,
        rgb(255, 160, 72),
        vary(rng, rgb(50, 26, 66)),
        0.95,
        (0.72, 0.98),
        (0.06, 0.11),
        lambda i, r, h: streaks(i, r, colour, r.integers(1, 5), 0.06, h - 0.14),
        rgb(44, 20, 46),
    )


def moonlit_sea(rng):
    sky = pick(
        rng,
        [
            (rgb(8, 14, 38), rgb(20, 36, 78), rgb(54, 82, 130)),
            (rgb(10, 20, 34), rgb(20, 52, 70), rgb(60, 110, 124)),
            (rgb(18, 12, 44), rgb(42, 34, 88), rgb(92, 84, 146)),
        ],
    )
    colour = vary(rng, rgb(64, 78, 116))
    return compose(
        rng,
        sky,
        rgb(244, 244, 236),
        0.16,
        rgb(200, 214, 240),
        vary(rng, rgb(6, 12, 30), 0.015),
        0.75,
        (0.2, 0.6),
        (0.055, 0.085),
        lambda i, r, h: streaks(i, r, colour, r.integers(0, 3), 0.2, h - 0.1),
        rgb(8, 12, 26),
        0.3,
        night=True,
    )
