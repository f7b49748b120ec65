// Processor.cpp - CPUID, read once
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/image/Processor.h"

#include <algorithm>
#include <cpuid.h>
#include <cstdint>
#include <unistd.h>

namespace tessera::cpu {
namespace {

struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(uint32_t leaf, uint32_t sub = 0) {
  Leaf r;
  uint32_t highest = __get_cpuid_max(leaf & 0x80000000u, nullptr);
  if (highest >= leaf)
    __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
  return r;
}

uint64_t enabledState() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

bool has(uint32_t word, std::initializer_list<int> bits) {
  return std::all_of(bits.begin(), bits.end(), [&](int b) { return (word >> b) & 1; });
}

// Bytes of the largest level that the deterministic cache parameters describe; 0: they do not. Not through sysconf first: its
// figure for the third level is that of the whole package on some AMD processors (320 MB where eight cores share 32).
unsigned long describedCache(uint32_t leaf) {
  unsigned long bytes = 0;
  uint32_t highest = 0;
  for (uint32_t sub = 0; sub < 16; ++sub) {
    Leaf c = cpuid(leaf, sub);
    uint32_t kind = c.a & 0x1f, level = (c.a >> 5) & 7;
    if (kind == 0)
      break;
    if (kind == 2 || level < highest) // instructions only
      continue;
    highest = level;
    bytes = ((c.b >> 22) + 1ul) * (((c.b >> 12) & 0x3ff) + 1ul) * ((c.b & 0xfff) + 1ul) * (c.c + 1ul);
  }
  return bytes;
}

struct Facts {
  int level = 1;
  std::vector<std::string> features;
  unsigned long cache = 0;

  Facts() {
    Leaf one = cpuid(1), seven = cpuid(7), sevenOne = cpuid(7, 1), ext = cpuid(0x80000001u);
    uint64_t state = (one.c >> 27) & 1 ? enabledState() : 0;
    bool avxState = (state & 0x6) == 0x6, zmmState = (state & 0xe6) == 0xe6, tileState = (state & 0x60000) == 0x60000;
    // v2: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT, LAHF. v3: FMA, MOVBE, XSAVE (OS), AVX, F16C; BMI1, AVX2, BMI2; LZCNT.
    bool v2 = has(one.c, {0, 9, 13, 19, 20, 23}) && has(ext.c, {0});
    bool v3 = v2 && has(one.c, {12, 22, 27, 28, 29}) && has(seven.b, {3, 5, 8}) && has(ext.c, {5}) && avxState;
    bool v4 = v3 && has(seven.b, {16, 17, 28, 30, 31}) && zmmState;
    level = v4 ? 4 : v3 ? 3 : v2 ? 2 : 1;
    auto add = [&](bool usable, const char *name) {
      if (usable)
        features.push_back(name);
    };
    add(v4 && has(sevenOne.a, {5}), "avx512bf16");
    add(v4 && has(seven.c, {11}), "avx512vnni");
    add(v4 && has(seven.d, {23}), "avx512fp16");
    add(v3 && has(sevenOne.a, {4}), "avxvnni");
    // Tiles also need a permission of the kernel (arch_prctl), which whoever uses them asks for.
    add(v4 && tileState && has(seven.d, {24}), "amx-tile");
    add(v4 && tileState && has(seven.d, {24, 25}), "amx-int8");
    add(v4 && tileState && has(seven.d, {24, 22}), "amx-bf16");
    cache = describedCache(has(ext.c, {22}) ? 0x8000001du : 4u);
    if (cache == 0) {
      long llc = sysconf(_SC_LEVEL3_CACHE_SIZE);
      if (llc <= 0)
        llc = sysconf(_SC_LEVEL2_CACHE_SIZE);
      cache = llc > 0 ? static_cast<unsigned long>(llc) : 0;
    }
  }
};

const Facts &facts() {
  static const Facts f;
  return f;
}

} // namespace

int processorLevel() { return facts().level; }
const std::vector<std::string> &processorFeatures() { return facts().features; }
unsigned long lastLevelCacheBytes() { return facts().cache; }

std::string hostTarget() {
  std::string text = "x86-64-v" + std::to_string(facts().level);
  for (const std::string &f : facts().features)
    if (f.rfind("amx", 0) != 0)
      text += ":" + f + "+";
  return text;
}

bool processorRuns(std::string_view target, std::string &why) {
  std::string_view rest = target;
  constexpr std::string_view stem = "x86-64-v";
  size_t colon = std::min(rest.find(':'), rest.size());
  std::string_view arch = rest.substr(0, colon);
  if (arch.size() != stem.size() + 1 || arch.substr(0, stem.size()) != stem || arch.back() < '1' || arch.back() > '4') {
    why = "the target `" + std::string(target) + "` is not an x86-64 level that this driver knows";
    return false;
  }
  if (arch.back() - '0' > facts().level) {
    why =
        "the code is for " + std::string(arch) + ", and this processor is an x86-64-v" + std::to_string(facts().level);
    return false;
  }
  rest.remove_prefix(colon);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    size_t end = std::min(rest.find(':'), rest.size());
    std::string_view feature = rest.substr(0, end);
    rest.remove_prefix(end);
    if (feature.empty() || (feature.back() != '+' && feature.back() != '-')) {
      why = "the target `" + std::string(target) + "` is malformed: a feature ends in + or -";
      return false;
    }
    bool wanted = feature.back() == '+';
    feature.remove_suffix(1);
    const auto &have = facts().features;
    if (wanted && std::find(have.begin(), have.end(), feature) == have.end()) {
      why = "the code needs the processor feature `" + std::string(feature) + "`, which is not usable here";
      return false;
    }
  }
  return true;
}

} // namespace tessera::cpu
