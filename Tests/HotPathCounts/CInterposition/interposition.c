#define _GNU_SOURCE 1

#include "CInterposition.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// glibc's own names of the functions that are replaced.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static __thread bool counting __attribute__((tls_model("initial-exec")));
static __thread struct interposition_counts counts __attribute__((tls_model("initial-exec")));

void interposition_begin(void) {
    counts = (struct interposition_counts){0};
    counting = true;
}

struct interposition_counts interposition_end(void) {
    counting = false;
    return counts;
}

// MARK: Allocation

void *malloc(size_t size) {
    if (counting) counts.allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    if (counting) counts.allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    if (counting) counts.allocations++;
    return __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (counting) counts.allocations++;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}

// MARK: Reference counting

#define FORWARD(type, name, parameters, arguments, counter)                     \
    type name parameters {                                                      \
        static type(*original) parameters;                                      \
        if (!original) original = (type(*) parameters)dlsym(RTLD_NEXT, #name);  \
        if (counting) counts.counter++;                                         \
        return original arguments;                                              \
    }

FORWARD(void *, swift_retain, (void *object), (object), retains)
FORWARD(void *, swift_retain_n, (void *object, uint32_t n), (object, n), retains)
FORWARD(void *, swift_bridgeObjectRetain, (void *object), (object), retains)
FORWARD(void *, swift_unknownObjectRetain, (void *object), (object), retains)
FORWARD(void, swift_release, (void *object), (object), releases)
FORWARD(void, swift_release_n, (void *object, uint32_t n), (object, n), releases)
FORWARD(void, swift_bridgeObjectRelease, (void *object), (object), releases)
FORWARD(void, swift_unknownObjectRelease, (void *object), (object), releases)

// MARK: Locks

FORWARD(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), locks)
FORWARD(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex), locks)
