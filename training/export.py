"""Last stage: writes drafter, refiner and VQ-VAE as float16 .safetensors with the official tensor
names.
"""

import argparse
import json
import os
import struct
import subprocess

import numpy as np
import torch

from . import settings

NAMES = {np.dtype(np.float16): 'F16', np.dtype(np.float32): 'F32'}


def save(path, tensors, metadata):
    """tensors {name: numpy array}: eight bytes of header length, JSON, raw data."""
    header, offset = {'__metadata__': metadata}, 0
    for name, a in tensors.items():
        header[name] = {
            'dtype': NAMES[a.dtype],
            'shape': list(a.shape),
            'data_offsets': [offset, offset + a.nbytes],
        }
        offset += a.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for a in tensors.values():
            f.write(np.ascontiguousarray(a).tobytes())


def half(values):
    out = {}
    for name, t in values.items():
        a = t.detach().float().cpu().contiguous().numpy().astype(np.float16)
        assert np.isfinite(a).all(), name
        out[name] = a
    return out


def shape():
    vae = dict(settings.VAE, ch_mult=list(settings.VAE['ch_mult']))
    spec = lambda s: dict(s, heads=s['width'] // 64, shared_aln=False)
    return dict(
        patch_nums=list(settings.PATCH_NUMS),
        classes=settings.CLASSES,
        vae=vae,
        drafter=spec(settings.DRAFTER),
        refiner=spec(settings.REFINER),
    )


def metadata(work, seed):
    here = os.path.dirname(__file__)
    commit = subprocess.run(
        ['git', 'rev-parse', 'HEAD'], cwd=here, capture_output=True, text=True
    ).stdout.strip()
    steps = {
        k: v
        for k, v in vars(settings).items()
        if k.endswith(('_STEPS', '_BATCH')) or k in ('PICTURES', 'FIRST_SEED')
    }
    before = f'{work}/before.json'  # of a model that training went on from
    if os.path.exists(before):
        with open(before) as f:
            steps = {k: v for k, v in steps.items() if k.startswith('MORE_') or k == 'PICTURES'} | {
                'COARSE_BATCH': settings.COARSE_BATCH,
                'FULL_BATCH': settings.FULL_BATCH,
                'HARD_KINDS': settings.HARD_KINDS,
                'before': json.load(f),
            }
    trained = f'{work}/trained.json'  # steps done, which an end phase makes other than those set
    if os.path.exists(trained):
        with open(trained) as f:
            steps['trained'] = json.load(f)
    return dict(
        format='pt',
        licence='MIT',
        license='MIT',
        commit=commit,
        shape=json.dumps(shape()),
        training=json.dumps(dict(steps, seed=seed)),
    )


def export(work, out, seed):
    os.makedirs(out, exist_ok=True)
    load = lambda name: torch.load(f'{work}/{name}.pt', map_location='cpu', weights_only=True)
    vae = load('vae') | {f'quantize.{k}': v for k, v in load('quantiser').items()}
    for name, values in (('vae', vae), ('drafter', load('drafter')), ('refiner', load('refiner'))):
        path = f'{out}/{name}.safetensors'
        save(path, half(values), metadata(work, seed))
        print(f'export: {path}, {os.path.getsize(path) / 1e6:.1f} MB', flush=True)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work', default='build/training')
    parser.add_argument('--out', default='models/vistas')
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    export(args.work, args.out, args.seed)
