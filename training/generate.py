"""CoDe decoding in PyTorch, to look at a model while it trains; the engine is what judges and
ships.
"""

import argparse

import numpy as np
import torch
from PIL import Image

from . import settings
from .pictures import sheet
from .precision import autocast
from .quantiser import downsample
from .train_joint import load, render
from .train_large import transformer
from .var import START

SCALES = len(settings.PATCH_NUMS)
TEMPERATURE = [1.0] * SCALES


def draw(logits, top_k, top_p, temperature, generator):
    if top_k:
        logits = logits.masked_fill(logits < logits.topk(top_k, -1)[0][..., -1:], -torch.inf)
    if top_p:
        s, order = logits.sort(-1)
        drop = s.softmax(-1).cumsum(-1) <= 1 - top_p
        drop[..., -1] = False
        logits = logits.masked_fill(drop.scatter(-1, order, drop), -torch.inf)
    p = (logits / temperature).softmax(-1)
    return torch.multinomial(p.flatten(0, 1), 1, generator=generator).view(p.shape[:2])


@torch.inference_mode()
def generate(
    large,
    small,
    quantiser,
    classes,
    steps,
    generator,
    guidance=1.5,
    top_k=200,
    top_p=0.92,
    temperature=TEMPERATURE,
):
    """Feature maps of the classes; the large model draws scales 0..steps-1, the small one the
    rest.
    """
    device = quantiser.embedding.weight.device
    count = len(classes)
    both = torch.cat([classes, torch.full_like(classes, settings.CLASSES)]).to(device)
    f_hat = torch.zeros(count, settings.VAE['channels'], 16, 16, device=device)
    inputs = torch.zeros(count, 0, settings.VAE['channels'], device=device)
    model, caches, seen = large, [[] for _ in large.blocks], 0
    for k in range(SCALES):
        if k == steps:
            model, caches, seen = small, [[] for _ in small.blocks], 0
        with autocast(device.type):
            fed = inputs[:, max(seen - 1, 0) :].repeat(2, 1, 1)
            logits = model(both, fed, seen, START[k + 1], caches, START[k]).float()
        seen = START[k + 1]
        t = guidance * k / (SCALES - 1)
        logits = (1 + t) * logits[:count] - t * logits[count:]
        f_hat = f_hat + quantiser.contribution(
            k, draw(logits, top_k, top_p, temperature[k], generator)
        )
        if k + 1 < SCALES:
            inputs = torch.cat([inputs, downsample(f_hat, settings.PATCH_NUMS[k + 1])], 1)
    return f_hat


def load_transformer(args, name, spec):
    """A finished model, or the average of one still in training."""
    model = transformer(spec, 0).to(args.device).eval()
    try:
        values = torch.load(f'{args.work}/{name}.pt', map_location=args.device, weights_only=True)
    except FileNotFoundError:
        part = {'drafter': 'large', 'refiner': 'refiner'}[name]
        values = torch.load(
            f'{args.work}/{part}.ckpt', map_location=args.device, weights_only=True
        )['average']
    model.load_state_dict(values)
    return model


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work', default='build/training')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--rows', type=int, default=2, help='pictures of each kind')
    parser.add_argument('--guidance', type=float, default=1.5)
    parser.add_argument('--top-k', type=int, default=200)
    parser.add_argument('--top-p', type=float, default=0.92)
    parser.add_argument('--temperature', type=float, default=1.0)
    parser.add_argument('--output', required=True)
    args = parser.parse_args()
    vae, quantiser = load(args, 'vae', 'quantiser')
    large = load_transformer(args, 'drafter', settings.DRAFTER)
    small = load_transformer(args, 'refiner', settings.REFINER) if args.steps < SCALES else None
    generator = torch.Generator(args.device).manual_seed(args.seed)
    tiles = []
    for half in (range(8), range(8, 16)):
        for _ in range(args.rows):
            f_hat = generate(
                large,
                small,
                quantiser,
                torch.tensor(half),
                args.steps,
                generator,
                args.guidance,
                args.top_k,
                args.top_p,
                [args.temperature] * SCALES,
            )
            tiles += list(render(vae, f_hat))
    Image.fromarray(np.ascontiguousarray(sheet(tiles, 8))).save(args.output)
