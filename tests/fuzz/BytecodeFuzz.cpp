// BytecodeFuzz.cpp - any bytes: an error or a module; what verifies also prints, writes, reads back equal and runs
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Reader.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "core/interpreter/Interpreter.h"

#include <cstdio>
#include <cstdlib>

using namespace tessera;
using namespace tessera::tbc;

namespace {
void demand(bool ok, const char *what, const std::string &detail) {
  if (ok)
    return;
  std::fprintf(stderr, "bytecode_fuzz: %s: %s\n", what, detail.c_str());
  std::abort();
}

// Small enough to run thousands of times a second.
bool isSmall(const Module &m) {
  int64_t elements = 0;
  for (const Type &t : m.types)
    elements += t.numElements();
  return elements < 4096 && m.valueTypes.size() < 4096;
}

void execute(const Module &m) {
  interp::MemoryMap nothing; // every access is refused
  interp::Options options;
  options.checkMemory = true;
  options.memory = &nothing;
  options.verify = false;
  options.maxOps = 2000;
  options.print = [](std::string_view) {};
  for (const Function &f : m.functions)
    interp::run(m, f.name, {1, 1, 1}, std::vector<uint64_t>(f.params.size(), 3), options);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::span<const uint8_t> bytes(data, size);
  std::optional<Module> m;
  if (size >= 3 && data[0] == 'T' && data[1] == 'B' && data[2] == 'C') {
    ReadResult r = readModule(bytes);
    demand(r || !r.error.empty(), "no module and no error", "");
    demand(r || r.offset <= size, "an offset outside the input", r.text());
    m = std::move(r.module);
  } else {
    m = parse({reinterpret_cast<const char *>(data), size}).module;
  }
  if (!m)
    return 0;
  bool valid = verifyModule(*m).empty();
  std::string text = print(*m);
  WriteResult w = writeModule(*m);
  if (!valid && !w)
    return 0; // text may hold what has no bytes, such as an extent of zero
  demand(static_cast<bool>(w), "a valid module that cannot be written", w.error);
  ReadResult again = readModule(w.bytes);
  if (!valid && !again)
    return 0;
  demand(static_cast<bool>(again), "written bytes that cannot be read", again.text());
  WriteResult second = writeModule(*again.module);
  demand(second && second.bytes == w.bytes, "bytes change on the way through the reader", second.error);
  demand(valid == verifyModule(*again.module).empty(), "validity changes on the way through bytes", text);
  if (!valid)
    return 0;
  ParseResult reparsed = parse(text);
  demand(static_cast<bool>(reparsed), "printed text that cannot be parsed", reparsed.error + "\n" + text);
  demand(verifyModule(*reparsed.module).empty(), "validity changes on the way through text", text);
  if (isSmall(*m))
    execute(*m);
  return 0;
}
