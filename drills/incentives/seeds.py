"""Weekends of many seeds: every arm of a seed in the same world, seeds beside each other in processes."""

import functools
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from drills.incentives.figures import Played
from drills.incentives.policy import Arm
from drills.incentives.setting import Setting, draw_world
from drills.incentives.weekend import play


def play_seeds(setting: Setting, seeds: Sequence[int], *, jobs: int) -> list[Played]:
    """Play every arm of every seed, in order; the result does not depend on `jobs`."""
    one = functools.partial(play_seed, setting)
    if jobs <= 1:
        played = [one(seed) for seed in seeds]
    else:
        # Fresh processes, not forks: nothing of a caller's threads or locks is carried along.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=jobs, mp_context=fresh) as pool:
            played = list(pool.map(one, seeds))
    return [each for of_one in played for each in of_one]


def play_seed(setting: Setting, seed: int) -> list[Played]:
    """Play all arms in the world of one seed."""
    world = draw_world(setting, seed)
    return [play(setting, world, arm) for arm in Arm]
