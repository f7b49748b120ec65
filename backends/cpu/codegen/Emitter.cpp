// Emitter.cpp - the frame of a kernel: parameters, scratch memory, the body
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

#include <algorithm>

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

Emitter::Emitter(llvm::Module &o, const tbc::Module &module, const tbc::Function &f, const TargetFacts &t, bool fuse,
                 bool past)
    : out(o), m(module), function(f), target(t), contract(fuse), mayStream(past), b(o.getContext()),
      ew(b, codegen::NumericOptions{.contract = fuse, .halfConversions = t.halfConversions, .fma = t.fma}) {
  facts.module = &m;
  size_t n = m.valueTypes.size();
  facts.def.assign(n, nullptr);
  facts.argRoot.assign(n, kNone);
  resultIndex.assign(n, 0);
  bindings.resize(n);
  std::function<void(const Region &)> index = [&](const Region &r) {
    for (const Op &op : r.ops) {
      for (size_t i = 0; i < op.results.size(); ++i) {
        facts.def[op.results[i]] = &op;
        resultIndex[op.results[i]] = unsigned(i);
      }
      for (const Region &sub : op.regions)
        index(sub);
    }
  };
  index(f.body);
}

llvm::Function *Emitter::emit(const std::string &name, KernelFacts &result) {
  LLVMContext &c = b.getContext();
  PointerType *ptr = PointerType::get(c, 0);
  fn = llvm::Function::Create(FunctionType::get(b.getVoidTy(), {ptr, ptr}, false), GlobalValue::ExternalLinkage, name,
                              out);
  fn->setDoesNotThrow();
  fn->addParamAttr(0, Attribute::NoAlias);
  fn->addParamAttr(1, Attribute::NoAlias);
  fn->addParamAttr(0, Attribute::ReadOnly);
  entry = BasicBlock::Create(c, "entry", fn);
  BasicBlock *start = BasicBlock::Create(c, "start", fn);
  b.SetInsertPoint(entry);
  b.CreateBr(start);
  b.SetInsertPoint(entry->getTerminator());
  context = fn->getArg(1);
  scratch = b.CreateLoad(ptr, b.CreateConstGEP1_64(b.getInt8Ty(), context, 32), "scratch");
  cast<Instruction>(scratch)->setMetadata(LLVMContext::MD_align,
                                          MDNode::get(c, ConstantAsMetadata::get(b.getInt64(64))));
  GlobalVariable *safe = out.getNamedGlobal("tsr.safe");
  if (!safe) {
    ArrayType *t = ArrayType::get(b.getInt8Ty(), 256);
    safe = new GlobalVariable(out, t, true, GlobalValue::PrivateLinkage, Constant::getNullValue(t), "tsr.safe");
    safe->setAlignment(Align(64));
  }
  safeMemory = safe;
  uint64_t offset = 0;
  for (size_t i = 0; i < function.params.size(); ++i) {
    const Param &p = function.params[i];
    const tbc::Type &t = m.typeOf(p.value);
    uint64_t bytes = t.elementBytes();
    offset = (offset + bytes - 1) / bytes * bytes;
    ElemType e = ElemType::of(t);
    V v = b.CreateAlignedLoad(memoryType(e), b.CreateConstGEP1_64(b.getInt8Ty(), fn->getArg(0), offset), Align(bytes),
                              p.name);
    bindings[p.value].kind = Binding::Scalar;
    bindings[p.value].scalar = fromMemory(v, e);
    uint64_t d = p.divisibility > 0 ? uint64_t(p.divisibility) : 1;
    paramDivisor[p.value] = d & -d;
    offset += bytes;
  }
  pushLevel(start);
  emitBlock(function.body, YieldPlan());
  b.SetInsertPoint(levels[0].bb);
  b.CreateRetVoid();
  placeBuffers(kernelFacts);
  kernelFacts.canStream &= !computeBound;
  result = kernelFacts;
  return fn;
}

// Tiles whose lifetimes do not meet share memory: first fit by order of first use.
void Emitter::placeBuffers(KernelFacts &k) {
  struct Placed {
    uint64_t offset, end;
    int last;
  };
  std::vector<Placed> live;
  std::vector<Buffer *> order;
  for (Buffer &f : facts.buffers)
    if (f.base)
      order.push_back(&f);
  std::stable_sort(order.begin(), order.end(), [](const Buffer *x, const Buffer *y) { return x->first < y->first; });
  for (Buffer *f : order) {
    std::erase_if(live, [&](const Placed &p) { return p.last < f->first; });
    std::sort(live.begin(), live.end(), [](const Placed &x, const Placed &y) { return x.offset < y.offset; });
    // Room for one more vector behind every tile: nothing reads or writes it, but neighbours never share a line.
    uint64_t bytes = (uint64_t(f->bytes) + 63) / 64 * 64, at = 0;
    for (const Placed &p : live) {
      if (at + bytes <= p.offset)
        break;
      at = std::max(at, p.end);
    }
    live.push_back({at, at + bytes, f->last});
    k.scratchBytes = std::max(k.scratchBytes, at + bytes);
    cast<GetElementPtrInst>(static_cast<Instruction *>(f->base))->setOperand(1, b.getInt64(at));
  }
}

} // namespace tessera::cpu
