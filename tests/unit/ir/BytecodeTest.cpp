// BytecodeTest.cpp - tile IR to bytecode: locations, parameters, options, loops, refusals
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/mlir/Convert.h"
#include "core/ir/Tile.h"
#include "core/pipeline/Context.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace tessera;

namespace {

struct Bytecode : ::testing::Test {
  std::unique_ptr<MLIRContext> context = makeContext();
  DiagnosticList diagnostics;
  OwningOpRef<ModuleOp> parse(StringRef text) { return parseSourceString<ModuleOp>(text, ParserConfig(context.get())); }
  std::optional<tbc::Module> write(StringRef text) {
    OwningOpRef<ModuleOp> module = parse(text);
    return module ? toBytecodeModule(*module, diagnostics) : std::nullopt;
  }
  const tbc::Op *find(const tbc::Region &region, tbc::Opcode code) {
    for (const tbc::Op &op : region.ops)
      if (op.code == code)
        return &op;
    return nullptr;
  }
};

TEST_F(Bytecode, ParametersAndOptions) {
  auto module = write(R"(
    module attributes {tile.level = "layout", tile.options = {num_stages = 3 : i64, num_warps = 8 : i64}} {
      func.func @k(%p: !tile.ptr<f16> {tile.name = "p", tile.divisibility = 16, tile.read_only}, %n: i32 {tile.name = "n", tile.unsigned}) {
        return
      }
    })");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->level, tbc::Level::Layout);
  EXPECT_EQ(module->option("num_warps"), 8);
  const tbc::Function &k = module->functions.at(0);
  EXPECT_EQ(k.params.at(0).name, "p");
  EXPECT_EQ(k.params[0].divisibility, 16);
  EXPECT_TRUE(k.params[0].readOnly);
  EXPECT_FALSE(k.params[0].isUnsigned);
  EXPECT_TRUE(k.params.at(1).isUnsigned);
  EXPECT_TRUE(module->typeOf(k.params[0].value).pointer);
}

TEST_F(Bytecode, LocationsChainCalls) {
  OwningOpRef<ModuleOp> module = parse("func.func @k() { return }");
  Location line = FileLineColLoc::get(context.get(), "a.py", 3, 5),
           call = FileLineColLoc::get(context.get(), "b.py", 9, 1);
  Location outer = FileLineColLoc::get(context.get(), "c.py", 20, 2);
  Location nested = CallSiteLoc::get(line, CallSiteLoc::get(call, outer));
  Location folded = CallSiteLoc::get(CallSiteLoc::get(line, call), outer); // the same chain, built the other way round
  module->walk([&](Operation *op) { op->setLoc(nested); });
  auto written = toBytecodeModule(*module, diagnostics);
  ASSERT_TRUE(written);
  tbc::Loc at = written->locs.at(written->functions[0].body.ops[0].loc);
  EXPECT_EQ(written->files.at(at.file), "a.py");
  EXPECT_EQ(at.line, 3u);
  at = written->locs.at(at.caller);
  EXPECT_EQ(written->files.at(at.file), "b.py");
  at = written->locs.at(at.caller);
  EXPECT_EQ(written->files.at(at.file), "c.py");
  EXPECT_EQ(at.caller, tbc::kNone);
  // Back again: the same locations.
  OwningOpRef<ModuleOp> read = fromBytecodeModule(*written, *context, diagnostics);
  ASSERT_TRUE(read);
  read->walk([&](Operation *op) {
    if (!isa<ModuleOp>(op))
      EXPECT_EQ(op->getLoc(), nested);
  });
  module->walk([&](Operation *op) { op->setLoc(folded); });
  auto again = toBytecodeModule(*module, diagnostics);
  ASSERT_TRUE(again);
  std::string chain;
  for (tbc::LocId id = again->functions[0].body.ops[0].loc; id != tbc::kNone; id = again->locs[id].caller)
    chain += again->files[again->locs[id].file];
  EXPECT_EQ(chain, "a.pyb.pyc.py");
}

TEST_F(Bytecode, LoopOptionsAndApproximation) {
  auto module = write(R"(
    func.func @k(%n: i32, %x: f32) {
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      scf.for %i = %c0 to %n step %c1 : i32 {
        %a = arith.divf %x, %x fastmath<afn> : f32
        %b = math.sqrt %x : f32
        %c = arith.constant true
        tile.print "x" %a, %b, %c : f32, f32, i1
      } {tile.num_stages = 4 : i32, tile.loop_flags = 2 : i32}
      scf.for unsigned %i = %c0 to %n step %c1 : i32 {
      }
      return
    })");
  ASSERT_TRUE(module);
  const tbc::Region &body = module->functions[0].body;
  const tbc::Op *loop = find(body, tbc::Opcode::For);
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->intAttr(tbc::AttrId::NumStages), 4);
  EXPECT_EQ(loop->intAttr(tbc::AttrId::LoopFlags), 2);
  EXPECT_EQ(loop->intAttr(tbc::AttrId::Signed), 1);
  EXPECT_EQ(find(loop->regions[0], tbc::Opcode::DivF)->intAttr(tbc::AttrId::Approx), 1);
  EXPECT_EQ(find(loop->regions[0], tbc::Opcode::Sqrt)->intAttr(tbc::AttrId::Approx), 0);
  EXPECT_EQ(find(loop->regions[0], tbc::Opcode::Constant)->intAttr(tbc::AttrId::Value), 1);
  EXPECT_EQ(body.ops[body.ops.size() - 2].intAttr(tbc::AttrId::Signed), 0);
}

TEST_F(Bytecode, RefusesWhatHasNoPlace) {
  EXPECT_FALSE(write(R"(
    func.func @k(%b: !tile.block_ptr<tensor<4xf32>>) {
      return
    })"));
  ASSERT_EQ(diagnostics.errorCount(), 1u);
  EXPECT_NE(diagnostics.all()[0].message.find("block_ptr"), std::string::npos);
  diagnostics.clear();
  EXPECT_FALSE(write(R"(
    func.func @k() {
      %c = arith.constant dense<[1, 2]> : tensor<2xi32>
      return
    })"));
  EXPECT_EQ(diagnostics.errorCount(), 1u);
}

TEST_F(Bytecode, LayoutsSurvive) {
  StringRef text = R"(
    module attributes {tile.level = "layout"} {
      func.func @k(%x: tensor<2x4xf32, #tile.linear<[2, 4], register = [[0, 1], [0, 2]], lane = [[1, 0]], warp = [], block = []>>) {
        return
      }
    })";
  auto module = write(text);
  ASSERT_TRUE(module);
  ASSERT_EQ(module->layouts.size(), 1u);
  EXPECT_EQ(module->layouts[0].inDims, (std::vector<std::string>{"register", "lane", "warp", "block"}));
  EXPECT_EQ(module->layouts[0].bases[0][1], (std::vector<int32_t>{0, 2}));
  OwningOpRef<ModuleOp> read = fromBytecodeModule(*module, *context, diagnostics);
  ASSERT_TRUE(read);
  auto original = parse(text);
  auto typeOfK = [](ModuleOp m) { return (*m.getOps<func::FuncOp>().begin()).getArgumentTypes()[0]; };
  EXPECT_EQ(typeOfK(*read), typeOfK(*original));
  auto layout = cast<tile::LinearAttr>(cast<RankedTensorType>(typeOfK(*read)).getEncoding());
  EXPECT_EQ(tile::LinearAttr::get(context.get(), layout.getLayout()), layout);
}

} // namespace
