# test_linear_layout.py - linear maps over bits: products, composition, inverses
# SPDX-License-Identifier: Apache-2.0
import itertools
import random

import pytest
from tessera.tools import LinearLayout


def random_invertible(bits, seed):
    """A random one-to-one map of two input dimensions to two output dimensions, ``bits`` bits each."""
    rng = random.Random(seed)
    size = 1 << bits
    while True:
        bases = {name: [[rng.randrange(size), rng.randrange(size)] for _ in range(bits)] for name in ("lane", "warp")}
        layout = LinearLayout(bases, {"x": size, "y": size})
        if layout.is_invertible():
            return layout


@pytest.mark.parametrize("seed", range(5))
def test_inverse_undoes(seed):
    layout = random_invertible(3, seed)
    inverse = layout.invert()
    for lane, warp in itertools.product(range(8), range(8)):
        assert inverse.apply(layout.apply({"lane": lane, "warp": warp})) == {"lane": lane, "warp": warp}
    other = random_invertible(3, seed + 100)
    conversion = layout.invert_and_compose(other)
    for lane, warp in itertools.product(range(8), range(8)):
        place = {"lane": lane, "warp": warp}
        assert other.apply(conversion.apply(place)) == layout.apply(place)


def test_images_are_exclusive_ors():
    layout = random_invertible(2, 7)
    for a, b in itertools.product(range(4), range(4)):
        left, right = layout.apply({"lane": a, "warp": 1}), layout.apply({"lane": b, "warp": 2})
        both = layout.apply({"lane": a ^ b, "warp": 3})
        assert both == {name: left[name] ^ right[name] for name in both}


def test_refusals():
    with pytest.raises(ValueError, match="no power of two"):
        LinearLayout({"lane": [[1]]}, {"x": 3})
    with pytest.raises(ValueError, match="lies outside"):
        LinearLayout({"lane": [[4]]}, {"x": 4})
    with pytest.raises(ValueError, match="no inverse"):
        LinearLayout.zeros_1d(4, "lane", "x").invert()
    with pytest.raises(ValueError, match="does not reach"):
        LinearLayout.from_bases([("lane", [[1], [1]])], ["x"], [4])
