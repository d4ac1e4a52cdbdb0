"""The judge's eye: a small classifier of the 16 kinds, trained on rendered pictures; its features
measure distances.
"""

import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import settings
from .optim import trapezoid
from .train_vae import to_tensor

FEATURES = 96
STEPS, BATCH = 600, 32


class Classifier(nn.Module):
    """Five strided convolutions over the picture at half size, mean over the places, one linear
    layer.
    """

    def __init__(self):
        super().__init__()
        widths = (3, 24, 48, 64, 96, FEATURES)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(widths, widths[1:]))
        self.norms = nn.ModuleList(nn.GroupNorm(8, b) for b in widths[1:])
        self.head = nn.Linear(FEATURES, settings.CLASSES)

    def features(self, x):
        x = F.avg_pool2d(x, 2)
        for layer, norm in zip(self.layers, self.norms):
            x = F.silu(norm(layer(x)))
        return x.mean((2, 3))

    def forward(self, x):
        return self.head(self.features(x))


@torch.inference_mode()
def look(model, pictures, device='cpu'):
    """uint8 pictures -> (features, predicted kinds)"""
    features, kinds = [], []
    for i in range(0, len(pictures), 64):
        f = model.features(to_tensor(pictures[i : i + 64], device))
        features.append(f.cpu())
        kinds.append(model.head(f).argmax(-1).cpu())
    return torch.cat(features).double().numpy(), torch.cat(kinds).numpy()


def frechet(a, b):
    """Frechet distance of two sets of features (n, d), as Gaussians."""
    gap = a.mean(0) - b.mean(0)
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(ca)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cb @ root), 0, None)).sum()
    return float(gap @ gap + np.trace(ca) + np.trace(cb) - 2 * cross)


def train(args):
    """Trains on the training pictures, or loads what an earlier call trained."""
    path = f'{args.work}/classifier.pt'
    torch.manual_seed(args.seed)
    model = Classifier().to(args.device)
    if os.path.exists(path):
        model.load_state_dict(torch.load(path, map_location=args.device, weights_only=True))
        return model.eval()
    pictures = np.load(f'{args.work}/pictures.npy', mmap_mode='r')
    rng = np.random.default_rng(args.seed)
    opt = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.01)
    for step in range(STEPS):
        which = np.sort(rng.integers(0, len(pictures), BATCH))
        x = to_tensor(pictures[which], args.device)
        kinds = torch.from_numpy(which % settings.CLASSES).to(args.device)
        loss = F.cross_entropy(model(x), kinds)
        opt.param_groups[0]['lr'] = 2e-3 * trapezoid(step, STEPS)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if (step + 1) % 100 == 0:
            print(f'classifier: {step + 1}/{STEPS} loss {loss:.4f}', flush=True)
    torch.save(model.state_dict(), path)
    return model.eval()
