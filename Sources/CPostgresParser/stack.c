// Where a thread's stack ends, so that recursion can end before it. PostgreSQL's check_stack_depth() does the same with
// a fixed limit; here a backend may be a thread with a small stack.

#define _GNU_SOURCE 1

#include "CPostgresParser.h"

#include <pthread.h>

// The highest and the lowest address of this thread's stack; 0 before they were asked for.
static __thread uintptr_t stack_base;
static __thread uintptr_t stack_end;

static void find_stack(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
#ifdef __linux__
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
            stack_end = (uintptr_t)lowest;
            stack_base = stack_end + size;
        }
        pthread_attr_destroy(&attributes);
    }
#elif defined(__APPLE__)
    stack_base = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
    stack_end = stack_base - pthread_get_stacksize_np(pthread_self());
#endif
    // Where the system does not say it, what every system gives a thread.
    if (stack_base < here || stack_end > here) {
        stack_base = here;
        stack_end = here - 512 * 1024;
    }
}

bool millrace_stack_has_room(size_t reserve, size_t max_depth) {
    if (stack_base == 0) find_stack();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here >= stack_end + reserve && stack_base - here <= max_depth;
}

size_t millrace_stack_room(size_t max_depth) {
    if (stack_base == 0) find_stack();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    size_t used = stack_base - here;
    size_t left = here > stack_end ? here - stack_end : 0;
    size_t allowed = max_depth > used ? max_depth - used : 0;
    return left < allowed ? left : allowed;
}
