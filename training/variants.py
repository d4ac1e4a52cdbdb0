"""Writes small checkpoints for the tests: one model in the forms in which people have weights, and
forms that no reader should take. Values fit into float8, so all types hold the same.

    python -m training.variants build/variants
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C build/variants -c . | \\
        xz -9e > tests/data/variants.tar.xz

`--trainer FILE` writes instead what train.py of VAR saves, with synthetic weights (seeds 11, 12):
tests/data/micro-trainer.pth.
"""

import argparse
import json
import os
import struct
from collections import OrderedDict

import torch
from torch import nn

from . import settings
from .synthetic import synthetic

settings.PATCH_NUMS = PATCH_NUMS = (1, 2, 3)
VAE = dict(codes=16, channels=4, ch=8, ch_mult=(1, 1), res_blocks=1, groups=4)
WIDTH, CLASSES, SEED = 64, 3, 11
FLOAT8 = torch.float8_e4m3fn
SAFETENSORS = {torch.float32: 'F32', FLOAT8: 'F8_E4M3'}


def coarse(values):
    """Multiples of a quarter of a power of two: float8 holds them, and archives pack them well."""
    step = 2.0 ** (torch.frexp(values.abs().max()).exponent - 3)
    return (values / step).round() * step


def set_values(model, prefix, seed, change):
    """Gives the parameters the synthetic values of their names, changed by a function."""
    parameters = dict(model.named_parameters())
    values = synthetic({prefix + k: tuple(p.shape) for k, p in parameters.items()}, seed)
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(change(torch.from_numpy(values[prefix + name])))


def models(change):
    """State of the VQ-VAE, and the transformer."""
    from .quantiser import Quantiser  # these read the scales when they are imported
    from .vae import Autoencoder
    from .var import Transformer

    vae, quantiser = Autoencoder(**VAE), Quantiser(VAE['codes'], VAE['channels'])
    var = Transformer(1, WIDTH, VAE['codes'], VAE['channels'], CLASSES)
    set_values(vae, '', SEED, change)
    set_values(quantiser, 'quantize.', SEED, change)
    set_values(var, '', SEED + 1, change)
    state = vae.state_dict()
    state.update(renamed(quantiser.state_dict(), lambda k: 'quantize.' + k))
    return state, var


def of_type(state, dtype):
    return {k: v.detach().to(dtype) for k, v in state.items()}


def renamed(state, rename):
    return {rename(k): v for k, v in state.items()}


def save_safetensors(path, tensors):
    """Eight bytes of header length, JSON, raw data."""
    header, offset = {}, 0
    for name, t in tensors.items():
        size = t.numel() * t.element_size()
        header[name] = {
            'dtype': SAFETENSORS[t.dtype],
            'shape': list(t.shape),
            'data_offsets': [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for t in tensors.values():
            f.write(t.contiguous().view(torch.uint8).numpy().tobytes())


def save_shards(folder, tensors):
    """Two files and their index, as the Hub has them."""
    names, index = list(tensors), {}
    for i, part in enumerate((names[::2], names[1::2])):
        name = f'model-{i + 1:05}-of-00002.safetensors'
        save_safetensors(os.path.join(folder, name), {k: tensors[k] for k in part})
        index.update((k, name) for k in part)
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    with open(os.path.join(folder, 'model.safetensors.index.json'), 'w') as f:
        json.dump({'metadata': {'total_size': size}, 'weight_map': index}, f, indent=1)


def buffers(vae, var):
    """The two states with what the released classes register besides parameters."""
    length = sum(p * p for p in PATCH_NUMS)
    level = torch.cat([torch.full((p * p,), k) for k, p in enumerate(PATCH_NUMS)])
    seen = torch.where(level[:, None] >= level[None], 0.0, -torch.inf)
    vae, var = OrderedDict(vae), var.state_dict()
    var['lvl_1L'] = level[None]
    var['attn_bias_for_masking'] = seen.view(1, 1, length, length)
    var['blocks.0.attn.zero_k_bias'] = torch.zeros(WIDTH)
    vae['quantize.ema_vocab_hit_SV'] = torch.zeros(len(PATCH_NUMS), VAE['codes'])
    return vae, var


def trained(var):
    """State of AdamW, and of the scaler of mixed precision, after one step."""
    kept = {k: v.clone() for k, v in var.state_dict().items()}
    flat = lambda name, p: p.ndim == 1 or name.endswith('bias') or 'lvl_embed' in name
    named = list(var.named_parameters())
    groups = [
        {'params': [p for n, p in named if flat(n, p)], 'wd_sc': 0.0, 'lr_sc': 1.0},
        {'params': [p for n, p in named if not flat(n, p)], 'wd_sc': 1.0, 'lr_sc': 1.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), weight_decay=0)
    for p in var.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    var.load_state_dict(kept)
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0**11, growth_interval=1000)
    scaler.scale(torch.ones(1))
    return {'scaler': scaler.state_dict(), 'optimizer': optimizer.state_dict()}


def arguments():
    """A choice of train.py's arguments: every kind of value that they have."""
    return OrderedDict(
        data_path='/path/to/imagenet',
        exp_name='text',
        vfast=0,
        depth=1,
        ini=-1,
        hd=0.02,
        alng=1e-5,
        fp16=1,
        tlr=3e-4,
        tclip=2.0,
        bs=768,
        opt='adamw',
        afuse=True,
        saln=False,
        anorm=True,
        pn='1_2_3',
        patch_nums=PATCH_NUMS,
        resos=tuple(2 * p for p in PATCH_NUMS),
        acc_mean=None,
        L_mean=6.25,
        grad_norm=0.5,
        cur_ep='10/250',
        commit_msg='\u00fcbung',
        tf32=True,
        seed=None,
    )


def train_py():
    """What VAR's train.py saves as ar-ckpt-last.pth and ar-ckpt-best.pth."""
    vae, var = models(lambda values: values)
    vae_state, var_state = buffers(vae, var)
    config = {
        'patch_nums': PATCH_NUMS,
        'resos': tuple(2 * p for p in PATCH_NUMS),
        'label_smooth': 0.0,
        'prog_it': 0,
        'last_prog_si': -1,
        'first_prog': True,
    }
    trainer = {
        'config': config,
        'var_wo_ddp': var_state,
        'vae_local': vae_state,
        'var_opt': trained(var),
    }
    return {'epoch': 10, 'iter': 0, 'trainer': trainer, 'args': arguments()}


def accepted(save, vae, var):
    state = of_type(var.state_dict(), FLOAT8)
    save('vae.pth', vae)
    save('plain.pth', var.state_dict())
    save('buffers.pth', buffers(vae, var)[1])
    save('f16.pth', of_type(state, torch.float16))
    save('bf16.pth', of_type(state, torch.bfloat16))
    save('f8.pth', state)
    for name, prefix in {
        'compiled': '_orig_mod.',
        'ddp-of-compiled': 'module._orig_mod.',
        'compiled-ddp': '_orig_mod.module.',
        'model': 'model.',
        'net': 'net.',
        'var-wo-ddp': 'var_wo_ddp.',
        'ema': 'ema.shadow.',
    }.items():
        save(name + '.pth', renamed(state, lambda k, prefix=prefix: prefix + k))
    save('compiled-inside.pth', renamed(state, lambda k: k.replace('.attn.', '.attn._orig_mod.')))
    save(
        'lightning.pth',
        {
            'epoch': 3,
            'global_step': 100,
            'pytorch-lightning_version': '2.4.0',
            'state_dict': renamed(state, lambda k: 'model.' + k),
            'hyper_parameters': {'lr': 1e-4, 'betas': (0.9, 0.95), 'name': None, 'ema': True},
        },
    )
    save('parameters.pth', var.state_dict(keep_vars=True))
    for protocol in 3, 4, 5:
        save(f'protocol-{protocol}.pth', state, pickle_protocol=protocol)
    torch.serialization.set_crc32_options(False)
    save('no-checksums.pth', state)
    torch.serialization.set_crc32_options(True)


def other_models(save, vae, var):
    """Models of other settings of the release: each has a golden of its own."""
    state = of_type(vae, FLOAT8)
    phi = 'quantize.quant_resi.qresi_ls.'
    save('no-l2-norm.pth', {k: v for k, v in var.state_dict().items() if 'scale_mul' not in k})
    one = {k: v for k, v in state.items() if not k.startswith(phi) or k.startswith(phi + '1.')}
    save('vae-one-phi.pth', renamed(one, lambda k: k.replace(phi + '1.', phi[:-4] + '.')))
    own = {k: v for k, v in state.items() if not k.startswith(phi + '3.')}
    save('vae-own-phi.pth', renamed(own, lambda k: k.replace(phi, 'quantize.quant_resi.')))
    encoder = ('encoder.', 'quant_conv.')
    save('vae-decoder.pth', {k: v for k, v in state.items() if not k.startswith(encoder)})


def distributed(state):
    """A tensor of a device mesh of one process."""
    from torch.distributed import HashStore, destroy_process_group, init_process_group
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    init_process_group('gloo', store=HashStore(), rank=0, world_size=1)
    mesh = init_device_mesh('cpu', (1,))
    state = {k: distribute_tensor(v.float(), mesh, [Shard(0)]) for k, v in state.items()}
    destroy_process_group()
    return state


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos_1LC = nn.Parameter(torch.zeros(1, 14, WIDTH))


def refused(folder, save, var):
    state = of_type(var.state_dict(), FLOAT8)
    few = {k: state[k] for k in ('pos_1LC', 'pos_start')}
    save('legacy.pth', few, _use_new_zipfile_serialization=False)
    torch.jit.script(Whole()).save(os.path.join(folder, 'torchscript.pt'))
    save('whole-model.pth', nn.Linear(2, 2))
    save('integer-keys.pth', dict(enumerate(few.values())))
    save('distributed.pth', distributed(few))
    save('lacks-a-tensor.pth', {k: v for k, v in state.items() if k != 'head.bias'})
    save('has-another.pth', {**state, 'blocks.0.cross_attn.weight': torch.zeros(2)})


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', nargs='?')
    parser.add_argument('--trainer', metavar='FILE')
    args = parser.parse_args()
    if args.trainer:
        torch.save(train_py(), args.trainer)
        return
    os.makedirs(args.folder)
    vae, var = models(coarse)

    def save(name, value, **options):
        torch.save(value, os.path.join(args.folder, name), **options)

    accepted(save, vae, var)
    save_shards(args.folder, of_type(var.state_dict(), FLOAT8))
    other_models(save, vae, var)
    refused(args.folder, save, var)


if __name__ == '__main__':
    main()
