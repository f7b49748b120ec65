# test_error_causes.py - the exception that a CompilationError has as its cause is of the class that Triton raises
# SPDX-License-Identifier: Apache-2.0
import pytest
import tessera as triton
import tessera.language as tl


@triton.jit
def pair(a, b):
    return a + b


CASES = [
    # Arguments that do not bind.
    ("tl.exp()", TypeError, r"exp\(\) missing required argument 'x'"),
    ("tl.load(p, latch=1)", TypeError, r"load\(\) got an unexpected keyword argument 'latch'"),
    ("tl.maximum(x, x, x=x)", TypeError, r"got multiple values for argument 'x'"),
    ("tl.program_id(0, 1, 2)", TypeError, r"program_id\(\) takes at most"),
    ("pair(x)", TypeError, r"pair\(\) missing required argument 'b'"),
    ("pair(x, x, x)", TypeError, r"pair\(\) takes 2 positional arguments"),
    ("tl.full([n], 0, tl.int32)", TypeError, "Shape element 0 must have type `constexpr`"),
    ("tl.full([8.0], 0, tl.int32)", TypeError, r"must have type `constexpr\[int\]`"),
    # Values of types that an operation does not take.
    ("x.to(tl.int8, bitcast=True)", ValueError, "Cannot bitcast data-type of size 32 to data-type of size 8"),
    ("x[0]", ValueError, "unsupported tensor index: 0"),
    ("-p", ValueError, "wrong type argument to unary minus"),
    ("~(x * 0.5)", ValueError, "wrong type argument to unary invert"),
    ("tl.load(x)", ValueError, "Unsupported ptr type .* in `tl.load`"),
    ("tl.load(p, mask=x > 0)", ValueError, "Mask argument cannot be block type if pointer argument is not a block"),
    ("tl.load(p + x, mask=x)", ValueError, "Mask must have boolean scalar type"),
    ("tl.store(x, 1)", ValueError, "Unsupported ptr type .* in `tl.store`"),
    ("tl.store(p, x)", ValueError, "Value argument cannot be block type"),
    ("tl.atomic_add(p.to(tl.pointer_type(tl.int8)), 1)", ValueError, "atomic_add does not support int8"),
    ("tl.atomic_and(p.to(tl.pointer_type(tl.float16)), 1)", ValueError, "atomic_and does not support fp16"),
    ("tl.atomic_cas(p.to(tl.pointer_type(tl.int8)), 0, 1)", ValueError, "atomic_cas only supports elements with width"),
    ("tl.exp(x)", ValueError, r"Expected dtype \['fp32', 'fp64'\] but got int32"),
    ("tl.sqrt_rn(x.to(tl.float16))", ValueError, r"Expected dtype \['fp32'\] but got fp16"),
    ("tl.umulhi(x.to(tl.int8), x.to(tl.int8))", ValueError, "Expected dtype .* but got int8"),
    ("x.to(tl.uint8) + -1", ValueError, "unsigned tensor and a negative scalar"),
    ("x.to(tl.int8) + 300", ValueError, "Scalar 300 is out of range for type int8"),
    ("x.to(tl.float32).to(tl.float16, 'up')", ValueError, "Invalid rounding mode: up. Supported rounding modes are 'rtne' and 'rtz'"),
    # Block pointers, which Triton asserts of.
    ("tl.make_block_ptr(p, (8,), (1,), (0, 0), (8,), (0,))", AssertionError, "to have the same length"),
    ("tl.make_block_ptr(p, (8, 8), (8, 1), (0, 0), (8, 8), (1, 1))", AssertionError, "to be a permutation"),
    ("tl.make_block_ptr(p, (8,), (1,), (n.to(tl.int64),), (8,), (0,))", AssertionError, "only support 32 bit `offsets`"),
    ("tl.load(tl.make_block_ptr(p, (8,), (1,), (0,), (8,), (0,)), boundary_check=(1,))", AssertionError, "boundary_check names dim 1"),
    ("tl.load(tl.make_block_ptr(p, (8,), (1,), (0,), (8,), (0,)), boundary_check=(0, 0))", AssertionError, "Duplicate dimension"),
    # Shapes, likewise.
    ("tl.cat(x, x)", AssertionError, "always may reorder elements"),
    ("tl.cat(x[None], x[None], can_reorder=True)", AssertionError, "two blocks of one type and rank 1"),
    ("tl.split(x)", AssertionError, "the last dimension must have size 2"),
    ("tl.gather(x, x[None], 0)", AssertionError, "must have the same rank"),
    ("tl.make_tensor_descriptor(p, [8, 8], [8, 1], [2, 8]).gather(x, 0)", AssertionError, "must have 1 row"),
    ("tl.make_tensor_descriptor(p, [8, 8], [8, 1], [1, 8]).gather(tl.arange(0, 4), 0)", AssertionError, "at least 8 rows"),
    ("tl.make_tensor_descriptor(p, [8, 8], [8, 1], [1, 4]).gather(x, 0)", AssertionError, "at least 8 columns"),
    ("tl.make_tensor_descriptor(p.to(tl.pointer_type(tl.int16)), [8], [1], [8]).atomic_add([0], x)", AssertionError, "Unsupported dtype int16"),
    # A number or a text is no member of PropagateNan; True was taken for ALL.
    ("tl.maximum(x * 0.5, x, True)", ValueError, "Unexpected propagate_nan True"),
    ("tl.minimum(x * 0.5, x, propagate_nan='all')", ValueError, "Unexpected propagate_nan all"),
    ("tl.clamp(x.to(tl.float32), 0.0, 1.0, 2)", TypeError, "Unexpected propagate_nan 2"),
    ("tl.clamp(x, 0, 1)", TypeError, "Unexpected dtype int32. Only floating point clamp is supported"),
]


@pytest.mark.parametrize("expression, kind, message", CASES, ids=[case[0] for case in CASES])
def test_the_cause_of_a_refused_kernel(expression, kind, message, tmp_path):
    source = tmp_path / "kernel.py"
    source.write_text("import tessera as triton, tessera.language as tl\nfrom test_error_causes import pair\n\n"
                      f"@triton.jit\ndef kernel(p, n):\n    x = tl.arange(0, 8)\n    {expression}\n")
    space = {"__name__": "kernel_of_a_cause", "__file__": str(source)}
    exec(compile(source.read_text(), str(source), "exec"), space)
    with pytest.raises(triton.CompilationError) as refused:
        triton.compile(triton.compiler.ASTSource(space["kernel"], {"p": "*i32", "n": "i32"}))
    cause = refused.value
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    assert type(cause) is kind
    with pytest.raises(kind, match=message):
        raise cause


def test_integers_have_no_nan_to_propagate():

    @triton.jit
    def kernel(p):
        x = tl.arange(0, 8)
        tl.store(p + x, tl.maximum(x, 3, True) + tl.minimum(x, 3, "all"))

    triton.compile(triton.compiler.ASTSource(kernel, {"p": "*i32"}))


def test_an_operand_of_a_scaled_product_has_its_format():

    @triton.jit
    def kernel(p):
        x = tl.zeros([32, 32], tl.bfloat16)
        tl.store(p, tl.sum(tl.dot_scaled(x, None, "fp16", x, None, "bf16")))

    with pytest.raises(triton.CompilationError, match="Unexpected dtype for fp16. Got bf16"):
        triton.compile(triton.compiler.ASTSource(kernel, {"p": "*fp32"}))


def test_a_sum_of_bits_of_floats_is_a_failed_assertion():

    @triton.jit
    def kernel(p):
        tl.store(p, tl.xor_sum(tl.arange(0, 8) * 0.5))

    with pytest.raises(triton.compiler.CompileTimeAssertionFailure, match="xor_sum only supported for integers"):
        triton.compile(triton.compiler.ASTSource(kernel, {"p": "*fp32"}))


def test_a_sort_of_another_dimension_is_a_failed_assertion():

    @triton.jit
    def kernel(p):
        tl.store(p + tl.arange(0, 8)[:, None] * 8 + tl.arange(0, 8)[None, :], tl.sort(tl.zeros([8, 8], tl.float32), 0))

    with pytest.raises(triton.compiler.CompileTimeAssertionFailure, match="only minor dimension is currently supported"):
        triton.compile(triton.compiler.ASTSource(kernel, {"p": "*fp32"}))
