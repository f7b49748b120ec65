# test_dtypes.py - what types say about themselves
# SPDX-License-Identifier: Apache-2.0
import pytest
import tessera.language as tl
from tessera._types_of_arguments import canonicalize_dtype, validate_block_shape

WIDTHS = {"int1": 1, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
          "float8e5": 8, "float8e4nv": 8, "float8e4b15": 8, "float8e4b8": 8, "float8e5b16": 8, "float16": 16, "bfloat16": 16,
          "float32": 32, "float64": 64}


@pytest.mark.parametrize("name", WIDTHS)
def test_questions(name):
    t = getattr(tl, name)
    floating = "float" in name
    assert t.primitive_bitwidth == WIDTHS[name] and t.itemsize == WIDTHS[name] // 8
    assert t.is_floating() == floating and t.is_int() == (not floating)
    assert t.is_int_signed() == name.startswith("int") * (name != "int1") and t.is_fp8() == ("float8" in name)
    assert t.is_bool() == (name == "int1") and not t.is_ptr() and not t.is_block() and t.scalar is t
    assert getattr(t, f"is_{t.name}")() and repr(t) == f"triton.language.{name}"
    assert tl.str_to_ty(t.signature) == t
    assert t.kind().value == (0 if name == "int1" else 2 if floating else 1)


def test_integer_bounds():
    assert tl.int8.get_int_max_value() == 127 and tl.int8.get_int_min_value() == -128
    assert tl.uint16.get_int_max_value() == 65535 and tl.uint16.get_int_min_value() == 0
    with pytest.raises(AssertionError):
        tl.float32.get_int_max_value()


def test_mantissas_and_biases():
    # Source: OCP 8-bit Floating Point Specification 1.0; IEEE 754-2019, 3.6.
    assert [(t.fp_mantissa_width, t.exponent_bias) for t in (tl.float8e4nv, tl.float8e5, tl.float16, tl.bfloat16, tl.float32,
                                                            tl.float64)] == [(3, 7), (2, 15), (10, 15), (7, 127), (23, 127), (52, 1023)]


def test_pointers():
    p = tl.pointer_type(tl.float16)
    assert p.is_ptr() and p.element_ty == tl.float16 and str(p) == "pointer<fp16>" and p.signature == "*fp16"
    c = tl.pointer_type(tl.float16, const=True)
    assert c.is_const() and c != p and c.signature == "*kfp16" and tl.str_to_ty("*kfp16") == c
    assert p == tl.constexpr(p) and hash(p) == hash(tl.pointer_type(tl.float16))
    with pytest.raises(TypeError, match="element_ty has type `int`"):
        tl.pointer_type(3)


def test_blocks():
    b = tl.block_type(tl.float32, [tl.constexpr(4), 8])
    assert b.is_block() and b.numel == 32 and b.nbytes == 128 and list(b.shape) == [4, 8] and b.scalar == tl.float32
    assert b == tl.block_type(tl.float32, (4, 8)) and b != tl.block_type(tl.float32, (8, 4))
    assert b.with_element_ty(tl.int1).scalar == tl.int1 and b.signature == "block<[4,8],fp32>"
    with pytest.raises(TypeError, match="0d block_type"):
        tl.block_type(tl.float32, [])
    with pytest.raises(ValueError, match="Shape element 1 must be a power of 2"):
        tl.block_type(tl.float32, [4, 6])
    with pytest.raises(ValueError, match="exceeds triton maximum tensor numel"):
        validate_block_shape([1024, 2048])


def test_signatures_of_descriptors_and_tuples():
    d = tl.str_to_ty("tensordesc<fp16[128, 64]>")
    assert isinstance(d, tl.tensor_descriptor_type) and list(d.block_type.shape) == [128, 64]
    t = tl.str_to_ty(("i32", "*fp32"))
    assert t[0] == tl.int32 and t[1] == tl.pointer_type(tl.float32)
    assert tl.str_to_ty("constexpr", 7) == tl.constexpr_type(7)


def test_names_of_other_libraries():
    names = {"torch.float8_e4m3fn": "fp8e4nv", "torch.float8_e5m2": "fp8e5", "torch.half": "fp16", "float64": "fp64", "bool": "u1",
             "torch.bfloat16": "bf16", "uint32": "u32", "torch.float8_e5m2fnuz": "fp8e5b16"}
    assert {name: canonicalize_dtype(name) for name in names} == names
    with pytest.raises(KeyError):
        canonicalize_dtype("complex64")


def test_get_int_dtype():
    assert tl.core.get_int_dtype(16, True) == tl.int16 and tl.core.get_int_dtype(64, False) == tl.uint64
    assert tl.core.get_int_dtype(1, False) == tl.int1
    with pytest.raises(ValueError, match="Unsupported bitwidth 24"):
        tl.core.get_int_dtype(24, True)
