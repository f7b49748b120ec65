// TestPasses.cpp - see TestPasses.h
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/tessera-opt/TestPasses.h"
#include "core/bytecode/mlir/Convert.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace tessera {
namespace {

struct BytecodeRoundTrip final : PassWrapper<BytecodeRoundTrip, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BytecodeRoundTrip)
  StringRef getArgument() const final { return "tile-bytecode-round-trip"; }
  StringRef getDescription() const final { return "write the module as bytecode, read it back"; }

  void runOnOperation() override {
    DiagnosticList diagnostics;
    std::optional<tbc::Module> written = toBytecodeModule(getOperation(), diagnostics);
    OwningOpRef<ModuleOp> read = written ? fromBytecodeModule(*written, getContext(), diagnostics) : nullptr;
    if (!read) {
      for (const tessera::Diagnostic &d : diagnostics.all())
        getOperation()->emitError() << d.message;
      return signalPassFailure();
    }
    getOperation()->setAttrs((*read)->getAttrDictionary());
    getOperation().getBodyRegion().takeBody(read->getBodyRegion());
  }
};

} // namespace

void registerTestPasses() { PassRegistration<BytecodeRoundTrip>(); }

} // namespace tessera
