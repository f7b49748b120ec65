// InlineAssembly.cpp - PTX that a kernel brings: constraints, packed registers, the text's references
//
// SPDX-License-Identifier: Apache-2.0
//
// Elements narrower than 32 bits share a register, the first one in the low bits, as many as the call has. Everything that LLVM would end the
// process for is refused here. Letters: LLVM's language reference, "NVPTX" under "Supported Constraint Code List"; `n` and `i` are constants.
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/Support/Error.h"

using namespace llvm;
using tessera::codegen::ElemType;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using Registers = llvm::SmallVector<llvm::Value *, 8>;

namespace tessera::nvidia {

namespace {

unsigned bitsOf(ElemType t) { return t.pointer ? 64 : t.elem == tbc::Elem::I1 ? 8 : tbc::elemBits(t.elem); }

// Elements of a register of a call with `pack` of them.
unsigned elementsPerRegister(ElemType t, unsigned pack) { return bitsOf(t) < 32 ? std::min(32 / bitsOf(t), pack) : 1; }

// The register that a constraint names; null: none of these letters.
Type *registerType(LLVMContext &c, StringRef letter) {
  if (letter == "r")
    return Type::getInt32Ty(c);
  if (letter == "h" || letter == "c")
    return Type::getInt16Ty(c);
  if (letter == "l" || letter == "N")
    return Type::getInt64Ty(c);
  if (letter == "f")
    return Type::getFloatTy(c);
  if (letter == "d")
    return Type::getDoubleTy(c);
  if (letter == "b")
    return Type::getInt1Ty(c);
  return nullptr;
}

// `$3`, `${3}`, `${3:b}` name operands, `$$` is a dollar; anything else after one has no meaning.
bool checkReferences(StringRef text, size_t operands, std::string &why) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$')
      continue;
    StringRef rest = text.substr(i + 1);
    if (rest.starts_with("$")) {
      ++i;
      continue;
    }
    bool braced = rest.consume_front("{");
    unsigned number = 0;
    bool isNumber = !rest.consumeInteger(10, number);
    if (braced && isNumber)
      isNumber = rest.consume_front("}") || (rest.consume_front(":") && rest.drop_front(1).starts_with("}"));
    if (!isNumber) {
      why = "the assembly has a `$` that names no operand: write `$0`, `${0}`, or `$$` for a dollar";
      return false;
    }
    if (number >= operands) {
      why = "the assembly names $" + std::to_string(number) + ", and the constraints have " + std::to_string(operands) +
            " registers";
      return false;
    }
  }
  return true;
}

// A call as LLVM takes it, built from the constraints.
struct AsmCall {
  InlineAsm::ConstraintInfoVector constraints;
  SmallVector<size_t> outputs, inputs; // indices into constraints

  bool parse(const std::string &text, std::string &why) {
    constraints = InlineAsm::ParseConstraints(text);
    for (size_t i = 0; i < constraints.size(); ++i)
      if (constraints[i].Type == InlineAsm::isOutput)
        outputs.push_back(i);
      else if (constraints[i].Type == InlineAsm::isInput)
        inputs.push_back(i);
    bool isMalformed = constraints.empty() && !text.empty();
    bool isMemory = any_of(constraints, [](const InlineAsm::ConstraintInfo &c) { return c.isIndirect; });
    if (isMalformed || isMemory)
      why = "constraints \"" + text + "\" are not a list of registers such as \"=r,r,l,~{memory}\"";
    return !isMalformed && !isMemory;
  }

  StringRef letter(size_t index) const {
    const InlineAsm::ConstraintInfo &c = constraints[index];
    StringRef code = c.Codes.empty() ? StringRef() : StringRef(c.Codes.front());
    unsigned tied = 0;
    if (c.Type == InlineAsm::isInput && !code.getAsInteger(10, tied) && tied < outputs.size())
      return letter(outputs[tied]);
    return code;
  }
};

// Bits as a register, zeros above them; null where they do not fit.
Value *toRegister(IRBuilderBase &b, Value *bits, Type *t) {
  unsigned have = bits->getType()->getIntegerBitWidth(), want = t->getPrimitiveSizeInBits();
  if (have > want && want != 1)
    return nullptr;
  if (t->isFloatingPointTy())
    return have == want ? b.CreateBitCast(bits, t) : nullptr;
  return b.CreateZExtOrTrunc(bits, t);
}

// The constant that a register is, for an operand that must be known when the code is made.
bool isImmediate(StringRef letter) { return letter == "n" || letter == "i"; }

std::string mismatch(const char *what, size_t number, unsigned bits, StringRef letter) {
  return std::string(what) + " " + std::to_string(number) + " has " + std::to_string(bits) +
         " bits, and constraint \"" + letter.str() + "\" takes no such register";
}

} // namespace

std::vector<Registers> NvLaneTarget::inlineAssembly(IRBuilderBase &b, const Op &op, ArrayRef<ElemType> in,
                                                    ArrayRef<ElemType> out, ArrayRef<Registers> operands, unsigned pack,
                                                    std::string &why) {
  LLVMContext &c = b.getContext();
  std::string text(op.strAttr(AttrId::Text)), constraints(op.strAttr(AttrId::Constraints));
  std::erase(constraints, ' ');
  AsmCall call;
  if (!call.parse(constraints, why))
    return {};
  size_t wantedOutputs = 0, wantedInputs = 0;
  for (ElemType t : out)
    wantedOutputs += divideCeil(pack, elementsPerRegister(t, pack));
  for (ElemType t : in)
    wantedInputs += divideCeil(pack, elementsPerRegister(t, pack));
  if (call.outputs.size() != wantedOutputs || call.inputs.size() != wantedInputs) {
    why = "constraints \"" + constraints + "\" name " + std::to_string(call.outputs.size()) + " results and " +
          std::to_string(call.inputs.size()) + " operands; with pack=" + std::to_string(pack) + " there are " +
          std::to_string(wantedOutputs) + " and " + std::to_string(wantedInputs) +
          " registers (elements of less than 32 bits share one)";
    return {};
  }
  if (!checkReferences(text, wantedOutputs + wantedInputs, why))
    return {};

  SmallVector<Value *> arguments;
  for (auto [t, group] : zip(in, operands)) {
    unsigned per = elementsPerRegister(t, pack), bits = bitsOf(t);
    for (unsigned from = 0; from < pack; from += per) {
      StringRef letter = call.letter(call.inputs[arguments.size()]);
      if (isImmediate(letter)) {
        if (per != 1 || !isa<ConstantInt>(group[from])) {
          why = "operand " + std::to_string(arguments.size()) + " must be a constant for constraint \"" + letter.str() +
                "\"";
          return {};
        }
        arguments.push_back(group[from]);
        continue;
      }
      Value *whole = nullptr;
      for (unsigned i = 0; i < per && from + i < pack; ++i) {
        Value *v = group[from + i];
        v = v->getType()->isPointerTy()    ? b.CreatePtrToInt(v, b.getInt64Ty())
            : v->getType()->isIntegerTy(1) ? b.CreateZExt(v, b.getInt8Ty())
                                           : b.CreateBitCast(v, b.getIntNTy(bits));
        if (per > 1)
          v = b.CreateShl(b.CreateZExt(v, b.getIntNTy(bits * per)), uint64_t(i) * bits);
        whole = whole ? b.CreateOr(whole, v) : v;
      }
      Type *type = registerType(c, letter);
      Value *argument = type ? toRegister(b, whole, type) : nullptr;
      if (!argument) {
        why = mismatch("operand register", arguments.size(), bits * per, letter);
        return {};
      }
      arguments.push_back(argument);
    }
  }
  SmallVector<Type *> types, argumentTypes;
  for (size_t index : call.outputs) {
    Type *type = registerType(c, call.letter(index));
    if (!type) {
      why = "constraint \"=" + call.letter(index).str() + "\" names no register: r, h, l, f, d and b do";
      return {};
    }
    types.push_back(type);
  }
  for (Value *v : arguments)
    argumentTypes.push_back(v->getType());
  Type *result = types.empty() ? b.getVoidTy() : types.size() == 1 ? types[0] : StructType::get(c, types);
  FunctionType *type = FunctionType::get(result, argumentTypes, false);
  if (Error e = InlineAsm::verify(type, constraints)) {
    why = "constraints \"" + constraints + "\": " + toString(std::move(e));
    return {};
  }
  bool isPure = op.intAttr(AttrId::Pure) != 0;
  CallInst *made = b.CreateCall(type, InlineAsm::get(type, text, constraints, /*hasSideEffects=*/!isPure), arguments);
  made->addFnAttr(Attribute::NoUnwind);
  if (!isPure)
    made->addFnAttr(Attribute::Convergent); // it may be a barrier
  else if (none_of(in, [](ElemType t) { return t.pointer; }))
    made->setDoesNotAccessMemory();

  std::vector<Registers> results;
  unsigned number = 0;
  for (ElemType t : out) {
    Registers &group = results.emplace_back();
    unsigned per = elementsPerRegister(t, pack), bits = bitsOf(t);
    Type *element = codegen::Elementwise(b, numerics()).type(t);
    for (unsigned from = 0; from < pack; from += per) {
      Value *whole = types.size() == 1 ? made : b.CreateExtractValue(made, number);
      unsigned have = types[number]->getPrimitiveSizeInBits();
      // A 64-bit integer in a register of 32 is what the text leaves there, zeros above: LLVM takes it, and programs declare results so that they never read.
      bool isLowHalf = have == 32 && bits == 64 && !t.isFloat();
      bool holds = have >= std::min(per, pack - from) * bits || (have == 1 && t.elem == tbc::Elem::I1) || isLowHalf;
      if (!holds || (types[number]->isFloatingPointTy() && have != bits)) {
        why = mismatch("result register", number, bits * per, call.letter(call.outputs[number]));
        return {};
      }
      ++number;
      whole = b.CreateBitCast(whole, b.getIntNTy(have));
      for (unsigned i = 0; i < per && from + i < pack; ++i) {
        Value *v = i ? b.CreateLShr(whole, uint64_t(i) * bits) : whole;
        if (t.elem == tbc::Elem::I1 && !t.pointer)
          v = b.CreateTrunc(v, b.getInt1Ty());
        else
          v = b.CreateZExtOrTrunc(v, b.getIntNTy(bits));
        group.push_back(t.pointer ? b.CreateIntToPtr(v, element) : b.CreateBitCast(v, element));
      }
    }
  }
  return results;
}

// A value of storage form as a library's function takes or gives it; null: the types have different sizes.
static Value *asTypeOf(IRBuilderBase &b, Value *v, Type *t) {
  if (v->getType() == t)
    return v;
  if (v->getType()->isPointerTy())
    return t->isPointerTy() ? b.CreateAddrSpaceCast(v, t) : nullptr;
  if (v->getType()->isIntegerTy(1) && t->isIntegerTy())
    return b.CreateZExt(v, t);
  if (t->isIntegerTy(1) && v->getType()->isIntegerTy())
    return b.CreateICmpNE(v, ConstantInt::get(v->getType(), 0));
  bool isSame = !t->isPointerTy() && v->getType()->getPrimitiveSizeInBits() == t->getPrimitiveSizeInBits();
  return isSame ? b.CreateBitCast(v, t) : nullptr;
}

std::vector<Registers> NvLaneTarget::targetCode(IRBuilderBase &b, const Op &op, ArrayRef<ElemType> in,
                                                ArrayRef<ElemType> out, ArrayRef<Registers> operands, unsigned pack,
                                                std::string &why) {
  if (op.code == tbc::Opcode::InlineAsm)
    return inlineAssembly(b, op, in, out, operands, pack, why);
  std::string symbol(op.strAttr(AttrId::Symbol));
  FunctionType *type = libraries_.find(symbol, std::string(op.strAttr(AttrId::Library)),
                                       std::string(op.strAttr(AttrId::LibraryPath)), why);
  if (!type)
    return {};
  if (type->getNumParams() != operands.size() || type->isVarArg()) {
    why = "`" + symbol + "` takes " + std::to_string(type->getNumParams()) + " arguments, and is given " +
          std::to_string(operands.size());
    return {};
  }
  SmallVector<Value *> arguments;
  for (unsigned i = 0; i < operands.size(); ++i) {
    arguments.push_back(asTypeOf(b, operands[i][0], type->getParamType(i)));
    if (!arguments.back()) {
      why = "argument " + std::to_string(i) + " of `" + symbol + "` has another size in its library";
      return {};
    }
  }
  llvm::Module *m = b.GetInsertBlock()->getModule();
  CallInst *call = b.CreateCall(m->getOrInsertFunction(symbol, type), arguments);
  if (op.intAttr(AttrId::Pure)) {
    call->setDoesNotAccessMemory();
    call->setDoesNotThrow();
  }
  Value *result =
      type->getReturnType()->isVoidTy() ? nullptr : asTypeOf(b, call, codegen::Elementwise(b, numerics()).type(out[0]));
  if (!result) {
    why = "the result of `" + symbol + "` has another size in its library";
    return {};
  }
  return {Registers{result}};
}

} // namespace tessera::nvidia
