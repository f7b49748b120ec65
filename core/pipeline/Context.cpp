// Context.cpp - see Context.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline/Context.h"
#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <mutex>
#include <unordered_map>
#include <vector>

using namespace mlir;

namespace tessera {

std::unique_ptr<MLIRContext> makeContext() {
  auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  context->loadDialect<tile::TileDialect, arith::ArithDialect, math::MathDialect, scf::SCFDialect, func::FuncDialect>();
  return context;
}

namespace {

class Pool {
public:
  MLIRContext *take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto [context, uses] = idle_.back();
        idle_.pop_back();
        inUse_[context] = uses + 1;
        return context;
      }
    }
    MLIRContext *context = makeContext().release();
    std::lock_guard lock(mutex_);
    inUse_[context] = 1;
    return context;
  }
  void giveBack(MLIRContext *context) {
    {
      std::lock_guard lock(mutex_);
      auto it = inUse_.find(context);
      unsigned uses = it->second;
      inUse_.erase(it);
      if (uses < kUses && idle_.size() < kIdle) {
        idle_.emplace_back(context, uses);
        return;
      }
    }
    delete context;
  }

private:
  static constexpr unsigned kUses = 32;
  static constexpr size_t kIdle = 4;
  std::mutex mutex_;
  std::vector<std::pair<MLIRContext *, unsigned>> idle_; // the last one given back goes first
  std::unordered_map<MLIRContext *, unsigned> inUse_;
};

// Never destroyed: threads may still compile while the process ends.
Pool &pool() {
  static auto *thePool = new Pool();
  return *thePool;
}

} // namespace

void ReturnContext::operator()(MLIRContext *context) const { pool().giveBack(context); }

LeasedContext leaseContext() { return LeasedContext(pool().take()); }

} // namespace tessera
