// LiveRegistersTest.cpp - what is live at once in the order of a kernel's text
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/LiveRegisters.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

using namespace tessera::nvidia;

namespace {
uint32_t live(const std::string &body) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic error;
  std::unique_ptr<llvm::Module> m =
      llvm::parseAssemblyString("target datalayout = \"e-p3:32:32-i64:64-n16:32:64\"\n"
                                "define void @k(ptr addrspace(1) %p, ptr addrspace(3) %s, i32 %n) {\nentry:\n" +
                                    body + "ret void\n}\n",
                                error, context);
  EXPECT_TRUE(m) << error.getMessage().str() << " in line " << error.getLineNo();
  return m ? liveRegisters(*m->getFunction("k")) : 0;
}
std::string load(const std::string &name, const std::string &type = "float") {
  return "%" + name + " = load volatile " + type + ", ptr addrspace(1) %p\n";
}
std::string store(const std::string &value, const std::string &type = "float") {
  return "store volatile " + type + " " + value + ", ptr addrspace(1) %p\n";
}
} // namespace

TEST(LiveRegisters, OfValuesThatWaitForEachOtherAllCount) {
  EXPECT_EQ(live(load("a") + store("%a") + load("b") + store("%b")), 1u);
  EXPECT_EQ(live(load("a") + load("b") + load("c") + store("%b") + store("%a") + store("%c")), 3u);
}

TEST(LiveRegisters, ValuesCountByTheirBytes) {
  EXPECT_EQ(live(load("a", "i64") + load("b", "<2 x half>") + load("c", "half") + load("d", "half") +
                 store("%a", "i64") + store("%b", "<2 x half>") + store("%c", "half") + store("%d", "half")),
            4u);
  EXPECT_EQ(live("%c = icmp eq i32 %n, 3\n" + load("a") + "%v = select i1 %c, float %a, float 1.0\n" + store("%v")),
            1u); // a predicate has registers of its own
}

TEST(LiveRegisters, ResultsThatAreTakenApartCountOnce) {
  EXPECT_EQ(live("%r = call {float, float} asm sideeffect \"two $0, $1;\", \"=f,=f\"()\n"
                 "%a = extractvalue {float, float} %r, 0\n%b = extractvalue {float, float} %r, 1\n" +
                 store("%a") + store("%b")),
            2u);
}

TEST(LiveRegisters, AddressesThatDifferByAConstantAreOne) {
  EXPECT_EQ(live("%q = getelementptr float, ptr addrspace(3) %s, i32 %n\n"
                 "%q1 = getelementptr i8, ptr addrspace(3) %q, i32 64\n"
                 "%q2 = getelementptr i8, ptr addrspace(3) %q, i32 128\n"
                 "store volatile float 0.0, ptr addrspace(3) %q1\nstore volatile float 0.0, ptr addrspace(3) %q2\n"
                 "store volatile float 0.0, ptr addrspace(3) %q\n"),
            1u);
}

TEST(LiveRegisters, WhatALoopCarriesAndWhatGoesPastItAreLiveInIt) {
  EXPECT_EQ(live(load("past") +
                 "br label %loop\nloop:\n%sum = phi float [0.0, %entry], [%next, %loop]\n"
                 "%i = phi i32 [0, %entry], [%j, %loop]\n" +
                 load("a") + load("b") +
                 "%ab = fmul float %a, %b\n%next = fadd float %sum, %ab\n%j = add i32 %i, 1\n"
                 "%more = icmp ult i32 %j, %n\nbr i1 %more, label %loop, label %end\nend:\n" +
                 store("%next") + store("%past")),
            5u); // both loads, the sum, the counter, what goes past
}
