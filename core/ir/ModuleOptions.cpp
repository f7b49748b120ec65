// ModuleOptions.cpp - a kernel's options, which its module carries
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/ModuleOptions.h"

#include "core/ir/Tile.h"

using namespace mlir;

namespace tessera::tile {

int64_t moduleOption(Operation *inside, StringRef name, int64_t otherwise) {
  auto module = dyn_cast<ModuleOp>(inside);
  if (!module)
    module = inside->getParentOfType<ModuleOp>();
  auto options = module ? module->getAttrOfType<DictionaryAttr>(kOptionsAttr) : DictionaryAttr();
  auto value = options ? options.getAs<IntegerAttr>(name) : IntegerAttr();
  return value ? value.getInt() : otherwise;
}

void setModuleOption(ModuleOp module, StringRef name, int64_t value) {
  NamedAttrList options(module->getAttrOfType<DictionaryAttr>(kOptionsAttr));
  options.set(name, Builder(module.getContext()).getI64IntegerAttr(value));
  module->setAttr(kOptionsAttr, options.getDictionary(module.getContext()));
}

} // namespace tessera::tile
