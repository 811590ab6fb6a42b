# What is made from interface definitions: of NAME.defs build/gen/serve/NAME.[ch],
# the kernel's side, with NAME.inc, its requests in numbers; build/gen/user/NAME.[ch]
# and build/gen/server/NAME.[ch], the two sides in libmach; and build/gen/stubs/FOLDER/NAME{.h,Server.h,User.c,Server.c}
# from FOLDER/NAME.defs, for programs and tests.

GEN       := $(BUILD)/gen
DEFS_DIRS := kernel/include/mach kernel/include/device userland/include/servers \
	userland/libmach
DEFS_FLAGS := -Ikernel/include -Iuserland/include

# The interfaces that the kernel serves.
KERNEL_INTERFACES := mach_port task thread_act mach_vm vm_map semaphore \
	mach_eventlink clock mach_host host_priv baton_host baton_port \
	baton_ledger device device_node \
	memory_object_control default_pager_control

KERNEL_STUBS        := $(KERNEL_INTERFACES:%=$(GEN)/serve/%.c)
KERNEL_STUB_HEADERS := $(KERNEL_STUBS:.c=.h)
MIG_SOURCES         := $(wildcard userland/mig/stubgen/*.py) \
	userland/mig/kernel-stubs userland/mig/mig

# Those that libmach has calls for.
USER_INTERFACES := mach_port task thread_act mach_host host_priv baton_host \
	baton_port baton_ledger clock mach_eventlink mach_vm vm_map device \
	device_node bootstrap bootstrap_programs console files memory_pager \
	exc mach_exc \
	memory_object memory_object_control default_pager_control

# Those that libmach helps to serve: what the kernel asks and tells.
SERVER_INTERFACES := exc mach_exc notify device_notify memory_object pager \
	default_pager

USER_STUBS   := $(USER_INTERFACES:%=$(GEN)/user/%.c)
SERVER_STUBS := $(SERVER_INTERFACES:%=$(GEN)/server/%.c)
LIBMACH_STUBS        := $(USER_STUBS) $(SERVER_STUBS)
LIBMACH_STUB_HEADERS := $(LIBMACH_STUBS:.c=.h)

vpath %.defs $(DEFS_DIRS)

$(GEN)/serve/%.c $(GEN)/serve/%.h $(GEN)/serve/%.inc: %.defs $(MIG_SOURCES) | $(call setup,build)
	$(say) MIG $<
	$(quiet)mkdir -p $(@D) && userland/mig/kernel-stubs $(DEFS_FLAGS) \
	    -depfile $(GEN)/serve/$*.d $< $(GEN)/serve/$*.h $(GEN)/serve/$*.c \
	    $(GEN)/serve/$*.inc

# LIBMACH: what is a trap besides has another name as a message.
$(GEN)/user/%.c $(GEN)/user/%.h: %.defs $(MIG_SOURCES) | $(call setup,build)
	$(say) MIG $<
	$(quiet)mkdir -p $(@D) && userland/mig/mig $(DEFS_FLAGS) -DLIBMACH=1 \
	    -depfile $(GEN)/user/$*.d -header $(GEN)/user/$*.h \
	    -user $(GEN)/user/$*.c $<

$(GEN)/server/%.c $(GEN)/server/%.h: %.defs $(MIG_SOURCES) | $(call setup,build)
	$(say) MIG $<
	$(quiet)mkdir -p $(@D) && userland/mig/mig $(DEFS_FLAGS) \
	    -depfile $(GEN)/server/$*.d -sheader $(GEN)/server/$*.h \
	    -server $(GEN)/server/$*.c $<

-include $(KERNEL_STUBS:.c=.d) $(LIBMACH_STUBS:.c=.d)

# ---- stubs of programs ----

STUBS := $(GEN)/stubs
stub_headers = $(foreach d,$(1:.defs=),$(STUBS)/$d.h $(STUBS)/$dServer.h)
stub_sources = $(foreach d,$(1:.defs=),$(STUBS)/$dUser.c $(STUBS)/$dServer.c)

$(STUBS)/%.h $(STUBS)/%Server.h $(STUBS)/%User.c $(STUBS)/%Server.c: %.defs \
	$(MIG_SOURCES) | $(call setup,build)
	$(say) MIG $<
	$(quiet)mkdir -p $(@D) && userland/mig/mig $(DEFS_FLAGS) \
	    -depfile $(STUBS)/$*.d -header $(STUBS)/$*.h \
	    -sheader $(STUBS)/$*Server.h -user $(STUBS)/$*User.c \
	    -server $(STUBS)/$*Server.c $<

# Which programs and tests use which definitions.  What stands beside a file
# under its name is its own; a line "Definitions: FOLDER/NAME.defs" of its head
# comment names another, for who has stubs in common.
DEFINITIONS := $(shell grep -s '^ \* Definitions: ' test/user/*.c \
	test/user/lib/*.c test/unit/*.c userland/bin/*.c | \
	sed 's/: \* Definitions: */=/')
definitions = $(wildcard $(1:.c=.defs)) \
	$(patsubst $(1)=%,%,$(filter $(1)=%,$(DEFINITIONS)))
