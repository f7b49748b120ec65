// SimtTarget.cpp - see SimtTarget.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/SimtTarget.h"

#include "core/target/GenericTarget.h"
#include "tests/simt/Block.h"

#include <algorithm>

namespace tessera::simt {

SimtTarget::SimtTarget(const std::string &arch) : Target(arch, "simt"), matrix_(arch != "simt") {
  for (auto [id, value] : target::GenericTarget::simtInfo().capabilities)
    cap(id, value);
  cap(TSR_CAP_ADDR_BITS, 64);
  cap(TSR_CAP_DEBUG_TRAP, 1);
  irLevels(TSR_IR_LAYOUT);
  if (!matrix_)
    return;
  bool groups = arch == "simt-groups";
  if (arch == "simt-copies" || groups) {
    cap(TSR_CAP_ASYNC_COPY, 1 << 2 | 1 << 3 | 1 << 4); // 4, 8 and 16 bytes
    cap(TSR_CAP_TENSOR_COPY, 5);
    cap(TSR_CAP_TENSOR_COPY_BOX_MAX, 256);
    cap(TSR_CAP_TENSOR_COPY_ALIGN, 16);
    cap(TSR_CAP_TENSOR_COPY_SWIZZLES, 32 | 64 | 128);
    cap(TSR_CAP_WARP_SPECIALIZE, 1);
    cap(TSR_CAP_NAMED_BARRIERS, 16);
  }
  cap(TSR_CAP_BLOCK_TRANSFERS, 15);
  cap(TSR_CAP_ATOMIC_VEC_BITS, 128);
  menu_ = groups ? groupMenu() : matrixMenu();
  for (const target::MatrixEntry &from : menu_) {
    sdk::MatrixEntry e;
    e.id = from.id;
    e.m = static_cast<uint16_t>(from.m);
    e.n = static_cast<uint16_t>(from.nMin);
    e.k = static_cast<uint16_t>(from.k);
    e.lanes = static_cast<uint16_t>(from.lanes);
    e.a = from.a, e.b = from.b, e.c = from.c, e.d = from.d;
    e.issueCycles = from.issueCycles;
    e.latency = from.latency;
    e.nMax = static_cast<uint16_t>(from.nStep ? from.nMax : 0);
    e.nStep = static_cast<uint16_t>(from.nStep);
    e.flags = from.flags;
    e.aSpace = from.aSpaces, e.bSpace = from.bSpaces, e.cSpace = from.cSpaces;
    this->sdk::Target::matrix(e);
  }
}

std::vector<sdk::TargetName> SimtTarget::list() {
  return {{"simt", "generated lane code on the host, for tests"},
          {"simt-matrix", "the same with matrix instructions and reductions of a warp"},
          {"simt-copies", "the same with copies beside the lanes, tensor copies and roles"},
          {"simt-groups", "the same with products of groups of warps, which read shared memory"}};
}

std::unique_ptr<sdk::Target> SimtTarget::parse(const sdk::Spec &spec) {
  std::vector<sdk::TargetName> known = list();
  if (std::none_of(known.begin(), known.end(), [&](const sdk::TargetName &t) { return t.canonical == spec.arch; }))
    return nullptr;
  if (!spec.features.empty())
    throw sdk::Error(TSR_E_INVALID, "target simt has no feature '" + spec.features[0].first + "'");
  return std::make_unique<SimtTarget>(std::string(spec.arch));
}

std::vector<uint32_t> SimtTarget::rank(const tsr_mma_problem &p) const {
  std::vector<uint32_t> fit = Target::rank(p);
  std::stable_partition(fit.begin(), fit.end(), [&](uint32_t i) { return menu_[i].lanes > 32; });
  return fit;
}

sdk::Verdict SimtTarget::runsOn(const sdk::Target &device) const {
  return device.family() == family() ? sdk::Verdict::Yes : sdk::Verdict::No;
}

sdk::LinearMap SimtTarget::layout(const sdk::LayoutRequest &request) const {
  bool isOperand = request.access == TSR_ACCESS_MMA_OPERAND, isSum = request.access == TSR_ACCESS_MMA_ACCUMULATOR,
       isShared = request.access == TSR_ACCESS_SHARED;
  if ((!isOperand && !isSum && !isShared) || request.entry == 0)
    throw sdk::Unsupported("a layout of its own", "", "simt: the core's default serves");
  target::LayoutRequest question;
  question.access = isShared ? target::Access::Shared
                    : isSum  ? target::Access::MatrixAccumulator
                             : target::Access::MatrixOperand;
  question.shape.assign(request.shape.begin(), request.shape.end());
  question.numWarps = request.numWarps;
  question.operand = isSum ? 2 : request.operand;
  question.matrixEntry = static_cast<int32_t>(request.entry) - 1;
  question.elementBits = request.elementBits;
  question.contiguity.assign(request.contiguous.begin(), request.contiguous.end());
  std::string why;
  auto l = target::GenericTarget(target::GenericTarget::simtInfo(), menu_).layoutFor(question, &why);
  if (!l)
    throw sdk::Unsupported("this fragment", "", "simt: " + why);
  sdk::LinearMap m;
  for (const layout::Dim &d : l->outs())
    m.outLog2.push_back(d.bits);
  const std::vector<uint32_t> dims =
      isShared ? std::vector<uint32_t>{TSR_DIM_OFFSET}
               : std::vector<uint32_t>{TSR_DIM_REG, TSR_DIM_LANE, TSR_DIM_WARP, TSR_DIM_BLOCK};
  std::vector<std::vector<std::vector<int32_t>>> bases = l->bases();
  for (size_t i = 0; i < bases.size(); ++i)
    m.inputs.push_back({dims[i], bases[i]});
  return m;
}

} // namespace tessera::simt
