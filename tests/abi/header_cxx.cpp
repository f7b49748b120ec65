// header_cxx.cpp - the ABI header as C++: the same sizes, and element types that equal the bytecode's
// SPDX-License-Identifier: Apache-2.0
#include "plugins/abi/plugin.h"

#include "core/bytecode/Module.h"

#define TSR_STRUCT(type, first, last, Kind) static_assert(sizeof(type) == (first), #type);
#include "plugins/abi/structs.def"

#define SAME(abi, elem) static_assert(abi == static_cast<unsigned>(tessera::tbc::Elem::elem), #abi)
SAME(TSR_I1, I1);
SAME(TSR_I8, I8);
SAME(TSR_I16, I16);
SAME(TSR_I32, I32);
SAME(TSR_I64, I64);
SAME(TSR_F8E5M2, F8E5M2);
SAME(TSR_F8E4M3FN, F8E4M3FN);
SAME(TSR_F8E4M3FNUZ, F8E4M3FNUZ);
SAME(TSR_F8E5M2FNUZ, F8E5M2FNUZ);
SAME(TSR_F8E4B15, F8E4B15);
SAME(TSR_F16, F16);
SAME(TSR_BF16, BF16);
SAME(TSR_F32, F32);
SAME(TSR_F64, F64);

int main() {
  tsr_driver_api table{};
  table.h.size = TSR_END_OF(tsr_driver_api, launch);
  const tsr_driver_api *t = &table;
  bool absent = TSR_HAS(tsr_driver_api, t, event_create);
  return absent ? 1 : 0;
}
