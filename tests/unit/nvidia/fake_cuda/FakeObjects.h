// FakeObjects.h - what the handles of the fake stand for
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Api.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tessera::fake_cuda {

using nvidia::cu::GraphNode;
using nvidia::cu::Result;

struct FakeContext {
  int device = 0, references = 0;
  Result fault = nvidia::cu::kSuccess;
};
struct FakeModule {
  std::vector<std::unique_ptr<std::string>> functions;
  std::map<std::string, std::string> globals;
};
struct FakeGraphNode {
  std::string kernel;
  unsigned grid[3] = {}, block[3] = {};
  std::vector<char> arguments = {};
  FakeModule *module = nullptr; // none: a copy
};
struct FakeGraph {
  std::vector<std::unique_ptr<FakeGraphNode>> nodes;
  GraphNode add(FakeGraphNode node) {
    nodes.push_back(std::make_unique<FakeGraphNode>(std::move(node)));
    return reinterpret_cast<GraphNode>(nodes.back().get());
  }
};
struct FakeStream {
  FakeContext *context = nullptr;
  std::vector<std::function<void()>> queue;
  FakeGraph *graph = nullptr; // capturing into it
  bool origin = false, broken = false;
  GraphNode last = nullptr;
};
struct FakeEvent {
  FakeStream *stream = nullptr;
  FakeGraph *captured = nullptr;
  bool timed = true;
  double milliseconds = 0;
  bool recorded = false, done = false;
};
struct FakeExec {
  std::vector<std::unique_ptr<FakeGraphNode>> nodes;
  std::map<FakeGraphNode *, FakeGraphNode *> of;
};

} // namespace tessera::fake_cuda
