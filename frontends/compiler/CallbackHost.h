// CallbackHost.h - names and objects of a running Python, through the callbacks of tsc_host
// SPDX-License-Identifier: Apache-2.0
//
// One CallbackHost a compile, on one thread. Values are copied when they cross, by kind; what has no kind of its own stays with
// the host as a CallbackObject. Exceptions of the host are thrown as what the visitor catches: SemaError, and Interrupt where the
// user wants the compile to end. No C++ exception leaves through a callback.
#pragma once

#include "core/ir/Locations.h"
#include "frontends/compiler/FunctionSource.h"
#include "frontends/compiler/Source.h"
#include "frontends/python/sema/Emitter.h"
#include "frontends/python/sema/HostTypes.h"

#include <chrono>
#include <deque>
#include <map>
#include <optional>

namespace tessera::compiler {
class CallbackHost;
class HostValueWriter;
} // namespace tessera::compiler

struct tsc_emitter {
  tessera::compiler::CallbackHost &host;
};

namespace tessera::compiler {

// A jit function of the host.
struct CallbackFunction final : py::FunctionObject {
  uint64_t handle = 0;
  std::shared_ptr<const FunctionSource> source;
};

// TSC_HOST_OBJECT.
struct CallbackObject final : py::LiveObject {
  CallbackHost &host;
  uint64_t handle;
  uint32_t what; // TSC_OBJECT_*
  std::string type;
  std::optional<py::HostValue> plain;

  CallbackObject(CallbackHost &h, uint64_t handle, uint32_t what, std::string type)
      : host(h), handle(handle), what(what), type(std::move(type)) {}
  std::string typeName() const override { return type; }
  std::string repr() const override;
  std::string str() const override;
  std::optional<py::HostValue> getAttribute(py::Evaluator &, std::string_view name) override;
  std::optional<py::HostValue> getItem(py::Evaluator &, const py::HostValue &index) override;
  std::optional<py::HostValue> call(py::Evaluator &, std::vector<py::HostValue> &args,
                                    py::HostKeywords &keywords) override;
  bool equals(const py::ForeignObject &o) const override;
  size_t hash() const override { return static_cast<size_t>(handle); }
  std::optional<py::HostValue> unwrap() const override { return plain; }
  Global asGlobal() const override;
  bool isAggregateClass() const override { return what == TSC_OBJECT_AGGREGATE_CLASS; }
  std::optional<py::HostValue> apply(py::Evaluator &, py::LiveOp op, std::vector<py::HostValue> operands) override;

private:
  py::HostValue self() const;
  std::string textOf(uint32_t op) const;
};

class CallbackHost final : public py::HostInterface, public py::EvalHost {
public:
  explicit CallbackHost(const tsc_host &callbacks) : callbacks_(callbacks), emitter_{*this} {}

  // The function as a kernel. Null after an error, which is in `out`.
  std::optional<py::JitFunction> kernel(uint64_t handle, DiagnosticList &out);
  // The sources that were parsed or asked for, for excerpts.
  const tile::SourceFiles &files() const { return files_; }

  // HostInterface
  std::optional<Global> global(const py::JitFunction &from, std::string_view name) override;
  std::vector<std::string> globalNames(const py::JitFunction &from) override;
  py::Evaluator &evaluator() override;
  std::optional<py::HostValue> languageName(std::string_view path) override;
  std::optional<py::HostValue> member(const py::HostValue &of, std::string_view name, bool &isBound) override;
  void attach(py::Visitor *visitor) override;
  void poll() override;
  // EvalHost
  std::optional<py::HostValue> resolve(std::string_view path) override;

  // A value of the host; throws SemaError where it is none.
  py::HostValue take(const tsc_host_value &v);
  // Null: the host has no such thing. flags: of what came back.
  std::optional<py::HostValue> apply(uint32_t op, const std::vector<py::HostValue> &operands,
                                     const std::vector<std::string> &keywords = {}, uint32_t *flags = nullptr);
  // A value of the kernel as a handle, and back.
  uint64_t runtimeHandle(const py::Value &v);
  const py::Value *runtimeValue(uint64_t handle) const;

  // tsc_emitter_call, tsc_emitter_error (EmitterCall.cpp).
  int32_t emitterCall(tsc_str path, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
                      uint32_t numKeywords, tsc_host_value *out);
  void emitterError(tsc_str *type, tsc_str *message) const;

  [[noreturn]] void fail(std::string type, const std::string &message);

private:
  py::Value emit(std::string_view path, std::vector<py::Value> args,
                 std::vector<std::pair<std::string_view, py::Value>> keywords);
  py::Value operate(std::string_view op, std::vector<py::Value> args,
                    std::vector<std::pair<std::string_view, py::Value>> keywords);
  py::HostValue takeCopied(const tsc_host_value &v);
  py::HostValue functionValue(uint64_t handle);
  py::HostValue loadFunction(uint64_t handle);
  [[noreturn]] void throwPending();
  Diagnostic diagnosticHere(DiagId id, std::string message) const;

  const tsc_host callbacks_;
  tsc_emitter emitter_;
  std::unique_ptr<py::Evaluator> evaluator_;
  py::Visitor *visitor_ = nullptr;
  DiagnosticList *diagnostics_ = nullptr; // where syntax errors go before there is a visitor
  std::map<uint64_t, py::HostValue> functions_;
  std::map<std::pair<uint64_t, std::string_view>, std::optional<Global>> globals_;
  std::map<std::string, std::optional<py::HostValue>, std::less<>> languageNames_;
  std::map<std::pair<uint64_t, std::string>, py::HostValue> moduleAttributes_;
  friend struct CallbackObject;
  tile::SourceFiles files_;
  std::deque<py::Value> runtime_; // by handle - 1
  unsigned untilPoll_ = 0;
  std::chrono::steady_clock::time_point lastPoll_ = std::chrono::steady_clock::now();

  // The last emitter call: its result's storage, and its error with what it was here.
  std::unique_ptr<HostValueWriter> result_;
  struct Failure {
    std::string type, message;
    std::optional<Diagnostic> diagnostic; // null: something that was reported already
    bool isInterrupt = false;
  };
  std::optional<Failure> failure_;
};

// Our values as the host's; everything lives as long as the writer and what was written.
class HostValueWriter {
public:
  explicit HostValueWriter(CallbackHost *host) : host_(host) {}
  // Throws SemaError for what cannot cross.
  tsc_host_value write(const py::HostValue &v);
  tsc_str keep(std::string_view s);

private:
  void writeSequence(const std::vector<py::HostValue> &items, tsc_host_value &out);
  void writeForeign(const py::HostValue &v, tsc_host_value &out);
  void writeRuntime(const py::Value &v, tsc_host_value &out);

  CallbackHost *host_;
  std::deque<std::vector<tsc_host_value>> items_;
  std::deque<std::vector<tsc_str>> names_;
  std::deque<std::string> texts_;
  std::deque<py::HostValue> values_; // that were made here
};

// The type of a value as TSC_HOST_DTYPE spells it; null where the text is none.
std::string typeText(const py::TensorType &type);
std::optional<py::TensorType> typeOfText(std::string_view text);

} // namespace tessera::compiler
