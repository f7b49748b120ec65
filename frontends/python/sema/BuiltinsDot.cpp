// BuiltinsDot.cpp - matrix products
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
using K = ScalarKind;

tile::DotPrecision precisionOf(Visitor &v, const Value &given, const Value &allowTf32, bool isF32) {
  std::string s;
  if (!given.isNoneOrAbsent()) {
    s = v.needString(given, "input_precision");
    if (!allowTf32.isNoneOrAbsent())
      v.failArgument("Only one of input_precision and allow_tf32 can be specified");
  } else if (!allowTf32.isNoneOrAbsent()) {
    s = v.truth(allowTf32, "allow_tf32") ? "tf32" : "ieee";
  } else {
    s = isF32 ? v.options.defaultDotPrecision : "";
  }
  std::string name = s;
  for (char &c : name)
    c = static_cast<char>(std::tolower(c));
  tile::DotPrecision p = tile::DotPrecision::Default;
  if (name == "tf32")
    p = tile::DotPrecision::TF32;
  else if (name == "tf32x3")
    p = tile::DotPrecision::TF32x3;
  else if (name == "ieee")
    p = tile::DotPrecision::IEEE;
  else if (name == "bf16x3")
    p = tile::DotPrecision::BF16x3;
  else if (name == "bf16x6")
    p = tile::DotPrecision::BF16x6;
  else if (!name.empty())
    v.failArgument("input_precision must be one of ('tf32', 'tf32x3', 'ieee', 'bf16x3', 'bf16x6'). Got " + s);
  return isF32 ? p : tile::DotPrecision::Default;
}

Value flattenBatch(Visitor &v, const Value &x) {
  llvm::ArrayRef<int64_t> s = x.type.shape;
  int64_t batch = 1;
  for (int64_t d : s.drop_back(2))
    batch *= d;
  return v.reshape(x, {batch, s[s.size() - 2], s[s.size() - 1]});
}

Value dot(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]), y = v.toTensor(a[1]);
  // An old spelling that documents still use: an operand that is given transposed.
  auto transposed = [&](Value &operand, const Value &flag) {
    if (flag.isNoneOrAbsent() || !v.truth(flag, "trans_a and trans_b") || operand.type.rank() < 2)
      return;
    llvm::SmallVector<int64_t, 4> order;
    for (size_t i = 0; i < operand.type.rank(); ++i)
      order.push_back(static_cast<int64_t>(i));
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    operand = v.permute(operand, order);
  };
  transposed(x, a[7]);
  transposed(y, a[8]);
  if (!x.isBlock() || !y.isBlock())
    v.failType("dot takes two blocks, got " + x.type.str() + " and " + y.type.str());
  DType tx = x.type.elem, ty = y.type.elem;
  if (!(tx.isFp8() && ty.isFp8())) {
    for (DType t : {tx, ty})
      if (!(t.is(K::Int8) || t.is(K::UInt8) || t.is(K::FP16) || t.is(K::BF16) || t.is(K::FP32) || t.is(K::FP64)))
        v.failType("Unsupported " + std::string(t == tx ? "lhs" : "rhs") + " dtype " + t.str(),
                   "dot takes int8, fp8, fp16, bf16, fp32 and fp64");
    if (!(tx == ty))
      v.failType("Both operands must be same dtype. Got " + tx.str() + " and " + ty.str(),
                 "convert one: b.to(a.dtype)");
    if (tx.is(K::UInt8))
      v.failType("only int8 supported!");
  }
  if (x.type.rank() != y.type.rank() || x.type.rank() < 2)
    v.fail(DiagId::ShapeMismatch, "Both inputs must be either 2D or 3D; (lhs: " + shapeText(x.type.shape) +
                                      " vs rhs: " + shapeText(y.type.shape) + ")");
  llvm::ArrayRef<int64_t> sx = x.type.shape, sy = y.type.shape;
  size_t r = sx.size();
  if (sx[r - 1] != sy[r - 2])
    v.fail(DiagId::ShapeMismatch, "First input shape (" + shapeText(sx) + ") and second input shape " + shapeText(sy) +
                                      " are not compatible for matmul (second index of first shape (" +
                                      std::to_string(sx[r - 1]) + ") must be equal to first index of second shape (" +
                                      std::to_string(sy[r - 2]) + ")");
  if (sx.drop_back(2) != sy.drop_back(2))
    v.fail(DiagId::ShapeMismatch, "batch dimensions of dot do not agree: " + shapeText(sx) + " and " + shapeText(sy));
  const auto &least = v.options.minDot;
  int64_t leastK = tx.bits() == 8 ? least[3] : least[2];
  if (sx[r - 2] < least[0] || sy[r - 1] < least[1] || sx[r - 1] < leastK)
    v.fail(DiagId::ShapeMismatch,
           "Input shapes should have M >= " + std::to_string(least[0]) + ", N >= " + std::to_string(least[1]) +
               " and K >= " + std::to_string(leastK),
           "the target's matrix instructions take no smaller block; this one is M = " + std::to_string(sx[r - 2]) +
               ", N = " + std::to_string(sy[r - 1]) + ", K = " + std::to_string(sx[r - 1]));
  if ((tx.is(K::FP8E4B15) || ty.is(K::FP8E4B15)) && v.options.targetName.starts_with("sm_") &&
      v.options.targetName.size() > 4 && v.options.targetName.compare(3, 1, "8") > 0)
    v.warn(DiagId::Deprecated, "the use of fp8e4b15 is deprecated on Hopper and later architectures and can cause "
                               "significant slow down. It will be removed in a future triton release");
  for (Value *p : {&x, &y})
    if (p->type.elem.is(K::FP8E4B15))
      *p = v.cast(*p, dtype(K::FP16));
  DType out = a[6].isNoneOrAbsent() ? dtype(K::FP32) : v.needDType(a[6], "out_dtype");
  if (out.is(K::BF16))
    v.failArgument(
        "out_dtype=bfloat16 is unsupported. Please use out_dtype=float32/float16 and cast with `.to(tl.bfloat16)`");
  if (tx.isInt())
    out = dtype(K::Int32);
  else if (tx.is(K::FP32) || tx.is(K::BF16))
    out = dtype(K::FP32);
  else if (tx.is(K::FP64))
    out = dtype(K::FP64);
  else if (!out.is(K::FP16) && !out.is(K::FP32))
    v.failArgument("out_dtype must be float16 or float32, not " + out.str());
  llvm::SmallVector<int64_t, 4> shape(sx.begin(), sx.end());
  shape[r - 1] = sy[r - 1];
  TensorType result = blockType(out, shape);
  Value acc;
  if (a[2].isNoneOrAbsent()) {
    v.checkShape(shape);
    acc = v.zeroOf(result);
  } else {
    acc = v.toTensor(a[2]);
    if (!(acc.type == result))
      v.fail(DiagId::ShapeMismatch, "the accumulator of dot must be " + result.str() + ", not " + acc.type.str());
  }
  tile::DotPrecision precision = precisionOf(v, a[3], a[4], tx.is(K::FP32));
  bool isFp8 = tx.isFp8() && ty.isFp8();
  int64_t imprecise = isFp8 ? v.options.defaultImprecise : 0;
  if (!a[5].isNoneOrAbsent()) {
    imprecise = v.needInt(a[5], "max_num_imprecise_acc");
    if (isFp8 && (imprecise < 0 || imprecise > sx[r - 1]))
      v.failArgument("max_num_imprecise_acc (" + std::to_string(imprecise) + ") must be <= K (" +
                     std::to_string(sx[r - 1]) + ")");
    if (!isFp8)
      imprecise = 0;
  }
  if (r > 3) {
    x = flattenBatch(v, x);
    y = flattenBatch(v, y);
    acc = flattenBatch(v, acc);
  }
  Value d = Emitter::tensor(tile::DotOp::create(v.b, v.loc, x.ir, y.ir, acc.ir, precision, imprecise), acc.type);
  return r > 3 ? v.reshape(d, shape) : d;
}

tile::ScaledFormat formatOf(Visitor &v, const Value &x) {
  std::string s = v.needString(x, "the format");
  if (s == "e2m1")
    return tile::ScaledFormat::E2M1;
  if (s == "e4m3")
    return tile::ScaledFormat::E4M3;
  if (s == "e5m2")
    return tile::ScaledFormat::E5M2;
  if (s == "bf16")
    return tile::ScaledFormat::BF16;
  if (s == "fp16")
    return tile::ScaledFormat::FP16;
  v.failArgument("NYI: format " + s, "e2m1, e4m3, e5m2, bf16 and fp16 are known");
}
// Formats arrive as uint8 too; the op wants the element type itself.
Value inFormat(Visitor &v, const Value &x, const Value &format) {
  tile::ScaledFormat f = formatOf(v, format);
  static constexpr K kinds[] = {K::UInt8, K::FP8E4NV, K::FP8E5, K::BF16, K::FP16};
  DType want = dtype(kinds[static_cast<int>(f)]);
  if (x.type.elem.bits() != want.bits() || (x.type.elem.isFloat() && x.type.elem != want))
    v.fail(DiagId::WrongType,
           "Unexpected dtype for " + v.needString(format, "the format") + ". Got " + x.type.elem.str(),
           "elements are " + want.str() + ", or their bits as integers", "AssertionError");
  return v.bitcast(x, want);
}

Value dotScaled(Visitor &v, Args &a) {
  tile::ScaledFormat lf = formatOf(v, a[2]), rf = formatOf(v, a[5]);
  Value x = inFormat(v, v.toTensor(a[0]), a[2]), y = inFormat(v, v.toTensor(a[3]), a[5]);
  auto flag = [&](size_t i, bool otherwise) { return a[i].isNoneOrAbsent() ? otherwise : v.truth(a[i], "the option"); };
  bool lPack = flag(8, true), rPack = flag(9, true);
  if (!x.isBlock() || !y.isBlock() || x.type.rank() != y.type.rank() || x.type.rank() < 2)
    v.fail(DiagId::ShapeMismatch,
           "Both inputs must be either 2D or 3D; (lhs: " + x.type.str() + " vs rhs: " + y.type.str() + ")");
  size_t r = x.type.rank();
  auto factor = [](tile::ScaledFormat f, bool packed) { return f == tile::ScaledFormat::E2M1 && packed ? 2 : 1; };
  int64_t m = x.type.shape[r - 2] * (lf == tile::ScaledFormat::E2M1 && !lPack ? 2 : 1);
  int64_t n = y.type.shape[r - 1] * (rf == tile::ScaledFormat::E2M1 && !rPack ? 2 : 1);
  int64_t kx = x.type.shape[r - 1] * factor(lf, lPack), ky = y.type.shape[r - 2] * factor(rf, rPack);
  if (kx != ky)
    v.fail(DiagId::ShapeMismatch, "Reduction dimension should pack the same number of elements; (lhs: " + x.type.str() +
                                      " vs rhs: " + y.type.str() + ")");
  auto scale = [&](const Value &s) -> Value {
    if (s.isNoneOrAbsent())
      return {};
    Value t = v.toTensor(s);
    if (t.type.elem.bits() != 8 || !t.type.elem.isInt())
      v.notSupported("a scale of type " + t.type.elem.str());
    return v.bitcast(t, dtype(K::UInt8));
  };
  Value xs = scale(a[1]), ys = scale(a[4]);
  // One scale a row (of rhs: a column) and 32 elements of the depth.
  auto checkScale = [&](const Value &s, int64_t rows, const char *what) {
    if (!s.isTensor())
      return;
    llvm::SmallVector<int64_t, 4> want(x.type.shape.begin(), x.type.shape.end());
    want[r - 2] = rows;
    want[r - 1] = std::max<int64_t>(1, kx / 32);
    if (s.type.shape == want)
      return;
    std::string got; // as Triton prints a shape
    for (int64_t d : s.type.shape)
      got += (got.empty() ? "['" : ", '") + std::to_string(d) + "'";
    v.fail(DiagId::ShapeMismatch,
           std::string(what) + "_scale must be a tensor of shape " + shapeText(want) + ". Got " + got + "]");
  };
  checkScale(xs, m, "lhs");
  checkScale(ys, n, "rhs");
  llvm::SmallVector<int64_t, 4> shape(x.type.shape.begin(), x.type.shape.end());
  shape[r - 2] = m;
  shape[r - 1] = n;
  DType out = a[10].isNoneOrAbsent() ? dtype(K::FP32) : v.needDType(a[10], "out_dtype");
  TensorType result = blockType(out, shape);
  Value acc = a[6].isNoneOrAbsent() ? v.zeroOf(result) : v.toTensor(a[6]);
  if (!(acc.type == result))
    v.fail(DiagId::ShapeMismatch, "the accumulator of dot_scaled must be " + result.str() + ", not " + acc.type.str());
  mlir::Value d =
      tile::DotScaledOp::create(v.b, v.loc, x.ir, y.ir, acc.ir, xs.ir, ys.ir, lf, rf, lPack, rPack, flag(7, false));
  return Emitter::tensor(d, result);
}

const BuiltinDef kRows[] = {
    {"dot", "input other acc? input_precision? allow_tf32? max_num_imprecise_acc? out_dtype? trans_a? trans_b?", dot},
    {"dot_scaled",
     "lhs lhs_scale lhs_format rhs rhs_scale rhs_format acc? fast_math? lhs_k_pack? rhs_k_pack? out_dtype?", dotScaled},
};
} // namespace

BuiltinTable dotBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
