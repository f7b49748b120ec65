// TargetCode.cpp - code that a kernel brings for one target: inline assembly and functions of bitcode libraries
//
// SPDX-License-Identifier: Apache-2.0
//
// Every lane runs the code on its own registers, `pack` of them a call. Copies of an element in other lanes run it too: what the
// code does besides its results is the kernel's affair.
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

bool Emitter::targetCode(const Op &o) {
  if (o.code != Opcode::InlineAsm && o.code != Opcode::ExternElementwise)
    return false;
  unsigned pack = o.code == Opcode::InlineAsm ? std::max(1u, static_cast<unsigned>(o.intAttr(AttrId::Pack, 1))) : 1;
  unsigned n = registersOf(type(o.results[0]));
  std::vector<ElemType> in, out;
  for (tbc::ValueId v : o.operands)
    in.push_back(ElemType::of(type(v)));
  for (tbc::ValueId v : o.results)
    out.push_back(ElemType::of(type(v)));
  std::vector<Registers> results(o.results.size());
  for (unsigned from = 0; from < n; from += pack) {
    std::vector<Registers> operands;
    for (tbc::ValueId v : o.operands) {
      Registers &group = operands.emplace_back();
      // A lane that has fewer registers left repeats its last one.
      for (unsigned i = 0; i < pack; ++i)
        group.push_back(of(v)[std::min(from + i, n - 1)]);
    }
    std::string why;
    std::vector<Registers> got = target_.targetCode(b_, o, in, out, operands, pack, why);
    if (got.empty())
      fail(o, why);
    for (size_t j = 0; j < results.size(); ++j)
      for (unsigned i = 0; i < pack && from + i < n; ++i)
        results[j].push_back(got[j][i]);
  }
  for (size_t j = 0; j < results.size(); ++j)
    set(o.results[j], std::move(results[j]));
  return true;
}

} // namespace tessera::codegen::simt
