// step-divisions.mlir - quotients and remainders of a loop's variable are carried, where that is exact
// RUN: %tessera-opt --allow-unregistered-dialect --tile-step-divisions %s | FileCheck %s

// The divisor's sign is not known: remainders are those of its size, quotients step the way of its sign.
// CHECK-LABEL: func.func @both
// CHECK-SAME: %[[N:.+]]: i32
func.func @both(%n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c100 = arith.constant 100 : i32
  %c128 = arith.constant 128 : i32
  // CHECK: %[[FALLS:.+]] = arith.cmpi slt, %[[N]], %{{.+}} : i32
  // CHECK: %[[MINUS:.+]] = arith.subi %{{.+}}, %[[N]] : i32
  // CHECK: %[[SIZE:.+]] = arith.select %[[FALLS]], %[[MINUS]], %[[N]] : i32
  // CHECK: %[[ONE:.+]] = arith.select %[[FALLS]], %{{.+}}, %{{.+}} : i32
  // CHECK: %[[D:.+]] = arith.divsi %{{.+}}, %[[N]] : i32
  // CHECK: %[[E:.+]] = arith.remsi %{{.+}}, %[[N]] : i32
  // CHECK: %[[ROOM:.+]] = arith.subi %[[SIZE]], %[[E]] : i32
  // CHECK: arith.addi %[[D]], %[[ONE]] : i32
  // CHECK: scf.for {{.*}} iter_args(%[[R:.+]] = %{{.+}}, %[[Q:.+]] = %{{.+}}) -> (i32, i32)
  // CHECK-NOT: divsi
  // CHECK-NOT: remsi
  scf.for %i = %c0 to %c100 step %c1 : i32 {
    %x = arith.muli %i, %c128 : i32
    %q = arith.divsi %x, %n : i32
    %r = arith.remsi %x, %n : i32
    // CHECK: "test.use"(%[[Q]], %[[R]])
    "test.use"(%q, %r) : (i32, i32) -> ()
    // CHECK: %[[WRAPS:.+]] = arith.cmpi uge, %[[R]], %[[ROOM]] : i32
    // CHECK: arith.subi %[[R]], %[[ROOM]] : i32
    // CHECK: arith.addi %[[R]], %[[E]] : i32
    // CHECK: scf.yield
  }
  return
}

// A remainder alone carries no quotient; an unsigned divisor has no sign.
// CHECK-LABEL: func.func @unsigned
// CHECK-NOT: slt
// CHECK: scf.for {{.*}} iter_args(%{{.+}} = %{{[^,]+}}) -> (i32)
// CHECK-NOT: remui
// CHECK: return
func.func @unsigned(%n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c100 = arith.constant 100 : i32
  scf.for %i = %c0 to %c100 step %c1 : i32 {
    %x = arith.addi %i, %c1 : i32
    %r = arith.remui %x, %n : i32
    "test.use"(%r) : (i32) -> ()
  }
  return
}

// These stay: a dividend that may be negative or wrap, a divisor that changes or is a constant, a loop around another one.
// CHECK-LABEL: func.func @stay
// CHECK: arith.divsi
// CHECK: arith.divsi
// CHECK: arith.divsi
// CHECK: arith.divsi
// CHECK: arith.divsi
// CHECK-NOT: iter_args
func.func @stay(%n: i32, %m: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c7 = arith.constant 7 : i32
  %c100 = arith.constant 100 : i32
  scf.for %i = %c0 to %c100 step %c1 : i32 {
    %a = arith.subi %i, %c7 : i32
    %q = arith.divsi %a, %n : i32
    %b = arith.muli %i, %m : i32
    %r = arith.divsi %b, %n : i32
    %s = arith.divsi %n, %i : i32
    %t = arith.divsi %i, %c7 : i32
    "test.use"(%q, %r, %s, %t) : (i32, i32, i32, i32) -> ()
  }
  scf.for %i = %c0 to %c100 step %c1 : i32 {
    %q = arith.divsi %i, %n : i32
    scf.for %j = %c0 to %q step %c1 : i32 {
      "test.use"(%j) : (i32) -> ()
    }
  }
  return
}
