"""Stage 3, the quantiser: encodes a part of the training set with the finished encoder, then fits
codebook and phi to the features.

Codes that nobody used for a while are drawn anew from residuals, so the whole codebook stays in
use.
"""

import numpy as np
import torch
import torch.nn.functional as F

from . import settings
from .encode import encode
from .optim import trapezoid
from .quantiser import Quantiser, downsample

PATIENCE = 60  # steps between two looks at the use of the codes


@torch.no_grad()
def residuals(quantiser, f, each, generator):
    """What each scale has to quantise, `each` vectors of every scale: candidates for new codes."""
    rest, out = f, []
    for k, side in enumerate(settings.PATCH_NUMS):
        z = downsample(rest, side)
        flat = z.reshape(-1, z.shape[-1])
        out.append(flat[torch.randperm(len(flat), generator=generator)[:each]])
        rest = rest - quantiser.contribution(k, quantiser.distances(z).argmin(-1))
    return torch.cat(out)


def fit(args):
    torch.manual_seed(args.seed)
    generator, rng = torch.Generator().manual_seed(args.seed), np.random.default_rng(args.seed)
    features = np.load(f'{args.work}/features_plain.npy', mmap_mode='r')
    batch = lambda n: torch.from_numpy(
        features[np.sort(rng.integers(0, len(features), n))].astype(np.float32)
    ).to(args.device)
    codes, channels = settings.VAE['codes'], settings.VAE['channels']
    quantiser = Quantiser(codes, channels).to(args.device)
    with torch.no_grad():  # first codes: means and cells of pictures, at all sizes
        f = batch(400)
        start = torch.cat([f.mean((2, 3)), f[:64].flatten(2).transpose(1, 2).reshape(-1, channels)])
        start = start[torch.randperm(len(start), generator=generator)[:codes]]
        quantiser.embedding.weight.copy_(
            start * torch.rand(codes, 1, generator=generator).to(start)
        )
    opt = torch.optim.Adam(quantiser.parameters(), 3e-3, betas=(0.9, 0.95))
    hits, total = torch.zeros(codes, device=args.device), settings.QUANTISER_STEPS
    for step in range(total):
        x = batch(32)
        rest, f_hat, loss = x, 0, 0
        for k, side in enumerate(settings.PATCH_NUMS):
            with torch.no_grad():
                tokens = quantiser.distances(downsample(rest, side)).argmin(-1)
                hits += torch.bincount(tokens.flatten(), minlength=codes)
            f_hat = f_hat + quantiser.contribution(k, tokens)
            rest = (x - f_hat).detach()
            loss = loss + F.mse_loss(f_hat, x) * (1.0 if k == len(settings.PATCH_NUMS) - 1 else 0.1)
        opt.param_groups[0]['lr'] = 3e-3 * trapezoid(step, total)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if (step + 1) % PATIENCE == 0:
            dead = (hits < 20).nonzero()[:, 0]
            print(
                f'quantiser: {step + 1}/{total} error {F.mse_loss(f_hat, x):.4f} of {x.var():.3f}, '
                f'{codes - len(dead)} codes in use',
                flush=True,
            )
            if len(dead) and step < 0.7 * total:
                new = residuals(quantiser, batch(64), 300, generator)
                with torch.no_grad():
                    quantiser.embedding.weight[dead] = new[
                        torch.randperm(len(new), generator=generator)[: len(dead)]
                    ]
            hits.zero_()
    torch.save(quantiser.state_dict(), f'{args.work}/quantiser_plain.pt')


def main(args):
    encode(args, 'vae_plain', settings.QUANTISER_PICTURES, 'features_plain')
    fit(args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
