# What is made from interface definitions: build/gen/serve/NAME.[ch], the kernel's
# side of NAME.defs.

GEN       := $(BUILD)/gen
DEFS_DIRS := kernel/include/mach kernel/include/device
DEFS_FLAGS := -Ikernel/include -Iuserland/include

# The interfaces that the kernel serves.
KERNEL_INTERFACES := mach_host host_priv baton_host mach_vm \
	device device_node

KERNEL_STUBS        := $(KERNEL_INTERFACES:%=$(GEN)/serve/%.c)
KERNEL_STUB_HEADERS := $(KERNEL_STUBS:.c=.h)
MIG_SOURCES         := $(wildcard userland/mig/stubgen/*.py) \
	userland/mig/kernel-stubs

vpath %.defs $(DEFS_DIRS)

$(GEN)/serve/%.c $(GEN)/serve/%.h: %.defs $(MIG_SOURCES) | $(call setup,build)
	$(say) MIG $<
	$(quiet)mkdir -p $(@D) && userland/mig/kernel-stubs $(DEFS_FLAGS) \
	    -depfile $(GEN)/serve/$*.d $< $(GEN)/serve/$*.h $(GEN)/serve/$*.c

-include $(KERNEL_STUBS:.c=.d)
