#ifndef CMILLRACE_SOCKETS_H
#define CMILLRACE_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Waiting for many sockets at a time, which Swift's Glibc has no names for: epoll. Every call returns -1 where there is
 * no such thing, with errno set to ENOSYS.
 */

/* What there is to know of a socket. */
typedef struct {
  uint64_t key;
  /* Something can be read, the end included. */
  bool is_readable;
  /* The other end has said that nothing more will come, or is gone. */
  bool is_lost;
} millrace_socket_event;

/* A set of sockets; closed by close(). */
int millrace_sockets_create(void);

/* Puts a socket into the set, or changes what is waited for. What is waited for is told once. */
int millrace_sockets_watch(int set, int socket, uint64_t key, bool is_new, bool for_input);

/* A descriptor that a set can be woken by; closed by close(). */
int millrace_sockets_make_alarm(int set, uint64_t key);
void millrace_sockets_ring(int alarm);

/* Waits until there is something to know. Returns how many were told; 0 where it was interrupted. */
int millrace_sockets_wait(int set, millrace_socket_event *events, int capacity);

#endif
