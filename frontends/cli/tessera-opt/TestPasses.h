// TestPasses.h - passes that only tests need
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tessera {

// tile-bytecode-round-trip: writes the module as bytecode, reads it back, and puts the result in its place.
void registerTestPasses();

} // namespace tessera
