// MemoryOps.cpp - loads, stores, atomics, prints, assertions
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/PrintFormat.h"
#include "core/interpreter/Program.h"

#include <cstring>

namespace tessera::interp {

using namespace tbc;

namespace {
uint64_t loadBytes(uint64_t address, Elem e) {
  uint64_t v = 0;
  std::memcpy(&v, reinterpret_cast<const void *>(address), elemBits(e) / 8);
  return e == Elem::I1 ? v != 0 : v;
}

std::string indexText(const Type &t, size_t flat) {
  if (t.kind == Type::Scalar)
    return "";
  std::string s;
  for (size_t d = t.shape.size(); d-- > 0;) {
    s.insert(0, std::to_string(flat % static_cast<size_t>(t.shape[d])) + (s.empty() ? "" : ", "));
    flat /= static_cast<size_t>(t.shape[d]);
  }
  return " at tile index (" + s + ")";
}
} // namespace

bool Program::mayAccess(const Op &op, uint64_t address, unsigned bytes, bool reads, const char *what) {
  if (!o_.checkMemory)
    return true;
  MemoryMap::Buffer *b = o_.memory->find(address, bytes);
  if (!b) {
    std::string message = std::string(what) + " of " + std::to_string(bytes) + " bytes outside every buffer";
    if (const MemoryMap::Buffer *near = o_.memory->nearest(address)) {
      int64_t offset = static_cast<int64_t>(address - near->address), index = offset / static_cast<int64_t>(bytes);
      if (offset < 0 && offset % static_cast<int64_t>(bytes))
        --index;
      message = std::string(what) + " out of bounds: element " + std::to_string(index) + " of `" + near->name +
                "`, which has " + std::to_string(near->bytes / bytes) + " elements of " + std::to_string(bytes) +
                (bytes == 1 ? " byte" : " bytes");
    }
    report(DiagId::OutOfBounds, op, std::move(message));
    return false;
  }
  if (reads && !MemoryMap::allWritten(*b, address, bytes)) {
    report(DiagId::UninitialisedRead, op,
           std::string(what) + " of memory that nothing has written: element " +
               std::to_string((address - b->address) / bytes) + " of `" + b->name + "`");
    return false;
  }
  return true;
}

void Program::write(uint64_t address, Elem e, uint64_t bits) {
  unsigned bytes = elemBits(e) / 8;
  writes_ += std::memcmp(reinterpret_cast<const void *>(address), &bits, bytes) != 0;
  std::memcpy(reinterpret_cast<void *>(address), &bits, bytes);
  if (o_.checkMemory)
    o_.memory->markWritten(address, bytes);
}

bool Program::active(const Op &op, const In *mask, size_t i) {
  if (!mask)
    return true;
  if (mask->unspecified(i)) {
    report(DiagId::UninitialisedRead, op, "the mask of an access depends on an unspecified value");
    return false;
  }
  return mask->bits[i] & 1;
}

bool Program::addressKnown(const Op &op, const In &ptr, size_t i) {
  if (!ptr.unspecified(i))
    return true;
  report(DiagId::UninitialisedRead, op, "an address depends on an unspecified value");
  return false;
}

void Program::load(const Op &op) {
  ValueId v = op.results[0];
  uint64_t *r = out(v);
  In ptr = in(op, 0), mask = in(op, op.operands.size() > 1 ? 1 : 0), other = in(op, op.operands.size() > 2 ? 2 : 0);
  bool hasMask = op.operands.size() > 1, hasOther = op.operands.size() > 2;
  Elem e = typeOf(v).elem;
  unsigned bytes = elemBits(e) / 8;
  for (size_t i = 0; i < ptr.count; ++i) {
    bool unspecified = false;
    if (!active(op, hasMask ? &mask : nullptr, i)) {
      r[i] = hasOther ? other.bits[i] : 0;
      unspecified = hasOther ? other.unspecified(i) : true;
    } else if (addressKnown(op, ptr, i) && mayAccess(op, ptr.bits[i], bytes, true, "load")) {
      r[i] = loadBytes(ptr.bits[i], e);
    } else {
      // Reported here already: what follows from it would only repeat the message.
      r[i] = 0;
    }
    if (unspecified && tracks())
      outShadow(v)[i] = 1;
  }
}

void Program::asyncLoad(const Op &op) {
  Tensor &buffer = *values_[op.operands[0]].tensor; // in place: every name of the buffer sees it
  In ptr = in(op, 1), mask = in(op, op.operands.size() > 2 ? 2 : 1);
  Elem e = typeOf(op.operands[0]).elem;
  unsigned bytes = elemBits(e) / 8;
  buffer.shadow.clear();
  for (size_t i = 0; i < ptr.count; ++i) {
    bool reads = active(op, op.operands.size() > 2 ? &mask : nullptr, i) && addressKnown(op, ptr, i) &&
                 mayAccess(op, ptr.bits[i], bytes, true, "asynchronous load");
    buffer.bits[i] = reads ? loadBytes(ptr.bits[i], e) : 0;
  }
}

void Program::tensorMap(const Op &op) {
  std::vector<uint64_t> numbers;
  for (size_t i = 1; i < op.operands.size(); ++i)
    numbers.push_back(in(op, i).bits[0]);
  setScalar(op.results[0], arrays_.size());
  arrays_.emplace_back(typeOf(op.operands[0]).elem, in(op, 0).bits[0], numbers, op.intAttr(AttrId::Fill) != 0);
}

void Program::tensorCopy(const Op &op, bool loads, size_t firstCoordinate) {
  Tensor &buffer = *values_[op.operands[0]].tensor;
  const scalar::TensorArray &array = arrays_[in(op, 1).bits[0]];
  std::vector<int32_t> corner;
  for (size_t i = firstCoordinate; i < op.operands.size(); ++i)
    corner.push_back(static_cast<int32_t>(in(op, i).bits[0]));
  if (loads)
    buffer.shadow.clear();
  const std::vector<int64_t> &shape = typeOf(op.operands[0]).shape;
  for (size_t i = 0; i < buffer.bits.size(); ++i) {
    std::optional<uint64_t> address = array.address(corner, shape, i);
    bool inside = address && mayAccess(op, *address, array.bytes(), loads, loads ? "tensor load" : "tensor store");
    if (loads)
      buffer.bits[i] = inside ? loadBytes(*address, array.elem) : address ? 0 : array.fill();
    else if (inside)
      write(*address, array.elem, buffer.bits[i]);
  }
}

void Program::store(const Op &op) {
  In ptr = in(op, 0), value = in(op, 1), mask = in(op, op.operands.size() > 2 ? 2 : 0);
  const Type &t = typeOf(op.operands[1]);
  unsigned bytes = elemBits(t.elem) / 8;
  for (size_t i = 0; i < ptr.count; ++i) {
    if (!active(op, op.operands.size() > 2 ? &mask : nullptr, i) || !addressKnown(op, ptr, i) ||
        !mayAccess(op, ptr.bits[i], bytes, false, "store"))
      continue;
    if (value.unspecified(i))
      report(DiagId::UninitialisedRead, op,
             "an unspecified value is stored" + indexText(t, i) +
                 " (masked off without `other`, never written, or a division by zero)");
    write(ptr.bits[i], t.elem, value.bits[i]);
  }
}

// The zero of its sign for a subnormal f32.
static uint64_t flushed(uint64_t bits) { return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits; }

// Element by element: two elements of one address see each other, in index order.
void Program::atomic(const Op &op) {
  bool isCas = op.code == Opcode::AtomicCas;
  ValueId v = op.results[0];
  uint64_t *r = out(v);
  bool hasMask = !isCas && op.operands.size() > 2;
  In ptr = in(op, 0), first = in(op, 1), second = in(op, op.operands.size() > 2 ? 2 : 0);
  Elem e = typeOf(v).elem;
  unsigned bytes = elemBits(e) / 8;
  auto kind = static_cast<Rmw>(op.intAttr(AttrId::Kind));
  bool flushes = o_.flushAtomicSums && !isCas && kind == Rmw::FAdd && e == Elem::F32;
  for (size_t i = 0; i < ptr.count; ++i) {
    r[i] = 0;
    if (!active(op, hasMask ? &second : nullptr, i)) {
      if (tracks())
        outShadow(v)[i] = 1;
      continue;
    }
    bool reads = isCas || kind != Rmw::Xchg;
    if (!addressKnown(op, ptr, i) || !mayAccess(op, ptr.bits[i], bytes, reads, "atomic access"))
      continue;
    if (first.unspecified(i) || (isCas && second.unspecified(i)))
      report(DiagId::UninitialisedRead, op, "an atomic access takes an unspecified value" + indexText(typeOf(v), i));
    uint64_t old = loadBytes(ptr.bits[i], e);
    r[i] = old;
    if (flushes)
      write(ptr.bits[i], e, flushed(scalar::atomicResult(kind, e, flushed(old), flushed(first.bits[i]))));
    else if (!isCas)
      write(ptr.bits[i], e, scalar::atomicResult(kind, e, old, first.bits[i]));
    else if (old == first.bits[i])
      write(ptr.bits[i], e, second.bits[i]);
  }
}

void Program::print(const Op &op) {
  if (!o_.print)
    return;
  std::string_view prefix = op.strAttr(AttrId::Prefix);
  if (op.operands.empty())
    return o_.print(scalar::printedLine(id_, prefix));
  for (size_t k = 0; k < op.operands.size(); ++k) {
    const Type &t = typeOf(op.operands[k]);
    In x = in(op, k);
    std::vector<int64_t> index(t.shape.size(), 0);
    for (size_t i = 0; i < x.count; ++i) {
      scalar::PrintedElement e{id_,
                               index,
                               t.shape,
                               prefix,
                               k,
                               op.operands.size(),
                               t.elem,
                               t.pointer,
                               op.intAttr(AttrId::Hex) != 0,
                               k < 63 && (op.intAttr(AttrId::Signed) >> k & 1),
                               x.bits[i]};
      o_.print(scalar::printedLine(e));
      for (size_t d = index.size(); d-- > 0;) {
        if (++index[d] < t.shape[d])
          break;
        index[d] = 0;
      }
    }
  }
}

bool Program::assertOp(const Op &op) {
  In cond = in(op, 0), mask = in(op, op.operands.size() > 1 ? 1 : 0);
  for (size_t i = 0; i < cond.count; ++i) {
    if (op.operands.size() > 1 && !(mask.bits[i] & 1))
      continue;
    if (cond.unspecified(i))
      report(DiagId::UninitialisedRead, op, "an assertion depends on an unspecified value");
    else if (!(cond.bits[i] & 1)) {
      report(DiagId::DeviceAssert, op,
             "assertion failed: " + std::string(op.strAttr(AttrId::Message)) + indexText(typeOf(op.operands[0]), i));
      return false;
    }
  }
  return true;
}

// A broken promise is the kernel's error; only the debugging mode looks.
void Program::assume(const Op &op) {
  if (!o_.checkMemory)
    return;
  In cond = in(op, 0);
  for (size_t i = 0; i < cond.count; ++i)
    if (!cond.unspecified(i) && !(cond.bits[i] & 1))
      return report(DiagId::DeviceAssert, op, "an assumption does not hold");
}

} // namespace tessera::interp
