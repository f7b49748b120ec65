// Visitor.cpp - from a kernel and its signature to a module: parameters, places, diagnostics
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"
#include "frontends/python/sema/Descriptors.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"

namespace tessera::py {

void loadSemaDialects(mlir::MLIRContext &context) {
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
}

SourcePlace Visitor::currentPlace() const { return placeOf(frames.back()->function->file, place); }

std::vector<Diagnostic::Note> Visitor::callNotes() const {
  std::vector<Diagnostic::Note> notes;
  for (size_t i = frames.size(); i-- > 1;)
    notes.push_back({frames[i]->callPlace, "in the call of " + frames[i]->function->name + " here"});
  if (notes.size() > 8) { // the ends tell the story of a deep recursion
    notes.erase(notes.begin() + 4, notes.end() - 4);
    notes[3].message += " (calls between left out)";
  }
  return notes;
}

mlir::Location Visitor::locationOf(const Span &span) {
  const KernelFrame &f = *frames.back();
  llvm::StringRef file = f.function->file ? llvm::StringRef(f.function->file->name) : "<library>";
  mlir::Location at = mlir::FileLineColLoc::get(b.getContext(), file, span.line, span.column);
  return f.caller ? mlir::Location(mlir::CallSiteLoc::get(at, mlir::Location(f.caller))) : at;
}

namespace {
struct TooManyErrors {};
} // namespace

void Visitor::report(const Diagnostic &d) {
  // The same line may be visited many times: unrolled loops, several calls.
  for (const Diagnostic &old : diags.all())
    if (old.id == d.id && old.place.line == d.place.line && old.place.column == d.place.column &&
        old.place.file == d.place.file)
      return;
  diags.add(d);
  if (d.severity == Severity::Error && ++errors >= options.maxErrors)
    throw TooManyErrors{};
}

namespace {
bool isConstexprAnnotation(const Expr *e) {
  if (auto *n = dyn<Name>(e))
    return n->id.find("constexpr") != std::string_view::npos;
  if (auto *a = dyn<Attribute>(e))
    return a->attr.find("constexpr") != std::string_view::npos;
  if (auto *s = dyn<Subscript>(e))
    return isConstexprAnnotation(s->value);
  if (auto *c = dyn<Constant>(e))
    return c->what == ConstantKind::Str && c->text.find("constexpr") != std::string_view::npos;
  return false;
}
} // namespace

// Values of every parameter: constants from the signature or the defaults; the rest is left for the function's arguments.
bool Visitor::bindKernelParams(const JitFunction &kernel, const KernelSignature &signature, KernelFrame &f,
                               std::vector<RuntimeArgument> &runtime) {
  const Arguments &args = *kernel.def->args;
  auto bad = [&](const Span &at, std::string message, std::string help = {}) {
    diags.add(DiagId::BadSignature, placeOf(kernel.file, at), std::move(message), std::move(help));
    return false;
  };
  bool ok = true;
  std::vector<const Arg *> params;
  for (auto *list : {&args.posonlyargs, &args.args, &args.kwonlyargs})
    for (const Arg &a : *list)
      params.push_back(&a);
  for (const ParamSpec &s : signature.params)
    if (llvm::none_of(params, [&](const Arg *a) { return a->name == s.name; })) {
      std::vector<std::string> names;
      for (const Arg *a : params)
        names.push_back(std::string(a->name));
      std::string near = nearestName(s.name, names);
      ok = bad(kernel.def->nameSpan, "kernel " + kernel.name + " has no parameter `" + s.name + "`",
               near.empty() ? "" : "did you mean `" + near + "`?");
    }
  size_t positional = args.posonlyargs.size() + args.args.size();
  for (size_t i = 0; i < params.size(); ++i) {
    const Arg &a = *params[i];
    place = a.span;
    auto it = llvm::find_if(signature.params, [&](const ParamSpec &s) { return s.name == a.name; });
    if (it == signature.params.end()) {
      std::optional<HostValue> def;
      if (kernel.object && i < positional) {
        auto &d = kernel.object->defaults;
        if (i + d.size() >= positional)
          def = d[i + d.size() - positional];
      } else if (kernel.object && i - positional < kernel.object->kwDefaults.size() &&
                 args.kwDefaults[i - positional]) {
        def = kernel.object->kwDefaults[i - positional];
      }
      if (!def) {
        bool isConst = isConstexprAnnotation(a.annotation);
        ok = bad(a.span, "the signature does not say what parameter `" + std::string(a.name) + "` is",
                 isConst ? "give its value: -D " + std::string(a.name) + "=…" : "add its type to the signature");
        continue;
      }
      auto v = fromHost(*def);
      f.env.set(a.name, v ? *v : constant(*def));
      continue;
    }
    if (it->constant) {
      auto v = fromHost(*it->constant);
      f.env.set(a.name, v ? *v : constant(*it->constant));
      continue;
    }
    auto descriptor = parseDescriptorType(it->type);
    auto t = descriptor ? std::optional(descriptor->block.elem) : dtypeBySignature(it->type);
    if (!t || t->is(ScalarKind::Void)) {
      ok = bad(a.span, "unknown type `" + it->type + "` of parameter `" + std::string(a.name) + "`",
               "types are spelled i1, i8 … i64, u8 … u64, fp16, bf16, fp32, fp64, fp8e4nv, fp8e5, and `*` before one "
               "for a pointer");
      continue;
    }
    if (isConstexprAnnotation(a.annotation)) {
      ok = bad(a.span, "parameter `" + std::string(a.name) + "` is a constexpr, and the signature gives a type",
               "give its value: -D " + std::string(a.name) + "=…");
      continue;
    }
    f.env.set(a.name, Value()); // keeps the order; the argument comes later
    if (descriptor)
      for (auto &leaf : descriptor->leaves())
        runtime.push_back({&*it, it->name + leaf.suffix, leaf.type, leaf.divisibility});
    else
      runtime.push_back({&*it, it->name, scalarType(*t), it->divisibleBy16 ? 16 : 1});
  }
  return ok;
}

namespace {
// A pointer argument that no store, atomic or unknown op reaches.
bool reachesWrite(mlir::Value v, llvm::DenseSet<mlir::Value> &seen) {
  if (!seen.insert(v).second)
    return false;
  for (mlir::OpOperand &use : v.getUses()) {
    mlir::Operation *op = use.getOwner();
    if (llvm::isa<tile::LoadOp, tile::LoadBlockOp, tile::PrintOp, mlir::arith::CmpIOp>(op))
      continue;
    if (llvm::isa<tile::StoreOp, tile::StoreBlockOp>(op)) {
      if (use.getOperandNumber() == 0)
        return true;
      continue; // stores of pointer values do not happen: pointers to pointers do not exist
    }
    if (!llvm::isa<tile::AddPtrOp, tile::SplatOp, tile::BroadcastOp, tile::ExpandDimsOp, tile::ReshapeOp,
                   tile::TransposeOp, tile::BitcastOp, tile::MakeBlockPtrOp, tile::AdvanceOp, tile::HintOp,
                   mlir::arith::SelectOp>(op))
      return true; // yields, loops, casts to integers: cautious
    for (mlir::Value r : op->getResults())
      if (reachesWrite(r, seen))
        return true;
  }
  return false;
}
} // namespace

void Visitor::markReadOnly(mlir::Operation *op) {
  auto function = llvm::cast<mlir::func::FuncOp>(op);
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    llvm::DenseSet<mlir::Value> seen;
    if (llvm::isa<tile::PointerType>(function.getArgument(i).getType()) && !reachesWrite(function.getArgument(i), seen))
      function.setArgAttr(i, "tile.read_only", b.getUnitAttr());
  }
}

mlir::OwningOpRef<mlir::ModuleOp> Visitor::emit(const JitFunction &kernel, const KernelSignature &signature) {
  frames.push_back(std::make_unique<KernelFrame>());
  KernelFrame &f = frame();
  f.function = std::make_shared<JitFunction>(kernel);
  f.isKernel = true;
  place = kernel.def->nameSpan;
  loc = locationOf(place);
  std::vector<RuntimeArgument> runtime;
  if (!bindKernelParams(kernel, signature, f, runtime))
    return nullptr;

  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  (*module)->setAttr("tile.level", b.getStringAttr("tile"));
  (*module)->setAttr("tile.options",
                     b.getDictionaryAttr({b.getNamedAttr("num_warps", b.getI64IntegerAttr(options.numWarps)),
                                          b.getNamedAttr("num_stages", b.getI64IntegerAttr(options.numStages)),
                                          b.getNamedAttr("num_ctas", b.getI64IntegerAttr(options.numCtas))}));
  b.setInsertionPointToEnd(module->getBody());
  llvm::SmallVector<mlir::Type> types;
  for (const RuntimeArgument &a : runtime)
    types.push_back(irType(a.type));
  auto function = mlir::func::FuncOp::create(b, loc, kernel.name, b.getFunctionType(types, {}));
  mlir::Block *entry = function.addEntryBlock();
  b.setInsertionPointToEnd(entry);
  llvm::SmallVector<Value, 8> leaves; // of the parameter under way
  for (unsigned i = 0; i < runtime.size(); ++i) {
    const RuntimeArgument &a = runtime[i];
    leaves.push_back(tensor(entry->getArgument(i), a.type));
    function.setArgAttr(i, "tile.name", b.getStringAttr(a.name));
    if (a.divisibility > 1)
      function.setArgAttr(i, "tile.divisibility", b.getI32IntegerAttr(static_cast<int32_t>(a.divisibility)));
    if (a.type.elem.isUnsigned())
      function.setArgAttr(i, "tile.unsigned", b.getUnitAttr());
    if (i + 1 < runtime.size() && runtime[i + 1].spec == a.spec)
      continue;
    auto descriptor = parseDescriptorType(a.spec->type);
    f.env.set(a.spec->name, descriptor ? descriptor->value(*this, leaves) : leaves.front());
    leaves.clear();
  }
  try {
    visitBlock(kernel.def->body);
  } catch (const TooManyErrors &) {
    // Enough was said.
  }
  if (errors)
    return nullptr;
  place = kernel.def->nameSpan;
  mlir::func::ReturnOp::create(b, loc);
  markReadOnly(function);
  return module;
}

mlir::OwningOpRef<mlir::ModuleOp> emitKernel(mlir::MLIRContext &context, const JitFunction &kernel,
                                             const KernelSignature &signature, const EmitOptions &options,
                                             HostInterface &host, DiagnosticList &out) {
  // What verifiers say is our defect, never the user's: it becomes a Bug with the op's place.
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
    SourcePlace at;
    mlir::Location l = d.getLocation();
    while (auto c = llvm::dyn_cast<mlir::CallSiteLoc>(l))
      l = c.getCallee();
    if (auto f = llvm::dyn_cast<mlir::FileLineColLoc>(l))
      at = {kernel.file, f.getLine(), f.getColumn(), 0, 0};
    if (kernel.file && llvm::isa<mlir::FileLineColLoc>(l) &&
        llvm::cast<mlir::FileLineColLoc>(l).getFilename().getValue() != kernel.file->name)
      at = {};
    out.add(DiagId::InternalError, at, "invalid IR out of the semantic analysis: " + d.str());
    return mlir::success();
  });
  KernelSignature resolved = signature;
  if (!resolveNames(host, kernel, resolved, out))
    return nullptr;
  Visitor v(context, options, host, out);
  mlir::OwningOpRef<mlir::ModuleOp> module = v.emit(kernel, resolved);
  if (module && mlir::failed(mlir::verify(*module)))
    return nullptr;
  return module;
}

mlir::OwningOpRef<mlir::ModuleOp> emitKernel(mlir::MLIRContext &context, ModuleScope &module, std::string_view name,
                                             const KernelSignature &signature, const EmitOptions &options,
                                             FileHost &host, DiagnosticList &out) {
  auto object = host.findKernel(module, name, out);
  if (!object)
    return nullptr;
  JitFunction kernel;
  kernel.name = object->name;
  kernel.def = object->def;
  kernel.file = object->module ? object->module->file() : module.file();
  kernel.object = object;
  return emitKernel(context, kernel, signature, options, host, out);
}

} // namespace tessera::py
