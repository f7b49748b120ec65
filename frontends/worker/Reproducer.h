// Reproducer.h - what is left of a compile that crashed: enough to run it again
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/worker/CompileClient.h"

#include <string>

namespace tessera::worker {

struct Reproducer {
  std::string directory; // empty: it could not be written
  std::string command;   // one line for a shell
};

// Writes kernel.tile (the tile bytes), request.json (kernel, target, emits, options), log.txt (what the worker wrote) and
// replay.sh (the command) into a folder of `root` that is named after kernel and contents: the same crash again writes the
// same folder. Where `root` is not to be written, into a fresh one of the folder for temporary files.
Reproducer writeReproducer(const std::string &root, const LowerRequest &request, const std::string &log);

// "crashes" in the folder of the cache: TESSERA_CACHE_DIR, XDG_CACHE_HOME/tessera, HOME/.cache/tessera; empty: none.
std::string standardReproducerFolder();

// `text` as one word of a POSIX shell.
std::string shellWord(const std::string &text);

} // namespace tessera::worker
