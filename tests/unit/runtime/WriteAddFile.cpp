// WriteAddFile.cpp - writes a compiled kernel file with a hand-written add(x, y, n, a), for programs that must run without a compiler
//
// SPDX-License-Identifier: Apache-2.0
//
// usage: runtime_write_add FILE
#include "backends/cpu/image/ImageFile.h"
#include "runtime/launch/CompiledModule.h"

#include <cstdio>

// y[i] = x[i] + a for the 100 elements of the program, cut off at n. rdi: arguments, rsi: context.
__asm__(".pushsection .rodata\n"
        ".globl addCodeBegin, addCodeEnd\n"
        "addCodeBegin:\n"
        "  movl (%rsi), %eax\n  imull $100, %eax, %eax\n  leal 100(%rax), %ecx\n"
        "  movl 16(%rdi), %edx\n  cmpl %edx, %ecx\n  cmovgl %edx, %ecx\n"
        "  movq (%rdi), %r8\n  movq 8(%rdi), %r9\n  movss 20(%rdi), %xmm0\n"
        "1: cmpl %ecx, %eax\n  jge 2f\n"
        "  movss (%r8,%rax,4), %xmm1\n  addss %xmm0, %xmm1\n  movss %xmm1, (%r9,%rax,4)\n"
        "  incq %rax\n  jmp 1b\n"
        "2: ret\n"
        "addCodeEnd:\n"
        ".popsection\n");
extern "C" const uint8_t addCodeBegin[], addCodeEnd[];

int main(int argc, char **argv) {
  if (argc != 2)
    return std::fprintf(stderr, "usage: runtime_write_add FILE\n"), 2;
  tessera::cpu::ImageParts parts;
  parts.target = "x86-64-v1";
  parts.text.assign(addCodeBegin, addCodeEnd);
  parts.kernels.push_back({"add"});
  tessera::runtime::CompiledModule module;
  module.plugin = "cpu";
  module.target = parts.target;
  module.artifact = tessera::cpu::writeImage(parts);
  tessera::runtime::KernelInfo &add = module.kernels.emplace_back();
  add.name = "add";
  add.argBytes = 24;
  add.argAlign = 8;
  add.parameters = {{"x", 0, 8, TSR_ARG_POINTER, TSR_ARG_READONLY},
                    {"y", 8, 8, TSR_ARG_POINTER, 0},
                    {"n", 16, 4, TSR_ARG_INT, 0},
                    {"a", 20, 4, TSR_ARG_FLOAT, 0}};
  std::vector<uint8_t> bytes = tessera::runtime::encodeCompiledModule(module);
  std::FILE *file = std::fopen(argv[1], "we");
  bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return file && std::fclose(file) == 0 && written ? 0 : 1;
}
