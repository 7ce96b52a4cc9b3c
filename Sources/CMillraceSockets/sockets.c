#define _GNU_SOURCE
#include "CMillraceSockets.h"

#include <errno.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>

int millrace_sockets_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int millrace_sockets_watch(int set, int socket, uint64_t key, bool is_new, bool for_input) {
  struct epoll_event event = {
      .events = EPOLLRDHUP | EPOLLONESHOT | (for_input ? EPOLLIN : 0u),
      .data.u64 = key,
  };
  return epoll_ctl(set, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
}

int millrace_sockets_make_alarm(int set, uint64_t key) {
  int alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (alarm < 0) return -1;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};
  if (epoll_ctl(set, EPOLL_CTL_ADD, alarm, &event) == 0) return alarm;
  close(alarm);
  return -1;
}

void millrace_sockets_ring(int alarm) {
  uint64_t one = 1;
  ssize_t written = write(alarm, &one, sizeof one);
  (void)written;
}

int millrace_sockets_wait(int set, millrace_socket_event *events, int capacity) {
  struct epoll_event told[64];
  int count = epoll_wait(set, told, capacity < 64 ? capacity : 64, -1);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int place = 0; place < count; place++) {
    uint32_t bits = told[place].events;
    events[place].key = told[place].data.u64;
    events[place].is_readable = (bits & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    events[place].is_lost = (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  }
  return count;
}

#else

static int unavailable(void) {
  errno = ENOSYS;
  return -1;
}

int millrace_sockets_create(void) { return unavailable(); }

int millrace_sockets_watch(int set, int socket, uint64_t key, bool is_new, bool for_input) {
  (void)set, (void)socket, (void)key, (void)is_new, (void)for_input;
  return unavailable();
}

int millrace_sockets_make_alarm(int set, uint64_t key) {
  (void)set, (void)key;
  return unavailable();
}

void millrace_sockets_ring(int alarm) { (void)alarm; }

int millrace_sockets_wait(int set, millrace_socket_event *events, int capacity) {
  (void)set, (void)events, (void)capacity;
  return unavailable();
}
#endif
