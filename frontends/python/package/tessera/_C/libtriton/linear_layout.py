# linear_layout.py - linear maps over bits, as programs build and ask them
# SPDX-License-Identifier: Apache-2.0
"""A linear layout maps named input dimensions (register, lane, warp, …) to named output dimensions, bit by bit: the image of
an input is the exclusive or of the images of its bits, the bases."""
from __future__ import annotations


def _log2(n):
    if n < 1 or n & (n - 1):
        raise ValueError(f"{n} is no power of two")
    return n.bit_length() - 1


class LinearLayout:
    """``bases``: input dimension -> list of images of its bits, each a list with a coordinate for every output dimension;
    ``out_dims``: output dimension -> size. Errors: ValueError for sizes that are no powers of two or bases outside of them.
    """

    def __init__(self, bases, out_dims):
        self.bases = [(name, [list(image) for image in images]) for name, images in dict(bases).items()]
        self.out_dims = list(dict(out_dims).items())
        for _, size in self.out_dims:
            _log2(size)
        for name, images in self.bases:
            for image in images:
                if len(image) != len(self.out_dims) or any(not 0 <= c < size for c, (_, size) in zip(image, self.out_dims)):
                    raise ValueError(f"base {image} of '{name}' lies outside of {self.out_dims}")

    @staticmethod
    def from_bases(bases, out_dim_names, out_dim_sizes=None, require_surjective=True):
        names = list(out_dim_names)
        bases = dict(bases)
        if out_dim_sizes is None:
            largest = [max((image[i] for images in bases.values() for image in images), default=0) for i in range(len(names))]
            out_dim_sizes = [1 << value.bit_length() for value in largest]
        layout = LinearLayout(bases, dict(zip(names, out_dim_sizes)))
        if require_surjective and not layout.is_surjective():
            raise ValueError("the layout does not reach every output")
        return layout

    @staticmethod
    def identity_1d(size, inDim, outDim):
        return LinearLayout({inDim: [[1 << i] for i in range(_log2(size))]}, {outDim: size})

    @staticmethod
    def strided_1d(size, stride, inDim, outDim):
        bits = _log2(size)
        return LinearLayout({inDim: [[stride << i] for i in range(bits)]}, {outDim: max(size * stride, 1)})

    @staticmethod
    def zeros_1d(size, inDim, outDim, outDimSize=1):
        return LinearLayout({inDim: [[0]] * _log2(size)}, {outDim: outDimSize})

    def get_in_dim_names(self):
        return [name for name, _ in self.bases]

    def get_out_dim_names(self):
        return [name for name, _ in self.out_dims]

    def get_in_dim_size(self, name):
        return 1 << len(dict(self.bases)[name])

    def get_out_dim_size(self, name):
        return dict(self.out_dims)[name]

    def _columns(self):
        """Each base as one integer, output dimensions side by side, the first lowest."""
        columns = []
        for _, images in self.bases:
            for image in images:
                value, shift = 0, 0
                for coordinate, (_, size) in zip(image, self.out_dims):
                    value |= coordinate << shift
                    shift += _log2(size)
                columns.append(value)
        return columns

    def _rank(self):
        pivots = {}
        for value in self._columns():
            while value and value.bit_length() in pivots:
                value ^= pivots[value.bit_length()]
            if value:
                pivots[value.bit_length()] = value
        return len(pivots)

    def is_surjective(self):
        return self._rank() == sum(_log2(size) for _, size in self.out_dims)

    def is_injective(self):
        return self._rank() == len(self._columns())

    def is_invertible(self):
        return self.is_surjective() and self.is_injective()

    def apply(self, inputs):
        """The image of one input, given as input dimension -> index."""
        image = [0] * len(self.out_dims)
        for name, bases in self.bases:
            for bit, base in enumerate(bases):
                if inputs[name] >> bit & 1:
                    image = [a ^ b for a, b in zip(image, base)]
        return {name: coordinate for (name, _), coordinate in zip(self.out_dims, image)}

    def get_matrix_view(self):
        """The matrix over GF(2): a row an output bit, a column an input bit."""
        rows = sum(_log2(size) for _, size in self.out_dims)
        columns = self._columns()
        return [[column >> row & 1 for column in columns] for row in range(rows)]

    def compose(self, outer):
        """The layout that applies this one first, then ``outer``."""
        names = self.get_out_dim_names()
        bases = {n: [list(outer.apply(dict(zip(names, image))).values()) for image in images] for n, images in self.bases}
        return LinearLayout(bases, dict(outer.out_dims))

    def invert(self):
        """Errors: ValueError where the layout is not one to one and onto."""
        if not self.is_invertible():
            raise ValueError("the layout has no inverse")
        columns = self._columns()
        # Gauss-Jordan over GF(2): track which inputs make each reduced column.
        rows = [(value, 1 << i) for i, value in enumerate(columns)]
        solved = {}
        for value, made_of in rows:
            for bit, (other, other_made) in solved.items():
                if value >> bit & 1:
                    value, made_of = value ^ other, made_of ^ other_made
            bit = value.bit_length() - 1
            for known, (other, other_made) in list(solved.items()):
                if other >> bit & 1:
                    solved[known] = (other ^ value, other_made ^ made_of)
            solved[bit] = (value, made_of)
        sizes = [(name, len(images)) for name, images in self.bases]
        bases, bit = {}, 0
        for name, size in self.out_dims:
            images = []
            for _ in range(_log2(size)):
                combination, image, shift = solved[bit][1], [], 0
                for _, width in sizes:
                    image.append(combination >> shift & ((1 << width) - 1))
                    shift += width
                images.append(image)
                bit += 1
            bases[name] = images
        return LinearLayout(bases, {name: 1 << width for name, width in sizes})

    def invert_and_compose(self, other):
        """``self`` followed by the inverse of ``other``: an input of ``self`` to the input of ``other`` with the same image."""
        return self.compose(other.invert())

    def __mul__(self, other):
        """The product: inputs and outputs of ``other`` sit above those of this layout."""
        out = dict(self.out_dims)
        for name, size in other.out_dims:
            out[name] = out.get(name, 1) * size
        names = list(out)
        mine, theirs = self.get_out_dim_names(), other.get_out_dim_names()
        bases = {}
        for name, images in self.bases:
            bases[name] = [[dict(zip(mine, image)).get(n, 0) for n in names] for image in images]
        for name, images in other.bases:
            shifted = [[dict(zip(theirs, image)).get(n, 0) * dict(self.out_dims).get(n, 1) for n in names] for image in images]
            bases[name] = bases.get(name, []) + shifted
        return LinearLayout(bases, out)

    def __eq__(self, other):
        return isinstance(other, LinearLayout) and self.bases == other.bases and self.out_dims == other.out_dims

    def __hash__(self):
        return hash(str(self))

    def __str__(self):
        lines = [f"- {name} = {images}" for name, images in self.bases]
        return "\n".join(lines + [f"where out dims are: {self.out_dims}"])

    __repr__ = __str__
