// PipelineTest.cpp - the stage table, dumps, failures, speed
//
// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline/Pipeline.h"
#include "core/ir/Tile.h"
#include "core/pipeline/Context.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

using namespace mlir;
using namespace tessera;

namespace {

constexpr const char *kKernel = R"(
  func.func @k(%p: !tile.ptr<f32>) {
    %i = tile.arange 0 to 64 : tensor<64xi32>
    %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
    %q = tile.addptr %ps, %i : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %q, %v : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
    return
  })";

std::filesystem::path freshFolder(const char *name) {
  auto path = std::filesystem::temp_directory_path() / ("tessera-pipeline-test-" + std::to_string(getpid())) / name;
  std::filesystem::create_directories(path);
  return path;
}

// Fails, with a message at the op or without one.
template <bool hasMessage> struct Failing : PassWrapper<Failing<hasMessage>, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Failing)
  void runOnOperation() override {
    if (hasMessage) {
      this->getOperation().emitError("the first") << " reason";
      this->getOperation().emitError("the second");
    }
    this->signalPassFailure();
  }
};

TEST(Pipeline, StageNamesAreUnique) {
  std::set<std::string_view> names;
  for (const Stage &stage : tileStages())
    EXPECT_TRUE(names.insert(stage.name).second) << stage.name;
}

// A context that was given back serves the next compile, whatever the first one left in it; nobody shares one.
TEST(Pipeline, ContextsServeSeveralCompiles) {
  MLIRContext *first = nullptr;
  {
    LeasedContext context = leaseContext();
    first = context.get();
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(context.get()));
    DiagnosticList diagnostics;
    EXPECT_TRUE(runTilePipeline(*module, {}, diagnostics));
  }
  LeasedContext again = leaseContext(), other = leaseContext();
  EXPECT_EQ(again.get(), first);
  EXPECT_NE(other.get(), first);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(again.get()));
  DiagnosticList diagnostics;
  EXPECT_TRUE(runTilePipeline(*module, {}, diagnostics));
}

TEST(Pipeline, ContextsEndAfterAWhile) {
  leaseContext()->allowUnregisteredDialects(); // a mark that a new one does not have
  unsigned served = 0;
  while (served < 200 && leaseContext()->allowsUnregisteredDialects())
    ++served;
  EXPECT_GE(served, 1u);
  EXPECT_LT(served, 200u) << "what a context has interned is freed with it";
}

TEST(Pipeline, DumpsTheStagesNamed) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(context.get()));
  PipelineOptions options;
  options.dumpDir = freshFolder("dump").string();
  options.dumpIr = "hoist, merge";
  DiagnosticList diagnostics;
  ASSERT_TRUE(runTilePipeline(*module, options, diagnostics));
  EXPECT_EQ(diagnostics.errorCount(), 0u);
  size_t files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(options.dumpDir)) {
    std::string name = entry.path().filename().string();
    EXPECT_TRUE(name.ends_with("-hoist.mlir") || name.ends_with("-merge.mlir")) << name;
    ++files;
  }
  EXPECT_EQ(files, 2u);
}

TEST(Pipeline, AFailureIsOneError) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(context.get()));
  const Stage stages[] = {{"talks", [] { return std::unique_ptr<Pass>(std::make_unique<Failing<true>>()); }}};
  DiagnosticList diagnostics;
  EXPECT_FALSE(runStages(*module, stages, {}, diagnostics));
  ASSERT_EQ(diagnostics.errorCount(), 1u);
  EXPECT_EQ(diagnostics.all()[0].message, "the first reason");
  EXPECT_GE(diagnostics.all()[0].notes.size(), 2u);
}

TEST(Pipeline, ASilentFailureNamesStageAndReproducer) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(context.get()));
  const Stage stages[] = {{"silent", [] { return std::unique_ptr<Pass>(std::make_unique<Failing<false>>()); }}};
  PipelineOptions options;
  options.dumpDir = freshFolder("reproducer").string();
  DiagnosticList diagnostics;
  EXPECT_FALSE(runStages(*module, stages, options, diagnostics));
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].id, DiagId::StageFailed);
  EXPECT_NE(diagnostics.all()[0].message.find("'silent'"), std::string::npos);
  std::ifstream file(options.dumpDir + "/silent.reproducer.mlir");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(text.find("tile.arange"), std::string::npos);
}

// Broken IR is found right after the stage that made it.
struct Breaking : PassWrapper<Breaking, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Breaking)
  void runOnOperation() override {
    getOperation().walk([](tile::LoadOp load) { load.getResult().setType(load.getPtr().getType()); });
  }
};

TEST(Pipeline, VerifiesBetweenStages) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kKernel, ParserConfig(context.get()));
  const Stage stages[] = {{"breaking", [] { return std::unique_ptr<Pass>(std::make_unique<Breaking>()); }}};
  DiagnosticList diagnostics;
  EXPECT_FALSE(runStages(*module, stages, {}, diagnostics));
  EXPECT_EQ(diagnostics.errorCount(), 1u);
}

} // namespace
