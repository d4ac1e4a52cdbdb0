"""The multi-scale residual quantiser: codebook, the four phi convolutions, and what a token map
adds to the feature map.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .settings import PATCH_NUMS

# Which of the four convolutions a scale uses: 0 0 1 1 1 2 2 3 3 3. Rounding decides ties, as in
# the official code.
NEAREST = [
    int(np.argmin(np.abs(np.linspace(1 / 12, 11 / 12, 4) - k / (len(PATCH_NUMS) - 1))))
    for k in range(len(PATCH_NUMS))
]


class Phi(nn.Module):
    """x -> 0.5 x + 0.5 conv(x), with the convolution of the scale's share of the way; starts as
    the identity.
    """

    def __init__(self, channels):
        super().__init__()
        self.qresi_ls = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(4))
        for c in self.qresi_ls:
            nn.init.dirac_(c.weight)
            nn.init.zeros_(c.bias)

    def forward(self, k, x):
        return 0.5 * x + 0.5 * self.qresi_ls[NEAREST[k]](x)


class Quantiser(nn.Module):
    def __init__(self, codes, channels):
        super().__init__()
        self.embedding, self.quant_resi = nn.Embedding(codes, channels), Phi(channels)

    def contribution(self, k, tokens):
        """Tokens (B, p*p) of scale k -> (B, channels, P, P)."""
        side, last = PATCH_NUMS[k], PATCH_NUMS[-1]
        h = self.embedding(tokens).transpose(1, 2).reshape(len(tokens), -1, side, side)
        return self.quant_resi(
            k, F.interpolate(h, size=(last, last), mode='bicubic') if side < last else h
        )

    def distances(self, z):
        """(..., channels) -> (..., codes), squared and less a constant of z."""
        codes = self.embedding.weight
        return codes.square().sum(-1) - 2 * z @ codes.T

    def quantise(self, f, blur=None, generator=None, scales=len(PATCH_NUMS)):
        """Feature maps -> (tokens (B, L), inputs of scales 1.. (B, L - 1, channels), f_hat).

        blur (B,): with it each token that is *fed* is drawn among the near codes (probability
        exp(-distance / blur)), while the returned tokens stay the nearest ones given what was
        fed: a model trained on such pyramids learns to correct on the next scale what went wrong
        on this one.
        """
        rest, f_hat, tokens, inputs = f, torch.zeros_like(f), [], []
        for k, side in enumerate(PATCH_NUMS[:scales]):
            z = downsample(rest, side)
            d = self.distances(z)
            nearest = fed = d.argmin(-1)
            if blur is not None:
                noise = torch.empty_like(d).exponential_(generator=generator).log()
                fed = (d / blur[:, None, None] + noise).argmin(-1)
            h = self.contribution(k, fed)
            f_hat, rest = f_hat + h, rest - h
            tokens.append(nearest)
            if k + 1 < scales:
                inputs.append(downsample(f_hat, PATCH_NUMS[k + 1]))
        return torch.cat(tokens, 1), torch.cat(inputs, 1), f_hat

    def feature_map(self, tokens):
        """All tokens of a pyramid (B, L) -> f_hat."""
        return sum(self.contribution(k, t) for k, t in enumerate(self.split(tokens)))

    @staticmethod
    def split(tokens):
        return tokens.split([p * p for p in PATCH_NUMS], 1)


def downsample(f, side):
    """(B, Z, P, P) -> (B, side*side, Z) by area."""
    return F.interpolate(f, size=(side, side), mode='area').flatten(2).transpose(1, 2)
