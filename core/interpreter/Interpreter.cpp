// Interpreter.cpp - checks a launch, walks its grid, reports
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Interpreter.h"

#include "core/bytecode/Verifier.h"
#include "core/interpreter/Program.h"

namespace tessera::interp {

using namespace tbc;

Program::Program(const Module &m, const Function &f, std::array<uint32_t, 3> grid, const Options &o, Result &result)
    : m_(m), f_(f), o_(o), result_(result), grid_(grid), values_(m.valueTypes.size()) {}

bool Program::run(std::array<uint32_t, 3> id, std::span<const uint64_t> args) {
  id_ = id;
  ops_ = 0;
  for (size_t i = 0; i < f_.params.size(); ++i) {
    const Type &t = typeOf(f_.params[i].value);
    unsigned bits = t.pointer ? 64 : isInteger(t.elem) ? scalar::intBits(t.elem) : elemBits(t.elem);
    setScalar(f_.params[i].value, args[i] & scalar::lowMask(bits));
  }
  return region(f_.body);
}

In Program::in(ValueId v) const {
  const Value &x = values_[v];
  if (x.tensor)
    return {x.tensor->bits.data(), x.tensor->shadow.empty() ? nullptr : x.tensor->shadow.data(), x.tensor->bits.size()};
  return {&x.scalar, x.shadow ? &x.shadow : nullptr, 1};
}

uint64_t *Program::out(ValueId v) {
  Value &x = values_[v];
  if (typeOf(v).kind == Type::Scalar) {
    x.shadow = 0;
    return &x.scalar;
  }
  if (!x.tensor || x.tensor.use_count() > 1)
    x.tensor = std::make_shared<Tensor>();
  x.tensor->bits.resize(countOf(v));
  x.tensor->shadow.clear();
  return x.tensor->bits.data();
}

uint8_t *Program::outShadow(ValueId v) {
  Value &x = values_[v];
  if (!x.tensor)
    return &x.shadow;
  x.tensor->shadow.resize(x.tensor->bits.size());
  return x.tensor->shadow.data();
}

std::string Program::programText() const {
  return "program (" + std::to_string(id_[0]) + ", " + std::to_string(id_[1]) + ", " + std::to_string(id_[2]) + ")";
}

SourcePlace Program::placeOf(LocId loc) {
  SourcePlace place;
  if (loc >= m_.locs.size() || m_.locs[loc].file >= m_.files.size())
    return place;
  const Loc &l = m_.locs[loc];
  auto &file = files_[l.file];
  if (!file) {
    for (const auto &s : o_.sources)
      if (s && s->name == m_.files[l.file])
        file = s;
    if (!file)
      file = std::make_shared<SourceFile>(SourceFile{m_.files[l.file], {}, 1});
  }
  place.file = file;
  place.line = l.line;
  place.column = l.column;
  return place;
}

void Program::report(DiagId id, const Op &op, std::string message) {
  if (result_.diagnostics.size() >= o_.maxDiagnostics || !reported_.insert({&op, id}).second)
    return;
  Diagnostic d;
  d.id = id;
  d.severity = diagSeverity(id);
  d.place = placeOf(op.loc);
  d.message = std::move(message) + ", in " + programText() + " of kernel `" + f_.name + "`";
  unsigned depth = 0;
  for (LocId at = op.loc; at < m_.locs.size() && m_.locs[at].caller != kNone && depth < 32; ++depth) {
    at = m_.locs[at].caller;
    d.notes.push_back({placeOf(at), "in the call here", {}, true});
  }
  result_.diagnostics.push_back(std::move(d));
}

void Program::useOf(const Op &op, ValueId v, const char *what) {
  if (tracks() && values_[v].shadow)
    report(DiagId::UninitialisedRead, op,
           std::string(what) +
               " depends on an unspecified value (masked off without `other`, never written, or a division by zero)");
}

Result run(const Module &module, std::string_view kernel, std::array<uint32_t, 3> grid, std::span<const uint64_t> args,
           const Options &options) {
  Result result;
  auto fail = [&](DiagId id, std::string message) {
    result.diagnostics.push_back({id, diagSeverity(id), {}, std::move(message), {}, {}});
    return result;
  };
  const Function *function = nullptr;
  for (const Function &f : module.functions)
    if (f.name == kernel)
      function = &f;
  if (!function)
    return fail(DiagId::LaunchFailed, "the module has no kernel `" + std::string(kernel) + "`");
  if (args.size() != function->params.size())
    return fail(DiagId::WrongArgumentCount, "kernel `" + std::string(kernel) + "` takes " +
                                                std::to_string(function->params.size()) + " arguments, not " +
                                                std::to_string(args.size()));
  if (options.checkMemory && !options.memory)
    return fail(DiagId::LaunchFailed, "checking memory needs the buffers");
  if (options.verify)
    if (auto errors = verifyModule(module); !errors.empty())
      return fail(DiagId::BadBytecode, verifyErrorText(module, errors));
  Program program(module, *function, grid, options, result);
  for (uint32_t z = 0; z < grid[2]; ++z)
    for (uint32_t y = 0; y < grid[1]; ++y)
      for (uint32_t x = 0; x < grid[0]; ++x)
        if (!program.run({x, y, z}, args))
          return result;
  return result;
}

} // namespace tessera::interp
