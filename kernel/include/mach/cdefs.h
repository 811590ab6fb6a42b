/*
 * mach/cdefs.h: what lets these headers be read as C of any age, and as C++.
 *
 * Declarations of functions stand between MACH_BEGIN_DECLS and MACH_END_DECLS.
 * MACH_ABI_ASSERT() is static_assert() where the language has it.
 */
#pragma once

#ifdef __cplusplus
#define MACH_BEGIN_DECLS extern "C" {
#define MACH_END_DECLS	 }
#else
#define MACH_BEGIN_DECLS
#define MACH_END_DECLS
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
#define MACH_ABI_ASSERT(condition, words) static_assert(condition, words)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define MACH_ABI_ASSERT(condition, words) _Static_assert(condition, words)
#else
#define MACH_ABI_ASSERT(condition, words) struct mach_abi_not_asserted
#endif
