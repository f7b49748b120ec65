// NvidiaTarget.cpp - capabilities of every architecture, each with its source
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/target/NvidiaTarget.h"

namespace tessera::nvidia {

// [G], [T], [P]: see Architecture.h.
NvidiaTarget::NvidiaTarget(const Architecture &architecture)
    : Target(architecture.name(), Architecture{architecture.capability, false, architecture.ptx}.name()),
      architecture_(architecture) {
  const Capability &c = *architecture.capability;
  cap(TSR_CAP_LANES, 32);              // [G] warp size
  cap(TSR_CAP_MAX_THREADS, 1024);      // [G] threads per block
  cap(TSR_CAP_MAX_WARPS, 32);          // 1024 / 32
  cap(TSR_CAP_GRID_MAX_X, 2147483647); // [G] x-dimension of a grid of thread blocks
  cap(TSR_CAP_GRID_MAX_Y, 65535);      // [G] y- and z-dimension
  cap(TSR_CAP_GRID_MAX_Z, 65535);
  cap(TSR_CAP_SMEM_STATIC, 48 << 10); // [G] "Shared Memory": static allocations stay within 48 KB
  cap(TSR_CAP_SMEM_OPTIN, c.sharedOptIn);
  cap(TSR_CAP_SMEM_BANKS, 32);       // [G] number of shared memory banks
  cap(TSR_CAP_SMEM_BANK_BYTES, 4);   // [G] "Shared Memory": successive 32-bit words in successive banks
  cap(TSR_CAP_REGS_PER_THREAD, 255); // [G]
  cap(TSR_CAP_REG_FILE, 65536);      // [G] 32-bit registers of a multiprocessor
  cap(TSR_CAP_MAX_VEC_BITS, 128);    // [P] ld: vectors up to 128 bits on every target
  cap(TSR_CAP_ADDR_BITS, 64);
  cap(TSR_CAP_SHUFFLES, 1 | 2);  // [P] shfl.sync: .idx and .bfly of .b32
  cap(TSR_CAP_FP_ROUNDING, 0xf); // [P] add: .rn .rz .rp .rm
  cap(TSR_CAP_DEBUG_TRAP, 1);    // [P] trap
  cap(TSR_CAP_GRID_STRIDE, 1);   // backends/nvidia/driver: NvidiaKernel::grid
  // [P] barrier.cta: of the block and of a part of it; mbarrier with transaction counts and barrier.cluster: sm_90.
  cap(TSR_CAP_BARRIERS, architecture.atLeast(90) ? 1 | 2 | 4 | 8 : 1 | 2);
  cap(TSR_CAP_NAMED_BARRIERS, 16);          // [P] barrier: 16 of a CTA
  cap(TSR_CAP_SMEM_BYTES_PER_CLK, 128);     // [G] 32 banks of 4 bytes a clock
  cap(TSR_CAP_TRANSCENDENTALS_PER_CLK, 16); // [T] 32-bit reciprocal, exp2, log2, sine
  cap(TSR_CAP_FMAS_PER_CLK, c.fmasPerClock);
  cap(TSR_CAP_BLOCK_TRANSFERS, architecture.atLeast(90) ? 15 : 3); // [P] ldmatrix: sm_75, stmatrix: sm_90
  if (architecture.atLeast(80)) {
    cap(TSR_CAP_ASYNC_COPY, (1 << 2) | (1 << 3) | (1 << 4)); // [P] cp.async: cp-size 4, 8, 16, sm_80
  }
  if (architecture.atLeast(90)) {
    cap(TSR_CAP_CLUSTER_MAX, 8);       // [G] "Thread Block Clusters": 8 are portable
    cap(TSR_CAP_ATOMIC_VEC_BITS, 128); // [P] atom: .vec_32_bit, .vec_16_bit, sm_90
    cap(TSR_CAP_WARP_SPECIALIZE, 1);   // [P] mbarrier between warps; barrier of a part of the CTA
  }
  if (architecture.atLeast(90) && architecture.tensorCopies) {
    cap(TSR_CAP_TENSOR_COPY, 5);                      // [P] cp.async.bulk.tensor, sm_90
    cap(TSR_CAP_MULTICAST, 1);                        // [P] the same, .multicast::cluster, sm_90
    cap(TSR_CAP_TENSOR_COPY_BOX_MAX, 256);            // CUDA Driver API, cuTensorMapEncodeTiled: boxDim
    cap(TSR_CAP_TENSOR_COPY_ALIGN, 16);               // ibid.: globalAddress
    cap(TSR_CAP_TENSOR_COPY_SWIZZLES, 32 | 64 | 128); // ibid.: CUtensorMapSwizzle
  }
  if (architecture.isHopperSpecific())
    cap(TSR_CAP_WARPS_PER_MATRIX_GROUP, 4); // [P] wgmma: a warpgroup is four warps, sm_90a
  if (architecture.accelerated)
    cap(TSR_CAP_REG_REALLOC_STEP, 8); // [P] setmaxnreg: a multiple of 8; sm_90a, sm_100a, sm_103a, sm_120a
  if (architecture.accelerated && (c.number == 100 || c.number == 103))
    cap(TSR_CAP_TMEM_BYTES, 256 << 10); // [P] "Tensor Memory": 128 lanes, 512 columns of 32 bits
  irLevels(TSR_IR_LAYOUT);
}

sdk::Verdict NvidiaTarget::runsOn(const sdk::Target &device) const {
  switch (nvidia::runsOn(architecture_, static_cast<const NvidiaTarget &>(device).architecture_)) {
  case Runs::Yes:
    return sdk::Verdict::Yes;
  case Runs::Recompile:
    return sdk::Verdict::Recompile;
  case Runs::No:
    break;
  }
  return sdk::Verdict::No;
}

std::vector<sdk::TargetName> NvidiaTarget::list() {
  std::vector<sdk::TargetName> names;
  for (const Capability &c : capabilities()) {
    names.push_back({Architecture{&c, false, false}.name(), c.help});
    if (c.accelerated)
      names.push_back({Architecture{&c, true, false}.name(), std::string(c.help) + ", with what only these have"});
  }
  for (const Capability &c : capabilities())
    names.push_back({Architecture{&c, false, true}.name(), "PTX for " + std::to_string(c.major()) + "." +
                                                               std::to_string(c.minor()) + " and everything later"});
  return names;
}

std::optional<Architecture> architectureOf(const sdk::Spec &spec) {
  std::string why;
  std::optional<Architecture> a = parseArchitecture(spec.arch, why);
  if (!a && !why.empty())
    throw sdk::Error(TSR_E_UNSUPPORTED, why);
  for (const auto &[feature, isOn] : spec.features) {
    if (!a)
      break;
    if (feature != kTensorCopiesFeature)
      throw sdk::Unsupported("feature '" + feature + "'", "", a->name());
    if (isOn && !a->atLeast(90))
      throw sdk::Unsupported("feature '" + feature + "', which begins with sm_90", "", a->name());
    a->tensorCopies = isOn;
  }
  return a;
}

std::unique_ptr<sdk::Target> NvidiaTarget::parse(const sdk::Spec &spec) { return parseTarget<NvidiaTarget>(spec); }

} // namespace tessera::nvidia
