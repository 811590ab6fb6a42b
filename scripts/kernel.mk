# The kernel: $(KERNEL_ELF), with symbols, and $(KERNEL_IMAGE), the flat image
# that firmware and boot loaders start.

CROSS   := riscv64-unknown-elf-
CC      := $(CROSS)gcc
OBJCOPY := $(CROSS)objcopy
NM      := $(CROSS)nm

KERNEL_ELF   := $(OUT)/baton.elf
KERNEL_IMAGE := $(OUT)/baton.img

KERNEL_SOURCES := $(sort $(wildcard arch/riscv64/*.[cS] \
	kernel/*.c ipc/*.c vm/*.c drivers/*.c))
KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(OUT)/kernel/%.o) \
	$(KERNEL_STUBS:%=$(OUT)/kernel/%.o)
KERNEL_SCRIPT  := arch/riscv64/kernel.ld

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wmissing-prototypes \
	-Wstrict-prototypes -Wno-missing-field-initializers

KERNEL_FLAGS := -std=gnu17 -O2 -g -MMD -MP \
	-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany \
	-mstrict-align -msmall-data-limit=0 \
	-ffreestanding -fno-common -fno-pie -fno-stack-protector \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	$(WARNINGS) -Wframe-larger-than=512 \
	-I. -Iarch/riscv64/include -Ikernel/include -I$(GEN) \
	$(if $(filter 1,$(DEBUG)),-DCONFIG_DEBUG=1) \
	$(if $(filter 1,$(UNSAFE_NO_FENCE)),-DCONFIG_UNSAFE_NO_FENCE=1)

# For `make coverage` lines stay lines, and their table has the older form.
ifeq ($(COVERAGE),1)
KERNEL_FLAGS += -Og -gdwarf-4 -Wno-frame-larger-than -Wno-maybe-uninitialized
$(OUT)/kernel/ipc/%.c.o: KERNEL_FLAGS += -O0
endif

# Where a loader of the ELF form puts the kernel: QEMU does what it says.  The
# flat image, which boards load, runs wherever it is put.
LOAD_ADDRESS ?= 0x80200000

# The plain march: by it gcc finds its library of the right floating-point ABI.
KERNEL_LINK := $(CC) -nostdlib -static -no-pie -march=rv64imac \
	-mabi=lp64 -T $(KERNEL_SCRIPT) -Wl,--build-id=none \
	-Wl,--defsym=LOAD_ADDRESS=$(LOAD_ADDRESS) \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--fatal-warnings

# Everything is built again when the way of building changes.
BUILD_RULES := scripts/kernel.mk scripts/userland.mk scripts/stubs.mk

# Nothing says yet who includes what was not made yet.
$(KERNEL_OBJECTS): | $(KERNEL_STUB_HEADERS)

$(OUT)/kernel/%.c.o: %.c $(BUILD_RULES) | $(call setup,build)
	$(say) CC $<
	$(quiet)mkdir -p $(@D) && $(CC) $(KERNEL_FLAGS) -c $< -o $@

$(OUT)/kernel/%.S.o: %.S $(BUILD_RULES) | $(call setup,build)
	$(say) AS $<
	$(quiet)mkdir -p $(@D) && $(CC) $(KERNEL_FLAGS) -c $< -o $@

# The message fast path is entered with all callee-saved registers saved by
# trap.S, so it need not save them again.
$(OUT)/kernel/ipc/fast.c.o $(OUT)/kernel/ipc/fast_memory.c.o \
$(OUT)/kernel/ipc/fast_exception.c.o $(OUT)/kernel/ipc/fast_answer.c.o \
$(OUT)/kernel/vm/passage.c.o \
$(OUT)/kernel/ipc/fast_direct.c.o $(OUT)/kernel/ipc/fast_carry.c.o \
$(OUT)/kernel/ipc/fast_call.c.o $(OUT)/kernel/ipc/call_twin.c.o $(OUT)/kernel/ipc/fast_sync.c.o \
$(OUT)/kernel/ipc/fast_queue.c.o \
$(OUT)/kernel/vm/across.c.o: \
	KERNEL_FLAGS += -fomit-frame-pointer \
	-fno-store-merging -fno-tree-slp-vectorize \
	$(foreach n,1 2 3 4 5 6 7 8 9 10 11,-fcall-used-s$(n))

# Functions that call nobody, most often, and are called by all that is fast.
$(OUT)/kernel/ipc/fast_port.c.o $(OUT)/kernel/ipc/mqueue.c.o \
$(OUT)/kernel/kernel/zone.c.o: KERNEL_FLAGS += -fomit-frame-pointer

# It returns to who needs his registers, but never far.
$(OUT)/kernel/ipc/fast_irq.c.o: KERNEL_FLAGS += -fomit-frame-pointer

# What git calls this source.  The file changes only when the answer does.
REVISION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
$(shell mkdir -p $(BUILD); echo '$(REVISION)' | cmp -s - $(BUILD)/revision || \
	echo '$(REVISION)' >$(BUILD)/revision)

$(OUT)/kernel/kernel/version.c.o: KERNEL_FLAGS += -DBATON_REVISION='"$(REVISION)"'
$(OUT)/kernel/kernel/version.c.o: $(BUILD)/revision

# A table whose every row has a default that some rows replace.
$(OUT)/kernel/kernel/syscall.c.o: KERNEL_FLAGS += -Wno-override-init

# The kernel carries its own symbol table, for backtraces.  It is linked once
# with an empty table, and again with the table made from the first result.
# Constants lie behind the text, so the text does not move in between.
SYMTAB := $(OUT)/kernel/symtab

$(SYMTAB).0.S: scripts/symtab | $(call setup,build)
	$(quiet)mkdir -p $(@D) && scripts/symtab </dev/null >$@

$(SYMTAB).1.S: $(OUT)/baton.0.elf scripts/symtab
	$(quiet)$(NM) $< | scripts/symtab >$@

$(SYMTAB).%.o: $(SYMTAB).%.S
	$(quiet)$(CC) -march=rv64imac -mabi=lp64 -c $< -o $@

$(OUT)/baton.0.elf: $(KERNEL_OBJECTS) $(SYMTAB).0.o $(KERNEL_SCRIPT)
	$(quiet)$(KERNEL_LINK) $(filter %.o,$^) -lgcc -o $@

$(KERNEL_ELF): $(KERNEL_OBJECTS) $(SYMTAB).1.o $(KERNEL_SCRIPT)
	$(say) LD $@
	$(quiet)$(KERNEL_LINK) $(filter %.o,$^) -lgcc -o $@
	$(quiet)$(NM) $@ | scripts/symtab | cmp -s - $(SYMTAB).1.S || \
	    { echo "$@: the text moved when the symbol table was added"; exit 1; }

$(KERNEL_IMAGE): $(KERNEL_ELF)
	$(quiet)$(OBJCOPY) -O binary $< $@

-include $(KERNEL_OBJECTS:.o=.d)
