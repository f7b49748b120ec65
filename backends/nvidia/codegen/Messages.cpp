// Messages.cpp - the device side of prints and assertions
//
// SPDX-License-Identifier: Apache-2.0
//
// backends/nvidia/image/Messages.h has the protocol, step by step.
#include "backends/nvidia/image/Messages.h"
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using tessera::codegen::simt::PrintedValue;

namespace tessera::nvidia {

namespace {

constexpr const char *kSend = "tessera_send";
constexpr const char *kGoesOn = "tessera-goes-on"; // a call behind which the kernel goes on
// Each is some hundred instructions of machine code.
constexpr size_t kInlinedMessages = 32;

GlobalVariable *portOf(llvm::Module &m) {
  if (GlobalVariable *g = m.getNamedGlobal(kMessagesGlobal))
    return g;
  LLVMContext &c = m.getContext();
  auto *type = ArrayType::get(Type::getInt64Ty(c), sizeof(MessagePort) / 8);
  auto *g =
      new GlobalVariable(m, type, false, GlobalValue::ExternalLinkage, Constant::getNullValue(type), kMessagesGlobal,
                         nullptr, GlobalValue::NotThreadLocal, 1, /*isExternallyInitialized=*/true);
  g->setAlignment(Align(8));
  return g;
}

// i64 in memory at `base` + bytes.
Value *at(IRBuilderBase &b, Value *base, Value *bytes) { return b.CreateGEP(b.getInt8Ty(), base, bytes); }

// void tessera_send(ptr words, i32 n): `words` in local memory, word 0 complete.
llvm::Function *sendFunction(llvm::Module &m) {
  if (llvm::Function *f = m.getFunction(kSend))
    return f;
  LLVMContext &c = m.getContext();
  Type *i64 = Type::getInt64Ty(c), *i32 = Type::getInt32Ty(c);
  PointerType *ptr = PointerType::get(c, 0);
  auto *f = llvm::Function::Create(FunctionType::get(Type::getVoidTy(c), {ptr, i32}, false),
                                   GlobalValue::InternalLinkage, kSend, m);
  f->addFnAttr(Attribute::NoUnwind);
  auto block = [&](const char *name) { return BasicBlock::Create(c, name, f); };
  BasicBlock *entry = block("entry"), *look = block("look"), *take = block("take"), *drop = block("drop"),
             *copy = block("copy"), *last = block("last"), *end = block("end");
  IRBuilder<> b(entry);
  Value *words = f->getArg(0), *n = b.CreateZExt(f->getArg(1), i64);
  auto pointer = [&](Value *address) { return b.CreateIntToPtr(address, ptr); };
  auto field = [&](Value *base, uint64_t offset) { return at(b, base, b.getInt64(offset)); };
  GlobalVariable *port = portOf(m);
  Value *listener = b.CreateLoad(i64, b.CreateAddrSpaceCast(port, ptr));
  b.CreateCondBr(b.CreateICmpEQ(listener, b.getInt64(0)), end, look);

  b.SetInsertPoint(look);
  Value *control = pointer(listener),
        *host = pointer(b.CreateLoad(i64, field(control, offsetof(MessageControl, host))));
  Value *mask = b.CreateLoad(i64, field(control, offsetof(MessageControl, mask)));
  Value *reserved =
      b.CreateAlignedLoad(i64, field(control, offsetof(MessageControl, reserved)), Align(8), /*isVolatile=*/true);
  Value *consumed = inlinePtx(b, i64, "ld.relaxed.sys.b64 $0, [$1];", "=l,l,~{memory}",
                              {field(host, offsetof(MessageHost, consumed))}, true);
  Value *after = b.CreateAdd(reserved, n);
  b.CreateCondBr(b.CreateICmpUGT(b.CreateSub(after, consumed), b.CreateAdd(mask, b.getInt64(1))), drop, take);

  b.SetInsertPoint(drop);
  inlinePtx(b, b.getVoidTy(), "red.relaxed.sys.add.u64 [$0], $1;", "l,l,~{memory}",
            {field(host, offsetof(MessageHost, dropped)), b.getInt64(1)}, true);
  b.CreateBr(end);

  b.SetInsertPoint(take);
  Value *seen = inlinePtx(b, i64, "atom.relaxed.gpu.cas.b64 $0, [$1], $2, $3;", "=l,l,l,l,~{memory}",
                          {field(control, offsetof(MessageControl, reserved)), reserved, after}, true);
  b.CreateCondBr(b.CreateICmpEQ(seen, reserved), copy, look);

  b.SetInsertPoint(copy);
  PHINode *i = b.CreatePHI(i64, 2);
  i->addIncoming(b.getInt64(1), take);
  auto place = [&](Value *index) {
    Value *slot = b.CreateAnd(b.CreateAdd(reserved, index), mask);
    return at(b, host, b.CreateAdd(b.CreateShl(slot, 3), b.getInt64(kRingOffset)));
  };
  Value *word = b.CreateLoad(i64, b.CreateGEP(i64, words, i));
  b.CreateAlignedStore(word, place(i), Align(8), /*isVolatile=*/true);
  Value *next = b.CreateAdd(i, b.getInt64(1));
  i->addIncoming(next, copy);
  b.CreateCondBr(b.CreateICmpULT(next, n), copy, last);

  b.SetInsertPoint(last);
  inlinePtx(b, b.getVoidTy(), "st.release.sys.b64 [$0], $1;", "l,l,~{memory}",
            {place(b.getInt64(0)), b.CreateLoad(i64, words)}, true);
  b.CreateBr(end);
  b.SetInsertPoint(end);
  b.CreateRetVoid();
  return f;
}

// Offset and length of a text in the module's table, which grows by it.
uint64_t textWord(llvm::Module &m, const std::string &text) {
  std::string all;
  GlobalVariable *old = m.getNamedGlobal(kTextsGlobal);
  if (old)
    all = std::string(cast<ConstantDataArray>(old->getInitializer())->getRawDataValues());
  size_t found = all.find(text);
  if (found == std::string::npos) {
    found = all.size();
    all += text;
    if (all.empty())
      all.push_back('\0'); // an array of nothing has no address
    Constant *data = ConstantDataArray::getString(m.getContext(), all, false);
    if (old)
      old->eraseFromParent();
    new GlobalVariable(m, data->getType(), true, GlobalValue::ExternalLinkage, data, kTextsGlobal, nullptr,
                       GlobalValue::NotThreadLocal, 1);
  }
  return uint64_t(found) | uint64_t(text.size()) << 32;
}

// Sends the words; a null one is filled with the module's number.
CallInst *send(IRBuilderBase &b, ArrayRef<Value *> words) {
  llvm::Module &m = *b.GetInsertBlock()->getModule();
  llvm::Function *f = sendFunction(m);
  BasicBlock &entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  IRBuilder<> top(&entry, entry.begin());
  // A generic pointer, as the back end makes of every place on the stack; it takes one in the local space for generic, too, and so doubles the window.
  Value *base = top.CreateAlloca(ArrayType::get(b.getInt64Ty(), words.size()), 0u);
  for (size_t i = 0; i < words.size(); ++i) {
    Value *word = words[i];
    if (!word)
      word = b.CreateLoad(b.getInt64Ty(),
                          b.CreateAddrSpaceCast(at(b, portOf(m), b.getInt64(offsetof(MessagePort, module))),
                                                PointerType::get(b.getContext(), 0)));
    b.CreateStore(word, b.CreateConstGEP1_64(b.getInt64Ty(), base, i));
  }
  return b.CreateCall(f, {base, b.getInt32(static_cast<uint32_t>(words.size()))});
}

Value *pairWord(IRBuilderBase &b, Value *low, Value *high) {
  return b.CreateOr(b.CreateZExt(low, b.getInt64Ty()), b.CreateShl(b.CreateZExt(high, b.getInt64Ty()), 32));
}

} // namespace

bool inlineFewMessages(llvm::Module &m) {
  llvm::Function *f = m.getFunction(kSend);
  if (!f)
    return false;
  SmallVector<CallInst *> goOn; // no other call needs it: a failed assert ends the kernel
  for (User *user : f->users())
    if (auto *call = cast<CallInst>(user); call->hasFnAttr(kGoesOn))
      goOn.push_back(call);
  if (goOn.empty() || goOn.size() > kInlinedMessages)
    return false;
  for (CallInst *call : goOn)
    call->addFnAttr(Attribute::AlwaysInline);
  return true;
}

void NvLaneTarget::print(IRBuilderBase &b, const PrintedValue &p) {
  llvm::Module &m = *b.GetInsertBlock()->getModule();
  bool plain = p.operands == 0;
  uint32_t rank = plain ? 0 : static_cast<uint32_t>(p.index.size());
  uint32_t count = plain ? kPlainPrintWords : kPrintWords + rank;
  ValueType type = ValueType::Signed;
  uint32_t bits = 0;
  V value = p.value;
  if (!plain) {
    bits = p.type.pointer ? 64 : tbc::elemBits(p.type.elem);
    if (p.type.pointer) {
      type = ValueType::Pointer;
      value = b.CreatePtrToInt(value, b.getInt64Ty());
    } else if (p.type.isFloat() && !p.hex) {
      type = ValueType::Float;
      codegen::Elementwise e(b, numerics());
      value = e.widen(value, p.type.elem);
      bits = p.type.elem == tbc::Elem::F64 ? 64 : 32;
      value = b.CreateZExt(b.CreateBitCast(value, b.getIntNTy(bits)), b.getInt64Ty());
    } else if (p.type.isFloat()) {
      type = ValueType::Unsigned;
      value = b.CreateZExt(b.CreateBitCast(value, b.getIntNTy(bits)), b.getInt64Ty());
    } else {
      type = p.isSigned ? ValueType::Signed : ValueType::Unsigned;
      value = p.isSigned && !p.hex && p.type.elem != tbc::Elem::I1 ? b.CreateSExt(value, b.getInt64Ty())
                                                                   : b.CreateZExt(value, b.getInt64Ty());
    }
  }
  SmallVector<V> words(count, nullptr);
  words[0] = b.getInt64(messageHead(MessageKind::Print, count, rank, type, bits, p.hex, plain ? 0 : p.operands));
  words[2] = pairWord(b, programId(b, 0), programId(b, 1));
  words[3] = pairWord(b, programId(b, 2), b.getInt32(p.operand));
  words[4] = b.getInt64(textWord(m, p.prefix));
  if (!plain)
    words[5] = value;
  for (uint32_t d = 0; d < rank; ++d)
    words[kPrintWords + d] = pairWord(b, p.index[d], b.getInt32(static_cast<uint32_t>(p.shape[d])));
  send(b, words)->addFnAttr(Attribute::get(b.getContext(), kGoesOn));
}

void NvLaneTarget::assertFailed(IRBuilderBase &b, const std::string &message, const std::string &file, unsigned line,
                                const std::string &function) {
  llvm::Module &m = *b.GetInsertBlock()->getModule();
  SmallVector<V> words(kAssertWords, nullptr);
  words[0] = b.getInt64(messageHead(MessageKind::Assert, kAssertWords));
  words[2] = pairWord(b, programId(b, 0), programId(b, 1));
  words[3] = pairWord(b, programId(b, 2), b.getInt32(0));
  words[4] = b.getInt64(textWord(m, message));
  words[5] = b.getInt64(textWord(m, file));
  words[6] = b.getInt64(line);
  words[7] = b.getInt64(textWord(m, function));
  send(b, words);
  b.CreateIntrinsic(b.getVoidTy(), Intrinsic::trap, {});
}

} // namespace tessera::nvidia
