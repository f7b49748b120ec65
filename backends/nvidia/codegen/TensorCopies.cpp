// TensorCopies.cpp - bulk tensor copies and the barriers that they complete on
//
// SPDX-License-Identifier: Apache-2.0
//
// Sources: PTX ISA 9.0, "cp.async.bulk.tensor", "mbarrier.init", "mbarrier.arrive" (expect_tx), "mbarrier.try_wait", "mbarrier.inval",
// "cp.async.bulk.commit_group", "elect.sync", "Async proxy". sm_90 and later.
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "llvm/IR/IntrinsicsNVPTX.h"

using namespace llvm;

namespace tessera::nvidia {

namespace {
Value *sharedAddress(IRBuilderBase &b, Value *pointer) { return b.CreatePtrToInt(pointer, b.getInt32Ty()); }

// "{$first, $first+1, …}": coordinates, innermost dim first, which are the operands from there on.
std::string coordinateList(unsigned first, size_t count) {
  std::string text = "{";
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}
} // namespace

// elect.sync names the same lane for the same mask every time, and tells the assembler that one lane is there.
Value *NvLaneTarget::oneLane(IRBuilderBase &b, V, V warpId) {
  Value *elected = b.CreateExtractValue(
      b.CreateIntrinsic(StructType::get(b.getInt32Ty(), b.getInt1Ty()), Intrinsic::nvvm_elect_sync, {b.getInt32(~0u)}),
      1);
  return b.CreateAnd(elected, b.CreateICmpEQ(warpId, b.getInt32(0)));
}

// The operands count at the launch (TensorMaps.cpp), not here.
Value *NvLaneTarget::tensorMap(IRBuilderBase &b, const tbc::Op &op, ArrayRef<V>, V oneLane) {
  Value *map = maps_.at(&op);
  inlinePtx(b, b.getVoidTy(), "@$1 prefetch.tensormap [$0];", "l,b", {map, oneLane}, true);
  return map;
}

void NvLaneTarget::copyBarriersInit(IRBuilderBase &b, V pointer, unsigned barriers, unsigned arrivals) {
  std::string text;
  for (unsigned i = 0; i < barriers; ++i)
    text += "mbarrier.init.shared::cta.b64 [$0 + " + std::to_string(8 * i) + "], " + std::to_string(arrivals) + ";\n";
  // Before the barrier behind which others use them: for the engine and for this block.
  text += "fence.mbarrier_init.release.cluster;\nfence.proxy.async.shared::cta;";
  inlinePtx(b, b.getVoidTy(), text, "r,~{memory}", {sharedAddress(b, pointer)}, true);
}

void NvLaneTarget::copyBarriersEnd(IRBuilderBase &b, V pointer, unsigned barriers) {
  std::string text;
  for (unsigned i = 0; i < barriers; ++i)
    text += "mbarrier.inval.shared::cta.b64 [$0 + " + std::to_string(8 * i) + "];\n";
  inlinePtx(b, b.getVoidTy(), text, "r,~{memory}", {sharedAddress(b, pointer)}, true);
}

void NvLaneTarget::copyExpect(IRBuilderBase &b, V barrier, uint64_t bytes) {
  inlinePtx(b, b.getVoidTy(), "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], " + std::to_string(bytes) + ";",
            "r,~{memory}", {sharedAddress(b, barrier)}, true);
}

void NvLaneTarget::copyArrive(IRBuilderBase &b, V barrier) {
  inlinePtx(b, b.getVoidTy(), "mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}", {sharedAddress(b, barrier)},
            true);
}

void NvLaneTarget::copyBarrierWait(IRBuilderBase &b, V barrier, V parity) {
  inlinePtx(b, b.getVoidTy(),
            "{\n.reg .pred done;\nagain_${:uid}:\nmbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\n"
            "@!done bra again_${:uid};\n}",
            "r,r,~{memory}", {sharedAddress(b, barrier), parity}, true);
}

void NvLaneTarget::tensorLoad(IRBuilderBase &b, V shared, V map, V barrier, ArrayRef<V> coordinates) {
  SmallVector<V> operands{sharedAddress(b, shared), map, sharedAddress(b, barrier)};
  std::string constraints = "r,l,r";
  for (V coordinate : llvm::reverse(coordinates)) {
    operands.push_back(coordinate);
    constraints += ",r";
  }
  inlinePtx(b, b.getVoidTy(),
            "cp.async.bulk.tensor." + std::to_string(coordinates.size()) +
                "d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, " +
                coordinateList(3, coordinates.size()) + "], [$2];",
            constraints + ",~{memory}", operands, true);
}

void NvLaneTarget::tensorStore(IRBuilderBase &b, V shared, V map, ArrayRef<V> coordinates) {
  SmallVector<V> operands{sharedAddress(b, shared), map};
  std::string constraints = "r,l";
  for (V coordinate : llvm::reverse(coordinates)) {
    operands.push_back(coordinate);
    constraints += ",r";
  }
  inlinePtx(b, b.getVoidTy(),
            "cp.async.bulk.tensor." + std::to_string(coordinates.size()) + "d.global.shared::cta.bulk_group [$1, " +
                coordinateList(2, coordinates.size()) + "], [$0];",
            constraints + ",~{memory}", operands, true);
}

void NvLaneTarget::tensorStoreCommit(IRBuilderBase &b) {
  inlinePtx(b, b.getVoidTy(), "cp.async.bulk.commit_group;", "~{memory}", {}, true);
}

// Lanes that started none have nothing to wait for.
void NvLaneTarget::tensorStoreWait(IRBuilderBase &b, unsigned pending, bool complete) {
  inlinePtx(b, b.getVoidTy(),
            std::string("cp.async.bulk.wait_group") + (complete ? " " : ".read ") + std::to_string(pending) + ";",
            "~{memory}", {}, true);
}

} // namespace tessera::nvidia
