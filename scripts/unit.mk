# Host unit tests: kernel files built as ordinary programs, under the address
# and undefined-behaviour sanitisers.
#
# test/unit/test_NAME.c is one program.  A line in its head comment says which
# kernel files it is about, and these are built into it:
#
#     Sources: kernel/zone.c vm/page.c
#
# What they need from elsewhere (panic, the log, a hart) comes from the
# stand-ins of test/unit/host/, whose headers hide those of arch/.

HOST_CC    := gcc
HOST       := $(BUILD)/unit
HOST_FLAGS := -std=gnu17 -O1 -g -MMD -MP -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -fno-common \
	$(WARNINGS) -DCONFIG_DEBUG=1 \
	-Itest/unit/host/include -I. -Itest/unit -Ikernel/include

UNIT_TESTS := $(sort $(wildcard test/unit/test_*.c))
UNIT_PROGRAMS := $(UNIT_TESTS:test/unit/%.c=$(HOST)/%)
HOST_OBJECTS := $(patsubst %,$(HOST)/%.o,$(wildcard test/unit/host/*.c))

unit_sources = $(shell sed -n 's/^.*Sources: *//p' $(1))

$(HOST)/%.c.o: %.c $(BUILD_RULES) scripts/unit.mk | $(call setup,test)
	$(say) HOSTCC $<
	$(quiet)mkdir -p $(@D) && $(HOST_CC) $(HOST_FLAGS) -c $< -o $@

$(HOST)/libhost.a: $(HOST_OBJECTS)
	$(quiet)rm -f $@ && ar rcsD $@ $^

define unit_test
UNIT_OBJECTS += $(HOST)/$(1).o $(patsubst %,$(HOST)/%.o,$(call unit_sources,$(1)))
$(1:test/unit/%.c=$(HOST)/%): $(HOST)/$(1).o \
	$(patsubst %,$(HOST)/%.o,$(call unit_sources,$(1))) $(HOST)/libhost.a
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_test,$t)))

$(UNIT_PROGRAMS):
	$(say) HOSTLD $@
	$(quiet)$(HOST_CC) -fsanitize=address,undefined \
	    $(filter %.o,$^) $(filter %.a,$^) -lcmocka -o $@

.PHONY: unit-build
unit-build: $(UNIT_PROGRAMS)

-include $(patsubst %.o,%.d,$(UNIT_OBJECTS) $(HOST_OBJECTS))
