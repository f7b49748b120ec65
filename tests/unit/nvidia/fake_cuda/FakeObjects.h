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
struct FakeGraphNode {
  std::string kernel;
  unsigned grid[3], block[3];
  std::vector<char> arguments;
};
struct FakeGraph {
  std::vector<std::unique_ptr<FakeGraphNode>> nodes;
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
  double milliseconds = 0;
  bool recorded = false, done = false;
};
struct FakeModule {
  std::vector<std::unique_ptr<std::string>> functions;
  std::map<std::string, std::string> globals;
};
struct FakeExec {
  std::vector<std::unique_ptr<FakeGraphNode>> nodes;
  std::map<FakeGraphNode *, FakeGraphNode *> of;
};

} // namespace tessera::fake_cuda
