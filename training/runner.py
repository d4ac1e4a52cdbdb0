"""Runs a training stage: worker processes that share the gradient, checkpoints, progress lines.

On CPUs one single-threaded process a core beats one process with many threads: no thread ever
waits for a core that another program holds. On CUDA there is one process. Each worker draws its
own random numbers from (seed, step, rank).
"""

import os
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from . import precision
from .optim import Average, trapezoid


class Run:
    """What a stage's worker needs to know: where it runs, which share is its own, and the loop
    over the steps.
    """

    def __init__(self, args, name, rank, world):
        self.args, self.name, self.rank, self.world = args, name, rank, world
        self.device = torch.device(args.device)
        self.path = f'{args.work}/{name}.ckpt'
        torch.manual_seed(args.seed)

    def generator(self, step):
        return np.random.default_rng((self.args.seed, step, self.rank))

    def start(self, name):
        """The weights that `training.unpack` put down for a stage to go on from, or None."""
        path = f'{self.args.work}/{name}_start.pt'
        if not os.path.exists(path):
            return None
        return torch.load(path, map_location=self.device, weights_only=True)

    def autocast(self):
        return precision.autocast(self.device.type)

    def average_gradients(self, params):
        if self.world == 1:
            return
        flat = torch.cat([p.grad.flatten() for p in params])
        dist.all_reduce(flat)
        flat /= self.world
        for p, g in zip(params, flat.split([p.numel() for p in params])):
            p.grad = g.view_as(p)

    def train(
        self,
        module,
        opt,
        loss_of,
        total,
        every=50,
        save_every=200,
        decay=0.998,
        start=None,
        fall=0.4,
    ):
        """loss_of(rng, step) -> (loss, {name: figure}). Returns the averaged parameters {name:
        tensor}.

        start: parameters to begin with where there is no checkpoint yet.
        """
        if start:
            module.load_state_dict(start, strict=False)
        average, first = Average(module, decay), 0
        if os.path.exists(self.path):
            saved = torch.load(self.path, map_location=self.device, weights_only=True)
            module.load_state_dict(saved['module'])
            opt.load_state_dict(saved['opt'])
            average.values, average.steps, first = saved['average'], saved['step'], saved['step']
        figures, begin = {}, time.time()
        for step in range(first, total):
            loss, now = loss_of(self.generator(step), step)
            loss.backward()
            self.average_gradients(opt.params)
            opt.step(trapezoid(step, total, fall=fall))
            average.update(module)
            for k, v in now.items():
                v = float(v.detach()) if torch.is_tensor(v) else v
                figures[k] = v if k not in figures else 0.97 * figures[k] + 0.03 * v
            done = step + 1
            if self.rank == 0 and (done % every == 0 or done == total):
                left = (time.time() - begin) / (done - first) * (total - done)
                text = ' '.join(f'{k} {v:.4f}' for k, v in figures.items())
                print(
                    f'{self.name}: {done}/{total} {time.time() - begin:.0f} s, '
                    f'{left:.0f} s left: {text}',
                    flush=True,
                )
            if self.rank == 0 and (done % save_every == 0 or done == total):
                torch.save(
                    dict(
                        module=module.state_dict(),
                        opt=opt.state_dict(),
                        average=average.values,
                        step=done,
                    ),
                    self.path + '.tmp',
                )
                os.replace(self.path + '.tmp', self.path)
        return average.values


def _worker(rank, world, stage, name, args, port):
    if args.device == 'cpu':
        torch.set_num_threads(1)
    if world > 1:
        dist.init_process_group(
            'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=world
        )
    stage(Run(args, name, rank, world))
    if world > 1:
        dist.destroy_process_group()


def launch(stage, name, args):
    """Calls stage(Run) in every worker process and waits."""
    world = args.workers if args.device == 'cpu' else 1
    if world == 1:
        _worker(0, 1, stage, name, args, 0)
    else:
        mp.spawn(_worker, (world, stage, name, args, 20000 + os.getpid() % 20000), world)
