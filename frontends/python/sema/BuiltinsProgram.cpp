// BuiltinsProgram.cpp - program ids, creation of values, casts, facts
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

#include <cmath>

namespace tessera::py {

namespace {
int64_t gridAxis(Visitor &v, const Value &axis, const char *what) {
  int64_t a = v.needInt(axis, "axis");
  if (a < 0 || a > 2)
    v.failArgument(std::string(what) + " axis must be 0, 1, or 2 but got " + std::to_string(a));
  return a;
}
Value programId(Visitor &v, Args &a) {
  int64_t axis = gridAxis(v, a[0], "program_id");
  return Emitter::scalar(tile::ProgramIdOp::create(v.b, v.loc, axis), ScalarKind::Int32);
}
Value numPrograms(Visitor &v, Args &a) {
  int64_t axis = gridAxis(v, a[0], "num_programs");
  return Emitter::scalar(tile::NumProgramsOp::create(v.b, v.loc, axis), ScalarKind::Int32);
}

Value arange(Visitor &v, Args &a) {
  for (const Value &x : {a[0], a[1]})
    if (!x.isConst() || !x.host.isIntOrBool())
      v.fail(DiagId::NotConstexpr, "arange's arguments must be of type tl.constexpr",
             x.isConst() ? "this one is " + abridged(repr(x.host)) + ", which is no int" : Emitter::constexprAdvice(x));
  return v.arange(v.needInt(a[0], "start"), v.needInt(a[1], "end"));
}

// As Triton, whose builder takes no such numbers: an integer is at most 64 bits, and nothing of a float is lost. Whole numbers wrap, as there.
void needInteger(Visitor &v, const Value &value, DType t) {
  if (!value.isNumber() || !t.isInt() || t.isBool())
    return;
  if (value.host.isFloat()) {
    double number = value.host.floatValue();
    if (!(number == std::trunc(number)) || std::isinf(number))
      v.failType("value " + v.describe(value) + " is no integer, which " + t.str() + " needs",
                 "use tl.full(…, tl.float32).to(" + t.str() + "), or an integer");
  } else if (value.host.bigInt().bitLength() > 64) {
    v.failArgument("value " + v.describe(value) + " does not fit 64 bits");
  }
}
Value full(Visitor &v, Args &a) {
  auto shape = v.needShape(a[0]);
  if (a.has(2) && a[2].isNone())
    v.failArgument("dtype must be specified when value is not a tensor");
  DType t = v.needDType(a[2], "dtype");
  needInteger(v, a[1], t);
  return v.full(shape, !shape.empty(), a[1], t);
}
Value zeros(Visitor &v, Args &a) {
  auto shape = v.needShape(a[0]);
  return v.full(shape, !shape.empty(), Emitter::constInt(0), v.needDType(a[1], "dtype"));
}
Value zerosLike(Visitor &v, Args &a) { return v.zeroOf(v.toTensor(a[0]).type); }
Value fullLike(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  return v.full(x.type.shape, x.type.block, a[1], x.type.elem);
}

Value cast(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  DType to = v.needDType(a[1], "dtype");
  if (a.has(3) && v.truth(a[3], "bitcast"))
    return v.bitcast(x, to);
  std::optional<int> rounding;
  if (!a[2].isNoneOrAbsent()) {
    std::string mode = v.needString(a[2], "fp_downcast_rounding");
    if (mode != "rtne" && mode != "rtz")
      v.failArgument("Invalid rounding mode: " + mode + ". Supported rounding modes are 'rtne' and 'rtz'.",
                     "rtne rounds to nearest even, rtz towards zero");
    rounding = mode == "rtz";
  }
  for (const std::string &name : v.options.unsupportedFp8)
    if (to.str() == name)
      v.failValue("type " + name + " not supported in this architecture.");
  return v.cast(x, to, rounding);
}
Value toTensor(Visitor &v, Args &a) { return v.toTensor(a[0]); }

Value constexprOf(Visitor &v, Args &a) {
  if (!toHost(a[0]) && a[0].kind != ValueKind::Function && !a[0].isTuple())
    v.fail(DiagId::NotConstexpr, "tl.constexpr of a value that is known at run time only");
  return a[0];
}

// A constexpr is its value here. Kernels of PyTorch's Inductor call this.
Value unwrapped(Visitor &, Args &a) { return a[0]; }

Value constexprTypeOf(Visitor &v, Args &a) {
  auto known = toHost(a[0]);
  if (!known)
    v.fail(DiagId::NotConstexpr, "tl.constexpr_type of a value that is known at run time only");
  return constexprType(*known);
}

template <int Which> Value hint(Visitor &v, Args &a) {
  Value x = a[0];
  if (x.isNumber())
    return x;
  x = v.toTensor(x);
  auto values = v.needInts(a[1], "values");
  size_t expected = x.isBlock() ? x.type.rank() : 1;
  if (values.size() != expected && Which != 0)
    v.failArgument("Shape of input to hint does not match the length of values: " + std::to_string(expected) +
                   " dims, " + std::to_string(values.size()) + " values");
  if (values.size() != expected)
    v.failArgument("Shape of input to multiple_of does not match the length of values");
  for (int64_t d : values)
    if (d < 1)
      v.failArgument("values must be positive");
  llvm::ArrayRef<int64_t> none;
  if (Which == 0 && x.type.elem.isPtr()) // bytes in the IR, elements in the source
    for (int64_t &d : values)
      d *= std::max(1u, x.type.elem.pointee().storageBits() / 8);
  mlir::Value r = tile::HintOp::create(v.b, v.loc, x.ir, Which == 0 ? llvm::ArrayRef<int64_t>(values) : none,
                                       Which == 1 ? llvm::ArrayRef<int64_t>(values) : none,
                                       Which == 2 ? llvm::ArrayRef<int64_t>(values) : none);
  return Emitter::tensor(r, x.type);
}

Value assume(Visitor &v, Args &a) {
  if (a[0].isConst())
    return Emitter::none();
  Value c = v.toBool(v.toTensor(a[0]));
  tile::AssumeOp::create(v.b, v.loc, c.ir);
  return Emitter::none();
}
Value barrier(Visitor &v, Args &) {
  tile::BarrierOp::create(v.b, v.loc);
  return Emitter::none();
}

Value pointerType(Visitor &v, Args &a) {
  DType t = v.needDType(a[0], "the element type");
  if (t.isPtr())
    v.notSupported("a pointer to pointers");
  return Emitter::typeValue(scalarType(t.pointerTo(a.has(2) && v.truth(a[2], "const"))));
}
Value blockTypeOf(Visitor &v, Args &a) {
  auto shape = v.needShape(a[1]);
  return Emitter::typeValue(blockType(v.needDType(a[0], "the element type"), shape));
}
Value getIntDtype(Visitor &v, Args &a) {
  int64_t width = v.needInt(a[0], "bitwidth");
  bool isSigned = v.truth(a[1], "signed");
  auto t = width == 1 ? std::optional(dtype(ScalarKind::Int1))
                      : dtypeBySignature((isSigned ? "i" : "u") + std::to_string(width));
  if (!t)
    v.failArgument("Unsupported bitwidth " + std::to_string(width) + " and signedness");
  return Emitter::typeValue(scalarType(*t));
}
Value strToTy(Visitor &v, Args &a) {
  auto t = dtypeBySignature(v.needString(a[0], "name"));
  if (!t)
    v.failArgument("unknown type " + a[0].host.str());
  return Emitter::typeValue(scalarType(*t));
}
Value nextPowerOf2(Visitor &v, Args &a) {
  if (!a[0].isConst())
    v.fail(DiagId::NotConstexpr, "next_power_of_2's argument must be a constexpr integer, not " + v.describeType(a[0]),
           Emitter::constexprAdvice(a[0]));
  int64_t n = v.needInt(a[0], "next_power_of_2's argument"), p = 1;
  while (p < n && p > 0)
    p <<= 1;
  return Emitter::constInt(n <= 0 ? 0 : p);
}
Value log2Const(Visitor &v, Args &a) {
  int64_t n = v.needInt(a[0], "_log2's argument"), log = 0;
  for (; n > 1; n >>= 1)
    ++log;
  return Emitter::constInt(log);
}
Value isPowerOfTwo(Visitor &v, Args &a) {
  int64_t n = v.needInt(a[0], "the argument");
  return Emitter::constBool(n > 0 && (n & (n - 1)) == 0);
}
Value cdiv(Visitor &v, Args &a) {
  using O = BinOpKind;
  Value top = v.binaryOp(O::Sub, v.binaryOp(O::Add, a[0], a[1]), Emitter::constInt(1));
  return v.binaryOp(O::FloorDiv, top, a[1]);
}

// A marker class: usable in isinstance only.
Value marker(Visitor &v, Args &) { v.failType("this type cannot be called in a kernel"); }

// "sm_90a" -> 90; 0 where the target is no CUDA device.
int64_t cudaArch(const Visitor &v) {
  std::string_view name = v.options.targetName;
  if (!name.starts_with("sm_"))
    return 0;
  int64_t arch = 0;
  for (char c : name.substr(3))
    if (c >= '0' && c <= '9')
      arch = arch * 10 + (c - '0');
  return arch;
}
Value isCuda(Visitor &v, Args &) { return Emitter::constBool(cudaArch(v) != 0); }
Value cudaAtLeast(Visitor &v, Args &a) {
  int64_t minor = a[1].isNoneOrAbsent() ? 0 : v.needInt(a[1], "minor");
  int64_t arch = cudaArch(v);
  return Emitter::constBool(arch && arch >= v.needInt(a[0], "major") * 10 + minor);
}
Value isHip(Visitor &v, Args &) { return Emitter::constBool(v.options.targetName.starts_with("gfx")); }
template <int Generation> Value isCdna(Visitor &v, Args &) {
  return Emitter::constBool(v.options.targetName.starts_with(Generation == 3 ? "gfx942" : "gfx950"));
}

const BuiltinDef kRows[] = {
    {"program_id", "axis", programId},
    {"num_programs", "axis", numPrograms},
    {"arange", "start end", arange},
    {"full", "shape value dtype", full},
    {"full_like", "input value", fullLike},
    {"zeros", "shape dtype", zeros},
    {"zeros_like", "input", zerosLike},
    {"cast", "input dtype fp_downcast_rounding? bitcast?", cast, kMethod},
    {"to_tensor", "x", toTensor},
    {"constexpr", "value", constexprOf, kRawErrors},
    {"_unwrap_if_constexpr", "o", unwrapped, kRawErrors},
    {"multiple_of", "input values", hint<0>},
    {"max_contiguous", "input values", hint<1>},
    {"max_constancy", "input values", hint<2>},
    {"assume", "cond", assume},
    {"debug_barrier", "", barrier},
    {"pointer_type", "element_ty address_space? const?", pointerType},
    {"block_type", "element_ty shape", blockTypeOf},
    {"get_int_dtype", "bitwidth signed", getIntDtype},
    {"str_to_ty", "name c?", strToTy},
    {"next_power_of_2", "n", nextPowerOf2},
    {"cdiv", "x div", cdiv, kMethod},
    {"_log2", "i", log2Const},
    {"_is_power_of_two", "i", isPowerOfTwo},
    {"tensor", "*args", marker},
    {"dtype", "name", strToTy},
    {"const", "*args", marker},
    {"constexpr_type", "value", constexprTypeOf},
    {"PropagateNan", "*args", marker},
    {"is_cuda", "", isCuda, kPlain, "triton.language.target_info"},
    {"is_hip", "", isHip, kPlain, "triton.language.target_info"},
    {"is_hip_cdna3", "", isCdna<3>, kPlain, "triton.language.target_info"},
    {"is_hip_cdna4", "", isCdna<4>, kPlain, "triton.language.target_info"},
    {"cuda_capability_geq", "major minor?", cudaAtLeast, kPlain, "triton.language.target_info"},
};
} // namespace

BuiltinTable programBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
