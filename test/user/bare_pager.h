/*
 * test/user/bare_pager.h: a memory object, and a thread of the test that is its
 * pager, well behaved or not, with the bare protocol.
 */
#pragma once

#include <mach/memory_object_control.h>
#include <stdatomic.h>

#include "test/user/mach_test.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)

/* What the pager does when it is asked for a page. */
enum manner {
	SUPPLY,
	ZEROS,
	ERROR,
	SLOW,
	SILENT,	   /* says that it is ready, and nothing more */
	MUTE,	   /* not even that */
	TOO_MUCH,  /* gives the four pages from there on */
	ELSEWHERE, /* gives the page behind, and then an error */
	CROOKED,   /* gives memory that is no whole page, then the page */
	LOCKED,	   /* gives it locked against writing */
	REFUSED,   /* does not unlock it either */
	LOCKS,	   /* nor answers to that */
	LENT,	   /* gives it and keeps it */
	DIES,	   /* lets the object's port die */
	GIVES_UP,  /* memory_object_destroy() */
	DROPS,	   /* gives up its right to the control port */
};

/*
 * The object: one at a time.  Its counts rise when what they count is done, the
 * finer ones first: who has seen `returns' rise may look at `dirty' and `kept'.
 */
extern struct object {
	mach_port_t port;
	memory_object_control_t control;
	mach_port_t answers; /* where a lock request's completion may go */
	enum manner manner;
	atomic_uint inits, requests, unlocks, returns, dirty, kept, completed,
	    terminated;
	uint64_t last;	  /* offset asked for */
	uint64_t watched; /* an offset, and how often it was asked for */
	atomic_uint watched_requests;
	char byte; /* the first of what was returned last */
} it;

/* Starts the thread. */
void pager_start(void);

/* The object's messages are received no more; or again. */
void pager_hold(void);
void pager_release(void);

/* Wait, five seconds at most, until @count has become @wanted. */
bool becomes(atomic_uint *count, unsigned wanted);
/* A new object, mapped for reading and writing. */
char *map_new(enum manner manner, boolean_t copy);
/* It goes, and is terminated. */
void unmap(char *at);
/* Reads a byte, as a call that reports errors. */
kern_return_t read_byte(const char *at, char *byte);
/* A lock request: sent, and waited for. */
void request(uint64_t offset, uint64_t size,
    memory_object_return_t should_return, boolean_t flush, vm_prot_t locks);
