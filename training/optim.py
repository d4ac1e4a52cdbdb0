"""Muon for the matrices, Adam for the rest: on so few steps the orthogonalised update learns
about twice as fast as Adam alone.
"""

import torch
import torch.distributed as dist

NEWTON_STEPS = 5


def orthogonal(g):
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrix; (rows, columns) -> the
    same.

    Each step multiplies x by a polynomial of x x^T. All of them commute, so they are gathered in
    a square matrix as small as the shorter side, and x itself is multiplied twice instead of ten
    times. That needs float32: x x^T squares the singular values.
    """
    tall = g.shape[0] > g.shape[1]
    x = (g.T if tall else g).float()
    x = x / (x.norm() + 1e-7)
    square, product = x @ x.T, None
    for step in range(NEWTON_STEPS):
        factor = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        factor.diagonal().add_(3.4445)
        product = factor if product is None else product @ factor
        if step + 1 < NEWTON_STEPS:
            square = factor @ square @ factor
    x = product @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, then an update whose singular values are all about 1, scaled by
    sqrt(max(1, rows / columns)).

    Each worker makes every world-th matrix orthogonal, and they exchange the results.
    """

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        world = dist.get_world_size() if dist.is_initialized() else 1
        for group in self.param_groups:
            updates = []
            for i, p in enumerate(group['params']):
                state = self.state[p]
                if not state:
                    state['m'] = torch.zeros_like(p)
                m = state['m'].lerp_(p.grad, 1 - group['momentum'])
                g = p.grad.lerp(m, group['momentum']).reshape(len(p), -1)
                mine = world == 1 or i % world == dist.get_rank()
                updates.append((orthogonal(g) if mine else torch.zeros_like(g)).flatten())
            flat = torch.cat(updates)
            if world > 1:
                dist.all_reduce(flat)
            for p, u in zip(group['params'], flat.split([p.numel() for p in group['params']])):
                p.mul_(1 - group['lr'] * group['weight_decay'])
                p.add_(u.view_as(p), alpha=-group['lr'] * max(1.0, len(p) / p[0].numel()) ** 0.5)


class Both:
    """The two optimisers of a named set of parameters, one schedule, one state to save."""

    def __init__(self, named, muon_lr, adam_lr, weight_decay=0.0, adam_only=()):
        named = [(n, p) for n, p in named if p.requires_grad]
        matrix = [
            n
            for n, p in named
            if p.dim() >= 2
            and min(p.shape[0], p[0].numel()) >= 16
            and not any(a in n for a in adam_only)
        ]
        self.params = [p for _, p in named]
        self.muon = Muon([p for n, p in named if n in matrix], muon_lr, weight_decay=weight_decay)
        self.adam = torch.optim.Adam(
            [p for n, p in named if n not in matrix], adam_lr, betas=(0.9, 0.98)
        )
        self.peak = muon_lr, adam_lr

    def step(self, factor):
        """factor: the schedule's share of the peak rate."""
        for opt, peak in zip((self.muon, self.adam), self.peak):
            for group in opt.param_groups:
                group['lr'] = peak * factor
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.muon.step()
        self.adam.step()
        for p in self.params:
            p.grad = None

    def state_dict(self):
        return dict(muon=self.muon.state_dict(), adam=self.adam.state_dict())

    def load_state_dict(self, state):
        self.muon.load_state_dict(state['muon'])
        self.adam.load_state_dict(state['adam'])


def trapezoid(step, total, warm=100, fall=0.4):
    """Schedule: a short rise, a long plateau, a straight fall to almost nothing. A resumed run
    may change `total`.
    """
    return max(min(1.0, (step + 1) / warm, (total - step) / (fall * total)), 0.01)


class Average:
    """Exponential moving average of a module's parameters, with the usual correction for its
    start.
    """

    def __init__(self, module, decay):
        self.decay, self.steps = decay, 0
        self.values = {n: p.detach().clone() for n, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module):
        self.steps += 1
        d = min(self.decay, self.steps / (self.steps + 9))
        for n, p in module.named_parameters():
            self.values[n].lerp_(p.detach(), 1 - d)
