"""Goes on from an exported model: writes its weights where the stages look for finished ones.

The autoencoder and the quantiser are taken as they are; the transformers become the start of
more training (`settings.MORE_*`). What trained them before is kept for the new files' metadata.
"""

import argparse
import json
import os
import struct

import numpy as np
import torch

DTYPES = {'F16': np.float16, 'F32': np.float32}


def read(path):
    """-> {name: float32 tensor}, metadata, of a .safetensors file."""
    with open(path, 'rb') as f:
        data = f.read()
    (size,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + o for o in entry['data_offsets'])
        values = np.frombuffer(data[begin:end], DTYPES[entry['dtype']])
        tensors[name] = torch.from_numpy(values.astype(np.float32).reshape(entry['shape']))
    return tensors, metadata


def unpack(model, work):
    os.makedirs(work, exist_ok=True)
    vae, metadata = read(f'{model}/vae.safetensors')
    prefix = 'quantize.'
    quantiser = {k[len(prefix) :]: v for k, v in vae.items() if k.startswith(prefix)}
    torch.save(quantiser, f'{work}/quantiser.pt')
    torch.save({k: v for k, v in vae.items() if not k.startswith(prefix)}, f'{work}/vae.pt')
    for name in ('vae_plain.pt', 'quantiser_plain.pt'):  # their stages are done
        open(f'{work}/{name}', 'wb').close()
    for part in ('drafter', 'refiner'):
        weights, metadata = read(f'{model}/{part}.safetensors')
        torch.save(weights, f'{work}/{part}_start.pt')
    with open(f'{work}/before.json', 'w') as f:
        json.dump(dict(commit=metadata['commit'], training=json.loads(metadata['training'])), f)
    print(f'unpack: {work} goes on from {model}', flush=True)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='models/vistas')
    parser.add_argument('--work', default='build/training')
    args = parser.parse_args()
    unpack(args.model, args.work)
