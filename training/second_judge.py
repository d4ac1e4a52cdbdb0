"""A second judge, which sees nothing of the training: no weight of it is learned.

A picture becomes 81 numbers: the responses of convolutions with random weights, and statistics of
its colours and edges. Each number is put in units of its standard deviation over held-out renders;
the distance is Frechet's, as the first judge's. It is a coarse judge, with one purpose: an
improvement that only the trained classifier sees is none.
"""

import numpy as np
import torch
import torch.nn.functional as F

from .classifier import frechet
from .train_vae import to_tensor

WIDTHS = 3, 16, 16, 32
SEED = 14


def random_layers():
    generator = torch.Generator().manual_seed(SEED)
    return [
        torch.randn(b, a, 3, 3, generator=generator) * (2 / (9 * a)) ** 0.5
        for a, b in zip(WIDTHS, WIDTHS[1:])
    ]


def responses(layers, x):
    """Means over the places of two depths of strided random convolutions, (n, 48)."""
    means = []
    for layer in layers:
        x = F.relu(F.conv2d(x, layer, stride=2, padding=1))
        means.append(x.mean((2, 3)))
    return torch.cat(means[1:], 1)


def statistics(x):
    """Mean and deviation of each colour, mean colours of 2 x 3 fields, and edges at three sizes,
    (n, 33).
    """
    grey = x.mean(1, keepdim=True)
    parts = [x.mean((2, 3)), x.std((2, 3)), F.adaptive_avg_pool2d(x, (3, 2)).flatten(1)]
    for _ in range(3):
        across, down = grey.diff(dim=3).abs(), grey.diff(dim=2).abs()
        parts.append(torch.stack([across.mean((1, 2, 3)), down.mean((1, 2, 3))], 1))
        parts.append((across > 0.1).float().mean((1, 2, 3))[:, None])
        grey = F.avg_pool2d(grey, 2)
    return torch.cat(parts, 1)


@torch.inference_mode()
def look(pictures):
    """uint8 pictures -> (n, 81) float64."""
    layers, seen = random_layers(), []
    for i in range(0, len(pictures), 64):
        x = to_tensor(pictures[i : i + 64], 'cpu')
        seen.append(torch.cat([responses(layers, x), statistics(x)], 1))
    return torch.cat(seen).double().numpy()


class SecondJudge:
    def __init__(self, held_out):
        seen = look(held_out)
        self.centre, self.scale = seen.mean(0), seen.std(0) + 1e-6
        self.reference = self.features(held_out)

    def features(self, pictures):
        return (look(pictures) - self.centre) / self.scale

    def distance(self, features, which=slice(None)):
        """Of the pictures whose indices are in `which` to the renders with the same indices."""
        return frechet(features[which], self.reference[which])


def agreement(first, second):
    """Of all pairs of rows, the share that two judges put in the same order."""
    a, b = np.asarray(first), np.asarray(second)
    i, j = np.triu_indices(len(a), 1)
    return float((np.sign(a[i] - a[j]) == np.sign(b[i] - b[j])).mean())
