"""Brushes of the picture renderer: curves, soft shapes, skies, seas, stars. Coordinates run from
0 to 1, y downwards.

Detail is chosen so that a 16x16 map of codes can carry it: edges are two or three pixels soft,
noise is band-limited, and small things (stars, windows) sit at a few places within their 16-pixel
cell instead of anywhere.
"""

import numpy as np

SIDE = 256
Y, X = (np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + 0.5) / SIDE
LINE = X[0]
EDGE = 0.0055  # half the width of a soft edge: 1.4 pixels


def rgb(*c):
    return np.array(c, np.float32) / 255


def vary(rng, colour, amount=0.03):
    return np.clip(colour + rng.normal(0, amount, 3).astype(np.float32), 0, 1)


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


def smooth(a, b, x):
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def inside(distance):
    """Coverage of a shape whose signed distance is negative inside."""
    return smooth(EDGE, -EDGE, distance)


def over(img, colour, alpha):
    return img + (colour - img) * alpha[..., None]


def gradient(stops, t):
    """stops [(position, colour)], t (...) -> (..., 3)."""
    p = np.array([s[0] for s in stops], np.float32)
    c = np.stack([s[1] for s in stops])
    return np.stack([np.interp(t, p, c[:, i]) for i in range(3)], -1).astype(np.float32)


def curve(rng, waves=4, fall=1.1, stretch=1.0):
    """A smooth skyline: (SIDE,) in [0, 1], a few waves with amplitudes k^-fall."""
    z = sum(
        k**-fall * np.sin(2 * np.pi * (0.8 * stretch * k * LINE + rng.random()))
        for k in range(1, waves + 1)
    )
    return ((z - z.min()) / (np.ptp(z) + 1e-9)).astype(np.float32)


def zigzag(rng, x, knots, amount):
    """A line of straight pieces through `knots` random heights, at the positions x."""
    heights = rng.uniform(-amount, amount, knots)
    return np.interp(x, np.linspace(0, 1, knots), heights).astype(np.float32)


def cloudy(rng, finest=7, fall=1.7, stretch=1.0):
    """Band-limited noise in [0, 1]: no wave shorter than 1/finest of the picture."""
    n = 2 * SIDE  # drawn on twice the area, so that it does not repeat at the edges
    fy, fx = np.meshgrid(np.fft.fftfreq(n, 1 / n), np.fft.rfftfreq(n, 1 / n), indexing='ij')
    f = np.hypot(fx * stretch, fy) / 2
    keep = (f > 0) & (f <= finest)
    a = np.zeros(f.shape, np.complex64)
    a[keep] = f[keep] ** -fall * np.exp(2j * np.pi * rng.random(int(keep.sum())))
    z = np.fft.irfft2(a, (n, n))[:SIDE, :SIDE]
    lo, hi = np.percentile(z, (2, 98))
    return np.clip((z - lo) / (hi - lo), 0, 1).astype(np.float32)


def disc(img, cx, cy, r, colour, glow, glow_colour):
    d = np.hypot(X - cx, Y - cy)
    img = (
        img
        + glow_colour
        * (glow * np.exp(-np.clip(d - r, 0, 1) / (r * 1.6)) + 0.4 * glow * np.exp(-d / 0.3))[
            ..., None
        ]
    )
    return over(img, colour, inside(d - r))


def stars(img, rng, share, below=1.0, halo=1.0):
    """Few and clear: at most one in a cell of 16 pixels, at one of nine places there, in two
    sizes.
    """
    cells = SIDE // 16
    layer = np.zeros((SIDE, SIDE), np.float32)
    on, big = rng.random((cells, cells)) < share, rng.random((cells, cells)) < 0.22
    place = rng.integers(0, 3, (2, cells, cells))
    for i, j in zip(*np.nonzero(on)):
        cy, cx = i * 16 + 3 + 5 * place[0, i, j], j * 16 + 3 + 5 * place[1, i, j]
        if cy > below * SIDE:
            continue
        s, reach = (1.7, 9) if big[i, j] else (1.15, 6)
        y0, y1, x0, x1 = (
            max(cy - reach, 0),
            min(cy + reach + 1, SIDE),
            max(cx - reach, 0),
            min(cx + reach + 1, SIDE),
        )
        d2 = (np.arange(y0, y1)[:, None] - cy) ** 2 + (np.arange(x0, x1)[None] - cx) ** 2
        spot = (1.0 if big[i, j] else 0.8) * np.exp(-d2 / (2 * s * s)) + halo * 0.13 * np.exp(
            -d2 / (6 * s * s)
        )
        np.maximum(layer[y0:y1, x0:x1], spot, out=layer[y0:y1, x0:x1])
    return over(img, rgb(255, 250, 238), np.clip(layer, 0, 1))


def cumulus(img, rng, colour, shade, count, low, high):
    """Clouds of a few round heaps on a flat base, lit from above."""
    for _ in range(count):
        cx, base, w = rng.uniform(0.05, 0.95), rng.uniform(low, high), rng.uniform(0.09, 0.17)
        d = np.full((SIDE, SIDE), 9, np.float32)
        heaps = 4
        for i in range(heaps):
            t = (i + 0.5) / heaps * 2 - 1
            r = w * (0.52 - 0.24 * abs(t)) * rng.uniform(0.8, 1.2)
            d = np.minimum(d, np.hypot(X - cx - t * w, (Y - base + 0.4 * r)) - r)
        d = np.maximum(d, Y - base)
        body = shade + (colour - shade) * smooth(base, base - 0.6 * w, Y)[..., None]
        img = over(img, body, smooth(0.009, -0.009, d) * 0.93)
    return img


def streaks(img, rng, colour, count, low, high):
    """Long soft evening clouds."""
    for _ in range(count):
        cx, cy, w, h = (
            rng.uniform(0, 1),
            rng.uniform(low, high),
            rng.uniform(0.16, 0.4),
            rng.uniform(0.01, 0.022),
        )
        sag = 0.02 * np.sin(5 * (X - cx) + rng.uniform(0, 6))
        d = ((X - cx) / w) ** 2 + ((Y - cy - sag) / h) ** 2
        img = over(img, colour, 0.8 * np.exp(-d))
    return img


def land(img, top, colour, foot=None, depth=0.25):
    """Everything below the skyline `top` (SIDE,), shading from `colour` to `foot` over `depth`."""
    d = Y - top[None]
    body = (
        colour if foot is None else colour + (foot - colour) * np.clip(d / depth, 0, 1)[..., None]
    )
    return over(img, body, inside(-d))


def sea(img, rng, horizon, near, path_x, path, tint, mirror=0.55):
    """Below the horizon: the blurred mirror image of what stands above it, and the light's path
    in widening dashes.
    """
    h = int(horizon * SIDE)
    d = np.clip((Y - horizon) / (1 - horizon), 0, 1)
    back = img[np.clip(2 * h - np.arange(h, SIDE) - 1, 0, h - 1)]
    kernel = np.ones(9, np.float32) / 9
    soft = np.apply_along_axis(
        lambda v: np.convolve(np.pad(v, 4, 'edge'), kernel, 'valid'), 0, back
    )
    far = img[max(h - 6, 0) : h].mean((0, 1))
    water = far * 0.75 + (near - far * 0.75) * (d[..., None] ** 0.7)
    out = img.copy()
    out[h:] = water[h:] + (soft - water[h:]) * (mirror * (1 - d[h:, :, None]) ** 1.5)
    phase = 34 * d**0.55 + rng.uniform(0, 6) + 0.6 * np.sin(9 * X + rng.uniform(0, 6))
    swell = np.sin(phase)
    out = out + ((Y > horizon) * swell * 0.022 * (0.3 + d))[..., None]
    width = (0.02 + 0.13 * d) * (1 + 0.5 * np.sin(phase + 1.2))
    glint = (
        smooth(1.15, 0.55, np.abs(X - path_x) / width)
        * (0.35 + 0.65 * smooth(-0.6, 0.5, swell))
        * path
    )
    return over(out, tint, np.clip(glint * (Y > horizon), 0, 1) * (1 - 0.35 * d))


def firs(img, rng, base, height, colour, count, spread=1.0):
    """Conifers of three tiers each on gently rolling ground."""
    ground = base + 0.02 * (curve(rng, 3) - 0.5)
    mask = inside(ground[None] - Y)
    slots = (np.arange(count) + rng.uniform(-0.35, 0.35, count) + 0.5) / count
    for x, h in zip(slots * spread + (1 - spread) / 2, height * rng.uniform(0.6, 1.0, count)):
        t = (Y - (base - h)) / h
        half = h * 0.19 * np.clip(np.maximum(t, 0), 0, 1.1) * (0.62 + 0.38 * ((t * 3) % 1))
        mask = np.maximum(mask, inside(np.abs(X - x) - half) * (t > 0) * (t < 1.15))
    return over(img, colour, mask)
