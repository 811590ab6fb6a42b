/*
 * kernel/task_ports.h: the rights that a task keeps for others to find: its
 * special ports (mach/task_special_ports.h) and those it registered.
 */
#pragma once
#include "kernel/task.h"

/* A child has its parent's host, bootstrap and access port, and the ports that
 * its parent registered. */
void task_inherit_ports(struct task *parent, struct task *child);
/* The task has ended, and nobody sets any more. */
void task_drop_ports(struct task *task);

/* *@portp: a send right, or NULL.  KERN_INVALID_ARGUMENT: no such port. */
kern_return_t must_check task_get_special(
    struct task *task, uint32_t which, struct port **portp);
/* @port: a send right, consumed on success.  KERN_INVALID_ARGUMENT: no such
 * port, or one that is the kernel's to say. */
kern_return_t must_check task_set_special(
    struct task *task, uint32_t which, struct port *port);

/* The rights at @ports, which are consumed, in the place of those that were
 * registered before. */
void task_register_ports(
    struct task *task, struct port *ports[TASK_PORT_REGISTER_MAX]);
/* Copies of them. */
void task_lookup_ports(
    struct task *task, struct port *ports[TASK_PORT_REGISTER_MAX]);
