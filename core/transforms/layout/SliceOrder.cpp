// SliceOrder.cpp - bounds of offsets as scalars of the kernel, and what they say about two accesses
//
// Bounds are computed in 64 bits by the ops that the offsets are made of. A mask `offsets < n` bounds them too, so that a tile that is longer than its array
// does not reach into the next one. Offsets of 32 bits wrap: bounds that do not fit into them count as an overlap.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/SliceOrder.h"

#include "core/transforms/layout/LoopAhead.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tessera::tile {

namespace {

using Axes = llvm::DenseMap<Value, int64_t>;

Value maskOf(Operation *access) {
  if (auto load = dyn_cast<LoadOp>(access))
    return load.getMask();
  return cast<StoreOp>(access).getMask();
}

int64_t bytesOf(Operation *access) {
  auto pointers = cast<RankedTensorType>(access->getOperand(0).getType());
  Type pointee = cast<PointerType>(pointers.getElementType()).getPointee();
  return isa<PointerType>(pointee) ? 8 : std::max<int64_t>(bitWidthOf(pointee) / 8, 1);
}

// Whether what is below a broadcast is still cut.
bool isStillCut(BroadcastOp broadcast, const Axes &axes) {
  auto cut = axes.find(broadcast.getResult());
  auto source = cast<RankedTensorType>(broadcast.getSource().getType());
  return cut != axes.end() && source.getDimSize(cut->second) != 1;
}

// The sums and products that a value is of the number of its slice.
struct Form {
  bool isKnown = true;  // Bounds::of has bounds
  bool isAffine = true; // no quotients, nothing that is chosen
  bool varies = false;
};

Form formOf(Value v, bool isCut, const Axes &axes) {
  Operation *op = v.getDefiningOp();
  isCut &= axes.contains(v);
  if (!op || isa<SplatOp>(op) || splatIntegerOf(v))
    return {isa_and_nonnull<SplatOp>(op) || splatIntegerOf(v), true, false};
  if (isa<ArangeOp>(op))
    return {true, true, isCut};
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return formOf(broadcast.getSource(), isCut && isStillCut(broadcast, axes), axes);
  if (isa<ExpandDimsOp, HintOp, arith::ExtSIOp, arith::ExtUIOp>(op))
    return formOf(op->getOperand(0), isCut, axes);
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
           arith::MinSIOp, arith::MaxSIOp>(op))
    return {false, false, true};
  Form a = formOf(op->getOperand(0), isCut, axes), b = formOf(op->getOperand(1), isCut, axes);
  bool isSum = isa<arith::AddIOp, arith::SubIOp>(op), isProduct = isa<arith::MulIOp>(op);
  Form made{a.isKnown && b.isKnown, a.isAffine && b.isAffine && (isSum || isProduct), a.varies || b.varies};
  if (isProduct && a.varies && b.varies)
    made.isAffine = false;
  // A quotient's bounds are those of its ends only by a number that is one for all elements.
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op) &&
      !op->getOperand(1).getDefiningOp<SplatOp>() && !splatIntegerOf(op->getOperand(1)))
    made.isKnown = false;
  return made;
}

// How much larger the next element along the axis is; nothing: not known here.
std::optional<int64_t> stepAlong(Value v, int64_t axis) {
  Operation *op = v.getDefiningOp();
  if (isa_and_nonnull<SplatOp>(op) || splatIntegerOf(v) || cast<RankedTensorType>(v.getType()).getDimSize(axis) == 1)
    return 0;
  if (isa_and_nonnull<ArangeOp>(op))
    return 1;
  if (isa_and_nonnull<BroadcastOp, HintOp, arith::ExtSIOp, arith::ExtUIOp>(op))
    return stepAlong(op->getOperand(0), axis);
  if (auto expand = dyn_cast_or_null<ExpandDimsOp>(op))
    return stepAlong(expand.getSource(), axis > static_cast<int64_t>(expand.getAxis()) ? axis - 1 : axis);
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<int64_t> a = stepAlong(op->getOperand(0), axis), b = stepAlong(op->getOperand(1), axis);
  if (a == 0 && b == 0)
    return 0;
  if (isa<arith::MulIOp>(op)) {
    std::optional<int64_t> x = splatIntegerOf(op->getOperand(0)), y = splatIntegerOf(op->getOperand(1));
    return y && a ? std::optional(*a * *y) : x && b ? std::optional(*b * *x) : std::nullopt;
  }
  return a && b ? std::optional(isa<arith::AddIOp>(op) ? *a + *b : *a - *b) : std::nullopt;
}

std::optional<int64_t> stepAlong(ArrayRef<Value> offsets, int64_t axis) {
  int64_t total = 0;
  for (Value offset : offsets) {
    std::optional<int64_t> step = stepAlong(offset, axis);
    if (!step)
      return std::nullopt;
    total += *step;
  }
  return total < 0 ? -total : total;
}

// What a value that is spread over a tile says of it: arange(0, 64) may be its rows, which are cut or which a mask lets through, and its columns.
struct Role {
  unsigned axes; // of the tile, a bit each: those that the value has
  bool isCut;

  static Role ofTile(Value tile, bool isCut = false) {
    return {(1U << cast<RankedTensorType>(tile.getType()).getRank()) - 1, isCut};
  }
  // Of what is spread by the op.
  Role below(ExpandDimsOp expand) const {
    unsigned lowest = axes;
    for (int64_t skip = expand.getAxis(); skip > 0; --skip)
      lowest &= lowest - 1;
    return {axes & ~(lowest & -lowest), isCut};
  }
};

// Emits the least and the most that elements of tiles are.
class Bounds {
public:
  struct Range {
    Value least, most; // i64
  };
  enum Part { Whole, First, Second };
  using Key = std::tuple<Value, unsigned, unsigned>; // in a role

  Bounds(OpBuilder &builder, Location loc, const Axes &axes, int64_t length, Part part)
      : b_(builder), loc_(loc), axes_(axes), length_(length), part_(part) {}

  // From now on of elements that a mask of the whole tile lets through.
  void limitBy(Value mask) {
    if (mask)
      limitBy(mask, Role::ofTile(mask));
  }

  Value wraps; // i1, null: whether numbers wrap, so that bounds are none

private:
  static Key keyOf(Value v, Role role) { return {v, role.axes, unsigned{role.isCut}}; }

  void limitBy(Value mask, Role role) {
    Operation *op = mask.getDefiningOp();
    if (isa_and_nonnull<arith::AndIOp>(op)) {
      limitBy(op->getOperand(0), role);
      limitBy(op->getOperand(1), role);
    } else if (isa_and_nonnull<BroadcastOp>(op)) {
      limitBy(op->getOperand(0), role);
    } else if (auto expand = dyn_cast_or_null<ExpandDimsOp>(op)) {
      limitBy(expand.getSource(), role.below(expand));
    } else if (auto compare = dyn_cast_or_null<arith::CmpIOp>(op)) {
      limitBy(compare, role);
    }
  }

  void limitBy(arith::CmpIOp compare, Role role) {
    Value below = compare.getLhs(), end = compare.getRhs();
    arith::CmpIPredicate how = compare.getPredicate();
    if (how == arith::CmpIPredicate::sgt || how == arith::CmpIPredicate::sge || how == arith::CmpIPredicate::ugt ||
        how == arith::CmpIPredicate::uge) {
      std::swap(below, end);
      how = how == arith::CmpIPredicate::sgt   ? arith::CmpIPredicate::slt
            : how == arith::CmpIPredicate::sge ? arith::CmpIPredicate::sle
            : how == arith::CmpIPredicate::ugt ? arith::CmpIPredicate::ult
                                               : arith::CmpIPredicate::ule;
    }
    bool isSigned = how == arith::CmpIPredicate::slt || how == arith::CmpIPredicate::sle;
    bool isBelow = how == arith::CmpIPredicate::slt || how == arith::CmpIPredicate::ult;
    if (!isSigned && !isBelow && how != arith::CmpIPredicate::ule)
      return;
    auto splat = end.getDefiningOp<SplatOp>();
    std::optional<int64_t> known = splatIntegerOf(end);
    if (!splat && !known)
      return;
    // Unsigned: a negative number is not below the limit, or leaves the most as it is.
    Value limit = known ? number(*known) : widened(splat.getSource(), isSigned);
    if (isBelow)
      limit = make<arith::SubIOp>(limit, number(1));
    Value &least = limits_[keyOf(below, role)];
    least = least ? make<arith::MinSIOp>(least, limit) : limit;
  }

  Range of(Value v, Role role) {
    role.isCut &= axes_.contains(v);
    Key key = keyOf(v, role), uncut = keyOf(v, {role.axes, false});
    auto [at, isNew] = made_.try_emplace(key);
    if (!isNew)
      return at->second;
    Range range = compute(v, role);
    if (Value limit = limits_.lookup(uncut)) {
      require(range, v, role);
      range.most = make<arith::MinSIOp>(range.most, limit);
    }
    return made_[key] = range;
  }

  Range compute(Value v, Role role) {
    if (std::optional<int64_t> known = splatIntegerOf(v)) {
      Value value = number(*known);
      return {value, value};
    }
    Operation *op = v.getDefiningOp();
    if (auto splat = dyn_cast<SplatOp>(op)) {
      Value value = widened(splat.getSource(), /*isSigned=*/true);
      return {value, value};
    }
    if (auto range = dyn_cast<ArangeOp>(op)) {
      auto first = static_cast<int64_t>(range.getStart());
      int64_t count = cast<RankedTensorType>(v.getType()).getNumElements();
      if (role.isCut && part_ != Whole) {
        first += part_ == Second ? length_ : 0;
        count = length_;
      }
      return {number(first), number(first + count - 1)};
    }
    if (auto broadcast = dyn_cast<BroadcastOp>(op))
      return of(broadcast.getSource(), Role{role.axes, role.isCut && isStillCut(broadcast, axes_)});
    if (auto expand = dyn_cast<ExpandDimsOp>(op))
      return of(expand.getSource(), role.below(expand));
    if (isa<HintOp>(op))
      return of(op->getOperand(0), role);
    if (isa<arith::ExtSIOp>(op))
      return required(op->getOperand(0), role);
    if (isa<arith::ExtUIOp>(op))
      return notNegative(op->getOperand(0), role);
    return combine(op, role);
  }

  Range combine(Operation *op, Role role) {
    Value x = op->getOperand(0), y = op->getOperand(1);
    if (isa<arith::AddIOp>(op)) {
      Range a = of(x, role), b = of(y, role);
      return {make<arith::AddIOp>(a.least, b.least), make<arith::AddIOp>(a.most, b.most)};
    }
    if (isa<arith::SubIOp>(op)) {
      Range a = of(x, role), b = of(y, role);
      return {make<arith::SubIOp>(a.least, b.most), make<arith::SubIOp>(a.most, b.least)};
    }
    if (isa<arith::MulIOp>(op)) {
      Range a = of(x, role), b = of(y, role);
      Range ends = sorted(make<arith::MulIOp>(a.least, b.least), make<arith::MulIOp>(a.most, b.most));
      if (a.least == a.most || b.least == b.most)
        return ends;
      Range others = sorted(make<arith::MulIOp>(a.least, b.most), make<arith::MulIOp>(a.most, b.least));
      return {make<arith::MinSIOp>(ends.least, others.least), make<arith::MaxSIOp>(ends.most, others.most)};
    }
    bool isUnsigned = isa<arith::DivUIOp, arith::RemUIOp>(op);
    Range a = isUnsigned ? notNegative(x, role) : required(x, role),
          b = isUnsigned ? notNegative(y, role) : required(y, role);
    if (isa<arith::MinSIOp>(op))
      return {make<arith::MinSIOp>(a.least, b.least), make<arith::MinSIOp>(a.most, b.most)};
    if (isa<arith::MaxSIOp>(op))
      return {make<arith::MaxSIOp>(a.least, b.least), make<arith::MaxSIOp>(a.most, b.most)};
    if (isa<arith::DivSIOp, arith::DivUIOp>(op))
      return sorted(make<arith::DivSIOp>(a.least, b.least), make<arith::DivSIOp>(a.most, b.least));
    // A remainder has its dividend's sign.
    Value zero = number(0), most = make<arith::SubIOp>(magnitude(b.least), number(1));
    return {make<arith::MinSIOp>(zero, make<arith::MaxSIOp>(a.least, make<arith::SubIOp>(zero, most))),
            make<arith::MaxSIOp>(zero, make<arith::MinSIOp>(a.most, most))};
  }

  Range required(Value v, Role role) {
    Range range = of(v, role);
    require(range, v, role);
    return range;
  }

  Range notNegative(Value v, Role role) {
    Range range = required(v, role);
    doubt(arith::CmpIPredicate::slt, range.least, number(0));
    return range;
  }

  // Where this holds, nothing is known.
  void doubt(arith::CmpIPredicate how, Value x, Value y) {
    Value here = make<arith::CmpIOp>(how, x, y);
    if (splatIntegerOf(here) != 0)
      wraps = wraps ? make<arith::OrIOp>(wraps, here) : here;
  }

  void require(Range range, Value v, Role role) {
    role.isCut &= axes_.contains(v);
    Type type = cast<RankedTensorType>(v.getType()).getElementType();
    if (type.isInteger(64) || !checked_.insert(keyOf(v, role)).second)
      return;
    auto outside = [&](Value end) {
      Value narrow = make<arith::TruncIOp>(type, end);
      doubt(arith::CmpIPredicate::ne, make<arith::ExtSIOp>(b_.getI64Type(), narrow), end);
    };
    outside(range.least);
    outside(range.most);
  }

public:
  // What an address is moved by.
  Range ofOffsets(ArrayRef<Value> offsets) {
    Range total;
    for (Value offset : offsets) {
      Range range = required(offset, Role::ofTile(offset, /*isCut=*/true));
      total = total.least
                  ? Range{make<arith::AddIOp>(total.least, range.least), make<arith::AddIOp>(total.most, range.most)}
                  : range;
    }
    return total;
  }

private:
  template <typename Op, typename... Args> Value make(Args... args) { return b_.createOrFold<Op>(loc_, args...); }
  Value number(int64_t n) {
    Value &made = numbers_[n];
    if (!made)
      made = constantLike(b_, loc_, b_.getI64Type(), n);
    return made;
  }
  Value widened(Value scalar, bool isSigned) {
    if (scalar.getType().isInteger(64))
      return scalar;
    return isSigned ? make<arith::ExtSIOp>(b_.getI64Type(), scalar) : make<arith::ExtUIOp>(b_.getI64Type(), scalar);
  }
  Value magnitude(Value v) { return make<arith::MaxSIOp>(v, make<arith::SubIOp>(number(0), v)); }
  Range sorted(Value x, Value y) { return {make<arith::MinSIOp>(x, y), make<arith::MaxSIOp>(x, y)}; }

  OpBuilder &b_;
  Location loc_;
  const Axes &axes_;
  int64_t length_;
  Part part_;
  llvm::DenseMap<Key, Value> limits_; // of what is not cut: by axes
  llvm::DenseMap<Key, Range> made_;
  llvm::DenseMap<int64_t, Value> numbers_;
  llvm::DenseSet<Key> checked_;
};

} // namespace

SliceOrder::SliceOrder(ArrayRef<SlicedAccess> accesses, ArrayRef<Value> offsets, const Axes &axes)
    : accesses_(accesses), offsets_(offsets), axes_(axes) {
  size_t waited = 0; // the accesses before this one are behind a wait
  for (size_t later = 0; later < accesses_.size(); ++later)
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const SlicedAccess &a = accesses_[earlier], &b = accesses_[later];
      if (isa<LoadOp>(a.op) && isa<LoadOp>(b.op))
        continue;
      if (a.base == b.base) {
        isInPlace_ = true;
        if (bytesOf(a.op) == bytesOf(b.op))
          continue;
      }
      pairs_.push_back({a, b});
      if (earlier >= waited) {
        waiting_.push_back(b.op);
        waited = later;
      }
    }
}

static Form formOf(ArrayRef<Value> offsets, const Axes &axes) {
  Form total;
  for (Value offset : offsets) {
    Form form = formOf(offset, true, axes);
    total.isKnown &= form.isKnown;
    total.isAffine &= form.isAffine;
    total.varies |= form.varies;
  }
  return total;
}

bool SliceOrder::isKnown() const {
  if (!isInPlace_ && pairs_.empty())
    return true;
  Form form = formOf(offsets_, axes_);
  return form.isKnown && form.varies && (form.isAffine || !isInPlace_);
}

// What is known only at run time is the larger step: of rows.
bool SliceOrder::liesInOthers() const {
  int64_t cut = axes_.lookup(offsets_.front());
  std::optional<int64_t> step = stepAlong(offsets_, cut);
  auto type = cast<RankedTensorType>(offsets_.front().getType());
  for (int64_t axis = 0; step && axis < type.getRank(); ++axis)
    if (std::optional<int64_t> other = stepAlong(offsets_, axis); axis != cut && (!other || *other > *step))
      return true;
  return false;
}

SliceOrder::Answer SliceOrder::make(OpBuilder &builder, Location loc, int64_t length) const {
  auto emit = [&]<typename Op>(auto... args) -> Value { return builder.createOrFold<Op>(loc, args...); };
  auto add = [&](Value x, Value y) { return emit.operator()<arith::AddIOp>(x, y); };
  auto subtract = [&](Value x, Value y) { return emit.operator()<arith::SubIOp>(x, y); };
  auto times = [&](Value x, int64_t n) {
    return emit.operator()<arith::MulIOp>(x, constantLike(builder, loc, builder.getI64Type(), n));
  };
  auto is = [&](arith::CmpIPredicate how, Value x, Value y) { return emit.operator()<arith::CmpIOp>(how, x, y); };
  auto both = [&](Value x, Value y) { return x ? emit.operator()<arith::AndIOp>(x, y) : y; };
  auto any = [&](Value x, Value y) { return x ? y ? emit.operator()<arith::OrIOp>(x, y) : x : y; };
  Value one = constantLike(builder, loc, builder.getI64Type(), 1),
        yes = constantLike(builder, loc, builder.getI1Type(), 1);
  Value wraps, overlaps, falls;
  llvm::DenseMap<Value, Value> addresses;
  auto addressOf = [&](const SlicedAccess &access) {
    Value &address = addresses[access.base];
    if (!address)
      address = PtrToIntOp::create(builder, loc, access.base);
    return address;
  };
  llvm::DenseMap<Value, Bounds::Range> ranges; // by mask
  auto rangeOf = [&](const SlicedAccess &access) {
    Value mask = maskOf(access.op);
    auto [at, isNew] = ranges.try_emplace(mask);
    if (isNew) {
      Bounds bounds(builder, loc, axes_, length, Bounds::Whole);
      bounds.limitBy(mask);
      at->second = bounds.ofOffsets(offsets_);
      wraps = any(wraps, bounds.wraps);
    }
    return at->second;
  };
  llvm::DenseSet<std::tuple<Value, Value, Value, Value, int64_t, int64_t>> done;
  for (const auto &[a, b] : pairs_) {
    int64_t bytesA = bytesOf(a.op), bytesB = bytesOf(b.op);
    if (!done.insert({a.base, maskOf(a.op), b.base, maskOf(b.op), bytesA, bytesB}).second)
      continue;
    Value atA = addressOf(a), atB = addressOf(b);
    Bounds::Range inA = rangeOf(a), inB = rangeOf(b);
    auto isBehind = [&](Value at, int64_t bytes, Bounds::Range range, Value otherAt, int64_t otherBytes,
                        Bounds::Range otherRange) { // the first element of one is behind the last of the other
      return is(arith::CmpIPredicate::sge, add(at, times(range.least, bytes)),
                add(otherAt, times(add(otherRange.most, one), otherBytes)));
    };
    Value meets = emit.operator()<arith::XOrIOp>(
        any(isBehind(atA, bytesA, inA, atB, bytesB, inB), isBehind(atB, bytesB, inB, atA, bytesA, inA)), yes);
    Value rises; // offsets may rise
    if (bytesA == bytesB) {
      meets = both(meets, is(arith::CmpIPredicate::ne, atA, atB));
      rises = is(arith::CmpIPredicate::sle, atB, atA);
    } else { // element k of the later one ends before element k + 1 of the earlier one
      Value least = emit.operator()<arith::MinSIOp>(inA.least, inB.least),
            most = emit.operator()<arith::MaxSIOp>(inA.most, inB.most);
      for (Value end : {least, most}) {
        Value next = add(end, one);
        rises =
            both(rises, is(arith::CmpIPredicate::sle, add(atB, times(next, bytesB)), add(atA, times(next, bytesA))));
      }
    }
    overlaps = any(overlaps, meets);
    falls = any(falls, both(meets, emit.operator()<arith::XOrIOp>(rises, yes)));
  }
  overlaps = any(overlaps, wraps);
  // Slices may lie in memory the other way round.
  Bounds first(builder, loc, axes_, length, Bounds::First), second(builder, loc, axes_, length, Bounds::Second);
  Value isReversed =
      is(arith::CmpIPredicate::slt, subtract(second.ofOffsets(offsets_).least, first.ofOffsets(offsets_).least),
         constantLike(builder, loc, builder.getI64Type(), 0));
  return {overlaps, emit.operator()<arith::XOrIOp>(falls, isReversed)};
}

} // namespace tessera::tile
