/* header_c11.c - the ABI header is C11 without a warning, and its structs have the sizes that structs.def names
 * SPDX-License-Identifier: Apache-2.0 */
#include "plugins/abi/plugin.h"

#define TSR_STRUCT(type, first, last, Kind)                                                                            \
  _Static_assert(sizeof(type) >= (first), #type " is smaller than its first version");                                 \
  _Static_assert(sizeof(type) == offsetof(type, last) + sizeof(((type *)0)->last), /* NOLINT(bugprone-sizeof-*) */     \
                 #type " ends in padding, or `last` is stale");                                                        \
  _Static_assert(TSR_ABI_MAJOR > 0 || sizeof(type) == (first), #type ": structs.def is stale");
#include "plugins/abi/structs.def"

_Static_assert(_Alignof(tsr_elf_note) == 4, "an ELF note is 4-aligned");
_Static_assert(offsetof(tsr_elf_note, desc) == 20, "the descriptor follows the owner's name");
_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "LP64");

/* The slots of a table are in the order of slots.def: each one begins where the one before it ended. */
typedef struct tsr_target_api target_table;
typedef struct tsr_compiler_api compiler_table;
typedef struct tsr_driver_api driver_table;
enum {
#define TSR_SLOT(table, slot, Need) table##_##slot,
#include "plugins/abi/slots.def"
  slot_count
};
_Static_assert(slot_count == 46, "a slot was added: update slots.def and docs/abi/changelog.md");
#define TSR_SLOT(table, slot, Need)                                                                                    \
  _Static_assert(sizeof(((table##_table *)0)->slot) == 8, #slot " is no function pointer");
#include "plugins/abi/slots.def"
_Static_assert(sizeof(driver_table) == 16 + 8 * (slot_count - driver_probe), "driver slots missing from slots.def");
_Static_assert(sizeof(target_table) == 16 + 8 * (compiler_compile - target_enumerate),
               "target slots missing from slots.def");

int main(void) {
  tsr_launch launch;
  launch.h.size = sizeof launch;
  return TSR_COVERS(tsr_launch, &launch, arg_bytes) && TSR_CAP_LANES == 1 && TSR_CAP_INVALID == 0 ? 0 : 1;
}
