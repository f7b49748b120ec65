// Llvm.h - precompiled header of everything that builds LLVM IR
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>
