// Memory.cpp - loads, stores and atomics of global memory
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using tessera::codegen::simt::AccessHints;
using tessera::tbc::Elem;
using tessera::tbc::MemScope;
using tessera::tbc::MemSem;
using tessera::tbc::Rmw;

namespace tessera::nvidia {

namespace {

// How one access looks in PTX: `count` parts of `bits` each (PTX ISA, "ld", "st").
struct AccessShape {
  unsigned bits = 32, count = 1;
  Type *part = nullptr, *whole = nullptr; // whole: a vector of parts, or the part
  std::string suffix() const { return (count > 1 ? ".v" + std::to_string(count) : "") + ".b" + std::to_string(bits); }
  char letter() const { return bits == 64 ? 'l' : bits == 32 ? 'r' : 'h'; }
};

AccessShape shapeOf(IRBuilderBase &b, Type *type) {
  auto total = static_cast<unsigned>(type->getPrimitiveSizeInBits().getFixedValue());
  AccessShape s;
  unsigned element = type->getScalarSizeInBits();
  s.bits = total < 32 ? total : element == 64 ? 64 : 32;
  s.count = total / s.bits;
  s.part = b.getIntNTy(s.bits);
  s.whole = s.count > 1 ? static_cast<Type *>(FixedVectorType::get(s.part, s.count)) : s.part;
  return s;
}

// An 8-bit register does not exist: a byte travels in a 16-bit one.
Type *registerType(IRBuilderBase &b, const AccessShape &s) { return s.bits == 8 ? b.getInt16Ty() : s.part; }

std::string loadQualifiers(AccessHints h) {
  if (h.isVolatile)
    return ".volatile.global";
  std::string text = ".global";
  switch (h.cache) {
  case tbc::Cache::CA:
    text += ".ca";
    break;
  case tbc::Cache::CG:
    text += ".cg";
    break;
  case tbc::Cache::CV:
    text += ".cv";
    break;
  case tbc::Cache::CS:
    text += ".cs";
    break;
  default:
    break;
  }
  // A cache operator and an eviction priority exclude each other.
  if (text == ".global" && h.evict == tbc::Evict::First)
    text += ".L1::evict_first";
  if (text == ".global" && h.evict == tbc::Evict::Last)
    text += ".L1::evict_last";
  return text;
}

std::string storeQualifiers(AccessHints h) {
  std::string text = ".global";
  switch (h.cache) {
  case tbc::Cache::WB:
    return text + ".wb";
  case tbc::Cache::CG:
    return text + ".cg";
  case tbc::Cache::CS:
    return text + ".cs";
  case tbc::Cache::WT:
    return text + ".wt";
  default:
    break;
  }
  if (h.evict == tbc::Evict::First)
    text += ".L1::evict_first";
  if (h.evict == tbc::Evict::Last)
    text += ".L1::evict_last";
  return text;
}

Value *inGlobalSpace(IRBuilderBase &b, Value *pointer, unsigned space) {
  return b.CreateAddrSpaceCast(pointer, PointerType::get(b.getContext(), space));
}

bool isPlain(AccessHints h) { return h.cache == tbc::Cache::None && h.evict == tbc::Evict::Normal && !h.isVolatile; }

bool alwaysTrue(Value *predicate) {
  auto *c = dyn_cast_or_null<ConstantInt>(predicate);
  return !predicate || (c && c->isOne());
}

// Parts of a value as registers.
SmallVector<Value *, 4> partsOf(IRBuilderBase &b, Value *value, const AccessShape &s) {
  Value *whole = b.CreateBitCast(value, s.whole);
  SmallVector<Value *, 4> parts;
  for (unsigned i = 0; i < s.count; ++i) {
    Value *part = s.count > 1 ? b.CreateExtractElement(whole, i) : whole;
    parts.push_back(b.CreateZExt(part, registerType(b, s)));
  }
  return parts;
}

std::string listOf(unsigned from, unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(from + i);
  return count > 1 ? "{" + text + "}" : text;
}

} // namespace

Value *NvLaneTarget::loadGlobal(IRBuilderBase &b, Type *type, V pointer, V predicate, V other, unsigned align,
                                AccessHints hints) {
  pointer = inGlobalSpace(b, pointer, globalSpace());
  if (alwaysTrue(predicate) && isPlain(hints))
    return b.CreateAlignedLoad(type, pointer, Align(align));
  AccessShape s = shapeOf(b, type);
  Type *reg = registerType(b, s);
  std::string letter(1, s.letter()), constraints, text;
  SmallVector<Value *> operands;
  for (unsigned i = 0; i < s.count; ++i)
    constraints += (i ? ",=" : "=") + letter;
  constraints += ",l";
  operands.push_back(pointer);
  unsigned next = s.count + 1;
  if (!alwaysTrue(predicate)) {
    constraints += ",b";
    operands.push_back(predicate);
    text = "@$" + std::to_string(next++) + " ";
    // The registers hold `other` before; without one, anything: zero keeps the result defined for the optimiser.
    Value *before = other ? other : Constant::getNullValue(type);
    for (auto [i, part] : enumerate(partsOf(b, before, s))) {
      constraints += "," + std::to_string(i);
      operands.push_back(part);
    }
  }
  text +=
      "ld" + loadQualifiers(hints) + s.suffix() + " " + listOf(0, s.count) + ", [$" + std::to_string(s.count) + "];";
  Type *result =
      s.count == 1 ? reg : static_cast<Type *>(StructType::get(b.getContext(), SmallVector<Type *>(s.count, reg)));
  Value *loaded = inlinePtx(b, result, text, constraints + ",~{memory}", operands, true);
  if (s.count == 1)
    return b.CreateBitCast(b.CreateTrunc(loaded, s.part), type);
  Value *whole = PoisonValue::get(s.whole);
  for (unsigned i = 0; i < s.count; ++i)
    whole = b.CreateInsertElement(whole, b.CreateTrunc(b.CreateExtractValue(loaded, i), s.part), i);
  return b.CreateBitCast(whole, type);
}

void NvLaneTarget::storeGlobal(IRBuilderBase &b, V value, V pointer, V predicate, unsigned align, AccessHints hints) {
  pointer = inGlobalSpace(b, pointer, globalSpace());
  if (alwaysTrue(predicate) && isPlain(hints)) {
    b.CreateAlignedStore(value, pointer, Align(align));
    return;
  }
  AccessShape s = shapeOf(b, value->getType());
  std::string letter(1, s.letter()), constraints = "l", text;
  SmallVector<Value *> operands{pointer};
  for (Value *part : partsOf(b, value, s)) {
    constraints += "," + letter;
    operands.push_back(part);
  }
  if (!alwaysTrue(predicate)) {
    constraints += ",b";
    operands.push_back(predicate);
    text = "@$" + std::to_string(s.count + 1) + " ";
  }
  text += "st" + storeQualifiers(hints) + s.suffix() + " [$0], " + listOf(1, s.count) + ";";
  inlinePtx(b, b.getVoidTy(), text, constraints + ",~{memory}", operands, true);
}

// ---- atomics -------------------------------------------------------------------------------------------------------

namespace {

// Space, scope and order in the sequence in which Triton's programs and tests read them, which is another one for compare-and-swap; ptxas takes any.
std::string orderText(MemSem sem, MemScope scope, bool isSwap) {
  std::string place = scope == MemScope::Cta ? ".cta" : scope == MemScope::Sys ? ".sys" : ".gpu";
  std::string order = sem == MemSem::Relaxed   ? ".relaxed"
                      : sem == MemSem::Acquire ? ".acquire"
                      : sem == MemSem::Release ? ".release"
                                               : ".acq_rel";
  return ".global" + (isSwap ? order + place : place + order);
}

// The instruction's operation and type, or empty where there is none (PTX ISA, "atom").
std::string atomText(Rmw kind, Elem elem, unsigned sm, bool isVector = false) {
  unsigned bits = tbc::elemBits(elem);
  std::string width = std::to_string(bits);
  if (kind == Rmw::Xchg)
    return bits >= 32 ? ".exch.b" + width : "";
  if (kind == Rmw::FAdd) {
    switch (elem) {
    case Elem::F32:
      return ".add.f32";
    case Elem::F64:
      return ".add.f64";
    case Elem::F16:
      return ".add.noftz.f16";
    case Elem::BF16:
      return sm >= 90 ? ".add.noftz.bf16" : "";
    default:
      return "";
    }
  }
  // Of vectors alone, of sm_90 on.
  if ((kind == Rmw::Max || kind == Rmw::Min) && (elem == Elem::F16 || elem == Elem::BF16))
    return isVector
               ? (kind == Rmw::Max ? ".max.noftz." : ".min.noftz.") + std::string(elem == Elem::F16 ? "f16" : "bf16")
               : "";
  if (bits < 32 || !tbc::isInteger(elem))
    return "";
  switch (kind) {
  case Rmw::Add:
    return ".add.u" + width;
  case Rmw::Max:
    return ".max.s" + width;
  case Rmw::Min:
    return ".min.s" + width;
  case Rmw::UMax:
    return ".max.u" + width;
  case Rmw::UMin:
    return ".min.u" + width;
  case Rmw::And:
    return ".and.b" + width;
  case Rmw::Or:
    return ".or.b" + width;
  case Rmw::Xor:
    return ".xor.b" + width;
  default:
    return "";
  }
}

const char *letterOf(Type *t) {
  if (t->isFloatTy())
    return "f";
  if (t->isDoubleTy())
    return "d";
  unsigned bits = t->isPointerTy() ? 64 : t->getIntegerBitWidth();
  return bits == 64 ? "l" : bits == 32 ? "r" : "h";
}

// Runs `make` in a block of its own where the predicate holds; its value there, `otherwise` elsewhere.
Value *where(IRBuilderBase &b, Value *predicate, Value *otherwise, function_ref<Value *()> make) {
  if (alwaysTrue(predicate))
    return make();
  llvm::Function *f = b.GetInsertBlock()->getParent();
  BasicBlock *before = b.GetInsertBlock(), *then = BasicBlock::Create(b.getContext(), "atomic", f),
             *after = BasicBlock::Create(b.getContext(), "atomic.end", f);
  b.CreateCondBr(predicate, then, after);
  b.SetInsertPoint(then);
  Value *made = make();
  BasicBlock *end = b.GetInsertBlock();
  b.CreateBr(after);
  b.SetInsertPoint(after);
  PHINode *phi = b.CreatePHI(made->getType(), 2);
  phi->addIncoming(made, end);
  phi->addIncoming(otherwise, before);
  return phi;
}

Type *integerOf(IRBuilderBase &b, Elem e) { return b.getIntNTy(tbc::elemBits(e)); }

} // namespace

Value *NvLaneTarget::atomicRmw(IRBuilderBase &b, Rmw kind, Elem elem, V pointer, V value, V predicate, MemSem sem,
                               MemScope scope, bool resultUsed) {
  std::string text = atomText(kind, elem, arch_.sm);
  if (text.empty())
    return compareAndSwapLoop(b, kind, elem, pointer, value, predicate, sem, scope);
  pointer = inGlobalSpace(b, pointer, globalSpace());
  Type *type = value->getType();
  if (kind == Rmw::Xchg && type->isFloatingPointTy())
    value = b.CreateBitCast(value, integerOf(b, elem));
  std::string letter = letterOf(value->getType()), guard, constraints = "=" + letter + ",l," + letter;
  SmallVector<Value *> operands{pointer, value};
  if (!alwaysTrue(predicate)) {
    guard = "@$3 ";
    constraints += ",b";
    operands.push_back(predicate);
  }
  (void)resultUsed; // the assembler makes a reduction of an exchange whose result nobody reads
  Value *old = inlinePtx(b, value->getType(), guard + "atom" + orderText(sem, scope, false) + text + " $0, [$1], $2;",
                         constraints + ",~{memory}", operands, true);
  return b.CreateBitCast(old, type);
}

// PTX ISA, "atom": .vec_32_bit of f32, .vec_16_bit of f16 and bf16, of sm_90 on; each element is atomic. One element of 16 bits has no instruction: ptxas
// makes a loop of it.
unsigned NvLaneTarget::atomicVector(Rmw kind, Elem elem) const {
  if (arch_.sm < 90 || (kind != Rmw::FAdd && kind != Rmw::Max && kind != Rmw::Min))
    return 1;
  return elem == Elem::F16 || elem == Elem::BF16 ? 8 : elem == Elem::F32 && kind == Rmw::FAdd ? 4 : 1;
}

SmallVector<Value *> NvLaneTarget::atomicRmwVector(IRBuilderBase &b, Rmw kind, Elem elem, V pointer, ArrayRef<V> values,
                                                   V predicate, MemSem sem, MemScope scope, bool resultUsed) {
  size_t n = values.size();
  std::string letter = letterOf(values[0]->getType()), text = atomText(kind, elem, arch_.sm, true), constraints, guard;
  text.insert(text.rfind('.'), ".v" + std::to_string(n));
  SmallVector<V> operands;
  auto list = [&](size_t first) {
    std::string names = "{";
    for (size_t i = 0; i < n; ++i)
      names += (i ? ", $" : "$") + std::to_string(first + i);
    return names + "}";
  };
  // A reduction may release, and no more.
  bool isReduction = !resultUsed && sem != MemSem::Acquire && sem != MemSem::AcqRel;
  size_t results = isReduction ? 0 : n;
  for (size_t i = 0; i < results; ++i)
    constraints += "=" + letter + ",";
  constraints += "l";
  operands.push_back(inGlobalSpace(b, pointer, globalSpace()));
  for (V value : values) {
    constraints += "," + letter;
    operands.push_back(value);
  }
  if (!alwaysTrue(predicate)) {
    guard = "@$" + std::to_string(results + n + 1) + " ";
    constraints += ",b";
    operands.push_back(predicate);
  }
  std::string place = "[$" + std::to_string(results) + "], " + list(results + 1) + ";";
  if (isReduction) {
    inlinePtx(b, b.getVoidTy(), guard + "red" + orderText(sem, scope, false) + text + " " + place,
              constraints + ",~{memory}", operands, true);
    return {};
  }
  SmallVector<Type *> types(n, values[0]->getType());
  V old = inlinePtx(b, StructType::get(b.getContext(), types),
                    guard + "atom" + orderText(sem, scope, false) + text + " " + list(0) + ", " + place,
                    constraints + ",~{memory}", operands, true);
  SmallVector<V> parts;
  for (size_t i = 0; i < n; ++i)
    parts.push_back(b.CreateExtractValue(old, static_cast<unsigned>(i)));
  return parts;
}

void NvLaneTarget::memoryFence(IRBuilderBase &b, MemScope scope) {
  std::string place = scope == MemScope::Cta ? "cta" : scope == MemScope::Sys ? "sys" : "gpu";
  inlinePtx(b, b.getVoidTy(), "fence.acq_rel." + place + ";", "~{memory}", {}, true);
}

// Old bits of the word at `pointer` (bits: 16 to 64), exchanged where they equal `compare`.
Value *NvLaneTarget::casWord(IRBuilderBase &b, unsigned bits, V pointer, V compare, V value, MemSem sem,
                             MemScope scope) {
  std::string letter = letterOf(value->getType());
  return inlinePtx(b, value->getType(),
                   "atom" + orderText(sem, scope, true) + ".cas.b" + std::to_string(bits) + " $0, [$1], $2, $3;",
                   "=" + letter + ",l," + letter + "," + letter + ",~{memory}", {pointer, compare, value}, true);
}

// What has no instruction of its own: read, compute, exchange if nobody came in between. 8 bits: the word around them.
Value *NvLaneTarget::compareAndSwapLoop(IRBuilderBase &b, Rmw kind, Elem elem, V pointer, V value, V predicate,
                                        MemSem sem, MemScope scope) {
  Type *type = value->getType();
  return where(b, predicate, PoisonValue::get(type), [&]() -> Value * {
    unsigned bits = tbc::elemBits(elem), wordBits = std::max(bits, 32u);
    Type *word = b.getIntNTy(wordBits), *own = b.getIntNTy(bits);
    V at = inGlobalSpace(b, pointer, globalSpace()), shift = nullptr, mask = nullptr;
    if (bits < 32) {
      V address = b.CreatePtrToInt(at, b.getInt64Ty());
      shift = b.CreateShl(b.CreateTrunc(b.CreateAnd(address, 3), word), 3);
      at = b.CreateIntToPtr(b.CreateAnd(address, ~uint64_t(3)), at->getType());
      mask = b.CreateShl(ConstantInt::get(word, (uint64_t(1) << bits) - 1), shift);
    }
    auto narrow = [&](V w) { return shift ? b.CreateTrunc(b.CreateLShr(w, shift), own) : w; };
    auto put = [&](V w, V part) {
      return shift ? b.CreateOr(b.CreateAnd(w, b.CreateNot(mask)), b.CreateShl(b.CreateZExt(part, word), shift)) : part;
    };
    // In memory a truth value is a byte.
    auto fromMemory = [&](V part) -> V {
      if (elem == Elem::I1)
        return b.CreateICmpNE(part, ConstantInt::get(own, 0));
      return b.CreateBitCast(part, type);
    };
    auto toMemory = [&](V v) -> V { return elem == Elem::I1 ? b.CreateZExt(v, own) : b.CreateBitCast(v, own); };
    V first = b.CreateAlignedLoad(word, at, Align(wordBits / 8), /*isVolatile=*/true);
    llvm::Function *f = b.GetInsertBlock()->getParent();
    BasicBlock *before = b.GetInsertBlock(), *loop = BasicBlock::Create(b.getContext(), "cas", f),
               *after = BasicBlock::Create(b.getContext(), "cas.end", f);
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode *expected = b.CreatePHI(word, 2);
    expected->addIncoming(first, before);
    V old = fromMemory(narrow(expected));
    codegen::Elementwise e(b, numerics());
    V next = nullptr;
    if (kind == Rmw::Xchg) {
      next = value;
    } else if (kind == Rmw::FAdd) {
      V sum = b.CreateFAdd(e.widen(old, elem), e.widen(value, elem));
      next = e.narrow(sum, elem);
    } else if (tbc::isFloat(elem)) {
      auto code = kind == Rmw::Max || kind == Rmw::UMax ? tbc::Opcode::MaxNumF : tbc::Opcode::MinNumF;
      next = e.narrow(e.minMax(code, e.widen(old, elem), e.widen(value, elem)), elem);
    } else {
      switch (kind) {
      case Rmw::Add:
        next = b.CreateAdd(old, value);
        break;
      case Rmw::And:
        next = b.CreateAnd(old, value);
        break;
      case Rmw::Or:
        next = b.CreateOr(old, value);
        break;
      case Rmw::Xor:
        next = b.CreateXor(old, value);
        break;
      case Rmw::Max:
        next = b.CreateBinaryIntrinsic(Intrinsic::smax, old, value);
        break;
      case Rmw::Min:
        next = b.CreateBinaryIntrinsic(Intrinsic::smin, old, value);
        break;
      case Rmw::UMax:
        next = b.CreateBinaryIntrinsic(Intrinsic::umax, old, value);
        break;
      default:
        next = b.CreateBinaryIntrinsic(Intrinsic::umin, old, value);
        break;
      }
    }
    V seen = casWord(b, wordBits, at, expected, put(expected, toMemory(next)), sem, scope);
    V done = b.CreateICmpEQ(seen, expected);
    BasicBlock *latch = b.GetInsertBlock();
    expected->addIncoming(seen, latch);
    b.CreateCondBr(done, after, loop);
    b.SetInsertPoint(after);
    return old;
  });
}

Value *NvLaneTarget::atomicCas(IRBuilderBase &b, Elem elem, V pointer, V compare, V value, V predicate, MemSem sem,
                               MemScope scope) {
  Type *type = value->getType();
  return where(b, predicate, PoisonValue::get(type), [&]() -> Value * {
    unsigned bits = tbc::elemBits(elem);
    V at = inGlobalSpace(b, pointer, globalSpace());
    Type *own = b.getIntNTy(bits);
    auto raw = [&](V v) -> V {
      if (v->getType()->isPointerTy())
        return b.CreatePtrToInt(v, own);
      return v->getType()->isIntegerTy(1) ? b.CreateZExt(v, own) : b.CreateBitCast(v, own);
    };
    V c = raw(compare), n = raw(value), old = nullptr;
    if (bits >= 16) {
      old = casWord(b, bits, at, c, n, sem, scope);
    } else {
      // A byte inside of its word: try again while only the neighbours differ.
      V address = b.CreatePtrToInt(at, b.getInt64Ty());
      Type *word = b.getInt32Ty();
      V shift = b.CreateShl(b.CreateTrunc(b.CreateAnd(address, 3), word), 3);
      at = b.CreateIntToPtr(b.CreateAnd(address, ~uint64_t(3)), at->getType());
      V mask = b.CreateShl(b.getInt32(0xff), shift), keep = b.CreateNot(mask);
      V wanted = b.CreateShl(b.CreateZExt(c, word), shift), next = b.CreateShl(b.CreateZExt(n, word), shift);
      V first = b.CreateAlignedLoad(word, at, Align(4), /*isVolatile=*/true);
      llvm::Function *f = b.GetInsertBlock()->getParent();
      BasicBlock *before = b.GetInsertBlock(), *loop = BasicBlock::Create(b.getContext(), "cas", f),
                 *after = BasicBlock::Create(b.getContext(), "cas.end", f);
      b.CreateBr(loop);
      b.SetInsertPoint(loop);
      PHINode *around = b.CreatePHI(word, 2);
      around->addIncoming(first, before);
      V others = b.CreateAnd(around, keep), expected = b.CreateOr(others, wanted);
      V seen = casWord(b, 32, at, expected, b.CreateOr(others, next), sem, scope);
      V again = b.CreateAnd(b.CreateICmpNE(seen, expected), b.CreateICmpEQ(b.CreateAnd(seen, mask), wanted));
      around->addIncoming(seen, b.GetInsertBlock());
      b.CreateCondBr(again, loop, after);
      b.SetInsertPoint(after);
      old = b.CreateTrunc(b.CreateLShr(seen, shift), own);
    }
    if (type->isPointerTy())
      return b.CreateIntToPtr(old, type);
    return type->isIntegerTy(1) ? b.CreateICmpNE(old, ConstantInt::get(own, 0)) : b.CreateBitCast(old, type);
  });
}

} // namespace tessera::nvidia
