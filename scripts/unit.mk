# Host unit tests: kernel files built as ordinary programs, under the address
# and undefined-behaviour sanitisers, and fuzzers of the same kind.
#
# test/unit/test_NAME.c is one program.  A line in its head comment says which
# kernel files it is about, and these are built into it; another may name
# libraries of this machine:
#
#     Sources: kernel/zone.c vm/page.c
#     Libraries: fdt
#
# and a third, Definitions:, interfaces of which it is linked with both stubs.
# `ipc` among them stands for all of ipc/.
#
# What the files need from elsewhere (panic, the log, a hart) comes from the
# stand-ins of test/unit/host/, whose headers hide those of arch/ that name
# the machine's instructions.
# test/fuzz/fuzz_NAME.c is the same for libFuzzer, built by clang.

HOST_CC    := gcc
FUZZ_CC    := clang
HOST       := $(BUILD)/unit
HOST_FLAGS := -std=gnu17 -O1 -g -MMD -MP -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -fno-common \
	$(WARNINGS) -DCONFIG_DEBUG=1 \
	-Itest/unit/host/include -I. -Itest/unit -Ikernel/include -Iuserland/include \
	-Iarch/riscv64/include -I$(GEN) -I$(STUBS)

# For `make coverage` each line counts how often it ran.
ifeq ($(COVERAGE),1)
HOST_FLAGS += -O0 --coverage
endif

UNIT_TESTS    := $(sort $(wildcard test/unit/test_*.c))
UNIT_PROGRAMS := $(UNIT_TESTS:test/unit/%.c=$(HOST)/%)
FUZZERS       := $(patsubst test/fuzz/%.c,$(BUILD)/fuzz/%,\
	$(sort $(wildcard test/fuzz/fuzz_*.c)))
HOST_OBJECTS  := $(patsubst %,$(HOST)/%.o,$(wildcard test/unit/host/*.c))

# All of ipc/, with what it stands on here: `ipc` among the sources of a test.
# Without what joins it to semaphores, eventlinks and interrupts.
IPC_SOURCES := $(sort $(filter-out ipc/fast_sync.c ipc/fast_irq.c,$(wildcard ipc/*.c))) kernel/ledger.c kernel/lock.c kernel/reaper.c vm/memory_wait.c \
	$(GEN)/serve/mach_port.c test/unit/ipc_host.c

# Maps and transfers, with the page tables under them, for `vm`; what serves
# calls about them is named by the tests that make those.
VM_SOURCES := $(patsubst %,vm/%.c,page map map_check map_room map_sweep map_tree passage fault object \
	object_pay share view view_take copy fork wire superpage snapshot swap transfer transfer_map \
	transfer_slots transfer_payer) \
	$(patsubst %,arch/riscv64/%.c,pmap pmap_root pmap_pass pmap_table pmap_remove pmap_weight pmap_sweep) \
	kernel/ledger.c kernel/zone.c kernel/lock.c \
	test/unit/vm_host.c test/unit/chance.c

# What the head comment of a test says behind a word.
said = $(foreach w,$(shell sed -n 's/^ \* $(2): *//p' $(1)),\
	$(if $(filter ipc,$w),$(IPC_SOURCES),\
	$(if $(filter vm,$w),$(VM_SOURCES),$w)))

$(HOST)/%.c.o: %.c $(BUILD_RULES) scripts/unit.mk | $(call setup,test) \
	$(KERNEL_STUB_HEADERS) $(LIBMACH_STUB_HEADERS)
	$(say) HOSTCC $<
	$(quiet)mkdir -p $(@D) && $(HOST_CC) $(HOST_FLAGS) -c $< -o $@

$(HOST)/libhost.a: $(HOST_OBJECTS) | $(call setup,test)
	$(quiet)mkdir -p $(@D) && rm -f $@ && ar rcsD $@ $^

# $(call unit_test,FILE,KERNEL SOURCES,LIBRARIES,DEFINITIONS)
define unit_test
UNIT_OBJECTS += $(patsubst %,$(HOST)/%.o,$(1) $(2))
$(1:test/unit/%.c=$(HOST)/%): $(patsubst %,$(HOST)/%.o,$(1) $(2)) \
	$(HOST)/libhost.a
$(1:test/unit/%.c=$(HOST)/%): HOST_LIBRARIES := $(3:%=-l%)
$(patsubst %,$(HOST)/%.o,$(1) $(2)): | $(call stub_headers,$(4))
endef
$(foreach t,$(UNIT_TESTS),$(eval \
	$(call unit_test,$t,$(call said,$t,Sources) \
	$(call stub_sources,$(call definitions,$t)),\
	$(call said,$t,Libraries),$(call definitions,$t))))

$(UNIT_PROGRAMS):
	$(say) HOSTLD $@
	$(quiet)$(HOST_CC) $(filter -fsanitize=% --coverage,$(HOST_FLAGS)) \
	    $(filter %.o,$^) $(filter %.a,$^) $(HOST_LIBRARIES) -lcmocka -o $@

# The model of ports beside the kernel's ipc/ (test/model/): one program.  Its
# observers stand between ipc/'s files, where the linker puts them.
MODEL         := $(HOST)/model
MODEL_OBJECTS := $(patsubst %,$(HOST)/%.o,\
	$(sort $(wildcard test/model/*.c)) $(IPC_SOURCES))
OBSERVED      := port_send_kernel mqueue_post mqueue_append mqueue_peek mqueue_take \
	pset_next_ready port_evict_receivers mqueue_wake kmsg_destroy message_general \
	across_copy
UNIT_OBJECTS  += $(MODEL_OBJECTS)

$(MODEL): $(MODEL_OBJECTS) $(HOST)/libhost.a
	$(say) HOSTLD $@
	$(quiet)$(HOST_CC) $(filter -fsanitize=% --coverage,$(HOST_FLAGS)) \
	    $(OBSERVED:%=-Wl,--wrap=%) $^ -o $@

# The stand-ins for fuzzers, in a library: each takes what it needs.
$(BUILD)/fuzz/%.c.o: %.c $(BUILD_RULES) scripts/unit.mk | $(call setup,fuzz) \
	$(KERNEL_STUB_HEADERS)
	$(say) FUZZCC $<
	$(quiet)mkdir -p $(@D) && $(FUZZ_CC) $(HOST_FLAGS) -c $< -o $@

$(BUILD)/fuzz/libhost.a: $(HOST_OBJECTS:$(HOST)/%=$(BUILD)/fuzz/%)
	$(quiet)rm -f $@ && ar rcsD $@ $^

$(BUILD)/fuzz/%: test/fuzz/%.c $(BUILD)/fuzz/libhost.a \
	$(BUILD_RULES) scripts/unit.mk | $(call setup,fuzz)
	$(say) FUZZCC $@
	$(quiet)mkdir -p $(@D) && $(FUZZ_CC) $(HOST_FLAGS) \
	    -fsanitize=fuzzer $< $(call said,$<,Sources) \
	    $(BUILD)/fuzz/libhost.a -o $@ && rm -f $(@D)/*.d

.PHONY: unit-build unit-build-ipc
unit-build: $(UNIT_PROGRAMS) $(MODEL)

# Those that have files of ipc/ in them.
unit-build-ipc: $(MODEL) $(foreach t,$(UNIT_TESTS),$(if $(filter ipc/%,\
	$(call said,$t,Sources)),$(t:test/unit/%.c=$(HOST)/%)))

-include $(patsubst %.o,%.d,$(UNIT_OBJECTS) $(HOST_OBJECTS))
