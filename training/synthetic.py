"""Synthetic weights, as engine/model/synthetic.c makes them: every tensor is a function of its
name, its shape and a seed. Shapes of models, and the names and shapes of their tensors as in the
released checkpoints."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

PYRAMID = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
OFFICIAL_VAE = dict(
    codes=4096, channels=32, ch=160, ch_mult=(1, 1, 2, 2, 4), res_blocks=2, groups=32
)
VISTAS_VAE = dict(codes=1024, channels=16, ch=16, ch_mult=(1, 2, 4, 4, 8), res_blocks=1, groups=4)
TINY_VAE = dict(codes=64, channels=8, ch=32, ch_mult=(1, 2), res_blocks=1, groups=32)

# The same as in tools/shapes.c. A drafter alone serves N = K.
SHAPES = {
    'official': dict(
        patch_nums=PYRAMID,
        classes=1000,
        vae=OFFICIAL_VAE,
        drafter=dict(depth=30, width=1920),
        refiner=dict(depth=16, width=1024),
    ),
    'd16': dict(
        patch_nums=PYRAMID, classes=1000, vae=OFFICIAL_VAE, drafter=dict(depth=16, width=1024)
    ),
    'vistas': dict(
        patch_nums=PYRAMID,
        classes=16,
        vae=VISTAS_VAE,
        drafter=dict(depth=5, width=256),
        refiner=dict(depth=4, width=128),
    ),
    'tiny': dict(
        patch_nums=(1, 2, 3, 4),
        classes=10,
        vae=TINY_VAE,
        drafter=dict(depth=3, width=128),
        refiner=dict(depth=2, width=64),
    ),
}


def var_tensors(shape, spec):
    c, z, codes = spec['width'], shape['vae']['channels'], shape['vae']['codes']
    tensors = {
        'pos_start': (1, shape['patch_nums'][0] ** 2, c),
        'pos_1LC': (1, sum(p * p for p in shape['patch_nums']), c),
        'word_embed.weight': (c, z),
        'word_embed.bias': (c,),
        'class_emb.weight': (shape['classes'] + 1, c),
        'lvl_embed.weight': (len(shape['patch_nums']), c),
        'head_nm.ada_lin.1.weight': (2 * c, c),
        'head_nm.ada_lin.1.bias': (2 * c,),
        'head.weight': (codes, c),
        'head.bias': (codes,),
    }
    for i in range(spec['depth']):
        block = {
            'attn.scale_mul_1H11': (1, c // 64, 1, 1),
            'attn.q_bias': (c,),
            'attn.v_bias': (c,),
            'attn.mat_qkv.weight': (3 * c, c),
            'attn.proj.weight': (c, c),
            'attn.proj.bias': (c,),
            'ffn.fc1.weight': (4 * c, c),
            'ffn.fc1.bias': (4 * c,),
            'ffn.fc2.weight': (c, 4 * c),
            'ffn.fc2.bias': (c,),
            'ada_lin.1.weight': (6 * c, c),
            'ada_lin.1.bias': (6 * c,),
        }
        tensors.update({f'blocks.{i}.{name}': dims for name, dims in block.items()})
    return tensors


def decoder_tensors(shape):
    """What rendering needs of the VQ-VAE: no encoder."""
    spec = shape['vae']
    z, ch, mult, tensors = spec['channels'], spec['ch'], spec['ch_mult'], {}
    top = len(mult) - 1

    def layer(name, *dims):
        tensors.update({name + '.weight': dims, name + '.bias': dims[:1]})

    def res(name, inp, out):
        layer(name + '.norm1', inp), layer(name + '.conv1', out, inp, 3, 3)
        layer(name + '.norm2', out), layer(name + '.conv2', out, out, 3, 3)
        if inp != out:
            layer(name + '.nin_shortcut', out, inp, 1, 1)

    def attn(name, c):
        layer(name + '.norm', c), layer(name + '.qkv', 3 * c, c, 1, 1)
        layer(name + '.proj_out', c, c, 1, 1)

    c = ch * mult[top]
    layer('post_quant_conv', z, z, 3, 3), layer('decoder.conv_in', c, z, 3, 3)
    res('decoder.mid.block_1', c, c), attn('decoder.mid.attn_1', c)
    res('decoder.mid.block_2', c, c)
    for level in range(top, -1, -1):
        for block in range(spec['res_blocks'] + 1):
            res(f'decoder.up.{level}.block.{block}', c, ch * mult[level])
            c = ch * mult[level]
            if level == top:
                attn(f'decoder.up.{level}.attn.{block}', c)
        if level:
            layer(f'decoder.up.{level}.upsample.conv', c, c, 3, 3)
    layer('decoder.norm_out', c), layer('decoder.conv_out', 3, c, 3, 3)
    tensors['quantize.embedding.weight'] = (spec['codes'], z)
    for j in range(4):
        layer(f'quantize.quant_resi.qresi_ls.{j}', z, z, 3, 3)
    return tensors


def operations(shape, steps):
    """Of one picture, two a multiply-add, as engine/plan/count.c counts them."""
    sides, codes, total = shape['patch_nums'], shape['vae']['codes'], 0
    rows = [p * p for p in sides]
    for k in range(len(sides)):
        spec = shape['drafter' if k < steps else 'refiner']
        passed = range(k + 1) if k == steps else [k]
        total += 48 * spec['width'] ** 2 * spec['depth'] * sum(rows[j] for j in passed)
        total += 4 * spec['width'] * codes * rows[k]
        total += sum(
            8 * spec['width'] * spec['depth'] * rows[j] * sum(rows[: j + 1]) for j in passed
        )
    top, last = len(shape['vae']['ch_mult']) - 1, sides[-1]
    for name, dims in decoder_tensors(shape).items():
        level = int(name.split('.')[2]) if name.startswith('decoder.up') else top
        side = last << (top - level + ('upsample' in name))
        side = last << top if name.startswith('decoder.conv_out') else side
        if len(dims) == 4 and not name.startswith('quantize'):
            total += 2 * side**2 * math.prod(dims)
        if name.endswith('proj_out.bias'):
            total += 4 * side**4 * dims[0]
    return total


def amplitude(name, dims):
    """(amplitude, offset) of a tensor's values."""
    inputs = math.prod(dims[1:])
    last = name.rsplit('.', 1)[-1]
    if last == 'scale_mul_1H11':
        return 0.0, math.log(4)
    if name.endswith('head.weight'):
        return 6 * math.sqrt(3 / inputs), 0.0
    if 'ada_lin' in name and last == 'weight':
        return 0.5 * math.sqrt(3 / inputs), 0.0
    if name.startswith(('pos_', 'lvl_embed', 'class_emb')):
        return 0.5, 0.0
    if name == 'quantize.embedding.weight':
        return 1.0, 0.0
    if 'norm' in name and len(dims) == 1:
        return 0.1, 1.0 if last == 'weight' else 0.0
    return (0.05, 0.0) if len(dims) == 1 else (math.sqrt(3 / inputs), 0.0)


def name_key(name, seed):
    """FNV-1a of the name, with the seed."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return np.uint32(h ^ seed)


def fill(out, first, key, amp, offset):
    """out[j] = offset + amp * uniform(-1, 1) of element first + j: MurmurHash3's finalizer of its
    index."""
    h = np.arange(first, first + len(out), dtype=np.uint64).astype(np.uint32)
    h *= np.uint32(0x9E3779B9)
    h += key
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    h >>= np.uint32(8)
    np.multiply(h, np.float32(2.0**-24), out=out, casting='unsafe', dtype=np.float32)
    out -= np.float32(0.5)
    out *= np.float32(2)
    out *= np.float32(amp)
    out += np.float32(offset)


def synthetic(tensors, seed, threads=2, piece=1 << 16):
    """{name: float32 array}. Pieces fit the cache; numpy lets threads work at the same time."""
    arrays = {name: np.empty(math.prod(dims), np.float32) for name, dims in tensors.items()}
    with ThreadPoolExecutor(threads) as pool, np.errstate(over='ignore'):

        def fill_pieces(name, begin, end):
            key, (amp, offset) = name_key(name, seed), amplitude(name, tensors[name])
            with np.errstate(over='ignore'):
                for first in range(begin, end, piece):
                    fill(arrays[name][first : min(first + piece, end)], first, key, amp, offset)

        jobs = [
            pool.submit(fill_pieces, name, begin, min(begin + 64 * piece, array.size))
            for name, array in arrays.items()
            for begin in range(0, array.size, 64 * piece)
        ]
        for job in jobs:
            job.result()
    return {name: array.reshape(tensors[name]) for name, array in arrays.items()}
