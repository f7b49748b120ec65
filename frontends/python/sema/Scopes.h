// Scopes.h - what the visitor sets for a while: the place under visit, the frame of a call
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

struct Visitor::At {
  Visitor &v;
  Span oldPlace;
  mlir::Location oldLoc;
  At(Visitor &visitor, const Span &span) : v(visitor), oldPlace(v.place), oldLoc(v.loc) {
    v.place = span;
    v.loc = v.locationOf(span);
  }
  ~At() {
    v.place = oldPlace;
    v.loc = oldLoc;
  }
};

} // namespace tessera::py
