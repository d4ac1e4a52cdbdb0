"""VAR with CoDe in PyTorch, decoding only, as fast as eager PyTorch or torch.compile make it: the
yardstick of docs/performance.md. B pictures, K scales, C width, V codes, Z channels of a code, P
the last side.

A precision is a pair: the type of weights and products, and the type of the residual stream.
`autocast` runs under torch.autocast with weights that are bfloat16 already, so that no call
converts them again; `autocast16` does with float16, as the public code has it on a GPU. Everything
is computed on the device of the weights."""

import math
import time
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import nn

PRECISIONS = {
    'f32': (torch.float32, torch.float32),
    'autocast': (torch.bfloat16, torch.float32),
    'autocast16': (torch.float16, torch.float32),
    'bf16': (torch.bfloat16, torch.bfloat16),
}


def layer_norm(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def linear(x, weight, bias):
    """Weights in oneDNN's own layout, which F.linear does not take, are what a frozen graph
    computes with."""
    if weight.is_mkldnn:
        return torch.ops.mkldnn._linear_pointwise(x.to(bias.dtype), weight, bias, 'none', [], '')
    return F.linear(x, weight, bias)


def attention(block, x, keys, values, start, mask):
    b, n, c = x.shape
    qkv = linear(x, block['qkv.weight'], block['qkv.bias']).view(b, n, 3, -1, 64)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    keys[:, :, start : start + n] = F.normalize(k, dim=-1)
    values[:, :, start : start + n] = v
    q = (F.normalize(q, dim=-1) * block['q_scale']).to(keys.dtype)
    out = F.scaled_dot_product_attention(
        q, keys[:, :, : start + n], values[:, :, : start + n], attn_mask=mask, scale=1.0
    )
    return linear(out.transpose(1, 2).reshape(b, n, c), block['proj.weight'], block['proj.bias'])


def run_block(block, x, modulation, keys, values, start, mask):
    """One block over the n rows that come after `start` in the cache. modulation: (6, 2B, 1, C), or
    the class vectors' SiLU (2B, C) to compute it from."""
    if modulation.dim() == 2:
        modulation = linear(modulation, block['ada.weight'], block['ada.bias'])
        modulation = modulation.view(x.shape[0], 6, 1, -1).transpose(0, 1)
    g1, g2, s1, s2, b1, b2 = modulation.unbind()
    x = x + g1 * attention(block, layer_norm(x) * (1 + s1) + b1, keys, values, start, mask)
    h = linear(layer_norm(x) * (1 + s2) + b2, block['fc1.weight'], block['fc1.bias'])
    h = linear(F.gelu(h, approximate='tanh'), block['fc2.weight'], block['fc2.bias'])
    return x + g2 * h


class Transformer:
    """`hoist`: modulations are computed here, once for the class, and not again at every scale as
    in the public code. `packed`: weights of the blocks in oneDNN's layout. `compiled`: the blocks,
    each scale's shape by itself."""

    def __init__(self, weights, shape, spec, precision, classes, hoist, compiled, packed):
        self.shape, self.width, self.depth = shape, spec['width'], spec['depth']
        self.type, self.residual = PRECISIONS[precision]
        self.batch = len(classes)
        self.cond = weights['class_emb.weight'][classes + [shape['classes']] * len(classes)]
        level = torch.cat([torch.full((p * p,), k) for k, p in enumerate(shape['patch_nums'])])
        self.place = (weights['lvl_embed.weight'][level] + weights['pos_1LC'][0]).to(self.residual)
        self.allowed = (level[:, None] >= level[None, :]).to(self.cond.device)
        self.begin = [
            sum(p * p for p in shape['patch_nums'][:k]) for k in range(len(shape['patch_nums']) + 1)
        ]
        self.weights = weights
        silu = F.silu(self.cond).to(self.type)
        self.blocks = [self.take_block(i) for i in range(self.depth)]
        self.head = silu if not hoist else self.head_modulation(silu)
        self.modulations = [silu] * self.depth
        if hoist:
            for i, block in enumerate(self.blocks):
                out = F.linear(silu, block['ada.weight'], block['ada.bias']).view(
                    len(silu), 6, 1, -1
                )
                self.modulations[i] = out.transpose(0, 1).to(self.residual).contiguous()
        if packed:
            for block in self.blocks:
                for name in ('qkv', 'proj', 'fc1', 'fc2'):
                    weight = block[name + '.weight']
                    block[name + '.weight'] = torch.ops.mkldnn._reorder_linear_weight(weight)
        self.run_block = torch.compile(run_block, dynamic=False) if compiled else run_block

    def take_block(self, i):
        get = lambda name: self.weights[f'blocks.{i}.{name}']
        q_bias, v_bias = get('attn.q_bias'), get('attn.v_bias')
        return {
            'qkv.weight': get('attn.mat_qkv.weight'),
            'qkv.bias': torch.cat([q_bias, torch.zeros_like(q_bias), v_bias]),
            'q_scale': get('attn.scale_mul_1H11')
            .float()
            .clamp_max(math.log(100))
            .exp()
            .to(self.type),
            'proj.weight': get('attn.proj.weight'),
            'proj.bias': get('attn.proj.bias'),
            'fc1.weight': get('ffn.fc1.weight'),
            'fc1.bias': get('ffn.fc1.bias'),
            'fc2.weight': get('ffn.fc2.weight'),
            'fc2.bias': get('ffn.fc2.bias'),
            'ada.weight': get('ada_lin.1.weight'),
            'ada.bias': get('ada_lin.1.bias'),
        }

    def head_modulation(self, silu):
        out = F.linear(
            silu, self.weights['head_nm.ada_lin.1.weight'], self.weights['head_nm.ada_lin.1.bias']
        )
        return out.view(2 * self.batch, 2, 1, -1).transpose(0, 1).to(self.residual)

    def new_cache(self):
        shape = 2, 2 * self.batch, self.width // 64, self.begin[-1], 64
        new = lambda: torch.empty(shape, dtype=self.type, device=self.cond.device)
        self.caches = [new().unbind() for _ in range(self.depth)]

    def embed(self, k, area):
        """Input of scale k for both branches: area (B, p * p, Z), not used at k = 0."""
        place = self.place[self.begin[k] : self.begin[k + 1]]
        if k == 0:
            return (self.cond[:, None] + self.weights['pos_start']).to(self.residual) + place
        x = F.linear(
            area.to(self.type), self.weights['word_embed.weight'], self.weights['word_embed.bias']
        )
        return (x.to(self.residual) + place).repeat(2, 1, 1)

    def scale(self, k, x, guidance):
        """Guided logits (B, p * p, V) of scale k. x may begin with the inputs of all scales before:
        the hand-over."""
        n, rows = x.shape[1], self.shape['patch_nums'][k] ** 2
        start, mask = self.begin[k + 1] - n, self.allowed[:n, :n] if n > rows else None
        for block, modulation, (keys, values) in zip(self.blocks, self.modulations, self.caches):
            x = self.run_block(block, x, modulation, keys, values, start, mask)
        scale, shift = self.head if self.head.dim() > 2 else self.head_modulation(self.head)
        h = layer_norm(x[:, -rows:]) * (1 + scale) + shift
        logits = F.linear(
            h.to(self.type), self.weights['head.weight'], self.weights['head.bias']
        ).float()
        t = guidance * k / (len(self.shape['patch_nums']) - 1)
        return (1 + t) * logits[: self.batch] - t * logits[self.batch :]


def sample(logits, top_k, top_p, temperature):
    """Top-k, then top-p among these, then the temperature, as the public code has it, but sorting k
    values only."""
    values, codes = logits.topk(top_k or logits.shape[-1])
    if top_p > 0:
        above = values.softmax(-1).cumsum(-1) - values.softmax(-1)  # mass of what is more probable
        values = values.masked_fill(above >= top_p, -torch.inf)
    drawn = torch.multinomial((values / temperature).softmax(-1).flatten(0, 1), 1)
    return codes.flatten(0, 1).gather(1, drawn).view(logits.shape[:2])


class Vae(nn.Module):
    """The decoder in channels_last, and the token pyramid in float32."""

    def __init__(self, weights, spec, dtype, patch_nums):
        super().__init__()
        self.spec, self.type, self.patch_nums = spec, dtype, patch_nums
        self.codebook = nn.Buffer(weights['quantize.embedding.weight'].float())
        for name, weight in weights.items():
            if name.startswith('quantize'):
                weight = weight.float()
            if weight.dim() == 4:
                weight = weight.contiguous(memory_format=torch.channels_last)
            if name != 'quantize.embedding.weight':
                self.register_buffer(name.replace('.', '_'), weight)

    def conv(self, name, x, padding=0):
        name = name.replace('.', '_')
        return F.conv2d(
            x, getattr(self, name + '_weight'), getattr(self, name + '_bias'), padding=padding
        )

    def norm(self, name, x):
        name = name.replace('.', '_')
        weight, bias = getattr(self, name + '_weight'), getattr(self, name + '_bias')
        return F.group_norm(x, self.spec['groups'], weight, bias, eps=1e-6)

    def res(self, name, x):
        h = self.conv(name + '.conv1', F.silu(self.norm(name + '.norm1', x)), 1)
        h = self.conv(name + '.conv2', F.silu(self.norm(name + '.norm2', h)), 1)
        short = hasattr(self, (name + '.nin_shortcut.weight').replace('.', '_'))
        return h + (self.conv(name + '.nin_shortcut', x) if short else x)

    def attn(self, name, x):
        b, c, height, width = x.shape
        qkv = self.conv(name + '.qkv', self.norm(name + '.norm', x))
        q, k, v = qkv.permute(0, 2, 3, 1).reshape(b, 1, height * width, 3 * c).chunk(3, -1)
        out = F.scaled_dot_product_attention(q, k, v).view(b, height, width, c).permute(0, 3, 1, 2)
        return x + self.conv(name + '.proj_out', out)

    def forward(self, f_hat):
        """Feature map (B, Z, P, P) -> (B, S, S, 3) in 0..255."""
        x = f_hat.to(self.type, memory_format=torch.channels_last)
        h = self.conv('decoder.conv_in', self.conv('post_quant_conv', x, 1), 1)
        h = self.attn('decoder.mid.attn_1', self.res('decoder.mid.block_1', h))
        h = self.res('decoder.mid.block_2', h)
        top = len(self.spec['ch_mult']) - 1
        for level in range(top, -1, -1):
            for block in range(self.spec['res_blocks'] + 1):
                h = self.res(f'decoder.up.{level}.block.{block}', h)
                if level == top:
                    h = self.attn(f'decoder.up.{level}.attn.{block}', h)
            if level:
                h = F.interpolate(h, scale_factor=2, mode='nearest')
                h = self.conv(f'decoder.up.{level}.upsample.conv', h, 1)
        y = self.conv('decoder.conv_out', F.silu(self.norm('decoder.norm_out', h)), 1)
        y = (y.float().clamp(-1, 1) + 1) * 127.5
        return y.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    def contribution(self, k, tokens):
        """What the token map (B, p * p) of scale k adds to the feature map."""
        scales, side, last = len(self.patch_nums), self.patch_nums[k], self.patch_nums[-1]
        h = self.codebook[tokens].transpose(1, 2).reshape(len(tokens), -1, side, side)
        if k < scales - 1:
            h = F.interpolate(h, size=(last, last), mode='bicubic')
        j = min(range(4), key=lambda j: abs(1 / 12 + j * 10 / 36 - k / (scales - 1)))
        return 0.5 * h + 0.5 * self.conv(f'quantize.quant_resi.qresi_ls.{j}', h, 1)


class Decoder:
    def __init__(
        self, shape, weights, precision, classes, hoist=True, compiled=False, packed=False
    ):
        """weights: {'vae', 'drafter' and perhaps 'refiner': {name: tensor}} of the precision's
        type."""
        self.shape = shape
        autocast, dtype = precision.startswith('autocast'), PRECISIONS[precision][0]
        self.device = weights['vae']['quantize.embedding.weight'].device.type
        self.context = lambda: torch.autocast(self.device, dtype) if autocast else nullcontext()
        args = precision, classes, hoist, compiled, packed
        with torch.inference_mode(), self.context():
            self.drafter = Transformer(weights['drafter'], shape, shape['drafter'], *args)
            if 'refiner' in weights:
                self.refiner = Transformer(weights['refiner'], shape, shape['refiner'], *args)
            self.vae = Vae(
                weights['vae'], shape['vae'], PRECISIONS[precision][0], shape['patch_nums']
            )
        self.render = torch.compile(self.vae, dynamic=False) if compiled else self.vae

    def now(self):
        """The time when all that was asked of the device is done."""
        if self.device == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter()

    @torch.inference_mode()
    def draw(self, steps, guidance=1.5, top_k=600, top_p=0.96, tokens=None, seen=None):
        """Draws B pictures. Returns them and the seconds of drafter, hand-over, refiner and VQ-VAE.
        `tokens`: token maps to feed in place of the drawn ones; `seen`: called with each scale's
        logits."""
        patch_nums, last = self.shape['patch_nums'], self.shape['patch_nums'][-1]
        scales, f_hat, areas = len(patch_nums), 0, [None]
        times, before = [0.0] * 4, self.now()
        with self.context():
            model = self.drafter
            model.new_cache()
            for k in range(scales):
                if k == steps:
                    model = self.refiner
                    model.new_cache()
                    x = torch.cat([model.embed(j, areas[j]) for j in range(k + 1)], 1)
                else:
                    x = model.embed(k, areas[k])
                logits = model.scale(k, x, guidance)
                drawn = sample(logits, min(top_k, logits.shape[-1]), top_p, 1.1 if k < 7 else 1.0)
                if seen:
                    seen(logits)
                with torch.autocast(self.device, enabled=False):
                    f_hat = f_hat + self.vae.contribution(k, drawn if tokens is None else tokens[k])
                    if k < scales - 1:
                        side = patch_nums[k + 1]
                        area = (
                            F.interpolate(f_hat, size=(side, side), mode='area')
                            if side < last
                            else f_hat
                        )
                        areas.append(area.flatten(2).transpose(1, 2))
                now = self.now()
                times[0 if k < steps else 1 if k == steps else 2] += now - before
                before = now
            pictures = self.render(f_hat)
            times[3] = self.now() - before
        return pictures, times
