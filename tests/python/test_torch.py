# test_torch.py - kernels as PyTorch operators; tensors as arguments. Needs PyTorch, which the package itself never does.
# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest
import tessera
import tessera.language as tl

torch = pytest.importorskip("torch")
import tessera.torch  # noqa: E402

_names = itertools.count()


def fresh_name():
    return f"tessera_tests::op{next(_names)}"


@tessera.jit
def scale(x, out, n, factor, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, factor * tl.load(x + i, mask=i < n), mask=i < n)


def grid(args):
    return (tessera.cdiv(args["n"], args["BLOCK"]),)


def test_a_complex_tensor_is_refused_with_its_dtype():
    x = torch.ones(16)
    with pytest.raises(TypeError, match="argument 'x' of scale: tensors of dtype torch.complex64 cannot be passed to a kernel"):
        scale[(1,)](x.to(torch.complex64), x, 16, 2.0, BLOCK=16)


def test_mutated_arguments_come_from_the_compiler():
    x = torch.ones(10)
    assert tessera.torch.mutated_args(scale, x, x, 10, 2.0, BLOCK=16) == ("out",)


@tessera.jit
def sum_and_first(outs, ins, n, factors, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    first, second = tl.load(ins[0] + i, mask=i < n), tl.load(ins[1] + i, mask=i < n)
    tl.store(outs[0] + i, factors[0] * first + factors[1] * second, mask=i < n)
    tl.store(outs[1] + i, first, mask=i < n)


@tessera.jit
def second_only(pair, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(pair[1] + i, tl.load(pair[0] + i, mask=i < n), mask=i < n)


def test_operators_of_tuples():
    x, y = torch.arange(100, dtype=torch.float32), torch.ones(100)
    assert tessera.torch.mutated_args(sum_and_first, (x, y), (x, y), 100, (2.0, 3.0), BLOCK=64) == ("outs.0", "outs.1")
    assert tessera.torch.mutated_args(second_only, (x, y), 100, BLOCK=64) == ("pair.1",)
    options = {"grid": grid, "constants": {"BLOCK": 64}}
    op = tessera.torch.register(sum_and_first, name=fresh_name(), example=((x, y), (x, y), 100, (2.0, 3.0)), **options)
    assert str(op._opoverload._schema).endswith("(Tensor(a0!)[] outs, Tensor[] ins, SymInt n, float[] factors) -> ()")
    outs = [torch.empty(100), torch.empty(100)]
    op(outs, [x, y], 100, [2.0, 3.0])
    assert torch.equal(outs[0], 2 * x + 3) and torch.equal(outs[1], x)
    torch.library.opcheck(op, (outs, [x, y], 100, [2.0, 3.0]), test_utils=("test_schema", "test_faketensor"))
    # A leaf that is written makes the whole list a written one, in a schema that is given as in one that is found.
    op = tessera.torch.register(second_only, name=fresh_name(), schema="(Tensor(a!)[] pair, int n) -> ()", **options)
    pair = [x, torch.empty(100)]
    op(pair, 100)
    assert torch.equal(pair[1], x)
    with pytest.raises(ValueError, match="the kernel also writes pair"):
        tessera.torch.register(second_only, name=fresh_name(), mutates=(), example=((x, y), 100), **options)
    with pytest.raises(ValueError, match="lists of one kind"):
        tessera.torch.register(second_only, name=fresh_name(), example=((x, y, 3), 100), **options)


def register(**options):
    return tessera.torch.register(scale, name=fresh_name(), grid=grid, constants={"BLOCK": 64}, **options)


def test_an_operator_with_its_schema_found_out():
    x = torch.arange(100, dtype=torch.float32)
    op = register(example=(x, x, 100, 2.0))
    assert str(op._opoverload._schema).endswith("(Tensor x, Tensor(a1!) out, SymInt n, float factor) -> ()")
    out = torch.empty(100)
    op(x, out, 100, 2.5)
    assert torch.equal(out, 2.5 * x)
    torch.library.opcheck(op, (x, out, 100, 2.5), test_utils=("test_schema", "test_faketensor"))


def test_a_given_schema_and_wrong_ones():
    op = register(schema="(Tensor x, Tensor(a!) out, int n, float factor) -> ()")
    out = torch.empty(5)
    op(torch.ones(5), out, 5, 3.0)
    assert out.tolist() == [3.0] * 5
    example = (torch.ones(5), torch.ones(5), 5, 1.0)
    with pytest.raises(ValueError, match="the kernel also writes out"):
        register(mutates=(), example=example)
    with pytest.raises(ValueError, match="`mutates` names z"):
        register(mutates=("out", "z"), example=example)
    with pytest.raises(ValueError, match="says that"):
        register(schema="(Tensor(a!) x, Tensor(b!) out, int n, float factor) -> ()", mutates=("out",))
    with pytest.raises(ValueError, match="`grid`"):
        tessera.torch.register(scale, name=fresh_name(), example=example)
    with pytest.raises(ValueError, match="`mutates`, a schema, or `example`"):
        register()


def test_a_function_with_fake_and_backward():

    def times_three(x: torch.Tensor) -> torch.Tensor:
        out = torch.empty_like(x)
        scale[(tessera.cdiv(x.numel(), 64),)](x, out, x.numel(), 3.0, BLOCK=64)
        return out

    op = tessera.torch.register(times_three, name=fresh_name(), mutates=(), fake=torch.empty_like, backward=lambda ctx, g: 3 * g)
    x = torch.randn(50, requires_grad=True)
    op(x).sum().backward()
    assert torch.equal(x.grad, torch.full((50,), 3.0))
    torch.library.opcheck(op, (x.detach(),), test_utils=("test_schema", "test_faketensor", "test_autograd_registration"))


def test_inside_an_autograd_function():

    class Scale(torch.autograd.Function):

        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            out = torch.empty_like(x)
            scale[(1,)](x, out, x.numel(), factor, BLOCK=64)
            return out

        @staticmethod
        def backward(ctx, grad):
            out = torch.empty_like(grad)
            scale[(1,)](grad, out, grad.numel(), ctx.factor, BLOCK=64)
            return out, None

    x = torch.randn(30, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: Scale.apply(v, 2.0), (x,))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
def test_dtypes(name):
    dtype = getattr(torch, name)

    @tessera.jit
    def copy(x, out):
        i = tl.arange(0, 16)
        tl.store(out + i, tl.load(x + i))

    x = torch.randint(0, 2, (16,)).to(dtype)
    out = torch.zeros_like(x)
    copy[(1,)](x, out)
    assert torch.equal(x, out)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_library_product_that_programs_compare_with(dtype):
    from tessera._C.libtriton import nvidia
    a, b, c = (torch.randn(shape).to(dtype) for shape in ((5, 16), (7, 16), (5, 7)))
    handle, d = nvidia.cublas.CublasLt(torch.empty(1 << 10, dtype=torch.uint8)), torch.empty_like(c)
    handle.matmul(a, b, d)
    torch.testing.assert_close(d, a @ b.T)
    handle.gemm(a, b, c, d, 2.0, 0.5)
    torch.testing.assert_close(d, torch.addmm(c, a, b.T, alpha=2.0, beta=0.5))
    handle.gemm(a, b, c, d, 2.0, 0.0)
    torch.testing.assert_close(d, (a @ b.T) * 2.0)
    with pytest.raises(RuntimeError):
        handle.matmul(a, b, c[:3])
