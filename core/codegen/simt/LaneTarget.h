// LaneTarget.h - what a SIMT device does in its own way: the questions that the lane emitter asks a backend
//
// SPDX-License-Identifier: Apache-2.0
//
// The emitter (Emitter.h) writes LAYOUT bytecode as LLVM IR of one lane. Everything that all SIMT devices share is there;
// everything that has another instruction on each device is a virtual function here. An answer of nullptr (where a function says so)
// means "nothing better than the common form". A LaneTarget belongs to one kernel and one IRBuilder; no locking.
//
// Values are in storage form (core/codegen/Elementwise.h): f16 and bf16 as i16, the fp8 kinds as i8, i1 as i1, pointers as
// `ptr`. Global memory is address space globalSpace() or generic, shared memory sharedSpace().
#pragma once

#include "core/bytecode/Module.h"
#include "core/codegen/Elementwise.h"
#include "core/layout/LinearLayout.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/ErrorHandling.h"

#include <string>
#include <vector>

namespace tessera::codegen::simt {

// How an access of global memory wants to be cached, as the kernel says.
struct AccessHints {
  tbc::Cache cache = tbc::Cache::None;
  tbc::Evict evict = tbc::Evict::Normal;
  bool isVolatile = false;
};

// What an entry of the matrix menu multiplies: m x k by k x n. m = 0: there is no such entry.
struct MatrixForm {
  unsigned m = 0, n = 0, k = 0;
  tbc::Elem a = tbc::Elem::F16, b = tbc::Elem::F16, c = tbc::Elem::F32;
};

// One matrix instruction as the emitter issues it: fragments as lists of registers in the order of the fragment's layout
// (the low register bits of the operand's layout), elements in storage form.
struct MatrixIssue {
  unsigned entry = 0; // index into the target's matrix menu
  unsigned n = 0;     // its n, where the menu has a range
  tbc::Elem a, b, c;
  bool rounded = false; // f32 operands hold no more bits than the instruction multiplies
  llvm::ArrayRef<llvm::Value *> aRegisters, bRegisters, accumulator;
  const tbc::Op *op = nullptr; // precision, max_imprecise
};

// One matrix instruction that reads b, and perhaps a, from shared memory.
struct SharedIssue {
  unsigned entry = 0, n = 0;
  tbc::Elem a, b, c;
  llvm::ArrayRef<llvm::Value *> aRegisters;           // what matrixOperand gave; empty: from shared memory
  llvm::Value *aShared = nullptr, *bShared = nullptr; // what sharedOperand gave
  uint64_t aOffset = 0, bOffset = 0;                  // bytes from there
  const layout::LinearLayout *aLayout = nullptr, *bLayout = nullptr;
  llvm::ArrayRef<llvm::Value *> accumulator;
  bool fromZero = false; // the accumulator's values do not count: a sum begins
  const tbc::Op *op = nullptr;
};

// One element of one operand of a `print`, or with operands 0 the line of a print that has none.
struct PrintedValue {
  std::string prefix;
  unsigned operand = 0, operands = 1;
  ElemType type;
  bool hex = false, isSigned = false;
  llvm::Value *value = nullptr;        // storage form
  llvm::ArrayRef<llvm::Value *> index; // i32, one a dim of the tile; empty for a scalar
  llvm::ArrayRef<int64_t> shape;       // of the tile
};

class LaneTarget {
  [[noreturn]] static void unreachable() { llvm_unreachable("this target has no such instruction"); }

public:
  using V = llvm::Value *;
  virtual ~LaneTarget() = default;

  // ---- frame ---------------------------------------------------------------------------------------------------------
  virtual unsigned lanes() const { return 32; }      // of a subgroup
  virtual unsigned globalSpace() const { return 1; } // LLVM address spaces
  virtual unsigned sharedSpace() const { return 3; }
  virtual unsigned maxVectorBits() const { return 128; } // widest access of one lane
  // The kernel's function with its calling convention, attributes and metadata: block of `threads` lanes. Parameters by value,
  // in the order of f.params, pointers in globalSpace(), i1 as i8, everything else in storage form.
  virtual llvm::Function *createKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f,
                                       const std::string &name, unsigned threads) = 0;
  // i32, uniform over the block where the emitter may rely on it.
  virtual V threadId(llvm::IRBuilderBase &b) = 0;
  virtual V programId(llvm::IRBuilderBase &b, unsigned axis) = 0;
  virtual V numPrograms(llvm::IRBuilderBase &b, unsigned axis) = 0;
  // threadId / lanes(), known to the device's compiler as equal in all lanes of a subgroup where it has a way to say so.
  virtual V warpId(llvm::IRBuilderBase &b, V threadId) = 0;
  // The bytes of shared memory of the block: a pointer in sharedSpace().
  virtual V sharedBase(llvm::IRBuilderBase &b) = 0;

  // ---- order and exchange ----------------------------------------------------------------------------------------------
  virtual void blockBarrier(llvm::IRBuilderBase &b) = 0; // all lanes of the block; orders shared and global memory
  virtual void warpBarrier(llvm::IRBuilderBase &b) = 0;  // all lanes of the subgroup
  // The first `threads` lanes of the block, whole subgroups; orders memory among them. Like the following only where capabilities say that subgroups
  // take roles.
  virtual void partBarrier(llvm::IRBuilderBase &, unsigned /*threads*/) { unreachable(); }
  // The matrix groups of the first `threads` lanes, whole groups, take turns with their unit, the first group first, then the next one, after the last the first
  // again. Each calls Begin before its first turn, Take where a turn begins and waits for it, Pass behind it, and End in place of its last Pass. Orders
  // nothing but time. Only where capabilities say that subgroups take roles.
  enum class Turn : uint8_t { Begin, Take, Pass, End };
  virtual void turn(llvm::IRBuilderBase &, Turn, V /*warpId*/, unsigned /*threads*/) { unreachable(); }
  // From here on a lane has so many registers, more or fewer than the block gave it when it started. All subgroups of a matrix group come here.
  virtual void tradeRegisters(llvm::IRBuilderBase &, unsigned /*registers*/, bool /*more*/) { unreachable(); }
  // The i32 that lane `source` (i32) holds; all lanes take part.
  virtual V shuffle(llvm::IRBuilderBase &b, V value, V source) = 0;
  // The i32 of lane (own xor mask).
  virtual V shuffleXor(llvm::IRBuilderBase &b, V value, unsigned mask) = 0;
  // The i32 of lane (own - delta); lanes below delta keep theirs.
  virtual V shuffleUp(llvm::IRBuilderBase &b, V value, unsigned delta) = 0;
  // A reduction of an i32 over the subgroup in one instruction, nullptr where there is none: Rmw kinds Add, Max, Min, UMax, UMin, And, Or, Xor.
  virtual V reduceWarp(llvm::IRBuilderBase &, tbc::Rmw, V) { return nullptr; }

  // Moves of blocks between shared memory and registers that the device has: layout::BlockTransfers, with their meaning. One, two or four blocks; `row` is the
  // row that the calling lane names, a multiple of 16 bytes; the words are i32, one a block.
  virtual unsigned blockTransfers() const { return 0; }
  virtual llvm::SmallVector<V> loadBlocks(llvm::IRBuilderBase &, V /*row*/, unsigned /*blocks*/, bool /*transposed*/) {
    unreachable();
  }
  virtual void storeBlocks(llvm::IRBuilderBase &, V /*row*/, llvm::ArrayRef<V> /*words*/, bool /*transposed*/) {
    unreachable();
  }

  // ---- memory ----------------------------------------------------------------------------------------------------------
  // A load of `type` (a scalar integer of 8 to 64 bits or a vector of i8, i16, i32, i64 of up to maxVectorBits()) from global memory, done
  // where `predicate` (i1, nullptr: always) holds; elsewhere the result is `other` (nullptr: unspecified). align: bytes.
  virtual V loadGlobal(llvm::IRBuilderBase &b, llvm::Type *type, V pointer, V predicate, V other, unsigned align,
                       AccessHints hints) = 0;
  virtual void storeGlobal(llvm::IRBuilderBase &b, V value, V pointer, V predicate, unsigned align,
                           AccessHints hints) = 0;
  // Returns the old value; where the predicate does not hold the result is unspecified and nothing happens. `value` in storage form of `elem`.
  virtual V atomicRmw(llvm::IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer, V value, V predicate,
                      tbc::MemSem sem, tbc::MemScope scope, bool resultUsed) = 0;
  // Elements that atomicRmw takes at once: neighbours of one access, each exchanged on its own. 1: none go together.
  virtual unsigned atomicVector(tbc::Rmw, tbc::Elem) const { return 1; }
  // So many, aligned together; the old values, or nothing where nobody reads them.
  virtual llvm::SmallVector<V> atomicRmwVector(llvm::IRBuilderBase &, tbc::Rmw, tbc::Elem, V /*pointer*/,
                                               llvm::ArrayRef<V> /*values*/, V /*predicate*/, tbc::MemSem,
                                               tbc::MemScope, bool /*resultUsed*/) {
    unreachable();
  }
  // Of the calling lane: accesses before it come before those behind it for all of the scope.
  virtual void memoryFence(llvm::IRBuilderBase &b, tbc::MemScope) {
    b.CreateFence(llvm::AtomicOrdering::AcquireRelease);
  }
  virtual V atomicCas(llvm::IRBuilderBase &b, tbc::Elem elem, V pointer, V compare, V value, V predicate,
                      tbc::MemSem sem, tbc::MemScope scope) = 0;

  // ---- arithmetic --------------------------------------------------------------------------------------------------------
  virtual NumericOptions numerics() const = 0;
  // An elementwise op on all registers of a tile at once, so that pairs can share an instruction. operands[i] holds
  // operand i's registers. isScalar: the values are the program's, the same in all lanes. An empty answer: the common form, register by register.
  virtual llvm::SmallVector<V> elementwise(llvm::IRBuilderBase &, const tbc::Op &, ElemType /*in*/, ElemType /*out*/,
                                           llvm::ArrayRef<llvm::ArrayRef<V>> /*operands*/, bool /*isScalar*/) {
    return {};
  }

  // One call of code for this target that the kernel brings (inline_asm, extern_elementwise): `pack` elements of each operand and of each
  // result. An empty answer: it cannot be, and `why` says for what reason.
  virtual std::vector<llvm::SmallVector<V, 8>>
  targetCode(llvm::IRBuilderBase &, const tbc::Op &, llvm::ArrayRef<ElemType> /*in*/, llvm::ArrayRef<ElemType> /*out*/,
             llvm::ArrayRef<llvm::SmallVector<V, 8>> /*operands*/, unsigned /*pack*/, std::string &why) {
    why = "this target takes no code of its own";
    return {};
  }

  // ---- matrix ------------------------------------------------------------------------------------------------------------
  // Shape and element types of an entry of the target's matrix menu. f32 operands of an entry are multiplied with at least 11 bits
  // of their significands.
  virtual MatrixForm matrixForm(unsigned /*entry*/) const { return {}; }
  // The accumulator's registers after one instruction. Only entries whose operands are all in registers.
  virtual llvm::SmallVector<V> matrix(llvm::IRBuilderBase &b, const MatrixIssue &issue) = 0;

  // ---- asynchronous copies and products ----------------------------------------------------------------------------------
  // Only on targets whose capabilities and matrix menu say so; the defaults are never reached then.
  // Starts copying `bytes` (4, 8 or 16) from global to shared memory; where the predicate (null: always) does not hold, zeros are written.
  virtual void asyncCopy(llvm::IRBuilderBase &, V /*shared*/, V /*global*/, unsigned /*bytes*/, V /*predicate*/,
                         AccessHints) {
    unreachable();
  }
  virtual void asyncCommit(llvm::IRBuilderBase &) { unreachable(); }
  virtual void asyncWait(llvm::IRBuilderBase &, unsigned /*pending*/) { unreachable(); }
  // What the lane wrote to shared memory becomes visible to matrix units and copy engines.
  virtual void sharedFence(llvm::IRBuilderBase &) {}
  // How the target's matrix unit names an operand in shared memory that starts at `pointer` and is laid out as `layout` (offset -> tensor), an element
  // having `bits`. operand: 0 a, 1 b. Made once for each buffer; SharedIssue adds constants.
  virtual V sharedOperand(llvm::IRBuilderBase &, unsigned /*entry*/, unsigned /*operand*/, V /*pointer*/,
                          const layout::LinearLayout &, unsigned /*bits*/) {
    unreachable();
  }
  // Whether the entry reads a from a buffer laid out so. Where it does not, lanes take fragments of it from there to the unit.
  virtual bool readsShared(unsigned /*entry*/, const layout::LinearLayout &) { return true; }
  // One instruction of the entry, of so many columns: register, lane, warp -> m x k (operand 0, a in registers) or m x n (operand 2, the accumulator).
  virtual layout::LinearLayout matrixFragment(unsigned /*entry*/, unsigned /*operand*/, unsigned /*columns*/) {
    unreachable();
  }
  // A fragment of a as the unit takes it from registers.
  virtual llvm::SmallVector<V> matrixOperand(llvm::IRBuilderBase &, llvm::ArrayRef<V> fragment) {
    return llvm::SmallVector<V>(fragment);
  }
  // Before the first and after the last instruction of a group of products.
  virtual void beginAsyncMatrix(llvm::IRBuilderBase &) {}
  virtual llvm::SmallVector<V> asyncMatrix(llvm::IRBuilderBase &, const SharedIssue &) { unreachable(); }
  virtual void endAsyncMatrix(llvm::IRBuilderBase &) {}
  // Until at most `pending` groups of products run; the registers come back as values that nothing computes with before.
  virtual llvm::SmallVector<V> awaitMatrix(llvm::IRBuilderBase &, unsigned /*pending*/, llvm::ArrayRef<V>) {
    unreachable();
  }
  // Shape of a matrix entry: m, k, and the subgroups that issue it together.
  struct EntryShape {
    unsigned m = 0, nMax = 0, k = 0, warps = 1;
  };
  virtual EntryShape entryShape(unsigned /*entry*/) { unreachable(); }

  // ---- tensor copies -----------------------------------------------------------------------------------------------------
  // Only on targets whose capability says so. All but tensorMap and the waits are emitted where one lane of the block goes alone.
  // True in one lane of the block, the same one every time.
  virtual V oneLane(llvm::IRBuilderBase &b, V threadId, V /*warpId*/) {
    return b.CreateICmpEQ(threadId, b.getInt32(0));
  }
  // What the copy engine reads of the array that the op tensor_map describes, whose operands are these: a generic pointer.
  virtual V tensorMap(llvm::IRBuilderBase &, const tbc::Op &, llvm::ArrayRef<V>, V /*oneLane*/) { unreachable(); }
  // `barriers` of 8 bytes each from `pointer` on.
  virtual void copyBarriersInit(llvm::IRBuilderBase &, V /*pointer*/, unsigned /*barriers*/, unsigned /*arrivals*/) {
    unreachable();
  }
  virtual void copyBarriersEnd(llvm::IRBuilderBase &, V /*pointer*/, unsigned /*barriers*/) { unreachable(); }
  virtual void copyExpect(llvm::IRBuilderBase &, V /*barrier*/, uint64_t /*bytes*/) { unreachable(); }
  virtual void copyArrive(llvm::IRBuilderBase &, V /*barrier*/) { unreachable(); } // of the calling lane
  virtual void copyBarrierWait(llvm::IRBuilderBase &, V /*barrier*/, V /*parity*/) { unreachable(); }
  // One box; coordinates: i32, in the order of the dims.
  virtual void tensorLoad(llvm::IRBuilderBase &, V /*shared*/, V /*map*/, V /*barrier*/, llvm::ArrayRef<V>) {
    unreachable();
  }
  virtual void tensorStore(llvm::IRBuilderBase &, V /*shared*/, V /*map*/, llvm::ArrayRef<V>) { unreachable(); }
  // The lane's stores since the last commit are one; until at most `pending` of those run.
  virtual void tensorStoreCommit(llvm::IRBuilderBase &) { unreachable(); }
  virtual void tensorStoreWait(llvm::IRBuilderBase &, unsigned /*pending*/, bool /*complete*/) { unreachable(); }

  // ---- messages ----------------------------------------------------------------------------------------------------------
  // One element to the device's message stream, from the calling lane; the host makes the text of it.
  virtual void print(llvm::IRBuilderBase &b, const PrintedValue &value) = 0;
  // The launch fails with this message and place; the calling lane stops the kernel. The builder stands in a block of its own
  // that continues afterwards.
  virtual void assertFailed(llvm::IRBuilderBase &b, const std::string &message, const std::string &file, unsigned line,
                            const std::string &function) = 0;
};

} // namespace tessera::codegen::simt
