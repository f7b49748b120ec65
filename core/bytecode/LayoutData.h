// LayoutData.h - between a module's layouts (plain data) and layout::LinearLayout (with algebra)
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/layout/LinearLayout.h"

namespace tessera::tbc {

inline LayoutData toLayoutData(const layout::LinearLayout &l) {
  LayoutData data;
  for (const layout::Dim &in : l.ins())
    data.inDims.push_back(in.name);
  data.outSizes = l.shape();
  data.bases = l.bases();
  return data;
}

// Empty, with a reason, where the data is no layout (bytes may come from anywhere).
inline std::optional<layout::LinearLayout> toLinearLayout(const LayoutData &data, std::string *why = nullptr) {
  return layout::LinearLayout::fromBases(data.inDims, data.outSizes, data.bases, why);
}

} // namespace tessera::tbc
