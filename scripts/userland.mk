# The programs, the libraries they share, and the boot archive that carries
# them: $(ARCHIVE), a cpio that the machine's firmware passes to the kernel.
#
# A program is one file userland/bin/NAME.c, or a folder userland/bin/NAME/ or
# userland/NAME/ for those of USER_SERVERS; test/user/NAME.c becomes test/NAME
# and test/samples/NAME.c sample/NAME.

USER_SERVERS := bootstrap console default_pager file_pager memory_pager sh bench

# The readers of archives and programs that the first task has in common with
# the kernel.
bootstrap_SHARED := kernel/arguments.c kernel/boot_archive.c kernel/elf.c
file_pager_SHARED := kernel/boot_archive.c

# The interfaces that they serve, besides those in their folders.
bootstrap_SERVES := $(addprefix userland/include/servers/,\
	bootstrap.defs bootstrap_programs.defs)
console_SERVES   := userland/include/servers/console.defs
file_pager_SERVES := userland/include/servers/files.defs
memory_pager_SERVES := userland/include/servers/memory_pager.defs

ARCHIVE      := $(BUILD)/archive.cpio
U            := $(BUILD)/user

USER_FLAGS := -std=gnu17 -O2 -g -MMD -MP \
	-march=rv64gc -mabi=lp64d -mcmodel=medany -mstrict-align \
	-msmall-data-limit=0 -fno-common -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	--specs=picolibc.specs $(WARNINGS) \
	-I. -Iuserland/include -Ikernel/include -I$(GEN) -I$(STUBS)

# No relaxation to gp: programs leave that register to the kernel.
# picolibc as built for speed: the other one copies and clears byte by byte.
USER_LINK := $(CC) --specs=picolibc.specs -march=rv64gc -mabi=lp64d \
	--picolibc-buildtype=release \
	-nostartfiles -nodefaultlibs -static -no-pie \
	-T userland/libc/program.ld -Wl,--gc-sections -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--fatal-warnings

# How programs are compiled, for those tests that compile some.
$(U)/flags: $(BUILD_RULES)
	$(quiet)mkdir -p $(@D) && echo '$(CC) $(USER_FLAGS)' >$@

# Samples are written as elsewhere: nothing of this tree but its headers, and
# no warning from them.
SAMPLE_FLAGS := $(filter-out -I.,$(USER_FLAGS)) -Wpedantic \
	-Wno-strict-prototypes -Wno-missing-prototypes
SAMPLE_CXXFLAGS := $(filter-out -std=% -W%-prototypes \
	-Wshadow,$(SAMPLE_FLAGS)) -Wno-missing-field-initializers -std=c++17 \
	-fno-exceptions -fno-rtti -fno-threadsafe-statics

objects = $(patsubst %,$(U)/%.o,$(sort $(wildcard $(1))))

$(U)/test/samples/%.c.o: test/samples/%.c $(BUILD_RULES) | $(call setup,build)
	$(say) CC $<
	$(quiet)mkdir -p $(@D) && $(CC) $(SAMPLE_FLAGS) -c $< -o $@

$(U)/test/samples/%.cc.o: test/samples/%.cc $(BUILD_RULES) | $(call setup,build)
	$(say) C++ $<
	$(quiet)mkdir -p $(@D) && $(CC) $(SAMPLE_CXXFLAGS) -c $< -o $@

$(U)/%.c.o: %.c $(BUILD_RULES) | $(call setup,build)
	$(say) CC $<
	$(quiet)mkdir -p $(@D) && $(CC) $(USER_FLAGS) -c $< -o $@

$(U)/%.S.o: %.S $(BUILD_RULES) | $(call setup,build)
	$(say) AS $<
	$(quiet)mkdir -p $(@D) && $(CC) $(USER_FLAGS) -c $< -o $@

# ---- libraries ----

CRT0          := $(U)/userland/libc/crt0.S.o
LIBC_OBJECTS  := $(filter-out $(CRT0),$(call objects,userland/libc/*.[cS]))
LIBMACH_OBJECTS := $(call objects,userland/libmach/*.[cS]) \
	$(LIBMACH_STUBS:%=$(U)/%.o)
$(LIBMACH_OBJECTS): | $(LIBMACH_STUB_HEADERS)
$(U)/test/user/malformed.c.o: | $(KERNEL_STUB_HEADERS)
LIBTEST_OBJECTS := $(call objects,test/user/lib/*.[cS])

$(U)/libsys.a: $(LIBC_OBJECTS)
$(U)/libmach.a: $(LIBMACH_OBJECTS)
$(U)/libtest.a: $(LIBTEST_OBJECTS)
$(U)/lib%.a: | $(call setup,build)
	$(say) AR $@
	$(quiet)mkdir -p $(@D) && rm -f $@ && $(CROSS)ar rcsD $@ $^

# The C library calls our glue and the glue calls the C library.
USER_LIBRARIES := $(U)/libmach.a $(U)/libsys.a
USER_ARCHIVES   = -Wl,--start-group $(filter %.a,$^) -lc -lgcc -Wl,--end-group

# ---- programs ----

PROGRAMS :=

# $(call program,NAME,OBJECTS,MORE LIBRARIES,DEFINITIONS)
define program
PROGRAMS += $(U)/programs/$(1)
USER_OBJECTS += $(2)
USER_DEFINITIONS += $(4)
$(2): | $(LIBMACH_STUB_HEADERS) $(call stub_headers,$(4))
$(U)/programs/$(1): $(CRT0) $(2) $(3) $(4:%.defs=$(U)/stubs/%.a) \
	$(USER_LIBRARIES) userland/libc/program.ld
endef

$(foreach p,$(USER_SERVERS),$(if $(wildcard userland/$p/*.c),\
	$(eval $(call program,$p,$(call objects,userland/$p/*.[cS] $($p_SHARED)),,\
	$(wildcard userland/$p/*.defs) $($p_SERVES)))))
$(foreach f,$(sort $(wildcard userland/bin/*.c)),\
	$(eval $(call program,$(basename $(notdir $f)),$(call objects,$f),,\
	$(call definitions,$f))))
$(foreach d,$(sort $(wildcard userland/bin/*/)),\
	$(eval $(call program,$(notdir $(d:/=)),$(call objects,$d*.[cS]),,\
	$(wildcard $d*.defs))))
$(foreach f,$(sort $(wildcard test/user/*.c)),\
	$(eval $(call program,test/$(basename $(notdir $f)),$(call objects,$f),\
	$(U)/libtest.a,$(call definitions,$f))))
$(foreach f,$(sort $(wildcard test/samples/*.c test/samples/*.cc)),\
	$(eval $(call program,sample/$(basename $(notdir $f)),$(call objects,$f))))
# The programs of pages are taken from them: sample/PAGE_NAME.
# $(call examples,PAGE)
define examples
.PRECIOUS: $(BUILD)/examples/$(1)_%.c
$(BUILD)/examples/$(1)_%.c: docs/$(1).md scripts/extract-example
	$$(quiet)mkdir -p $$(@D) && scripts/extract-example $$< $$* >$$@
$(foreach e,$(shell scripts/extract-example docs/$(1).md),$(eval \
	$(call program,sample/$(1)_$e,$(U)/examples/$(1)_$e.o)))
endef
$(U)/examples/%.o: $(BUILD)/examples/%.c $(BUILD_RULES) | $(call setup,build)
	$(say) CC 'an example: $*'
	$(quiet)mkdir -p $(@D) && $(CC) $(SAMPLE_FLAGS) -c $< -o $@
$(foreach p,ipc memory,$(eval $(call examples,$p)))

$(eval $(call program,soak,$(call objects,test/soak/*.c),$(U)/libtest.a))

$(PROGRAMS):
	$(say) LD $@
	$(quiet)mkdir -p $(@D) && \
	    $(USER_LINK) $(filter %.o,$^) $(USER_ARCHIVES) -o $@

# A program's stubs are a library: it takes the side that it is on.
PROGRAM_STUBS := $(sort $(USER_DEFINITIONS))
.SECONDARY: $(call stub_sources,$(PROGRAM_STUBS)) $(call stub_headers,$(PROGRAM_STUBS))
$(foreach d,$(PROGRAM_STUBS),$(eval \
	$(d:%.defs=$(U)/stubs/%.a): $(patsubst %,$(U)/%.o,$(call stub_sources,$d))))
$(U)/stubs/%.a: | $(call setup,build)
	$(say) AR $@
	$(quiet)mkdir -p $(@D) && rm -f $@ && $(CROSS)ar rcsD $@ $^

$(LIBTEST_OBJECTS): | $(LIBMACH_STUB_HEADERS) $(foreach f,$(wildcard test/user/lib/*.c),\
	$(call stub_headers,$(call definitions,$f)))

$(U)/userland/bench/%.o: USER_FLAGS += -DBATON_REVISION='"$(REVISION)"'
$(patsubst %,$(U)/%.o,$(wildcard userland/bench/*.c)): $(BUILD)/revision

# ---- the boot archive ----

$(ARCHIVE): $(PROGRAMS) userland/manifest scripts/mkarchive | $(call setup,build)
	$(say) CPIO $@
	$(quiet)scripts/mkarchive $@ userland/manifest $(U)/programs \
	    $(PROGRAMS:$(U)/programs/%=%)

-include $(PROGRAM_STUBS:%.defs=$(STUBS)/%.d)
-include $(patsubst %.o,%.d,$(USER_OBJECTS) $(LIBC_OBJECTS) \
	$(LIBMACH_OBJECTS) $(LIBTEST_OBJECTS) $(CRT0) \
	$(patsubst %,$(U)/%.o,$(call stub_sources,$(PROGRAM_STUBS))))
