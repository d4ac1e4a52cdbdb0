"""Training examples of the transformers: pyramids quantised on the fly from the stored feature
maps.
"""

import numpy as np
import torch

from . import settings
from .quantiser import Quantiser
from .var import LEVEL

BLUR = 0.5  # squared distance within which a wrong code may be fed, at most
CLASS_DROP = 0.1


class Pyramids:
    def __init__(self, args, device):
        self.features = np.load(f'{args.work}/features.npy')
        share = np.ones(settings.CLASSES)
        share[list(settings.HARD_KINDS)] = 2
        share = share[np.arange(len(self.features)) % settings.CLASSES]
        self.share = share / share.sum()
        self.quantiser = (
            Quantiser(settings.VAE['codes'], settings.VAE['channels']).to(device).eval()
        )
        self.quantiser.load_state_dict(
            torch.load(f'{args.work}/quantiser.pt', map_location=device, weights_only=True)
        )
        self.device = device

    @torch.no_grad()
    def batch(self, rng, count, scales):
        """-> classes (some dropped to "no class"), inputs, tokens. Two of three pyramids are fed
        with flaws.
        """
        which = rng.choice(len(self.features), count, p=self.share)
        f = torch.from_numpy(self.features[which].astype(np.float32)).to(self.device)
        classes = torch.from_numpy(which % settings.CLASSES)
        classes[torch.from_numpy(rng.random(count) < CLASS_DROP)] = settings.CLASSES
        blur = BLUR * rng.random(count) ** 2 * (rng.random(count) < 2 / 3) + 1e-6
        blur = torch.from_numpy(blur.astype(np.float32)).to(self.device)
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        tokens, inputs, _ = self.quantiser.quantise(f, blur, generator, scales)
        return classes.to(self.device), inputs, tokens


def token_weights(first, length, device):
    """A scale of side p counts p, not p*p: what the coarse scales decide, the fine ones cannot
    mend. Sums to 1.
    """
    side = torch.tensor(settings.PATCH_NUMS, dtype=torch.float32)[LEVEL[first:length]]
    return ((1 / side) / (1 / side).sum()).to(device)
