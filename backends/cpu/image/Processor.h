// Processor.h - the processor this process runs on, in the words of `--target=`
//
// SPDX-License-Identifier: Apache-2.0
//
// Source: System V x86-64 psABI, "Micro-Architecture Levels"; Intel SDM vol. 2 CPUID (leaf 4: caches) and vol. 1 13.3 (XGETBV);
// AMD APM vol. 3 appendix E (leaf 8000001D: caches). A level counts only where the operating system saves the registers it needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera::cpu {

// 1 to 4: the highest x86-64-vN that this processor and its operating system support.
int processorLevel();

// Features beyond the level that code generation makes use of, in LLVM's spelling: avx512bf16, avx512vnni, avx512fp16, avxvnni,
// amx-tile, amx-int8, amx-bf16. Only those that are usable here.
const std::vector<std::string> &processorFeatures();

// "x86-64-v3", or "x86-64-v4:avx512bf16+:avx512vnni+": what --target=native means here.
std::string hostTarget();

// May code for `target` ("x86-64-vN", then any number of ":feature+" or ":feature-") run here? No: `why` names what is missing.
bool processorRuns(std::string_view target, std::string &why);

// Bytes of one last-level cache, that which the cores around this one share; 0 = unknown.
unsigned long lastLevelCacheBytes();

} // namespace tessera::cpu
