// KernelEntry.cpp - a kernel and its signature to a module: parameters, the function, what it writes
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
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Verifier.h"

namespace tessera::py {

void loadSemaDialects(mlir::MLIRContext &context) {
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
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

Value constantValue(const HostValue &h) {
  auto v = fromHost(h);
  return v ? *v : Emitter::constant(h);
}
} // namespace

// Values of every parameter: constants from the signature or the defaults; the rest is left for the function's arguments.
bool Visitor::bindKernelParams(const JitFunction &kernel, const KernelSignature &signature, KernelFrame &f,
                               std::vector<const ParamSpec *> &runtime, std::vector<Leaf> &leaves) {
  const Arguments &args = *kernel.def->args;
  auto bad = [&](const Span &at, std::string message, std::string help = {}) {
    diags.add(DiagId::BadSignature, placeOf(kernel.file, at), std::move(message), std::move(help));
    return false;
  };
  bool ok = !kernel.def->isAsync ||
            bad(kernel.def->nameSpan, "kernel " + kernel.name + " is an async function", "write def without async");
  for (auto [list, stars] : {std::pair(&args.vararg, "*"), std::pair(&args.kwarg, "**")})
    if (*list)
      ok = bad((*list)->span, "kernel " + kernel.name + " has a parameter " + stars + std::string((*list)->name),
               "kernels take a fixed list of parameters; functions that they call may take *args");
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
      f.env.set(a.name, constantValue(*def));
      continue;
    }
    if (it->constant && !it->isTuple) {
      f.env.set(a.name, constantValue(*it->constant));
      continue;
    }
    // The leaves of a tuple, or the parameter itself.
    auto addLeaves = [&](auto &self, const ParamSpec &spec, const std::string &name) -> bool {
      if (spec.isTuple) {
        for (size_t n = 0; n < spec.items.size(); ++n)
          if (!self(self, spec.items[n], name + "." + std::to_string(n)))
            return false;
        return true;
      }
      if (spec.constant)
        return true;
      if (auto descriptor = parseDescriptorType(spec.type)) {
        for (auto &leaf : descriptor->leaves())
          leaves.push_back({name + leaf.suffix, leaf.type, leaf.divisibility});
        return true;
      }
      auto t = dtypeBySignature(spec.type);
      if (!t || t->is(ScalarKind::Void))
        return bad(a.span, "unknown type `" + spec.type + "` of parameter `" + name + "`",
                   "types are spelled i1, i8 … i64, u8 … u64, fp16, bf16, fp32, fp64, fp8e4nv, fp8e5, and `*` before "
                   "one for a pointer");
      leaves.push_back({name, scalarType(*t), spec.divisibleBy16 ? 16 : 1});
      return true;
    };
    if (!addLeaves(addLeaves, *it, std::string(a.name))) {
      ok = false;
      continue;
    }
    if (isConstexprAnnotation(a.annotation)) {
      ok = bad(a.span, "parameter `" + std::string(a.name) + "` is a constexpr, and the signature gives a type",
               "give its value: -D " + std::string(a.name) + "=…");
      continue;
    }
    f.env.set(a.name, Value()); // keeps the order; the argument comes later
    runtime.push_back(&*it);
  }
  return ok;
}

Value Visitor::paramValue(const ParamSpec &spec, const std::vector<Leaf> &leaves, mlir::Block::BlockArgListType args,
                          size_t &next) {
  if (spec.isTuple) {
    std::vector<Value> items;
    for (const ParamSpec &item : spec.items)
      items.push_back(paramValue(item, leaves, args, next));
    HostValue like = HostValue::tuple({});
    like.get<SequenceObject>()->cls = spec.cls;
    like.get<SequenceObject>()->fieldNames = spec.itemNames;
    Value r = constantValue(like); // names and class as a tuple of the host has them
    auto *data = const_cast<TupleData *>(r.parts.get());
    data->items = std::move(items);
    data->hostTuple = false;
    return r;
  }
  if (spec.constant)
    return constantValue(*spec.constant);
  if (auto descriptor = parseDescriptorType(spec.type)) {
    llvm::SmallVector<Value, 8> parts;
    for (size_t n = descriptor->leaves().size(); n > 0; --n, ++next)
      parts.push_back(tensor(args[next], leaves[next].type));
    return descriptor->value(*this, parts);
  }
  size_t i = next++;
  return tensor(args[i], leaves[i].type);
}

namespace {
// Which values a pointer may become next, through one use; false: it may be written.
bool follow(mlir::OpOperand &use, llvm::SmallVectorImpl<mlir::Value> &next) {
  namespace scf = mlir::scf;
  mlir::Operation *op = use.getOwner();
  if (llvm::isa<tile::LoadOp, tile::LoadBlockOp, tile::PrintOp, mlir::arith::CmpIOp, mlir::func::ReturnOp>(op))
    return true;
  if (llvm::isa<tile::StoreOp, tile::StoreBlockOp>(op))
    return use.getOperandNumber() != 0; // stores of pointer values do not happen: pointers to pointers do not exist
  if (llvm::isa<tile::AddPtrOp, tile::SplatOp, tile::BroadcastOp, tile::ExpandDimsOp, tile::ReshapeOp,
                tile::TransposeOp, tile::BitcastOp, tile::MakeBlockPtrOp, tile::AdvanceOp, tile::HintOp,
                mlir::arith::SelectOp>(op)) {
    next.append(op->result_begin(), op->result_end());
    return true;
  }
  if (auto loop = llvm::dyn_cast<scf::ForOp>(op)) {
    unsigned i = use.getOperandNumber() - loop.getNumControlOperands();
    next.append({loop.getRegionIterArg(i), loop.getResult(i)});
    return true;
  }
  if (auto loop = llvm::dyn_cast<scf::WhileOp>(op)) {
    next.push_back(loop.getBeforeArguments()[use.getOperandNumber()]);
    return true;
  }
  if (auto condition = llvm::dyn_cast<scf::ConditionOp>(op)) {
    auto loop = llvm::cast<scf::WhileOp>(op->getParentOp());
    unsigned i = use.getOperandNumber() - 1;
    next.append({loop.getAfterArguments()[i], loop.getResult(i)});
    return true;
  }
  if (llvm::isa<scf::YieldOp>(op)) {
    mlir::Operation *parent = op->getParentOp();
    unsigned i = use.getOperandNumber();
    if (auto loop = llvm::dyn_cast<scf::ForOp>(parent))
      next.push_back(loop.getRegionIterArg(i));
    if (auto loop = llvm::dyn_cast<scf::WhileOp>(parent)) {
      next.push_back(loop.getBeforeArguments()[i]);
      return true;
    }
    next.push_back(parent->getResult(i));
    return true;
  }
  return false; // atomics, casts to integers, what is unknown: cautious
}

bool mayBeWritten(mlir::Value pointer) {
  llvm::DenseSet<mlir::Value> seen;
  llvm::SmallVector<mlir::Value> work = {pointer};
  while (!work.empty()) {
    mlir::Value v = work.pop_back_val();
    if (!seen.insert(v).second)
      continue;
    for (mlir::OpOperand &use : v.getUses())
      if (!follow(use, work))
        return true;
  }
  return false;
}
} // namespace

void Visitor::markReadOnly(mlir::Operation *op) {
  auto function = llvm::cast<mlir::func::FuncOp>(op);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (llvm::isa<tile::PointerType>(function.getArgument(i).getType()) && !mayBeWritten(function.getArgument(i)))
      function.setArgAttr(i, "tile.read_only", b.getUnitAttr());
}

// A fact that is stated of a value holds for it from there on, also where the statement's own result is dropped:
// `tl.multiple_of(x, 16)` on a line of its own is common.
static void spreadHints(mlir::func::FuncOp function) {
  llvm::SmallVector<tile::HintOp> hints;
  function.walk<mlir::WalkOrder::PreOrder>([&](tile::HintOp op) { hints.push_back(op); });
  if (hints.empty())
    return;
  mlir::DominanceInfo dominance(function);
  for (tile::HintOp hint : hints)
    hint.getOperand().replaceUsesWithIf(hint.getResult(), [&](mlir::OpOperand &use) {
      return use.getOwner() != hint && dominance.properlyDominates(hint.getOperation(), use.getOwner());
    });
}

mlir::OwningOpRef<mlir::ModuleOp> Visitor::emit(const JitFunction &kernel, const KernelSignature &signature) {
  frames.push_back(std::make_unique<KernelFrame>());
  KernelFrame &f = frame();
  f.function = std::make_shared<JitFunction>(kernel);
  f.isKernel = true;
  place = kernel.def->nameSpan;
  loc = locationOf(place);
  std::vector<const ParamSpec *> runtime;
  std::vector<Leaf> leaves;
  if (!bindKernelParams(kernel, signature, f, runtime, leaves))
    return nullptr;

  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  (*module)->setAttr("tile.level", b.getStringAttr("tile"));
  (*module)->setAttr("tile.options",
                     b.getDictionaryAttr({b.getNamedAttr("num_warps", b.getI64IntegerAttr(options.numWarps)),
                                          b.getNamedAttr("num_stages", b.getI64IntegerAttr(options.numStages)),
                                          b.getNamedAttr("num_ctas", b.getI64IntegerAttr(options.numCtas))}));
  b.setInsertionPointToEnd(module->getBody());
  llvm::SmallVector<mlir::Type> types;
  for (const Leaf &leaf : leaves)
    types.push_back(irType(leaf.type));
  auto function = mlir::func::FuncOp::create(b, loc, kernel.name, b.getFunctionType(types, {}));
  mlir::Block *entry = function.addEntryBlock();
  b.setInsertionPointToEnd(entry);
  for (unsigned i = 0; i < leaves.size(); ++i) {
    function.setArgAttr(i, "tile.name", b.getStringAttr(leaves[i].name));
    if (leaves[i].divisibility > 1)
      function.setArgAttr(i, "tile.divisibility", b.getI32IntegerAttr(static_cast<int32_t>(leaves[i].divisibility)));
    if (leaves[i].type.elem.isUnsigned())
      function.setArgAttr(i, "tile.unsigned", b.getUnitAttr());
  }
  size_t next = 0;
  for (const ParamSpec *spec : runtime)
    f.env.set(spec->name, paramValue(*spec, leaves, entry->getArguments(), next));
  try {
    visitBlock(kernel.def->body);
  } catch (const TooManyErrors &) {
    // Enough was said.
  } catch (const Interrupt &i) {
    diags.add(i.diagnostic);
    return nullptr;
  }
  if (errors)
    return nullptr;
  place = kernel.def->nameSpan;
  mlir::func::ReturnOp::create(b, loc);
  spreadHints(function);
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
  struct Attached {
    HostInterface &host;
    Attached(HostInterface &h, Visitor *v) : host(h) { host.attach(v); }
    ~Attached() { host.attach(nullptr); }
  } attached(host, &v);
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
