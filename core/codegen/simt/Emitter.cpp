// Emitter.cpp - the frame of a lane's program: parameters, scalars, control flow, elementwise ops
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include "core/bytecode/LayoutData.h"
#include "core/codegen/simt/SourceLines.h"
#include "core/layout/TensorLayouts.h"

#include "llvm/IR/Constants.h"

#include <bit>
#include <map>

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

EmitResult emitKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, LaneTarget &target,
                      const std::string &name, bool debugInfo) {
  try {
    return {Emitter(out, m, f, target, debugInfo).emit(name), std::nullopt};
  } catch (CannotLower &cannot) {
    return {nullptr, std::move(cannot)};
  }
}

Emitter::Emitter(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, LaneTarget &target, bool debugInfo)
    : out_(out), m_(m), f_(f), target_(target), b_(out.getContext()), e_(b_, target.numerics()),
      values_(m.valueTypes.size()), warps_(static_cast<unsigned>(m.option("num_warps", 4))), debugInfo_(debugInfo) {
  for (const tbc::LayoutData &data : m.layouts) {
    std::string why;
    std::optional<LinearLayout> l = tbc::toLinearLayout(data, &why);
    if (!l)
      throw CannotLower{"a layout of the kernel is none: " + why, f.loc};
    // Shared layouts keep their one input; distributed ones get the four of a block in their usual order.
    layouts_.push_back(l->hasIn(layout::kOffset) ? *l : layout::asDistributed(*l));
  }
}

Emitter::~Emitter() = default;

llvm::Function *Emitter::emit(const std::string &name) {
  function_ =
      target_.createKernel(out_, m_, f_, name, static_cast<unsigned>(tbc::blockWarps(m_, f_)) * target_.lanes());
  if (debugInfo_)
    lines_ = std::make_unique<SourceLines>(out_, m_, f_, *function_);
  b_.SetInsertPoint(BasicBlock::Create(out_.getContext(), "entry", function_));
  if (lines_)
    b_.SetCurrentDebugLocation(lines_->at(f_.loc));
  thread_ = target_.threadId(b_);
  lane_ = b_.CreateAnd(thread_, i32(target_.lanes() - 1), "lane");
  warp_ = target_.warpId(b_, thread_);
  for (size_t i = 0; i < f_.params.size(); ++i) {
    const tbc::Type &t = type(f_.params[i].value);
    V value = function_->getArg(static_cast<unsigned>(i));
    if (t.pointer)
      value = b_.CreateAddrSpaceCast(value, llvmType(t));
    else if (t.elem == Elem::I1)
      value = b_.CreateICmpNE(value, b_.getInt8(0));
    setScalar(f_.params[i].value, value);
  }
  region(f_.body);
  b_.CreateRetVoid();
  if (lines_)
    lines_->finish();
  return function_;
}

void Emitter::fail(const Op &o, const std::string &what) const { throw CannotLower{what, o.loc, o.code}; }

bool Emitter::isUsed(tbc::ValueId v) {
  if (used_.empty()) {
    used_.resize(m_.valueTypes.size());
    std::function<void(const tbc::Region &)> visit = [&](const tbc::Region &r) {
      for (const Op &o : r.ops) {
        for (tbc::ValueId operand : o.operands)
          used_[operand] = true;
        for (const tbc::Region &inner : o.regions)
          visit(inner);
      }
    };
    visit(f_.body);
  }
  return used_[v];
}

unsigned Emitter::registersOf(const tbc::Type &t) const {
  return t.isTensor() ? 1u << layoutOf(t).inBits(layout::kRegister) : 1;
}

void Emitter::region(const tbc::Region &r) {
  for (size_t i = 0; i < r.ops.size(); ++i) {
    const Op &o = r.ops[i];
    if (o.code != Opcode::CopyExpect && o.code != Opcode::TensorLoad)
      leaveAlone();
    if (o.code == Opcode::Yield || o.code == Opcode::Return || o.code == Opcode::Condition) {
      yielded_.clear();
      for (tbc::ValueId v : o.operands)
        yielded_.append(of(v).begin(), of(v).end());
      return;
    }
    if (lines_)
      b_.SetCurrentDebugLocation(lines_->at(o.loc));
    const Op *next = i + 1 < r.ops.size() ? &r.ops[i + 1] : nullptr;
    if (o.code == Opcode::For && next && next->code == Opcode::DotWait &&
        llvm::all_of(next->operands, [&](tbc::ValueId v) { return llvm::is_contained(o.results, v); })) {
      emitFor(o, next);
      ++i;
    } else if (waitsForExchange(r, i)) {
      copiesInExchange_.push_back(&o);
    } else {
      op(o);
    }
  }
}

void Emitter::op(const Op &o) {
  switch (o.code) {
  case Opcode::If:
    return emitIf(o);
  case Opcode::For:
    return emitFor(o);
  case Opcode::While:
    return emitWhile(o);
  case Opcode::Roles:
    return emitRoles(o);
  case Opcode::MapElementwise:
    return mapElementwise(o);
  case Opcode::Assume:
    b_.CreateAssumption(scalar(o.operands[0]));
    return;
  case Opcode::GridStride: // of the launch
    return;
  default:
    break;
  }
  if (creation(o) || elementwise(o) || movement(o) || memory(o) || asynchronous(o) || tensorCopies(o) || messages(o) ||
      wholeTile(o) || targetCode(o))
    return;
  fail(o, "this op has no lowering to lanes");
}

// ---- control flow --------------------------------------------------------------------------------------------------

// Registers of several values, one after the other, and back.
static Registers flatten(const std::vector<Registers> &values, ArrayRef<tbc::ValueId> ids) {
  Registers flat;
  for (tbc::ValueId id : ids)
    flat.append(values[id].begin(), values[id].end());
  return flat;
}

void Emitter::unflatten(ArrayRef<V> flat, ArrayRef<tbc::ValueId> ids) {
  for (tbc::ValueId id : ids) {
    unsigned n = registersOf(type(id));
    set(id, Registers(flat.take_front(n)));
    flat = flat.drop_front(n);
  }
}

// A matrix unit's 16-bit accumulators are pairs. Carried one by one they would be taken apart and put together again in each iteration, which on
// some devices may not happen while products are on their way.
Registers Emitter::paired(ArrayRef<V> flat, ArrayRef<tbc::ValueId> ids) {
  Registers pairs;
  auto *two = FixedVectorType::get(b_.getInt16Ty(), 2);
  for (tbc::ValueId id : ids) {
    ArrayRef<V> own = flat.take_front(registersOf(type(id)));
    flat = flat.drop_front(own.size());
    if (own.size() < 2 || !own[0]->getType()->isIntegerTy(16)) {
      pairs.append(own.begin(), own.end());
      continue;
    }
    for (size_t i = 0; i < own.size(); i += 2) {
      V v = b_.CreateInsertElement(PoisonValue::get(two), own[i], uint64_t(0));
      pairs.push_back(b_.CreateBitCast(b_.CreateInsertElement(v, own[i + 1], uint64_t(1)), b_.getInt32Ty()));
    }
  }
  return pairs;
}

void Emitter::unpair(ArrayRef<V> pairs, ArrayRef<tbc::ValueId> ids) {
  auto *two = FixedVectorType::get(b_.getInt16Ty(), 2);
  for (tbc::ValueId id : ids) {
    unsigned n = registersOf(type(id));
    bool isPaired = n >= 2 && llvmType(type(id))->isIntegerTy(16);
    Registers own;
    for (V v : pairs.take_front(isPaired ? n / 2 : n)) {
      if (!isPaired) {
        own.push_back(v);
        continue;
      }
      V both = b_.CreateBitCast(v, two);
      own.push_back(b_.CreateExtractElement(both, uint64_t(0)));
      own.push_back(b_.CreateExtractElement(both, uint64_t(1)));
    }
    pairs = pairs.drop_front(isPaired ? n / 2 : n);
    set(id, std::move(own));
  }
}

// A phi for each register, filled from `incoming` at `from`.
static Registers phisOf(IRBuilderBase &b, ArrayRef<Value *> incoming, BasicBlock *from) {
  Registers phis;
  for (Value *v : incoming) {
    PHINode *phi = b.CreatePHI(v->getType(), 2);
    phi->addIncoming(v, from);
    phis.push_back(phi);
  }
  return phis;
}

static void addIncoming(ArrayRef<Value *> phis, ArrayRef<Value *> values, BasicBlock *from) {
  for (auto [phi, v] : zip(phis, values))
    cast<PHINode>(phi)->addIncoming(v, from);
}

void Emitter::emitIf(const Op &o) {
  LLVMContext &c = out_.getContext();
  BasicBlock *then = BasicBlock::Create(c, "then", function_), *otherwise = BasicBlock::Create(c, "else", function_),
             *end = BasicBlock::Create(c, "endif", function_);
  b_.CreateCondBr(scalar(o.operands[0]), then, otherwise);
  b_.SetInsertPoint(then);
  region(o.regions[0]);
  Registers thenValues = yielded_;
  BasicBlock *thenEnd = b_.GetInsertBlock();
  b_.CreateBr(end);
  b_.SetInsertPoint(otherwise);
  region(o.regions[1]);
  Registers elseValues = yielded_;
  BasicBlock *elseEnd = b_.GetInsertBlock();
  b_.CreateBr(end);
  b_.SetInsertPoint(end);
  Registers phis = phisOf(b_, thenValues, thenEnd);
  addIncoming(phis, elseValues, elseEnd);
  unflatten(phis, o.results);
}

constexpr int64_t kDisableHoisting = 8; // bit 3 of loop_flags
constexpr int64_t kTakeTurns = 16;      // bit 4

// Whether lanes of all groups may meet at a barrier in this op: within a turn, where the others wait for it to end, they would wait for ever.
static bool mayMeet(const Op &o) {
  switch (o.code) {
  case Opcode::Barrier:
  case Opcode::If:
  case Opcode::For:
  case Opcode::While:
    return true;
  case Opcode::SharedAlloc: // its bytes are no scratch
    return false;
  default:
    return o.intAttr(AttrId::Bytes) != 0;
  }
}

// The products of the loop's body at which a turn begins and ends: the last one, and an iteration later the first one. Null where none can be taken.
static std::pair<const Op *, const Op *> turnOf(const tbc::Region &body) {
  const Op *first = nullptr, *last = nullptr;
  bool meets = false;
  for (const Op &o : body.ops) {
    if (o.code == Opcode::AsyncDot) {
      if (!first && meets)
        return {};
      first = first ? first : &o;
      last = &o;
      meets = false;
    }
    meets |= mayMeet(o);
  }
  return meets || first == last ? std::pair<const Op *, const Op *>() : std::pair(last, first);
}

namespace {

// Whether a loop runs again, exact where the induction variable wraps. What adds and then compares with a value from outside of the loop is a loop whose
// iterations assemblers count, and unroll where its body is short (by four, loads first).
class GoesOn {
public:
  // Where the loop is entered.
  GoesOn(IRBuilderBase &b, Value *lower, Value *upper, Value *step, bool isSigned) : b_(b), upper_(upper), step_(step) {
    auto *by = dyn_cast<ConstantInt>(step), *from = dyn_cast<ConstantInt>(lower);
    if (!by || !by->getValue().isStrictlyPositive())
      return;
    if (by->isOne()) // i + 1 is at most upper
      compare_ = isSigned ? CmpInst::ICMP_SLT : CmpInst::ICMP_ULT;
    else if (isSigned && from &&
             !from->isNegative()) // the sum of two that are not negative is exact as an unsigned number
      compare_ = CmpInst::ICMP_ULT;
    else if (by->getValue().isPowerOf2()) { // the first one at or past upper, however it wraps
      Value *distance = b.CreateAdd(b.CreateSub(upper, lower), ConstantInt::get(by->getType(), by->getValue() - 1));
      upper_ = b.CreateAdd(lower, b.CreateAnd(distance, ConstantInt::get(by->getType(), -by->getValue())));
      compare_ = CmpInst::ICMP_NE;
    }
  }

  // At the end of an iteration.
  Value *operator()(Value *induction, Value *following) const {
    // upper - i is exact as an unsigned number, so the last step cannot wrap past upper.
    return compare_ ? b_.CreateICmp(*compare_, following, upper_)
                    : b_.CreateICmpUGT(b_.CreateSub(upper_, induction), step_);
  }

private:
  IRBuilderBase &b_;
  Value *upper_, *step_;
  std::optional<CmpInst::Predicate> compare_;
};

} // namespace

// On a loop's branch back, where the loop asks for it: LLVM moves nothing out.
static void keepInvariants(const Op &o, Instruction *back) {
  if (!(o.intAttr(AttrId::LoopFlags) & kDisableHoisting))
    return;
  LLVMContext &c = back->getContext();
  MDNode *stays = MDNode::get(c, MDString::get(c, "llvm.licm.disable"));
  MDNode *node = MDNode::getDistinct(c, {nullptr, stays});
  node->replaceOperandWith(0, node);
  back->setMetadata(LLVMContext::MD_loop, node);
}

// `wait`: the dot_wait behind the loop, of results of it, or null. It goes on the way out of the loop, not behind the place where a loop without
// iterations joins: there nothing runs, but an assembler may take the moves of the start values for writes to sums of products that do, and do all products
// of the loop one by one.
void Emitter::emitFor(const Op &o, const Op *wait) {
  LLVMContext &c = out_.getContext();
  const tbc::Region &body = o.regions[0];
  V lower = scalar(o.operands[0]), upper = scalar(o.operands[1]), step = scalar(o.operands[2]);
  ArrayRef<tbc::ValueId> start = ArrayRef(o.operands).drop_front(3);
  Registers initial = paired(flatten(values_, start), start);
  BasicBlock *before = b_.GetInsertBlock(), *loop = BasicBlock::Create(c, "for", function_),
             *after = BasicBlock::Create(c, "endfor", function_);
  bool isSigned = o.intAttr(AttrId::Signed) != 0;
  V enters = isSigned ? b_.CreateICmpSLT(lower, upper) : b_.CreateICmpULT(lower, upper);
  GoesOn goesOn(b_, lower, upper, step, isSigned);
  // A turn is the last product of an iteration and the first one of the next; the first turn of all is that first one alone.
  std::pair<const Op *, const Op *> products;
  if ((o.intAttr(AttrId::LoopFlags) & kTakeTurns) && role_ == Role::Work && wait)
    products = turnOf(body);
  bool takesTurns = products.first != nullptr;
  auto turn = [&](LaneTarget::Turn what) { target_.turn(b_, what, warp_, warps_ * target_.lanes()); };
  BasicBlock *entry = takesTurns ? BasicBlock::Create(c, "turns", function_, loop) : before;
  b_.CreateCondBr(enters, takesTurns ? entry : loop, after);
  if (takesTurns) {
    b_.SetInsertPoint(entry);
    turn(LaneTarget::Turn::Begin);
    turn(LaneTarget::Turn::Take);
    b_.CreateBr(loop);
    std::tie(takesTurn_, passesTurn_) = products;
  }

  b_.SetInsertPoint(loop);
  PHINode *induction = b_.CreatePHI(lower->getType(), 2, "i");
  induction->addIncoming(lower, entry);
  Registers carried = phisOf(b_, initial, entry);
  setScalar(body.args[0], induction);
  unpair(carried, ArrayRef(body.args).drop_front());
  region(body);
  takesTurn_ = passesTurn_ = nullptr;
  Registers last = yielded_, next = paired(last, o.results);
  BasicBlock *latch = b_.GetInsertBlock();
  V following = b_.CreateAdd(induction, step), more = goesOn(induction, following);
  induction->addIncoming(following, latch);
  addIncoming(carried, next, latch);
  BasicBlock *leave = wait ? BasicBlock::Create(c, "leave", function_, after) : after;
  Instruction *back = b_.CreateCondBr(more, loop, leave);
  keepInvariants(o, back);

  if (wait) {
    b_.SetInsertPoint(leave);
    if (takesTurns)
      turn(LaneTarget::Turn::End);
    SmallVector<std::pair<size_t, unsigned>>
        places; // of the awaited values among the loop's results: first register, how many
    Registers running;
    for (tbc::ValueId id : wait->operands) {
      size_t first = 0;
      for (tbc::ValueId result : o.results) {
        if (result == id)
          break;
        first += registersOf(type(result));
      }
      places.push_back({first, registersOf(type(id))});
      running.append(last.begin() + first, last.begin() + first + places.back().second);
    }
    SmallVector<V> awaited = target_.awaitMatrix(b_, static_cast<unsigned>(wait->intAttr(AttrId::Pending)), running);
    ArrayRef<V> left = awaited;
    for (auto [first, count] : places) {
      llvm::copy(left.take_front(count), last.begin() + first);
      left = left.drop_front(count);
    }
    next = paired(last, o.results);
    latch = leave;
    b_.CreateBr(after);
  }

  b_.SetInsertPoint(after);
  Registers results = phisOf(b_, initial, before);
  addIncoming(results, next, latch);
  unpair(results, o.results);
  for (size_t i = 0; wait && i < wait->results.size(); ++i)
    values_[wait->results[i]] = values_[wait->operands[i]];
}

void Emitter::emitWhile(const Op &o) {
  LLVMContext &c = out_.getContext();
  Registers initial = flatten(values_, o.operands);
  BasicBlock *before = b_.GetInsertBlock(), *head = BasicBlock::Create(c, "while", function_),
             *body = BasicBlock::Create(c, "do", function_), *after = BasicBlock::Create(c, "endwhile", function_);
  b_.CreateBr(head);
  b_.SetInsertPoint(head);
  Registers carried = phisOf(b_, initial, before);
  unflatten(carried, o.regions[0].args);
  region(o.regions[0]);
  V condition = yielded_.front();
  Registers forwarded(drop_begin(yielded_));
  b_.CreateCondBr(condition, body, after);
  b_.SetInsertPoint(body);
  unflatten(forwarded, o.regions[1].args);
  region(o.regions[1]);
  addIncoming(carried, yielded_, b_.GetInsertBlock());
  keepInvariants(o, b_.CreateBr(head));
  b_.SetInsertPoint(after);
  unflatten(forwarded, o.results);
}

void Emitter::barrier() {
  if (role_ == Role::Work)
    target_.partBarrier(b_, warps_ * target_.lanes());
  else
    target_.blockBarrier(b_);
}

// The subgroups beyond num_warps copy, one lane of them; the others work.
void Emitter::emitRoles(const Op &o) {
  LLVMContext &c = out_.getContext();
  BasicBlock *copying = BasicBlock::Create(c, "copying", function_), *one = BasicBlock::Create(c, "one", function_),
             *working = BasicBlock::Create(c, "working", function_),
             *end = BasicBlock::Create(c, "endroles", function_);
  const std::vector<int64_t> &registers = o.intsAttr(AttrId::Registers);
  V first = i32(warps_);
  b_.CreateCondBr(b_.CreateICmpUGE(warp_, first), copying, working);
  b_.SetInsertPoint(copying);
  if (!registers.empty())
    target_.tradeRegisters(b_, static_cast<unsigned>(registers[0]), false);
  V chosen = target_.oneLane(b_, b_.CreateSub(thread_, i32(warps_ * target_.lanes())), b_.CreateSub(warp_, first));
  b_.CreateCondBr(chosen, one, end);
  b_.SetInsertPoint(one);
  role_ = Role::Copies;
  region(o.regions[0]);
  b_.CreateBr(end);
  b_.SetInsertPoint(working);
  if (!registers.empty())
    target_.tradeRegisters(b_, static_cast<unsigned>(registers[1]), true);
  role_ = Role::Work;
  region(o.regions[1]);
  b_.CreateBr(end);
  role_ = Role::All;
  b_.SetInsertPoint(end);
}

Registers Emitter::inlined(const tbc::Region &r, ArrayRef<V> arguments) {
  for (auto [id, v] : zip(r.args, arguments))
    setScalar(id, v);
  region(r);
  return yielded_;
}

void Emitter::mapElementwise(const Op &o) {
  auto pack = static_cast<unsigned>(o.intAttr(AttrId::Pack, 1));
  const tbc::Type &t = type(o.operands[0]);
  unsigned n = registersOf(t);
  // The registers of a pack: neighbours along the last dim, which the layout keeps in one lane.
  SmallVector<unsigned> order(n);
  for (unsigned i = 0; i < n; ++i)
    order[i] = i;
  if (pack > 1) {
    const LinearLayout &l = layoutOf(t);
    std::vector<uint64_t> columns = l.columnsOf(layout::kRegister);
    order.clear();
    SmallVector<unsigned> inPack;
    for (unsigned bit = 0; (1u << bit) < pack; ++bit)
      for (unsigned r = 0; r < columns.size(); ++r)
        if (columns[r] == uint64_t(1) << bit)
          inPack.push_back(r);
    if ((1u << inPack.size()) != pack)
      fail(o, "the elements of a pack are not in one lane");
    unsigned packMask = 0;
    for (unsigned r : inPack)
      packMask |= 1u << r;
    for (unsigned base = 0; base < n; ++base)
      if (!(base & packMask))
        for (unsigned i = 0; i < pack; ++i) {
          unsigned reg = base;
          for (unsigned bit = 0; bit < inPack.size(); ++bit)
            reg |= ((i >> bit) & 1) << inPack[bit];
          order.push_back(reg);
        }
  }
  std::vector<Registers> results(o.results.size(), Registers(n));
  for (unsigned from = 0; from < n; from += pack) {
    Registers arguments;
    for (tbc::ValueId operand : o.operands)
      for (unsigned i = 0; i < pack; ++i)
        arguments.push_back(of(operand)[order[from + i]]);
    Registers out = inlined(o.regions[0], arguments);
    for (size_t j = 0; j < results.size(); ++j)
      for (unsigned i = 0; i < pack; ++i)
        results[j][order[from + i]] = out[j * pack + i];
  }
  for (size_t j = 0; j < results.size(); ++j)
    set(o.results[j], std::move(results[j]));
}

// ---- elementwise ---------------------------------------------------------------------------------------------------

bool Emitter::creation(const Op &o) {
  if (o.results.size() != 1)
    return false;
  const tbc::Type &t = type(o.results[0]);
  unsigned n = registersOf(t);
  auto all = [&](V v) {
    set(o.results[0], Registers(n, v));
    return true;
  };
  switch (o.code) {
  case Opcode::Constant:
    if (t.pointer)
      return all(ConstantPointerNull::get(cast<PointerType>(llvmType(t))));
    return all(tbc::isFloat(t.elem) ? e_.constFloat(t.elem, o.floatAttr(AttrId::FloatValue))
                                    : e_.constInt(t.elem, o.intAttr(AttrId::Value)));
  case Opcode::Poison:
    return all(PoisonValue::get(llvmType(t)));
  case Opcode::Splat:
    return all(scalar(o.operands[0]));
  case Opcode::ProgramId:
    return all(target_.programId(b_, static_cast<unsigned>(o.intAttr(AttrId::Axis))));
  case Opcode::NumPrograms:
    return all(target_.numPrograms(b_, static_cast<unsigned>(o.intAttr(AttrId::Axis))));
  case Opcode::Arange: {
    const LinearLayout &l = layoutOf(t);
    V part = laneAndWarpPart(l);
    int64_t start = o.intAttr(AttrId::Start);
    Registers out;
    for (unsigned r = 0; r < n; ++r) {
      uint64_t own = l.applyPacked(r);
      // Lanes and warps usually give bits that registers leave alone: then the sum folds into addresses.
      out.push_back(b_.CreateAdd(withPart(l, part, own), i32(start)));
    }
    set(o.results[0], std::move(out));
    return true;
  }
  default:
    return false;
  }
}

bool Emitter::elementwise(const Op &o) {
  if (o.code == Opcode::Hint) {
    set(o.results[0], of(o.operands[0]));
    return true;
  }
  unsigned n = o.results.empty() ? 0 : registersOf(type(o.results[0]));
  auto operandsAt = [&](unsigned r) {
    SmallVector<V, 6> v;
    for (tbc::ValueId id : o.operands)
      v.push_back(of(id)[of(id).size() == 1 ? 0 : r]); // select's condition may be a scalar
    return v;
  };
  if (o.code == Opcode::Philox) {
    std::vector<Registers> words(4);
    for (unsigned r = 0; r < n; ++r) {
      SmallVector<V, 4> out = e_.philox(operandsAt(r), static_cast<unsigned>(o.intAttr(AttrId::NumRounds)));
      for (unsigned w = 0; w < 4; ++w)
        words[w].push_back(out[w]);
    }
    for (unsigned w = 0; w < 4; ++w)
      set(o.results[w], std::move(words[w]));
    return true;
  }
  if (!Elementwise::handles(o.code))
    return false;
  ElemType in = ElemType::of(type(o.operands[o.code == Opcode::Select ? 1 : 0])),
           out = ElemType::of(type(o.results[0]));
  SmallVector<ArrayRef<V>> all;
  for (tbc::ValueId id : o.operands)
    all.push_back(of(id));
  Registers results(target_.elementwise(b_, o, in, out, all, !type(o.results[0]).isTensor()));
  if (results.empty()) {
    results.resize(n);
    // Last register first: work on what was loaded last cannot start before every load of the tile has been issued, so that the device's assembler
    // leaves the loads in one batch instead of making one wait for the work on the one before. Of a large tile, whose batch would take most registers,
    // what was loaded first.
    constexpr unsigned kBatch = 64;
    for (unsigned i = 0; i < n; ++i) {
      unsigned r = n > kBatch ? i : n - 1 - i;
      results[r] = e_.lower(o, in, out, operandsAt(r));
    }
  }
  set(o.results[0], std::move(results));
  return true;
}

// ---- index arithmetic ----------------------------------------------------------------------------------------------

Value *Emitter::applyColumns(V x, ArrayRef<uint64_t> columns) {
  // Runs of bits that keep their distance move together: x << or >> a constant under a mask.
  bool wide = any_of(columns, [](uint64_t c) { return c >> 32; });
  Type *t = wide ? b_.getInt64Ty() : b_.getInt32Ty();
  V sum = nullptr;
  V in = b_.CreateZExtOrTrunc(x, t);
  auto add = [&](V part) { sum = sum ? b_.CreateXor(sum, part) : part; };
  // (shift, bits of x) for the single-bit columns; the rest bit by bit.
  std::map<int, uint64_t> shifts;
  for (unsigned i = 0; i < columns.size(); ++i) {
    uint64_t c = columns[i];
    for (; c; c &= c - 1)
      shifts[std::countr_zero(c) - static_cast<int>(i)] |= uint64_t(1) << i;
  }
  for (auto [shift, mask] : shifts) {
    V part = b_.CreateAnd(in, ConstantInt::get(t, mask));
    add(shift > 0 ? b_.CreateShl(part, shift) : shift < 0 ? b_.CreateLShr(part, -shift) : part);
  }
  return sum ? sum : ConstantInt::get(t, 0);
}

Value *Emitter::laneAndWarpPart(const LinearLayout &l) {
  auto known = parts_.find(&l);
  if (known != parts_.end())
    return known->second;
  IRBuilder<>::InsertPointGuard guard(b_);
  // In the entry block, once: every loop and branch may use it.
  BasicBlock &entry = function_->getEntryBlock();
  if (Instruction *end = entry.getTerminator())
    b_.SetInsertPoint(end);
  else if (b_.GetInsertBlock() != &entry)
    b_.SetInsertPoint(&entry);
  V lane = applyColumns(lane_, l.columnsOf(layout::kLane)), warp = applyColumns(warp_, l.columnsOf(layout::kWarp));
  Type *t =
      lane->getType()->getIntegerBitWidth() > warp->getType()->getIntegerBitWidth() ? lane->getType() : warp->getType();
  V part = b_.CreateXor(b_.CreateZExt(lane, t), b_.CreateZExt(warp, t));
  // Only the module's layouts live as long as the emitter.
  if (!layouts_.empty() && &l >= layouts_.data() && &l < layouts_.data() + layouts_.size())
    parts_[&l] = part;
  return part;
}

Value *Emitter::withPart(const LinearLayout &l, V part, uint64_t own) {
  Constant *c = ConstantInt::get(part->getType(), own);
  uint64_t elsewhere = 0;
  for (std::string_view in : {layout::kLane, layout::kWarp})
    for (uint64_t column : l.columnsOf(in))
      elsewhere |= column;
  if (elsewhere & own)
    return b_.CreateXor(part, c);
  return b_.CreateAdd(part, c, "", /*NUW=*/true, /*NSW=*/true);
}

Value *Emitter::isFirstCopy(const LinearLayout &l) {
  uint64_t lanes = l.freeMask(layout::kLane), warps = l.freeMask(layout::kWarp);
  V first = nullptr;
  auto require = [&](V index, uint64_t mask) {
    if (!mask)
      return;
    V zero = b_.CreateICmpEQ(b_.CreateAnd(index, i32(static_cast<int64_t>(mask))), i32(0));
    first = first ? b_.CreateAnd(first, zero) : zero;
  };
  require(lane_, lanes);
  require(warp_, warps);
  return first;
}

SmallVector<unsigned> Emitter::registerCopies(const LinearLayout &l) const {
  uint64_t mask = l.freeMask(layout::kRegister);
  std::map<uint64_t, unsigned> first;
  SmallVector<unsigned> out;
  for (unsigned r = 0; r < (1u << l.inBits(layout::kRegister)); ++r)
    out.push_back(mask ? first.try_emplace(l.applyPacked(r), r).first->second : r);
  return out;
}

SmallVector<Value *, 2> Emitter::toWords(V v) {
  Type *t = v->getType();
  if (t->isPointerTy())
    v = b_.CreatePtrToInt(v, b_.getInt64Ty());
  else if (t->isFloatingPointTy())
    v = b_.CreateBitCast(v, b_.getIntNTy(t->getScalarSizeInBits()));
  if (v->getType()->getIntegerBitWidth() <= 32)
    return {b_.CreateZExt(v, b_.getInt32Ty())};
  return {b_.CreateTrunc(v, b_.getInt32Ty()), b_.CreateTrunc(b_.CreateLShr(v, 32), b_.getInt32Ty())};
}

Value *Emitter::fromWords(ArrayRef<V> words, Type *t) {
  V v = words[0];
  if (words.size() == 2)
    v = b_.CreateOr(b_.CreateZExt(words[0], b_.getInt64Ty()),
                    b_.CreateShl(b_.CreateZExt(words[1], b_.getInt64Ty()), 32));
  if (t->isPointerTy())
    return b_.CreateIntToPtr(v, t);
  unsigned bits = t->getScalarSizeInBits();
  v = b_.CreateTrunc(v, b_.getIntNTy(bits));
  return t->isFloatingPointTy() ? b_.CreateBitCast(v, t) : v;
}

static Value *wordWise(SmallVector<Value *, 2> words, function_ref<Value *(Value *)> f,
                       function_ref<Value *(ArrayRef<Value *>)> join) {
  for (Value *&w : words)
    w = f(w);
  return join(words);
}

Value *Emitter::shuffle(V v, V source) {
  return wordWise(
      toWords(v), [&](V w) { return target_.shuffle(b_, w, source); },
      [&](ArrayRef<V> w) { return fromWords(w, v->getType()); });
}

Value *Emitter::shuffleXor(V v, unsigned mask) {
  return wordWise(
      toWords(v), [&](V w) { return target_.shuffleXor(b_, w, mask); },
      [&](ArrayRef<V> w) { return fromWords(w, v->getType()); });
}

Value *Emitter::shuffleUp(V v, unsigned delta) {
  return wordWise(
      toWords(v), [&](V w) { return target_.shuffleUp(b_, w, delta); },
      [&](ArrayRef<V> w) { return fromWords(w, v->getType()); });
}

} // namespace tessera::codegen::simt
