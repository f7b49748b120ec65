// EmitterCall.cpp - what Python code does with values of a kernel: tsc_emitter_call
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/CallbackHost.h"

#include "frontends/python/sema/Language.h"
#include "frontends/python/sema/Visitor.h"

using namespace tessera::py;

namespace tessera::compiler {

namespace {
using Arguments = std::vector<Value>;
using Keywords = std::vector<std::pair<std::string_view, Value>>;

template <class Op> std::optional<Op> operatorOf(std::string_view text, Op last) {
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i)
    if (spelling(static_cast<Op>(i)) == text)
      return static_cast<Op>(i);
  return std::nullopt;
}
} // namespace

Value CallbackHost::operate(std::string_view op, Arguments args, Keywords keywords) {
  Visitor &v = *visitor_;
  if (op == "()" && !args.empty()) {
    Value callee = std::move(args.front());
    args.erase(args.begin());
    return v.call(callee, std::move(args), std::move(keywords));
  }
  if (op == "[]" && args.size() == 2)
    return v.subscript(args[0], args[1]);
  if (args.size() == 1)
    if (auto unary = operatorOf(op == "neg" ? "-" : op, UnaryOpKind::USub))
      return v.applyUnary(*unary, args[0]);
  if (args.size() == 2) {
    if (auto binary = operatorOf(op, BinOpKind::FloorDiv))
      return v.binaryOp(*binary, args[0], args[1]);
    if (auto compare = operatorOf(op, CmpOpKind::NotIn))
      return v.compareOp(*compare, args[0], args[1]);
    if (auto logical = operatorOf(op, BoolOpKind::Or))
      return v.logical(*logical, args[0], args[1]);
  }
  fail("ValueError", "there is no operator `" + std::string(op) + "` of " + std::to_string(args.size()) + " operands");
}

Value CallbackHost::emit(std::string_view path, Arguments args, Keywords keywords) {
  Visitor &v = *visitor_;
  for (std::string_view kind : {"method:", "attribute:", "operator:"}) {
    if (!path.starts_with(kind))
      continue;
    std::string_view name = path.substr(kind.size());
    if (args.empty())
      fail("ValueError", "`" + std::string(path) + "` needs an operand");
    if (kind == "operator:")
      return operate(name, std::move(args), std::move(keywords));
    Value member = v.attribute(args.front(), name);
    if (kind == "attribute:")
      return member;
    args.erase(args.begin());
    if (member.isTensor() && args.empty()) // a property, x.T
      return member;
    return v.call(member, std::move(args), std::move(keywords));
  }
  auto callee = languageValue(path);
  if (!callee)
    fail("AttributeError", "`" + std::string(path) + "` is no name of the language");
  return v.call(*callee, std::move(args), std::move(keywords));
}

int32_t CallbackHost::emitterCall(tsc_str path, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
                                  uint32_t numKeywords, tsc_host_value *out) {
  failure_.reset();
  auto failed = [&](Diagnostic d, bool isInterrupt) {
    std::string type = d.exception.empty() ? std::string(diagException(d.id)) : d.exception;
    std::string message = d.message;
    if (message.starts_with(type + ": ")) // how diagnostics show exceptions of the host
      message.erase(0, type.size() + 2);
    failure_ = Failure{std::move(type), std::move(message), std::move(d), isInterrupt};
    return 1;
  };
  if (!visitor_)
    return failed(diagnosticHere(DiagId::HostException, "no kernel is being compiled here"), false);
  try {
    Arguments args;
    Keywords named;
    for (uint32_t i = 0; i < n; ++i) {
      HostValue h = take(operands[i]);
      auto v = fromHost(h);
      Value value = v ? *v : Emitter::constant(h);
      if (i + numKeywords < n)
        args.push_back(std::move(value));
      else
        named.emplace_back(std::string_view(keywords[i + numKeywords - n].p, keywords[i + numKeywords - n].n),
                           std::move(value));
    }
    unsigned before = visitor_->errors;
    Value r = emit({path.p, path.n}, std::move(args), std::move(named));
    if (visitor_->errors != before)
      throw Suppressed{};
    auto writer = std::make_unique<HostValueWriter>(this);
    *out = writer->write(toHostOrRuntime(r));
    result_ = std::move(writer);
    failure_.reset();
    return 0;
  } catch (SemaError &e) {
    return failed(std::move(e.diagnostic), false);
  } catch (Interrupt &i) {
    return failed(std::move(i.diagnostic), true);
  } catch (const Suppressed &) {
    failure_ = Failure{"CompilationError", "this was reported already", std::nullopt};
    return 1;
  } catch (const TooManyErrors &) {
    failure_ = Failure{"CompilationError", "this was reported already", std::nullopt};
    return 1;
  } catch (const std::exception &e) {
    return failed(diagnosticHere(DiagId::InternalError, e.what()), false);
  }
}

void CallbackHost::emitterError(tsc_str *type, tsc_str *message) const {
  *type = failure_ ? view(failure_->type) : tsc_str{};
  *message = failure_ ? view(failure_->message) : tsc_str{};
}

} // namespace tessera::compiler

int32_t tsc_emitter_call(tsc_emitter *emitter, tsc_str path, const tsc_host_value *operands, uint32_t n,
                         const tsc_str *keywords, uint32_t n_keywords, tsc_host_value *out) {
  return emitter->host.emitterCall(path, operands, n, keywords, n_keywords, out);
}

void tsc_emitter_error(tsc_emitter *emitter, tsc_str *type, tsc_str *message) {
  emitter->host.emitterError(type, message);
}
