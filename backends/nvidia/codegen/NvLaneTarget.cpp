// NvLaneTarget.cpp - kernels, ids, barriers and shuffles
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "backends/nvidia/codegen/TensorMaps.h"
#include "backends/nvidia/image/TensorMaps.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using tessera::tbc::Elem;

namespace tessera::nvidia {

Value *inlinePtx(IRBuilderBase &b, Type *result, const std::string &text, const std::string &constraints,
                 ArrayRef<Value *> operands, bool sideEffects) {
  SmallVector<Type *> types;
  for (Value *v : operands)
    types.push_back(v->getType());
  FunctionType *type = FunctionType::get(result, types, false);
  return b.CreateCall(type, InlineAsm::get(type, text, constraints, sideEffects), operands);
}

// Of a kernel whose roles trade registers: an equal share of what both need, in the step of setmaxnreg. 0: they do not.
static unsigned registersAtStart(const tbc::Module &m, const tbc::Function &f) {
  for (const tbc::Op &op : f.body.ops) {
    const std::vector<int64_t> &registers = op.intsAttr(tbc::AttrId::Registers);
    if (op.code != tbc::Opcode::Roles || registers.empty())
      continue;
    int64_t work = m.option("num_warps", 4), copies = op.intAttr(tbc::AttrId::Warps), warps = work + copies;
    return static_cast<unsigned>((registers[0] * copies + registers[1] * work + 8 * warps - 1) / (8 * warps) * 8);
  }
  return 0;
}

llvm::Function *NvLaneTarget::createKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f,
                                           const std::string &name, unsigned threads) {
  LLVMContext &c = out.getContext();
  SmallVector<Type *> types;
  for (const tbc::Param &p : f.params) {
    const tbc::Type &t = m.typeOf(p.value);
    if (t.pointer)
      types.push_back(PointerType::get(c, globalSpace()));
    else if (t.elem == Elem::F32)
      types.push_back(Type::getFloatTy(c));
    else if (t.elem == Elem::F64)
      types.push_back(Type::getDoubleTy(c));
    else
      types.push_back(Type::getIntNTy(c, tbc::elemBits(t.elem)));
  }
  // What tensor copies read of an array is made by the driver when the kernel is launched, and follows the arguments (image/TensorMaps.h).
  std::vector<const tbc::Op *> maps = tensorMapsOf(f);
  types.append(maps.size(), PointerType::get(c, 0));
  auto *function = llvm::Function::Create(FunctionType::get(Type::getVoidTy(c), types, false),
                                          GlobalValue::ExternalLinkage, name, out);
  function->setCallingConv(CallingConv::PTX_Kernel);
  function->addFnAttr("nvvm.reqntid", std::to_string(threads));
  if (unsigned registers = limits_.maxRegisters ? limits_.maxRegisters : registersAtStart(m, f))
    function->addFnAttr("nvvm.maxnreg", std::to_string(registers));
  if (limits_.blocksPerUnit)
    function->addFnAttr("nvvm.minctasm", std::to_string(limits_.blocksPerUnit));
  if (limits_.clusterBlocks > 1)
    function->addFnAttr("nvvm.cluster_dim", std::to_string(limits_.clusterBlocks) + ",1,1");
  function->addFnAttr(Attribute::NoUnwind);
  // Nothing in a block of lanes may be made conditional on something else across a barrier or shuffle: those are convergent calls already.
  for (size_t i = 0; i < f.params.size(); ++i) {
    Argument *arg = function->getArg(static_cast<unsigned>(i));
    arg->setName(f.params[i].name);
    if (m.typeOf(f.params[i].value).pointer && f.params[i].divisibility >= 2)
      arg->addAttr(
          Attribute::getWithAlignment(c, Align(uint64_t(f.params[i].divisibility & -f.params[i].divisibility))));
    if (f.params[i].readOnly && m.typeOf(f.params[i].value).pointer)
      arg->addAttr(Attribute::ReadOnly);
  }
  maps_.clear();
  for (size_t i = 0; i < maps.size(); ++i) {
    Argument *arg = maps_[maps[i]] = function->getArg(static_cast<unsigned>(f.params.size() + i));
    arg->setName("tensor_map" + std::to_string(i));
    // Without grid_constant it would be copied to the lane's own memory, where no copy engine looks.
    arg->addAttr(Attribute::getWithByValType(c, ArrayType::get(Type::getInt8Ty(c), kTensorMapBytes)));
    arg->addAttr(Attribute::getWithAlignment(c, Align(kTensorMapAlignment)));
    arg->addAttr(Attribute::get(c, "nvvm.grid_constant"));
  }
  return function;
}

static Value *sreg(IRBuilderBase &b, Intrinsic::ID id) { return b.CreateIntrinsic(b.getInt32Ty(), id, {}); }

Value *NvLaneTarget::threadId(IRBuilderBase &b) { return sreg(b, Intrinsic::nvvm_read_ptx_sreg_tid_x); }

Value *NvLaneTarget::programId(IRBuilderBase &b, unsigned axis) {
  static const Intrinsic::ID block[] = {Intrinsic::nvvm_read_ptx_sreg_ctaid_x, Intrinsic::nvvm_read_ptx_sreg_ctaid_y,
                                        Intrinsic::nvvm_read_ptx_sreg_ctaid_z};
  // A cluster is one program: its blocks lie along x.
  if (axis == 0 && limits_.clusterBlocks > 1)
    return sreg(b, Intrinsic::nvvm_read_ptx_sreg_clusterid_x);
  return sreg(b, block[axis]);
}

Value *NvLaneTarget::numPrograms(IRBuilderBase &b, unsigned axis) {
  static const Intrinsic::ID grid[] = {Intrinsic::nvvm_read_ptx_sreg_nctaid_x, Intrinsic::nvvm_read_ptx_sreg_nctaid_y,
                                       Intrinsic::nvvm_read_ptx_sreg_nctaid_z};
  if (axis == 0 && limits_.clusterBlocks > 1)
    return sreg(b, Intrinsic::nvvm_read_ptx_sreg_nclusterid_x);
  return sreg(b, grid[axis]);
}

Value *NvLaneTarget::warpId(IRBuilderBase &b, V threadId) {
  // A shuffle from lane 0 tells the assembler that the value is uniform, so that it may live in a uniform register.
  V warp = b.CreateLShr(threadId, 5);
  return b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_shfl_sync_idx_i32,
                           {b.getInt32(~0u), warp, b.getInt32(0), b.getInt32(31)});
}

Value *NvLaneTarget::sharedBase(IRBuilderBase &b) {
  llvm::Module *m = b.GetInsertBlock()->getModule();
  constexpr const char *name = "tessera_shared";
  GlobalVariable *g = m->getNamedGlobal(name);
  if (!g) {
    g = new GlobalVariable(*m, ArrayType::get(b.getInt8Ty(), 0), false, GlobalValue::ExternalLinkage, nullptr, name,
                           nullptr, GlobalValue::NotThreadLocal, sharedSpace());
    // Swizzles of 128 bytes repeat every 1024 (PTX ISA, "Strides and swizzling modes").
    g->setAlignment(Align(1024));
  }
  return g;
}

void NvLaneTarget::blockBarrier(IRBuilderBase &b) {
  b.CreateIntrinsic(b.getVoidTy(), Intrinsic::nvvm_barrier_cta_sync_aligned_all, {b.getInt32(0)});
}

// Barrier 0 is the block's.
void NvLaneTarget::partBarrier(IRBuilderBase &b, unsigned threads) {
  b.CreateIntrinsic(b.getVoidTy(), Intrinsic::nvvm_barrier_cta_sync_aligned_count,
                    {b.getInt32(1), b.getInt32(threads)});
}

// Each warpgroup waits at a barrier of its own, from 2 on, at which the one before it arrives (PTX ISA, "bar": of 16 barriers, both count). Barriers are
// empty again behind a loop: the first turn is given by the last group, which does not give its last one away.
void NvLaneTarget::turn(IRBuilderBase &b, Turn what, V warpId, unsigned threads) {
  constexpr unsigned kGroup = 128, kFirst = 2;
  unsigned groups = threads / kGroup;
  V group = b.CreateLShr(warpId, b.getInt32(2));
  V next = b.CreateSelect(b.CreateICmpEQ(group, b.getInt32(groups - 1)), b.getInt32(kFirst),
                          b.CreateAdd(group, b.getInt32(kFirst + 1)));
  const char *isLast = what == Turn::Begin ? "eq" : "ne";
  switch (what) {
  case Turn::Take:
    b.CreateIntrinsic(b.getVoidTy(), Intrinsic::nvvm_barrier_cta_sync_aligned_count,
                      {b.CreateAdd(group, b.getInt32(kFirst)), b.getInt32(2 * kGroup)});
    return;
  case Turn::Pass:
    b.CreateIntrinsic(b.getVoidTy(), Intrinsic::nvvm_barrier_cta_arrive_aligned_count, {next, b.getInt32(2 * kGroup)});
    return;
  case Turn::Begin:
  case Turn::End:
    inlinePtx(b, b.getVoidTy(),
              std::string("{\n.reg .pred p;\nsetp.") + isLast + ".u32 p, $0, " + std::to_string(groups - 1) +
                  ";\n@p barrier.cta.arrive.aligned $1, " + std::to_string(2 * kGroup) + ";\n}",
              "r,r", {group, next}, true);
    return;
  }
}

// PTX ISA, "setmaxnreg": a multiple of 8 from 24 to 256, executed by all warps of a warpgroup; .inc waits until the block's pool has the registers.
void NvLaneTarget::tradeRegisters(IRBuilderBase &b, unsigned registers, bool more) {
  inlinePtx(b, b.getVoidTy(),
            std::string("setmaxnreg.") + (more ? "inc" : "dec") + ".sync.aligned.u32 " + std::to_string(registers) +
                ";",
            "", {}, true);
}

void NvLaneTarget::warpBarrier(IRBuilderBase &b) {
  b.CreateIntrinsic(b.getVoidTy(), Intrinsic::nvvm_bar_warp_sync, {b.getInt32(~0u)});
}

Value *NvLaneTarget::shuffle(IRBuilderBase &b, V value, V source) {
  return b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_shfl_sync_idx_i32,
                           {b.getInt32(~0u), value, source, b.getInt32(31)});
}

Value *NvLaneTarget::shuffleXor(IRBuilderBase &b, V value, unsigned mask) {
  return b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_shfl_sync_bfly_i32,
                           {b.getInt32(~0u), value, b.getInt32(mask), b.getInt32(31)});
}

Value *NvLaneTarget::shuffleUp(IRBuilderBase &b, V value, unsigned delta) {
  return b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_shfl_sync_up_i32,
                           {b.getInt32(~0u), value, b.getInt32(delta), b.getInt32(0)});
}

SmallVector<Value *> NvLaneTarget::loadBlocks(IRBuilderBase &b, V row, unsigned blocks, bool transposed) {
  static constexpr Intrinsic::ID ids[2][3] = {
      {Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x1_b16, Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x2_b16,
       Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x4_b16},
      {Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x1_trans_b16, Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x2_trans_b16,
       Intrinsic::nvvm_ldmatrix_sync_aligned_m8n8_x4_trans_b16}};
  V loaded = b.CreateIntrinsic(ids[transposed][blocks / 2], {row->getType()}, {row});
  SmallVector<V> words;
  for (unsigned i = 0; i < blocks; ++i)
    words.push_back(blocks == 1 ? loaded : b.CreateExtractValue(loaded, i));
  return words;
}

void NvLaneTarget::storeBlocks(IRBuilderBase &b, V row, ArrayRef<V> words, bool transposed) {
  static constexpr Intrinsic::ID ids[2][3] = {
      {Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x1_b16, Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x2_b16,
       Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x4_b16},
      {Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x1_trans_b16, Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x2_trans_b16,
       Intrinsic::nvvm_stmatrix_sync_aligned_m8n8_x4_trans_b16}};
  SmallVector<V> operands{row};
  operands.append(words.begin(), words.end());
  b.CreateIntrinsic(ids[transposed][words.size() / 2], {row->getType()}, operands);
}

Value *NvLaneTarget::reduceWarp(IRBuilderBase &b, tbc::Rmw kind, V value) {
  if (arch_.sm < 80) // redux.sync: PTX ISA, "redux.sync", sm_80 and later
    return nullptr;
  Intrinsic::ID id;
  switch (kind) {
  case tbc::Rmw::Add:
    id = Intrinsic::nvvm_redux_sync_add;
    break;
  case tbc::Rmw::Max:
    id = Intrinsic::nvvm_redux_sync_max;
    break;
  case tbc::Rmw::Min:
    id = Intrinsic::nvvm_redux_sync_min;
    break;
  case tbc::Rmw::UMax:
    id = Intrinsic::nvvm_redux_sync_umax;
    break;
  case tbc::Rmw::UMin:
    id = Intrinsic::nvvm_redux_sync_umin;
    break;
  case tbc::Rmw::And:
    id = Intrinsic::nvvm_redux_sync_and;
    break;
  case tbc::Rmw::Or:
    id = Intrinsic::nvvm_redux_sync_or;
    break;
  case tbc::Rmw::Xor:
    id = Intrinsic::nvvm_redux_sync_xor;
    break;
  default:
    return nullptr;
  }
  return b.CreateIntrinsic(b.getInt32Ty(), id, {value, b.getInt32(~0u)});
}

} // namespace tessera::nvidia
